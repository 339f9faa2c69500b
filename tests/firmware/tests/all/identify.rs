//! What a key tells without a PIN at each level
//! of credProtect. A change of firmware or library shows here.

use wardkey_firmware_tests::directory::Directory;
use wardkey_firmware_tests::enrollment::Enrolled;
use wardkey_firmware_tests::plugged::{ES256, Plugged, RP};
use wardkey_firmware_tests::raw::Raw;
use wardkey_key::KeyError;
use wardkey_softkey::TouchPolicy;

const NO_CREDENTIALS: u8 = 0x2e;

#[test]
fn truth_table_of_cred_protect() {
    for (level, with_list, without_list) in [(1, true, true), (2, true, false)] {
        let mut plugged = Plugged::with_pin();
        let enrolled = Enrolled::read(&plugged.make(RP, level, ES256).unwrap());
        assert_eq!(enrolled.cred_protect, level);
        let id = enrolled.id.clone();
        // Nobody is there.
        plugged.key.set_touch(TouchPolicy::Never);

        // The firmware.
        let mut raw = Raw::new(&plugged.key);
        for (list, answers) in [(Some(&id[..]), with_list), (None, without_list)] {
            let found = raw.assertion(RP, list, b"", false).map(|signed| signed.credential_id);
            assert_eq!(
                found,
                if answers { Ok(id.clone()) } else { Err(NO_CREDENTIALS) },
                "level {level}"
            );
        }
        // The product, which asks with a list only.
        plugged.reopen();
        plugged.key.reset_exchanges();
        assert_eq!(
            plugged.identify(std::slice::from_ref(&id)).unwrap(),
            with_list.then(|| id.clone()),
            "level {level}"
        );
        assert_eq!(
            plugged.requests().iter().filter(|name| *name == "CBOR getAssertion").count(),
            1
        );
        assert_eq!(plugged.identify(&[]).unwrap(), None);

        // Whether or not it told: with PIN and touch it logs in.
        plugged.key.set_touch(TouchPolicy::Always);
        let directory = Directory::of(vec![enrolled.record(RP)]);
        let login = directory.client_data(1);
        let assertion = plugged.assert(&id, &login.to_bytes()).unwrap();
        directory.decide(&login, &assertion).unwrap();
    }
}

#[test]
fn a_credential_that_tells_nothing_without_the_pin_is_refused_when_it_is_made() {
    let mut plugged = Plugged::with_pin();
    assert_eq!(plugged.make(RP, 3, ES256).unwrap_err(), KeyError::CannotIdentify);
}

#[test]
fn a_colleagues_key_is_told_apart_and_no_try_is_spent() {
    let mut hanakos = Plugged::with_pin();
    let mut taros = Plugged::with_pin();
    let hanako = hanakos.enroll().credential_id;
    taros.enroll();
    assert_eq!(taros.identify(&[hanako]).unwrap(), None);
    let retries = taros.open.retries(&wardkey_firmware_tests::plugged::soon()).unwrap();
    assert_eq!((retries.left, retries.replug), (8, false));
}
