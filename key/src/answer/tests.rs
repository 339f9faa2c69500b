//! Answers of real keys, and what is left of hostile ones.

use hidapi::scripted::Reply;

use super::{info, inspect, retries};
use crate::{KeyError, testkey};

fn hex(text: &str) -> Vec<u8> {
    wardkey_core::id::from_hex(text).unwrap()
}

#[test]
fn a_real_keys_information() {
    // YubiKey Bio, as published in ctap-hid-fido2's tests.
    let body =
        hex("b30184665532465f5632684649444f5f325f306c4649444f5f325f315f505245684649444f5f325f31\
         02856b6372656450726f746563746b686d61632d7365637265746c6c61726765426c6f624b65796863\
         726564426c6f626c6d696e50696e4c656e6774680350d8522d9f575b486688a9ba99fa02f35b04b062\
         726bf5627570f5627576f564706c6174f4677576546f6b656ef568616c776179735576f56863726564\
         4d676d74f569617574686e72436667f56962696f456e726f6c6cf569636c69656e7450696ef56a6c61\
         726765426c6f6273f56e70696e557641757468546f6b656ef56f7365744d696e50494e4c656e677468\
         f5706d616b654372656455764e6f74527164f47563726564656e7469616c4d676d7450726576696577\
         f5781b75736572566572696669636174696f6e4d676d7450726576696577f5051904b0068202010708\
         0818800981637573620a82a263616c672664747970656a7075626c69632d6b6579a263616c67276474\
         7970656a7075626c69632d6b65790b1904000cf40d040e1a000505060f18201001110312021415");
    let info = info(&body).unwrap();
    assert_eq!(info.versions, ["U2F_V2", "FIDO_2_0", "FIDO_2_1_PRE", "FIDO_2_1"]);
    assert_eq!(info.aaguid[..4], [0xd8, 0x52, 0x2d, 0x9f]);
    assert_eq!(info.client_pin, Some(true));
    assert!(info.resident_keys && info.always_uv && !info.force_pin_change);
    assert!(info.fingerprint && info.gives_tokens);
    assert_eq!(info.pin_protocols, [2, 1]);
    assert_eq!(info.max_message, 1200);
    assert_eq!(info.max_credentials_in_list, Some(8));
    assert_eq!(info.max_credential_id, Some(128));
    assert_eq!(info.algorithms, [-7, -8]);
    assert_eq!(info.min_pin_length, 4);
    assert_eq!(info.firmware, 0x0005_0506);
    assert_eq!(info.remaining_credentials, Some(21));
}

#[test]
fn odd_information_is_read_as_far_as_it_means_something() {
    // {1: ["FIDO_2_0"], 3: AAGUID, 4: {"clientPin": 1}, 6: "x", 7: -3, 12: 1, 13: 4711, 99: null}
    let mut body = hex("a801816846 49444f5f325f30 0350".replace(' ', "").as_str());
    body.extend([0; 16]);
    body.extend(hex("04a169636c69656e7450696e01"));
    body.extend(hex("066178072 20c010d191267 1863f6".replace(' ', "").as_str()));
    let info = info(&body).unwrap();
    assert_eq!(info.client_pin, None);
    assert_eq!(info.pin_protocols, [1]);
    assert_eq!(info.max_credentials_in_list, None);
    assert!(!info.force_pin_change);
    assert_eq!(info.min_pin_length, 4);
}

#[test]
fn information_without_version_or_model_is_refused() {
    for body in
        ["a0", "a10180", "a1018161ff", "a1018168464944 4f5f325f30", "80", "", "a201816161034100"]
    {
        assert!(info(&hex(&body.replace(' ', ""))).is_err(), "{body}");
    }
}

#[test]
fn tries_and_replug() {
    assert_eq!(retries(&hex("a10308")).unwrap().left, 8);
    assert!(!retries(&hex("a10308")).unwrap().replug);
    assert!(retries(&hex("a2030504f5")).unwrap().replug);
    for body in ["a0", "a10320", "a103190100", "a1036138", ""] {
        assert!(retries(&hex(body)).is_err(), "{body}");
    }
}

#[test]
fn only_statuses_pass_without_being_understood() {
    assert!(inspect(0x02, &[0x31]).is_ok());
    assert!(inspect(0x02, &[]).is_err());
    assert!(inspect(0x06, &[0]).is_ok(), "setting a PIN has no answer");
    assert!(inspect(0x06, &[0, 0xff]).is_err());
    assert!(inspect(0x0a, &[0, 0xa0]).is_err(), "nobody asks that");
}

/// Every prefix, and every byte changed in several ways.
fn damaged(good: &[u8]) -> impl Iterator<Item = Vec<u8>> {
    let cut = (0..good.len()).map(|length| good[..length].to_vec());
    let changed = (0..good.len()).flat_map(|position| {
        [0x00u8, 0x01, 0x40, 0x7f, 0x9f, 0xff].into_iter().map(move |mask| (position, mask))
    });
    cut.chain(changed.map(|(position, mask)| {
        let mut bytes = good.to_vec();
        bytes[position] ^= mask;
        bytes
    }))
}

#[test]
fn damaged_answers_are_read_without_a_panic() {
    let assertion = testkey::assertion(&testkey::id(1), &testkey::auth_data(5, &[]), Some(1));
    let registration = testkey::registration(&testkey::attested(&testkey::id(9)), "packed");
    let info = testkey::info(&|_| {});
    let mut refused = 0;
    for (command, good) in
        [(0x02, assertion), (0x01, registration), (0x04, info), (0x06, vec![0xa1, 3, 8])]
    {
        let mut answer = vec![0];
        answer.extend(&good);
        assert!(inspect(command, &answer).is_ok(), "{command:#x}");
        for bytes in damaged(&good) {
            answer.truncate(1);
            answer.extend(bytes);
            refused += usize::from(inspect(command, &answer).is_err());
        }
    }
    assert!(refused > 1000, "{refused}");
}

#[test]
fn what_passes_does_not_stop_the_library() {
    let good = testkey::assertion(&testkey::id(1), &testkey::auth_data(5, &[]), Some(1));
    let damaged: Vec<_> = damaged(&good).collect();
    let mut next = damaged.clone().into_iter();
    let mut test = testkey::TestKey::new(move |about, _| {
        (about == testkey::ASSERT).then(|| vec![Reply::Cbor(0, next.next().unwrap_or_default())])
    });
    for bytes in &damaged {
        // A wrong answer, or none, but always an end, and the next one works.
        match test.identify(&[testkey::id(1)]) {
            Ok(found) => assert_eq!(found, Some(testkey::id(1)), "{bytes:02x?}"),
            Err(KeyError::Malformed(_)) => {}
            Err(other) => panic!("{other}: {bytes:02x?}"),
        }
    }
}
