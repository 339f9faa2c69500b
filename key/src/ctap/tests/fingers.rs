//! Keys with a sensor: what is sent for a finger, and what is not.

use std::cell::Cell;
use std::rc::Rc;
use std::time::{Duration, Instant};

use wardkey_core::code::Code;

use super::*;
use crate::ctap::order::by_finger;
use crate::testkey::sensor::Finger::{None as NoFinger, Right, Wrong};
use crate::testkey::sensor::{Finger, Sensor};
use crate::testkey::{FINGER_TRIES, SELECTION, TOKEN_BY_FINGER};

const BY_FINGER: [crate::testkey::About; 3] = [AGREEMENT, TOKEN_BY_FINGER, ASSERT];

fn sign(test: &mut TestKey) -> Result<Assertion, KeyError> {
    test.key.assert_by_finger(RP_ID, &id(1), b"client data", &soon())
}

#[test]
fn a_finger_gives_a_token_for_this_relying_party_alone_and_no_pin_is_sent() {
    let key = Sensor::with(&[Right]);
    let mut test = key.plugged();
    assert!(test.key.info(&soon()).unwrap().fingerprint);
    assert_eq!(sign(&mut test).unwrap().authenticator_data, auth_data(5, &[]));
    assert_eq!(test.asked(), [&[INIT, INFO][..], &BY_FINGER].concat());
    assert_eq!(key.pins(), 0);
}

#[test]
fn each_wrong_finger_says_how_many_tries_are_left_and_then_only_the_pin_helps() {
    let key = Sensor::with(&[Wrong, Wrong, Wrong, Right, Right]);
    let mut test = key.plugged();
    for left in [2, 1, 0] {
        assert_eq!(sign(&mut test), Err(KeyError::FingerWrong { tries_left: Some(left) }));
    }
    assert_eq!(sign(&mut test), Err(KeyError::FingerBlocked));
    assert_eq!(key.pins(), 0, "what the library made of no PIN never left");

    // A wrong PIN changes nothing, and the right one gives the tries back.
    assert!(matches!(
        test.assert_by(&Pin::new("9999".to_owned().into()).unwrap()),
        Err(KeyError::PinWrong { .. })
    ));
    assert_eq!(sign(&mut test), Err(KeyError::FingerBlocked));
    assert_eq!(test.assert().unwrap().authenticator_data, auth_data(5, &[]));
    assert_eq!(key.pins(), 2);
    assert!(sign(&mut test).is_ok());
    assert_eq!(test.asked().iter().filter(|about| **about == FINGER_TRIES).count(), 3);
}

/// The module decides by the flags that it signed.
#[test]
fn a_key_that_took_the_finger_and_verified_nobody_is_not_made_better() {
    let mut test = Sensor::with(&[Right]).lying().plugged();
    assert_eq!(sign(&mut test).unwrap().authenticator_data, auth_data(1, &[]));
}

#[test]
fn that_a_finger_is_waited_for_is_told_and_the_wait_ends() {
    let mut test = Sensor::with(&[NoFinger]).plugged();
    test.key.info(&soon()).unwrap();
    let told = Rc::new(Cell::new(0));
    let count = Rc::clone(&told);
    let limits = Limits {
        on_touch: Rc::new(move || count.set(count.get() + 1)),
        ..Limits::until(Instant::now() + Duration::from_millis(1500))
    };
    let signed = test.key.assert_by_finger(RP_ID, &id(1), b"client data", &limits);
    assert_eq!((signed, told.get()), (Err(KeyError::TouchTimeout), 1));
    // The key goes on: the PIN is taken.
    assert!(test.assert().is_ok());
}

/// What it may say still would be taken for the answer to the next request.
#[test]
fn a_sensor_that_does_not_stop_takes_the_pin_of_another_process_only() {
    let key = Sensor::with(&[NoFinger]).deaf();
    let mut test = key.plugged();
    test.key.info(&soon()).unwrap();
    let limits = Limits::until(Instant::now() + Duration::from_millis(1500));
    let signed = test.key.assert_by_finger(RP_ID, &id(1), b"client data", &limits);
    assert_eq!(signed, Err(KeyError::TouchTimeout));
    assert_eq!(test.assert(), Err(KeyError::Silent));
    assert_eq!(key.pins(), 0);
    assert_eq!(key.plugged().assert().unwrap().authenticator_data, auth_data(5, &[]));
}

#[test]
fn a_key_of_ctap_2_0_verifies_the_finger_with_the_assertion() {
    let key = Sensor::with(&[Wrong, Right]).old();
    let mut test = key.plugged();
    // It has no word for the tries.
    assert_eq!(sign(&mut test), Err(KeyError::FingerWrong { tries_left: None }));
    assert_eq!(sign(&mut test).unwrap().authenticator_data, auth_data(5, &[]));
    assert_eq!(test.asked(), [INIT, INFO, ASSERT, FINGER_TRIES, ASSERT]);
    assert_eq!(key.pins(), 0);
}

/// What they say of a PIN they may say of a finger too, and of the PIN it need not be true.
#[test]
fn whatever_a_key_says_in_place_of_a_finger_its_pin_is_not_given_up() {
    const NEW: &[&str] = &["uv", "bioEnroll", "pinUvAuthToken"];
    const OLD: &[&str] = &["uv", "bioEnroll"];
    let said = |is_old: bool, says: Vec<Reply>| {
        let asked = if is_old { ASSERT } else { TOKEN_BY_FINGER };
        let mut test = TestKey::new(move |about, _| match about {
            INFO => {
                let has = if is_old { OLD } else { NEW };
                Some(vec![Reply::Cbor(0, info(&|of| of.has = has))])
            }
            about if about == asked => Some(says.clone()),
            _ => None,
        });
        sign(&mut test).unwrap_err()
    };
    let wrong = KeyError::FingerWrong { tries_left: None };
    for is_old in [false, true] {
        for (status, meant) in [
            (0x3f, wrong.clone()),
            (0x3c, KeyError::FingerBlocked),
            (0x05, KeyError::TouchTimeout),
            (0x2f, KeyError::TouchTimeout),
            (0x3a, KeyError::TouchTimeout),
            (0x2e, KeyError::NoCredentials),
            (0x27, if is_old { wrong.clone() } else { KeyError::Status(0x27) }),
        ] {
            assert_eq!(said(is_old, vec![Reply::Cbor(status, vec![])]), meant, "{status:#x}");
        }
        for status in [0x01, 0x06, 0x2b, 0x2d, 0x31, 0x32, 0x33, 0x34, 0x35, 0x36, 0x37, 0x40] {
            let error = said(is_old, vec![Reply::Cbor(status, vec![])]);
            assert_eq!(error, KeyError::Status(status));
            assert_eq!((error.code(), error.status()), (Code::KeyFault, Some(status)));
        }
    }
    // CTAPHID's own word for it.
    let busy = said(false, vec![Reply::Message(0xbf, vec![0x06])]);
    assert_eq!(busy, KeyError::Status(0x06));
}

/// By the request as the library writes it.
#[test]
fn a_busy_key_of_ctap_2_0_asks_its_sensor_once() {
    let old = info(&|of| of.has = &["uv", "bioEnroll"]);
    let mut test = TestKey::new(move |about, _| match about {
        INFO => Some(vec![Reply::Cbor(0, old.clone())]),
        ASSERT => Some(vec![Reply::Message(0xbf, vec![0x06])]),
        _ => None,
    });
    assert_eq!(sign(&mut test), Err(KeyError::Status(0x06)));
    assert_eq!(test.asked(), [INIT, INFO, ASSERT]);
}

#[test]
fn a_caller_that_gives_up_at_the_finger_is_asked_for_no_pin() {
    let mut test = Sensor::with(&[NoFinger]).plugged();
    test.key.info(&soon()).unwrap();
    let (ours, theirs) = std::os::unix::net::UnixStream::pair().unwrap();
    drop(theirs);
    let limits = Limits { cancel: Some(Rc::new(ours.into())), ..soon() };
    let signed = test.key.assert_by_finger(RP_ID, &id(1), b"client data", &limits);
    assert_eq!(signed, Err(KeyError::Cancelled));
}

#[test]
fn only_a_key_that_knows_a_finger_is_asked_for_one() {
    type Case = (&'static [&'static str], Option<u8>, bool);
    // What it says that it has, uvModality, whether that is a sensor that knows a finger.
    const CASES: &[Case] = &[
        (&[], None, false),
        (&["bioEnroll"], None, false),
        (&["uv"], None, false),
        // A code that is typed on the key itself.
        (&["uv", "pinUvAuthToken"], Some(4), false),
        (&["uv", "bioEnroll"], None, true),
        (&["uv", "pinUvAuthToken"], Some(2), true),
    ];
    for (has, modality, knows) in CASES {
        let body = info(&|of| (of.has, of.modality) = (has, *modality));
        let mut test = TestKey::answering(INFO, vec![Reply::Cbor(0, body)]);
        assert_eq!(test.key.info(&soon()).unwrap().fingerprint, *knows, "{has:?}");
        if !knows {
            assert!(matches!(sign(&mut test), Err(KeyError::Unsuitable(_))), "{has:?}");
            assert_eq!(test.asked(), [INIT, INFO], "{has:?}");
        }
    }
}

#[test]
fn what_may_carry_a_pin_is_not_sent_where_a_finger_is_asked_for() {
    let half = [0x03, 0xa1, 0x01, 0x02];
    let token = |subcommand: u8| {
        [&[0x06, 0xa4, 0x01, 0x02, 0x02, subcommand][..], &half, &[0x06, 0x41, 0xee]].concat()
    };
    let mut sent = token(5);
    assert!(by_finger("a.example", &mut sent));
    let wanted = [&[0x06, 0xa5, 0x01, 0x02, 0x02, 0x06][..], &half, b"\x09\x02\x0a\x69a.example"];
    assert_eq!(sent, wanted.concat());

    // Other subcommands, other commands, what cannot be read.
    let refused = [token(3), token(4), token(9), vec![0x06], vec![0x06, 0xa4, 1], vec![0x0d, 0xa0]];
    for mut request in refused.into_iter().chain([vec![], vec![0x06, 0xa1, 0x02, 0x05]]) {
        let before = request.clone();
        assert!(!by_finger("a.example", &mut request), "{before:02x?}");
    }
    for mut request in [vec![0x06, 0xa2, 0x01, 0x01, 0x02, 0x02], vec![0x02, 0xa0]] {
        let before = request.clone();
        assert!(by_finger("a.example", &mut request) && request == before, "{before:02x?}");
    }
}

#[test]
fn a_key_that_always_verifies_its_person_is_chosen_by_a_touch_and_is_enrolled() {
    let fingers: &[Finger] = &[];
    let mut test = Sensor::with(fingers).plugged();
    assert!(test.key.info(&soon()).unwrap().always_uv);
    assert_eq!(test.identify(&[id(1)]), Ok(Some(id(1))));
    assert_eq!(test.key.touch(RP_ID, &id(1), b"challenge", &soon()), Ok(()));
    assert_eq!(test.asked(), [INIT, INFO, ASSERT, SELECTION]);
}
