//! Changes of PINs: who is believed, and what is recorded.

use crate::common::*;
use crate::lockout::locked;
use wardkey_core::code::Code;
use wardkey_core::event::{Event, EventName, Outcome};
use wardkey_core::message::agent::{Begin, LoginOutcome, LoginResult, Reply, Request};
use wardkey_ipc::Peer;

fn begin_change(account: &str) -> Begin {
    Begin { changes_pin: Some(true), ..begin(account) }
}

/// What a module says at the end of a change for hanako, whose key is `seed`.
fn outcome(result: LoginResult, seed: Option<u8>) -> Box<LoginOutcome> {
    let Request::Outcome(outcome) = failure("hanako", Some("hanako"), seed, Code::PinWrong) else {
        unreachable!()
    };
    Box::new(LoginOutcome { login: begin_change("hanako"), result, ..*outcome })
}

fn changes(f: &Fixture) -> Vec<Event> {
    f.events().into_iter().filter(|event| event.name == EventName::PinChange).collect()
}

#[test]
fn a_change_is_recorded_with_person_and_key_and_is_no_login() {
    let f = Fixture::synced();
    let mut client = f.root();
    let grant = client.granted(&Request::Begin(begin_change("hanako")));
    assert_eq!(grant.changes_pins, Some(true));
    assert_eq!(client.ask(&Request::Hold), Reply::Held);
    let changed = Request::Outcome(outcome(LoginResult::PinChanged, Some(1)));
    let first = client.ask(&changed);
    assert!(recorded(&first), "{first:?}");
    // Again on a new connection: recorded once.
    assert_eq!(f.root().ask(&changed), first);
    let [event] = &changes(&f)[..] else { panic!("{:?}", f.events()) };
    assert_eq!((event.outcome, event.reason), (Outcome::Success, None));
    assert_eq!(event.person, Some(login("hanako")));
    assert!(event.key.is_some() && event.model.is_some() && event.detail.is_none());
    assert_eq!((event.service.as_deref(), event.peer_uid), (Some("login"), Some(0)));
    let line = event.to_line();
    assert!(line.contains("event=pin-change code=WE-33 outcome=success person=hanako"), "{line}");
    assert!(!f.events().iter().any(|event| event.name.is_login()));
}

#[test]
fn a_change_that_nobody_proves_is_recorded_as_a_failure() {
    let nobody = nix::unistd::User::from_name("nobody").unwrap().unwrap().uid.as_raw();
    let person_at_a_locker = Peer { uid: nobody, gid: nobody, pid: 77 };
    let login_begun = |mut outcome: Box<LoginOutcome>| {
        outcome.login = begin("hanako");
        outcome
    };
    let f = Fixture::synced();
    f.ward.put("ward3", &person("nobody", vec![credential(5)]));
    f.sync().unwrap();
    let of_nobody = || {
        let mut outcome = outcome(LoginResult::PinChanged, Some(5));
        outcome.login = begin_change("nobody");
        outcome.person = Some(login("nobody"));
        outcome
    };
    for (what, peer, claim) in [
        ("no key", ROOT, outcome(LoginResult::PinChanged, None)),
        ("another's key", ROOT, outcome(LoginResult::PinChanged, Some(2))),
        ("of a login", ROOT, login_begun(outcome(LoginResult::PinChanged, Some(1)))),
        ("not root's", person_at_a_locker, of_nobody()),
    ] {
        let request = Request::Outcome(claim);
        assert_eq!(f.connect(peer).refused(&request), Code::CallerNotAllowed, "{what}");
        let event = f.events().pop().unwrap();
        let ended = (event.outcome, event.reason);
        assert_eq!(ended, (Outcome::Failure, Some(Code::CallerNotAllowed)), "{what}");
    }
    // Nor is anybody let in by it.
    let assertion = f.assertion("hanako", "hanako", 1, |_| {});
    let result = LoginResult::Success(assertion);
    let claim = Request::Outcome(outcome(result, Some(1)));
    assert_eq!(f.root().refused(&claim), Code::ProtocolError);
    assert!(
        f.events().iter().all(|event| event.outcome == Outcome::Failure || !event.name.is_login())
    );
}

#[test]
fn a_wrong_pin_counts_towards_the_lock_out_and_a_change_takes_nothing_back() {
    let f = Fixture::synced();
    for _ in 0..5 {
        let Request::Outcome(wrong) = failure("hanako", Some("hanako"), Some(1), Code::PinWrong)
        else {
            unreachable!()
        };
        let wrong = LoginOutcome { login: begin_change("hanako"), ..*wrong };
        assert!(recorded(&f.root().ask(&Request::Outcome(Box::new(wrong)))));
    }
    let refused: Vec<_> = changes(&f).iter().map(|event| (event.outcome, event.reason)).collect();
    assert_eq!(refused, [(Outcome::Failure, Some(Code::PinWrong)); 5]);
    let before = locked(&f, "hanako", 1);
    assert!(before > 0);
    assert!(recorded(&f.root().ask(&Request::Outcome(outcome(LoginResult::PinChanged, Some(1))))));
    assert_eq!(locked(&f, "hanako", 1), before);
}

fn announcement(account: &str, seed: u8) -> Request {
    Request::PinChange { person: login(account), proof: Box::new(silent(seed)) }
}

/// Begins a change for hanako, holds the key, and says that the key is asked now.
fn announced(f: &Fixture) -> Client {
    let mut client = f.root();
    client.granted(&Request::Begin(begin_change("hanako")));
    assert_eq!(client.ask(&Request::Hold), Reply::Held);
    assert_eq!(client.ask(&announcement("hanako", 1)), Reply::Held);
    client
}

/// The changes on record when there are so many: a module that is gone is noticed a moment later.
fn changes_once(f: &Fixture, many: usize) -> Vec<Event> {
    eventually("the record", || changes(f).len() >= many);
    changes(f)
}

#[test]
fn a_module_that_is_killed_after_it_asked_the_key_leaves_a_record() {
    let f = Fixture::synced();
    drop(announced(&f));
    let [event] = &changes_once(&f, 1)[..] else { panic!("{:?}", f.events()) };
    assert_eq!((event.outcome, event.reason), (Outcome::Failure, Some(Code::PinChangeUnknown)));
    assert_eq!(event.person, Some(login("hanako")));
    assert!(event.key.is_some() && event.detail.as_ref().unwrap().contains("lost"));
    assert_eq!(locked(&f, "hanako", 1), 0, "no failure of hers");
}

#[test]
fn what_the_module_says_itself_is_all_that_is_recorded() {
    let f = Fixture::synced();
    for (result, expected) in [
        (LoginResult::PinChanged, Outcome::Success),
        (
            LoginResult::Failure(wardkey_core::message::agent::Failure {
                code: Code::PinPolicy,
                detail: None,
                tries_left: None,
            }),
            Outcome::Failure,
        ),
    ] {
        let before = changes(&f).len();
        let mut client = announced(&f);
        let said = client.ask(&Request::Outcome(outcome(result, Some(1))));
        assert!(recorded(&said), "{said:?}");
        drop(client);
        // The next login comes after whatever this one left.
        drop(f.root().granted(&Request::Begin(begin("hanako"))));
        let events = changes(&f);
        assert_eq!(events.len(), before + 1, "{events:?}");
        assert_eq!(events.last().unwrap().outcome, expected);
    }
}

#[test]
fn nobody_announces_what_is_not_the_login_s() {
    let f = Fixture::synced();
    // A login that changes no PIN.
    let mut client = f.root();
    client.granted(&Request::Begin(begin("hanako")));
    assert_eq!(client.refused(&announcement("hanako", 1)), Code::ProtocolError);
    // Of what nobody has proved, the record names nobody.
    let mut client = f.root();
    client.granted(&Request::Begin(begin_change("hanako")));
    assert_eq!(client.ask(&announcement("hanako", 2)), Reply::Held);
    drop(client);
    let [event] = &changes_once(&f, 1)[..] else { panic!("{:?}", f.events()) };
    assert_eq!((event.person.clone(), event.key.clone()), (None, None));
}
