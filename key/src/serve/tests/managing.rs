//! A new credential, and PINs.

use super::*;

#[test]
fn making_a_credential() {
    let client = Client::new(Caller::ActiveSession, || vec![good()]);
    let Reply::Credential(made) = client.ask(&Request::MakeCredential(Box::new(make(1000)))) else {
        panic!()
    };
    assert_eq!(made.credential.as_slice(), id(9));
    assert_eq!(made.aaguid.as_bytes(), &[0xaa; 16]);

    let client = Client::new(Caller::Root, || vec![good(), good()]);
    let refused = client.ask(&Request::MakeCredential(Box::new(make(1000))));
    assert_eq!(code(&refused), Code::SeveralKeys, "which of the two?");
    for wrong in [
        MakeCredential { cred_protect: 4, ..make(1000) },
        MakeCredential { user_handle: Bytes::default(), ..make(1000) },
    ] {
        let client = Client::new(Caller::Root, || vec![good()]);
        let refused = client.ask(&Request::MakeCredential(Box::new(wrong)));
        assert_eq!(code(&refused), Code::ProtocolError);
    }
}

#[test]
fn setting_the_pin_of_a_new_key() {
    let client = Client::new(Caller::Root, || {
        let unset = info(&|of| of.client_pin = Some(false));
        vec![TestKey::answering(INFO, vec![Says::Cbor(0, unset)])]
    });
    assert_eq!(client.ask(&Request::SetPin(pin())), Reply::Done);
    let change = Request::ChangePin { old: pin(), new: pin() };
    assert_eq!(code(&client.ask(&change)), Code::PinNotSet);
}
