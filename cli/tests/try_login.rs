//! `wardkey try`: each step of a login explained, without a login.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing)]

mod common;

use common::Machine;
use common::trying::*;
use wardkey_core::codec::{self, List};
use wardkey_core::directory::leaf_key;
use wardkey_core::marks::Marks;
use wardkey_core::message::agent::{Grant, Locked, Request, Status as AgentStatus};
use wardkey_core::person::{PersonRecord, Status};
use wardkey_core::time::UnixTime;
use wardkey_testkit::{Deployment, Key, T0, login, person, signing};

#[test]
fn a_login_that_would_succeed_is_explained_step_by_step() {
    let deployment = deployment();
    let ran = tried(&deployment, T0, grant(&deployment), "try nobody");
    assert_eq!((ran.exit, ran.errors.as_str()), (0, ""));
    let mut lines = ran.out.lines();
    let expected = [
        "[ok] Account: nobody (uid 65534) needs a security key",
        "[ok] PAM service: login asks for the key (/etc/pam.d/login:1)",
        "[ok] Configuration: ",
        "[ok] Agent: answers; keys plugged in: 2",
        "[ok] Terminal: ward3-a has joined; scopes: roaming, ward3",
        "    the server is not reached now",
        "[ok] Clock: 2027-01-15 08:00:00 UTC; ",
        "[ok] Directory: fresh, until 2027-01-15 08:14:00 UTC",
        "[ok] Person: Demo Hanako; groups: nurses",
        "    scope ward3: active",
        "    was never here",
        "[ok] Policy: may use the own account, says scope ward3",
        "    decided by the rule own-account",
        "[ok] Security keys: 1 may be used",
        "    blue key (",
        "",
        "Would be let in with one of these keys, its PIN and a touch.",
    ];
    for begin in expected {
        let line = lines.next().unwrap_or_default();
        assert!(line.starts_with(begin), "{begin}: {line}\n{}", ran.out);
    }
    assert_eq!(lines.next(), None, "{}", ran.out);

    let ran = tried(&deployment, T0, grant(&deployment), "try nobody --lang ja");
    assert!(ran.out.starts_with("［可］アカウント: nobody"), "{}", ran.out);
    let (end, code, steps) = of(&tried(&deployment, T0, grant(&deployment), "try nobody --json"));
    assert_eq!((end.as_str(), code, steps.len()), ("key", None, 10));
    assert!(steps.iter().all(|(_, result, _)| result == "ok"), "{steps:?}");
}

/// (what is changed, time, what the agent shows besides, step that refuses, its code)
type Refused = (fn(&mut Deployment), u64, fn(&mut Grant, &Deployment), &'static str, &'static str);

#[test]
fn the_step_that_refuses_is_named_with_the_code_that_the_person_would_see() {
    let nothing = |_: &mut Grant, _: &Deployment| {};
    let cases: [Refused; 8] = [
        (|d| d.hanako().status = Status::Disabled, T0, nothing, "policy", "WK-1002"),
        (|d| d.hanako().not_after = Some(UnixTime(T0)), T0, nothing, "policy", "WK-1004"),
        (|d| d.hanako().login = login("taro"), T0, nothing, "person", "WK-1001"),
        (|d| d.terminal.status = Status::Disabled, T0, nothing, "policy", "WK-1010"),
        (|_| {}, T0 + 400 * 86_400, nothing, "directory", "WK-1014"),
        (
            |d| {
                let mut key = d.hanako().credentials[0].clone();
                key.status = Status::Disabled;
                d.hanako().credentials = List::new(vec![key]).unwrap();
            },
            T0,
            nothing,
            "keys",
            "WK-1005",
        ),
        (
            |_| {},
            T0,
            |grant, deployment| {
                let credential =
                    deployment.snapshot(PERSON).unwrap().known_credentials()[0].clone();
                grant.locked = Some(List::new(vec![Locked { credential, seconds: 90 }]).unwrap());
            },
            "keys",
            "WK-1008",
        ),
        // Another deployment's documents.
        (|d| d.root.root_key = signing(7).public(), T0, nothing, "directory", "WK-1101"),
    ];
    for (change, now, show, step, code) in cases {
        let mut deployment = deployment();
        change(&mut deployment);
        deployment.refresh();
        let mut grant = grant(&deployment);
        show(&mut grant, &deployment);
        let ran = tried(&deployment, now, grant, "try nobody --json");
        let (end, said, steps) = of(&ran);
        let refusing: Vec<_> = steps.iter().filter(|(_, result, _)| result == "refused").collect();
        let first = refusing.first().expect("a step refuses");
        assert_eq!((first.0.as_str(), first.2.as_deref()), (step, Some(code)), "{steps:?}");
        assert_eq!((end.as_str(), said.as_deref(), ran.exit), ("refused", Some(code), 1));
    }
}

/// What each offline stage says of whom, by the rule of `core::policy` that decides.
#[test]
fn the_rule_that_decides_is_named_in_every_stage() {
    let (hour, expires) = (3600, T0 + 840);
    let (degraded, hard) = (expires + 30 * hour, expires + 100 * hour);
    for (now, seen, line, end, code, rule) in [
        (T0, false, "try nobody", "key", None, "own-account"),
        (T0, false, "try nobody --account ward", "key", None, "shared-account"),
        (T0, false, "try nobody --account root2", "refused", Some("WK-1006"), "default"),
        (expires + hour, false, "try nobody", "key", None, "own-account"),
        (degraded, false, "try nobody", "refused", Some("WK-1011"), "offline-seen-here"),
        (degraded, true, "try nobody", "key", None, "own-account"),
        (
            degraded,
            true,
            "try nobody --service sudo",
            "refused",
            Some("WK-1012"),
            "offline-no-elevation",
        ),
        (hard, true, "try nobody", "refused", Some("WK-1013"), "offline-emergency-only"),
    ] {
        let mut deployment = deployment();
        deployment.share("ward", &["nurses"]);
        let machine = machine(&deployment);
        if seen {
            let mut marks = Marks::default();
            marks.remember(leaf_key(&login(PERSON)), UnixTime(T0));
            std::fs::write(machine.path("m/marks"), codec::to_bytes(&marks)).unwrap();
        }
        let agent = AgentStatus { now: UnixTime(now), ..idle() };
        let line = format!("{line} --json");
        let ran = tried_at(&machine, agent, grant(&deployment), &line);

        // Which accounts there are, the machine of the test says; the policy decides all the same.
        let json = ran.json();
        let policy = json["steps"].as_array().unwrap().iter().find(|step| step["step"] == "policy");
        let policy = policy.unwrap_or_else(|| panic!("{line}: {json}"));
        assert_eq!(policy["rule"], rule, "{line} {now}");
        assert_eq!(policy["code"].as_str(), code, "{line} {now}");
        if !line.contains("--account") {
            assert_eq!(json["end"], end, "{line} {now}");
        }
        let person = json["steps"].as_array().unwrap().iter().find(|s| s["step"] == "person");
        let was_here = person.unwrap()["details"].to_string().contains("was here before");
        assert_eq!(was_here, seen, "{json}");
    }
}

#[test]
fn anchor_and_marks_are_those_that_the_module_would_take() {
    use std::os::unix::fs::PermissionsExt;
    type Break = fn(&Machine);
    let cases: [(Break, &str); 4] = [
        (|machine| std::fs::remove_file(machine.path("anchor.toml")).unwrap(), "WK-1109"),
        (|machine| std::fs::write(machine.path("m/marks"), b"x").unwrap(), "WK-1110"),
        (|machine| std::fs::remove_dir(machine.path("m")).unwrap(), "WK-1110"),
        (
            |machine| {
                let path = machine.path("m/marks");
                std::fs::write(&path, codec::to_bytes(&Marks::default())).unwrap();
                let all = std::fs::Permissions::from_mode(0o666);
                std::fs::set_permissions(&path, all).unwrap();
            },
            "WK-1110",
        ),
    ];
    for (spoil, code) in cases {
        let deployment = deployment();
        let machine = machine(&deployment);
        spoil(&machine);
        let ran = tried_at(&machine, idle(), grant(&deployment), "try nobody --json");
        let (_, _, steps) = of(&ran);
        let terminal = steps.iter().find(|(name, ..)| name == "terminal").unwrap();
        assert_eq!((terminal.1.as_str(), terminal.2.as_deref()), ("refused", Some(code)));
        assert_eq!(ran.exit, 1);
    }
}

#[test]
fn a_clock_that_is_ahead_is_told_and_the_login_judged_by_the_servers_time() {
    let deployment = deployment();
    let day = 86_400;
    for (ahead, end, result) in [(Some(400 * day), "key", "note"), (None, "refused", "ok")] {
        let agent = AgentStatus { now: UnixTime(T0 + 400 * day), clock_ahead: ahead, ..idle() };
        let ran = tried_at(&machine(&deployment), agent, grant(&deployment), "try nobody --json");
        let (said, _, steps) = of(&ran);
        assert_eq!(said, end);
        assert!(steps.iter().any(|(name, how, _)| name == "clock" && how == result), "{steps:?}");
    }
}

#[test]
fn of_a_shared_account_alone_it_is_said_that_the_key_decides() {
    let mut deployment = deployment();
    deployment.hanako().login = login("taro");
    deployment.share(PERSON, &["nurses"]);
    let ran = tried(&deployment, T0, grant(&deployment), "try nobody --json");
    let (end, code, _) = of(&ran);
    assert_eq!((end.as_str(), code, ran.exit), ("depends", None, 0));
}

#[test]
fn who_needs_no_key_is_told_so_and_nobody_is_asked() {
    let deployment = deployment();
    for (line, step) in
        [("try root --json", "account"), ("try nobody --service open --json", "service")]
    {
        let machine = machine(&deployment);
        machine.agent(|request| match request {
            Request::People(_) => vec![nobody_else()],
            other => panic!("{other:?}"),
        });
        let ran = machine.run(line, &[], false, true);
        let (end, _, steps) = of(&ran);
        assert_eq!((end.as_str(), ran.exit), ("without_key", 0), "{line}");
        assert!(
            steps.iter().any(|(name, result, _)| name == step && result == "note"),
            "{steps:?}"
        );
    }
}

#[test]
fn a_person_without_a_usable_key_gets_in_by_a_valid_temporary_code_only() {
    let mut deployment = Deployment::with_pass();
    let mut key = Key::es256(1).record(1);
    key.status = Status::Disabled;
    let credentials = List::new(vec![key]).unwrap();
    let pass = deployment.hanako().pass.clone();
    *deployment.hanako() = PersonRecord { credentials, pass, ..person(PERSON, 1, &Key::es256(1)) };
    deployment.refresh();
    let (end, _, _) = of(&tried(&deployment, T0, grant(&deployment), "try nobody --json"));
    assert_eq!(end, "temporary_code");
    // Not by sudo, and not when it is over.
    let over = T0 + 9 * 3600;
    for (now, line) in [(T0, "try nobody --service sudo --json"), (over, "try nobody --json")] {
        let (end, code, _) = of(&tried(&deployment, now, grant(&deployment), line));
        assert_ne!(end, "temporary_code", "{line} {code:?}");
    }
}

#[test]
fn who_may_vouch_is_said_where_somebody_may() {
    let mut deployment = Deployment::with_colleague();
    *deployment.hanako() = person(PERSON, 1, &Key::es256(1));
    deployment.refresh();
    let is_said = |line: &str| {
        let (_, _, steps) = of(&tried(&deployment, T0, grant(&deployment), line));
        steps.iter().any(|(name, result, _)| name == "vouch" && result == "note")
    };
    assert!(is_said("try nobody --json"));
    assert!(!is_said("try nobody --service sudo --json"));
    let ran = tried(&deployment, T0, grant(&deployment), "try nobody");
    assert!(ran.out.contains("seniors"), "{}", ran.out);
}

#[test]
fn a_key_on_loan_counts_where_and_while_it_is_taken() {
    let mut deployment = Deployment::with_loan();
    let loan = deployment.hanako().loan.clone();
    let credentials = List::default();
    *deployment.hanako() = PersonRecord { credentials, loan, ..person(PERSON, 1, &Key::es256(1)) };
    deployment.refresh();
    let (end, _, _) = of(&tried(&deployment, T0, grant(&deployment), "try nobody --json"));
    assert_eq!(end, "key");
    let ran = tried(&deployment, T0, grant(&deployment), "try nobody");
    assert!(ran.out.contains(": on loan, may be used until 2027-"), "{}", ran.out);

    let over = |deployment: &Deployment, now| {
        let ran = tried(deployment, now, grant(deployment), "try nobody --json");
        of(&ran).1
    };
    assert_eq!(over(&deployment, T0 + 9 * 3600).as_deref(), Some("WK-1590"));
    let services = vec![wardkey_testkit::service("login")];
    deployment.scopes[0].1.elevating_services = List::new(services).unwrap();
    deployment.refresh();
    assert_eq!(over(&deployment, T0).as_deref(), Some("WK-1593"));
}

#[test]
fn only_root_is_told_and_a_silent_agent_is_a_refusal() {
    let deployment = deployment();
    let ran = machine(&deployment).run("try nobody --json", &[], false, false);
    assert_eq!(ran.json()["error"]["code"], "WK-1513");
    let (end, code, _) = of(&machine(&deployment).run("try nobody --json", &[], false, true));
    assert_eq!((end.as_str(), code.as_deref()), ("refused", Some("WK-1301")));
}

#[test]
fn a_sealed_code_is_said_to_be_there_and_where_it_is_not_taken() {
    let mut deployment = Deployment::with_sealed();
    let break_glass = deployment.hanako().break_glass.clone();
    let credentials = List::default();
    *deployment.hanako() =
        PersonRecord { break_glass, credentials, ..person(PERSON, 1, &Key::es256(1)) };
    deployment.refresh();
    let of_sealed = |line: &str| {
        let (_, _, steps) = of(&tried(&deployment, T0, grant(&deployment), line));
        let step = steps.into_iter().find(|(name, ..)| name == "break_glass").unwrap();
        assert_eq!(step.1, "note", "{line}");
        step.2
    };
    let none = of_sealed("try nobody --json");
    let refused = of_sealed("try nobody --service sudo --json");
    assert_ne!(none, refused);
    let ran = tried(&deployment, T0, grant(&deployment), "try nobody");
    assert!(ran.out.contains("its use is an alarm"), "{}", ran.out);
}
