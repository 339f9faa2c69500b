//! What the module says of fingers: it stands in the record, and decides nothing.

use crate::common::*;
use wardkey_core::code::Code;
use wardkey_core::event::{Event, EventName, Outcome};
use wardkey_core::message::agent::{Finger, LoginOutcome, Reply, Request};
use wardkey_core::proof::ProofKind;

fn with(request: Request, finger: Option<Finger>) -> Request {
    let Request::Outcome(outcome) = request else { panic!("{request:?}") };
    Request::Outcome(Box::new(LoginOutcome { finger, ..*outcome }))
}

fn logins(f: &Fixture) -> Vec<Event> {
    f.events().into_iter().filter(|event| event.name == EventName::Login).collect()
}

#[test]
fn a_record_says_whether_it_was_finger_or_pin_and_how_many_fingers_were_wrong() {
    use ProofKind::{KeyWithFingerprint, KeyWithPin};
    /// What the module says, proof and detail of the record.
    type Case = (Option<(bool, u8)>, ProofKind, Option<&'static str>);
    let cases: [Case; 4] = [
        (None, KeyWithPin, None),
        (Some((true, 0)), KeyWithFingerprint, None),
        (Some((true, 2)), KeyWithFingerprint, Some("wrong fingers 2")),
        (Some((false, 3)), KeyWithPin, Some("wrong fingers 3")),
    ];
    for (said, proof, detail) in cases {
        let f = Fixture::synced();
        let finger = said.map(|(verified, wrong)| Finger { verified, wrong });
        let assertion = f.assertion("hanako", "hanako", 1, |_| {});
        assert!(recorded(&f.root().ask(&with(success("hanako", &assertion), finger))), "{said:?}");
        let event = logins(&f).pop().unwrap();
        assert_eq!((event.outcome, event.proof), (Outcome::Success, Some(proof)), "{said:?}");
        assert_eq!(event.detail.as_deref(), detail, "{said:?}");
        assert!(event.to_line().contains(&format!("proof={}", proof.as_str())), "{said:?}");
    }
}

#[test]
fn a_word_of_fingers_lets_nobody_in() {
    let f = Fixture::synced();
    let finger = Some(Finger { verified: true, wrong: 1 });
    // Signed by another key: refused as ever, and no proof is on record.
    let mut assertion = f.assertion("hanako", "hanako", 1, |_| {});
    assertion.signature = f.assertion("hanako", "hanako", 2, |_| {}).signature;
    let answer = f.root().ask(&with(success("hanako", &assertion), finger));
    assert!(matches!(answer, Reply::Refused(_)), "{answer:?}");
    let event = logins(&f).pop().unwrap();
    assert_eq!((event.outcome, event.proof), (Outcome::Failure, None));
    assert!(event.detail.unwrap().ends_with(", wrong fingers 1"));

    let refused = failure("hanako", Some("hanako"), Some(1), Code::Cancelled);
    assert!(recorded(&f.root().ask(&with(refused, finger))));
    let event = logins(&f).pop().unwrap();
    assert_eq!((event.outcome, event.proof), (Outcome::Failure, None));
    assert_eq!(event.detail.as_deref(), Some("tries 7, wrong fingers 1"));
}
