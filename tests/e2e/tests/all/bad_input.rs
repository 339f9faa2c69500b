//! Wrong configuration, missing files, impossible names: a clear message with a code, a refusal,
//! nothing lost, and the next login works once it is mended.

use std::io::Write;
use std::os::unix::fs::PermissionsExt;
use std::os::unix::net::UnixStream;
use std::process::Command;

use wardkey_e2e::process::{run, wait_for};
use wardkey_e2e::terminal::{AGENT_SOCKET, KEY_SOCKET, SERVICE};
use wardkey_e2e::{Login, Terminal, Ward, audit, paths};

fn unavailable(what: &str, code: u16) {
    let ended = Login::of("hanako").run();
    assert_eq!(
        ended.result("authenticate").as_deref(),
        Some("PAM_AUTHINFO_UNAVAIL"),
        "{what}: {ended:?}"
    );
    assert!(ended.secret_prompts().is_empty(), "{what}: {ended:?}");
    assert_eq!(ended.codes().last(), Some(&code), "{what}: {ended:?}");
}

#[test]
fn wrong_configuration_of_the_module_names_file_line_key_and_fix() {
    let _ward = Ward::ready();
    let path = "/etc/wardkey/pam.toml";
    for (what, text, named) in [
        ("unknown key", "nouserok = true\n", "nouserok"),
        ("wrong type", "system_uid_max = \"many\"\n", "system_uid_max"),
        ("not TOML", "language = \n", "pam.toml:2:"),
        ("wrong language", "language = \"fr\"\n", "language"),
    ] {
        Terminal::configure_module(text);
        unavailable(what, 1308);
        wait_for(&format!("{what} in the log"), std::time::Duration::from_secs(60), || {
            audit::lines()
                .iter()
                .any(|line| line.contains(path) && line.contains(named))
                .then_some(())
        });
    }
    Terminal::configure_module("");
    std::fs::set_permissions(path, std::fs::Permissions::from_mode(0o666)).unwrap();
    unavailable("writable by others", 1308);
    std::fs::set_permissions(path, std::fs::Permissions::from_mode(0o644)).unwrap();
    run(Command::new("chown").args(["2001", path]), true);
    unavailable("not root's", 1308);
    // Root is left alone also now: the administrator gets in and mends it.
    let root = Login::at(SERVICE, "root").answer("whatever").run();
    assert_eq!(root.codes(), Vec::<u16>::new(), "{root:?}");
    run(Command::new("chown").args(["0", path]), true);
    Login::of("hanako").run().expect_in();
}

#[test]
fn missing_or_foreign_trust_anchor_lets_nobody_in() {
    let _ward = Ward::ready();
    let path = "/etc/wardkey/anchor.toml";
    let right = std::fs::read_to_string(path).unwrap();
    std::fs::remove_file(path).unwrap();
    unavailable("missing", 1109);
    std::fs::write(path, "root_key = \"00\"\n").unwrap();
    unavailable("cut short", 1109);
    // A root key of somebody else: what the agent shows does not lead from it.
    let foreign: String = right
        .lines()
        .map(|line| {
            if line.starts_with("root_key") {
                format!("root_key = \"{}\"\n", "11".repeat(32))
            } else {
                format!("{line}\n")
            }
        })
        .collect();
    std::fs::write(path, foreign).unwrap();
    let ended = Login::of("hanako").run();
    assert!(!ended.is_in() && ended.codes().last() == Some(&1101), "{ended:?}");
    std::fs::write(path, right).unwrap();
    Login::of("hanako").run().expect_in();
}

#[test]
fn unreadable_marks_refuse_and_missing_ones_begin_anew() {
    let _ward = Ward::ready();
    Login::of("hanako").run().expect_in();
    let path = "/var/lib/wardkey-marks/marks";
    assert!(std::path::Path::new(path).exists());
    std::fs::write(path, b"garbage").unwrap();
    let ended = Login::of("hanako").run();
    assert!(!ended.is_in() && ended.codes().last() == Some(&1110), "{ended:?}");
    std::fs::remove_file(path).unwrap();
    Login::of("hanako").run().expect_in();
}

#[test]
fn names_that_cannot_be_are_refused_like_unknown_ones_and_never_logged() {
    let _ward = Ward::ready();
    for name in ["HANAKO", "hanako\n", "hanako:x", "../hanako", "31415926"] {
        let ended = Login::of(name).run();
        assert!(!ended.is_in(), "{name:?}: {ended:?}");
    }
    // A PIN typed into the name's field stays out of every record.
    let lines = audit::lines().join("\n");
    assert!(!lines.contains("31415926") && !lines.contains("hanako:x"), "{lines}");
}

#[test]
fn a_wrong_configuration_of_agent_and_server_says_what_to_mend() {
    let mut ward = Ward::ready();
    ward.terminal.stop_agent();
    Terminal::configure_agent("heartbeat_seconds = 5\nserver_url = \"x\"\n");
    let output = run(
        Command::new(paths::binary("wardkey-agent")).args(["--config", "/etc/wardkey/agent.toml"]),
        false,
    );
    let text = String::from_utf8_lossy(&output.stderr).into_owned();
    assert!(!output.status.success());
    assert!(
        text.contains("/etc/wardkey/agent.toml")
            && text.contains("server_url")
            && text.contains('2'),
        "{text}"
    );
    Terminal::configure_agent("");
    ward.terminal.start_agent();
    Login::of("hanako").run().expect_in();

    std::fs::write("/etc/wardkey/wrong.toml", "listen = [\"127.0.0.1:1\"]\nhead_second = 5\n")
        .unwrap();
    let output = run(
        Command::new(paths::binary("wardkey-server")).args([
            "--config",
            "/etc/wardkey/wrong.toml",
            "run",
        ]),
        false,
    );
    let text = String::from_utf8_lossy(&output.stderr).into_owned();
    assert_eq!(output.status.code(), Some(3), "{text}");
    assert!(
        text.contains("/etc/wardkey/wrong.toml")
            && text.contains("head_second")
            && text.contains("line 2"),
        "{text}"
    );
}

#[test]
fn huge_and_truncated_frames_cost_nothing() {
    let ward = Ward::ready();
    for socket in [AGENT_SOCKET, KEY_SOCKET] {
        for bytes in [
            &[0xff_u8, 0xff, 0xff, 0xff][..],
            &[0, 0, 0, 0],
            &[0, 0, 0, 9, 1],
            &[0, 0, 0, 4, 0x9f, 0x9f, 0x9f, 0x9f],
            &[0, 0, 0, 3, 0x82, 0x18, 0xff],
        ] {
            let mut stream = UnixStream::connect(socket).unwrap();
            let _ = stream.write_all(bytes);
        }
        // Connections that say nothing, more than are served at a time, then go away.
        let silent: Vec<_> = (0..100).filter_map(|_| UnixStream::connect(socket).ok()).collect();
        drop(silent);
    }
    Login::of("hanako").run().expect_in();
    assert!(ward.terminal.status()["terminal"].is_string());
}

#[test]
fn join_and_enrollment_refuse_what_is_wrong_and_can_be_tried_again() {
    let ward = Ward::ready();
    let output =
        ward.terminal.wardkey(&["join", "--server", wardkey_e2e::server::URL, "--token", "AAAA"]);
    assert!(!output.status.success());
    assert!(String::from_utf8_lossy(&output.stderr).contains("WK-1503"), "{output:?}");
    let output = ward.terminal.wardkey_with(
        &["--lang", "en", "enroll", "--code", "AAAA-BBBB-CCCC"],
        &format!("{}\n", wardkey_e2e::PIN),
    );
    assert!(!output.status.success());
    let text = String::from_utf8_lossy(&output.stderr).into_owned()
        + &String::from_utf8_lossy(&output.stdout);
    assert!(text.contains("WK-1506"), "{text}");
    Login::of("hanako").run().expect_in();
}
