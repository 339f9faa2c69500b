//! A touch that does not come, and giving up on it.

use std::cell::Cell;
use std::rc::Rc;
use std::sync::Arc;
use std::time::{Duration, Instant};

use wardkey_core::code::Code;
use wardkey_core::message::key::{Reply, Request};
use wardkey_firmware_tests::connection::Connection;
use wardkey_firmware_tests::plugged::{PIN, Plugged, cancelled_by, soon, within};
use wardkey_key::KeyError;
use wardkey_softkey::{Options, SoftKey, TouchPolicy};

/// More than a busy machine needs to notice something.
const AT_ONCE: Duration = Duration::from_secs(20);

fn enrolled() -> (Plugged, Vec<u8>) {
    let mut plugged = Plugged::with_pin();
    let id = plugged.enroll().credential_id;
    plugged.key.set_touch(TouchPolicy::Never);
    plugged.key.reset_exchanges();
    (plugged, id)
}

/// Does `then` as soon as the key waits for a touch.
fn when_waiting(
    key: &Arc<SoftKey>,
    then: impl FnOnce() + Send + 'static,
) -> std::thread::JoinHandle<Instant> {
    let key = Arc::clone(key);
    std::thread::spawn(move || {
        let until = Instant::now() + Duration::from_secs(60);
        while !key.is_waiting() {
            assert!(Instant::now() < until, "the key does not wait");
            std::thread::sleep(Duration::from_millis(1));
        }
        then();
        Instant::now()
    })
}

/// The next login on the same connection works.
fn is_free(plugged: &mut Plugged, id: &[u8]) {
    plugged.key.set_touch(TouchPolicy::Always);
    let begun = Instant::now();
    plugged.assert(id, b"the next login").unwrap();
    assert!(begun.elapsed() < AT_ONCE, "{:?}", begun.elapsed());
}

#[test]
fn without_a_touch_the_key_is_cancelled_and_free() {
    // Enough for the key to say that it waits.
    const PATIENCE: Duration = Duration::from_secs(2);
    let (mut plugged, id) = enrolled();
    let told = Rc::new(Cell::new(0));
    let mut limits = within(PATIENCE);
    let counter = Rc::clone(&told);
    limits.on_touch = Rc::new(move || counter.set(counter.get() + 1));
    let begun = Instant::now();
    let outcome = plugged.assert_with(&id, b"login", PIN, &limits);
    assert_eq!(outcome.unwrap_err(), KeyError::TouchTimeout);
    assert!((PATIENCE..PATIENCE + AT_ONCE).contains(&begun.elapsed()), "{:?}", begun.elapsed());
    assert_eq!(told.get(), 1, "told once to touch");
    assert!(plugged.saw_cancel());
    is_free(&mut plugged, &id);
}

#[test]
fn the_keys_own_time_out_is_the_same_to_a_person() {
    let options =
        Options { presence_timeout: Some(Duration::from_millis(200)), ..Options::default() };
    let mut plugged = Plugged::with_pin_and(options);
    let id = plugged.enroll().credential_id;
    plugged.key.set_touch(TouchPolicy::Never);
    plugged.key.reset_exchanges();
    let outcome = plugged.assert(&id, b"login");
    assert_eq!(outcome.unwrap_err(), KeyError::TouchTimeout);
    assert!(!plugged.saw_cancel(), "it ended by itself");
    is_free(&mut plugged, &id);
}

#[test]
fn a_touch_that_comes_late_is_a_touch() {
    let (mut plugged, id) = enrolled();
    plugged.key.set_touch(TouchPolicy::After(Duration::from_millis(300)));
    plugged.assert(&id, b"login").unwrap();
}

#[test]
fn the_caller_cancels_by_its_descriptor() {
    for hang_up in [false, true] {
        let (mut plugged, id) = enrolled();
        let (ours, theirs) = rustix::pipe::pipe().unwrap();
        let caller = when_waiting(&plugged.key, move || {
            // Says something, or goes away without a word.
            if !hang_up {
                rustix::io::write(&theirs, b"!").unwrap();
                std::mem::forget(theirs);
            }
        });
        let outcome = plugged.assert_with(&id, b"login", PIN, &cancelled_by(ours));
        assert_eq!(outcome.unwrap_err(), KeyError::Cancelled);
        let since = caller.join().unwrap().elapsed();
        assert!(since < AT_ONCE, "{since:?}");
        assert!(plugged.saw_cancel());
        is_free(&mut plugged, &id);
    }
}

#[test]
fn a_key_that_is_pulled_out_while_it_waits_is_removed() {
    let (mut plugged, id) = enrolled();
    let key = Arc::clone(&plugged.key);
    let person = when_waiting(&plugged.key, move || key.unplug());
    let outcome = plugged.assert(&id, b"login");
    assert_eq!(outcome.unwrap_err(), KeyError::Removed);
    let since = person.join().unwrap().elapsed();
    assert!(since < AT_ONCE, "{since:?}");
    // Nor does it come back on this connection.
    assert_eq!(plugged.assert(&id, b"login").unwrap_err(), KeyError::Removed);
}

#[test]
fn after_a_quick_replug_the_old_connection_is_dead_and_a_new_one_works() {
    let (mut plugged, id) = enrolled();
    let key = Arc::clone(&plugged.key);
    let person = when_waiting(&plugged.key, move || key.replug().unwrap());
    assert_eq!(plugged.assert(&id, b"login").unwrap_err(), KeyError::Removed);
    person.join().unwrap();
    assert_eq!(plugged.open.retries(&soon()).unwrap_err(), KeyError::Removed);
    plugged.reopen();
    is_free(&mut plugged, &id);
}

#[test]
fn the_module_cancels_or_hangs_up_and_the_key_is_free() {
    let (mut plugged, id) = enrolled();
    let mut connection = Connection::new(vec![Arc::clone(&plugged.key)]);
    connection.identify(std::slice::from_ref(&id));
    connection.assert(&id, b"login", PIN);
    assert_eq!(connection.receive(), Reply::Touch);
    connection.send(&Request::Cancel);
    let Reply::Failed(failure) = connection.receive() else { panic!("an end") };
    assert_eq!(failure.code, Code::Cancelled);
    assert!(plugged.saw_cancel());

    // The same connection goes on, until the greeter goes away.
    plugged.key.reset_exchanges();
    connection.assert(&id, b"login", PIN);
    assert_eq!(connection.receive(), Reply::Touch);
    let begun = Instant::now();
    connection.hang_up();
    assert!(begun.elapsed() < AT_ONCE, "{:?}", begun.elapsed());
    assert!(plugged.saw_cancel());
    is_free(&mut plugged, &id);
}
