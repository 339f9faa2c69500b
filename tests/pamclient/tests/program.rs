//! The program as tests of the product use it.

mod common;

use std::fs;
use std::io::{BufRead, BufReader, Write};
use std::os::unix::process::ExitStatusExt;
use std::path::Path;
use std::process::{Command, Output, Stdio};
use std::thread;
use std::time::Duration;

use serde_json::Value;

fn client(folder: &Path, service: &str, options: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_wardkey-pamclient"));
    command
        .arg("--confdir")
        .arg(folder)
        .args(["--service", service])
        .args(options)
        .stdin(Stdio::null());
    command
}

fn lines(output: &Output) -> Vec<Value> {
    let text = str::from_utf8(&output.stdout).unwrap();
    text.lines().map(|line| serde_json::from_str(line).unwrap()).collect()
}

fn events(output: &Output) -> Vec<String> {
    lines(output).iter().map(|line| line["event"].as_str().unwrap().to_owned()).collect()
}

#[test]
fn exit_status_says_what_happened() {
    let folder = common::services();
    let table: [(&str, &[&str], i32); 12] = [
        ("permit", &["--user", "root"], 0),
        ("deny", &["--user", "root"], 1),
        ("noaccount", &["--user", "root"], 1),
        ("noaccount", &["--user", "root", "--no-account", "--no-setcred"], 0),
        ("absent", &[], 2),
        ("permit", &["--kill-at", "never"], 2),
        ("permit", &["--interactive"], 2),
        ("pin", &["--user", "root"], 3),
        ("pin", &["--user", "root", "--answer", "1234"], 0),
        ("pin", &["--user", "root", "--on", "assword=1234", "--silent"], 0),
        ("pin", &["--user", "root", "--on", "login=1234"], 3),
        ("pin", &["--user", "root", "--answer", "1234", "--greeter", "conv-err"], 1),
    ];
    for (service, options, status) in table {
        let output = client(folder.path(), service, options).output().unwrap();
        assert_eq!(output.status.code(), Some(status), "{service} {options:?} {output:?}");
    }
}

#[test]
fn lines_tell_each_step_and_no_secret() {
    let folder = common::services();
    let options = ["--user", "root", "--answer", "1234", "--answer", "left"];
    let output = client(folder.path(), "pin", &options).output().unwrap();
    let steps = ["message", "answered", "message", "result", "user", "result", "result", "end"];
    assert_eq!(events(&output), steps);
    let lines = lines(&output);
    assert_eq!(
        (&lines[0]["style"], &lines[2]["style"]),
        (&"prompt_echo_off".into(), &"info".into())
    );
    let calls: Vec<_> = lines.iter().filter_map(|line| line["call"].as_str()).collect();
    assert_eq!(calls, ["authenticate", "acct_mgmt", "setcred"]);
    assert_eq!(lines[3]["name"], "PAM_SUCCESS");
    assert_eq!(lines[7]["authenticated"], true);
    assert_eq!(lines[7]["answers_left"], 1);
    let stamps: Vec<_> = lines.iter().filter_map(|line| line["at_us"].as_u64()).collect();
    assert!(stamps.len() == 6 && stamps.is_sorted(), "{stamps:?}");
    assert!(!String::from_utf8_lossy(&output.stdout).contains("1234"));
}

#[test]
fn repeat_runs_fresh_transactions() {
    let folder = common::services();
    let options = ["--user", "root", "--answer", "1234", "--repeat", "3"];
    let output = client(folder.path(), "pin", &options).output().unwrap();
    assert_eq!(output.status.code(), Some(0));
    let runs: Vec<_> = lines(&output).iter().filter_map(|line| line["run"].as_u64()).collect();
    assert_eq!(runs, [1, 2, 3]);
}

#[test]
fn kill_at_dies_where_it_says() {
    let folder = common::services();
    common::write(folder.path(), "slow", "auth required pam_exec.so expose_authtok /bin/sleep 1\n");
    let table: [(&str, &str, &[&str]); 3] = [
        ("pin", "prompt", &["message"]),
        ("info", "info", &["message"]),
        ("slow", "after-answer:20", &["message", "answered"]),
    ];
    for (service, when, expected) in table {
        let options = ["--user", "root", "--answer", "1234", "--kill-at", when];
        let output = client(folder.path(), service, &options).output().unwrap();
        assert_eq!(output.status.signal(), Some(9), "{when}");
        assert_eq!(events(&output), expected, "{when}");
    }
}

#[test]
fn the_answer_waits_for_the_file() {
    let folder = common::services();
    let gate = folder.path().join("gate");
    let options = ["--user", "root", "--answer", "1234", "--wait-file", gate.to_str().unwrap()];
    let child = client(folder.path(), "pin", &options).stdout(Stdio::piped()).spawn().unwrap();
    let asked = folder.path().join("gate.asked");
    for _ in 0..12_000 {
        if asked.exists() {
            break;
        }
        thread::sleep(Duration::from_millis(5));
    }
    assert!(asked.exists());
    thread::sleep(Duration::from_millis(100));
    fs::write(&gate, "").unwrap();
    let output = child.wait_with_output().unwrap();
    assert_eq!(output.status.code(), Some(0));
    assert!(between(&output) >= 100_000, "answered before it was allowed");
}

#[test]
fn delay_answer_dawdles() {
    let folder = common::services();
    let options = ["--user", "root", "--answer", "1234", "--delay-answer", "150"];
    let output = client(folder.path(), "pin", &options).output().unwrap();
    assert!(between(&output) >= 150_000);
}

/// Microseconds from the question to the answer.
fn between(output: &Output) -> u64 {
    let lines = lines(output);
    lines[1]["at_us"].as_u64().unwrap() - lines[0]["at_us"].as_u64().unwrap()
}

#[test]
fn a_driver_can_answer_when_it_sees_the_question() {
    let folder = common::services();
    let mut child =
        client(folder.path(), "pin", &["--user", "root", "--answers-from-stdin", "--repeat", "2"])
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
    let mut input = child.stdin.take().unwrap();
    let mut authenticated = Vec::new();
    for line in BufReader::new(child.stdout.take().unwrap()).lines() {
        let line: Value = serde_json::from_str(&line.unwrap()).unwrap();
        if line["style"] == "prompt_echo_off" {
            input.write_all(if authenticated.is_empty() { b"1234\n" } else { b"4321\n" }).unwrap();
        }
        authenticated.extend(line["authenticated"].as_bool());
    }
    assert_eq!(authenticated, [true, false]);
    assert_eq!(child.wait().unwrap().code(), Some(1));
}

#[test]
fn uid_leaves_nothing_of_root() {
    if !nix::unistd::geteuid().is_root() {
        return;
    }
    let folder = common::services();
    let script = "#!/bin/sh\nid -u; id -g; id -G\n";
    fs::write(folder.path().join("who"), script).unwrap();
    let stack =
        format!("auth required pam_exec.so stdout /bin/sh {}/who\n", folder.path().display());
    common::write(folder.path(), "who-am-i", &stack);
    fs::set_permissions(folder.path(), std::os::unix::fs::PermissionsExt::from_mode(0o755))
        .unwrap();
    let bin = folder.path().join("client");
    // The target folder may be closed to other users.
    fs::copy(env!("CARGO_BIN_EXE_wardkey-pamclient"), &bin).unwrap();
    let output = Command::new(&bin)
        .args([
            "--service",
            "who-am-i",
            "--user",
            "root",
            "--uid",
            "4242",
            "--no-account",
            "--confdir",
        ])
        .arg(folder.path())
        .output()
        .unwrap();
    let texts: Vec<_> = lines(&output)
        .iter()
        .filter(|line| line["style"] == "info")
        .map(|line| line["text"].clone())
        .collect();
    assert_eq!(texts, ["4242", "4242", "4242"], "{output:?}");
}
