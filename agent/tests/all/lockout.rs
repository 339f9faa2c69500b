//! Lock-out after failures of a key that proved itself.

use crate::common::*;
use wardkey_core::code::Code;
use wardkey_core::codec::List;
use wardkey_core::event::EventName;
use wardkey_core::message::agent::Request;

/// Seconds for which the key of `seed` is locked, as a login of the account is told; 0: not at all.
pub fn locked(f: &Fixture, account: &str, seed: u8) -> u64 {
    let grant = f.root().granted(&Request::Begin(begin(account)));
    let own = wardkey_core::id::CredentialId::new(vec![seed; 32]).unwrap();
    let all = grant.locked.map(List::into_vec).unwrap_or_default();
    all.iter().find(|locked| locked.credential == own).map_or(0, |locked| locked.seconds)
}

pub fn wrong_pin() -> Request {
    failure("hanako", Some("hanako"), Some(1), Code::PinWrong)
}

#[test]
fn lockout_survives_restarts_and_rises() {
    let mut f = Fixture::synced();
    for _ in 0..4 {
        assert!(recorded(&f.root().ask(&wrong_pin())));
        assert_eq!(locked(&f, "hanako", 1), 0);
        f.restart();
    }
    // What is no wrong secret does not count.
    for code in [Code::Cancelled, Code::KeyRemoved, Code::TouchTimeout, Code::PinEmpty] {
        assert!(recorded(&f.root().ask(&failure("hanako", Some("hanako"), Some(1), code))));
    }
    assert_eq!(locked(&f, "hanako", 1), 0);
    assert!(recorded(&f.root().ask(&wrong_pin())));
    assert!(
        f.events().iter().any(|event| event.name == EventName::LockedOut && event.count == Some(5))
    );
    f.restart();
    assert_eq!(locked(&f, "hanako", 1), 30);
    // Setting the clock back gains nothing: what elapsed since boot counts.
    f.time.store(T0 - 5_000_000, std::sync::atomic::Ordering::SeqCst);
    assert_eq!(locked(&f, "hanako", 1), 30);
    f.time.store(T0 + 10, std::sync::atomic::Ordering::SeqCst);
    // Others are not locked out.
    assert_eq!(locked(&f, "taro", 2), 0);
    f.pass(30);
    assert_eq!(locked(&f, "hanako", 1), 0);
    f.root().ask(&wrong_pin());
    assert_eq!(locked(&f, "hanako", 1), 60, "doubled");
    // A success sets it back.
    f.pass(60);
    let assertion = f.assertion("hanako", "hanako", 1, |_| {});
    assert!(recorded(&f.root().ask(&success("hanako", &assertion))));
    f.root().ask(&wrong_pin());
    assert_eq!(locked(&f, "hanako", 1), 0);
}

#[test]
fn the_strictest_scope_decides_the_lockout() {
    let f = Fixture::joined();
    f.ward.policy("roaming", |policy| policy.lockout.threshold = 2);
    f.sync().unwrap();
    for _ in 0..2 {
        f.root().ask(&wrong_pin());
    }
    assert!(locked(&f, "hanako", 1) > 0);
}

#[test]
fn a_key_whose_pin_is_being_guessed_stays_locked_though_its_owner_logs_in_with_another() {
    let f = Fixture::joined();
    f.ward.put("ward3", &person("hanako", vec![credential(1), credential(7)]));
    f.sync().unwrap();
    for _ in 0..5 {
        f.root().ask(&wrong_pin());
        let other = f.assertion("hanako", "hanako", 7, |_| {});
        assert!(recorded(&f.root().ask(&success("hanako", &other))));
    }
    assert!(locked(&f, "hanako", 1) > 0);
    assert_eq!(locked(&f, "hanako", 7), 0, "the other key is not concerned");
    let stolen = f.assertion("hanako", "hanako", 1, |_| {});
    assert_eq!(code(&f.root().ask(&success("hanako", &stolen))), Code::LockedOut);
    f.pass(31);
    let found = f.assertion("hanako", "hanako", 1, |_| {});
    assert!(recorded(&f.root().ask(&success("hanako", &found))));
}
