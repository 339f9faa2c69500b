//! A channel that is busy: what is asked again, and what is not.

use super::*;

const BUSY: u8 = 0x06;

fn busy() -> Vec<Reply> {
    vec![Reply::Message(message::ERROR, vec![BUSY])]
}

/// A request to a key that says this once, and then that all is well: what became of it, and how
/// often it was sent.
fn first(payload: &[u8], replies: Vec<Reply>) -> (Record, usize) {
    let mut first = Some(replies);
    let key = Scripted::new(move |_| first.take().unwrap_or_else(|| vec![Reply::Cbor(0, vec![])]));
    let log = key.log();
    let device = device(key);
    let (_, record) = run(operation(LONG), || cbor(&device, payload));
    let sent = log.lock().unwrap().iter().filter(|(_, sent)| sent == payload).count();
    (record, sent)
}

#[test]
fn a_busy_channel_is_tried_again() {
    let mut busy = 2;
    let device = device(Scripted::new(move |_| {
        if busy == 0 {
            return vec![Reply::Cbor(0, vec![0xa0])];
        }
        busy -= 1;
        vec![Reply::Message(message::ERROR, vec![0x06])]
    }));
    let (answer, record) = run(operation(LONG), || cbor(&device, GET_INFO));
    assert_eq!(answer.unwrap().unwrap(), [0, 0xa0]);
    assert!(record.failure.is_none());

    let always = vec![Reply::Message(message::ERROR, vec![0x06])];
    let (answer, record, _) = once(LONG, GET_INFO, always);
    assert!(answer.is_none());
    assert!(matches!(record.failure, Some(ExchangeError::Busy)), "before its time was over");
}

#[test]
fn what_spends_a_try_or_changes_something_is_sent_once() {
    // {1: protocol, 2: subcommand} and more.
    let pin = |entries: u8, subcommand: u8| vec![0x06, 0xa0 | entries, 1, 2, 2, subcommand];
    // Longer than a packet, as a change of PIN is.
    let change = [pin(6, 4), vec![3; 200]].concat();
    // (request, whether it is sent again)
    let cases = [
        (GET_INFO.to_vec(), true),
        (GET_ASSERTION.to_vec(), true),
        (b"\x02\xa1\x05\xa1\x62up\xf4".to_vec(), true),
        // A finger on the sensor, of a key of CTAP 2.0.
        (b"\x02\xa1\x05\xa2\x62up\xf5\x62uv\xf5".to_vec(), false),
        (pin(2, 1), true),
        (pin(2, 2), true),
        (pin(2, 7), true),
        (pin(5, 3), false),
        (pin(6, 4), false),
        (change, false),
        (pin(4, 5), false),
        (pin(6, 6), false),
        (pin(6, 9), false),
        // What else it asks for nobody knows.
        (pin(3, 2), false),
        (vec![0x06], false),
        (vec![0x01, 0xa0], false),
        (vec![0x07], false),
        (vec![0x08], false),
        (vec![0x0a, 0xa0], false),
        (vec![0x0d, 0xa0], false),
        (vec![0x41], false),
    ];
    for (request, again) in cases {
        let (record, sent) = first(&request, busy());
        assert_eq!(sent, if again { 2 } else { 1 }, "{request:02x?}");
        assert_eq!(record.exchanges.len(), usize::from(again), "{request:02x?}");
        let is_busy = matches!(record.failure, Some(ExchangeError::Busy));
        // Nothing of it was done: the key says so.
        assert_eq!((is_busy, record.in_doubt), (!again, false), "{request:02x?}");
    }
}

#[test]
fn whether_a_request_was_carried_out_is_in_doubt_once_the_key_has_it() {
    let change: &[u8] = &[0x06, 0xa6, 1, 2, 2, 4];
    // (what the key does, whether it may have done it)
    let cases: [(&str, Vec<Reply>, bool); 7] = [
        ("busy with another channel", busy(), false),
        ("busy when it had begun", [vec![Reply::KeepAlive(1)], busy()].concat(), true),
        ("silent", vec![Reply::Wait(Duration::from_millis(2 * LONG))], true),
        ("pulled out", vec![Reply::Unplug], true),
        ("another error", vec![Reply::Message(message::ERROR, vec![0x7f])], true),
        ("no answer to this", vec![Reply::Message(0x83, vec![0])], true),
        ("no status", vec![Reply::Message(message::CBOR, vec![])], true),
    ];
    for (what, replies, in_doubt) in cases {
        let mut replies = Some(replies);
        let device =
            device(Scripted::new(move |_| replies.take().unwrap_or_else(|| vec![Reply::Unplug])));
        // What is silent has to be waited for, and the others need some time.
        let millis = if what == "silent" { 2000 } else { LONG };
        let (_, record) = run(operation(millis), || cbor(&device, change));
        assert_eq!((record.failure.is_some(), record.in_doubt), (true, in_doubt), "{what}");
    }

    // It never heard of it.
    let device = device(Scripted::new(|_| busy()));
    let (_, record) = run(operation(0), || cbor(&device, change));
    assert!(matches!(record.failure, Some(ExchangeError::TimedOut { .. })) && !record.in_doubt);
    // An answer is none that is in doubt, whatever it says.
    let (record, _) = first(change, vec![Reply::Cbor(0x31, vec![])]);
    assert!(record.failure.is_none() && !record.in_doubt);
}
