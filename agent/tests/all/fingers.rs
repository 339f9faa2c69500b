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
    type Case = (Option<(bool, u8, bool)>, ProofKind, Option<&'static str>);
    let cases: [Case; 6] = [
        (None, KeyWithPin, None),
        (Some((true, 0, false)), KeyWithFingerprint, None),
        (Some((true, 2, false)), KeyWithFingerprint, Some("wrong fingers 2")),
        (Some((false, 3, false)), KeyWithPin, Some("wrong fingers 3")),
        (Some((false, 3, true)), KeyWithPin, Some("wrong fingers 3, sensor blocked")),
        (Some((false, 0, true)), KeyWithPin, Some("sensor blocked")),
    ];
    for (said, proof, detail) in cases {
        let f = Fixture::synced();
        let finger = said.map(|(verified, wrong, blocked)| Finger { verified, wrong, blocked });
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
    let finger = Some(Finger { verified: true, wrong: 1, blocked: false });
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

/// The login has its own record, with the fingers in it.
#[test]
fn what_could_not_be_written_after_a_login_says_nothing_of_fingers() {
    let f = Fixture::synced();
    let finger = Some(Finger { verified: true, wrong: 2, blocked: true });
    for code in [Code::MarksNotRaised, Code::VouchNotEnded] {
        let told = failure("hanako", Some("hanako"), Some(1), code);
        assert!(recorded(&f.root().ask(&with(told, finger))), "{code}");
        let is_told = |event: &Event| event.reason == Some(code);
        let event = f.events().into_iter().find(is_told).unwrap();
        assert_eq!(event.name, EventName::MarksNotRaised, "{code}");
        assert_eq!(event.detail.as_deref(), Some("tries 7"), "{code}");
    }
}
