//! A taken-over agent between honest ones: never a login, never a PIN read. (The lies about single
//! documents are in core/tests/all/snapshot.rs and the module's own tests; here real parts replay
//! and hide.)

use std::sync::{Arc, Mutex};

use wardkey_core::codec;
use wardkey_core::id::EventId;
use wardkey_core::message::agent::{Reply, Request};
use wardkey_e2e::relay::{Fate, Frame, Way};
use wardkey_e2e::{Login, Ward, audit};

fn reply(frame: &Frame) -> Option<Reply> {
    (frame.way == Way::Reply).then(|| codec::from_message(&frame.body).expect("a reply"))
}

fn request(frame: &Frame) -> Option<Request> {
    (frame.way == Way::Request).then(|| codec::from_message(&frame.body).expect("a request"))
}

#[test]
fn evidence_from_before_the_revocation_is_refused_once_this_machine_saw_a_later_one() {
    let ward = Ward::ready();
    let relay = ward.terminal.relay_agent();
    let old: Arc<Mutex<Option<Vec<u8>>>> = Arc::default();
    let kept = old.clone();
    relay.script(move |frame| {
        if let Some(Reply::Granted(_)) = reply(frame) {
            kept.lock().unwrap().get_or_insert(frame.body.clone());
        }
        Fate::Pass
    });
    Login::of("hanako").run().expect_in();
    // Two changes, and one login in between by which the module sees the first of them.
    ward.server.add_person("taro", "Demo Taro", "en");
    ward.terminal.sync();
    Login::of("hanako").run().expect_in();
    ward.server.admin(&["person", "disable", "hanako", "--reason", "left"]);
    ward.terminal.sync();
    let replayed = old.clone();
    relay.script(move |frame| {
        if matches!(reply(frame), Some(Reply::Granted(_))) {
            frame.body = replayed.lock().unwrap().clone().expect("old evidence");
        }
        Fate::Pass
    });
    let ended = Login::of("hanako").run();
    assert!(!ended.is_in(), "{ended:?}");
    assert_eq!(ended.codes().last(), Some(&1104), "{ended:?}");
    assert!(ended.secret_prompts().is_empty(), "no PIN was asked for: {ended:?}");
}

#[test]
fn an_agent_that_claims_success_lets_nobody_in() {
    let ward = Ward::ready();
    let relay = ward.terminal.relay_agent();
    // Recorded at once, whatever is asked; or never anything but Wait, or nonsense.
    let recorded = codec::to_message(&Reply::Recorded(EventId::new([1; 16]), None));
    for (what, answer) in [
        ("recorded", recorded.clone()),
        ("held", codec::to_message(&Reply::Held)),
        ("nonsense", vec![0xff; 10]),
        ("empty", vec![0x80]),
    ] {
        relay.script(move |frame| match frame.way {
            Way::Request => Fate::Answer(vec![answer.clone()]),
            Way::Reply => Fate::Pass,
        });
        ward.key.reset_exchanges();
        let ended = Login::of("hanako").run();
        assert!(!ended.is_in(), "{what}: {ended:?}");
        assert!(ended.secret_prompts().is_empty(), "{what}: no PIN was asked for: {ended:?}");
    }
    // Honest until the outcome, then a lie about which event was recorded: the module decided by
    // the key's own signature, so this is a login; the agent can only lose its record.
    relay.script(move |frame| match request(frame) {
        Some(Request::Outcome(_)) => Fate::Answer(vec![codec::to_message(&Reply::Held)]),
        _ => Fate::Pass,
    });
    let ended = Login::of("hanako").run();
    assert!(!ended.is_in(), "an outcome that is not recorded is no login: {ended:?}");
}

#[test]
fn a_module_that_lies_to_the_agent_is_recorded_as_no_login() {
    use wardkey_core::code::Code;
    use wardkey_core::message::agent::{Failure, LoginOutcome, LoginResult};
    let ward = Ward::ready();
    let relay = ward.terminal.relay_agent();
    // A real login whose outcome is changed on its way in each of these ways.
    type Lie = fn(&mut LoginOutcome);
    let lies: &[(&str, Lie)] = &[
        ("another account", |o| o.login.account = Some("taro".parse().unwrap())),
        ("another service", |o| o.login.service = "sudo".parse().unwrap()),
        ("a changed signature", |o| {
            change(o, |a| {
                let mut bytes = a.signature.as_slice().to_vec();
                if let Some(last) = bytes.last_mut() {
                    *last ^= 1
                }
                a.signature = codec::Bytes::new(bytes).unwrap();
            })
        }),
        ("UV cleared", |o| {
            change(o, |a| {
                let mut bytes = a.auth_data.as_slice().to_vec();
                bytes[32] &= !4;
                a.auth_data = codec::Bytes::new(bytes).unwrap();
            })
        }),
        ("no client data", |o| change(o, |a| a.client_data = codec::Bytes::default())),
    ];
    for (what, lie) in lies {
        let lie = *lie;
        relay.script(move |frame| {
            if let Some(Request::Outcome(mut outcome)) = request(frame) {
                lie(&mut outcome);
                frame.body = codec::to_message(&Request::Outcome(outcome));
            }
            Fate::Pass
        });
        let ended = Login::of("hanako").run();
        assert!(!ended.is_in(), "{what}: {ended:?}");
    }
    relay.script(|_| Fate::Pass);
    let records = audit::wait_for_records("login", lies.len());
    assert!(records.iter().all(|record| record["outcome"] == "failure"), "{records:#?}");
    // A failure that never happened is only that: a failure.
    let claim =
        LoginResult::Failure(Failure { code: Code::Cancelled, detail: None, tries_left: None });
    assert!(matches!(claim, LoginResult::Failure(failure) if !failure.counts()));
}

fn change(
    outcome: &mut wardkey_core::message::agent::LoginOutcome,
    change: impl FnOnce(&mut wardkey_core::proof::assertion::Assertion),
) {
    if let wardkey_core::message::agent::LoginResult::Success(assertion) = &mut outcome.result {
        change(assertion);
    }
}

#[test]
fn the_same_assertion_twice_is_one_login() {
    let ward = Ward::ready();
    let relay = ward.terminal.relay_agent();
    Login::of("hanako").run().expect_in();
    let outcome = relay
        .frames()
        .into_iter()
        .filter(|(way, _, _)| *way == Way::Request)
        .map(|(_, _, body)| body)
        .find(|body| matches!(codec::from_message::<Request>(body), Ok(Request::Outcome(_))))
        .expect("an outcome");
    // Sent again by root: the same answer, no second record.
    let mut again =
        std::os::unix::net::UnixStream::connect(wardkey_e2e::terminal::AGENT_SOCKET).unwrap();
    wardkey_e2e::relay::write_frame(&mut again, &outcome).unwrap();
    let answer: Reply =
        codec::from_message(&wardkey_e2e::relay::read_frame(&mut again).unwrap()).unwrap();
    assert!(matches!(answer, Reply::Recorded(..)), "{answer:?}");
    Login::of("hanako").run().expect_in();
    let records = audit::wait_for_records("login", 2);
    assert_eq!(records.len(), 2, "{records:#?}");
}

#[test]
fn an_agent_that_offers_its_own_key_socket_gets_no_pin() {
    let ward = Ward::ready();
    // The key socket replaced by one of the agent's user: the module checks who listens.
    std::fs::remove_file(wardkey_e2e::terminal::KEY_SOCKET).unwrap();
    let path = "/run/wardkey/agents";
    std::fs::create_dir(path).unwrap();
    wardkey_e2e::process::run(std::process::Command::new("chown").args(["wardkey", path]), true);
    let mut fake = std::process::Command::new("setpriv");
    fake.args(["--reuid", "890", "--regid", "890", "--clear-groups", "/usr/bin/python3", "-c"]);
    fake.arg(
        "import socket,time\ns=socket.socket(socket.AF_UNIX)\n\
            s.bind('/run/wardkey/agents/key.sock')\ns.listen()\n\
         print('ready',flush=True)\n\
         while True:\n c,_=s.accept()\n d=c.recv(65536)\n print(len(d),flush=True)\n",
    );
    let fake = wardkey_e2e::process::Process::start("fake-key", &mut fake);
    wardkey_e2e::process::wait_for(
        "the false key process",
        std::time::Duration::from_secs(60),
        || fake.log().contains("ready").then_some(()),
    );
    std::fs::set_permissions(
        "/run/wardkey/agents/key.sock",
        std::os::unix::fs::PermissionsExt::from_mode(0o666),
    )
    .unwrap();
    std::os::unix::fs::symlink("/run/wardkey/agents/key.sock", wardkey_e2e::terminal::KEY_SOCKET)
        .unwrap();
    let ended = Login::of("hanako").run();
    assert!(!ended.is_in(), "{ended:?}");
    assert!(ended.secret_prompts().is_empty(), "{ended:?}");
    drop(ward);
}
