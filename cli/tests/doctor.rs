//! `wardkey doctor`: forms for people and programs, exit status, acceptance, and the record of what
//! has opened.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing)]

mod common;

use std::collections::BTreeSet;
use std::os::unix::fs::PermissionsExt;
use std::sync::{Arc, Mutex};

use common::{Machine, status};
use wardkey_core::codec::List;
use wardkey_core::id::EventId;
use wardkey_core::message::agent::{People, Reply, Request, WayIn};
use wardkey_core::name::LoginName;

/// A machine with the module on, and one service that does not ask it.
fn machine() -> (Machine, Arc<Mutex<Vec<WayIn>>>) {
    let machine = Machine::new();
    let auth =
        "auth [success=1 user_unknown=ignore default=die] pam_fido.so\nauth required pam_unix.so\n";
    let account = "account [success=ok user_unknown=ignore default=die] pam_fido.so\n\
        account required pam_unix.so\n";
    let mut elf = b"\x7fELF\x02\x01\x01\0\0\0\0\0\0\0\0\0\x03\0\0\0\0\0\0\0".to_vec();
    elf[4] = if cfg!(target_pointer_width = "64") { 2 } else { 1 };
    for (name, text) in [
        ("etc/pam.d/common-auth", auth),
        ("etc/pam.d/common-account", account),
        ("pam.d/common-auth", auth),
        ("pam.d/common-account", account),
        ("pam/auth", "Module: wardkey\nModule: unix\n"),
        ("etc/pam.d/other", "@include common-auth\n@include common-account\n"),
        ("etc/pam.d/kde-fingerprint", "auth required pam_fprintd.so\n@include common-account\n"),
        ("etc/shadow", "hanako:$y$x:19000:0:99999:7:::\ntaro:*:19000:0:99999:7:::\n"),
        ("etc/passwd", "hanako:x:2001:2001::/:/bin/sh\ntaro:x:2002:2002::/:/bin/sh\n"),
    ] {
        write(&machine, name, text.as_bytes());
    }
    for name in ["fido", "unix", "fprintd"] {
        write(&machine, &format!("usr/lib/x86_64-linux-gnu/security/pam_{name}.so"), &elf);
    }
    let told: Arc<Mutex<Vec<WayIn>>> = Arc::default();
    let said = Arc::clone(&told);
    machine.agent(move |request| {
        vec![match request {
            Request::Status => Reply::Status(Box::new(status())),
            Request::People(_) => {
                let names = ["hanako", "taro"].map(|name| LoginName::new(name).unwrap());
                Reply::People(Box::new(People {
                    names: List::new(names.to_vec()).unwrap(),
                    next: None,
                }))
            }
            Request::WayIn(way) => {
                said.lock().unwrap().push(way);
                Reply::Recorded(EventId::new([1; 16]), None)
            }
            other => panic!("{other:?}"),
        }]
    });
    (machine, told)
}

fn write(machine: &Machine, name: &str, bytes: &[u8]) {
    let path = machine.path(name);
    std::fs::create_dir_all(path.parent().unwrap()).unwrap();
    std::fs::write(&path, bytes).unwrap();
    std::fs::set_permissions(&path, PermissionsExt::from_mode(0o644)).unwrap();
}

/// Code and subject of what matters.
fn found(machine: &Machine) -> BTreeSet<(String, String)> {
    let ran = machine.run("doctor --json", &[], false, true);
    let json = ran.json();
    let matters =
        |finding: &&serde_json::Value| finding["level"] != "note" && finding["accepted"].is_null();
    let text = |value: &serde_json::Value| value.as_str().unwrap().to_owned();
    json["findings"]
        .as_array()
        .unwrap()
        .iter()
        .filter(matters)
        .map(|f| (text(&f["code"]), text(&f["subject"])))
        .collect()
}

fn has(found: &BTreeSet<(String, String)>, code: &str, subject: &str) -> bool {
    found.contains(&(code.into(), subject.into()))
}

#[test]
fn what_is_open_is_told_with_its_lines_and_refused_by_the_exit_status() {
    let (machine, _) = machine();
    let ran = machine.run("doctor", &[], false, true);
    assert_eq!(ran.exit, 1);
    assert!(
        ran.out.starts_with(
            "kde-fingerprint: people get in without a key. Please mend the lines below, or accept \
             it with a reason. (WK-1608)\n  \
             /etc/pam.d/kde-fingerprint:1 pam_fprintd.so (a fingerprint); way: \
             /etc/pam.d/kde-fingerprint:1 pam_fprintd.so = success\n"
        ),
        "{}",
        ran.out
    );
    assert!(ran.out.contains(
        "hanako has a password beside the key. Please lock it. (WK-1626)\n  fix: passwd -l hanako\n"
    ));
    assert!(ran.out.trim_end().ends_with("Please look at each of them. (WK-1631)"), "{}", ran.out);
    let found = found(&machine);
    assert!(
        has(&found, "WK-1608", "kde-fingerprint") && has(&found, "WK-1626", "hanako"),
        "{found:?}"
    );
    assert!(!has(&found, "WK-1626", "taro") && !has(&found, "WK-1608", "other"), "{found:?}");
    let ran = machine.run("doctor --lang ja", &[], false, true);
    assert!(ran.out.starts_with("kde-fingerprint: キーなしでログインできます。"), "{}", ran.out);
}

#[test]
fn a_way_is_accepted_with_a_reason_and_no_more_than_that_way() {
    let (machine, told) = machine();
    let ran = machine.run("doctor --accept kde-fingerprint --reason no-reader", &[], false, false);
    assert!(ran.errors.contains("WK-1513"), "only root: {}", ran.errors);
    let ran = machine.run("doctor --accept sshd --reason x", &[], false, true);
    assert!(ran.errors.contains("WK-1633"), "{}", ran.errors);
    let ran = machine.run("doctor --accept kde-fingerprint --reason no-reader", &[], false, true);
    assert_eq!(
        (ran.exit, ran.out.as_str()),
        (0, "kde-fingerprint is accepted and recorded. (WK-1632)\n")
    );
    let ways = told.lock().unwrap().clone();
    assert_eq!((ways.len(), ways[0].accepted.as_deref()), (1, Some("no-reader")));
    assert!(!has(&found(&machine), "WK-1608", "kde-fingerprint"));
    assert!(machine.run("doctor", &[], false, true).out.contains("accepted: no-reader"));
    // Another module there is another way.
    let more =
        "auth sufficient pam_fprintd.so\nauth sufficient pam_unix.so\n@include common-account\n";
    write(&machine, "etc/pam.d/kde-fingerprint", more.as_bytes());
    assert!(has(&found(&machine), "WK-1608", "kde-fingerprint"));
}

#[test]
fn what_opens_after_the_last_run_is_recorded_once() {
    let (machine, told) = machine();
    let subjects = || -> Vec<String> {
        std::mem::take(&mut *told.lock().unwrap()).into_iter().map(|way| way.subject).collect()
    };
    assert!(machine.run("doctor --record", &[], false, false).errors.contains("WK-1513"));
    assert_eq!(machine.run("doctor --record", &[], false, true).exit, 1);
    assert_eq!(subjects(), ["kde-fingerprint"]);
    machine.run("doctor --record", &[], false, true);
    assert!(subjects().is_empty());
    // A package brings a profile above ours.
    let above = "auth sufficient pam_fprintd.so\n\
        auth [success=1 user_unknown=ignore default=die] pam_fido.so\nauth required pam_unix.so\n";
    write(&machine, "etc/pam.d/common-auth", above.as_bytes());
    machine.run("doctor --record", &[], false, true);
    assert_eq!(subjects(), ["other"]);
    // A state that is damaged hides nothing.
    write(&machine, "doctor/last.json", b"{\"open\": 5}");
    machine.run("doctor --record", &[], false, true);
    assert_eq!(subjects(), ["kde-fingerprint", "other"]);
}

#[test]
fn without_the_agent_nothing_is_taken_for_recorded() {
    let (machine, _) = machine();
    std::fs::remove_file(machine.path("agent.sock")).unwrap();
    let ran = machine.run("doctor --record", &[], false, true);
    assert_eq!((ran.exit, machine.path("doctor/last.json").exists()), (3, false), "{}", ran.errors);
    let found = found(&machine);
    assert!(has(&found, "WK-1301", "agent") && has(&found, "WK-1629", "people"), "{found:?}");
}

#[test]
fn status_says_how_many_ways_are_open() {
    let (machine, _) = machine();
    let ran = machine.run("status", &[], false, false);
    let open = "Logins with keys: enabled\nWays in without a key: 1, see: wardkey doctor\n";
    assert!(ran.out.contains(open), "{}", ran.out);
    let json = machine.run("status --json", &[], false, false).json();
    let profile = &json["profile"];
    assert_eq!(
        (profile["ways_in_open"].as_u64(), profile["other_secrets"].is_null()),
        (Some(1), true)
    );
    // Only root can tell who has another secret.
    let ran = machine.run("status", &[], false, true);
    let people = "People who also have a password, or whose account ends by age: hanako\n";
    assert!(ran.out.contains(&format!("{open}{people}")), "{}", ran.out);
}

#[test]
fn a_terminal_where_keys_are_not_enabled_says_so_and_what_would_stay_open() {
    let (machine, told) = machine();
    let unix = "auth required pam_unix.so\n";
    for name in ["pam.d/common-auth", "etc/pam.d/common-auth"] {
        write(&machine, name, unix.as_bytes());
    }
    write(&machine, "pam.d/common-account", b"account required pam_unix.so\n");
    write(&machine, "pam/auth", b"Module: unix\n");
    let found = found(&machine);
    assert!(
        has(&found, "WK-1615", "profile") && has(&found, "WK-1608", "kde-fingerprint"),
        "{found:?}"
    );
    assert!(!has(&found, "WK-1608", "other"), "{found:?}");
    machine.run("doctor --record", &[], false, true);
    assert!(told.lock().unwrap().is_empty(), "nothing opens where nobody needs a key");
}

#[test]
fn a_clock_that_is_ahead_is_a_finding_with_a_fix() {
    let machine = Machine::new();
    let ahead = wardkey_core::message::agent::Status { clock_ahead: Some(7_200), ..status() };
    machine.agent(move |request| {
        vec![match request {
            Request::Status => Reply::Status(Box::new(ahead.clone())),
            Request::People(_) => {
                Reply::People(Box::new(People { names: List::default(), next: None }))
            }
            other => panic!("{other:?}"),
        }]
    });
    let told = machine.run("doctor", &[], false, true).out;
    let finding =
        "(WK-1641)\n  the clock is 2 h ahead of the server\n  fix: timedatectl set-ntp true\n";
    assert!(told.contains(finding), "{told}");
}

#[test]
fn what_was_seen_of_the_log_is_said_and_a_contradiction_is_warned_of() {
    let machine = Machine::new();
    let seen = |is_contradicted| wardkey_core::message::agent::Status {
        log: Some(wardkey_core::message::agent::LogStatus {
            size: Some(70_000),
            time: Some(wardkey_core::time::UnixTime(1_000_000 - 180)),
            is_contradicted,
            key: Some("x+1+y".into()),
        }),
        ..status()
    };
    let shown = std::sync::Arc::new(std::sync::Mutex::new(seen(false)));
    let shows = std::sync::Arc::clone(&shown);
    machine.agent(move |_| vec![Reply::Status(Box::new(shows.lock().unwrap().clone()))]);
    let json = machine.run("status --json", &[], false, false).json();
    assert_eq!(
        json["log"],
        serde_json::json!({"size": 70_000, "time": 999_820, "contradicted": false, "key": "x+1+y"})
    );
    let text = machine.run("status", &[], false, false).out;
    assert!(text.contains("Log of records: 70000 records, seen 3 min ago\n"), "{text}");
    assert!(!text.contains("WK-1675"), "{text}");

    *shown.lock().unwrap() = seen(true);
    let json = machine.run("status --json", &[], false, false).json();
    assert_eq!(json["log"]["contradicted"], serde_json::json!(true));
    for args in ["status", "status --lang ja"] {
        let text = machine.run(args, &[], false, false).out;
        assert!(text.contains("WK-1675"), "{text}");
    }
}

#[test]
fn a_log_that_contradicted_itself_is_a_finding_with_its_evidence() {
    let machine = Machine::new();
    let log = wardkey_core::message::agent::LogStatus {
        size: Some(3),
        time: Some(wardkey_core::time::UnixTime(1)),
        is_contradicted: true,
        key: None,
    };
    let found = wardkey_core::message::agent::Status { log: Some(log), ..status() };
    machine.agent(move |request| {
        vec![match request {
            Request::Status => Reply::Status(Box::new(found.clone())),
            Request::People(_) => {
                Reply::People(Box::new(People { names: List::default(), next: None }))
            }
            other => panic!("{other:?}"),
        }]
    });
    let told = machine.run("doctor", &[], false, true).out;
    let line = told.lines().find(|line| line.contains("WK-1675"));
    assert!(line.is_some_and(|line| line.contains("/log-contradicted: ")), "{told}");
}

#[test]
fn japanese_output_holds_no_english_details() {
    let (machine, _) = machine();
    let ran = machine.run("doctor --lang ja", &[], false, true);
    let detail =
        "/etc/pam.d/kde-fingerprint:1 pam_fprintd.so（指紋）、経路: /etc/pam.d/kde-fingerprint:1 ";
    assert!(ran.out.contains(detail), "{}", ran.out);
    assert!(
        !ran.out.contains("way: ") && ran.out.contains("  対処: passwd -l hanako\n"),
        "{}",
        ran.out
    );
}
