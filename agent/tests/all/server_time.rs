//! A terminal whose clock is wrong, at a server that is reached.

use std::sync::atomic::Ordering;

use crate::common::*;
use wardkey_agent::error::AgentError;
use wardkey_agent::sync::exchange::{note_failure, note_success};
use wardkey_core::code::Code;
use wardkey_core::event::{EventName, Outcome};
use wardkey_core::id::Nonce;
use wardkey_core::message::agent::{Begin, Reply, Request};
use wardkey_core::name::ServiceName;
use wardkey_core::server_time::Attested;
use wardkey_core::time::UnixTime;

const TEN_DAYS: u64 = 10 * 86_400;

fn begin_with_time(account: &str) -> Request {
    Request::Begin(Begin { asks_time: Some(true), ..begin(account) })
}

fn account_with_time(account: &str) -> Request {
    Request::Account(Begin {
        asks_time: Some(true),
        service: ServiceName::new("cron").unwrap(),
        ..begin(account)
    })
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

    // The module goes by this time, and so does the agent; by its clock the login would be ten days
    // late.
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
    let answer = f.root().ask(&success("hanako", &late));
    assert!(matches!(&answer, Reply::Refused(refusal) if refusal.code == Code::TooLate));
}

#[test]
fn without_the_servers_time_the_clock_counts() {
    let f = ahead();
    let server = f.ward.change(|state| state.now);
    // Nobody asked: a login at the server's time is ten days old by the clock.
    let assertion = f.assertion("hanako", "hanako", 1, |data| data.time = UnixTime(server));
    assert!(matches!(f.root().ask(&success("hanako", &assertion)), Reply::Refused(_)));
    // The server is reached and gives no time: the clock is the cause. It is not reached: offline
    // is.
    f.ward.change(|state| state.down = true);
    let time = Request::Time(Nonce::new([1; 32]));
    let mut client = f.root();
    client.granted(&begin_with_time("hanako"));
    assert_eq!(client.refused(&time), Code::ClockAhead);
    note_failure(&f.agent, &AgentError::Full);
    assert_eq!(client.refused(&time), Code::ServerUnreachable);
}

#[test]
fn only_a_login_or_an_account_phase_asks_for_the_time_and_only_so_often() {
    let f = ahead();
    let time = |n: u8| Request::Time(Nonce::new([n; 32]));
    assert_eq!(f.root().refused(&time(0)), Code::TooManyRequests, "of nothing");
    for (begun, most) in [(begin_with_time("hanako"), 4), (account_with_time("hanako"), 1)] {
        let mut client = f.root();
        client.granted(&begun);
        let given = (0..9).filter(|n| matches!(client.ask(&time(*n)), Reply::Time(_))).count();
        assert_eq!(given, most, "{begun:?}");
    }
}

#[test]
fn an_account_phase_is_recorded_as_the_module_will_decide() {
    let f = ahead();
    f.root().granted(&account_with_time("hanako"));
    let event = f.events().into_iter().rfind(|event| event.name == EventName::Account).unwrap();
    assert_eq!((event.outcome, event.reason), (Outcome::Success, None));
}

#[test]
fn a_clock_that_was_set_right_or_runs_behind_is_judged_by_as_before() {
    let f = ahead();
    let mut client = f.root();
    client.granted(&begin_with_time("hanako"));
    assert!(matches!(client.ask(&Request::Time(Nonce::new([7; 32]))), Reply::Time(_)));
    // Set right, and five minutes too far back: the module stands at the least that it can know.
    f.time.fetch_sub(TEN_DAYS + 300, Ordering::SeqCst);
    let signed = f.agent.directory.view().scope(&scope("ward3")).unwrap().head.issued;
    f.pass(120);
    let assertion = f.assertion("hanako", "hanako", 1, |data| data.time = UnixTime(signed.0));
    let answer = f.root().ask(&success("hanako", &assertion));
    assert!(matches!(answer, Reply::Recorded(..)), "{answer:?}");
}
