//! One encoding for each document, and nothing else decodes; a second implementation of COSE
//! agrees.

use std::sync::OnceLock;

use coset::CborSerializable;
use ed25519_dalek::Verifier;
use proptest::prelude::*;
use wardkey_core::client_data::ClientData;
use wardkey_core::codec::{self, CodecError, Document};
use wardkey_core::cose_key::PublicKey;
use wardkey_core::document::{Head, RootDocument, TerminalDocument};
use wardkey_core::event::Event;
use wardkey_core::marks::Marks;
use wardkey_core::person::PersonRecord;
use wardkey_core::policy::document::PolicyDocument;
use wardkey_core::sign::{self, SignatureError};
use wardkey_testkit::{Deployment, Key, signing};

/// Documents of every kind, encoded.
fn samples() -> Vec<(&'static str, Vec<u8>)> {
    static SAMPLES: OnceLock<Vec<(&'static str, Vec<u8>)>> = OnceLock::new();
    SAMPLES.get_or_init(make_samples).clone()
}

fn make_samples() -> Vec<(&'static str, Vec<u8>)> {
    let world = Deployment::new();
    vec![
        (RootDocument::DOMAIN, codec::to_bytes(&world.root)),
        (TerminalDocument::DOMAIN, codec::to_bytes(&world.terminal)),
        (Head::DOMAIN, codec::to_bytes(&world.scopes[1].0.head)),
        (PolicyDocument::DOMAIN, codec::to_bytes(&world.scopes[1].1)),
        (PersonRecord::DOMAIN, codec::to_bytes(&world.scopes[1].0.people[0])),
        (ClientData::DOMAIN, world.client_data("hanako", "hanako", "login").to_bytes()),
    ]
}

/// What a decoder of a kind makes of bytes: the bytes again, or its error.
fn decode(domain: &str, bytes: &[u8]) -> Result<Vec<u8>, CodecError> {
    fn again<T: Document>(bytes: &[u8]) -> Result<Vec<u8>, CodecError> {
        codec::from_bytes::<T>(bytes).map(|document| codec::to_bytes(&document))
    }
    match domain {
        RootDocument::DOMAIN => again::<RootDocument>(bytes),
        TerminalDocument::DOMAIN => again::<TerminalDocument>(bytes),
        Head::DOMAIN => again::<Head>(bytes),
        PolicyDocument::DOMAIN => again::<PolicyDocument>(bytes),
        PersonRecord::DOMAIN => again::<PersonRecord>(bytes),
        ClientData::DOMAIN => again::<ClientData>(bytes),
        Event::DOMAIN => again::<Event>(bytes),
        Marks::DOMAIN => again::<Marks>(bytes),
        other => panic!("{other}"),
    }
}

#[test]
fn each_document_is_read_by_its_own_decoder_only() {
    for (domain, bytes) in samples() {
        assert_eq!(decode(domain, &bytes).unwrap(), bytes);
        for (other, _) in samples() {
            assert_eq!(decode(other, &bytes).is_ok(), other == domain, "{domain} as {other}");
        }
    }
}

#[test]
fn another_encoding_of_the_same_values_is_refused() {
    let head = codec::to_bytes(&Deployment::new().scopes[1].0.head);
    let body = head.iter().position(|byte| *byte == 0xa8).expect("a map of eight");
    let mut map_as_indefinite = head.clone();
    map_as_indefinite[body] = 0xbf;
    map_as_indefinite.push(0xff);
    let mut epoch_over_long = head[..body + 1].to_vec();
    let rest = &head[body + 1..];
    let epoch = rest.windows(2).position(|pair| pair == [0x01, 0x01]).expect("epoch 1");
    epoch_over_long.extend_from_slice(&rest[..=epoch]);
    epoch_over_long.extend_from_slice(&[0x18, 0x01]);
    epoch_over_long.extend_from_slice(&rest[epoch + 2..]);
    let mut unknown_key = head.clone();
    unknown_key[body] = 0xa9;
    unknown_key.extend_from_slice(&[0x18, 0x63, 0x00]);
    let mut duplicate_key = head.clone();
    duplicate_key[body] = 0xa9;
    duplicate_key.extend_from_slice(&[0x07, 0x00]);
    let trailing = [&head[..], &[0]].concat();
    let truncated = head[..head.len() - 1].to_vec();
    for (what, bytes) in [
        ("indefinite length", map_as_indefinite),
        ("over-long integer", epoch_over_long),
        ("unknown key", unknown_key),
        ("duplicate key", duplicate_key),
        ("trailing byte", trailing),
        ("truncated", truncated),
        ("longer than any head", vec![0x82; 1024]),
        ("nothing", vec![]),
    ] {
        assert!(decode(Head::DOMAIN, &bytes).is_err(), "{what}");
    }
}

#[test]
fn coset_reads_our_signatures_and_we_read_the_ones_of_coset() {
    let head = Deployment::new().scopes[1].0.head.clone();
    let ours = signing(101).sign(&head);
    let theirs = coset::CoseSign1::from_slice(&ours).unwrap();
    let key = ed25519_dalek::SigningKey::from_bytes(&[101; 32]);
    theirs
        .verify_signature(b"", |signature, data| {
            key.verifying_key()
                .verify(data, &ed25519_dalek::Signature::from_slice(signature).unwrap())
        })
        .unwrap();
    assert_eq!(theirs.payload.unwrap(), codec::to_bytes(&head));

    let protected = coset::HeaderBuilder::new().algorithm(coset::iana::Algorithm::EdDSA).build();
    let unprotected =
        coset::HeaderBuilder::new().key_id(sign::key_id(&signing(101).public()).to_vec()).build();
    let signed = coset::CoseSign1Builder::new()
        .protected(protected)
        .unprotected(unprotected)
        .payload(codec::to_bytes(&head))
        .create_signature(b"", |data| {
            use ed25519_dalek::Signer;
            key.sign(data).to_bytes().to_vec()
        })
        .build()
        .to_vec()
        .unwrap();
    assert_eq!(signed, ours, "the same bytes");
    assert_eq!(*sign::verify::<Head>(&signed, &[signing(101).public()]).unwrap(), head);
}

#[test]
fn a_signature_holds_for_its_key_and_its_kind_only() {
    let world = Deployment::new();
    let signed = signing(101).sign(&world.scopes[1].0.head);
    let right = signing(101).public();
    assert!(sign::verify::<Head>(&signed, &[signing(1).public(), right]).is_ok());
    assert_eq!(sign::verify::<Head>(&signed, &[]).unwrap_err(), SignatureError::UnknownKey);
    assert_eq!(
        sign::verify::<Head>(&signed, &[signing(1).public()]).unwrap_err(),
        SignatureError::UnknownKey
    );
    assert!(matches!(
        sign::verify::<TerminalDocument>(&signed, &[right]).unwrap_err(),
        SignatureError::Codec(_)
    ));
    for at in 0..signed.len() {
        let mut changed = signed.clone();
        changed[at] ^= 0x10;
        assert!(sign::verify::<Head>(&changed, &[right]).is_err(), "byte {at} changed");
    }
}

#[test]
fn public_keys_are_on_their_curve_or_refused() {
    let es256 = Key::es256(1).cose();
    let eddsa = Key::eddsa(1).cose();
    assert!(PublicKey::from_cose(&es256).is_ok());
    assert!(PublicKey::from_cose(&eddsa).is_ok());
    let mut off_curve = es256.clone();
    *off_curve.last_mut().unwrap() ^= 1;
    let mut other_algorithm = es256.clone();
    other_algorithm[4] = 0x27;
    let mut twice = es256.clone();
    twice[0] = 0xa6;
    twice.extend_from_slice(&[0x01, 0x02]);
    for (what, bytes) in [
        ("off the curve", off_curve),
        ("EC2 key with EdDSA", other_algorithm),
        ("label twice", twice),
        ("trailing byte", [&es256[..], &[0]].concat()),
        ("empty map", vec![0xa0]),
        ("not a map", vec![0x01]),
        ("a map of 2^32 entries", vec![0xba, 0xff, 0xff, 0xff, 0xff]),
        ("nothing", vec![]),
    ] {
        assert!(PublicKey::from_cose(&bytes).is_err(), "{what}");
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(2_000))]

    /// Whatever bytes come, decoding ends without a panic, and what decodes encodes to the same
    /// bytes.
    #[test]
    fn any_bytes_decode_to_themselves_or_not_at_all(
        bytes in prop::collection::vec(any::<u8>(), 0..400),
    ) {
        for (domain, _) in samples() {
            if let Ok(again) = decode(domain, &bytes) {
                prop_assert_eq!(&again, &bytes);
            }
        }
        let _ = PublicKey::from_cose(&bytes);
        let _ = wardkey_core::proof::assertion::AuthenticatorData::parse(&bytes);
        let _ = codec::from_message::<wardkey_core::message::agent::Request>(&bytes);
        let _ = codec::from_message::<wardkey_core::message::agent::Reply>(&bytes);
        let _ = codec::from_message::<wardkey_core::message::key::Request>(&bytes);
        let _ = codec::from_message::<wardkey_core::message::key::Reply>(&bytes);
    }

    /// A valid document with a few bytes changed, cut or added.
    #[test]
    fn mutated_documents_decode_to_themselves_or_not_at_all(
        which in 0usize..6,
        changes in prop::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 0..4),
        cut in any::<prop::sample::Index>(),
        tail in prop::collection::vec(any::<u8>(), 0..3),
    ) {
        let (domain, mut bytes) = samples().swap_remove(which);
        for (at, byte) in changes {
            let at = at.index(bytes.len());
            bytes[at] = byte;
        }
        if !tail.is_empty() {
            let keep = cut.index(bytes.len()) + 1;
            bytes.truncate(keep);
            bytes.extend(tail);
        }
        if let Ok(again) = decode(domain, &bytes) {
            prop_assert_eq!(&again, &bytes);
        }
    }

    /// Names that exist obey their rules whatever was tried.
    #[test]
    fn names_never_hold_what_breaks_files_or_logs(
        text in "\\PC{0,80}|[a-z\\n:/\\\\ =\"\\x00-\\x1f]{0,70}",
    ) {
        if let Ok(name) = wardkey_core::name::LoginName::new(text.clone()) {
            prop_assert!(!name.as_str().contains(['\n', ':', '/', '\\', ' ', '=', '"', '\0']));
            prop_assert!(name.as_str().len() <= 64 && !name.as_str().is_empty());
        }
        if let Ok(text) = wardkey_core::name::DisplayText::new(text) {
            prop_assert!(text.as_str().chars().all(|c| !c.is_control()));
        }
    }
}

#[test]
fn names_with_line_breaks_or_colons_do_not_exist() {
    for bad in [
        "",
        "a\nb",
        "a:b",
        "a b",
        "a/b",
        "../x",
        "-rf",
        ".hidden",
        "a\0",
        "花子",
        &"a".repeat(65),
        "a=b",
        "\u{202e}a",
    ] {
        assert!(wardkey_core::name::LoginName::new(bad).is_err(), "{bad:?}");
    }
    for good in
        ["hanako", "h.tanaka", "DOMAIN+hanako", "hanako@hospital.example", "_apt", "a", "machine$"]
    {
        assert!(wardkey_core::name::LoginName::new(good).is_ok(), "{good:?}");
    }
}

#[test]
fn secrets_do_not_show_in_debug() {
    use wardkey_core::message::key::{Pin, Request};
    let pin = Pin::new(zeroize::Zeroizing::new("314159".into())).unwrap();
    assert!(!format!("{:?} {:?}", pin, Request::SetPin(pin.clone())).contains("314159"));
    let made = wardkey_core::token::JoinToken::make([2; 10], &signing(1).public());
    let (token, text) = made.unwrap();
    let shown = format!("{token:?}");
    let secret = wardkey_core::id::to_hex(&token.secret);
    assert!(!shown.contains(&text[..5]) && !shown.contains(&secret), "{shown}");
}

#[test]
fn empty_and_impossible_pins_are_refused_before_the_key_is_asked() {
    use wardkey_core::code::Code;
    use wardkey_core::message::key::Pin;
    let pin = |text: &str| Pin::new(zeroize::Zeroizing::new(text.to_owned())).err();
    assert_eq!(pin(""), Some(Code::PinEmpty));
    assert_eq!(pin("123"), Some(Code::PinLength));
    assert_eq!(pin("1234"), None);
    assert_eq!(pin(&"1".repeat(63)), None);
    assert_eq!(pin(&"1".repeat(64)), Some(Code::PinLength), "ctap-hid-fido2 panics above 64 bytes");
    assert_eq!(pin("暗証番号"), None, "four characters are four characters");
    assert_eq!(pin("12\u{0}34"), Some(Code::PinLength));
}
