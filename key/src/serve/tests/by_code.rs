//! Signing by the code of a pass: no key has part in it.

use wardkey_core::id::{PassId, Salt};
use wardkey_core::message::key::{HashCode, SignByCode};
use wardkey_core::pass::{HASH, PassCode};
use wardkey_core::pass_key::PassKey;
use wardkey_core::proof::SignedByCode;

use super::*;

fn request(hash: u8) -> SignByCode {
    SignByCode {
        code: PassCode::read("ABCDE-FGHJK").unwrap(),
        salt: Salt::new([7; 16]),
        hash,
        client_data: Bytes::new(b"client data".to_vec()).unwrap(),
    }
}

#[test]
fn root_has_the_code_sign_and_no_key_is_needed() {
    let client = Client::new(Caller::Root, Vec::new);
    let Reply::SignedByCode(signature) = client.ask(&Request::SignByCode(request(HASH))) else {
        panic!("not signed")
    };
    let SignByCode { code, salt, client_data, .. } = request(HASH);
    let key = PassKey::derive(&code, &salt, HASH).unwrap();
    assert_eq!(signature.as_slice(), key.sign(client_data.as_slice()));
    let signed = SignedByCode { pass: PassId::new([1; 16]), client_data, signature };
    let pass = wardkey_core::pass::Pass { key: key.public(), ..pass_of(&salt) };
    signed.verify(&pass).unwrap();

    let refused = client.ask(&Request::SignByCode(request(HASH + 1)));
    assert_eq!(code_of(&refused), Code::ProtocolError);
}

fn code_of(reply: &Reply) -> Code {
    super::code(reply)
}

fn pass_of(salt: &Salt) -> wardkey_core::pass::Pass {
    let text = |text: &str| wardkey_core::name::DisplayText::new(text).unwrap();
    wardkey_core::pass::Pass {
        id: PassId::new([1; 16]),
        salt: *salt,
        hash: HASH,
        key: wardkey_core::id::SigningPublicKey::new([0; 32]),
        from: wardkey_core::time::UnixTime(0),
        until: wardkey_core::time::UnixTime(1),
        scope: None,
        terminal: None,
        issuer: text("desk"),
        reason: text("forgotten"),
    }
}

#[test]
fn root_has_the_public_key_of_a_chosen_code_made_and_what_it_signs_verifies() {
    let client = Client::new(Caller::Root, Vec::new);
    let code = PassCode::read_chosen("246813").unwrap();
    let salt = Salt::new([9; 16]);
    let hash_code = |hash| Request::HashCode(HashCode { code: code.clone(), salt, hash });
    let made = PassKey::derive(&code, &salt, HASH).unwrap().public();
    assert_eq!(client.ask(&hash_code(HASH)), Reply::KeyOfCode(made));
    assert_eq!(code_of(&client.ask(&hash_code(HASH + 1))), Code::ProtocolError);

    let Reply::SignedByCode(signature) =
        client.ask(&Request::SignByCode(SignByCode { code: code.clone(), salt, ..request(HASH) }))
    else {
        panic!("not signed")
    };
    let client_data = request(HASH).client_data;
    let signed = SignedByCode { pass: PassId::new([1; 16]), client_data, signature };
    signed.verify(&wardkey_core::pass::Pass { key: made, ..pass_of(&salt) }).unwrap();
}

#[test]
fn nobody_but_root_has_anything_hashed() {
    for caller in [Caller::ActiveSession, Caller::Agent] {
        let client = Client::new(caller, || vec![good()]);
        let SignByCode { code, salt, hash, .. } = request(HASH);
        for asked in
            [Request::SignByCode(request(HASH)), Request::HashCode(HashCode { code, salt, hash })]
        {
            let refused = client.ask(&asked);
            assert_eq!(code_of(&refused), Code::KeyAccessDenied, "{caller:?}");
        }
    }
}
