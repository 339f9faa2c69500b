//! Each hostile mode does what its name says, at its step and not before.

mod host;

use std::time::Duration;

use ciborium::{Value, cbor};
use host::{CANCEL, CBOR, GET_INFO, Host, KEEPALIVE, Reply, SOON, entry, get_assertion};
use wardkey_softkey::{Options, TouchPolicy};

/// How long silence is listened to.
const A_WHILE: Duration = Duration::from_millis(300);

/// A key that was honest at enrollment, and the first message of its answer to
/// an assertion.
fn first_answer(mode: &str, patience: Duration) -> (Host, Vec<u8>, Option<Reply>) {
    let mut host = Host::start(Options::default());
    let id = host.make_credential();
    host.key.set_hostile(Some(mode.parse().expect(mode))).expect(mode);
    // Plausible until its step.
    host.init();
    assert_eq!(host.request(GET_INFO, None).0, 0, "{mode}");
    host.begin(0x02, Some(get_assertion(&id, true)));
    let reply = host.reply(patience);
    (host, id, reply)
}

fn answered(mode: &str) -> (Host, Vec<u8>, Reply) {
    let (host, id, reply) = first_answer(mode, SOON);
    (host, id, reply.unwrap_or_else(|| panic!("{mode}: no answer")))
}

fn map(reply: &Reply) -> Value {
    assert_eq!(reply.payload[0], 0);
    ciborium::from_reader(&reply.payload[1..]).expect("CBOR")
}

#[test]
fn silent_from_the_start() {
    let host = Host::start(Options::default());
    host.key.set_hostile(Some("silent".parse().expect("a mode"))).expect("a mode");
    host::send_to(&host.key, u32::MAX, host::INIT, &[1; 8]);
    assert_eq!(host.reply(A_WHILE), None);
    let (_, _, reply) = first_answer("silent@assertion", A_WHILE);
    assert_eq!(reply, None);
}

#[test]
fn answers_that_are_wrong_in_their_frame() {
    let (host, _, reply) = answered("wrong-channel");
    assert_ne!(reply.channel, host.channel);

    let (_, _, reply) = answered("error-zero");
    assert_eq!((reply.command, reply.payload.as_slice()), (0xBF, [0].as_slice()));

    let (_, _, reply) = answered("huge-length");
    assert_eq!((reply.length, reply.payload.len()), (u16::MAX, 57 + 128 * 59));

    let (_, _, reply) = answered("empty-message");
    assert_eq!((reply.command, reply.length), (CBOR, 0));

    let mut host = Host::start(Options::default());
    let id = host.make_credential();
    host.key.set_hostile(Some("wrong-sequence".parse().expect("a mode"))).expect("a mode");
    host.init();
    host.begin(0x02, Some(get_assertion(&id, true)));
    let numbers: Vec<_> =
        std::iter::from_fn(|| host.key.recv(SOON)).take(3).map(|report| report[4]).collect();
    assert_eq!(numbers, [CBOR, 1, 2]);
}

#[test]
fn answers_that_are_wrong_inside() {
    let (_, _, reply) = answered("short-auth-data");
    let Value::Bytes(data) = entry(&map(&reply), 2) else { panic!("no authData") };
    assert_eq!(data.len(), 10);

    let (_, _, reply) = answered("garbage-cbor");
    assert!(ciborium::from_reader::<Value, _>(&reply.payload[1..]).is_err());

    let (_, _, reply) = answered("empty-cbor");
    assert_eq!(reply.payload, [0]);

    let (_, _, reply) = answered("status:0x32");
    assert_eq!(reply.payload, [0x32]);

    let (honest, id, reply) = answered("bad-signature");
    honest.key.set_hostile(None).expect("honesty");
    let (_, again) = honest.request(0x02, Some(get_assertion(&id, true)));
    let signatures = [entry(&map(&reply), 3), entry(&again.expect("an assertion"), 3)];
    assert_ne!(signatures[0], signatures[1]);
}

#[test]
fn many_credentials_never_end() {
    let (host, _, reply) = answered("many-credentials");
    assert_eq!(entry(&map(&reply), 5), Value::from(1_u64 << 31));
    for _ in 0..100 {
        let (status, value) = host.request(0x08, None);
        assert_eq!(status, 0);
        entry(&value.expect("an assertion"), 2);
    }
}

#[test]
fn keepalives_without_end_ignore_cancel_and_stop_at_a_new_request() {
    let (mut host, _, reply) = answered("endless-keepalive");
    assert_eq!((reply.command, reply.payload.as_slice()), (KEEPALIVE, [2].as_slice()));
    host.send(CANCEL, &[]);
    for _ in 0..3 {
        assert_eq!(host.reply(SOON).map(|reply| reply.command), Some(KEEPALIVE));
    }
    host.init_after_keepalives();
    assert_eq!(host.reply(A_WHILE), None);
}

impl Host {
    fn init_after_keepalives(&mut self) {
        host::send_to(&self.key, u32::MAX, host::INIT, &[9; 8]);
        while self.reply(SOON).expect("an answer to INIT").command == KEEPALIVE {}
    }
}

#[test]
fn a_flood_of_keepalives_comes_before_the_answer() {
    let (host, _, first) = answered("keepalive-flood");
    assert_eq!(first.command, KEEPALIVE);
    for _ in 1..500 {
        assert_eq!(host.reply(SOON).map(|reply| reply.command), Some(KEEPALIVE));
    }
    assert_eq!(host.answer().0, 0);
}

#[test]
fn gone_in_the_middle() {
    let (host, _, reply) = first_answer("unplug-mid", A_WHILE);
    assert_eq!(reply, None);
    assert!(host.key.is_gone());
}

#[test]
fn a_version_that_is_no_text() {
    let host = Host::start(Options::default());
    host.key.set_hostile(Some("bad-version".parse().expect("a mode"))).expect("a mode");
    host.send(CBOR, &[GET_INFO]);
    let reply = host.reply(SOON).expect("getInfo");
    assert!(reply.payload.windows(7).any(|bytes| bytes == b"FIDO_2\xFF"));
}

#[test]
fn a_swapped_key_does_not_know_the_credential() {
    let folder = tempfile::tempdir().expect("a folder");
    let state = Some(folder.path().join("key"));
    let honest = Host::start(Options { state: state.clone(), ..Options::default() });
    let id = honest.make_credential();
    drop(honest);
    let hostile = Some("swap@agreement".parse().expect("a mode"));
    let host = Host::start(Options { state, hostile, ..Options::default() });
    // Identified as itself, ...
    assert_eq!(host.request(0x02, Some(get_assertion(&id, false))).0, 0);
    // ... and another one from the key agreement on.
    assert_eq!(host.request(0x06, Some(cbor!({ 1 => 2, 2 => 2 }).expect("CBOR"))).0, 0);
    assert_eq!(host.request(0x02, Some(get_assertion(&id, false))).0, 0x2E);
    // The finger is on the other key now.
    host.key.set_touch(TouchPolicy::Never);
    host.begin(0x01, Some(host::make_credential()));
    host::wait_until("the other key to wait", || host.key.is_waiting());
    let error = Host::start(Options::default()).key.set_hostile(hostile).expect_err("a refusal");
    assert!(error.to_string().contains("swap"), "{error}");
}
