//! One rule for programs: with `--json` a result is one line on standard output and an error one
//! line on standard error, of one shape, with the exit status of the table.
//!
//! The commands are those that clap knows: one that is new fails here until it has its lines.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing)]

mod common;

use std::collections::BTreeSet;
use std::process::{Command, Output};

use common::{Deployment, Machine, key_info, keys, scope, status};
use serde_json::Value;
use wardkey_core::codec::List;
use wardkey_core::message::agent::{Reply, Request};

/// For each command its arguments, and how it ends where neither agent nor key process is there and
/// nothing is configured.
const ALONE: &[(&str, &str, u8)] = &[
    ("status", "", 3),
    ("who", "", 3),
    ("try", "nobody", 1),
    ("sync", "", 3),
    ("join", "--server https://s --token TOKEN --anchor DIR/anchor.toml --marks DIR/marks", 3),
    ("enroll", "--code ABCD-EFGH", 3),
    ("enroll-console enable", "", 3),
    ("enroll-console disable", "", 0),
    ("enroll-console status", "", 0),
    ("enroll-console run", "", 1),
    ("enable", "", 3),
    ("disable", "", 0),
    ("doctor", "", 1),
    ("config check", "--pam DIR/pam.toml --agent DIR/agent.toml", 3),
    ("config edit", "", 1),
    ("key list", "", 3),
    ("key change-pin", "", 3),
];

fn commands() -> BTreeSet<String> {
    fn leaves(command: &clap::Command, path: &str, all: &mut BTreeSet<String>) {
        if !command.has_subcommands() {
            all.insert(path.to_owned());
        }
        for sub in command.get_subcommands() {
            leaves(sub, format!("{path} {}", sub.get_name()).trim(), all);
        }
    }
    let mut all = BTreeSet::new();
    leaves(&wardkey_cli::command(), "", &mut all);
    all
}

fn is_japanese(text: &str) -> bool {
    text.chars().any(|c| matches!(c, '\u{3040}'..='\u{30ff}' | '\u{4e00}'..='\u{9fff}'))
}

fn is_error(what: &str, json: &Value) {
    assert_eq!(json.as_object().unwrap().keys().collect::<Vec<_>>(), ["error"], "{what}");
    let error = &json["error"];
    let (code, number) = (error["code"].as_str().unwrap(), error["number"].as_u64().unwrap());
    assert_eq!(code, format!("WK-{number}"), "{what}");
    let (en, ja) = (error["message"].as_str().unwrap(), error["message_ja"].as_str().unwrap());
    assert!(!en.is_empty() && !is_japanese(en), "{what}: {en}");
    assert!(is_japanese(ja), "{what}: {ja}");
}

#[test]
fn every_command_has_its_lines_here() {
    let named: BTreeSet<String> = ALONE.iter().map(|(path, ..)| (*path).to_owned()).collect();
    assert_eq!(named, commands());
}

#[test]
fn every_command_says_in_one_shape_that_something_is_missing() {
    for (path, args, status) in ALONE {
        let args = args.replace("TOKEN", &Deployment::new(1).token());
        for language in ["ja", "en"] {
            let machine = Machine::new();
            let line = format!("--json --lang {language} {path} {args}");
            let ran = machine.run(line.trim(), &[], false, *path != "config edit");
            assert_eq!(ran.exit, *status, "{path}: {}{}", ran.out, ran.errors);
            // One line, on the stream of its kind.
            let json = ran.json();
            match (*path, status) {
                // What it found is its result.
                ("doctor", _) => assert!(json["open"].is_u64(), "{json}"),
                ("try", _) => assert_eq!(json["end"], "refused", "{json}"),
                (_, 0) => assert!(json.is_object(), "{json}"),
                _ => is_error(path, &json),
            }
        }
    }
}

#[test]
fn every_command_that_only_asks_answers_in_one_line() {
    let machine = Machine::new();
    machine.agent(|request| match request {
        Request::Status => vec![Reply::Status(Box::new(status()))],
        Request::Who => vec![Reply::Sessions(List::default())],
        Request::Sync => vec![Reply::Synced(List::new(vec![scope()]).unwrap())],
        other => panic!("{other:?}"),
    });
    machine.key(|_| vec![keys(vec![key_info(true, 8)])]);
    for line in ["status", "who", "sync", "key list", "key info"] {
        let ran = machine.run(&format!("--json {line}"), &[], false, true);
        assert_eq!(ran.exit, 0, "{line}: {}", ran.errors);
        assert!(ran.json().is_object() && !ran.out.is_empty(), "{line}: {}", ran.out);
    }
}

fn program(words: &[&str]) -> Output {
    let mut command = Command::new(env!("CARGO_BIN_EXE_wardkey"));
    command.args(words).env("LC_ALL", "ja_JP.UTF-8").stdin(std::process::Stdio::null());
    command.output().unwrap()
}

#[test]
fn every_command_says_a_usage_error_in_that_shape_and_to_people_with_where_to_look() {
    let text = |bytes: &[u8]| String::from_utf8(bytes.to_vec()).unwrap();
    for path in commands().iter().map(String::as_str).chain(["nonsense", "key", "config"]) {
        let words: Vec<&str> = path.split(' ').chain(["--no-such-option"]).collect();
        let output = program(&[&["--json"], words.as_slice()].concat());
        assert_eq!(
            (output.status.code(), text(&output.stdout)),
            (Some(2), String::new()),
            "{path}"
        );
        let line = text(&output.stderr);
        assert_eq!(line.lines().count(), 1, "{path}: {line}");
        is_error(path, &serde_json::from_str(&line).unwrap());

        let output = program(&words);
        let said = text(&output.stderr);
        assert_eq!(output.status.code(), Some(2), "{path}: {said}");
        assert!(said.contains("使い方: wardkey") && said.contains("(WK-1516)"), "{path}: {said}");
        let output = program(&[&["--lang", "en"], words.as_slice()].concat());
        let said = text(&output.stderr);
        assert!(said.contains("See: wardkey") && !is_japanese(&said), "{path}: {said}");
    }
    let output = program(&["--json"]);
    assert_eq!(output.status.code(), Some(2));
    is_error("nothing", &serde_json::from_slice(&output.stderr).unwrap());
    // Without it the commands are shown.
    assert!(text(&program(&[]).stderr).contains("使い方: wardkey"));
}

#[test]
fn arguments_that_are_not_utf8_are_a_usage_error() {
    use std::os::unix::ffi::OsStrExt;
    let word = std::ffi::OsStr::from_bytes(b"\xff");
    let mut command = Command::new(env!("CARGO_BIN_EXE_wardkey"));
    let output = command.args(["join", "--json", "--server"]).arg(word).output().unwrap();
    assert_eq!(output.status.code(), Some(2));
    is_error("not UTF-8", &serde_json::from_slice(&output.stderr).unwrap());
}
