//! A key's life: PIN, enrollment, logins.

use wardkey_core::code::Code;
use wardkey_firmware_tests::directory::{Directory, Signed};
use wardkey_firmware_tests::enrollment::Enrolled;
use wardkey_firmware_tests::plugged::{EDDSA, ES256, HANDLE, PIN, Plugged, RP, pin, soon};
use wardkey_firmware_tests::raw::Raw;
use wardkey_key::KeyError;
use wardkey_softkey::{Options, attestation};

const UP: u8 = 0x01;
const UV: u8 = 0x04;
const BE: u8 = 0x08;
const BS: u8 = 0x10;

fn a_life(algorithm: i32) {
    let mut plugged = Plugged::new(Options::default());
    let info = plugged.open.info(&soon()).unwrap();
    assert_eq!(info.client_pin, Some(false));
    assert_eq!(plugged.make(RP, 2, algorithm).unwrap_err(), KeyError::PinNotSet);
    plugged.open.set_pin(&pin(PIN), &soon()).unwrap();
    assert_eq!(plugged.open.set_pin(&pin(PIN), &soon()).unwrap_err(), KeyError::PinAlreadySet);

    let registration = plugged.make(RP, 2, algorithm).unwrap();
    let enrolled = Enrolled::read(&registration);
    assert_eq!(enrolled.id, registration.credential_id);
    assert_eq!(enrolled.rp_id_hash, *wardkey_core::codec::sha256(RP.as_bytes()).as_bytes());
    assert_eq!(enrolled.flags & (UP | UV | BE | BS), UP | UV);
    assert_eq!(enrolled.cred_protect, 2);
    assert_eq!(enrolled.aaguid, attestation::AAGUID);
    assert_eq!(enrolled.format, "packed");
    let directory = Directory::of(vec![enrolled.record(RP)]);

    let mut counter = enrolled.counter;
    for (seed, event) in [(1, "same connection"), (2, "new connection"), (3, "plugged in again")] {
        match seed {
            2 => plugged.reopen(),
            3 => plugged.replug(),
            _ => {}
        }
        let id = plugged.identify(&directory.allow_list()).unwrap().expect("hanako's key");
        assert_eq!(id, enrolled.id, "{event}");
        let login = directory.client_data(seed);
        let assertion = plugged.assert(&id, &login.to_bytes()).unwrap();
        assert_eq!(assertion.user_handle.as_deref(), Some(&HANDLE[..]), "{event}");
        let granted = directory.decide(&login, &assertion).unwrap();
        let key = granted.by_key().unwrap();
        let facts = key.facts;
        assert!(facts.counter > counter, "{event}: {} after {counter}", facts.counter);
        assert_eq!(facts.flags.0 & (UP | UV | BE | BS), UP | UV, "{event}");
        assert_eq!(granted.client_data(), &login, "{event}");
        assert_eq!(key.credential.id.as_slice(), enrolled.id, "{event}");
        counter = facts.counter;
    }
}

#[test]
fn a_life_with_es256() {
    a_life(ES256);
}

#[test]
fn a_life_with_eddsa() {
    a_life(EDDSA);
}

#[test]
fn a_backup_key_just_works() {
    let mut keys = [Plugged::with_pin(), Plugged::with_pin()];
    let records = keys.iter_mut().map(|key| Enrolled::read(&key.enroll()).record(RP)).collect();
    let directory = Directory::of(records);
    for (seed, key) in (1..).zip(&mut keys) {
        let login = directory.client_data(seed);
        let id = key.identify(&directory.allow_list()).unwrap().expect("one of hanako's keys");
        let assertion = key.assert(&id, &login.to_bytes()).unwrap();
        directory.decide(&login, &assertion).unwrap();
    }
}

#[test]
fn an_old_signature_is_worthless() {
    let mut plugged = Plugged::with_pin();
    let enrolled = Enrolled::read(&plugged.enroll());
    let directory = Directory::of(vec![enrolled.record(RP)]);
    let yesterday = directory.client_data(1);
    let assertion = plugged.assert(&enrolled.id, &yesterday.to_bytes()).unwrap();
    directory.decide(&yesterday, &assertion).unwrap();

    let today = directory.client_data(2);
    // Shown with the client data that it was made for, or with today's.
    assert_eq!(
        directory.decide_over(&today, &yesterday.to_bytes(), &assertion).unwrap_err().code,
        Code::ClientData
    );
    assert_eq!(directory.decide(&today, &assertion).unwrap_err().code, Code::AssertionSignature);
}

#[test]
fn cve_2021_31924_a_touch_without_a_pin_is_refused() {
    let mut plugged = Plugged::with_pin();
    let enrolled = Enrolled::read(&plugged.enroll());
    let directory = Directory::of(vec![enrolled.record(RP)]);
    let login = directory.client_data(1);
    let mut raw = Raw::new(&plugged.key);
    for (touch, code) in [(true, Code::UserVerificationMissing), (false, Code::UserPresenceMissing)]
    {
        // A true signature of the true key over the true client data.
        let signed = raw.assertion(RP, Some(&enrolled.id), &login.to_bytes(), touch).unwrap();
        assert_eq!(directory.decide(&login, signed.clone()).unwrap_err().code, code);
        // Claiming what was not signed.
        let mut claimed: Signed = signed;
        claimed.authenticator_data[32] |= UP | UV;
        assert_eq!(directory.decide(&login, claimed).unwrap_err().code, Code::AssertionSignature);
    }
}

#[test]
fn the_flags_and_the_user_handle_must_be_as_enrolled() {
    let mut plugged = Plugged::with_pin();
    let enrolled = Enrolled::read(&plugged.enroll());
    let login = Directory::of(vec![]).client_data(1);
    let assertion = plugged.assert(&enrolled.id, &login.to_bytes()).unwrap();

    // Enrolled as one that can be copied to a cloud: not the key that signs here.
    let copied = Enrolled { flags: enrolled.flags | BE, ..enrolled.clone() };
    let directory = Directory::of(vec![copied.record(RP)]);
    assert_eq!(directory.decide(&login, &assertion).unwrap_err().code, Code::BackupFlags);

    let directory = Directory::of(vec![enrolled.record(RP)]);
    let mut signed = Signed::from(&assertion);
    signed.user_handle = Some(vec![0x5b; 32]);
    assert_eq!(directory.decide(&login, signed).unwrap_err().code, Code::UserHandleMismatch);
}
