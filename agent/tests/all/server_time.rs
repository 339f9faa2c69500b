//! A terminal whose clock is wrong, at a server that is reached.

use std::sync::atomic::Ordering;

use crate::common::*;
use wardkey_agent::error::AgentError;
use wardkey_agent::sync::exchange::{note_failure, note_success};
use wardkey_core::code::Code;
use wardkey_core::event::{EventName, Outcome};
use wardkey_core::id::Nonce;
use wardkey_core::message::agent::{Begin, Reply, Request};
use wardkey_core::server_time::Attested;
use wardkey_core::time::UnixTime;
use wardkey_ipc::Peer;

const TEN_DAYS: u64 = 10 * 86_400;

fn begin_with_time(account: &str) -> Request {
    Request::Begin(Begin { asks_time: Some(true), ..begin(account) })
}

/// An agent whose clock runs ten days ahead of a server that it reaches.
fn ahead() -> Fixture {
    let f = Fixture::synced();
    f.time.fetch_add(TEN_DAYS, Ordering::SeqCst);
    f.sync().unwrap();
    note_success(&f.agent);
    f
}

#[test]
fn a_login_by_the_servers_time_is_recorded() {
    let f = ahead();
    let server = f.ward.change(|state| state.now);
    let mut client = f.root();
    let grant = client.granted(&begin_with_time("hanako"));
    assert_eq!(grant.answers_time, Some(true));
    let nonce = Nonce::new([7; 32]);
    let asked = f.agent.clock.reading();
    let Reply::Time(signed) = client.ask(&Request::Time(nonce)) else { panic!("no time") };
    let root = f.agent.directory.view().root.clone().unwrap();
    let time = Attested::verify(signed.as_slice(), &root, &TERMINAL, &nonce, asked).unwrap();
    assert_eq!(time.signed(), UnixTime(server));

    // The module goes by this time, and so does the agent; by its clock the login would be ten days late.
    assert_eq!(client.ask(&Request::Hold), Reply::Held);
    let assertion = f.assertion("hanako", "hanako", 1, |data| data.time = UnixTime(server + 2));
    let mut login = success("hanako", &assertion);
    if let Request::Outcome(outcome) = &mut login {
        outcome.login.asks_time = Some(true);
    }
    let answer = client.ask(&login);
    assert!(matches!(answer, Reply::Recorded(..)), "{answer:?}");
    let event = f.events().into_iter().rfind(|event| event.name == EventName::Login).unwrap();
    assert_eq!((event.outcome, event.stage.as_deref()), (Outcome::Success, Some("online")));

    // A login of another time is late by both.
    let late = f.assertion("hanako", "hanako", 1, |data| data.time = UnixTime(server - 3_600));
    assert!(
        matches!(f.root().ask(&success("hanako", &late)), Reply::Refused(refusal) if refusal.code == Code::TooLate)
    );
}

#[test]
fn without_the_servers_time_the_clock_counts() {
    let f = ahead();
    let server = f.ward.change(|state| state.now);
    // Nobody asked: a login at the server's time is ten days old by the clock.
    let assertion = f.assertion("hanako", "hanako", 1, |data| data.time = UnixTime(server));
    assert!(matches!(f.root().ask(&success("hanako", &assertion)), Reply::Refused(_)));
    // The server is reached and gives no time: the clock is the cause. It is not reached: offline is.
    f.ward.change(|state| state.down = true);
    let time = Request::Time(Nonce::new([1; 32]));
    assert_eq!(f.root().refused(&time), Code::ClockAhead);
    note_failure(&f.agent, &AgentError::Full);
    assert_eq!(f.root().refused(&time), Code::ServerUnreachable);
}

#[test]
fn a_user_may_ask_for_the_time_only_so_often() {
    let f = ahead();
    let user = Peer { uid: 1000, ..ROOT };
    let answers: Vec<_> = (0..20u8).map(|n| f.connect(user).ask(&Request::Time(Nonce::new([n; 32])))).collect();
    let given = answers.iter().filter(|answer| matches!(answer, Reply::Time(_))).count();
    assert_eq!(given, 6);
    assert!(answers[6..].iter().all(|answer| matches!(answer, Reply::Refused(r) if r.code == Code::TooManyRequests)));
    assert!(matches!(f.root().ask(&Request::Time(Nonce::new([99; 32]))), Reply::Time(_)));
}
