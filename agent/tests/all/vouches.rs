//! Vouches, and logins by them: recorded only with the colleague's own signature.

use crate::common::*;
use wardkey_core::client_data::ClientData;
use wardkey_core::code::Code;
use wardkey_core::codec::List;
use wardkey_core::document::Position;
use wardkey_core::event::{Event, EventName, Outcome, Severity};
use wardkey_core::id::{EventId, Nonce, TerminalId};
use wardkey_core::message::agent::{Failure, LoginOutcome, LoginResult, Reply, Request};
use wardkey_core::name::ServiceName;
use wardkey_core::person::{Loan, Status};
use wardkey_core::proof::ProofKind;
use wardkey_core::proof::assertion::Assertion;
use wardkey_core::time::UnixTime;
use wardkey_core::vouch::Vouch;
use wardkey_ipc::Peer;
use wardkey_testkit::{
    CHOSEN_SEED, LONGEST, VOUCHED, group, loan, signed_by_chosen, signed_on_loan,
};

/// hanako, and taro (key 2) of the group that vouches.
fn with_colleague() -> Fixture {
    let f = Fixture::joined();
    f.ward.policy("ward3", |policy| {
        policy.vouch_groups = Some(List::new(vec![group("seniors")]).unwrap());
        policy.vouch_seconds = Some(VOUCHED);
        policy.vouch_per_month = Some(3);
    });
    f.ward.put("ward3", &person("hanako", vec![credential(1)]));
    f.ward.put("ward3", &taro());
    f.sync().unwrap();
    f
}

fn taro() -> wardkey_core::person::PersonRecord {
    let mut taro = person("taro", vec![credential(2)]);
    taro.groups = List::new(vec![group("seniors")]).unwrap();
    taro
}

fn now(f: &Fixture) -> UnixTime {
    UnixTime(f.time.load(std::sync::atomic::Ordering::SeqCst))
}

fn vouch(f: &Fixture, change: impl FnOnce(&mut Vouch)) -> Vouch {
    let mut vouch = Vouch {
        nonce: Nonce::new(wardkey_agent::random::random().unwrap()),
        from: now(f),
        until: now(f).plus(VOUCHED),
        ..wardkey_testkit::vouch()
    };
    change(&mut vouch);
    vouch
}

/// What taro's key signs.
fn signed(vouch: &Vouch, flags: u8, counter: u32) -> Assertion {
    Key::es256(2).assert(2, &vouch.to_bytes(), flags, counter, RP)
}

fn outcome(account: &str, result: LoginResult) -> Request {
    Request::Outcome(Box::new(LoginOutcome {
        login: begin(account),
        attempt: EventId::new(wardkey_agent::random::random().unwrap()),
        person: Some(login("taro")),
        credential: None,
        result,
        proof: None,
        suspects: None,
        pass: None,
        finger: None,
    }))
}

fn vouched(assertion: &Assertion) -> Request {
    outcome("taro", LoginResult::Vouched(assertion.clone()))
}

fn login_by(f: &Fixture, vouch: &Vouch, seed: u8, service: &str, assertion: &Assertion) -> Request {
    let data = client_data(f, service);
    let by_code = signed_by_chosen(vouch, seed, &data.to_bytes());
    outcome("hanako", LoginResult::SuccessByVouch(by_code, assertion.clone()))
}

/// The same request, begun as this service.
fn begun_as(service: &str, mut request: Request) -> Request {
    let Request::Outcome(outcome) = &mut request else { panic!("no outcome") };
    outcome.login.service = ServiceName::new(service).unwrap();
    request
}

fn client_data(f: &Fixture, service: &str) -> ClientData {
    ClientData {
        nonce: Nonce::new(wardkey_agent::random::random().unwrap()),
        terminal: TERMINAL,
        service: ServiceName::new(service).unwrap(),
        account: login("hanako"),
        person: login("hanako"),
        time: now(f),
        scope: scope("ward3"),
        position: Position { epoch: 1, seq: 1 },
    }
}

fn last(f: &Fixture) -> Event {
    f.events().pop().unwrap()
}

#[test]
fn a_vouch_and_a_login_by_it_are_recorded_loudly_with_their_signatures() {
    let f = with_colleague();
    let mut client = f.root();
    let grant = client.granted(&Request::Begin(begin("taro")));
    assert_eq!(grant.takes_vouches, Some(true));
    assert_eq!(client.ask(&Request::Hold), Reply::Held);
    let vouch = vouch(&f, |_| {});
    let assertion = signed(&vouch, 0x05, 5);
    let request = vouched(&assertion);
    assert_eq!(client.ask(&request), Reply::Recorded(vouch.event_id(), None));
    assert_eq!(f.root().ask(&request), Reply::Recorded(vouch.event_id(), None), "once");

    let [event] =
        &f.events().into_iter().filter(|e| e.name == EventName::Vouched).collect::<Vec<_>>()[..]
    else {
        panic!("{:?}", f.events())
    };
    assert_eq!((event.outcome, event.severity()), (Outcome::Success, Severity::Warning));
    assert_eq!((&event.person, &event.voucher), (&Some(login("hanako")), &Some(login("taro"))));
    assert_eq!(event.evidence, Some(assertion.clone()));
    let line = event.to_line();
    for part in ["event=vouched", "code=WE-50", "voucher=taro", "up=1", "uv=1", "key_at_home"] {
        assert!(line.contains(part), "{line} lacks {part}");
    }
    assert!(!f.events().iter().any(|event| event.name.is_login()), "nobody is in by it alone");

    let reply = f.root().ask(&login_by(&f, &vouch, CHOSEN_SEED, "login", &assertion));
    assert!(recorded(&reply), "the counter of the vouch is not taken twice: {reply:?}");
    let event = last(&f);
    assert_eq!((event.name, event.proof), (EventName::PassLogin, Some(ProofKind::Vouch)));
    assert_eq!((&event.person, &event.voucher), (&Some(login("hanako")), &Some(login("taro"))));
    assert!(event.signed_by_code.is_some() && event.evidence == Some(assertion));
    assert_eq!((event.pass, event.key.as_ref()), (Some(vouch.id()), None));
}

#[test]
fn what_the_colleague_did_not_sign_now_for_this_terminal_is_recorded_as_a_failure() {
    let f = with_colleague();
    let good = || vouch(&f, |_| {});
    let changed = |change: fn(&mut Vouch)| signed(&vouch(&f, change), 0x05, 0);
    let other_key = Key::es256(3).assert(2, &good().to_bytes(), 0x05, 0, RP);
    let login = f.assertion("taro", "taro", 2, |_| {});
    for (what, assertion, code) in [
        ("no touch", signed(&good(), 0x04, 0), Code::VouchLapsed),
        ("no PIN", signed(&good(), 0x01, 0), Code::VouchLapsed),
        ("another key", other_key, Code::VouchLapsed),
        ("a login", login, Code::ClientData),
        ("elsewhere", changed(|v| v.terminal = TerminalId::new([9; 16])), Code::ClientData),
        ("old", changed(|v| v.from = UnixTime(v.from.0 - 200)), Code::TooLate),
        ("of the future", changed(|v| v.from = v.from.plus(200)), Code::TooLate),
        ("for nobody", changed(|v| v.person = self::login("ghost")), Code::VouchLapsed),
        ("for oneself", changed(|v| v.person = v.voucher.clone()), Code::VouchLapsed),
        ("by who may not", changed(|v| v.voucher = self::login("hanako")), Code::VouchLapsed),
    ] {
        assert_eq!(self::code(&f.root().ask(&vouched(&assertion))), code, "{what}");
        let event = last(&f);
        assert_eq!((event.outcome, event.reason), (Outcome::Failure, Some(code)), "{what}");
        assert!(event.voucher.is_none() && event.person.is_none(), "{what}");
    }
    assert!(!f.events().iter().any(|event| event.name == EventName::Vouched));
}

#[test]
fn a_key_on_loan_vouches_for_nobody() {
    let f = with_colleague();
    f.ward.policy("ward3", |policy| policy.loan_seconds = Some(LONGEST));
    let lent = Loan { from: UnixTime(T0 - 60), until: UnixTime(T0 + 4 * 3600), ..loan(1) };
    let of_pool = lent.credential.fingerprint();
    f.ward.put("ward3", &wardkey_core::person::PersonRecord { loan: Some(lent), ..taro() });
    f.sync().unwrap();
    let word = vouch(&f, |vouch| vouch.credential = of_pool);
    let with_handle = signed_on_loan(&word.to_bytes());
    let without = Assertion { user_handle: None, ..with_handle.clone() };
    for by_it in [with_handle, without] {
        assert_eq!(code(&f.root().ask(&vouched(&by_it))), Code::VouchLapsed);
        let login = login_by(&f, &word, CHOSEN_SEED, "login", &by_it);
        assert_eq!(code(&f.root().ask(&login)), Code::VouchLapsed);
    }
    assert!(!f.events().iter().any(|event| event.name == EventName::Vouched));
    // The borrower's own key does.
    assert!(recorded(&f.root().ask(&vouched(&signed(&vouch(&f, |_| {}), 0x05, 0)))));
}

#[test]
fn only_root_s_module_reports_a_vouch() {
    let f = with_colleague();
    let nobody = nix::unistd::User::from_name("nobody").unwrap().unwrap();
    f.ward.put("ward3", &person("nobody", vec![credential(5)]));
    f.sync().unwrap();
    let peer = Peer { uid: nobody.uid.as_raw(), ..ROOT };
    let assertion = signed(&vouch(&f, |_| {}), 0x05, 0);
    let request = outcome("nobody", LoginResult::Vouched(assertion));
    assert_eq!(code(&f.connect(peer).ask(&request)), Code::CallerNotAllowed);
    assert!(!f.events().iter().any(|event| event.name == EventName::Vouched));
}

#[test]
fn a_login_is_judged_by_what_the_agent_knows_now() {
    let f = with_colleague();
    let vouch = vouch(&f, |_| {});
    let assertion = signed(&vouch, 0x05, 0);
    let ask = |seed, service: &str| {
        let reply = f.root().ask(&login_by(&f, &vouch, seed, service, &assertion));
        if recorded(&reply) { None } else { Some(code(&reply)) }
    };
    assert_eq!(ask(CHOSEN_SEED, "login"), None);
    assert_eq!(ask(5, "login"), Some(Code::PassWrong), "another code");
    // The begin of the login says another service.
    assert_eq!(ask(CHOSEN_SEED, "sudo"), Some(Code::ClientData));
    let sudo = login_by(&f, &vouch, CHOSEN_SEED, "sudo", &assertion);
    let reply = f.root().ask(&begun_as("sudo", sudo));
    assert_eq!(code(&reply), Code::ProofRefused, "nobody's word raises privilege");

    f.ward.put("ward3", &wardkey_core::person::PersonRecord { status: Status::Disabled, ..taro() });
    f.sync().unwrap();
    assert_eq!(ask(CHOSEN_SEED, "login"), Some(Code::VouchLapsed), "disabled since");
    f.ward.put("ward3", &person("taro", vec![credential(2)]));
    f.sync().unwrap();
    assert_eq!(ask(CHOSEN_SEED, "login"), Some(Code::VouchLapsed), "out of the group");
    f.ward.put("ward3", &taro());
    f.sync().unwrap();
    assert_eq!(ask(CHOSEN_SEED, "login"), None);
    f.pass(VOUCHED);
    f.sync().unwrap();
    assert_eq!(ask(CHOSEN_SEED, "login"), Some(Code::PassExpired));
}

#[test]
fn a_counter_that_goes_back_is_a_copied_key_and_nobody_s_word() {
    let f = with_colleague();
    let one = signed(&vouch(&f, |_| {}), 0x05, 5);
    assert!(recorded(&f.root().ask(&vouched(&one))));
    let other = signed(&vouch(&f, |_| {}), 0x05, 5);
    assert_eq!(code(&f.root().ask(&vouched(&other))), Code::CounterRegressed);
    assert!(f.events().iter().any(|event| event.name == EventName::CloneSuspected));
}

#[test]
fn a_vouch_that_root_s_module_could_not_end_is_an_event_beside_the_login() {
    let f = with_colleague();
    let name_of = |peer: Peer, account: &str| {
        let failure = Failure {
            code: Code::VouchNotEnded,
            detail: Some("No space left on device".to_owned()),
            tries_left: None,
        };
        let reply = f.connect(peer).ask(&outcome(account, LoginResult::Failure(failure)));
        assert!(recorded(&reply), "{reply:?}");
        let event = last(&f);
        assert_eq!((event.outcome, event.reason), (Outcome::Failure, Some(Code::VouchNotEnded)));
        event.name
    };
    assert_eq!(name_of(ROOT, "hanako"), EventName::MarksNotRaised);
    // Nobody else writes there.
    let nobody = nix::unistd::User::from_name("nobody").unwrap().unwrap();
    f.ward.put("ward3", &person("nobody", vec![credential(5)]));
    f.sync().unwrap();
    assert_eq!(name_of(Peer { uid: nobody.uid.as_raw(), ..ROOT }, "nobody"), EventName::Login);
}
