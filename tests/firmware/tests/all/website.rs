//! The same credential at a terminal and at a website of the deployment.

use wardkey_core::client_data::ClientData;
use wardkey_core::code::Code;
use wardkey_firmware_tests::directory::Directory;
use wardkey_firmware_tests::enrollment::Enrolled;
use wardkey_firmware_tests::plugged::{Plugged, RP};

/// What a browser would have a key sign.
fn client_data_json(challenge: &str) -> Vec<u8> {
    format!(
        "{{\"type\":\"webauthn.get\",\"challenge\":\"{challenge}\",\
         \"origin\":\"https://{RP}\",\"crossOrigin\":false}}"
    )
    .into_bytes()
}

#[test]
fn what_was_signed_for_a_website_is_worthless_at_a_terminal() {
    let mut plugged = Plugged::with_pin();
    let enrolled = Enrolled::read(&plugged.enroll());
    let directory = Directory::of(vec![enrolled.record(RP)]);
    let login = directory.client_data(1);
    // A site may choose its challenge: also the login's nonce.
    for challenge in ["AAAA", "AQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQE"] {
        let json = client_data_json(challenge);
        let assertion = plugged.assert(&enrolled.id, &json).unwrap();
        assert_eq!(
            directory.decide_over(&login, &json, &assertion).unwrap_err().code,
            Code::ClientData
        );
        // With the login's client data shown instead of what was signed.
        assert_eq!(
            directory.decide(&login, &assertion).unwrap_err().code,
            Code::AssertionSignature
        );
    }
}

#[test]
fn what_was_signed_at_a_terminal_is_worthless_at_a_website() {
    let mut plugged = Plugged::with_pin();
    let enrolled = Enrolled::read(&plugged.enroll());
    let directory = Directory::of(vec![enrolled.record(RP)]);
    let login = directory.client_data(1);
    let bytes = login.to_bytes();
    let assertion = plugged.assert(&enrolled.id, &bytes).unwrap();
    directory.decide(&login, &assertion).unwrap();
    // WebAuthn level 3, 7.2, steps 7 and 8: UTF-8 decode without failure of a
    // byte order mark, then JSON.
    assert!(serde_json::from_slice::<serde_json::Value>(&bytes).is_err());
    assert!(serde_json::from_str::<serde_json::Value>(&String::from_utf8_lossy(&bytes)).is_err());
    assert_ne!(bytes[0], b'{');
    // One login's client data are not another format's beginning either.
    assert!(ClientData::from_bytes(&client_data_json("AAAA")).is_err());
    assert_eq!(ClientData::from_bytes(&bytes).unwrap(), login);
}
