//! The adapter against scripted keys: statuses, hostile answers, and what is
//! sent at all.

mod fingers;
mod preparing;

use std::time::{Duration, Instant};

use hidapi::scripted::{CHANNEL, Reply};

use super::*;
use crate::testkey::{
    AGREEMENT, ASSERT, CHANGE_PIN, INFO, INIT, MAKE, NEXT, RETRIES, RP_ID, SET_PIN, TOKEN, TestKey,
    assertion, auth_data, id, info, new_credential, pin, soon,
};

#[test]
fn a_login_takes_six_exchanges_with_one_key_or_five_and_one_more_for_its_tries() {
    for ids in [vec![id(1)], vec![id(5), id(4), id(3), id(2), id(1)]] {
        for asks_tries in [false, true] {
            let mut test = TestKey::new(|_, _| None);
            assert_eq!(test.identify(&ids).unwrap(), Some(id(1)));
            if asks_tries {
                assert_eq!(test.key.retries(&soon()).unwrap().left, 8);
            }
            test.key.prepare_for_pin(&soon()).unwrap();
            let before_pin = test.asked().len();
            let assertion = test.assert().unwrap();
            assert_eq!(assertion.credential_id, id(1));
            assert_eq!(assertion.user_handle, Some(vec![5; 32]));
            assert_eq!(assertion.authenticator_data, auth_data(5, &[]));

            let proof = [INIT, INFO, ASSERT];
            let tries = if asks_tries { &[RETRIES][..] } else { &[] };
            let pin = [AGREEMENT, TOKEN, ASSERT];
            assert_eq!(test.asked(), [&proof, tries, &pin].concat());
            assert_eq!(test.asked().len() - before_pin, 2);
        }
    }
}

#[test]
fn identifying_is_silent_and_bound_to_the_list() {
    let mut test = TestKey::new(|_, _| None);
    test.identify(&[id(1), id(2)]).unwrap();
    let log = test.log.lock().unwrap();
    let request = &log[2].1;
    let text = |needle: &[u8]| request.windows(needle.len()).any(|window| window == needle);
    // {"up": false} and nothing else: no uv, no PIN.
    assert!(text(&[0x05, 0xa1, 0x62, b'u', b'p', 0xf4]));
    assert!(text(&id(1)) && text(&id(2)));
}

#[test]
fn a_longer_list_than_the_key_takes_is_asked_in_parts() {
    let none = |about, payload: &[u8]| {
        (about == ASSERT && !payload.windows(32).any(|window| window == id(1)))
            .then(|| vec![Reply::Cbor(0x2e, vec![])])
    };
    let mut ids: Vec<_> = (10..35).map(id).collect();
    ids.push(id(1));
    let mut test = TestKey::new(none);
    assert_eq!(test.identify(&ids).unwrap(), Some(id(1)));
    let parts = test.asked().iter().filter(|about| **about == ASSERT).count();
    assert_eq!(parts, 3, "10 + 10 + 6");

    // Bounded by the message only: 1024 bytes hold fourteen ids of 32 bytes.
    let mut test = TestKey::new(move |about, payload| {
        if about == INFO {
            return Some(vec![Reply::Cbor(
                0,
                info(&|of| {
                    of.max_list = None;
                    of.max_message = 1024;
                }),
            )]);
        }
        assert!(payload.len() <= 1024);
        none(about, payload)
    });
    assert_eq!(test.identify(&ids).unwrap(), Some(id(1)));
    let parts = test.asked().iter().filter(|about| **about == ASSERT).count();
    assert_eq!(parts, 2);
}

#[test]
fn a_key_that_will_not_tell_silently_is_told_from_one_that_holds_nothing() {
    let mut test = TestKey::answering(ASSERT, vec![Reply::Cbor(0x2e, vec![])]);
    assert_eq!(test.identify(&[id(1)]), Ok(None));
    for status in [0x2b, 0x2c, 0x36, 0x3b, 0x40, 0x27] {
        let mut test = TestKey::answering(ASSERT, vec![Reply::Cbor(status, vec![])]);
        assert_eq!(test.identify(&[id(1)]), Err(KeyError::CannotIdentify), "{status:#x}");
    }
    let mut test = TestKey::answering(ASSERT, vec![Reply::Cbor(0x37, vec![])]);
    assert_eq!(test.identify(&[id(1)]), Err(KeyError::PinMustChange));
}

#[test]
fn every_status_becomes_a_typed_error() {
    let cases = [
        (TOKEN, 0x31, KeyError::PinWrong { tries_left: Some(8) }),
        (TOKEN, 0x32, KeyError::PinBlocked),
        (ASSERT, 0x33, KeyError::PinAuthInvalid),
        (TOKEN, 0x34, KeyError::PinAuthBlocked),
        (TOKEN, 0x35, KeyError::PinNotSet),
        // No PIN is set here: it says that the one there is must be changed.
        (TOKEN, 0x37, KeyError::PinMustChange),
        (ASSERT, 0x2e, KeyError::NoCredentials),
        (ASSERT, 0x27, KeyError::Denied),
        (ASSERT, 0x2d, KeyError::Cancelled),
        (ASSERT, 0x2f, KeyError::TouchTimeout),
        (ASSERT, 0x3a, KeyError::TouchTimeout),
        (ASSERT, 0x06, KeyError::Busy),
        (ASSERT, 0x7f, KeyError::Status(0x7f)),
        (ASSERT, 0xff, KeyError::Status(0xff)),
    ];
    for (about, status, expected) in cases {
        let mut test = TestKey::answering(about, vec![Reply::Cbor(status, vec![])]);
        assert_eq!(test.assert(), Err(expected), "{about:?} {status:#x}");
        assert!(!test.asked().contains(&NEXT));
    }
    let pin = pin();
    for (status, expected) in [
        (0x19, KeyError::CredentialExcluded),
        (0x26, KeyError::UnsupportedAlgorithm),
        (0x28, KeyError::KeyStoreFull),
        (0x2f, KeyError::TouchTimeout),
    ] {
        let mut test = TestKey::answering(MAKE, vec![Reply::Cbor(status, vec![])]);
        let outcome = test.key.make_credential(&new_credential(&pin, &[]), &soon());
        assert_eq!(outcome, Err(expected), "{status:#x}");
    }
}

#[test]
fn a_wrong_pin_is_sent_once() {
    let mut test = TestKey::answering(TOKEN, vec![Reply::Cbor(0x31, vec![])]);
    test.assert().unwrap_err();
    let tokens = test.asked().iter().filter(|about| **about == TOKEN).count();
    assert_eq!(tokens, 1);
    assert!(!test.asked().contains(&ASSERT));
}

#[test]
fn to_a_busy_key_a_pin_is_sent_once() {
    let busy = || vec![Reply::Message(0xbf, vec![0x06])];
    let mut test = TestKey::answering(TOKEN, busy());
    assert_eq!(test.assert(), Err(KeyError::Busy));
    assert_eq!(test.asked(), [INIT, INFO, AGREEMENT, TOKEN]);

    let mut test = TestKey::answering(CHANGE_PIN, busy());
    assert_eq!(test.key.change_pin(&pin(), &pin(), &soon()), Err(KeyError::Busy));
    assert_eq!(test.asked(), [INIT, INFO, AGREEMENT, CHANGE_PIN]);

    // What spends nothing is asked until the key has time.
    let mut left = 2;
    let mut test = TestKey::new(move |about, _| {
        (about == AGREEMENT && left > 0).then(|| {
            left -= 1;
            vec![Reply::Message(0xbf, vec![0x06])]
        })
    });
    test.key.change_pin(&pin(), &pin(), &soon()).unwrap();
    assert_eq!(test.asked(), [INIT, INFO, AGREEMENT, AGREEMENT, AGREEMENT, CHANGE_PIN]);
}

#[test]
fn a_change_is_in_doubt_only_where_the_key_had_it_and_did_not_say_what_became_of_it() {
    let unknown = |about, replies: Vec<Reply>| {
        // What is silent has to be waited for, and the others need some time.
        let seconds = if replies.is_empty() { 2 } else { 60 };
        let mut test = TestKey::answering(about, replies);
        let limits = Limits::until(Instant::now() + Duration::from_secs(seconds));
        match test.key.change_pin(&pin(), &pin(), &limits) {
            Err(KeyError::PinChangeUnknown { .. }) => true,
            Err(_) => false,
            Ok(()) => panic!("{about:?}"),
        }
    };
    let lost: [(&str, Vec<Reply>); 4] = [
        ("silent", vec![]),
        ("pulled out", vec![Reply::Unplug]),
        ("no CBOR", vec![Reply::Cbor(0, vec![0xff])]),
        ("another command", vec![Reply::Message(0x83, vec![0])]),
    ];
    for (what, replies) in lost {
        assert!(unknown(CHANGE_PIN, replies.clone()), "{what}");
        // Before that, nothing was changed.
        assert!(!unknown(AGREEMENT, replies.clone()) && !unknown(INFO, replies), "{what}");
    }
    for (status, in_doubt) in [
        (0x02, false),
        (0x14, false),
        (0x2d, false),
        (0x31, false),
        (0x32, false),
        (0x33, false),
        (0x37, false),
        (0x7f, true),
        (0xf0, true),
    ] {
        let replies = vec![Reply::Cbor(status, vec![])];
        assert_eq!(unknown(CHANGE_PIN, replies), in_doubt, "{status:#x}");
    }
    // Success, and something behind it.
    assert!(unknown(CHANGE_PIN, vec![Reply::Cbor(0, vec![0xa0])]));
}

#[test]
fn no_try_is_spent_where_the_pin_cannot_work() {
    type Change<'a> = &'a dyn Fn(&mut crate::testkey::InfoOf);
    let cases: [(Change<'_>, KeyError); 3] = [
        (&|of| of.client_pin = Some(false), KeyError::PinNotSet),
        (&|of| of.client_pin = None, KeyError::Unsuitable("it has no PIN")),
        (&|of| of.force_change = true, KeyError::PinMustChange),
    ];
    for (change, expected) in cases {
        let mut test = TestKey::answering(INFO, vec![Reply::Cbor(0, info(change))]);
        assert_eq!(test.assert(), Err(expected));
        assert_eq!(test.asked(), [INIT, INFO]);
    }
}

#[test]
fn the_pin_protocol_is_the_first_of_the_keys_that_we_know() {
    for (protocols, expected) in [(vec![2, 1], 2), (vec![1, 2], 1), (vec![9, 2], 2), (vec![], 1)] {
        let answer = info(&|of| of.protocols.clone_from(&protocols));
        let mut test = TestKey::answering(INFO, vec![Reply::Cbor(0, answer)]);
        test.key.retries(&soon()).unwrap();
        // [6, map, 1, protocol, ...]
        assert_eq!(test.log.lock().unwrap()[2].1[3], expected, "{protocols:?}");
    }
    let answer = info(&|of| of.protocols = vec![9]);
    let mut test = TestKey::answering(INFO, vec![Reply::Cbor(0, answer)]);
    assert!(matches!(test.assert(), Err(KeyError::Unsuitable(_))));
}

#[test]
fn silent_key_ends_at_the_deadline() {
    for about in [INFO, ASSERT, AGREEMENT, TOKEN] {
        let mut test = TestKey::answering(about, vec![]);
        let start = Instant::now();
        let limits = Limits::until(start + Duration::from_millis(250));
        let error = test.key.assert(RP_ID, &id(1), b"client data", &pin(), &limits).unwrap_err();
        assert!(matches!(error, KeyError::Silent), "{about:?}: {error}");
        assert!(start.elapsed() >= Duration::from_millis(250), "{about:?}");
    }
}

#[test]
fn hostile_assertions_are_refused() {
    let short = auth_data(5, &[])[..36].to_vec();
    let cases: [(&str, Vec<Reply>); 11] = [
        ("empty answer", vec![Reply::Cbor(0, vec![])]),
        ("empty map", vec![Reply::Cbor(0, vec![0xa0])]),
        ("garbage", vec![Reply::Cbor(0, vec![0xff; 64])]),
        ("no map", vec![Reply::Cbor(0, vec![0x80])]),
        (
            "bytes behind",
            vec![Reply::Cbor(0, [assertion(&id(1), &auth_data(5, &[]), None), vec![0]].concat())],
        ),
        ("36 bytes", vec![Reply::Cbor(0, assertion(&id(1), &short, None))]),
        ("no bytes", vec![Reply::Cbor(0, assertion(&id(1), &[], None))]),
        ("attested data", vec![Reply::Cbor(0, assertion(&id(1), &auth_data(0x45, &[]), None))]),
        (
            "extensions missing",
            vec![Reply::Cbor(0, assertion(&id(1), &auth_data(0x85, &[]), None))],
        ),
        (
            "bytes behind the data",
            vec![Reply::Cbor(0, assertion(&id(1), &auth_data(5, &[0]), None))],
        ),
        ("another credential", vec![Reply::Cbor(0, assertion(&id(2), &auth_data(5, &[]), None))]),
    ];
    for (name, replies) in cases {
        let mut test = TestKey::answering(ASSERT, replies);
        assert!(matches!(test.assert(), Err(KeyError::Malformed(_))), "{name}");
        assert!(matches!(test.identify(&[id(1)]), Err(KeyError::Malformed(_))), "{name}");
    }
}

#[test]
fn a_number_of_credentials_is_not_believed() {
    for count in [2, 1000, 1 << 31, u64::MAX >> 1] {
        let answer = assertion(&id(1), &auth_data(5, &[]), Some(count));
        let mut test = TestKey::answering(ASSERT, vec![Reply::Cbor(0, answer)]);
        assert_eq!(test.identify(&[id(1)]), Ok(Some(id(1))), "{count}");
        assert_eq!(test.assert().unwrap().credential_id, id(1), "{count}");
        test.key.prepare_for_pin(&soon()).unwrap();
        assert_eq!(test.assert().unwrap().credential_id, id(1), "{count}: prepared for");
        assert!(!test.asked().contains(&NEXT), "{count}");
    }
}

#[test]
fn a_key_may_leave_out_the_only_credential() {
    let mut answer = assertion(&id(1), &auth_data(5, &[]), None);
    // Drops entry 1: {1: {id (32 bytes), type}, ...}.
    let entry = 1 + 1 + 3 + 34 + 5 + 11;
    answer.drain(1..=entry);
    answer[0] = 0xa3;
    let mut test = TestKey::answering(ASSERT, vec![Reply::Cbor(0, answer)]);
    assert_eq!(test.identify(&[id(1)]), Ok(Some(id(1))));
    // Of two it would be a guess.
    assert!(matches!(test.identify(&[id(1), id(2)]), Err(KeyError::Malformed(_))));
}

#[test]
fn setting_and_changing_the_pin() {
    let unset = info(&|of| of.client_pin = Some(false));
    let mut test = TestKey::answering(INFO, vec![Reply::Cbor(0, unset.clone())]);
    test.key.set_pin(&pin(), &soon()).unwrap();
    assert_eq!(test.asked(), [INIT, INFO, AGREEMENT, SET_PIN]);
    assert_eq!(test.key.set_pin(&pin(), &soon()), Err(KeyError::PinAlreadySet));
    test.key.change_pin(&pin(), &pin(), &soon()).unwrap();

    let mut test = TestKey::answering(INFO, vec![Reply::Cbor(0, unset)]);
    assert_eq!(test.key.change_pin(&pin(), &pin(), &soon()), Err(KeyError::PinNotSet));

    let strict = info(&|of| of.min_pin = 6);
    let mut test = TestKey::answering(INFO, vec![Reply::Cbor(0, strict)]);
    assert_eq!(test.key.change_pin(&pin(), &pin(), &soon()), Err(KeyError::PinPolicy));
    assert_eq!(test.asked(), [INIT, INFO]);

    for (status, expected) in
        [(0x31, KeyError::PinWrong { tries_left: Some(8) }), (0x37, KeyError::PinPolicy)]
    {
        let mut test = TestKey::answering(CHANGE_PIN, vec![Reply::Cbor(status, vec![])]);
        assert_eq!(test.key.change_pin(&pin(), &pin(), &soon()), Err(expected));
    }
}

#[test]
fn a_key_agreement_that_is_no_point_spends_no_try() {
    for answer in [vec![0xa0], vec![], vec![0xa1, 0x01, 0xa0], vec![0xff]] {
        let mut test = TestKey::answering(AGREEMENT, vec![Reply::Cbor(0, answer)]);
        assert!(matches!(test.assert(), Err(KeyError::Malformed(_))));
        assert!(!test.asked().contains(&TOKEN));
        let unset = info(&|of| of.client_pin = Some(false));
        let mut test = TestKey::new(move |about, _| match about {
            INFO => Some(vec![Reply::Cbor(0, unset.clone())]),
            AGREEMENT => Some(vec![Reply::Cbor(0, vec![0xa1, 0x01, 0xa0])]),
            _ => None,
        });
        assert!(matches!(test.key.set_pin(&pin(), &soon()), Err(KeyError::Malformed(_))));
    }
}

#[test]
fn a_key_from_before_fido2_is_unsuitable() {
    let mut test = TestKey::answering(INFO, vec![Reply::Message(0xbf, vec![0x01])]);
    assert!(matches!(test.identify(&[id(1)]), Err(KeyError::Unsuitable(_))));
}

#[test]
fn packets_of_another_channel_do_not_count() {
    let mut foreign = [0; 64];
    foreign[..4].copy_from_slice(&[CHANNEL[0] ^ 1, CHANNEL[1], CHANNEL[2], CHANNEL[3]]);
    foreign[4..9].copy_from_slice(&[0x90, 0, 2, 0, 0xa0]);
    let mut replies = vec![Reply::Raw(foreign)];
    replies.push(Reply::Cbor(0, assertion(&id(1), &auth_data(5, &[]), None)));
    let mut test = TestKey::answering(ASSERT, replies);
    assert_eq!(test.identify(&[id(1)]), Ok(Some(id(1))));
}
