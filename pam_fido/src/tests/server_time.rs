//! A clock that is wrong, and the server's time.

use wardkey_core::client_data::ClientData;
use wardkey_core::code::Code;
use wardkey_core::id::{Nonce, TerminalId};
use wardkey_core::message::agent::{
    Grant, LoginResult, Reply as AgentReply, Request as AgentRequest,
};
use wardkey_core::server_time::{ServerTime, SignedTime};
use wardkey_core::time::UnixTime;

use super::scene::*;
use wardkey_testkit::{Deployment, T0, signing};

const TEN_DAYS: u64 = 10 * 86_400;
/// Of the banner that says that the terminal is offline.
const OFFLINE: &str = "オフライン";

/// What the server, or somebody in its place, answers to a challenge.
type Answer = fn(&Deployment, &Nonce) -> AgentReply;

fn signed(seed: u8, time: &ServerTime) -> AgentReply {
    AgentReply::Time(SignedTime::new(signing(seed).sign(time)).unwrap())
}

fn right(deployment: &Deployment, nonce: &Nonce) -> AgentReply {
    let time = ServerTime {
        terminal: deployment.anchor().terminal,
        nonce: *nonce,
        time: UnixTime(T0 + 1),
    };
    signed(deployment.publish_seed, &time)
}

/// A machine whose clock is so far ahead, and an agent that answers a question for the time so.
fn scene(ahead: u64, answer: Answer) -> Scene {
    let deployment = Deployment::new();
    let mut scene = Scene::of(&deployment);
    scene.machine = FakeMachine::at(T0 + ahead);
    let grant = Grant { answers_time: Some(true), ..grant_of(deployment.evidence("hanako")) };
    scene.agent_instead(move |_, request| match request {
        AgentRequest::Begin(_) | AgentRequest::Account(_) => {
            vec![Act::Say(AgentReply::Granted(Box::new(grant.clone())))]
        }
        AgentRequest::Time(nonce) => vec![Act::Say(answer(&deployment, nonce))],
        _ => vec![],
    });
    scene
}

fn questions(seen: &Seen) -> usize {
    seen.agent.iter().filter(|request| matches!(request, AgentRequest::Time(_))).count()
}

#[test]
fn a_clock_that_is_ahead_keeps_nobody_out_while_the_server_is_reached() {
    // In the first stage offline, and after the last.
    for ahead in [3_600, TEN_DAYS] {
        let seen = scene(ahead, right).run();
        assert!(seen.result.is_ok(), "{ahead}: {:?}", seen.result);
        assert_eq!(questions(&seen), 1);
        // By the server's time it is not offline, and that time is what the key signs and the marks
        // remember.
        assert!(
            !seen.person.infos.iter().any(|info| info.contains(OFFLINE)),
            "{:?}",
            seen.person.infos
        );
        let LoginResult::Success(assertion) = &seen.outcomes()[0].result else { panic!() };
        let data = ClientData::from_bytes(assertion.client_data.as_slice()).unwrap();
        assert!((T0..T0 + 60).contains(&data.time.0), "{ahead}: {}", data.time.0 - T0);
        assert_eq!(seen.marks.floor.time, UnixTime(T0 + 1), "{ahead}");
        assert_eq!(scene(ahead, right).check_account(), Ok(()));
    }
}

#[test]
fn offline_the_banner_is_shown() {
    let seen = scene(3_600, |_, _| refused(Code::ServerUnreachable)).run();
    assert!(
        seen.result.is_ok() && seen.person.infos.iter().any(|info| info.contains(OFFLINE)),
        "{:?}",
        seen.person.infos
    );
}

#[test]
fn the_floor_rises_to_the_servers_time_also_when_the_login_is_refused() {
    let late: Answer = |deployment, nonce| {
        let terminal = deployment.anchor().terminal;
        signed(
            deployment.publish_seed,
            &ServerTime { terminal, nonce: *nonce, time: UnixTime(T0 + TEN_DAYS - 9) },
        )
    };
    let seen = scene(TEN_DAYS, late).run();
    assert_eq!(
        (seen.code(), seen.marks.floor.time),
        (Code::OfflineTooLong.number(), UnixTime(T0 + TEN_DAYS - 9))
    );
}

#[test]
fn nobody_is_asked_while_the_directory_is_fresh_or_the_agent_cannot() {
    assert_eq!(questions(&scene(0, right).run()), 0);
    let mut old = Scene::new();
    old.machine = FakeMachine::at(T0 + TEN_DAYS);
    assert_eq!(old.run().code(), Code::OfflineTooLong.number());
}

#[test]
fn a_time_that_is_not_the_servers_lets_nobody_in() {
    // (what comes, and what it is refused as)
    let cases: [(&str, Answer, Code); 8] = [
        (
            "of another challenge",
            |deployment, _| right(deployment, &Nonce::new([1; 32])),
            Code::ServerTimeInvalid,
        ),
        (
            "of another terminal",
            |deployment, nonce| {
                let terminal = TerminalId::new([9; 16]);
                signed(
                    deployment.publish_seed,
                    &ServerTime { terminal, nonce: *nonce, time: UnixTime(T0) },
                )
            },
            Code::ServerTimeInvalid,
        ),
        (
            "by a stranger's key",
            |deployment, nonce| {
                let terminal = deployment.anchor().terminal;
                signed(66, &ServerTime { terminal, nonce: *nonce, time: UnixTime(T0) })
            },
            Code::ServerTimeInvalid,
        ),
        (
            "another document of the server's",
            |deployment, _| {
                AgentReply::Time(
                    SignedTime::new(&deployment.evidence("hanako").terminal.as_slice()[..40])
                        .unwrap(),
                )
            },
            Code::ServerTimeInvalid,
        ),
        (
            "as old as the directory",
            |deployment, nonce| {
                let terminal = deployment.anchor().terminal;
                let time = UnixTime(T0 + TEN_DAYS);
                signed(deployment.publish_seed, &ServerTime { terminal, nonce: *nonce, time })
            },
            Code::OfflineTooLong,
        ),
        ("none: not reached", |_, _| refused(Code::ServerUnreachable), Code::OfflineTooLong),
        ("none: the clock is the cause", |_, _| refused(Code::ClockAhead), Code::ClockAhead),
        ("something else", |_, _| AgentReply::Held, Code::AgentUnreachable),
    ];
    for (what, answer, code) in cases {
        let of_it = || {
            let mut scene = scene(TEN_DAYS, answer);
            if code == Code::AgentUnreachable {
                scene.timeouts = SHORT;
            }
            scene
        };
        let seen = of_it().run();
        assert_eq!(
            (seen.code(), seen.person.questions.len()),
            (code.number(), 0),
            "{what}: {:?}",
            seen.result
        );
        assert!(!seen.pin_sent(), "{what}");
        assert!(of_it().check_account().is_err(), "{what}");
    }
}

#[test]
fn a_time_before_what_was_signed_counts_for_nothing() {
    // The floor: no statement makes the directory younger than it was seen to be.
    let early: Answer = |deployment, nonce| {
        let terminal = deployment.anchor().terminal;
        signed(deployment.publish_seed, &ServerTime { terminal, nonce: *nonce, time: UnixTime(1) })
    };
    let seen = scene(TEN_DAYS, early).run();
    let LoginResult::Success(assertion) = &seen.outcomes()[0].result else {
        panic!("{:?}", seen.result)
    };
    let data = ClientData::from_bytes(assertion.client_data.as_slice()).unwrap();
    assert_eq!(data.time, UnixTime(T0 - 60), "what the heads say");
}
