//! Credentials are bound to the relying party.

use wardkey_core::code::Code;
use wardkey_firmware_tests::directory::Directory;
use wardkey_firmware_tests::enrollment::Enrolled;
use wardkey_firmware_tests::plugged::{ES256, PIN, Plugged, RP, pin, soon};
use wardkey_key::KeyError;

const ELSEWHERE: &str = "elsewhere.example";

#[test]
fn a_credential_answers_to_its_own_relying_party_only() {
    let mut plugged = Plugged::with_pin();
    let id = plugged.enroll().credential_id;
    let ids = [id.clone()];
    assert_eq!(plugged.open.identify(ELSEWHERE, &ids, b"a challenge", &soon()).unwrap(), None);
    let refused = plugged.open.assert(ELSEWHERE, &id, b"login", &pin(PIN), &soon());
    assert_eq!(refused.unwrap_err(), KeyError::NoCredentials);
    // A subdomain is another one.
    assert_eq!(
        plugged.open.identify("ward3.hospital.example", &ids, b"a challenge", &soon()).unwrap(),
        None
    );
    assert_eq!(plugged.identify(&ids).unwrap(), Some(id));
}

#[test]
fn an_assertion_for_another_relying_party_is_refused() {
    let mut plugged = Plugged::with_pin();
    let enrolled = Enrolled::read(&plugged.make(ELSEWHERE, 2, ES256).unwrap());
    // Its public key is hanako's, in every respect but one.
    let directory = Directory::of(vec![enrolled.record(RP)]);
    let login = directory.client_data(1);
    let assertion = plugged
        .open
        .assert(ELSEWHERE, &enrolled.id, &login.to_bytes(), &pin(PIN), &soon())
        .unwrap();
    assert_eq!(directory.decide(&login, &assertion).unwrap_err().code, Code::RpIdMismatch);
    // Nor does a record of another relying party count here.
    let directory = Directory::of(vec![enrolled.record(ELSEWHERE)]);
    assert_eq!(directory.decide(&login, &assertion).unwrap_err().code, Code::RpIdMismatch);
}
