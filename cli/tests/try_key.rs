//! `wardkey try --key`: whose keys are plugged in, proven without PIN or touch.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing)]

mod common;

use common::trying::*;
use common::{Machine, Ran, key_info};
use wardkey_core::code::Code;
use wardkey_core::codec::{self, Bytes, List};
use wardkey_core::message::agent::{Locked, Status as AgentStatus};
use wardkey_core::message::key::{Claim, Identified, Identify, KeyAssertion, Reply, Request};
use wardkey_core::person::Status;
use wardkey_core::proof::identification::IdentifyData;
use wardkey_testkit::{Deployment, Key};

/// What the key of this seed signs in the name of the person's credential.
fn proof(request: &Identify, seed: u8) -> KeyAssertion {
    let challenge: IdentifyData = codec::from_bytes(request.client_data.as_slice()).unwrap();
    let silent = Key::es256(seed).identify(1, &challenge);
    KeyAssertion {
        credential: silent.credential,
        auth_data: silent.auth_data,
        signature: silent.signature,
        user_handle: None,
    }
}

/// Devices with these keys and so many tries; the person's is the first seed.
fn devices(request: &Identify, devices: &[(u8, u8)]) -> Reply {
    let mut claims: Vec<Claim> = devices
        .iter()
        .map(|(seed, tries)| Claim { key: key_info(true, *tries), proof: proof(request, *seed) })
        .collect();
    let first = claims.remove(0);
    Reply::Identified(Identified {
        key: first.key,
        credential: Some(first.proof.credential.clone()),
        proof: Some(first.proof),
        others: Some(List::new(claims).unwrap()),
        alone: None,
    })
}

fn tried_with_key(
    deployment: &Deployment,
    agent: AgentStatus,
    locked: Option<Locked>,
    answer: impl Fn(&Identify) -> Reply + Send + 'static,
) -> Ran {
    tried_at_with_key(&machine(deployment), deployment, agent, locked, answer)
}

fn tried_at_with_key(
    machine: &Machine,
    deployment: &Deployment,
    agent: AgentStatus,
    locked: Option<Locked>,
    answer: impl Fn(&Identify) -> Reply + Send + 'static,
) -> Ran {
    machine.key(move |request| match request {
        Request::Identify(request) => {
            assert!(request.every && request.more.is_none(), "all are asked, once");
            vec![answer(&request)]
        }
        // No PIN, no touch, no change.
        other => panic!("{other:?}"),
    });
    let mut grant = grant(deployment);
    grant.locked = locked.map(|locked| List::new(vec![locked]).unwrap());
    tried_at(machine, agent, grant, "try nobody --key --json")
}

fn plugged(ran: &Ran) -> (String, Option<String>, String) {
    let json = ran.json();
    let step = json["steps"].as_array().unwrap().iter().find(|step| step["step"] == "plugged");
    let step = step.unwrap_or_else(|| panic!("{json}"));
    let code = step["code"].as_str().map(str::to_owned);
    (step["result"].as_str().unwrap().to_owned(), code, step["details"].to_string())
}

#[test]
fn a_key_that_proves_itself_is_named_with_the_tries_that_it_has() {
    let ran = tried_with_key(&deployment(), idle(), None, |asked| devices(asked, &[(1, 5)]));
    let (result, code, details) = plugged(&ran);
    assert_eq!((result.as_str(), code, ran.exit), ("ok", None, 0));
    assert!(details.contains("blue key (") && details.contains("PIN tries left: 5"), "{details}");
}

#[test]
fn that_a_key_with_a_sensor_wants_a_finger_first_is_said() {
    for (fingerprint, tries, added, is_said) in [
        (true, 8, "", true),
        (false, 8, "", false),
        (true, 0, "", false),
        (true, 8, "no_finger_for = [\"sudo\"]\n", true),
        (true, 8, "no_finger_for = [\"login\"]\n", false),
    ] {
        let machine = machine(&deployment());
        let path = machine.path("pam.toml");
        let text = std::fs::read_to_string(&path).unwrap();
        std::fs::write(path, text + added).unwrap();
        let ran = tried_at_with_key(&machine, &deployment(), idle(), None, move |asked| {
            let Reply::Identified(mut claimed) = devices(asked, &[(1, tries)]) else { panic!() };
            claimed.key.details.as_mut().unwrap().fingerprint = Some(fingerprint);
            Reply::Identified(claimed)
        });
        let details = plugged(&ran).2;
        assert_eq!(details.contains("asks for a finger first"), is_said, "{details}");
    }
}

#[test]
fn only_what_a_signature_proves_counts() {
    // Another key in the name of this credential; and the same beside the person's own.
    let forged = tried_with_key(&deployment(), idle(), None, |asked| devices(asked, &[(2, 8)]));
    let (result, code, details) = plugged(&forged);
    assert_eq!((result.as_str(), code.as_deref()), ("note", Some("WK-1225")));
    assert!(details.contains("signature does not verify"), "{details}");
    let beside =
        tried_with_key(&deployment(), idle(), None, |asked| devices(asked, &[(2, 8), (1, 8)]));
    assert_eq!(plugged(&beside).0, "ok");
    // What was signed for an earlier question.
    let stale = |asked: &Identify| {
        let challenge = IdentifyData {
            nonce: wardkey_core::id::Nonce::new([9; 32]),
            terminal: wardkey_testkit::TERMINAL,
        };
        let client_data = Bytes::new(codec::to_bytes(&challenge)).unwrap();
        devices(&Identify { client_data, ..asked.clone() }, &[(1, 8)])
    };
    let replayed = tried_with_key(&deployment(), idle(), None, stale);
    assert_eq!(plugged(&replayed).1.as_deref(), Some("WK-1225"));
}

#[test]
fn a_proven_key_that_no_pin_would_be_asked_for_is_a_refusal() {
    let blocked = tried_with_key(&deployment(), idle(), None, |asked| devices(asked, &[(1, 0)]));
    assert_eq!(plugged(&blocked).1.as_deref(), Some("WK-1205"));
    assert_eq!((blocked.json()["end"].as_str(), blocked.exit), (Some("refused"), 1));

    let mut other = deployment();
    let mut disabled = other.hanako().credentials[0].clone();
    disabled.status = Status::Disabled;
    let usable = Key::es256(3).record(3);
    other.hanako().credentials = List::new(vec![disabled, usable]).unwrap();
    other.refresh();
    let ran = tried_with_key(&other, idle(), None, |asked| devices(asked, &[(1, 8)]));
    assert_eq!(plugged(&ran).1.as_deref(), Some("WK-1005"), "the other key could be used");

    let credential = deployment().snapshot(PERSON).unwrap().known_credentials()[0].clone();
    let locked = Some(Locked { credential, seconds: 90 });
    let ran = tried_with_key(&deployment(), idle(), locked, |asked| devices(asked, &[(1, 8)]));
    assert_eq!(plugged(&ran).1.as_deref(), Some("WK-1008"));
}

#[test]
fn no_key_or_somebody_elses_refuses_nobody() {
    for (answer, code) in [
        (Reply::Insert, None),
        (Reply::Unregistered(Code::KeyNotRegistered), Some("WK-1227")),
        (Reply::Unregistered(Code::KeyCannotIdentify), Some("WK-1224")),
    ] {
        let ran = tried_with_key(&deployment(), idle(), None, move |_| answer.clone());
        let (result, said, _) = plugged(&ran);
        assert_eq!((result.as_str(), said.as_deref(), ran.exit), ("note", code, 0));
    }
    // A key process that is away.
    let machine = machine(&deployment());
    let ran = tried_at(&machine, idle(), grant(&deployment()), "try nobody --key --json");
    assert_eq!(plugged(&ran).1.as_deref(), Some("WK-1302"));
}

#[test]
fn a_login_that_is_under_way_keeps_its_key() {
    let busy = AgentStatus { logins: 1, ..idle() };
    let ran = tried_with_key(&deployment(), busy, None, |_| panic!("the key is asked"));
    let (result, code, details) = plugged(&ran);
    assert_eq!((result.as_str(), code), ("note", None));
    assert!(details.contains("not asked now"), "{details}");
}

#[test]
fn without_the_option_no_key_is_asked() {
    let machine = machine(&deployment());
    machine.key(|request| panic!("{request:?}"));
    let ran = tried_at(&machine, idle(), grant(&deployment()), "try nobody --json");
    assert!(!ran.out.contains("plugged\""), "{}", ran.out);
    assert_eq!(ran.exit, 0);
}
