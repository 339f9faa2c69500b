//! Key processes that a test scripts, and what they say.

use std::sync::Arc;

use wardkey_core::codec::{List, sha256};
use wardkey_core::id::{Aaguid, CredentialId};
use wardkey_core::message::key::{
    Identified, KeyAssertion, KeyDetails, KeyFailure, KeyInfo, Reply as KeyReply,
    Request as KeyRequest,
};
use wardkey_testkit::{Key, RP};

use super::peers::*;

/// The PIN of every honest key.
pub const PIN: &str = "135790";

pub fn key_info(tries: u8) -> KeyInfo {
    let versions = List::new(vec!["FIDO_2_1".into()]).unwrap();
    let details = KeyDetails {
        aaguid: Aaguid::new([9; 16]),
        versions,
        pin_set: true,
        pin_must_change: false,
        min_pin_length: 4,
        takes_pin_rules: None,
        fingerprint: None,
        pin_tries: Some(tries),
    };
    KeyInfo {
        path: "/dev/hidraw0".into(),
        vendor: 1,
        product: 2,
        name: "key".into(),
        details: Some(details),
        problem: None,
    }
}

/// The key of `seed` claims credential `id`, and signs the challenge.
pub fn claims(request: &KeyRequest, seed: u8, id: u8) -> KeyReply {
    let KeyRequest::Identify(identify) = request else {
        panic!("not asked whose key it is: {request:?}")
    };
    let KeyReply::Assertion(proof) = signature(seed, id, identify.client_data.as_slice(), 0x00)
    else {
        unreachable!()
    };
    KeyReply::Identified(Identified {
        key: key_info(8),
        credential: Some(proof.credential.clone()),
        proof: Some(proof),
        others: None,
        alone: Some(true),
    })
}

/// An honest key that holds credential `id`.
pub fn identified(request: &KeyRequest, id: u8) -> KeyReply {
    claims(request, id, id)
}

/// A key is plugged that is not registered for the name, and no other one comes.
pub fn nobodys() -> Vec<Act<KeyReply>> {
    vec![
        Act::Say(KeyReply::Unregistered(wardkey_core::code::Code::KeyNotRegistered)),
        Act::Say(failed(wardkey_core::code::Code::KeyAndNameDoNotMatch, None)),
    ]
}

/// What was plugged is passed over, and nothing else comes.
pub fn nothing_comes() -> Vec<Act<KeyReply>> {
    vec![Act::Say(KeyReply::Insert), Act::Say(failed(wardkey_core::code::Code::KeyTimeout, None))]
}

pub fn failed(code: wardkey_core::code::Code, tries_left: Option<u8>) -> KeyReply {
    KeyReply::Failed(KeyFailure { code, status: None, tries_left, detail: None })
}

/// A key process with one key plugged, which holds credential `id`.
pub fn key_with(id: u8) -> KeyScript {
    Arc::new(move |_, request| match request {
        KeyRequest::Identify(identify) => {
            assert!(!identify.allow.is_empty(), "always an allow list");
            let own = CredentialId::new(vec![id; 32]).unwrap();
            if identify.allow.contains(&own) {
                vec![Act::Say(identified(request, id))]
            } else {
                nobodys()
            }
        }
        KeyRequest::PassOver(_) => nothing_comes(),
        KeyRequest::Assert(assert) if assert.pin.expose() != PIN => {
            vec![Act::Say(failed(wardkey_core::code::Code::PinWrong, Some(7)))]
        }
        KeyRequest::Assert(assert) => {
            let signed = signature(id, id, assert.client_data.as_slice(), 0x05);
            vec![Act::Say(KeyReply::Touch), Act::Say(signed)]
        }
        KeyRequest::ChangePinOf(change) if change.old.expose() != PIN => {
            vec![Act::Say(failed(wardkey_core::code::Code::PinWrong, Some(7)))]
        }
        KeyRequest::ChangePinOf(change) => {
            assert_eq!(
                (change.credential.as_slice(), &*change.path),
                (&[id; 32][..], "/dev/hidraw0")
            );
            vec![Act::Say(KeyReply::Done)]
        }
        other => panic!("the module never asks {other:?}"),
    })
}

/// What the key of `seed` signs as credential `id`.
pub fn signature(seed: u8, id: u8, client_data: &[u8], flags: u8) -> KeyReply {
    let assertion = Key::es256(seed).assert(id, client_data, flags, 1, RP);
    KeyReply::Assertion(KeyAssertion {
        credential: assertion.credential_id,
        auth_data: assertion.auth_data,
        signature: assertion.signature,
        user_handle: None,
    })
}

/// The fingerprint of credential `id`.
pub fn fingerprint(id: u8) -> wardkey_core::id::Hash {
    sha256(&[id; 32])
}
