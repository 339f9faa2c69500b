//! A new credential, and PINs.

use super::*;

#[test]
fn making_a_credential() {
    let client = Client::new(Caller::ActiveSession, || vec![good()]);
    let Reply::Credential(made) = client.ask(&Request::MakeCredential(Box::new(make(60_000))))
    else {
        panic!()
    };
    assert_eq!(made.credential.as_slice(), id(9));
    assert_eq!((made.aaguid.as_bytes(), made.min_pin_length), (&[0xaa; 16], Some(4)));

    let client = Client::new(Caller::Root, || vec![good(), good()]);
    let refused = client.ask(&Request::MakeCredential(Box::new(make(60_000))));
    assert_eq!(code(&refused), Code::SeveralKeys, "which of the two?");
    for wrong in [
        MakeCredential { cred_protect: 4, ..make(60_000) },
        MakeCredential { user_handle: Bytes::default(), ..make(60_000) },
        MakeCredential { min_pin_length: Some(3), ..make(60_000) },
        MakeCredential { min_pin_length: Some(64), ..make(60_000) },
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

fn change_at(node: u32, credential: Vec<u8>) -> Request {
    Request::ChangePinOf(ChangePinOf {
        old: pin(),
        new: Pin::new("24680".to_owned().into()).unwrap(),
        credential: CredentialId::new(credential).unwrap(),
        path: format!("test:{node}"),
    })
}

#[test]
fn the_pin_of_the_identified_key_is_changed_and_of_no_other() {
    // Two keys: where nobody was identified, neither is meant.
    let client = Client::new(Caller::Root, || vec![good(), stranger()]);
    assert_eq!(code(&client.ask(&change_at(0, id(1)))), Code::ProtocolError);
    assert!(matches!(client.ask(&identify(&[id(1)], 0)), Reply::Identified(_)));
    for (node, credential) in [(1, id(1)), (7, id(1)), (0, id(2))] {
        let client = Client::new(Caller::Root, || vec![good(), stranger()]);
        client.ask(&identify(&[id(1)], 0));
        let refused = client.ask(&change_at(node, credential));
        assert_eq!(code(&refused), Code::ProtocolError, "{node}");
    }

    // Who is no root finds out elsewhere whose key it is, and has the other request.
    let client = Client::new(Caller::ActiveSession, || vec![good()]);
    client.ask(&identify(&[id(1)], 0));
    assert_eq!(code(&client.ask(&change_at(0, id(1)))), Code::KeyAccessDenied);

    let client = Client::new(Caller::Root, || vec![good(), stranger()]);
    client.ask(&identify(&[id(1)], 0));
    assert_eq!(client.ask(&change_at(0, id(1))), Reply::Done);

    // Lost when it had the change, or before.
    let late: Plug = || vec![TestKey::answering(CHANGE_PIN, vec![Says::Unplug])];
    let early: Plug = || vec![TestKey::answering(AGREEMENT, vec![Says::Unplug])];
    for (plug, told) in [(late, Code::PinChangeUnknown), (early, Code::KeyRemoved)] {
        let client = Client::new(Caller::Root, plug);
        client.ask(&identify(&[id(1)], 0));
        assert_eq!(code(&client.ask(&change_at(0, id(1)))), told);
    }

    let client = Client::new(Caller::Root, || {
        let wrong = TestKey::answering(CHANGE_PIN, vec![Says::Cbor(0x31, vec![])]);
        vec![wrong]
    });
    client.ask(&identify(&[id(1)], 0));
    let Reply::Failed(failed) = client.ask(&change_at(0, id(1))) else { panic!() };
    assert_eq!((failed.code, failed.tries_left), (Code::PinWrong, Some(8)));
}

fn configured() -> TestKey {
    Configured::new("1234", 4).plugged()
}

#[test]
fn the_key_that_a_credential_was_made_on_asks_for_another_pin_and_no_other_key() {
    let force = |credential: u8| {
        Request::ForcePinChange(ForcePinChange {
            pin: pin(),
            rp_id: RP_ID.parse().unwrap(),
            credential: CredentialId::new(id(credential)).unwrap(),
        })
    };
    let plug: Plug = || vec![configured()];
    for caller in [Caller::Root, Caller::ActiveSession] {
        let client = Client::new(caller, plug);
        assert_eq!(client.ask(&force(1)), Reply::Done, "{caller:?}");
    }
    let client = Client::new(Caller::Agent, plug);
    assert_eq!(code(&client.ask(&force(1))), Code::KeyAccessDenied);

    // Swapped, with a second one, pulled out, or one that cannot: the caller hears which.
    let swapped: Plug = || {
        let key = Configured::new("1234", 4);
        vec![TestKey::new(move |about, payload| match about {
            ASSERT => Some(vec![Says::Cbor(0x2e, vec![])]),
            TOKEN_FOR | CONFIG => panic!("the PIN went to a key that is not the one"),
            _ => key.answer(about, payload),
        })]
    };
    let cases: [(Plug, Code); 4] = [
        (swapped, Code::KeyAndNameDoNotMatch),
        (|| vec![configured(), configured()], Code::SeveralKeys),
        (Vec::new, Code::KeyTimeout),
        (|| vec![good()], Code::KeyUnsuitable),
    ];
    for (plug, told) in cases {
        let client = Client::new(Caller::Root, plug);
        assert_eq!(code(&client.ask(&force(1))), told);
    }
}

#[test]
fn what_a_key_can_is_told_before_its_pin_is_asked_for() {
    let cases: [(Plug, bool); 2] = [(|| vec![configured()], true), (|| vec![good()], false)];
    for (plug, can) in cases {
        let client = Client::new(Caller::ActiveSession, plug);
        let Reply::Keys(keys) = client.ask(&Request::List) else { panic!() };
        assert_eq!(keys[0].details.as_ref().unwrap().takes_pin_rules, Some(can));
    }
}
