//! Credentials of scripted keys: what is asked for, and hostile answers.

use hidapi::scripted::Reply;

use crate::error::KeyError;
use crate::testkey::{
    AGREEMENT, ASSERT, INFO, INIT, MAKE, TOKEN, TestKey, assertion, attested, auth_data, id, info,
    new_credential, pin, registration, soon,
};

#[test]
fn a_key_with_which_no_login_could_begin_is_not_enrolled() {
    let pin = pin();
    // It always verifies its person, and means it: nothing is made.
    let mut test = TestKey::new(|about, _| match about {
        INFO => Some(vec![Reply::Cbor(0, info(&|of| of.always_uv = true))]),
        ASSERT => Some(vec![Reply::Cbor(0x36, vec![])]),
        _ => None,
    });
    let outcome = test.key.make_credential(&new_credential(&pin, &[]), &soon());
    assert_eq!(outcome, Err(KeyError::CannotIdentify));
    assert_eq!(test.asked(), [INIT, INFO, ASSERT]);
    // It protects what it made by its PIN, whatever it was asked for: silent about it, or not
    // without PIN.
    for status in [0x2e, 0x36, 0x2b, 0x2c, 0x3b, 0x40, 0x27] {
        let mut test = TestKey::answering(ASSERT, vec![Reply::Cbor(status, vec![])]);
        let outcome = test.key.make_credential(&new_credential(&pin, &[]), &soon());
        assert_eq!(outcome, Err(KeyError::CannotIdentify), "{status:#x}");
    }
}

/// As a YubiKey Bio does, which is sold so.
#[test]
fn a_key_that_always_verifies_its_person_and_identifies_silently_is_enrolled() {
    let pin = pin();
    let mut test = TestKey::new(|about, payload| match about {
        INFO => Some(vec![Reply::Cbor(0, info(&|of| of.always_uv = true))]),
        ASSERT if !payload.windows(32).any(|window| window == id(9)) => {
            Some(vec![Reply::Cbor(0x2e, vec![])])
        }
        _ => None,
    });
    let made = test.key.make_credential(&new_credential(&pin, &[]), &soon()).unwrap();
    assert_eq!(made.credential_id, id(9));
    assert_eq!(test.asked(), [INIT, INFO, ASSERT, AGREEMENT, TOKEN, MAKE, ASSERT]);
}

#[test]
fn hostile_registrations_are_refused() {
    let good = attested(&id(9));
    let mut no_attested = good.clone();
    no_attested[32] = 0x05;
    let mut long_id = good.clone();
    long_id[53] = 0xff;
    let mut empty_id = good.clone();
    empty_id[53] = 0;
    empty_id[54] = 0;
    let pin = pin();
    for (name, data) in [
        ("empty", vec![]),
        ("36 bytes", good[..36].to_vec()),
        ("no attested data", no_attested),
        ("AAGUID cut", good[..45].to_vec()),
        ("id longer than the data", long_id),
        ("no id", empty_id),
        ("no public key", good[..good.len() - 5].to_vec()),
        ("public key cut", good[..good.len() - 1].to_vec()),
        ("bytes behind", [&good[..], &[0]].concat()),
    ] {
        let mut test =
            TestKey::answering(MAKE, vec![Reply::Cbor(0, registration(&data, "packed"))]);
        let outcome = test.key.make_credential(&new_credential(&pin, &[]), &soon());
        assert!(matches!(outcome, Err(KeyError::Malformed(_))), "{name}: {outcome:?}");
    }
    for answer in [vec![], vec![0xa0], vec![0xff; 100], vec![0xa1, 0x01, 0x60]] {
        let mut test = TestKey::answering(MAKE, vec![Reply::Cbor(0, answer)]);
        let outcome = test.key.make_credential(&new_credential(&pin, &[]), &soon());
        assert!(matches!(outcome, Err(KeyError::Malformed(_))));
    }
}

#[test]
fn the_attestation_object_is_the_keys_bytes() {
    let mut test = TestKey::new(|_, _| None);
    let pin = pin();
    let made = test.key.make_credential(&new_credential(&pin, &[]), &soon()).unwrap();
    assert_eq!(made.credential_id, id(9));
    let answer = registration(&attested(&id(9)), "packed");
    let object = crate::cbor::parse(&made.attestation_object).unwrap();
    let answer = crate::cbor::parse(&answer).unwrap();
    for (name, key) in [("fmt", 1), ("authData", 2), ("attStmt", 3)] {
        assert_eq!(
            object.value.named(name).unwrap().raw,
            answer.value.at(key).unwrap().raw,
            "{name}"
        );
    }
    assert_eq!(test.asked(), [INIT, INFO, AGREEMENT, TOKEN, MAKE, ASSERT]);
    let log = test.log.lock().unwrap();
    let request = &log[4].1;
    let has = |needle: &[u8]| request.windows(needle.len()).any(|window| window == needle);
    assert!(has(&[b"\x6bcredProtect".as_slice(), &[2]].concat()));
    assert!(has(b"\x62rk\xf5"), "discoverable");
    assert!(has("\u{7530}\u{4e2d}".as_bytes()));
}

#[test]
fn a_key_without_cred_protect_is_not_asked_for_it() {
    let answer = info(&|of| of.protect = false);
    let mut test = TestKey::answering(INFO, vec![Reply::Cbor(0, answer)]);
    let pin = pin();
    test.key.make_credential(&new_credential(&pin, &[]), &soon()).unwrap();
    let log = test.log.lock().unwrap();
    assert!(!log[4].1.windows(11).any(|window| window == b"credProtect"));
}

#[test]
fn an_exclude_list_longer_than_the_keys_is_asked_for_in_parts() {
    let exclude: Vec<_> = (100..125).map(id).collect();
    let pin = pin();
    let mut test = TestKey::new(|about, payload| {
        let own = payload.windows(32).any(|window| window == id(9));
        (about == ASSERT && !own).then(|| vec![Reply::Cbor(0x2e, vec![])])
    });
    test.key.make_credential(&new_credential(&pin, &exclude), &soon()).unwrap();
    assert_eq!(
        test.asked(),
        [INIT, INFO, ASSERT, ASSERT, AGREEMENT, TOKEN, MAKE, ASSERT],
        "25 = 10 in the request + 10 + 5 before"
    );
    let held = assertion(&id(112), &auth_data(0, &[]), None);
    let mut test = TestKey::answering(ASSERT, vec![Reply::Cbor(0, held)]);
    let outcome = test.key.make_credential(&new_credential(&pin, &exclude), &soon());
    assert_eq!(outcome, Err(KeyError::CredentialExcluded));
    assert!(!test.asked().contains(&TOKEN));
}
