//! Finding the key of a login, and its signature.

use super::*;

#[test]
fn a_login() {
    let client = Client::new(Caller::Root, || vec![good()]);
    let Reply::Identified(identified) = client.ask(&identify(&[id(2), id(1)], 0)) else { panic!() };
    assert_eq!(identified.credential.unwrap().as_slice(), id(1));
    let details = identified.key.details.unwrap();
    assert_eq!(details.pin_tries, Some(8));
    assert!(details.pin_set && !details.pin_must_change);
    let Reply::Assertion(assertion) = client.ask(&assert_with(id(1), 60_000)) else { panic!() };
    assert_eq!(assertion.credential.as_slice(), id(1));
    assert_eq!(assertion.auth_data.as_slice(), auth_data(5, &[]));
}

#[test]
fn only_the_only_key_of_the_only_caller_is_asked_before_anything_is_wanted() {
    use std::sync::atomic::{AtomicUsize, Ordering::SeqCst};
    // Requests for the key's information that a key got.
    static ASKED: AtomicUsize = AtomicUsize::new(0);
    fn counting() -> TestKey {
        TestKey::new(|about, _| {
            if about == INFO {
                ASKED.fetch_add(1, SeqCst);
            }
            None
        })
    }
    fn settled(expected: usize) -> bool {
        let until = Instant::now() + Duration::from_secs(60);
        while ASKED.load(SeqCst) < expected && Instant::now() < until {
            std::thread::yield_now();
        }
        // What is never asked must have had its chance.
        std::thread::sleep(Duration::from_millis(50));
        ASKED.load(SeqCst) == expected
    }
    for (others, caller, keys, early) in [
        (Others::None, Caller::Root, 1, 1),
        (Others::None, Caller::ActiveSession, 1, 1),
        (Others::None, Caller::Agent, 1, 0),
        (Others::None, Caller::Root, 2, 0),
        (Others::Perhaps, Caller::Root, 1, 0),
    ] {
        ASKED.store(0, SeqCst);
        let plug: Plug =
            if keys == 1 { || vec![counting()] } else { || vec![counting(), counting()] };
        let client = Client::among(others, caller, plug);
        assert!(settled(early), "{others:?} {caller:?} {keys}");
        assert!(matches!(client.ask(&identify(&[id(1)], 0)), Reply::Identified(_)));
        assert_eq!(ASKED.load(SeqCst), 1, "{others:?} {caller:?} {keys}: once in all");
    }
}

#[test]
fn of_two_keys_the_one_that_holds_a_credential_is_used() {
    for plug in [(|| vec![stranger(), good()]) as Plug, || vec![good(), stranger()]] {
        let client = Client::new(Caller::Root, plug);
        let Reply::Identified(identified) = client.ask(&identify(&[id(1)], 0)) else { panic!() };
        let proof = identified.proof.expect("what it signed");
        assert_eq!(
            (proof.credential.as_slice(), proof.auth_data.as_slice()),
            (&id(1)[..], &auth_data(5, &[])[..])
        );
    }
}

#[test]
fn keys_that_hold_nothing_are_told_and_another_is_waited_for() {
    let client = Client::new(Caller::Root, || vec![stranger(), stranger()]);
    let begun = Instant::now();
    assert_eq!(client.ask(&identify(&[id(1)], 1500)), Reply::Unregistered(Code::KeyNotRegistered));
    assert_eq!(code(&client.receive()), Code::KeyAndNameDoNotMatch);
    assert!(begun.elapsed() >= Duration::from_millis(1500));

    // Those that tell nothing say why.
    let silent: [(Plug, Code); 2] = [
        (
            || vec![TestKey::answering(ASSERT, vec![Says::Cbor(0x36, vec![])])],
            Code::KeyCannotIdentify,
        ),
        (|| vec![TestKey::answering(ASSERT, vec![Says::Cbor(0x37, vec![])])], Code::PinMustChange),
    ];
    for (plug, why) in silent {
        let client = Client::new(Caller::Root, plug);
        assert_eq!(client.ask(&identify(&[id(1)], 1500)), Reply::Unregistered(why));
        assert_eq!(code(&client.receive()), why);
    }
}

#[test]
fn devices_that_are_no_keys_for_us_count_as_none() {
    // From before FIDO2; without a word.
    for (plug, at_the_end) in [
        (
            (|| vec![TestKey::answering(INFO, vec![Says::Message(0xbf, vec![0x01])])]) as Plug,
            Code::KeyUnsuitable,
        ),
        (|| vec![TestKey::answering(INFO, vec![])], Code::KeyFault),
    ] {
        let client = Client::new(Caller::Root, plug);
        assert_eq!(client.ask(&identify(&[id(1)], 5_000)), Reply::Insert);
        assert_eq!(code(&client.receive()), at_the_end);
    }
}

#[test]
fn slow_devices_keep_nobody_from_the_good_key() {
    fn silent() -> TestKey {
        TestKey::answering(INFO, vec![])
    }
    // One that says nothing beside it costs a second; it does not come first again.
    let client = Client::new(Caller::Root, || vec![silent(), good()]);
    let begun = Instant::now();
    assert!(matches!(client.ask(&identify(&[id(1)], 60_000)), Reply::Identified(_)));
    assert!(begun.elapsed() < Duration::from_secs(30), "{:?}", begun.elapsed());
}

#[test]
fn what_proved_nothing_is_passed_over_while_it_stays() {
    let client = Client::new(Caller::Root, || vec![good(), good()]);
    let Reply::Identified(first) = client.ask(&identify(&[id(1)], 1500)) else { panic!() };
    let Reply::Identified(second) = client.ask(&pass_over(&[&first.key.path])) else { panic!() };
    assert_eq!((first.key.path.as_str(), second.key.path.as_str()), ("test:0", "test:1"));
    // Then there is nobody left, and it is waited for one.
    assert_eq!(client.ask(&pass_over(&[&second.key.path])), Reply::Insert);
    assert_eq!(code(&client.receive()), Code::KeyTimeout);
    // Passed over devices get no PIN.
    assert_eq!(code(&client.ask(&assert_with(id(1), 60_000))), Code::ProtocolError);
    let client = Client::new(Caller::Root, Vec::new);
    assert_eq!(
        code(&client.ask(&pass_over(&[]))),
        Code::ProtocolError,
        "before anything was looked for"
    );
}

#[test]
fn whether_a_key_is_the_only_device_is_told_where_every_one_is_asked() {
    type Case = (Plug, bool);
    let cases: [Case; 4] = [
        (|| vec![good()], true),
        (|| vec![good(), good()], false),
        // It holds nothing, or is broken: it is there all the same.
        (|| vec![good(), stranger()], false),
        (|| vec![TestKey::new(|_, _| Some(vec![])), good()], false),
    ];
    for (number, (plug, alone)) in cases.into_iter().enumerate() {
        let client = Client::new(Caller::Root, plug);
        let Reply::Identified(identified) = client.ask(&every(&[id(1)], 60_000)) else { panic!() };
        assert_eq!(identified.alone == Some(true), alone, "case {number}");
    }
}

#[test]
fn every_key_is_asked_where_several_people_may_be_meant() {
    fn other() -> TestKey {
        TestKey::answering(ASSERT, vec![Says::Cbor(0, assertion(&id(2), &auth_data(5, &[]), None))])
    }
    let client = Client::new(Caller::Root, || vec![stranger(), other(), good()]);
    let Reply::Identified(identified) = client.ask(&every(&[id(1), id(2)], 1500)) else { panic!() };
    let others = identified.others.expect("the further ones");
    let all: Vec<_> = std::iter::once((identified.key.path, identified.proof.unwrap()))
        .chain(others.iter().map(|claim| (claim.key.path.clone(), claim.proof.clone())))
        .map(|(path, proof)| (path, proof.credential.as_slice().to_vec()))
        .collect();
    assert_eq!(all, [("test:1".to_owned(), id(2)), ("test:2".to_owned(), id(1))]);
    // Not told again before something changes.
    assert_eq!(client.ask(&pass_over(&[])), Reply::Unregistered(Code::KeyNotRegistered));
    assert_eq!(code(&client.receive()), Code::KeyAndNameDoNotMatch);
    // The PIN goes to the one that is meant.
    let client = Client::new(Caller::Root, || vec![stranger(), other(), good()]);
    client.ask(&every(&[id(1), id(2)], 60_000));
    let Reply::Assertion(assertion) = client.ask(&assert_at(2, id(1), 60_000)) else { panic!() };
    assert_eq!(assertion.credential.as_slice(), id(1));
}

#[test]
fn of_two_that_claim_the_same_credential_only_the_one_named_gets_the_pin() {
    use std::sync::atomic::{AtomicUsize, Ordering::SeqCst};
    static AT_THE_LIAR: AtomicUsize = AtomicUsize::new(0);
    fn liar() -> TestKey {
        TestKey::new(|about, _| {
            if about == TOKEN {
                AT_THE_LIAR.fetch_add(1, SeqCst);
            }
            None
        })
    }
    let client = Client::new(Caller::Root, || vec![liar(), good()]);
    let Reply::Identified(identified) = client.ask(&every(&[id(1)], 60_000)) else { panic!() };
    assert_eq!(identified.others.map(|others| others.len()), Some(1), "both claim it");
    assert!(matches!(client.ask(&assert_at(1, id(1), 60_000)), Reply::Assertion(_)));
    assert_eq!(AT_THE_LIAR.load(SeqCst), 0);
    // Nor afterwards, nor one that was never there.
    for node in [0, 7] {
        assert_eq!(code(&client.ask(&assert_at(node, id(1), 60_000))), Code::ProtocolError);
    }
    assert_eq!(AT_THE_LIAR.load(SeqCst), 0);
}

#[test]
fn which_of_several_is_meant_is_told_by_a_touch_without_pin() {
    let client = Client::new(Caller::Root, || vec![stranger(), good()]);
    let touch = |node: u32, wait_ms| Request::Touch { path: format!("test:{node}"), wait_ms };
    assert_eq!(code(&client.ask(&touch(1, 100))), Code::ProtocolError, "nothing was identified");
    client.ask(&identify(&[id(1)], 0));
    assert_eq!(
        code(&client.ask(&touch(0, 100))),
        Code::KeyAndNameDoNotMatch,
        "the stranger is not meant"
    );
    assert_eq!(client.ask(&touch(1, 60_000)), Reply::Done);
    // The key stays held for what follows.
    assert!(matches!(client.ask(&assert_at(1, id(1), 60_000)), Reply::Assertion(_)));

    let client = Client::new(Caller::Root, || vec![waiting_for_touch()]);
    client.ask(&identify(&[id(1)], 0));
    assert_eq!(client.ask(&touch(0, 1500)), Reply::Touch);
    assert_eq!(code(&client.receive()), Code::TouchTimeout);
}

#[test]
fn a_broken_key_beside_a_good_one_does_no_harm() {
    let client = Client::new(Caller::Root, || {
        vec![TestKey::answering(INFO, vec![Says::Cbor(0, vec![0xff])]), good()]
    });
    assert!(matches!(client.ask(&identify(&[id(1)], 0)), Reply::Identified(_)));
    let client = Client::new(Caller::Root, || {
        vec![TestKey::answering(INFO, vec![Says::Cbor(0, vec![0xff])])]
    });
    assert_eq!(code(&client.ask(&identify(&[id(1)], 0))), Code::KeyFault);
}

#[test]
fn a_key_that_another_program_disturbs_is_asked_again() {
    use std::sync::atomic::{AtomicUsize, Ordering::SeqCst};
    static ASKED: AtomicUsize = AtomicUsize::new(0);
    let client = Client::among(Others::Perhaps, Caller::Root, || {
        vec![TestKey::new(|about, _| {
            // The first answer is not for us.
            (about == ASSERT && ASKED.fetch_add(1, SeqCst) == 0)
                .then(|| vec![Says::Cbor(0, vec![0xff])])
        })]
    });
    assert_eq!(client.ask(&identify(&[id(1)], 60_000)), Reply::Insert);
    assert!(matches!(client.receive(), Reply::Identified(_)));
    assert_eq!(ASKED.load(SeqCst), 2);
}

#[test]
fn a_wrong_pin_says_how_many_tries_are_left_and_may_be_tried_again() {
    let client = Client::new(Caller::Root, || {
        vec![TestKey::answering(TOKEN, vec![Says::Cbor(0x31, vec![])])]
    });
    client.ask(&identify(&[id(1)], 0));
    for _ in 0..2 {
        let Reply::Failed(failure) = client.ask(&assert_with(id(1), 60_000)) else { panic!() };
        assert_eq!(failure.code, Code::PinWrong);
        assert_eq!(failure.status, Some(0x31));
        assert_eq!(failure.tries_left, Some(8));
    }
}

#[test]
fn no_touch_ends_in_time_after_touch_was_asked_for() {
    let client = Client::new(Caller::Root, || vec![waiting_for_touch()]);
    client.ask(&identify(&[id(1)], 0));
    let start = Instant::now();
    client.send(&assert_with(id(1), 1500));
    assert_eq!(client.receive(), Reply::Touch);
    assert_eq!(code(&client.receive()), Code::TouchTimeout);
    assert!(start.elapsed() >= Duration::from_millis(1500));
}

#[test]
fn cancel_ends_a_wait_for_touch_and_the_connection_goes_on() {
    let client = Client::new(Caller::Root, || vec![waiting_for_touch()]);
    client.ask(&identify(&[id(1)], 0));
    client.send(&assert_with(id(1), 60_000));
    assert_eq!(client.receive(), Reply::Touch);
    assert_eq!(code(&client.ask(&Request::Cancel)), Code::Cancelled);
    // One that comes too late is nobody's.
    client.send(&Request::Cancel);
    assert!(matches!(client.ask(&identify(&[id(1)], 0)), Reply::Identified(_)));
}

#[test]
fn hanging_up_ends_a_wait_for_touch() {
    let mut client = Client::new(Caller::Root, || vec![waiting_for_touch()]);
    client.ask(&identify(&[id(1)], 0));
    client.send(&assert_with(id(1), 60_000));
    assert_eq!(client.receive(), Reply::Touch);
    let start = Instant::now();
    client.channel.borrow_mut().take();
    client.server.take().unwrap().join().unwrap();
    assert!(start.elapsed() < Duration::from_secs(30), "{:?}", start.elapsed());
}

#[test]
fn without_a_key_it_is_asked_for_and_waited_for() {
    let client = Client::new(Caller::Root, Vec::new);
    let start = Instant::now();
    client.send(&identify(&[id(1)], 200));
    assert_eq!(client.receive(), Reply::Insert);
    assert_eq!(code(&client.receive()), Code::KeyTimeout);
    assert!(start.elapsed() >= Duration::from_millis(200));

    client.send(&identify(&[id(1)], 60_000));
    assert_eq!(client.receive(), Reply::Insert);
    assert_eq!(code(&client.ask(&Request::Cancel)), Code::Cancelled);
    assert_eq!(code(&client.ask(&Request::SetPin(pin()))), Code::KeyTimeout);
}

#[test]
fn an_assertion_without_identification_is_refused() {
    let client = Client::new(Caller::Root, || vec![good()]);
    assert_eq!(code(&client.ask(&assert_with(id(1), 60_000))), Code::ProtocolError);
}

#[test]
fn the_agent_cannot_send_a_pin() {
    let client = Client::new(Caller::Agent, || vec![good()]);
    assert!(matches!(client.ask(&identify(&[id(1)], 0)), Reply::Identified(_)));
    for request in [
        assert_with(id(1), 60_000),
        Request::SetPin(pin()),
        Request::ChangePin { old: pin(), new: pin() },
        Request::MakeCredential(Box::new(make(0))),
    ] {
        assert_eq!(code(&client.ask(&request)), Code::KeyAccessDenied);
    }
}

#[test]
fn listing_and_watching() {
    let client = Client::new(Caller::Agent, || vec![good()]);
    let Reply::Keys(keys) = client.ask(&Request::List) else { panic!() };
    assert_eq!(keys.len(), 1);
    assert_eq!(keys[0].details.as_ref().unwrap().pin_tries, Some(8));
    let Reply::Keys(keys) = client.ask(&Request::Watch) else { panic!() };
    assert_eq!(keys[0].details, None, "watching does not disturb the keys");
    assert_eq!(code(&client.ask(&Request::Cancel)), Code::Cancelled);
}

#[test]
fn a_key_that_signs_with_another_credential_is_at_fault() {
    let client = Client::new(Caller::Root, || {
        let other = assertion(&id(3), &auth_data(5, &[]), None);
        vec![TestKey::answering(ASSERT, vec![Says::Cbor(0, other)])]
    });
    assert_eq!(code(&client.ask(&identify(&[id(1)], 0))), Code::KeyFault);
}

#[test]
fn a_key_that_falls_silent_while_it_is_identified_is_not_identified() {
    for replies in [vec![], vec![Says::Cbor(0, vec![])], vec![Says::Message(0xbf, vec![0])]] {
        static REPLIES: std::sync::Mutex<Vec<Says>> = std::sync::Mutex::new(Vec::new());
        *REPLIES.lock().unwrap() = replies;
        let client = Client::new(Caller::Root, || {
            vec![TestKey::answering(RETRIES, REPLIES.lock().unwrap().clone())]
        });
        assert_eq!(code(&client.ask(&identify(&[id(1)], 0))), Code::KeyFault);
    }
}
