//! The machine's clock, and what the server signs.

use crate::common::*;
use wardkey_agent::error::AgentError;
use wardkey_agent::sync::exchange::{note_failure, note_success};
use wardkey_core::code::Code;
use wardkey_core::event::EventName;
use wardkey_core::id::Hash;
use wardkey_core::marks::Marks;
use wardkey_core::time::UnixTime;

#[test]
fn a_wrong_clock_is_corrected_by_what_the_server_signs() {
    let f = Fixture::joined();
    // The machine woke up in the past.
    f.time.store(1_000, std::sync::atomic::Ordering::SeqCst);
    f.sync().unwrap();
    assert_eq!(f.agent.clock.now(), UnixTime(T0));
    f.boot.fetch_add(50, std::sync::atomic::Ordering::SeqCst);
    assert_eq!(f.agent.clock.now(), UnixTime(T0 + 50));
    assert!(f.events().iter().any(|event| event.name == EventName::ClockWrong));
    let marks: Marks = f.agent.state.marks().unwrap();
    assert!(marks.floor.time >= UnixTime(T0 - 5000), "kept on disk");
    assert_ne!(marks.scope(&scope("ward3")).unwrap().root, Hash::new([0; 32]));
}

#[test]
fn a_clock_that_is_ahead_is_called_that_and_not_offline() {
    let f = Fixture::synced();
    let code = |f: &Fixture| match f
        .root()
        .ask(&wardkey_core::message::agent::Request::Begin(begin("hanako")))
    {
        wardkey_core::message::agent::Reply::Refused(refusal) => Some(refusal.code),
        _ => None,
    };
    let ahead = |f: &Fixture| wardkey_agent::control::status(&f.agent).clock_ahead;
    note_success(&f.agent);
    assert_eq!((code(&f), ahead(&f)), (None, None));
    // Ten days ahead, and the server is reached: what it signed this minute looks expired for long.
    f.time.fetch_add(10 * 86_400, std::sync::atomic::Ordering::SeqCst);
    f.sync().unwrap();
    note_success(&f.agent);
    assert_eq!(code(&f), Some(Code::ClockAhead));
    assert!(ahead(&f).is_some_and(|ahead| ahead.abs_diff(10 * 86_400) < 300), "{:?}", ahead(&f));
    // The server is gone: then the terminal is offline, and by the clock for too long. The module
    // says so.
    note_failure(&f.agent, &AgentError::Full);
    assert_eq!((code(&f), ahead(&f)), (None, None));
    // Set right.
    f.time.fetch_sub(10 * 86_400, std::sync::atomic::Ordering::SeqCst);
    f.sync().unwrap();
    note_success(&f.agent);
    assert_eq!((code(&f), ahead(&f)), (None, None));
}
