//! Keys of each kind are told how long PINs are, and to have one changed.

use hidapi::scripted::Reply;
use wardkey_core::message::key::Pin;

use crate::answer::Registration;
use crate::ctap::order::in_order;
use crate::error::KeyError;
use crate::keys::NewCredential;
use crate::testkey::configured::{Configured, State};
use crate::testkey::{
    AGREEMENT, ASSERT, About, CONFIG, INFO, INIT, MAKE, RETRIES, RP_ID, TOKEN, TOKEN_FOR, TestKey,
    info, new_credential, soon,
};

const PIN: &str = "135790";
const CONFIGURE: [About; 3] = [AGREEMENT, TOKEN_FOR, CONFIG];
const CREATE: [About; 4] = [AGREEMENT, TOKEN, MAKE, ASSERT];

fn pin(text: &str) -> Pin {
    Pin::new(text.to_owned().into()).unwrap()
}

fn make(test: &mut TestKey, typed: &str, least: u8) -> Result<Registration, KeyError> {
    let pin = pin(typed);
    let wanted = NewCredential { min_pin_length: Some(least), ..new_credential(&pin, &[]) };
    test.key.make_credential(&wanted, &soon())
}

/// What the key says, signed, of its PINs.
fn said(made: &Registration) -> Option<u8> {
    let at = made.attestation_object.windows(12).position(|part| part == b"minPinLength")?;
    made.attestation_object.get(at + 12).copied()
}

#[test]
fn a_key_that_can_is_told_before_the_credential_is_made_and_says_so_signed() {
    let key = Configured::new(PIN, 4);
    let mut test = key.plugged();
    let made = make(&mut test, PIN, 6).unwrap();
    assert_eq!(said(&made), Some(6));
    assert_eq!(
        test.asked(),
        [&[INIT, INFO][..], &CONFIGURE, &CONFIGURE, &CREATE].concat(),
        "length, relying party, then the credential"
    );
    assert_eq!(test.key.info(&soon()).unwrap().min_pin_length, 6);
    let state = key.state();
    assert_eq!((state.min_pin, state.rp_ids), (6, vec![RP_ID.to_owned()]));
    assert!(!state.force_change);

    // What it was told stays: by the next enrollment it is told no more than whom to tell.
    let mut again = key.plugged();
    assert_eq!(said(&make(&mut again, PIN, 6).unwrap()), Some(6));
    assert_eq!(again.asked(), [&[INIT, INFO][..], &CONFIGURE, &CREATE].concat());
}

#[test]
fn a_longer_length_is_never_lowered() {
    for least in [4, 5] {
        let key = Configured::new(PIN, 6);
        let mut test = key.plugged();
        assert_eq!(said(&make(&mut test, PIN, least).unwrap()), Some(6), "{least}");
        assert_eq!(key.state().min_pin, 6, "{least}");
        assert_eq!(test.key.info(&soon()).unwrap().min_pin_length, 6, "{least}");
    }
}

/// The key would ask for another PIN in the middle of the enrollment, and make nothing.
#[test]
fn a_pin_that_is_shorter_itself_is_not_sent() {
    for (key, typed) in [(Configured::new("1357", 4), "1357"), (Configured::new(PIN, 4), "1357")] {
        let mut test = key.plugged();
        assert_eq!(make(&mut test, typed, 6).unwrap_err(), KeyError::PinPolicy);
        assert_eq!(test.asked(), [INIT, INFO]);
        assert!(!key.state().force_change && key.state().min_pin == 4);
    }
    // Characters count, not bytes, and those of the form that keys take.
    let mut test = Configured::new(PIN, 4).plugged();
    assert_eq!(make(&mut test, "cafe\u{301}", 5).unwrap_err(), KeyError::PinPolicy);
}

#[test]
fn a_wrong_pin_costs_one_try_and_says_how_many_are_left() {
    let key = Configured::new(PIN, 4);
    let mut test = key.plugged();
    let refused = make(&mut test, "246800", 6).unwrap_err();
    assert_eq!(refused, KeyError::PinWrong { tries_left: Some(8) });
    assert_eq!(test.asked(), [INIT, INFO, AGREEMENT, TOKEN_FOR, RETRIES]);
    assert_eq!(key.state(), Configured::new(PIN, 4).state());
}

/// CTAP 2.0, 2.1 without it, and 2.1 that declines or has no room: all of them are enrolled, and
/// nothing is said that is not so.
#[test]
fn a_key_that_cannot_is_enrolled_as_it_is() {
    for least in [4, 6] {
        let mut test = TestKey::new(|_, _| None);
        assert_eq!(said(&make(&mut test, PIN, least).unwrap()), None);
        assert_eq!(test.asked(), [&[INIT, INFO][..], &CREATE].concat());
        let known = test.key.info(&soon()).unwrap();
        assert_eq!((known.min_pin_length, known.takes_pin_rules), (4, false));
    }

    let declines = Configured::new(PIN, 4).with(|state: &mut State| state.declines = true);
    let mut test = declines.plugged();
    assert_eq!(said(&make(&mut test, PIN, 6).unwrap()), None);
    assert_eq!(test.asked(), [&[INIT, INFO][..], &CONFIGURE, &CREATE].concat());
    assert_eq!(test.key.info(&soon()).unwrap().min_pin_length, 4);

    let tells_nobody = Configured::new(PIN, 4).with(|state: &mut State| state.room = 0);
    let mut test = tells_nobody.plugged();
    assert_eq!(said(&make(&mut test, PIN, 6).unwrap()), None);
    assert_eq!(test.asked(), [&[INIT, INFO][..], &CONFIGURE, &CREATE].concat());
    assert_eq!(tells_nobody.state().min_pin, 6);
}

/// A key that says that it can, and lacks one of the three, gets no PIN for it.
#[test]
fn all_of_authnr_cfg_set_min_pin_length_and_tokens_are_needed() {
    let all = info(&|of| of.configurable = true);
    assert!(crate::answer::info(&all).unwrap().takes_pin_rules);
    for option in ["authnrCfg", "pinUvAuthToken", "setMinPINLength"] {
        let mut lacking = all.clone();
        let at = lacking.windows(option.len()).position(|part| part == option.as_bytes()).unwrap();
        lacking[at + option.len()] = 0xf4;
        assert!(!crate::answer::info(&lacking).unwrap().takes_pin_rules, "{option}");
    }
}

#[test]
fn the_extension_is_asked_for_wherever_a_key_has_it_and_nowhere_else() {
    for tells in [Some(1), Some(0), None] {
        let answer = info(&|of| of.tells_length = tells);
        let mut test = TestKey::answering(INFO, vec![Reply::Cbor(0, answer)]);
        let pin = pin(PIN);
        test.key.make_credential(&new_credential(&pin, &[]), &soon()).unwrap();
        let log = test.log.lock().unwrap();
        let asks = log[4].1.windows(13).any(|part| part == b"minPinLength\xf5");
        assert_eq!(asks, tells.is_some());
        let both = b"\x06\xa2\x6bcredProtect\x02\x6cminPinLength\xf5";
        assert_eq!(log[4].1.windows(both.len()).any(|part| part == both), tells.is_some());
    }
}

#[test]
fn a_change_can_be_forced_after_the_credential_is_made_and_not_before() {
    let key = Configured::new(PIN, 4);
    let mut test = key.plugged();
    make(&mut test, PIN, 6).unwrap();
    test.key.force_pin_change(&pin(PIN), &soon()).unwrap();
    assert!(key.state().force_change && key.state().min_pin == 6);
    assert_eq!(test.asked()[test.asked().len() - 3..], CONFIGURE);

    // From here on the PIN makes no credential, nor is it sent: the key is asked what it is.
    for mut plugged in [test, key.plugged()] {
        let before = plugged.asked().len();
        assert_eq!(make(&mut plugged, PIN, 6).unwrap_err(), KeyError::PinMustChange);
        assert!(!plugged.asked()[before..].contains(&TOKEN_FOR));
        let again = plugged.key.force_pin_change(&pin(PIN), &soon());
        assert_eq!(again, Err(KeyError::PinMustChange));
    }

    // Until it is changed.
    let mut test = key.plugged();
    test.key.change_pin(&pin(PIN), &pin("246800"), &soon()).unwrap();
    assert!(!key.state().force_change);
}

#[test]
fn a_change_that_was_not_forced_is_an_error() {
    let forced = |mut test: TestKey, typed: &str| test.key.force_pin_change(&pin(typed), &soon());
    let cannot = TestKey::new(|_, _| None);
    assert!(matches!(forced(cannot, PIN), Err(KeyError::Unsuitable(_))));

    let key = Configured::new(PIN, 4);
    let wrong = forced(key.plugged(), "246800");
    assert_eq!(wrong, Err(KeyError::PinWrong { tries_left: Some(8) }));
    let declines = key.clone().with(|state| state.declines = true);
    assert_eq!(forced(declines.plugged(), PIN), Err(KeyError::Denied));
    assert!(!key.state().force_change);

    for (replies, expected) in [
        (vec![Reply::Unplug], KeyError::Removed),
        (
            vec![Reply::Cbor(0, vec![0xa0])],
            KeyError::Malformed("answer to a request that nobody sends"),
        ),
    ] {
        let key = Configured::new(PIN, 4);
        let test = TestKey::new(move |about, payload| match about {
            CONFIG => Some(replies.clone()),
            _ => key.answer(about, payload),
        });
        assert_eq!(forced(test, PIN), Err(expected));
    }
}

#[test]
fn the_map_is_sent_in_the_order_of_ctap() {
    let mut test = Configured::new(PIN, 4).plugged();
    make(&mut test, PIN, 6).unwrap();
    let log = test.log.lock().unwrap();
    let sent: Vec<&Vec<u8>> =
        log.iter().map(|(_, payload)| payload).filter(|payload| payload[0] == 0x0d).collect();
    assert_eq!(sent.len(), 2);
    // {1: setMinPINLength, 2: {1: 6}, 3: protocol, 4: 16 bytes}
    assert_eq!(sent[0][..11], [0x0d, 0xa4, 1, 3, 2, 0xa1, 1, 6, 3, 1, 4]);
    assert_eq!(sent[0].len(), 11 + 1 + 16);

    // Nothing else is touched, whatever it is.
    for other in
        [vec![], vec![0x0d], vec![0x0d, 0xff], vec![0x0d, 0x01], vec![0x06, 0xa2, 3, 1, 1, 2]]
    {
        let mut request = other.clone();
        in_order(&mut request);
        assert_eq!(request, other);
    }
}
