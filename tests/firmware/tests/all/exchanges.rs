//! How often a login talks to the key. pam_u2f 1.1.0 does so 6 times with one
//! key and 18 times with five.

use std::sync::Arc;

use wardkey_core::message::key::Reply;
use wardkey_firmware_tests::connection::Connection;
use wardkey_firmware_tests::directory::Directory;
use wardkey_firmware_tests::enrollment::Enrolled;
use wardkey_firmware_tests::plugged::{PIN, Plugged, RP, requests};

/// A login through the key process, by a key that holds one of the directory's
/// credentials, with `strangers` asked for before it: what was asked before
/// and after the PIN was there.
fn login(records: usize, own: usize, strangers: &[Vec<u8>]) -> (Vec<String>, Vec<String>) {
    let mut keys: Vec<Plugged> = (0..records).map(|_| Plugged::with_pin()).collect();
    let enrolled: Vec<Enrolled> =
        keys.iter_mut().map(|key| Enrolled::read(&key.enroll())).collect();
    let directory = Directory::of(enrolled.iter().map(|one| one.record(RP)).collect());
    let own_id = enrolled[own].id.clone();
    let mut candidates = strangers.to_vec();
    candidates.extend(directory.allow_list());

    let key = Arc::clone(&keys[own].key);
    key.reset_exchanges();
    let mut connection = Connection::new(vec![Arc::clone(&key)]);
    let identified = connection.identify(&candidates);
    assert_eq!(identified.credential.expect("hanako's").as_slice(), own_id);
    assert_eq!(identified.key.details.expect("details").pin_tries, Some(8));
    let before = requests(&key);
    key.reset_exchanges();
    let login = directory.client_data(1);
    connection.assert(&own_id, &login.to_bytes(), PIN);
    let assertion = loop {
        match connection.receive() {
            Reply::Touch => {}
            Reply::Assertion(assertion) => break assertion,
            other => panic!("{other:?}"),
        }
    };
    directory.decide(&login, &assertion).unwrap();
    (before, requests(&key))
}

const AFTER_PIN: [&str; 3] =
    ["CBOR clientPIN.getKeyAgreement", "CBOR clientPIN.getPinToken", "CBOR getAssertion"];

#[test]
fn a_login_takes_seven_exchanges_with_one_key_and_with_five() {
    for (records, own) in [(1, 0), (5, 0), (5, 4)] {
        let (before, after) = login(records, own, &[]);
        assert_eq!(
            before,
            ["INIT", "CBOR getInfo", "CBOR getAssertion", "CBOR clientPIN.getPinRetries"]
        );
        assert_eq!(after, AFTER_PIN, "{records} keys");
    }
}

#[test]
fn twenty_candidates_are_asked_for_ten_at_a_time() {
    // Ids of another key of the same model, as a shared account's candidates have.
    let mut other = Plugged::with_pin();
    let info = other.open.info(&wardkey_firmware_tests::plugged::soon()).unwrap();
    assert_eq!(info.max_credentials_in_list, Some(10));
    let strangers: Vec<_> = (0..19).map(|_| other.enroll().credential_id).collect();
    let (before, after) = login(1, 0, &strangers);
    // One exchange more than seven: the twenty need two lists.
    let asked = before.iter().filter(|name| *name == "CBOR getAssertion").count();
    assert_eq!((before.len(), asked), (5, 2), "{before:?}");
    assert_eq!(after, AFTER_PIN);
}
