//! `wardkey try`: each step of a login explained, without a login.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing)]

mod common;

use common::{Machine, status};
use serde_json::Value;
use wardkey_core::codec::List;
use wardkey_core::message::agent::{Grant, Locked, People, Reply, Request, Status as AgentStatus};
use wardkey_core::person::{PersonRecord, Status};
use wardkey_core::time::UnixTime;
use wardkey_testkit::{Deployment, Key, T0, login, person, signing};

/// An account that every machine has and that the module does not leave alone.
const PERSON: &str = "nobody";

/// The deployment of the tests, with [`PERSON`] in place of its nurse.
fn deployment() -> Deployment {
    let mut deployment = Deployment::new();
    *deployment.hanako() = person(PERSON, 1, &Key::es256(1));
    deployment.refresh();
    deployment
}

/// A terminal that has joined, whose service `login` asks for the key and `open` does not.
fn machine(deployment: &Deployment) -> Machine {
    let machine = Machine::new();
    let folder = machine.folder.path().display().to_string();
    let anchor = deployment.anchor();
    let mut elf = b"\x7fELF\x02\x01\x01\0\0\0\0\0\0\0\0\0\x03\0\0\0\0\0\0\0".to_vec();
    elf[4] = if cfg!(target_pointer_width = "64") { 2 } else { 1 };
    let module = "auth [success=done user_unknown=ignore default=die] pam_fido.so\n";
    let pam = format!(
        "agent_user = \"root\"\nanchor = \"{folder}/anchor.toml\"\nmarks = \"{folder}/m/marks\"\n"
    );
    let anchor =
        format!("root_key = \"{}\"\nterminal = \"{}\"\n", anchor.root_key, anchor.terminal);
    for (name, bytes) in [
        ("etc/pam.d/login", format!("{module}auth required pam_unix.so\n").as_bytes()),
        ("etc/pam.d/open", b"auth required pam_unix.so\n"),
        ("etc/pam.d/other", b"auth required pam_deny.so\n"),
        ("usr/lib/x86_64-linux-gnu/security/pam_fido.so", &elf),
        ("usr/lib/x86_64-linux-gnu/security/pam_unix.so", &elf),
        ("pam.toml", pam.as_bytes()),
        ("agent.toml", format!("user = \"root\"\nstate_dir = \"{folder}/state\"\n").as_bytes()),
        ("anchor.toml", anchor.as_bytes()),
    ] {
        let path = machine.path(name);
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(path, bytes).unwrap();
    }
    std::fs::create_dir(machine.path("m")).unwrap();
    machine
}

fn grant(deployment: &Deployment) -> Grant {
    Grant {
        evidence: Some(deployment.evidence(PERSON)),
        candidates: List::default(),
        locked: None,
        decoys: None,
        more: None,
        answers_time: Some(true),
        takes_codes: Some(true),
        finds_people: Some(true),
        changes_pins: Some(true),
        takes_vouches: Some(true),
    }
}

/// Runs the command at a terminal whose agent shows this.
fn tried(deployment: &Deployment, now: u64, grant: Grant, line: &str) -> common::Ran {
    let machine = machine(deployment);
    machine.agent(move |request| {
        vec![match request {
            Request::Status => {
                Reply::Status(Box::new(AgentStatus { now: UnixTime(now), ..status() }))
            }
            Request::Preview(of) => {
                assert_eq!(of, login(PERSON));
                Reply::Granted(Box::new(grant.clone()))
            }
            Request::People(_) => nobody_else(),
            other => panic!("{other:?}"),
        }]
    });
    let ran = machine.run(line, &[], false, true);
    assert!(!machine.path("m/marks").exists(), "nothing is noted");
    ran
}

fn nobody_else() -> Reply {
    Reply::People(Box::new(People { names: List::default(), next: None }))
}

/// A step: its name, what it says, its code.
type Said = (String, String, Option<String>);

/// The end, its code, and the steps.
fn of(ran: &common::Ran) -> (String, Option<String>, Vec<Said>) {
    let json = ran.json();
    let text = |value: &Value| value.as_str().map(str::to_owned);
    let steps = json["steps"].as_array().unwrap().iter();
    let steps = steps
        .map(|step| {
            (text(&step["step"]).unwrap(), text(&step["result"]).unwrap(), text(&step["code"]))
        })
        .collect();
    (text(&json["end"]).unwrap(), text(&json["code"]), steps)
}

#[test]
fn a_login_that_would_succeed_is_explained_step_by_step() {
    let deployment = deployment();
    let ran = tried(&deployment, T0, grant(&deployment), "try nobody");
    assert_eq!((ran.exit, ran.errors.as_str()), (0, ""));
    let lines: Vec<_> = ran.out.lines().collect();
    let expected = [
        "[ok] Account: nobody (uid 65534) needs a security key",
        "[ok] PAM service: login asks for the key (/etc/pam.d/login:1)",
        "[ok] Configuration: ",
        "[ok] Agent: answers; keys plugged in: 2",
        "[ok] Directory: fresh, until 2027-01-15 08:14:00 UTC",
        "[ok] Person: Demo Hanako; groups: nurses",
        "[ok] Policy: may use the own account, says scope ward3",
        "[ok] Security keys: 1 may be used",
    ];
    for (line, begin) in lines.iter().zip(expected) {
        assert!(line.starts_with(begin), "{line}\n{}", ran.out);
    }
    assert!(lines[8].starts_with("    ") && lines[8].ends_with(": may be used"), "{}", ran.out);
    assert_eq!(lines.last(), Some(&"Would be let in with one of these keys, its PIN and a touch."));

    let ran = tried(&deployment, T0, grant(&deployment), "try nobody --lang ja");
    assert!(ran.out.starts_with("［可］アカウント: nobody"), "{}", ran.out);
    let (end, code, steps) = of(&tried(&deployment, T0, grant(&deployment), "try nobody --json"));
    assert_eq!((end.as_str(), code, steps.len()), ("key", None, 8));
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
fn only_root_is_told_and_a_silent_agent_is_a_refusal() {
    let deployment = deployment();
    let ran = machine(&deployment).run("try nobody --json", &[], false, false);
    assert_eq!(ran.json()["error"]["code"], "WK-1513");
    let (end, code, _) = of(&machine(&deployment).run("try nobody --json", &[], false, true));
    assert_eq!((end.as_str(), code.as_deref()), ("refused", Some("WK-1301")));
}
