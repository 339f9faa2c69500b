//! Break-glass: recorded only with the code's own signature, and as loud as a record can be.

use crate::common::*;
use wardkey_core::client_data::ClientData;
use wardkey_core::code::Code;
use wardkey_core::document::Position;
use wardkey_core::event::{Event, EventName, Outcome, Severity};
use wardkey_core::id::{EventId, Nonce};
use wardkey_core::message::agent::{Failure, LoginOutcome, LoginResult, PassTry, Reply, Request};
use wardkey_core::name::ServiceName;
use wardkey_core::pass::MAX_TRIES;
use wardkey_core::proof::{ProofKind, SignedByCode};
use wardkey_core::time::UnixTime;
use wardkey_testkit::{SEALED_LONGEST, SEALED_SEED, sealed, signed_by_code};

/// emergency has sealed code 7 and no key, and the scope allows it.
fn with_sealed() -> Fixture {
    let f = Fixture::joined();
    f.ward.policy("ward3", |policy| policy.break_glass_seconds = Some(SEALED_LONGEST));
    let mut account = person("hanako", Vec::new());
    account.break_glass = Some(sealed(7));
    f.ward.put("ward3", &account);
    f.sync().unwrap();
    f
}

fn client_data(f: &Fixture, service: &str) -> ClientData {
    ClientData {
        nonce: Nonce::new(wardkey_agent::random::random().unwrap()),
        terminal: TERMINAL,
        service: ServiceName::new(service).unwrap(),
        account: login("hanako"),
        person: login("hanako"),
        time: UnixTime(f.time.load(std::sync::atomic::Ordering::SeqCst)),
        scope: scope("ward3"),
        position: Position { epoch: 1, seq: 1 },
    }
}

fn outcome(result: LoginResult, tries: u8) -> Request {
    Request::Outcome(Box::new(LoginOutcome {
        login: begin("hanako"),
        attempt: EventId::new(wardkey_agent::random::random().unwrap()),
        person: None,
        credential: None,
        result,
        proof: None,
        suspects: None,
        pass: Some(PassTry { pass: sealed(7).id, tries, sealed: Some(true) }),
        finger: None,
    }))
}

fn by_code(signed: SignedByCode) -> Request {
    outcome(LoginResult::SuccessByCode(signed), 0)
}

fn failed(code: Code, tries: u8) -> Request {
    outcome(LoginResult::Failure(Failure { code, detail: None, tries_left: None }), tries)
}

fn last(f: &Fixture) -> Event {
    f.events().pop().unwrap()
}

#[test]
fn a_login_by_a_sealed_code_is_recorded_as_one_with_its_signature() {
    let f = with_sealed();
    let mut client = f.root();
    assert_eq!(client.granted(&Request::Begin(begin("hanako"))).breaks_glass, Some(true));
    assert_eq!(client.ask(&Request::Hold), Reply::Held);
    let data = client_data(&f, "login");
    let signed = signed_by_code(7, SEALED_SEED, &data.to_bytes());
    assert_eq!(client.ask(&by_code(signed.clone())), Reply::Recorded(data.event_id(), None));

    let event = last(&f);
    assert_eq!((event.name, event.severity()), (EventName::BreakGlassLogin, Severity::Critical));
    assert_eq!((event.outcome, event.proof), (Outcome::Success, Some(ProofKind::BreakGlass)));
    assert_eq!((event.pass, event.signed_by_code.clone()), (Some(sealed(7).id), Some(signed)));
    let line = event.to_line();
    for part in
        ["event=break-glass-login", "code=WE-57", "proof=break-glass", "safe_of_the_ward", "void"]
    {
        assert!(line.contains(part), "{line} lacks {part}");
    }
}

#[test]
fn what_the_sealed_code_did_not_sign_for_this_login_is_no_login() {
    let f = with_sealed();
    let signed = |number, seed, data: &ClientData| signed_by_code(number, seed, &data.to_bytes());
    let data = client_data(&f, "login");
    let sudo = client_data(&f, "sudo");
    for (what, request, expected) in [
        ("another code", by_code(signed(7, 5, &data)), Code::PassWrong),
        ("another number", by_code(signed(8, SEALED_SEED, &data)), Code::PassWrong),
        ("another service", by_code(signed(7, SEALED_SEED, &sudo)), Code::ClientData),
    ] {
        assert_eq!(code(&f.root().ask(&request)), expected, "{what}");
        let event = last(&f);
        assert_eq!((event.outcome, event.reason), (Outcome::Failure, Some(expected)), "{what}");
        assert!(event.person.is_none() && event.proof.is_none(), "{what}");
    }
    // The server has heard of its use elsewhere.
    f.ward.put("ward3", &person("hanako", Vec::new()));
    f.sync().unwrap();
    let late = client_data(&f, "login");
    assert_eq!(code(&f.root().ask(&by_code(signed(7, SEALED_SEED, &late)))), Code::PassWrong);
}

#[test]
fn wrong_ones_the_fifth_and_one_that_was_used_have_records_of_their_own() {
    let f = with_sealed();
    for (code, tries, name, severity) in [
        (Code::PassWrong, 1, EventName::BreakGlassWrong, Severity::Warning),
        (Code::PassWrong, MAX_TRIES, EventName::BreakGlassVoid, Severity::Critical),
        (Code::PassWrong, MAX_TRIES + 1, EventName::BreakGlassWrong, Severity::Warning),
        (Code::BreakGlassVoid, 0, EventName::BreakGlassVoid, Severity::Critical),
        (Code::BreakGlassNotHere, 0, EventName::BreakGlassLogin, Severity::Critical),
    ] {
        assert!(recorded(&f.root().ask(&failed(code, tries))));
        let event = last(&f);
        assert_eq!((event.name, event.severity()), (name, severity), "{code} {tries}");
        assert_eq!((event.pass, event.outcome), (Some(sealed(7).id), Outcome::Failure));
        assert!(event.person.is_none(), "nobody has proven anything");
    }
}
