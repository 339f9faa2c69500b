//! A terminal whose agent shows a deployment, for `wardkey try`.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use serde_json::Value;
use wardkey_core::codec::List;
use wardkey_core::message::agent::{Grant, People, Reply, Request, Status as AgentStatus};
use wardkey_core::time::UnixTime;
use wardkey_testkit::{Deployment, Key, T0, login, person};

use super::{Machine, Ran, status};

/// An account that every machine has and that the module does not leave alone.
pub const PERSON: &str = "nobody";

/// The deployment of the tests, with [`PERSON`] in place of its nurse.
pub fn deployment() -> Deployment {
    let mut deployment = Deployment::new();
    *deployment.hanako() = person(PERSON, 1, &Key::es256(1));
    deployment.refresh();
    deployment
}

/// A terminal that has joined, whose service `login` asks for the key and `open` does not.
pub fn machine(deployment: &Deployment) -> Machine {
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
        ("etc/pam.d/sudo", format!("{module}auth required pam_unix.so\n").as_bytes()),
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

pub fn grant(deployment: &Deployment) -> Grant {
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
        breaks_glass: Some(true),
    }
}

/// Runs the command at a terminal whose agent shows this.
pub fn tried(deployment: &Deployment, now: u64, grant: Grant, line: &str) -> Ran {
    let agent = AgentStatus { now: UnixTime(now), ..idle() };
    tried_at(&machine(deployment), agent, grant, line)
}

/// An agent that no login is using.
pub fn idle() -> AgentStatus {
    AgentStatus { now: UnixTime(T0), logins: 0, ..status() }
}

/// Every file of a machine, and what is in it.
pub fn disk(machine: &Machine) -> BTreeMap<PathBuf, Vec<u8>> {
    fn add(folder: &Path, all: &mut BTreeMap<PathBuf, Vec<u8>>) {
        for entry in std::fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                add(&path, all);
            } else if path.is_file() {
                all.insert(path.clone(), std::fs::read(&path).unwrap());
            }
        }
    }
    let mut all = BTreeMap::new();
    add(machine.folder.path(), &mut all);
    all
}

pub fn tried_at(machine: &Machine, agent: AgentStatus, grant: Grant, line: &str) -> Ran {
    machine.agent(move |request| {
        vec![match request {
            Request::Status => Reply::Status(Box::new(agent.clone())),
            Request::Preview(of) => {
                assert_eq!(of, login(PERSON));
                Reply::Granted(Box::new(grant.clone()))
            }
            Request::People(_) => nobody_else(),
            other => panic!("{other:?}"),
        }]
    });
    let before = disk(machine);
    let ran = machine.run(line, &[], false, true);
    assert_eq!(disk(machine), before, "nothing is noted");
    // Of the agent nothing is asked that begins, records or changes anything.
    for asked in machine.log() {
        assert!(
            ["agent Status", "agent Preview", "agent People", "key Identify"]
                .contains(&asked.as_str()),
            "{asked}"
        );
    }
    ran
}

pub fn nobody_else() -> Reply {
    Reply::People(Box::new(People { names: List::default(), next: None }))
}

/// A step: its name, what it says, its code.
pub type Step = (String, String, Option<String>);

/// The end, its code, and the steps.
pub fn of(ran: &Ran) -> (String, Option<String>, Vec<Step>) {
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
