//! Logins by a key on loan: recorded as such, and offered wherever a key of the person's is.

use crate::common::*;
use wardkey_core::code::Code;
use wardkey_core::event::{Event, EventName, Outcome, Severity};
use wardkey_core::message::agent::{Reply, Request};
use wardkey_core::person::Loan;
use wardkey_core::proof::ProofKind;
use wardkey_core::time::UnixTime;
use wardkey_testkit::{LOANER, LONGEST, group, loan, pass};

/// hanako has loan 1 beside her key 1, and her scope allows it.
fn with_loan() -> Fixture {
    let f = Fixture::joined();
    f.ward.policy("ward3", |policy| {
        (policy.loan_seconds, policy.pass_seconds) = (Some(LONGEST), Some(LONGEST));
    });
    lend(&f, Some(loan_until(T0 + 4 * 3600)));
    f
}

fn loan_until(until: u64) -> Loan {
    Loan { from: UnixTime(T0 - 60), until: UnixTime(until), ..loan(1) }
}

fn lend(f: &Fixture, lent: Option<Loan>) {
    let mut hanako = person("hanako", vec![credential(1)]);
    hanako.loan = lent;
    hanako.pass = Some(pass(1));
    f.ward.put("ward3", &hanako);
    f.sync().unwrap();
}

fn log_in(f: &Fixture, seed: u8) -> Reply {
    let assertion = f.assertion("hanako", "hanako", seed, |_| {});
    f.root().ask(&success("hanako", &assertion))
}

fn named(f: &Fixture, name: EventName) -> Vec<Event> {
    f.events().into_iter().filter(|event| event.name == name).collect()
}

#[test]
fn a_login_on_loan_says_so_and_its_first_one_has_a_loud_record_beside_it() {
    let f = with_loan();
    assert!(recorded(&log_in(&f, LOANER)));
    let login = named(&f, EventName::Login).pop().unwrap();
    assert_eq!((login.outcome, login.proof), (Outcome::Success, Some(ProofKind::KeyWithPin)));
    assert_eq!(login.loan, Some(loan(1).id));
    let line = login.to_line();
    assert!(line.contains(&format!("loan={}", loan(1).id)) && line.contains("key_at_home"));

    let begun = named(&f, EventName::LoanBegun);
    let [event] = &begun[..] else { panic!("{begun:?}") };
    assert_eq!((event.severity(), event.name.code()), (Severity::Warning, "WE-53".to_owned()));
    assert_eq!((event.loan, event.person.clone()), (login.loan, Some(login_name())));
    assert_eq!(event.key, login.key);

    assert!(recorded(&log_in(&f, LOANER)));
    assert_eq!(named(&f, EventName::LoanBegun).len(), 1, "once for a loan");
    assert!(named(&f, EventName::PassEnded).is_empty(), "the own key is not back");
    assert!(named(&f, EventName::LoanEnded).is_empty());
}

fn login_name() -> wardkey_core::name::LoginName {
    login("hanako")
}

#[test]
fn a_login_with_the_own_key_says_that_it_ended_the_loan() {
    let f = with_loan();
    assert!(recorded(&log_in(&f, 1)));
    let ended = named(&f, EventName::LoanEnded);
    let [event] = &ended[..] else { panic!("{ended:?}") };
    assert_eq!((event.loan, event.name.code()), (Some(loan(1).id), "WE-54".to_owned()));
    assert_eq!(named(&f, EventName::PassEnded).len(), 1);
    let login = named(&f, EventName::Login).pop().unwrap();
    assert_eq!(login.loan, None, "the own key is none on loan");
}

#[test]
fn a_module_that_lets_somebody_in_after_the_end_gets_no_login_recorded() {
    let f = with_loan();
    lend(&f, Some(loan_until(T0)));
    assert_eq!(code(&log_in(&f, LOANER)), Code::LoanOver);
    let last = f.events().pop().unwrap();
    assert_eq!((last.outcome, last.reason), (Outcome::Failure, Some(Code::LoanOver)));
    lend(&f, None);
    assert_eq!(code(&log_in(&f, LOANER)), Code::KeyAndNameDoNotMatch);
    // Nor for what raises privilege.
    lend(&f, Some(loan_until(T0 + 4 * 3600)));
    let sudo = wardkey_core::name::ServiceName::new("sudo").unwrap();
    let assertion = f.assertion("hanako", "hanako", LOANER, |data| data.service = sudo.clone());
    let mut request = success("hanako", &assertion);
    if let Request::Outcome(outcome) = &mut request {
        outcome.login.service = sudo;
    }
    assert_eq!(code(&f.root().ask(&request)), Code::LoanRefused);
}

#[test]
fn wrong_pins_lock_the_key_on_loan_and_not_the_own_one() {
    let f = with_loan();
    for _ in 0..5 {
        let wrong = failure("hanako", Some("hanako"), Some(LOANER), Code::PinWrong);
        assert!(recorded(&f.root().ask(&wrong)));
    }
    let grant = f.root().granted(&Request::Begin(begin("hanako")));
    let locked: Vec<_> = grant.locked.iter().flat_map(|all| all.iter()).collect();
    assert_eq!(locked.len(), 1);
    assert_eq!(locked[0].credential, loan(1).credential.id);
}

#[test]
fn somebody_who_has_nothing_but_a_loan_is_asked_for_it() {
    let f = with_loan();
    let mut hanako = person("hanako", vec![]);
    hanako.loan = Some(loan_until(T0 + 3600));
    f.ward.put("ward3", &hanako);
    f.sync().unwrap();
    let grant = f.root().granted(&Request::Begin(begin("hanako")));
    assert_eq!(grant.decoys, None, "there is a key to ask for");
    let snapshot = snapshot(&f, "hanako");
    assert_eq!(snapshot.known_credentials(), [loan(1).credential.id]);
    let groups = wardkey_core::codec::List::new(vec![group("nurses")]).unwrap();
    f.ward.policy("ward3", |policy| {
        policy.shared_accounts =
            wardkey_core::codec::List::new(vec![wardkey_core::policy::document::SharedAccount {
                account: login("ward3pc"),
                groups: groups.clone(),
            }])
            .unwrap();
    });
    f.sync().unwrap();
    let grant = f.root().granted(&Request::Begin(begin("ward3pc")));
    let offered = grant.candidates.iter().any(|one| one.credential == loan(1).credential.id);
    assert!(offered, "and at a shared account too");
    assert!(recorded(&log_in(&f, LOANER)));
}
