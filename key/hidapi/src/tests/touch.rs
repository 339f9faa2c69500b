//! Waiting for a touch (CTAPHID_CANCEL and CTAPHID_KEEPALIVE: CTAP 2.1, 11.2.9.1).

use std::sync::atomic::{AtomicBool, Ordering};

use super::*;

#[test]
fn a_touch_that_nobody_asked_for_is_no_touch() {
    let endless = Reply::Endless(raw(CHANNEL, &[message::KEEPALIVE, 0, 1, 2]));
    let (_, record, _) = once(150, GET_INFO, vec![endless]);
    assert!(matches!(record.failure, Some(ExchangeError::TimedOut { touch: false })));
}

/// A key that waits for a touch and answers CANCEL as it must, or not at all.
fn waiting(answers_cancel: bool) -> (HidDevice, Arc<Mutex<Vec<HidRequest>>>) {
    let key = Scripted::new(move |(command, _): &HidRequest| match *command {
        message::CBOR => vec![Reply::KeepAlive(1), Reply::KeepAlive(2), Reply::KeepAlive(2)],
        message::CANCEL if answers_cancel => vec![Reply::Cbor(0x2d, vec![])],
        _ => vec![],
    });
    let log = key.log();
    (device(key), log)
}

#[test]
fn no_touch_sends_cancel_and_says_so() {
    for answers_cancel in [true, false] {
        let (device, log) = waiting(answers_cancel);
        let events = Arc::new(Mutex::new(Vec::new()));
        // Enough for the key to say what it wants.
        let mut budget = operation(1500);
        budget.touch = true;
        budget.on_event = Box::new({
            let events = Arc::clone(&events);
            move |event| events.lock().unwrap().push(event)
        });
        let (answer, record) = run(budget, || cbor(&device, GET_ASSERTION));
        assert!(answer.unwrap().is_none());
        assert!(matches!(record.failure, Some(ExchangeError::TimedOut { touch: true })));
        assert_eq!(
            *events.lock().unwrap(),
            [Event::Processing, Event::TouchNeeded],
            "touch is said once"
        );
        assert_eq!(log.lock().unwrap()[1], (message::CANCEL, vec![]));

        // Only a key that confirmed the CANCEL gets another request: otherwise
        // a late answer could be taken for the next one's.
        let (_, record) = run(operation(1500), || cbor(&device, GET_INFO));
        assert_eq!(log.lock().unwrap().len() > 2, answers_cancel);
        assert_eq!(matches!(record.failure, Some(ExchangeError::NotAllowed)), !answers_cancel);
    }
}

#[test]
fn a_key_that_does_not_ask_for_the_touch_is_spoken_for() {
    // It answers when the person was told, and not before.
    let told = Arc::new(AtomicBool::new(false));
    let replies = vec![Reply::Until(Arc::clone(&told)), Reply::Cbor(0, vec![0xa0])];
    let device = device(Scripted::new(move |_| replies.clone()));
    let (sender, events) = std::sync::mpsc::channel();
    let mut budget = operation(LONG);
    budget.touch = true;
    budget.on_event = Box::new(move |event| {
        told.store(true, Ordering::SeqCst);
        sender.send(event).unwrap();
    });
    let (answer, _) = run(budget, || cbor(&device, GET_ASSERTION));
    assert!(answer.unwrap().is_some());
    assert_eq!(events.iter().collect::<Vec<_>>(), [Event::TouchNeeded]);
}

#[test]
fn after_a_finger_a_touch_is_due_only_when_the_key_says_so() {
    /// {1: protocol, 2: getPinUvAuthTokenUsingUvWithPermissions}
    const TOKEN_BY_UV: &[u8] = &[0x06, 0xa2, 0x01, 0x01, 0x02, 0x06];
    let ok = || Reply::Cbor(0, vec![0xa0]);
    // Later than a person is told of a touch that the key does not ask for.
    let late = Reply::Wait(Duration::from_millis(700));
    // (what the key says to the assertion, touches with that of the finger)
    let cases = [(vec![late, ok()], 1), (vec![Reply::KeepAlive(2), ok()], 2)];
    for (assertion, expected) in cases {
        let says = move |(_, payload): &HidRequest| match payload.as_slice() {
            TOKEN_BY_UV => vec![Reply::KeepAlive(2), Reply::Cbor(0, vec![0xa0])],
            _ => assertion.clone(),
        };
        let device = device(Scripted::new(says));
        let (sender, events) = std::sync::mpsc::channel();
        let mut budget = operation(LONG);
        budget.touch = true;
        budget.on_event = Box::new(move |event| sender.send(event).unwrap());
        let (answer, _) = run(budget, || {
            let _ = cbor(&device, TOKEN_BY_UV);
            cbor(&device, GET_ASSERTION)
        });
        assert!(answer.unwrap().is_some());
        assert_eq!(events.iter().collect::<Vec<_>>(), vec![Event::TouchNeeded; expected]);
    }
}

#[test]
fn a_caller_that_gives_up_cancels() {
    let (device, log) = waiting(true);
    let (ours, theirs) = std::os::unix::net::UnixStream::pair().unwrap();
    let mut budget = operation(LONG);
    budget.cancel = Some(Rc::new(OwnedFd::from(ours)));
    budget.touch = true;
    // When the key waits for the touch.
    let mut theirs = Some(theirs);
    budget.on_event = Box::new(move |event| {
        if event == Event::TouchNeeded {
            drop(theirs.take());
        }
    });
    let (answer, record) = run(budget, || cbor(&device, GET_ASSERTION));
    assert!(answer.unwrap().is_none());
    assert!(matches!(record.failure, Some(ExchangeError::Cancelled)));
    assert_eq!(log.lock().unwrap()[1].0, message::CANCEL);
}
