//! Logins by the code of a pass: recorded only with the code's own signature.

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
use wardkey_ipc::Peer;
use wardkey_testkit::{CODE_SEED, LONGEST, pass, signed_by_code};

/// hanako has pass 1, and her scope allows it.
fn with_pass() -> Fixture {
    let f = Fixture::joined();
    f.ward.policy("ward3", |policy| policy.pass_seconds = Some(LONGEST));
    let mut hanako = person("hanako", vec![credential(1)]);
    let mut one = pass(1);
    (one.from, one.until) = (UnixTime(T0 - 60), UnixTime(T0 + 4 * 3600));
    hanako.pass = Some(one);
    f.ward.put("ward3", &hanako);
    f.sync().unwrap();
    f
}

fn client_data(f: &Fixture, change: impl FnOnce(&mut ClientData)) -> ClientData {
    let mut data = ClientData {
        nonce: Nonce::new(wardkey_agent::random::random().unwrap()),
        terminal: TERMINAL,
        service: ServiceName::new("login").unwrap(),
        account: login("hanako"),
        person: login("hanako"),
        time: UnixTime(f.time.load(std::sync::atomic::Ordering::SeqCst)),
        scope: scope("ward3"),
        position: Position { epoch: 1, seq: 1 },
    };
    change(&mut data);
    data
}

fn outcome(result: LoginResult, pass: Option<PassTry>) -> Request {
    Request::Outcome(Box::new(LoginOutcome {
        login: begin("hanako"),
        attempt: EventId::new(wardkey_agent::random::random().unwrap()),
        person: None,
        credential: None,
        result,
        proof: None,
        suspects: None,
        pass,
        finger: None,
    }))
}

fn by_code(signed: SignedByCode) -> Request {
    outcome(LoginResult::SuccessByCode(signed), None)
}

fn wrong(tries: u8) -> Request {
    let failure = Failure { code: Code::PassWrong, detail: None, tries_left: None };
    outcome(LoginResult::Failure(failure), Some(PassTry { pass: pass(1).id, tries, sealed: None }))
}

fn last(f: &Fixture) -> Event {
    f.events().pop().unwrap()
}

#[test]
fn a_login_by_a_pass_is_recorded_loudly_with_its_signature() {
    let f = with_pass();
    let mut client = f.root();
    assert_eq!(client.granted(&Request::Begin(begin("hanako"))).takes_codes, Some(true));
    assert_eq!(client.ask(&Request::Hold), Reply::Held);
    let data = client_data(&f, |_| {});
    let signed = signed_by_code(1, CODE_SEED, &data.to_bytes());
    assert_eq!(client.ask(&by_code(signed.clone())), Reply::Recorded(data.event_id(), None));

    let event = last(&f);
    assert_eq!((event.name, event.severity()), (EventName::PassLogin, Severity::Warning));
    assert_eq!(event.proof, Some(ProofKind::TemporaryCode));
    assert_eq!(event.signed_by_code, Some(signed));
    let line = event.to_line();
    for part in [
        "event=pass-login",
        "code=WE-46",
        "outcome=success",
        "person=hanako",
        "stage=online",
        "proof=temporary-code",
        "evidence=signed",
        "key_at_home",
    ] {
        assert!(line.contains(part), "{line} lacks {part}");
    }
    assert!(line.contains(&format!("pass={}", pass(1).id)));
}

#[test]
fn what_the_code_did_not_sign_for_this_login_is_no_login() {
    let f = with_pass();
    let data = client_data(&f, |_| {});
    let signed = |number, seed, data: &ClientData| signed_by_code(number, seed, &data.to_bytes());
    let elsewhere = client_data(&f, |data| {
        data.terminal = wardkey_core::id::TerminalId::new([9; 16]);
    });
    let old = client_data(&f, |data| data.time = UnixTime(T0 - 200));
    let sudo = client_data(&f, |data| data.service = ServiceName::new("sudo").unwrap());
    for (what, request, expected) in [
        ("another code", by_code(signed(1, 5, &data)), Code::PassWrong),
        ("another pass", by_code(signed(2, CODE_SEED, &data)), Code::PassWrong),
        ("another terminal", by_code(signed(1, CODE_SEED, &elsewhere)), Code::ClientData),
        ("an old one", by_code(signed(1, CODE_SEED, &old)), Code::TooLate),
        ("another service", by_code(signed(1, CODE_SEED, &sudo)), Code::ClientData),
    ] {
        assert_eq!(code(&f.root().ask(&request)), expected, "{what}");
        let event = last(&f);
        assert_eq!((event.outcome, event.reason), (Outcome::Failure, Some(expected)), "{what}");
        assert!(event.person.is_none() && event.proof.is_none(), "{what}");
    }

    // Once it is over, or taken away.
    f.pass(5 * 3600);
    f.sync().unwrap();
    let late = client_data(&f, |_| {});
    assert_eq!(code(&f.root().ask(&by_code(signed(1, CODE_SEED, &late)))), Code::PassExpired);
    f.ward.put("ward3", &person("hanako", vec![credential(1)]));
    f.sync().unwrap();
    assert_eq!(code(&f.root().ask(&by_code(signed(1, CODE_SEED, &late)))), Code::PassWrong);
}

#[test]
fn a_login_by_a_pass_is_recorded_once() {
    let f = with_pass();
    let data = client_data(&f, |_| {});
    let request = by_code(signed_by_code(1, CODE_SEED, &data.to_bytes()));
    let first = f.root().ask(&request);
    assert!(recorded(&first));
    assert_eq!(f.root().ask(&request).clone(), first);
    let logins = f.events().into_iter().filter(|event| event.name == EventName::PassLogin);
    assert_eq!(logins.count(), 1);
}

#[test]
fn wrong_codes_have_records_of_their_own_and_the_fifth_an_alarm() {
    let f = with_pass();
    for tries in 1..=MAX_TRIES + 1 {
        assert!(recorded(&f.root().ask(&wrong(tries))));
        let event = last(&f);
        let (name, severity) = if tries == MAX_TRIES {
            (EventName::PassVoid, Severity::Error)
        } else {
            (EventName::PassWrong, Severity::Warning)
        };
        assert_eq!((event.name, event.severity()), (name, severity), "{tries}");
        assert_eq!((event.pass, event.count), (Some(pass(1).id), Some(u64::from(tries))));
        assert!(event.person.is_none(), "nobody has proven anything");
        assert_eq!(event.account, Some(login("hanako")));
    }
    // Who is not root counts no tries: it may only say that its own login failed.
    let nobody = nix::unistd::User::from_name("nobody").unwrap().unwrap();
    let peer = Peer { uid: nobody.uid.as_raw(), ..ROOT };
    let mut request = wrong(MAX_TRIES);
    if let Request::Outcome(outcome) = &mut request {
        outcome.login.account = Some(login("nobody"));
    }
    f.connect(peer).ask(&request);
    assert_eq!((last(&f).name, last(&f).pass), (EventName::Login, None));
}

#[test]
fn a_login_with_the_key_says_that_it_ended_the_pass() {
    let f = with_pass();
    let assertion = f.assertion("hanako", "hanako", 1, |_| {});
    assert!(recorded(&f.root().ask(&success("hanako", &assertion))));
    let ended: Vec<_> =
        f.events().into_iter().filter(|event| event.name == EventName::PassEnded).collect();
    let [event] = &ended[..] else { panic!("{ended:?}") };
    assert_eq!((event.pass, event.person.clone()), (Some(pass(1).id), Some(login("hanako"))));
    let login = f.events().into_iter().find(|event| event.name == EventName::Login).unwrap();
    assert_eq!(login.proof, Some(ProofKind::KeyWithPin));
}
