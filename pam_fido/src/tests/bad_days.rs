//! Everything that goes wrong without malice, and what libpam is told.

use std::time::{Duration, Instant};

use pam::constants::PamResultCode;
use pam::constants::PamResultCode::{
    PAM_AUTH_ERR, PAM_AUTHINFO_UNAVAIL, PAM_MAXTRIES, PAM_SUCCESS,
};
use wardkey_core::code::Code;
use wardkey_core::message::agent::{LoginResult, Reply as AgentReply, Request as AgentRequest};
use wardkey_core::message::key::Reply as KeyReply;
use wardkey_core::person::Status;
use wardkey_core::time::UnixTime;

use super::scene::*;
use crate::talk::Answer;
use crate::typed_name::TypedName;
use wardkey_testkit::{Deployment, T0, service};

use super::faults::*;

const HUGE: [u8; 4] = [0xff; 4];

/// (what happens, how, PAM result, code, questions asked, PIN sent)
#[rustfmt::skip]
const CASES: &[(&str, Change, PamResultCode, Code, usize, bool)] = &[
    // The agent.
    ("agent is down", |s| s.agent.down_from = 0,
        PAM_AUTHINFO_UNAVAIL, Code::AgentUnreachable, 0, false),
    ("agent hangs up each time", |s| at_begin(s, vec![Act::HangUp]),
        PAM_AUTHINFO_UNAVAIL, Code::AgentUnreachable, 0, false),
    ("agent is silent", |s| silent(s, at_begin),
        PAM_AUTHINFO_UNAVAIL, Code::AgentUnreachable, 0, false),
    ("agent sends a huge frame", |s| at_begin(s, vec![Act::Bytes(HUGE.to_vec())]),
        PAM_AUTH_ERR, Code::ProtocolError, 0, false),
    ("agent sends an empty frame", |s| at_begin(s, vec![Act::Bytes(vec![0; 4])]),
        PAM_AUTH_ERR, Code::ProtocolError, 0, false),
    ("agent sends garbage", |s| at_begin(s, vec![Act::Bytes(vec![0, 0, 0, 2, 0xff, 0xff])]),
        PAM_AUTH_ERR, Code::ProtocolError, 0, false),
    ("agent sends half a frame and hangs up",
        |s| at_begin(s, vec![Act::Bytes(vec![0, 0, 9]), Act::HangUp]),
        PAM_AUTHINFO_UNAVAIL, Code::AgentUnreachable, 0, false),
    ("agent answers something else", |s| at_begin(s, vec![Act::Say(AgentReply::Held)]),
        PAM_AUTH_ERR, Code::ProtocolError, 0, false),
    ("agent says Wait without end", |s| at_begin(s, vec![Act::Say(AgentReply::Wait); 300]),
        PAM_AUTH_ERR, Code::ProtocolError, 0, false),
    ("another login keeps the key", |s| at_begin(s, vec![Act::Say(AgentReply::Wait)]),
        PAM_AUTH_ERR, Code::KeyInUse, 0, false),
    ("not joined", |s| at_begin(s, vec![Act::Say(refused(Code::NotJoined))]),
        PAM_AUTH_ERR, Code::NotJoined, 0, false),
    ("not synchronised", |s| at_begin(s, vec![Act::Say(refused(Code::NotSynced))]),
        PAM_AUTH_ERR, Code::NotSynced, 0, false),
    ("locked out", |s| at_begin(s, vec![Act::Say(refused(Code::LockedOut))]),
        PAM_MAXTRIES, Code::LockedOut, 0, false),
    ("agent: remote", |s| at_begin(s, vec![Act::Say(refused(Code::RemoteSession))]),
        PAM_AUTH_ERR, Code::RemoteSession, 0, false),
    ("caller not allowed", |s| at_begin(s, vec![Act::Say(refused(Code::CallerNotAllowed))]),
        PAM_AUTH_ERR, Code::CallerNotAllowed, 0, false),
    ("no evidence for a name", grants_nothing,
        PAM_AUTH_ERR, Code::ProofInvalid, 0, false),
    ("agent gone at hold, for good", |s| { s.agent.down_from = 1; at_hold(s, vec![Act::HangUp]) },
        PAM_AUTHINFO_UNAVAIL, Code::AgentUnreachable, 1, false),
    ("agent silent at hold", |s| silent(s, at_hold),
        PAM_AUTHINFO_UNAVAIL, Code::AgentUnreachable, 1, false),
    ("agent refuses at hold", |s| at_hold(s, vec![Act::Say(refused(Code::LockedOut))]),
        PAM_MAXTRIES, Code::LockedOut, 1, false),
    ("key kept by another at hold", |s| at_hold(s, vec![Act::Say(AgentReply::Wait)]),
        PAM_AUTH_ERR, Code::KeyInUse, 1, false),
    ("agent dies before the outcome, for good",
        |s| { s.agent.down_from = 1; at_outcome(s, vec![Act::HangUp]) },
        PAM_AUTHINFO_UNAVAIL, Code::AgentUnreachable, 1, true),
    ("agent is silent at the outcome", |s| silent(s, at_outcome),
        PAM_AUTHINFO_UNAVAIL, Code::AgentUnreachable, 1, true),
    ("agent cannot write", |s| at_outcome(s, vec![Act::Say(refused(Code::StateUnavailable))]),
        PAM_AUTH_ERR, Code::StateUnavailable, 1, true),
    // Policy.
    ("remote", |s| s.login.remote = true,
        PAM_AUTH_ERR, Code::RemoteSession, 0, false),
    ("terminal disabled", |s| shows(s, |d| d.terminal.status = Status::Disabled),
        PAM_AUTH_ERR, Code::TerminalDisabled, 0, false),
    ("terminal disabled, unknown name",
        |s| { shows(s, |d| d.terminal.status = Status::Disabled); s.login = login_as("ghost") },
        PAM_AUTH_ERR, Code::TerminalDisabled, 0, false),
    ("offline too long", |s| s.machine = FakeMachine::at(T0 + 9 * 86_400),
        PAM_AUTH_ERR, Code::OfflineTooLong, 0, false),
    ("offline too long, unknown name",
        |s| { s.machine = FakeMachine::at(T0 + 9 * 86_400); s.login = login_as("ghost") },
        PAM_AUTH_ERR, Code::OfflineTooLong, 0, false),
    ("offline, never seen here", |s| s.machine = FakeMachine::at(T0 + 2 * 86_400),
        PAM_AUTH_ERR, Code::OfflineNotSeenHere, 0, false),
    ("offline, sudo",
        |s| { s.machine = FakeMachine::at(T0 + 2 * 86_400); s.login.service = service("sudo") },
        PAM_AUTH_ERR, Code::OfflineNoElevation, 0, false),
    ("offline, emergency only", |s| s.machine = FakeMachine::at(T0 + 5 * 86_400),
        PAM_AUTH_ERR, Code::OfflineEmergencyOnly, 0, false),
    ("person disabled", |s| shows(s, |d| d.hanako().status = Status::Disabled),
        PAM_AUTH_ERR, Code::PersonDisabled, 0, false),
    ("person expired", |s| shows(s, |d| d.hanako().not_after = Some(UnixTime(T0))),
        PAM_AUTH_ERR, Code::PersonExpired, 0, false),
    ("person not yet valid", |s| shows(s, |d| d.hanako().not_before = Some(UnixTime(T0 + 9))),
        PAM_AUTH_ERR, Code::PersonNotYetValid, 0, false),
    ("key disabled", |s| shows(s, first_key_disabled),
        PAM_AUTH_ERR, Code::CredentialDisabled, 0, false),
    ("person without keys", |s| shows(s, |d| d.hanako().credentials = Default::default()),
        PAM_AUTH_ERR, Code::KeyAndNameDoNotMatch, 0, false),
    // Names.
    ("unknown name", |s| s.login = login_as("ghost"),
        PAM_AUTH_ERR, Code::KeyAndNameDoNotMatch, 0, false),
    ("no name at all", |s| s.login = login_as("-x\n"),
        PAM_AUTH_ERR, Code::KeyAndNameDoNotMatch, 0, false),
    ("NSS spells it otherwise",
        |s| s.login.name = TypedName::of("hanako", Some("NSS spells the account otherwise")),
        PAM_AUTH_ERR, Code::KeyAndNameDoNotMatch, 0, false),
    // The answer.
    ("cancelled", |s| s.person = Person::answers(Answer::None),
        PAM_AUTH_ERR, Code::Cancelled, 1, false),
    ("nothing typed", |s| types(s, ""),
        PAM_AUTH_ERR, Code::PinEmpty, 1, false),
    ("three characters", |s| types(s, "123"),
        PAM_AUTH_ERR, Code::PinLength, 1, false),
    ("64 bytes", |s| types(s, &"1".repeat(64)),
        PAM_AUTH_ERR, Code::PinLength, 1, false),
    ("not UTF-8", |s| s.person = Person::answers(Answer::NotText),
        PAM_AUTH_ERR, Code::PinLength, 1, false),
    ("answered too late", answers_late,
        PAM_AUTH_ERR, Code::TooLate, 1, false),
    // The key, before the question.
    ("key process is down", |s| s.key.down_from = 0,
        PAM_AUTHINFO_UNAVAIL, Code::KeyProcessUnreachable, 0, false),
    ("key process dies", |s| at_identify(s, vec![Act::HangUp]),
        PAM_AUTHINFO_UNAVAIL, Code::KeyProcessUnreachable, 0, false),
    ("key process is silent", |s| silent(s, at_identify),
        PAM_AUTHINFO_UNAVAIL, Code::KeyProcessUnreachable, 0, false),
    ("key process sends garbage", |s| at_identify(s, vec![Act::Bytes(vec![0, 0, 0, 1, 0xff])]),
        PAM_AUTH_ERR, Code::ProtocolError, 0, false),
    ("key process sends a huge frame", |s| at_identify(s, vec![Act::Bytes(HUGE.to_vec())]),
        PAM_AUTH_ERR, Code::ProtocolError, 0, false),
    ("key process answers something else", |s| at_identify(s, vec![Act::Say(KeyReply::Done)]),
        PAM_AUTH_ERR, Code::ProtocolError, 0, false),
    ("key process says Insert without end",
        |s| at_identify(s, vec![Act::Say(KeyReply::Insert); 300]),
        PAM_AUTH_ERR, Code::ProtocolError, 0, false),
    ("no key in time",
        |s| at_identify(s, vec![
            Act::Say(KeyReply::Insert),
            Act::Say(failed(Code::KeyTimeout, None)),
        ]),
        PAM_AUTH_ERR, Code::KeyTimeout, 0, false),
    ("no key in time, key process silent", |s| at_identify(s, vec![Act::Say(KeyReply::Insert)]),
        PAM_AUTH_ERR, Code::KeyTimeout, 0, false),
    ("key access denied", |s| at_identify(s, vec![Act::Say(failed(Code::KeyAccessDenied, None))]),
        PAM_AUTH_ERR, Code::KeyAccessDenied, 0, false),
    ("a credential that was not asked for", |s| claimed(s, 7, 7),
        PAM_AUTH_ERR, Code::KeyTimeout, 0, false),
    ("the right credential, signed by another key", |s| claimed(s, 7, 1),
        PAM_AUTH_ERR, Code::KeyTimeout, 0, false),
    ("a key process that shows no proof", proves_nothing,
        PAM_AUTH_ERR, Code::ProtocolError, 0, false),
    ("a key that cannot identify itself",
        |s| at_identify(s, vec![
            Act::Say(KeyReply::Unregistered(Code::KeyCannotIdentify)),
            Act::Say(failed(Code::KeyCannotIdentify, None)),
        ]),
        PAM_AUTH_ERR, Code::KeyCannotIdentify, 0, false),
    ("key process fails with a prompt", |s| at_identify(s, vec![asking(|code| failed(code, None))]),
        PAM_AUTH_ERR, Code::ProtocolError, 0, false),
    ("agent refuses with a prompt", |s| at_begin(s, vec![asking(refused)]),
        PAM_AUTH_ERR, Code::ProtocolError, 0, false),
    ("key locked out", |s| locked(s, 1),
        PAM_MAXTRIES, Code::LockedOut, 0, false),
    ("key without PIN", |s| details(s, |d| d.pin_set = false),
        PAM_AUTH_ERR, Code::PinNotSet, 0, false),
    ("key without tries", |s| details(s, |d| d.pin_tries = Some(0)),
        PAM_MAXTRIES, Code::PinBlocked, 0, false),
    // The key, after the question.
    ("wrong PIN", |s| types(s, "000000"),
        PAM_AUTH_ERR, Code::PinWrong, 1, true),
    ("PIN blocked until replugged", |s| key_fails(s, Code::PinBlockedUntilReplug, Some(5)),
        PAM_MAXTRIES, Code::PinBlockedUntilReplug, 1, true),
    ("PIN blocked", |s| key_fails(s, Code::PinBlocked, Some(0)),
        PAM_MAXTRIES, Code::PinBlocked, 1, true),
    ("not touched", |s| key_fails(s, Code::TouchTimeout, None),
        PAM_AUTH_ERR, Code::TouchTimeout, 1, true),
    ("key removed", |s| key_fails(s, Code::KeyRemoved, None),
        PAM_AUTH_ERR, Code::KeyRemoved, 1, true),
    ("key fault", |s| key_fails(s, Code::KeyFault, None),
        PAM_AUTH_ERR, Code::KeyFault, 1, true),
    ("key process dies with the PIN", |s| at_assert(s, vec![Act::HangUp]),
        PAM_AUTHINFO_UNAVAIL, Code::KeyProcessUnreachable, 1, true),
    ("key process dies after the touch",
        |s| at_assert(s, vec![Act::Say(KeyReply::Touch), Act::HangUp]),
        PAM_AUTHINFO_UNAVAIL, Code::KeyProcessUnreachable, 1, true),
    ("key process silent with the PIN", |s| silent(s, at_assert),
        PAM_AUTHINFO_UNAVAIL, Code::KeyProcessUnreachable, 1, true),
    ("key process says Touch without end", |s| at_assert(s, vec![Act::Say(KeyReply::Touch); 300]),
        PAM_AUTH_ERR, Code::ProtocolError, 1, true),
    ("key process answers something else late", |s| at_assert(s, vec![Act::Say(KeyReply::Insert)]),
        PAM_AUTH_ERR, Code::ProtocolError, 1, true),
    ("61 seconds since the challenge", |s| s.key_signs_after(61),
        PAM_AUTH_ERR, Code::TooLate, 1, true),
    // The machine.
    ("marks unreadable", |s| s.machine.marks_broken = true,
        PAM_AUTHINFO_UNAVAIL, Code::MarksUnreadable, 0, false),
];

#[test]
fn cve_2025_23013_every_error_path_denies() {
    for (what, change, result, code, questions, pin_sent) in CASES {
        let mut scene = Scene::new();
        if matches!(
            code,
            Code::AgentUnreachable
                | Code::KeyProcessUnreachable
                | Code::KeyInUse
                | Code::KeyTimeout
        ) {
            // What does not come is waited for in most of these.
            scene.timeouts = SHORT;
        }
        change(&mut scene);
        let begun = Instant::now();
        let seen = scene.run();
        assert_eq!(
            (&seen.pam(), seen.code()),
            (result, code.number()),
            "{what}: {:?}",
            seen.result
        );
        assert_eq!(
            (seen.person.questions.len(), seen.pin_sent()),
            (*questions, *pin_sent),
            "{what}"
        );
        // Said once, with the code, and within its deadline.
        assert_eq!(seen.person.errors.len(), 1, "{what}");
        assert!(
            seen.person.errors[0].ends_with(&format!("({code})")),
            "{what}: {:?}",
            seen.person.errors
        );
        assert!(begun.elapsed() < Duration::from_secs(30), "{what}: {:?}", begun.elapsed());
        assert!(seen.marks.seen.is_empty(), "{what}");
        for outcome in seen.outcomes() {
            let LoginResult::Failure(failure) = &outcome.result else { continue };
            assert_eq!(failure.code, *code, "{what}");
        }
    }
}

#[test]
fn refusals_after_granted_reach_the_record_once() {
    // (what happens, whether it counts)
    let cases: [(Change, bool); 3] = [
        (|s| types(s, "000000"), true),
        (|s| s.person = Person::answers(Answer::None), false),
        (|s| at_identify(s, vec![Act::Say(failed(Code::KeyTimeout, None))]), false),
    ];
    for (change, counts) in cases {
        let mut scene = Scene::new();
        change(&mut scene);
        let seen = scene.run();
        let outcomes = seen.outcomes();
        assert_eq!(outcomes.len(), 1);
        let LoginResult::Failure(failure) = &outcomes[0].result else { panic!() };
        assert_eq!(failure.counts(), counts, "{failure:?}");
        assert_eq!(seen.result.as_ref().unwrap_err().counts(), counts);
    }
    // Refused by the agent: it knows.
    let mut scene = Scene::new();
    at_begin(&mut scene, vec![Act::Say(refused(Code::LockedOut))]);
    assert!(scene.run().outcomes().is_empty());
}

#[test]
fn a_login_begins_anew_only_so_often() {
    // An agent that takes the key away at each Hold and gives it back.
    let mut scene = Scene::new();
    let deployment = Deployment::new();
    scene.agent_instead(move |_, request| match request {
        AgentRequest::Hold => {
            vec![Act::Say(AgentReply::Wait), Act::Say(granted(&deployment, "hanako"))]
        }
        _ => vec![],
    });
    let seen = scene.run();
    assert_eq!((seen.code(), seen.pin_sent()), (Code::KeyInUse.number(), false));
    assert!(
        seen.agent.iter().filter(|request| matches!(request, AgentRequest::Hold)).count() <= 33
    );
}

#[test]
fn fifty_nine_seconds_since_the_challenge_are_not_too_many() {
    let mut scene = Scene::new();
    scene.key_signs_after(59);
    assert_eq!(scene.run().pam(), PAM_SUCCESS);
}
