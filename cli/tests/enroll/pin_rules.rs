//! What the deployment wants of PINs: said before one is asked for, told to keys that can, and no
//! more promised than is so.

use wardkey_core::code::Code;
use wardkey_core::codec::Bytes;
use wardkey_core::id::{Aaguid, CredentialId};
use wardkey_core::message::agent::{self, Enrollment, Reply as AgentReply};
use wardkey_core::message::key::{KeyCredential, KeyDetails, KeyInfo, Reply, Request};

use super::common::{Machine, enrolled, enrollment, key_failure, key_info, keys, status};
use super::trusts;

const LONG: &str = "246800";

/// A machine whose server wants this of PINs, and hears this of the key.
fn wanting(least: Option<u8>, change: Option<bool>, can_force: Option<bool>) -> Machine {
    let machine = Machine::new();
    trusts(&machine, 1);
    machine.agent(move |request| {
        vec![match request {
            agent::Request::Status => AgentReply::Status(Box::new(status())),
            agent::Request::EnrollBegin(_) => AgentReply::Enrollment(Box::new(Enrollment {
                min_pin_length: least,
                pin_change_at_first_use: change,
                ..enrollment(1)
            })),
            agent::Request::EnrollFinish(finish) => {
                assert_eq!(finish.can_force_pin_change, can_force);
                AgentReply::Enrolled(enrolled())
            }
            other => panic!("{other:?}"),
        }]
    });
    machine
}

fn key(pin_set: bool, can: Option<bool>) -> KeyInfo {
    let key = key_info(pin_set, 8);
    let details = key.details.clone().map(|details| KeyDetails { takes_pin_rules: can, ..details });
    KeyInfo { details, ..key }
}

/// A key whose PIN is `pin`, of a kind: `can` is told, and keeps to what it is told. `forced` is
/// its answer to that.
fn plug(machine: &Machine, mut pin: Option<String>, can: Option<bool>, forced: Reply) {
    machine.key(move |request| match request {
        Request::List => vec![keys(vec![key(pin.is_some(), can)])],
        Request::SetPin(new) => {
            pin = Some(new.expose().to_owned());
            vec![Reply::Done]
        }
        Request::MakeCredential(make) => {
            assert_eq!(Some(make.pin.expose()), pin.as_deref());
            let told = if can == Some(true) { make.min_pin_length } else { None };
            vec![
                Reply::Touch,
                Reply::Credential(KeyCredential {
                    credential: CredentialId::new(vec![4; 32]).unwrap(),
                    attestation_object: Bytes::new(vec![0xa3, 1, 2]).unwrap(),
                    aaguid: Aaguid::new([0xab; 16]),
                    min_pin_length: Some(told.unwrap_or(4)),
                }),
            ]
        }
        Request::ForcePinChange(force) => {
            assert_eq!(Some(force.pin.expose()), pin.as_deref());
            assert_eq!(force.credential.as_slice(), [4; 32], "the one that was made");
            assert_eq!(force.rp_id.as_str(), wardkey_testkit::RP);
            vec![forced.clone()]
        }
        other => panic!("{other:?}"),
    });
}

fn pin_of(ran: &super::common::Ran) -> serde_json::Value {
    ran.json()["pin"].clone()
}

#[test]
fn the_length_is_said_before_the_pin_is_asked_for_and_told_to_a_key_that_can() {
    let machine = wanting(Some(6), None, None);
    plug(&machine, Some(LONG.into()), Some(true), Reply::Done);
    let ran = machine.run("enroll --code GOOD-CODE", &[LONG], false, false);
    assert_eq!(ran.exit, 0, "{}", ran.errors);
    assert_eq!(
        ran.said[..2],
        [
            "A PIN has at least 6 characters.",
            "From now on this key takes no shorter one, for other uses too, until it is reset.",
        ]
    );
    assert!(!ran.out.contains("WK-12"), "nothing is left to do: {}", ran.out);
    let order = ["agent EnrollBegin", "asked PIN: ", "key MakeCredential"];
    let log = machine.log();
    assert_eq!(log[2..5], order);
    assert!(!log.iter().any(|line| line.contains("ForcePinChange")));

    let machine = wanting(Some(6), None, None);
    plug(&machine, Some(LONG.into()), Some(true), Reply::Done);
    let ran = machine.run("enroll --code GOOD-CODE --json", &[LONG], false, false);
    let told = serde_json::json!({"min_length": 6, "min_length_on_key": 6, "change": null});
    assert_eq!(pin_of(&ran), told);
}

#[test]
fn a_pin_that_is_too_short_is_refused_before_a_try_is_spent() {
    let machine = wanting(Some(6), None, None);
    plug(&machine, Some(LONG.into()), Some(true), Reply::Done);
    let ran = machine.run("enroll --code GOOD-CODE", &["2468", "24680", LONG], true, false);
    assert_eq!(ran.exit, 0, "{}", ran.errors);
    let short = "The PIN needs 6 characters or more. If yours is shorter: wardkey key change-pin, \
                 then again. (WK-1276)";
    assert_eq!(ran.said.iter().filter(|said| *said == short).count(), 2, "{:?}", ran.said);
    let made = machine.log().iter().filter(|line| line.contains("MakeCredential")).count();
    assert_eq!(made, 1);

    // A script is asked once. Neither key nor server has heard of the PIN.
    for (least, typed, code) in [(6, "24680", 1276), (63, LONG, 1276), (6, "12", 1215)] {
        let machine = wanting(Some(least), None, None);
        plug(&machine, Some(typed.into()), Some(true), Reply::Done);
        let ran = machine.run("enroll --code GOOD-CODE --json", &[typed], false, false);
        assert_eq!((ran.exit, ran.json()["error"]["number"].as_u64()), (1, Some(code)));
        let log = machine.log();
        assert!(!log.iter().any(|line| line.contains("MakeCredential")), "{log:?}");
        assert_eq!(log.iter().filter(|line| line.contains("EnrollBegin")).count(), 1, "{log:?}");
    }
}

#[test]
fn a_first_pin_is_as_long_as_the_deployment_wants() {
    let machine = wanting(Some(6), None, None);
    plug(&machine, None, Some(true), Reply::Done);
    let answers = ["2468", "2468", LONG, LONG];
    let ran = machine.run("enroll --code GOOD-CODE", &answers, true, false);
    assert_eq!(ran.exit, 0, "{}", ran.errors);
    let least = "A PIN has at least 6 characters.";
    assert!(ran.said.contains(&least.to_owned()), "{:?}", ran.said);
    assert_eq!(machine.log().iter().filter(|line| line.contains("SetPin")).count(), 1);
}

/// CTAP 2.0, a key process of before, and CTAP 2.1 that declines: enrolled, and said.
#[test]
fn a_key_that_cannot_is_enrolled_and_it_is_said_that_it_keeps_to_nothing() {
    for can in [Some(false), None] {
        let machine = wanting(Some(6), Some(true), Some(false));
        plug(&machine, Some(LONG.into()), can, Reply::Done);
        let ran = machine.run("enroll --code GOOD-CODE", &[LONG], false, false);
        assert_eq!(ran.exit, 0, "{}", ran.errors);
        assert!(ran.out.starts_with("The key of 山田 花子 has been registered."), "{}", ran.out);
        assert!(ran.out.contains("(WK-1277)") && ran.out.contains("(WK-1278)"), "{}", ran.out);
        assert!(!ran.said.iter().any(|said| said.contains("takes no shorter")), "{:?}", ran.said);
        assert!(!machine.log().iter().any(|line| line.contains("ForcePinChange")));

        let machine = wanting(Some(6), Some(true), Some(false));
        plug(&machine, Some(LONG.into()), can, Reply::Done);
        let ran = machine.run("enroll --code GOOD-CODE --json", &[LONG], false, false);
        let told =
            serde_json::json!({"min_length": 6, "min_length_on_key": 4, "change": "unsupported"});
        assert_eq!(pin_of(&ran), told);
    }
}

#[test]
fn the_change_is_forced_last_when_the_server_has_the_key() {
    let machine = wanting(None, Some(true), Some(true));
    plug(&machine, Some("2468".into()), Some(true), Reply::Done);
    let ran = machine.run("enroll --code GOOD-CODE", &["2468"], false, false);
    assert_eq!(ran.exit, 0, "{}", ran.errors);
    assert!(ran.out.contains("At its first login this key asks for a new PIN."), "{}", ran.out);
    let log = machine.log();
    let order = ["key MakeCredential", "agent EnrollFinish", "key ForcePinChange"];
    assert_eq!(log[log.len() - 3..], order);

    // What the server refuses leaves the PIN as it is.
    let machine = Machine::new();
    trusts(&machine, 1);
    machine.agent(|request| {
        vec![match request {
            agent::Request::Status => AgentReply::Status(Box::new(status())),
            agent::Request::EnrollBegin(_) => AgentReply::Enrollment(Box::new(Enrollment {
                pin_change_at_first_use: Some(true),
                ..enrollment(1)
            })),
            _ => AgentReply::Refused(agent::Refusal {
                code: Code::PinLengthRefused,
                detail: None,
                retry_after: None,
                record: None,
            }),
        }]
    });
    plug(&machine, Some("2468".into()), Some(true), Reply::Done);
    let ran = machine.run("enroll --code GOOD-CODE --json", &["2468"], false, false);
    assert_eq!((ran.exit, ran.json()["error"]["number"].as_u64()), (1, Some(1880)));
    assert!(!machine.log().iter().any(|line| line.contains("ForcePinChange")));
}

/// Pulled out in between, or swapped: the key is enrolled, and its PIN is not changed.
#[test]
fn a_change_that_could_not_be_forced_is_said_and_the_key_stays_enrolled() {
    for code in [Code::KeyTimeout, Code::KeyAndNameDoNotMatch, Code::Cancelled] {
        let machine = wanting(None, Some(true), Some(true));
        plug(&machine, Some("2468".into()), Some(true), key_failure(code, None));
        let ran = machine.run("enroll --code GOOD-CODE", &["2468"], false, false);
        assert_eq!(ran.exit, 0, "{}", ran.errors);
        assert!(ran.out.starts_with("The key of 山田 花子 has been registered."), "{}", ran.out);
        assert!(ran.out.contains(&code.to_string()), "{}", ran.out);
        assert!(ran.out.contains("(wardkey key change-pin). (WK-1278)"), "{}", ran.out);

        let machine = wanting(None, Some(true), Some(true));
        plug(&machine, Some("2468".into()), Some(true), key_failure(code, None));
        let ran = machine.run("enroll --code GOOD-CODE --json", &["2468"], false, false);
        assert_eq!((ran.exit, pin_of(&ran)["change"].as_str()), (0, Some("failed")));
    }
}
