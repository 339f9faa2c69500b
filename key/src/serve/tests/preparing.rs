//! What a key is asked ahead of its PIN, for whom, and what it need not be asked.

use std::sync::atomic::{AtomicUsize, Ordering::SeqCst};

use super::super::signing::AT_ONCE;
use super::*;

/// The person types meanwhile. Somebody else's request may come next, so only a login has it; and
/// of several keys nobody knows yet which one gets the PIN.
#[test]
fn a_login_s_key_is_prepared_for_the_pin_before_it_comes() {
    static AGREED: AtomicUsize = AtomicUsize::new(0);
    fn counting() -> TestKey {
        TestKey::new(|about, _| {
            if about == AGREEMENT {
                AGREED.fetch_add(1, SeqCst);
            }
            None
        })
    }
    let cases: [(Caller, Plug, bool, usize); 4] = [
        (Caller::Root, || vec![counting()], false, 1),
        (Caller::Root, || vec![stranger(), counting()], false, 1),
        (Caller::Root, || vec![counting(), counting()], true, 0),
        (Caller::ActiveSession, || vec![counting()], false, 0),
    ];
    for (caller, plug, asks_every, expected) in cases {
        AGREED.store(0, SeqCst);
        let client = Client::new(caller, plug);
        let request = if asks_every { every(&[id(1)], 0) } else { identify(&[id(1)], 0) };
        let Reply::Identified(found) = client.ask(&request) else { panic!("{caller:?}") };
        let until = Instant::now() + Duration::from_secs(30);
        while AGREED.load(SeqCst) < expected && Instant::now() < until {
            std::thread::yield_now();
        }
        // What is never asked has had its chance.
        std::thread::sleep(3 * AT_ONCE);
        assert!(matches!(client.ask(&Request::List), Reply::Keys(_)));
        assert_eq!(AGREED.load(SeqCst), expected, "{caller:?}");
        // The login's PIN finds it there.
        if caller == Caller::Root && !asks_every {
            let node = found.key.path.trim_start_matches("test:").parse().unwrap();
            let reply = client.ask(&assert_at(node, id(1), 1000));
            assert!(matches!(reply, Reply::Assertion(_)), "{reply:?}");
            assert_eq!(AGREED.load(SeqCst), expected, "{caller:?}");
        }
    }
}

/// A key that took its right PIN has all its tries, and is not asked for them if these are eight;
/// after a PIN that was tried and not right it is.
#[test]
fn a_key_is_asked_for_its_tries_unless_it_took_its_pin_and_has_eight() {
    static ASKED: AtomicUsize = AtomicUsize::new(0);
    static WRONG: AtomicUsize = AtomicUsize::new(0);
    static LEFT: AtomicUsize = AtomicUsize::new(8);
    fn counting() -> TestKey {
        TestKey::new(|about, _| match about {
            RETRIES => {
                ASKED.fetch_add(1, SeqCst);
                let left = u8::try_from(LEFT.load(SeqCst)).unwrap();
                Some(vec![Says::Cbor(0, vec![0xa1, 0x03, left])])
            }
            TOKEN if WRONG.load(SeqCst) > 0 => Some(vec![Says::Cbor(0x31, vec![])]),
            _ => None,
        })
    }
    let client = Client::new(Caller::Root, || vec![counting()]);
    let tries = |client: &Client| {
        ASKED.store(0, SeqCst);
        let Reply::Identified(found) = client.ask(&identify(&[id(1)], 0)) else { panic!() };
        (found.key.details.unwrap().pin_tries, ASKED.load(SeqCst))
    };
    let sign = |client: &Client| client.ask(&assert_with(id(1), 1000));
    assert_eq!(tries(&client), (Some(8), 1), "nothing is known of it");
    assert!(matches!(sign(&client), Reply::Assertion(_)));
    assert_eq!(tries(&client), (None, 0), "it took its PIN");
    assert_eq!(tries(&client), (None, 0));

    WRONG.store(1, SeqCst);
    LEFT.store(7, SeqCst);
    let Reply::Failed(failed) = sign(&client) else { panic!() };
    assert_eq!((failed.code, failed.tries_left), (Code::PinWrong, Some(7)), "as ever");
    assert_eq!(tries(&client), (Some(7), 1));
    WRONG.store(0, SeqCst);
    LEFT.store(8, SeqCst);
    assert!(matches!(sign(&client), Reply::Assertion(_)));
    assert_eq!(tries(&client), (None, 0));
    // What else sends a PIN, whatever comes of it.
    client.ask(&Request::SetPin(pin()));
    assert_eq!(tries(&client), (Some(8), 1));

    // One that by its make has four.
    LEFT.store(4, SeqCst);
    let client = Client::new(Caller::Root, || vec![counting()]);
    for _ in 0..2 {
        assert_eq!(tries(&client), (Some(4), 1), "also after its PIN");
        assert!(matches!(sign(&client), Reply::Assertion(_)));
    }
}
