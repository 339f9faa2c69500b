//! What a key is asked ahead of its PIN, and for whom.

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
