//! Waiting for a touch (CTAPHID_CANCEL and CTAPHID_KEEPALIVE: CTAP 2.1, 11.2.9.1).

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
        let mut budget = operation(200);
        budget.touch = true;
        budget.on_event = Box::new({
            let events = Arc::clone(&events);
            move |event| events.lock().unwrap().push(event)
        });
        let start = Instant::now();
        let (answer, record) = run(budget, || cbor(&device, GET_ASSERTION));
        assert!(answer.unwrap().is_none());
        assert!(matches!(record.failure, Some(ExchangeError::TimedOut { touch: true })));
        assert!(start.elapsed() < Duration::from_millis(900));
        assert_eq!(
            *events.lock().unwrap(),
            [Event::Processing, Event::TouchNeeded],
            "touch is said once"
        );
        assert_eq!(log.lock().unwrap()[1], (message::CANCEL, vec![]));

        // Only a key that confirmed the CANCEL gets another request: otherwise
        // a late answer could be taken for the next one's.
        let (_, record) = run(operation(50), || cbor(&device, GET_INFO));
        assert_eq!(log.lock().unwrap().len() > 2, answers_cancel);
        assert_eq!(matches!(record.failure, Some(ExchangeError::NotAllowed)), !answers_cancel);
    }
}

#[test]
fn a_key_that_does_not_ask_for_the_touch_is_spoken_for() {
    let key = Scripted::new(|_| {
        vec![Reply::Wait(Duration::from_millis(700)), Reply::Cbor(0, vec![0xa0])]
    });
    let device = device(key);
    let (sender, events) = std::sync::mpsc::channel();
    let mut budget = operation(2000);
    budget.touch = true;
    budget.on_event = Box::new(move |event| sender.send((event, Instant::now())).unwrap());
    let start = Instant::now();
    let (answer, _) = run(budget, || cbor(&device, GET_ASSERTION));
    assert!(answer.unwrap().is_some());
    let events: Vec<_> = events.iter().collect();
    assert_eq!(events.len(), 1);
    assert_eq!(events[0].0, Event::TouchNeeded);
    assert!(events[0].1 - start < Duration::from_millis(650), "before the answer");
}

#[test]
fn a_caller_that_gives_up_cancels() {
    let (device, log) = waiting(true);
    let (ours, theirs) = std::os::unix::net::UnixStream::pair().unwrap();
    let mut budget = operation(10_000);
    budget.cancel = Some(Rc::new(OwnedFd::from(ours)));
    let hanging_up = std::thread::spawn(move || {
        std::thread::sleep(Duration::from_millis(100));
        drop(theirs);
    });
    let start = Instant::now();
    let (answer, record) = run(budget, || cbor(&device, GET_ASSERTION));
    hanging_up.join().unwrap();
    assert!(answer.unwrap().is_none());
    assert!(matches!(record.failure, Some(ExchangeError::Cancelled)));
    assert!(start.elapsed() < Duration::from_secs(2));
    assert_eq!(log.lock().unwrap()[1].0, message::CANCEL);
}
