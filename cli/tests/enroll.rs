//! `wardkey enroll` and `wardkey key` against scripted peers: order, tries, and where the PIN goes.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing)]

#[path = "enroll/at_console.rs"]
mod at_console;
mod common;
#[path = "enroll/desk.rs"]
mod desk;
#[path = "enroll/exchanged_root_key.rs"]
mod exchanged_root_key;
#[path = "enroll/opened.rs"]
mod opened;
#[path = "enroll/pin_rules.rs"]
mod pin_rules;

use std::sync::atomic::{AtomicUsize, Ordering};

use common::{
    Deployment, Machine, credential, enrolled, enrollment, key_failure, key_info, keys, status,
};
use wardkey_core::code::Code;
use wardkey_core::message::agent::{self, Refusal, Reply as AgentReply};
use wardkey_core::message::key::{Reply, Request};
use wardkey_core::person::MAX_POOL;

/// A machine that is joined; its server knows the code `GOOD-CODE`.
fn machine(keys_before: usize) -> Machine {
    let machine = Machine::new();
    trusts(&machine, 1);
    machine.agent(move |request| {
        vec![match request {
            agent::Request::Status => AgentReply::Status(Box::new(status())),
            agent::Request::EnrollBegin(begin) if begin.code == "GOOD-CODE" => {
                AgentReply::Enrollment(Box::new(enrollment(keys_before)))
            }
            agent::Request::EnrollBegin(begin) if begin.code == "FULL-CODE" => {
                AgentReply::Refused(Refusal {
                    code: Code::TooManyKeys,
                    detail: Some("the person has 8 keys already".into()),
                    retry_after: None,
                    record: None,
                })
            }
            agent::Request::EnrollBegin(_) => AgentReply::Refused(Refusal {
                code: Code::EnrollmentCodeInvalid,
                // As the server says it.
                detail: Some("the enrollment code is wrong, used or expired".into()),
                retry_after: None,
                record: None,
            }),
            agent::Request::EnrollFinish(finish) => {
                assert_eq!(finish.session, "session-1");
                assert_eq!(finish.client_data.as_slice(), b"{\"type\":\"webauthn.create\"}");
                assert_eq!(finish.attestation_object.as_slice(), [0xa3, 1, 2]);
                assert!(
                    ["Test Key", "予備"].contains(&finish.label.as_str()),
                    "{:?}",
                    finish.label
                );
                AgentReply::Enrolled(enrolled())
            }
            other => panic!("{other:?}"),
        }]
    });
    machine
}

/// The trust anchor of the machine.
fn trusts(machine: &Machine, deployment: u8) {
    let root = Deployment::new(deployment).root.public();
    std::fs::write(
        machine.path("anchor.toml"),
        format!("root_key = \"{root}\"\nterminal = \"{}\"\n", "05".repeat(16)),
    )
    .unwrap();
}

/// A key whose PIN is 2468 (or is not set yet), with this many tries.
fn plug(machine: &Machine, mut pin: Option<&'static str>, mut tries: u8) {
    machine.key(move |request| match request {
        Request::List => vec![keys(vec![key_info(pin.is_some(), tries)])],
        Request::SetPin(new) => {
            assert!(pin.is_none());
            pin = Some(Box::leak(new.expose().to_owned().into_boxed_str()));
            vec![Reply::Done]
        }
        Request::MakeCredential(make) => {
            assert_eq!(make.rp_id.as_str(), wardkey_testkit::RP);
            assert_eq!(
                (make.user_name.as_str(), make.display_name.as_str()),
                ("hanako", "山田 花子")
            );
            assert_eq!((&*make.algorithms, make.cred_protect), (&[-7, -8][..], 2));
            let (own, pool) = make.exclude.split_at(make.exclude.len() - MAX_POOL);
            assert!(own.iter().all(|id| id.as_slice() == [3; 32]), "{own:?}");
            assert!(pool.iter().all(|id| id.as_slice() == [5; 32]), "{pool:?}");
            assert!((1_000..60_000).contains(&make.wait_ms), "within the life of the challenge");
            if pin == Some(make.pin.expose()) {
                return vec![Reply::Touch, credential()];
            }
            tries -= 1;
            vec![key_failure(Code::PinWrong, Some(tries))]
        }
        Request::ChangePin { old, new } if pin == Some(old.expose()) => {
            pin = Some(Box::leak(new.expose().to_owned().into_boxed_str()));
            vec![Reply::Done]
        }
        Request::ChangePin { .. } => {
            tries -= 1;
            vec![key_failure(
                if tries == 0 { Code::PinBlocked } else { Code::PinWrong },
                Some(tries),
            )]
        }
        Request::Cancel => vec![],
        other => panic!("{other:?}"),
    });
}

#[test]
fn a_key_with_a_pin_is_enrolled_and_the_pin_goes_to_the_key_only() {
    let machine = machine(0);
    plug(&machine, Some("2468"), 8);
    let ran = machine.run("enroll", &["GOOD-CODE", "2468"], false, false);
    assert_eq!(ran.exit, 0, "{}", ran.errors);
    assert_eq!(
        ran.out,
        "The key of 山田 花子 has been registered.\nFingerprint: cdcdcdcdcdcdcdcd\n\
         Please register a backup key too, and keep it in another place.\n"
    );
    assert_eq!(ran.said, ["Registering a key for 山田 花子 (hanako)", "Please touch the key."]);
    // A challenge that is young enough when the PIN is there is taken.
    let order = [
        "agent Status",
        "asked Enrollment code: ",
        "key List",
        "agent EnrollBegin",
        "asked PIN: ",
        "key MakeCredential",
        "agent EnrollFinish",
    ];
    assert_eq!(machine.log(), order);
    assert!(machine.agent_got("GOOD-CODE") && !machine.agent_got("2468"));
}

#[test]
fn json_and_options_of_enroll() {
    let machine = machine(1);
    plug(&machine, Some("2468"), 8);
    let ran = machine.run(
        "enroll --code GOOD-CODE --label 予備 --json --lang ja",
        &["2468"],
        false,
        false,
    );
    assert_eq!(ran.exit, 0, "{}", ran.out);
    assert_eq!(
        ran.json(),
        serde_json::json!({
            "login": "hanako", "display_name": "山田 花子", "key": "cd".repeat(32),
            "fingerprint": "cd".repeat(8), "attested": true, "backup_recommended": false,
            "pin": {"min_length": null, "min_length_on_key": null, "change": null},
        })
    );
    assert!(ran.said.contains(&"キーに触れてください。".to_owned()), "{:?}", ran.said);
}

#[test]
fn a_new_key_gets_its_first_pin() {
    let machine = machine(0);
    plug(&machine, None, 8);
    let ran = machine.run("enroll --code GOOD-CODE", &["2468", "2468"], false, false);
    assert_eq!(ran.exit, 0, "{}", ran.errors);
    assert!(ran.said.iter().any(|text| text.contains("no PIN yet")), "{:?}", ran.said);
    let asked = [
        "key List",
        "agent EnrollBegin",
        "asked New PIN: ",
        "asked New PIN again: ",
        "key SetPin",
        "key MakeCredential",
    ];
    assert_eq!(machine.log()[1..7], asked);
    // A wrong code changes nothing on the key, and asks for nothing.
    let wrong = self::machine(0);
    plug(&wrong, None, 8);
    let ran = wrong.run("enroll --code BAD-CODE --json", &[], true, false);
    assert_eq!((ran.exit, ran.json()["error"]["code"].as_str()), (1, Some("WK-1506")));
    assert_eq!(wrong.log(), ["agent Status", "key List", "agent EnrollBegin"]);
    // A person may mistype; a script may not.
    let again = self::machine(0);
    plug(&again, None, 8);
    let answers = ["2468", "2469", "12", "12", "2468", "2468"];
    assert_eq!(again.run("enroll --code GOOD-CODE", &answers, true, false).exit, 0);
    for (answers, code) in
        [(["2468", "2469"], "WK-1516"), (["12", "12"], "WK-1215"), (["", ""], "WK-1213")]
    {
        let machine = self::machine(0);
        plug(&machine, None, 8);
        let ran = machine.run("enroll --code GOOD-CODE --json", &answers, false, false);
        assert_eq!((ran.exit, ran.json()["error"]["code"].as_str()), (1, Some(code)));
        assert!(!machine.log().iter().any(|line| line.contains("SetPin")));
    }
}

#[test]
fn a_wrong_pin_is_told_and_asked_again_of_a_person_only() {
    let machine = machine(0);
    plug(&machine, Some("2468"), 8);
    let ran = machine.run("enroll --code GOOD-CODE", &["1111", "12", "2468"], true, false);
    assert_eq!(ran.exit, 0, "{}", ran.errors);
    assert!(ran.said.contains(&"Wrong PIN. Tries left: 7. (WK-1203)".to_owned()), "{:?}", ran.said);
    let log = machine.log();
    assert!(log.contains(&"asked PIN (tries left: 7): ".to_owned()), "{log:?}");
    // What the key did not sign is good for the next attempt: a terminal has few tries at codes.
    assert_eq!(log.iter().filter(|line| *line == "agent EnrollBegin").count(), 1);

    let machine = self::machine(0);
    plug(&machine, Some("2468"), 8);
    let ran = machine.run("enroll --code GOOD-CODE --json", &["1111"], false, false);
    assert_eq!(ran.exit, 1);
    assert_eq!(
        ran.json(),
        serde_json::json!({"error": {
            "code": "WK-1203", "number": 1203, "message": "Wrong PIN. Tries left: 7.",
            "message_ja": "暗証番号（PIN）が違います。あと 7 回お試しいただけます。",
        }})
    );
    assert_eq!(machine.log().iter().filter(|line| line.contains("MakeCredential")).count(), 1);
}

#[test]
fn the_last_try_ends_it() {
    let machine = machine(0);
    plug(&machine, Some("2468"), 1);
    let ran = machine.run("enroll --code GOOD-CODE --json", &["1111"], true, false);
    assert_eq!((ran.exit, ran.json()["error"]["code"].as_str()), (1, Some("WK-1205")));
    assert!(machine.log().contains(&"asked PIN (tries left: 1): ".to_owned()));
    // A blocked key is not asked at all.
    let machine = self::machine(0);
    plug(&machine, Some("2468"), 0);
    let ran = machine.run("enroll --code GOOD-CODE --json", &[], true, false);
    assert_eq!((ran.exit, ran.json()["error"]["code"].as_str()), (1, Some("WK-1205")));
}

#[test]
fn refusals_and_cancelling_end_it() {
    for (line, answers, code) in [
        ("enroll --code BAD --json", vec![], "WK-1506"),
        ("enroll --json", vec![""], "WK-1506"),
        ("enroll --json", vec!["^C"], "WK-1211"),
        ("enroll --code GOOD-CODE --json", vec!["^C"], "WK-1211"),
        ("enroll --code GOOD-CODE --json", vec![""], "WK-1213"),
    ] {
        let machine = machine(0);
        plug(&machine, Some("2468"), 8);
        let ran = machine.run(line, &answers, false, false);
        assert_eq!((ran.exit, ran.json()["error"]["code"].as_str()), (1, Some(code)), "{line}");
        assert!(!machine.log().iter().any(|line| line.contains("MakeCredential")), "{line}");
    }
    let fresh = Machine::new();
    let unjoined = agent::Status { terminal: None, ..status() };
    fresh.agent(move |_| vec![AgentReply::Status(Box::new(unjoined.clone()))]);
    let ran = fresh.run("enroll --json", &[], true, false);
    assert_eq!((ran.exit, ran.json()["error"]["code"].as_str()), (1, Some("WK-1303")));
    // Without a key process: nothing is asked that leads nowhere but the code.
    let ran = machine(0).run("enroll --code GOOD-CODE --json", &[], true, false);
    assert_eq!((ran.exit, ran.json()["error"]["code"].as_str()), (3, Some("WK-1302")));
}

/// Wait for the key to be plugged, without Enter.
#[test]
fn it_waits_for_one_key_to_be_plugged() {
    let machine = machine(0);
    let looks = AtomicUsize::new(0);
    let (one, other) = (key_info(true, 8), key_info(true, 8));
    machine.key(move |request| match request {
        Request::List => vec![keys(match looks.fetch_add(1, Ordering::Relaxed) {
            0 => vec![],
            1 => vec![one.clone(), other.clone()],
            _ => vec![one.clone()],
        })],
        Request::Watch if looks.load(Ordering::Relaxed) == 1 => {
            vec![keys(vec![]), keys(vec![one.clone(), other.clone()])]
        }
        Request::Watch => vec![keys(vec![one.clone(), other.clone()]), keys(vec![one.clone()])],
        Request::MakeCredential(_) => vec![Reply::Insert, Reply::Touch, credential()],
        other => panic!("{other:?}"),
    });
    let ran = machine.run("enroll --code GOOD-CODE", &["2468"], true, false);
    assert_eq!(ran.exit, 0, "{}", ran.errors);
    assert_eq!(
        ran.said,
        [
            "Please insert your security key.",
            "Several keys are plugged in. Please leave only the one that is meant.",
            "Registering a key for 山田 花子 (hanako)",
            "Please insert your security key.",
            "Please touch the key.",
        ]
    );
}

#[test]
fn a_pin_is_changed() {
    let machine = Machine::new();
    plug(&machine, Some("2468"), 3);
    let ran = machine.run("key change-pin --json", &["2468", "13579", "13579"], false, false);
    assert_eq!((ran.exit, ran.out.as_str()), (0, "{\"changed\":true}\n"));
    let ran = machine.run(
        "key change-pin",
        &["2468", "1111", "1111", "13579", "1111", "1111"],
        true,
        false,
    );
    assert_eq!((ran.exit, ran.out.as_str()), (0, "The PIN has been changed.\n"), "{}", ran.errors);
    assert!(ran.said.contains(&"Wrong PIN. Tries left: 2. (WK-1203)".to_owned()), "{:?}", ran.said);
    let ran = machine.run("key change-pin --json", &["0000", "1111", "1111"], false, false);
    assert_eq!((ran.exit, ran.json()["error"]["code"].as_str()), (1, Some("WK-1203")));
    let ran = machine.run("key change-pin --json", &["0000", "1111", "1111"], true, false);
    assert_eq!((ran.exit, ran.json()["error"]["code"].as_str()), (1, Some("WK-1205")));
}

#[test]
fn a_taken_over_agent_cannot_choose_for_whom_a_key_makes_a_credential() {
    type Lie = fn(&mut agent::Enrollment);
    let cases: [(&str, Lie, u8, &str); 5] = [
        ("another relying party", |e| e.rp_id = "evil.example".parse().unwrap(), 1, "WK-1018"),
        ("no root documents", |e| e.roots = Default::default(), 1, "WK-1101"),
        (
            "roots of its own",
            |e| {
                e.rp_id = "evil.example".parse().unwrap();
                let evil = Deployment::new(66);
                let mut document = evil.root_document(1, &evil.root);
                document.rp_id = e.rp_id.clone();
                let by_itself = wardkey_core::codec::Bytes::new(evil.root.sign(&document)).unwrap();
                let signed = wardkey_core::document::SignedRoot { by_itself, by_previous: None };
                e.roots = wardkey_core::codec::List::new(vec![signed]).unwrap();
            },
            1,
            "WK-1101",
        ),
        ("a terminal of another deployment", |_| {}, 2, "WK-1101"),
        ("a terminal without an anchor", |_| {}, 0, "WK-1109"),
    ];
    for (what, lie, anchor, code) in cases {
        let machine = Machine::new();
        if anchor > 0 {
            trusts(&machine, anchor);
        }
        machine.agent(move |request| {
            vec![match request {
                agent::Request::Status => AgentReply::Status(Box::new(status())),
                agent::Request::EnrollBegin(_) => {
                    let mut shown = enrollment(0);
                    lie(&mut shown);
                    AgentReply::Enrollment(Box::new(shown))
                }
                other => panic!("{other:?}"),
            }]
        });
        plug(&machine, Some("2468"), 8);
        // Not even the PIN is asked for.
        let ran = machine.run("enroll --code GOOD-CODE --json", &[], false, false);
        assert_eq!(
            (ran.exit, ran.json()["error"]["code"].as_str()),
            (1, Some(code)),
            "{what}: {}",
            ran.out
        );
        assert!(!machine.log().iter().any(|line| line.contains("MakeCredential")), "{what}");
        if code == "WK-1018" {
            let error = ran.json()["error"].clone();
            let (en, ja) =
                (error["detail"].as_str().unwrap(), error["detail_ja"].as_str().unwrap());
            assert!(en.starts_with("evil.example is not hospital.example"), "{en}");
            assert!(ja.contains("ルート鍵で署名された"), "{ja}");
        }
    }
}
