//! The PIN, as the firmware counts it.

use wardkey_core::code::Code;
use wardkey_core::message::key::{Pin, Reply};
use wardkey_firmware_tests::connection::Connection;
use wardkey_firmware_tests::plugged::{PIN, Plugged, pin, soon};
use wardkey_key::{KeyError, Retries};
use wardkey_softkey::{Direction, Options};

fn wrong(tries_left: u8) -> KeyError {
    KeyError::PinWrong { tries_left: Some(tries_left) }
}

#[test]
fn a_wrong_pin_says_how_many_tries_are_left_and_the_right_one_restores_them() {
    let mut plugged = Plugged::with_pin();
    let id = plugged.enroll().credential_id;
    let assert =
        |plugged: &mut Plugged, typed: &str| plugged.assert_with(&id, b"login", typed, &soon());

    assert_eq!(assert(&mut plugged, "0000").unwrap_err(), wrong(7));
    assert_eq!(assert(&mut plugged, "0001").unwrap_err(), wrong(6));
    // The third in a row: not even the right one, before the key was pulled out.
    assert_eq!(assert(&mut plugged, "0002").unwrap_err(), KeyError::PinAuthBlocked);
    assert_eq!(assert(&mut plugged, PIN).unwrap_err(), KeyError::PinAuthBlocked);
    assert_eq!(plugged.open.retries(&soon()).unwrap().left, 5);

    plugged.replug();
    assert_eq!(plugged.open.retries(&soon()).unwrap(), Retries { left: 5, replug: false });
    assert_eq!(assert(&mut plugged, "0003").unwrap_err(), wrong(4));
    assert!(assert(&mut plugged, PIN).is_ok());
    assert_eq!(plugged.open.retries(&soon()).unwrap().left, 8);
}

#[test]
fn cve_2019_16058_a_locked_pin_ends() {
    let mut plugged = Plugged::with_pin();
    let id = plugged.enroll().credential_id;
    let mut seen = Vec::new();
    for _ in 0..3 {
        plugged.replug();
        for _ in 0..3 {
            seen.push(plugged.assert_with(&id, b"login", "0000", &soon()).unwrap_err());
        }
    }
    let block = || KeyError::PinAuthBlocked;
    let expected = [
        wrong(7),
        wrong(6),
        block(),
        wrong(4),
        wrong(3),
        block(),
        wrong(1),
        KeyError::PinBlocked,
        KeyError::PinBlocked,
    ];
    assert_eq!(seen, expected);
    plugged.replug();
    plugged.key.reset_exchanges();
    assert_eq!(
        plugged.assert(&id, b"login").unwrap_err(),
        KeyError::PinBlocked,
        "for good, also with the right PIN"
    );
    assert!(plugged.requests().len() <= 5, "{:?}", plugged.requests());
}

#[test]
fn what_the_module_hears_of_wrong_pins() {
    let mut plugged = Plugged::with_pin();
    let id = plugged.enroll().credential_id;
    let mut connection = Connection::new(vec![plugged.key.clone()]);
    let identified = connection.identify(std::slice::from_ref(&id));
    assert_eq!(identified.key.details.unwrap().pin_tries, Some(8));
    for (typed, code, tries_left) in [
        ("0000", Code::PinWrong, Some(7)),
        ("0001", Code::PinWrong, Some(6)),
        ("0002", Code::PinBlockedUntilReplug, None),
    ] {
        connection.assert(&id, b"login", typed);
        let Reply::Failed(failure) = connection.receive() else { panic!("a refusal") };
        assert_eq!((failure.code, failure.tries_left), (code, tries_left));
    }
}

#[test]
fn pins_of_every_length_and_script() {
    let longest = "1".repeat(63);
    let kana = "\u{30d1}\u{30b9}\u{30ef}\u{30fc}\u{30c9}";
    // 21 characters of 3 bytes: as long as a PIN can be.
    let long_kana = "\u{30ab}".repeat(21);
    // 4 characters of 4 bytes, 16 bytes, one block of the cipher.
    let emoji = "\u{1f511}\u{1f512}\u{1f513}\u{1f4b3}";
    for typed in ["0000", &longest, kana, &long_kana, emoji, "    "] {
        let mut plugged = Plugged::new(Options::default());
        plugged.open.set_pin(&pin(typed), &soon()).unwrap();
        // And from one to the other and back.
        plugged.open.change_pin(&pin(typed), &pin(PIN), &soon()).unwrap();
        let id = plugged.enroll().credential_id;
        plugged.open.change_pin(&pin(PIN), &pin(typed), &soon()).unwrap();
        assert!(plugged.assert_with(&id, b"login", typed, &soon()).is_ok(), "{typed:?}");
        assert_eq!(plugged.assert(&id, b"login").unwrap_err(), wrong(7), "{typed:?}");
    }
}

#[test]
fn changing_the_pin_with_a_wrong_one_costs_a_try_and_changes_nothing() {
    let mut plugged = Plugged::with_pin();
    let id = plugged.enroll().credential_id;
    assert_eq!(plugged.open.change_pin(&pin("0000"), &pin("1357"), &soon()).unwrap_err(), wrong(7));
    assert!(plugged.assert(&id, b"login").is_ok());
}

#[test]
fn a_pin_over_63_bytes_never_reaches_the_library() {
    for (typed, code) in [
        (String::new(), Code::PinEmpty),
        ("123".into(), Code::PinLength),
        ("1".repeat(64), Code::PinLength),
        ("\u{30ab}".repeat(22), Code::PinLength),
        ("12\u{0}4".into(), Code::PinLength),
    ] {
        assert_eq!(Pin::new(typed.clone().into()).unwrap_err(), code, "{typed:?}");
    }
}

/// Swaps the two protocols in the key's list in getInfo: {6: [2, 1]}.
fn protocol_one_first(report: &mut [u8; 64]) {
    const LIST: [u8; 4] = [0x06, 0x82, 0x02, 0x01];
    if let Some(at) = report.windows(4).position(|bytes| bytes == LIST) {
        report[at + 2..at + 4].copy_from_slice(&[1, 2]);
    }
}

#[test]
fn both_pin_protocols_log_in() {
    let mut lengths = Vec::new();
    for (alter, preferred) in
        [((|_| {}) as fn(&mut [u8; 64]), [2, 1]), (protocol_one_first, [1, 2])]
    {
        let mut plugged = Plugged::new(Options::default());
        plugged.reopen_altering(alter);
        assert_eq!(plugged.open.info(&soon()).unwrap().pin_protocols, preferred);
        plugged.open.set_pin(&pin("1357"), &soon()).unwrap();
        plugged.open.change_pin(&pin("1357"), &pin(PIN), &soon()).unwrap();
        let id = plugged.enroll().credential_id;
        assert_eq!(plugged.assert_with(&id, b"login", "0000", &soon()).unwrap_err(), wrong(7));
        assert!(plugged.assert(&id, b"login").is_ok());
        let exchanges = plugged.key.exchanges();
        let mut tokens = exchanges.iter().filter(|exchange| {
            exchange.direction == Direction::ToKey && exchange.name.contains("getPinToken")
        });
        lengths.push(tokens.next().expect("a PIN was sent").length);
    }
    // Protocol 2 sends an initialisation vector of 16 bytes, protocol 1 none.
    // (One byte more: the length of a byte string over 23.)
    assert_eq!(lengths[0], lengths[1] + 17);
}
