//! The key as a key: what the firmware of a shipping one does.

mod host;

use std::time::{Duration, Instant};

use ciborium::Value;
use host::{
    CANCEL, GET_INFO, Host, KEEPALIVE, SOON, entry, get_assertion, make_credential, wait_until,
};
use wardkey_softkey::{Options, TouchPolicy, attestation};

/// Far below the firmware's own 30 s, far above what a busy machine takes.
const A_MOMENT: Duration = Duration::from_secs(20);
const OPERATION_DENIED_BY_CANCEL: u8 = 0x2D;
const USER_ACTION_TIMEOUT: u8 = 0x2F;

fn with_touch(touch: TouchPolicy) -> Options {
    Options { touch, ..Options::default() }
}

#[test]
fn info_tells_the_attested_model() {
    let host = Host::start(Options::default());
    let (status, info) = host.request(GET_INFO, None);
    let info = info.expect("getInfo");
    assert_eq!(status, 0);
    assert_eq!(entry(&info, 3), Value::Bytes(attestation::AAGUID.to_vec()));
    assert_eq!(entry(&info, 6), Value::Array(vec![2.into(), 1.into()]), "PIN protocols");
}

#[test]
fn a_new_credential_carries_the_attestation_certificate() {
    let host = Host::start(Options::default());
    let (status, value) = host.request(0x01, Some(make_credential()));
    assert_eq!(status, 0);
    let statement = entry(&value.expect("an attestation object"), 3);
    let Value::Map(statement) = statement else { panic!("no statement") };
    let chain = &statement.iter().find(|(key, _)| *key == Value::from("x5c")).expect("x5c").1;
    let certificate = Value::Bytes(attestation::CERTIFICATE_DER.to_vec());
    assert_eq!(*chain, Value::Array(vec![certificate]));
}

#[test]
fn two_keys_make_different_credentials() {
    let ids = [(); 2].map(|()| Host::start(Options::default()).make_credential());
    assert_ne!(ids[0], ids[1]);
}

#[test]
fn a_touch_comes_when_the_policy_gives_it() {
    let host = Host::start(with_touch(TouchPolicy::Never));
    host.key.set_touch(TouchPolicy::Once);
    let id = host.make_credential();
    // Once is over: it waits, and says so in keep-alives.
    host.begin(0x02, Some(get_assertion(&id, true)));
    let keepalive = host.reply(SOON).expect("a keep-alive");
    assert_eq!((keepalive.command, keepalive.payload.as_slice()), (KEEPALIVE, [2].as_slice()));
    assert!(host.key.is_waiting());
    let touched = Instant::now();
    host.key.set_touch(TouchPolicy::Always);
    assert_eq!(host.answer().0, 0);
    assert!(touched.elapsed() < A_MOMENT, "{:?}", touched.elapsed());
    assert!(!host.key.is_waiting());

    host.key.set_touch(TouchPolicy::After(Duration::from_millis(150)));
    let begun = Instant::now();
    assert_eq!(host.request(0x02, Some(get_assertion(&id, true))).0, 0);
    assert!(begun.elapsed() >= Duration::from_millis(150), "{:?}", begun.elapsed());
}

#[test]
fn a_silent_question_needs_no_touch() {
    let host = Host::start(Options::default());
    let id = host.make_credential();
    host.key.set_touch(TouchPolicy::Never);
    assert_eq!(host.request(0x02, Some(get_assertion(&id, false))).0, 0);
}

#[test]
fn cancel_ends_the_wait() {
    let host = Host::start(with_touch(TouchPolicy::Never));
    for _ in 0..3 {
        host.begin(0x01, Some(make_credential()));
        wait_until("the key to wait", || host.key.is_waiting());
        let cancelled = Instant::now();
        host.send(CANCEL, &[]);
        assert_eq!(host.answer().0, OPERATION_DENIED_BY_CANCEL);
        assert!(cancelled.elapsed() < A_MOMENT, "{:?}", cancelled.elapsed());
    }
    assert_eq!(host.request(GET_INFO, None).0, 0);
}

#[test]
fn a_touch_that_never_comes_times_out() {
    let presence_timeout = Some(Duration::from_millis(300));
    let host = Host::start(Options { presence_timeout, ..with_touch(TouchPolicy::Never) });
    assert_eq!(host.request(0x01, Some(make_credential())).0, USER_ACTION_TIMEOUT);
    assert!(!host.key.is_waiting());
}

#[test]
fn memory_outlives_a_replug_and_a_process() {
    let folder = tempfile::tempdir().expect("a folder");
    let options = || Options { state: Some(folder.path().join("key")), ..Options::default() };
    let mut host = Host::start(options());
    let id = host.make_credential();
    host.key.replug().expect("a replug");
    host.init();
    assert_eq!(host.request(0x02, Some(get_assertion(&id, true))).0, 0);
    drop(host);
    let host = Host::start(options());
    assert_eq!(host.request(0x02, Some(get_assertion(&id, true))).0, 0);
    // And a key in RAM outlives a replug.
    let mut host = Host::start(Options::default());
    let id = host.make_credential();
    host.key.replug().expect("a replug");
    host.init();
    assert_eq!(host.request(0x02, Some(get_assertion(&id, true))).0, 0);
}

#[test]
fn a_replug_ends_a_wait_for_touch() {
    let mut host = Host::start(with_touch(TouchPolicy::Never));
    host.begin(0x01, Some(make_credential()));
    wait_until("the key to wait", || host.key.is_waiting());
    let begun = Instant::now();
    host.key.replug().expect("a replug");
    while host.key.recv(Duration::from_millis(50)).is_some() {}
    host.init();
    assert!(begun.elapsed() < A_MOMENT, "{:?}", begun.elapsed());
    assert!(!host.key.is_waiting());
}

#[test]
fn exchanges_are_counted_by_name() {
    let host = Host::start(Options::default());
    host.key.reset_exchanges();
    let id = host.make_credential();
    host.request(0x02, Some(get_assertion(&id, true)));
    let names: Vec<_> =
        host.key.exchanges().into_iter().filter(|e| e.is_round_trip()).map(|e| e.name).collect();
    assert_eq!(names, ["CBOR makeCredential", "CBOR getAssertion"]);
}

#[test]
fn an_unplugged_key_tells_everybody_and_answers_nobody() {
    let host = Host::start(Options::default());
    let (tell, told) = std::sync::mpsc::channel();
    host.key.connect(Box::new(move |report| tell.send(report.copied()).is_ok()));
    host.key.unplug();
    assert_eq!(told.recv_timeout(SOON), Ok(None));
    host.send(host::CBOR, &[GET_INFO]);
    assert_eq!(host.reply(Duration::from_millis(200)), None);
}

#[test]
fn a_folder_with_something_else_is_refused() {
    let folder = tempfile::tempdir().expect("a folder");
    std::fs::write(folder.path().join("internal.img"), "not flash").expect("a file");
    let options = Options { state: Some(folder.path().into()), ..Options::default() };
    let error = wardkey_softkey::SoftKey::start(options).err().expect("a refusal");
    assert!(error.to_string().contains("internal.img"), "{error}");
}
