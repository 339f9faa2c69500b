//! A login by a finger over a socket: what the caller hears, and what it may ask afterwards.

use wardkey_core::message::key::AssertByFinger;

use super::*;
use crate::testkey::sensor::Finger::{Right, Wrong};
use crate::testkey::sensor::Sensor;

fn by_finger(node: u32) -> Request {
    Request::AssertByFinger(AssertByFinger {
        client_data: Bytes::new(b"client data".to_vec()).unwrap(),
        credential: CredentialId::new(id(1)).unwrap(),
        wait_ms: 60_000,
        path: format!("test:{node}"),
    })
}

#[test]
fn a_key_that_knows_a_finger_says_so_and_signs_by_it() {
    let client = Client::new(Caller::Root, || vec![Sensor::with(&[Right]).plugged()]);
    let Reply::Identified(identified) = client.ask(&identify(&[id(1)], 0)) else { panic!() };
    assert_eq!(identified.key.details.unwrap().fingerprint, Some(true));
    assert_eq!(client.ask(&by_finger(0)), Reply::Touch);
    let Reply::Assertion(assertion) = client.receive() else { panic!() };
    assert_eq!(assertion.auth_data.as_slice(), auth_data(5, &[]));

    let client = Client::new(Caller::Root, || vec![good()]);
    let Reply::Identified(identified) = client.ask(&identify(&[id(1)], 0)) else { panic!() };
    assert_eq!(identified.key.details.unwrap().fingerprint, Some(false));
    assert_eq!(code(&client.ask(&by_finger(0))), Code::KeyUnsuitable);
}

#[test]
fn after_wrong_fingers_the_same_connection_takes_the_pin() {
    let client = Client::new(Caller::ActiveSession, || vec![Sensor::with(&[Wrong; 3]).plugged()]);
    client.ask(&identify(&[id(1)], 0));
    for left in [2, 1, 0] {
        assert_eq!(client.ask(&by_finger(0)), Reply::Touch);
        let Reply::Failed(failure) = client.receive() else { panic!() };
        assert_eq!(failure.code, Code::FingerWrong);
        assert_eq!((failure.status, failure.tries_left), (Some(0x3f), Some(left)));
    }
    // Blocked: told at once, without a touch.
    assert_eq!(code(&client.ask(&by_finger(0))), Code::FingerBlocked);
    let Reply::Assertion(assertion) = client.ask(&assert_with(id(1), 60_000)) else { panic!() };
    assert_eq!(assertion.auth_data.as_slice(), auth_data(5, &[]));
}

#[test]
fn only_the_key_that_was_identified_is_asked_for_a_finger() {
    let client = Client::new(Caller::Root, || vec![Sensor::with(&[Right]).plugged()]);
    assert_eq!(code(&client.ask(&by_finger(0))), Code::ProtocolError, "before identification");
    client.ask(&identify(&[id(1)], 0));
    assert_eq!(code(&client.ask(&by_finger(7))), Code::ProtocolError, "another node");
    let client = Client::new(Caller::Agent, || vec![Sensor::with(&[Right]).plugged()]);
    client.ask(&identify(&[id(1)], 0));
    assert_eq!(code(&client.ask(&by_finger(0))), Code::KeyAccessDenied, "the agent asks for none");
}
