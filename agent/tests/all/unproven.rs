//! What devices and modules claim without a proof.

use crate::common::*;
use crate::lockout::{locked, wrong_pin};
use wardkey_core::code::Code;
use wardkey_core::codec::List;
use wardkey_core::event::EventName;
use wardkey_core::message::agent::{Reply, Request};
use wardkey_ipc::Peer;

#[test]
fn what_is_not_proven_counts_against_nobody_and_is_in_no_record() {
    use wardkey_core::id::{Nonce, TerminalId};
    use wardkey_core::proof::identification::IdentifyData;
    let f = Fixture::synced();
    let here = IdentifyData { nonce: Nonce::new([1; 32]), terminal: TERMINAL };
    let elsewhere = IdentifyData { terminal: TerminalId::new([5; 16]), ..here.clone() };
    let mut cut = silent(1);
    cut.signature = wardkey_core::codec::Bytes::default();
    // (what the module says, whom it names, what proves it)
    for (what, account, person, proof) in [
        ("no proof", "hanako", Some("hanako"), None),
        ("another key's signature", "hanako", Some("hanako"), Some(silent_over(66, 1, &here))),
        (
            "a challenge of another terminal",
            "hanako",
            Some("hanako"),
            Some(silent_over(1, 1, &elsewhere)),
        ),
        ("no signature", "hanako", Some("hanako"), Some(cut)),
        ("a key of somebody else", "hanako", Some("hanako"), Some(silent(2))),
        ("nobody's name", "ghost", None, None),
        ("a person that nobody knows", "ghost", Some("ghost"), Some(silent(1))),
    ] {
        for _ in 0..6 {
            for code in [
                Code::PinWrong,
                Code::PinBlocked,
                Code::KeyAndNameDoNotMatch,
                Code::AssertionSignature,
            ] {
                let request = failure_with(account, person, proof.clone(), code);
                assert!(recorded(&f.root().ask(&request)), "{what}");
            }
        }
        assert_eq!((locked(&f, "hanako", 1), locked(&f, "taro", 2)), (0, 0), "{what}");
        // Nor is there a difference between names that somebody has and others.
        assert!(
            matches!(f.root().in_turn(&Request::Begin(begin(account))), Reply::Granted(_)),
            "{what}"
        );
    }
    for event in f.events() {
        assert_eq!((&event.person, &event.key), (&None, &None), "{event:?}");
        assert_ne!(event.name, EventName::LockedOut);
    }
    // A proven key under a name that is not its own: no secret was tried.
    for _ in 0..6 {
        f.root().ask(&failure("hanako", Some("hanako"), Some(1), Code::KeyAndNameDoNotMatch));
    }
    assert_eq!(locked(&f, "hanako", 1), 0);
    // Proven, it names both.
    f.root().ask(&wrong_pin());
    let event = f.events().pop().unwrap();
    assert_eq!((event.person, event.key.is_some()), (Some(login("hanako")), true));
}

#[test]
fn devices_that_proved_nothing_are_recorded_once() {
    use wardkey_core::message::agent::Suspect;
    let f = Fixture::synced();
    let suspect = |product, name: &str| Suspect {
        vendor: 0x1209,
        product,
        path: "/dev/hidraw0".into(),
        name: name.into(),
        why: "signature does not verify".into(),
    };
    let with = |all: Vec<Suspect>| {
        let Request::Outcome(mut outcome) = failure("hanako", None, None, Code::KeyTimeout) else {
            unreachable!()
        };
        outcome.suspects = Some(List::new(all).unwrap());
        Request::Outcome(outcome)
    };
    for _ in 0..3 {
        assert!(recorded(
            &f.root().ask(&with(vec![suspect(1, "Charger\n\u{202e}"), suspect(2, "Fan")]))
        ));
    }
    let all = f.events();
    let events: Vec<_> =
        all.iter().filter(|event| event.name == EventName::DeviceSuspected).collect();
    assert_eq!(events.len(), 2, "{events:?}");
    for event in events {
        assert_eq!(event.reason, Some(Code::DeviceNotProven));
        let line = event.to_line();
        assert!(line.contains("event=device-suspected") && line.contains("1209:000"), "{line}");
        assert!(!line.contains('\n') && !line.contains('\u{202e}'), "{line:?}");
    }
    // Who is not root could make up any number.
    let nobody = nix::unistd::User::from_name("nobody").unwrap().unwrap().uid.as_raw();
    let peer = Peer { uid: nobody, gid: nobody, pid: 77 };
    for product in 10..15 {
        let Request::Outcome(mut outcome) = with(vec![suspect(product, "Fan")]) else {
            unreachable!()
        };
        outcome.login = begin("nobody");
        f.connect(peer).ask(&Request::Outcome(outcome));
    }
    let events = f.events();
    assert_eq!(events.iter().filter(|event| event.name == EventName::DeviceSuspected).count(), 3);
}

#[test]
fn a_name_that_nobody_has_is_asked_for_with_ids_that_stay_the_same() {
    let f = Fixture::synced();
    let decoys = |name: &str| {
        let grant = f.root().granted(&Request::Begin(begin(name)));
        grant.decoys.map(List::into_vec).unwrap_or_default()
    };
    let ids = decoys("ghost");
    let lengths: Vec<usize> = ids.iter().map(|id| id.as_slice().len()).collect();
    assert_eq!(lengths, [32], "as those of everybody here");
    assert_eq!(decoys("ghost"), ids);
    assert_ne!(decoys("wraith"), ids);
    assert!(decoys("hanako").is_empty(), "whose own are asked for");
    // With nobody at all to look like.
    let mut nobody = begin("x");
    nobody.account = None;
    assert!(f.root().granted(&Request::Begin(nobody)).decoys.is_some());
}
