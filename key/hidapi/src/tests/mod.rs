//! The device against scripted keys: what `ctap-hid-fido2` would write, and what
//! it may read afterwards.

mod busy;
mod touch;

use crate::message::{self, Message};
use crate::scripted::{CHANNEL, HidRequest, Reply, Scripted};
use crate::{
    Event, ExchangeError, HidApi, HidDevice, LinkError, Operation, Record, Report, prepare, run,
};
use std::ffi::CString;
use std::os::fd::OwnedFd;
use std::rc::Rc;
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

const GET_INFO: &[u8] = &[0x04];

const GET_ASSERTION: &[u8] = &[0x02, 0xa0];

/// Milliseconds that are enough for whatever ends by itself, however slow the machine is.
const LONG: u64 = 60_000;

fn device(key: Scripted) -> HidDevice {
    let path = CString::new("test:0").unwrap();
    prepare(path.clone(), Box::new(key));
    HidApi::new().unwrap().open_path(&path).unwrap()
}

/// Writes a request as the library does; the bytes of the answer's packets.
fn request(device: &HidDevice, channel: [u8; 4], command: u8, payload: &[u8]) -> Option<Vec<u8>> {
    let request = Message { channel, command, payload: payload.to_vec() };
    for report in request.reports() {
        let mut packet = vec![0];
        packet.extend(report);
        device.write(&packet).ok()?;
    }
    let mut first = [0; 64];
    device.read(&mut first).unwrap();
    let length = usize::from(u16::from_be_bytes([first[5], first[6]]));
    let mut answer = first[7..].to_vec();
    while answer.len() < length {
        let mut next = [0; 64];
        device.read(&mut next).unwrap();
        answer.extend(&next[5..]);
    }
    answer.truncate(length);
    Some(answer)
}

fn cbor(device: &HidDevice, payload: &[u8]) -> Option<Vec<u8>> {
    request(device, CHANNEL, message::CBOR, payload)
}

fn operation(millis: u64) -> Operation {
    Operation::new(Instant::now() + Duration::from_millis(millis), 8, |_, _| Ok(()))
}

/// One CBOR request to a key that replies with `replies`, within `millis`.
fn once(millis: u64, payload: &[u8], replies: Vec<Reply>) -> (Option<Vec<u8>>, Record, Duration) {
    let device =
        device(Scripted::new(
            move |(command, _): &HidRequest| {
                if *command == message::CBOR { replies.clone() } else { Vec::new() }
            },
        ));
    let start = Instant::now();
    let (answer, record) = run(operation(millis), || cbor(&device, payload));
    (answer.unwrap(), record, start.elapsed())
}

fn raw(channel: [u8; 4], rest: &[u8]) -> Report {
    let mut report = [0; 64];
    report[..4].copy_from_slice(&channel);
    report[4..4 + rest.len()].copy_from_slice(rest);
    report
}

#[test]
fn a_long_answer_comes_back_whole() {
    for length in [0, 1, 56, 57, 58, 115, 116, 117, 1000, 7608] {
        let data = vec![0x5a; length];
        let (answer, record, _) = once(LONG, GET_INFO, vec![Reply::Cbor(0, data.clone())]);
        let answer = answer.unwrap();
        assert_eq!(answer[0], 0);
        assert_eq!(answer[1..], data, "{length}");
        assert_eq!(record.exchanges.len(), 1);
        assert_eq!(record.exchanges[0].command, Some(4));
        assert_eq!(record.exchanges[0].answer, answer);
        assert!(record.failure.is_none());
    }
}

#[test]
fn a_long_request_arrives_whole() {
    let key = Scripted::new(|_| vec![Reply::Cbor(0, vec![])]);
    let log = key.log();
    let device = device(key);
    let payload: Vec<u8> = (0..1500u32).map(|n| u8::try_from(n % 251).unwrap()).collect();
    let (answer, _) = run(operation(LONG), || cbor(&device, &payload));
    assert_eq!(answer.unwrap().unwrap(), [0]);
    assert_eq!(log.lock().unwrap().as_slice(), [(message::CBOR, payload)]);
}

#[test]
fn without_an_operation_nothing_is_sent() {
    let key = Scripted::new(|_| vec![Reply::Cbor(0, vec![])]);
    let log = key.log();
    let device = device(key);
    assert!(cbor(&device, GET_INFO).is_none());
    assert!(log.lock().unwrap().is_empty());
}

#[test]
fn silent_key_ends_at_the_deadline() {
    let (answer, record, took) = once(150, GET_INFO, vec![]);
    assert!(answer.is_none());
    assert!(matches!(record.failure, Some(ExchangeError::TimedOut { touch: false })));
    assert!(took >= Duration::from_millis(150), "{took:?}");
}

#[test]
fn key_that_stops_within_an_answer_ends_at_the_deadline() {
    let part = Reply::Raw(raw(CHANNEL, &[message::CBOR, 0x04, 0x00, 0x00]));
    let (answer, record, _) = once(150, GET_INFO, vec![part]);
    assert!(answer.is_none());
    assert!(matches!(record.failure, Some(ExchangeError::TimedOut { .. })));
}

#[test]
fn other_channels_are_not_read() {
    let foreign = raw([9, 9, 9, 9], &[message::CBOR, 0, 1, 0x31]);
    let foreign_next = raw([9, 9, 9, 9], &[0, 0xff, 0xff]);
    let data = vec![0x77; 100];
    let whole = Message {
        channel: CHANNEL,
        command: message::CBOR,
        payload: [vec![0], data.clone()].concat(),
    }
    .reports();
    let mut replies = vec![Reply::Raw(foreign)];
    for report in whole {
        replies.push(Reply::Raw(report));
        replies.push(Reply::Raw(foreign_next));
    }
    let (answer, _, _) = once(LONG, GET_INFO, replies);
    assert_eq!(answer.unwrap()[1..], data);

    let (answer, record, _) = once(100, GET_INFO, vec![Reply::Raw(foreign)]);
    assert!(answer.is_none());
    assert!(matches!(record.failure, Some(ExchangeError::TimedOut { .. })));
}

#[test]
fn wrong_sequence_is_refused() {
    for sequence in [1u8, 2, 0x7f] {
        let replies = vec![
            Reply::Raw(raw(CHANNEL, &[message::CBOR, 0, 100, 0])),
            Reply::Raw(raw(CHANNEL, &[sequence])),
        ];
        let (answer, record, _) = once(LONG, GET_INFO, replies);
        assert!(answer.is_none());
        assert!(matches!(record.failure, Some(ExchangeError::Malformed(_))), "{sequence}");
    }
}

#[test]
fn broken_framing_is_refused() {
    let cases: [(&str, Vec<Reply>); 4] = [
        (
            "an answer begins within an answer",
            vec![
                Reply::Raw(raw(CHANNEL, &[message::CBOR, 0, 100, 0])),
                Reply::Raw(raw(CHANNEL, &[message::CBOR, 0, 1, 0])),
            ],
        ),
        ("continuation first", vec![Reply::Raw(raw(CHANNEL, &[0]))]),
        (
            "longer than CTAPHID allows",
            vec![Reply::Raw(raw(CHANNEL, &[message::CBOR, 0xff, 0xff, 0]))],
        ),
        ("no status", vec![Reply::Message(message::CBOR, vec![])]),
    ];
    for (name, replies) in cases {
        let (answer, record, _) = once(LONG, GET_INFO, replies);
        assert!(answer.is_none(), "{name}");
        assert!(matches!(record.failure, Some(ExchangeError::Malformed(_))), "{name}");
    }
}

#[test]
fn ctaphid_error_zero_is_an_error() {
    for code in [0u8, 1, 0x0b, 0x7f] {
        let (answer, record, _) =
            once(LONG, GET_INFO, vec![Reply::Message(message::ERROR, vec![code])]);
        assert!(answer.is_none());
        assert!(matches!(record.failure, Some(ExchangeError::Hid(got)) if got == code));
    }
}

#[test]
fn unknown_command_with_status_zero_is_refused() {
    for command in [0x83u8, 0x84, 0x86, 0xc0] {
        let (answer, record, _) = once(LONG, GET_INFO, vec![Reply::Message(command, vec![0])]);
        assert!(answer.is_none(), "{command:#x}");
        assert!(matches!(record.failure, Some(ExchangeError::Malformed(_))), "{command:#x}");
    }
}

#[test]
fn five_hundred_keep_alives_are_swallowed() {
    let mut replies = vec![Reply::KeepAlive(1); 600];
    replies.push(Reply::Cbor(0, vec![0xa0]));
    let (answer, _, _) = once(LONG, GET_INFO, replies);
    assert_eq!(answer.unwrap(), [0, 0xa0]);
}

#[test]
fn queued_keep_alives_cost_no_time() {
    // If each cost what the library sleeps, a tenth of a second, they would take twice the time.
    let mut replies = vec![Reply::KeepAlive(2); 1200];
    replies.push(Reply::Cbor(0, vec![0xa0]));
    let (answer, _, _) = once(LONG, GET_INFO, replies);
    assert!(answer.is_some());
}

#[test]
fn endless_keep_alives_end_at_the_deadline() {
    let endless = Reply::Endless(raw(CHANNEL, &[message::KEEPALIVE, 0, 1, 1]));
    let (answer, record, _) = once(150, GET_INFO, vec![endless]);
    assert!(answer.is_none());
    assert!(matches!(record.failure, Some(ExchangeError::TimedOut { touch: false })));
}

#[test]
fn endless_packets_of_another_channel_end_at_the_deadline() {
    let endless = Reply::Endless(raw([1, 1, 1, 1], &[message::CBOR, 0, 1, 0]));
    let (answer, record, _) = once(150, GET_INFO, vec![endless]);
    assert!(answer.is_none());
    assert!(matches!(record.failure, Some(ExchangeError::TimedOut { .. })));
}

#[test]
fn number_of_exchanges_is_bounded() {
    let key = Scripted::new(|_| vec![Reply::Cbor(0, vec![0xa0])]);
    let log = key.log();
    let device = device(key);
    let (_, record) = run(operation(LONG), || {
        for _ in 0..1000 {
            cbor(&device, &[0x08]);
        }
    });
    assert_eq!(log.lock().unwrap().len(), 8);
    assert!(matches!(record.failure, Some(ExchangeError::TooMany)));
}

#[test]
fn unplugged_is_told_apart() {
    for replies in [
        vec![Reply::Unplug],
        vec![Reply::KeepAlive(2), Reply::Unplug],
        vec![Reply::Raw(raw(CHANNEL, &[message::CBOR, 1, 0, 0])), Reply::Unplug],
    ] {
        let (answer, record, _) = once(LONG, GET_ASSERTION, replies);
        assert!(answer.is_none());
        assert!(matches!(record.failure, Some(ExchangeError::Link(LinkError::Removed))));
    }
}

fn init_answer(nonce: &[u8], channel: [u8; 4]) -> Reply {
    let mut rest = vec![message::INIT, 0, 17];
    rest.extend(nonce);
    rest.extend(channel);
    rest.extend([2, 1, 0, 0, 4]);
    Reply::Raw(raw(message::BROADCAST, &rest))
}

#[test]
fn channel_allocation_waits_for_our_nonce_and_refuses_reserved_channels() {
    let nonce = [7u8; 8];
    let init = |millis: u64, replies: fn(&[u8]) -> Vec<Reply>| {
        let key = Scripted::new(move |(_, payload): &HidRequest| replies(payload)).without_init();
        let device = device(key);
        run(operation(millis), || request(&device, message::BROADCAST, message::INIT, &nonce))
    };
    let (answer, record) =
        init(LONG, |nonce| vec![init_answer(&[1; 8], [6, 6, 6, 6]), init_answer(nonce, CHANNEL)]);
    assert_eq!(answer.unwrap().unwrap()[8..12], CHANNEL);
    assert_eq!(record.exchanges[0].command, None);

    let (_, record) = init(LONG, |nonce| vec![init_answer(nonce, message::BROADCAST)]);
    assert!(matches!(record.failure, Some(ExchangeError::Malformed(_))));
    let (_, record) = init(LONG, |nonce| vec![init_answer(nonce, [0; 4])]);
    assert!(matches!(record.failure, Some(ExchangeError::Malformed(_))));
    let (_, record) = init(150, |_| vec![init_answer(&[1; 8], CHANNEL)]);
    assert!(matches!(record.failure, Some(ExchangeError::TimedOut { .. })));
}

#[test]
fn the_inspector_keeps_an_answer_from_the_library() {
    let device = device(Scripted::new(|_| vec![Reply::Cbor(0, vec![0xff])]));
    let mut budget = operation(LONG);
    budget.inspect = |command, answer| {
        assert_eq!((command, answer), (4, &[0, 0xff][..]));
        Err("no")
    };
    let (answer, record) = run(budget, || cbor(&device, GET_INFO));
    assert!(answer.unwrap().is_none());
    assert!(matches!(record.failure, Some(ExchangeError::Malformed("no"))));
    assert!(record.exchanges.is_empty());
}

#[test]
fn a_panic_of_the_library_is_contained() {
    let (result, _) = run(operation(LONG), || -> u8 { panic!("as on an empty x5c") });
    assert!(result.is_none());
}
