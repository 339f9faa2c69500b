//! How long PINs are, and that one is changed: the firmware is told, and keeps to it.

use wardkey_firmware_tests::enrollment::Enrolled;
use wardkey_firmware_tests::plugged::{Plugged, pin, soon};
use wardkey_key::KeyError;
use wardkey_softkey::Options;

const LONG: &str = "135790";

fn with_long_pin() -> Plugged {
    let mut plugged = Plugged::new(Options::default());
    plugged.open.set_pin(&pin(LONG), &soon()).expect("a first PIN");
    plugged
}

#[test]
fn the_firmware_is_told_the_length_keeps_to_it_and_signs_it() {
    let mut plugged = with_long_pin();
    let info = plugged.open.info(&soon()).unwrap();
    assert!(info.takes_pin_rules && info.min_pin_length < 6, "{info:?}");
    let made = plugged.make_with_length(LONG, 6).unwrap();
    assert_eq!(Enrolled::read(&made).min_pin_length, Some(6));

    plugged.replug();
    let info = plugged.open.info(&soon()).unwrap();
    assert_eq!((info.min_pin_length, info.force_pin_change), (6, false));
    let shorter = plugged.open.change_pin(&pin(LONG), &pin("24680"), &soon());
    assert_eq!(shorter, Err(KeyError::PinPolicy));

    // Another deployment's, or this one's later: never a shorter one.
    let made = plugged.make_with_length(LONG, 4).unwrap();
    assert_eq!(Enrolled::read(&made).min_pin_length, Some(6));
    plugged.reopen();
    assert_eq!(plugged.open.info(&soon()).unwrap().min_pin_length, 6);
}

#[test]
fn a_pin_that_is_too_short_leaves_the_firmware_as_it_is() {
    let mut plugged = Plugged::with_pin();
    assert_eq!(plugged.make_with_length("2580", 6).unwrap_err(), KeyError::PinPolicy);
    plugged.reopen();
    let info = plugged.open.info(&soon()).unwrap();
    assert_eq!((info.min_pin_length, info.force_pin_change), (4, false));
    assert_eq!(plugged.open.retries(&soon()).unwrap().left, 8);
    plugged.enroll();
}

#[test]
fn a_forced_change_is_the_last_thing_that_the_pin_does() {
    let mut plugged = with_long_pin();
    plugged.make_with_length(LONG, 6).unwrap();
    plugged.open.force_pin_change(&pin(LONG), &soon()).unwrap();
    plugged.reopen();
    assert!(plugged.open.info(&soon()).unwrap().force_pin_change);
    assert_eq!(plugged.make_with_length(LONG, 6).unwrap_err(), KeyError::PinMustChange);

    plugged.open.change_pin(&pin(LONG), &pin("246800"), &soon()).unwrap();
    plugged.reopen();
    assert!(!plugged.open.info(&soon()).unwrap().force_pin_change);
    let made = plugged.make_with_length("246800", 6).unwrap();
    assert_eq!(Enrolled::read(&made).min_pin_length, Some(6));
}
