//! `wardkey status`, `sync`, `key info`: forms for people and programs; whom the sockets must
//! belong to; exit codes of the program itself.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing)]

mod common;

use std::os::unix::fs::PermissionsExt;
use std::process::Command;

use clap::Parser;
use common::{Machine, key_info, keys, scope, status};
use serde_json::json;
use wardkey_core::code::Code;
use wardkey_core::codec::List;
use wardkey_core::message::agent::{self, Refusal, Reply, Request};
use wardkey_core::message::key::{self, KeyInfo};
use wardkey_core::time::UnixTime;

fn scope_json() -> serde_json::Value {
    json!({
        "scope": "ward3", "epoch": 1, "seq": 25, "people": 120,
        "issued": 990_000, "expires": 999_999,
    })
}

#[test]
fn status_for_people_and_programs() {
    let machine = Machine::new();
    machine.agent(|request| match request {
        Request::Status => vec![Reply::Status(Box::new(status()))],
        other => panic!("{other:?}"),
    });
    let ran = machine.run("status --json", &[], false, false);
    assert_eq!(ran.exit, 0);
    assert_eq!(
        ran.json(),
        json!({
            "version": "0.1.0", "terminal": "05".repeat(16), "terminal_name": "病棟3-1",
            "server": "https://wardkey.example:8443", "connected": false, "last_contact": 999_000,
            "last_error": "timed\nout", "last_error_code": null, "scopes": [scope_json()],
            "events_waiting": 3, "destinations": null, "logins": 1,
            "now": 1_000_000, "keys": 2, "in_memory": null, "clock_ahead": null, "log": null,
            "active": true,
            "awaiting_approval": false, "configuration_faults": 0, "enroll_console": false,
            "profile": {
                "state": "disabled", "enabled": false, "confirm_before": null,
                "ways_in_open": null, "other_secrets": null, "undone_unconfirmed": null,
            },
        })
    );
    let ran = machine.run("status", &[], false, false);
    assert_eq!(
        ran.out,
        "Terminal: 病棟3-1 (05050505050505050505050505050505)\n\
         Server: https://wardkey.example:8443 (not connected)\n\
         Last contact: 1970-01-12 13:30:00 UTC (16 min ago)\n\
         Last error: timed?out\n\
         Directory: ward3 1.25, 120 people, expires 1970-01-12 13:46:39 UTC (expired)\n\
         Events waiting: 3\nLogins under way: 1\nKeys plugged in: 2\n\
         Time: 1970-01-12 13:46:40 UTC\nVersion: 0.1.0\nLogins with keys: disabled\n"
    );
    let ran = machine.run("status --lang ja", &[], false, false);
    assert!(ran.out.starts_with("端末: 病棟3-1 ("), "{}", ran.out);
    assert!(
        ran.out.contains("名簿: ward3 1.25、120 人、期限 1970-01-12 13:46:39 UTC（期限切れ）\n"),
        "{}",
        ran.out
    );
}

#[test]
fn what_waits_for_each_destination_is_said_with_its_age_and_why() {
    let machine = Machine::new();
    let siem = agent::DestinationStatus {
        name: "tls siem.example.org:6514".into(),
        waiting: 7,
        since: Some(UnixTime(1_000_000 - 7200)),
        last_error: Some("without\nclose_notify".into()),
        failed: Some(UnixTime(999_990)),
        code: Some(1421),
        system: Some("as the\nsystem says".into()),
    };
    let syslog = agent::DestinationStatus {
        name: "syslog".into(),
        waiting: 0,
        since: None,
        last_error: None,
        failed: None,
        code: None,
        system: None,
    };
    let all = wardkey_core::codec::List::new(vec![syslog, siem]).unwrap();
    let status = agent::Status {
        destinations: Some(all),
        last_code: Some(1501),
        last_system: Some("No route to host (os error 113)".into()),
        ..status()
    };
    machine.agent(move |_| vec![Reply::Status(Box::new(status.clone()))]);
    let json = machine.run("status --json", &[], false, false).json();
    assert_eq!(
        json["destinations"],
        json!([
            {"name": "syslog", "waiting": 0, "since": null, "last_error": null,
             "last_error_code": null, "failed": null},
            {"name": "tls siem.example.org:6514", "waiting": 7, "since": 992_800,
             "last_error": "without\nclose_notify", "last_error_code": "WK-1421",
             "failed": 999_990},
        ])
    );
    let text = machine.run("status", &[], false, false).out;
    assert!(text.contains("Records for syslog: 0 waiting\n"), "{text}");
    let line = "Records for tls siem.example.org:6514: 7 waiting, the oldest for 2 h; \
                last error: without?close_notify\n";
    assert!(text.contains(line), "{text}");
    let text = machine.run("status --lang ja", &[], false, false).out;
    assert!(text.contains("syslog への記録: 送信待ち 0 件\n"), "{text}");
    assert!(text.contains("送信待ち 7 件、最も古いものは 2 時間前、最後のエラー: 収集"), "{text}");
    // What the agent says in English is said in Japanese; what the system says stays.
    assert!(text.contains(" (WK-1421): as the?system says\n"), "{text}");
    assert!(text.contains(" (WK-1501): No route to host (os error 113)\n"), "{text}");
    assert!(!text.contains("without") && !text.contains("timed"), "{text}");
}

#[test]
fn a_clock_that_is_ahead_and_records_in_memory_are_warned_of() {
    let machine = Machine::new();
    let status = agent::Status {
        connected: true,
        in_memory: Some(7),
        clock_ahead: Some(864_000),
        ..status()
    };
    machine.agent(move |_| vec![Reply::Status(Box::new(status.clone()))]);
    let json = machine.run("status --json", &[], false, false).json();
    assert_eq!((&json["in_memory"], &json["clock_ahead"]), (&json!(7), &json!(864_000)));
    let text = machine.run("status", &[], false, false).out;
    assert!(
        text.contains("Warning: this terminal's clock is 10 days ahead of the server."),
        "{text}"
    );
    assert!(
        text.contains("Warning: the disk takes nothing. 7 records are in memory only"),
        "{text}"
    );
}

#[test]
fn a_terminal_that_waits_for_approval_is_not_called_connected() {
    for (scopes, state, waits) in
        [(0, "waiting for approval", true), (1, "disabled at the server", false)]
    {
        let machine = Machine::new();
        let scopes = List::new(vec![common::scope(); scopes]).unwrap();
        let status = agent::Status { connected: true, active: Some(false), scopes, ..status() };
        machine.agent(move |_| vec![Reply::Status(Box::new(status.clone()))]);
        let text = machine.run("status", &[], false, false).out;
        assert!(
            text.contains(&format!("Server: https://wardkey.example:8443 ({state})\n")),
            "{text}"
        );
        assert_eq!(
            text.contains("At the server: wardkey-server terminal approve 病棟3-1\n"),
            waits,
            "{text}"
        );
        let json = machine.run("status --json", &[], false, false).json();
        assert_eq!((&json["active"], &json["awaiting_approval"]), (&json!(false), &json!(waits)));
    }
}

#[test]
fn an_enabling_that_nobody_confirmed_is_told_until_somebody_decides_anew() {
    let machine = Machine::new();
    machine.agent(|_| vec![Reply::Status(Box::new(status()))]);
    std::fs::create_dir(machine.path("enable")).unwrap();
    std::fs::write(machine.path("enable/unconfirmed.json"), "{\"time\": 1000000}").unwrap();
    let told = "was undone at 1970-01-12 13:46:40 UTC. Everything is as it was (WK-1605).\n";
    let text = machine.run("status", &[], false, false).out;
    assert!(text.contains(told), "{text}");
    assert_eq!(machine.run("disable", &[], false, true).exit, 0);
    let text = machine.run("status", &[], false, false).out;
    assert!(!text.contains("WK-1605"), "{text}");
}

#[test]
fn a_terminal_that_has_not_joined_has_a_status_too() {
    let machine = Machine::new();
    let bare = agent::Status {
        terminal: None,
        terminal_name: None,
        server: None,
        last_contact: None,
        last_error: None,
        scopes: List::default(),
        ..status()
    };
    machine.agent(move |_| vec![Reply::Status(Box::new(bare.clone()))]);
    let json = machine.run("status --json", &[], false, false).json();
    for field in ["terminal", "terminal_name", "server", "last_contact", "last_error"] {
        assert!(json[field].is_null() && json.get(field).is_some(), "{field}");
    }
    assert!(machine.run("status", &[], false, false).out.starts_with("Terminal: not joined\n"));
}

#[test]
fn sync_for_people_and_programs() {
    let machine = Machine::new();
    machine.agent(|request| match request {
        Request::Sync => vec![Reply::Synced(List::new(vec![scope()]).unwrap())],
        other => panic!("{other:?}"),
    });
    assert_eq!(
        machine.run("sync --json", &[], false, true).json(),
        json!({"scopes": [scope_json()]})
    );
    let ran = machine.run("sync", &[], false, true);
    assert!(
        ran.out.starts_with("The directory is up to date.\n  ward3 1.25, 120 people"),
        "{}",
        ran.out
    );
    let refusing = Machine::new();
    refusing.agent(|_| {
        let code = Code::NeedsRoot;
        vec![Reply::Refused(Refusal { code, detail: None, retry_after: None, record: None })]
    });
    let ran = refusing.run("sync", &[], false, false);
    assert_eq!((ran.exit, ran.out.as_str()), (1, ""));
    assert_eq!(ran.errors, "This needs root. Please run it with sudo. (WK-1513)\n");
}

#[test]
fn key_info_for_people_and_programs() {
    let machine = Machine::new();
    let silent = KeyInfo { path: "/dev/hidraw1".into(), details: None, ..key_info(true, 8) };
    machine.key(move |request| match request {
        key::Request::List => vec![keys(vec![key_info(true, 7), silent.clone()])],
        other => panic!("{other:?}"),
    });
    let ran = machine.run("key info --json", &[], false, false);
    let described =
        |path| json!({"path": path, "vendor": 0x1050, "product": 0x0407, "name": "Test Key"});
    let (mut first, mut second) = (described("/dev/hidraw0"), described("/dev/hidraw1"));
    second["details"] = serde_json::Value::Null;
    first["details"] = json!({
        "aaguid": "ab".repeat(16), "versions": ["U2F_V2", "FIDO_2_1"], "pin_set": true,
        "pin_must_change": false, "min_pin_length": 4, "pin_tries": 7,
        "fingerprint": null,
    });
    assert_eq!(ran.json(), json!({ "keys": [first, second] }));
    let ran = machine.run("key info", &[], false, false);
    assert_eq!(
        ran.out,
        "Test Key (/dev/hidraw0, 1050:0407)\n  PIN: set, at least 4 characters\n  \
         PIN tries left: 7\n  AAGUID: abababababababababababababababab\n  CTAP: U2F_V2, FIDO_2_1\n\
         Test Key (/dev/hidraw1, 1050:0407)\n  Does not answer\n"
    );
    let sensor = Machine::new();
    sensor.key(|_| {
        let mut key = key_info(true, 8);
        key.details.as_mut().unwrap().fingerprint = Some(true);
        vec![keys(vec![key])]
    });
    let ran = sensor.run("key info", &[], false, false);
    assert!(
        ran.out.contains("\n  Fingerprint sensor: knows a finger, and is asked before the PIN\n")
    );
    let none = Machine::new();
    none.key(|_| vec![keys(vec![])]);
    assert_eq!(none.run("key info", &[], false, false).out, "No key is plugged in.\n");
}

#[test]
fn answers_that_do_not_follow_the_question_are_refused() {
    let machine = Machine::new();
    machine.agent(|_| vec![Reply::Held]);
    machine.key(|_| vec![key::Reply::Done]);
    for line in ["status --json", "sync --json", "key info --json", "enroll --json"] {
        let ran = machine.run(line, &[], false, true);
        assert_eq!(
            (ran.exit, ran.json()["error"]["code"].as_str()),
            (1, Some("WK-1306")),
            "{line}"
        );
    }
}

/// Listens, as whoever runs it, until its input ends. Run by the test below only.
#[test]
#[ignore = "a helper of another test"]
fn listen() {
    let path = std::env::var("WARDKEY_TEST_SOCKET").unwrap();
    let _listener = std::os::unix::net::UnixListener::bind(path).unwrap();
    std::io::Read::read_to_end(&mut std::io::stdin(), &mut Vec::new()).unwrap();
}

/// himmelblau GHSA-6gp8: no PIN to a socket that somebody else put there.
#[test]
fn a_socket_of_somebody_else_gets_nothing() {
    use std::os::unix::process::CommandExt;
    let folder = tempfile::tempdir().unwrap();
    std::fs::set_permissions(folder.path(), std::fs::Permissions::from_mode(0o777)).unwrap();
    let path = folder.path().join("s");
    let mut helper = Command::new(std::env::current_exe().unwrap());
    helper.args(["--ignored", "--exact", "listen"]).env("WARDKEY_TEST_SOCKET", &path);
    helper.stdout(std::process::Stdio::null()).stderr(std::process::Stdio::null());
    helper.stdin(std::process::Stdio::piped());
    if nix::unistd::geteuid().is_root() {
        helper.uid(65534).gid(65534);
    }
    let mut helper = helper.spawn().unwrap();
    let end = std::time::Instant::now() + std::time::Duration::from_secs(60);
    while std::os::unix::net::UnixStream::connect(&path).is_err() {
        assert!(std::time::Instant::now() < end, "nobody listens");
        std::thread::sleep(std::time::Duration::from_millis(10));
    }
    let line = format!("wardkey --json --agent-socket={0} --key-socket={0}", path.display());
    let mut results = Vec::new();
    for command in ["status", "enroll", "key info", "key change-pin"] {
        let line = format!("{line} {command}");
        let cli = wardkey_cli::Cli::try_parse_from(line.split(' ')).unwrap();
        let log = common::Log::default();
        let mut person = common::Scripted {
            interactive: true,
            answers: Default::default(),
            said: Vec::new(),
            waits: Vec::new(),
            log,
        };
        let (mut out, mut errors) = (Vec::new(), Vec::new());
        let exit = wardkey_cli::run(
            &cli,
            &mut wardkey_cli::Environment {
                agent_owner: Some(0),
                key_owner: Some(0),
                root: false,
                machine_id: folder.path().join("none"),
                places: wardkey_cli::Places { pam: folder.path().into(), ..Default::default() },
                files_owner: wardkey_settings::files::Owner::current(),
                anchor: folder.path().join("none"),
                marks: folder.path().join("none"),
                person: &mut person,
                out: &mut out,
                errors: &mut errors,
            },
        );
        results.push((command, exit.status(), String::from_utf8(errors).unwrap()));
    }
    helper.kill().unwrap();
    helper.wait().unwrap();
    for (command, exit, out) in results {
        assert_eq!(exit, 3, "{command}: {out}");
        assert!(out.contains("the socket belongs to uid"), "{command}: {out}");
    }
}

#[test]
fn exit_codes_of_the_program() {
    let folder = tempfile::tempdir().unwrap();
    let wardkey = |line: &str| {
        Command::new(env!("CARGO_BIN_EXE_wardkey"))
            .args(line.split(' '))
            .arg(format!("--agent-socket={}/a", folder.path().display()))
            .arg(format!("--key-socket={}/k", folder.path().display()))
            .stdin(std::process::Stdio::null())
            .env("LANG", "en_US.UTF-8")
            .env_remove("LC_ALL")
            .env_remove("LC_MESSAGES")
            .output()
            .unwrap()
    };
    for (line, exit) in [
        ("--help", 0),
        ("--version", 0),
        ("status", 3),
        ("key info", 3),
        ("key change-pin", 3),
        ("enroll", 3),
        ("join --server https://s --token x", 1),
        ("join --server s --token x", 2),
        ("status --pin 1", 2),
        ("nonsense", 2),
    ] {
        assert_eq!(wardkey(line).status.code(), Some(exit), "{line}");
    }
    let output = wardkey("status");
    assert!(output.stdout.is_empty());
    let text = String::from_utf8(output.stderr).unwrap();
    assert!(text.starts_with("The login service is not running (agent)."), "{text}");
    assert!(text.contains("(WK-1301)"), "{text}");
    let output = wardkey("status --json");
    let error: serde_json::Value = serde_json::from_slice(&output.stderr).unwrap();
    assert_eq!(
        (&error["error"]["code"], &error["error"]["number"]),
        (&"WK-1301".into(), &1301.into())
    );
    assert!(output.stdout.is_empty());
}
