//! A key on loan: who gets in by it, until when, and what ends the loan at a terminal.

use std::sync::Arc;

use wardkey_core::code::Notice;
use wardkey_core::message::agent::LoginResult;
use wardkey_core::message::key::{Reply as KeyReply, Request as KeyRequest};
use wardkey_core::name::Language;
use wardkey_core::person::Loan;
use wardkey_core::texts;
use wardkey_core::time::UnixTime;

use super::scene::*;
use super::vouches::{self, TYPED};
use super::vouches_refused::refused_of;
use wardkey_testkit::{Deployment, Key, LOANER, LONGEST, T0, loan, login, pass, person, service};

/// hanako at a terminal with the key that she has on loan.
fn scene_of(deployment: &Deployment) -> Scene {
    let mut scene = Scene::of(deployment);
    scene.key.script = key_with(LOANER);
    scene
}

fn scene() -> Scene {
    scene_of(&Deployment::with_loan())
}

fn with(change: impl FnOnce(&mut Loan)) -> Deployment {
    let mut deployment = Deployment::with_loan();
    change(deployment.hanako().loan.as_mut().unwrap());
    deployment.refresh();
    deployment
}

#[test]
fn the_borrower_gets_in_with_its_pin_and_is_told_how_long() {
    let seen = scene().run();
    let admitted = seen.result.as_ref().unwrap();
    assert_eq!((admitted.person.as_str(), admitted.key), ("hanako", Some(fingerprint(LOANER))));
    assert_eq!(seen.person.questions.len(), 1);
    let told = texts::message(Notice::LoanUsed, Language::Ja, &[("hours", "8")]);
    assert_eq!(seen.person.infos.last(), Some(&told));
    let outcomes = seen.outcomes();
    let [outcome] = outcomes[..] else { panic!() };
    assert!(matches!(outcome.result, LoginResult::Success(_)));
}

#[test]
fn where_it_is_not_taken_no_pin_is_asked_for() {
    type Change = fn(&mut Scene);
    let table: [(&str, Change, u16); 6] = [
        ("over", |s| s.agent_shows(&with(|loan| loan.until = UnixTime(T0))), 1590),
        ("not begun", |s| s.agent_shows(&with(|loan| loan.from = UnixTime(T0 + 1))), 1591),
        ("sudo", |s| s.login.service = service("sudo"), 1593),
        (
            "no scope allows it",
            |s| {
                let mut deployment = Deployment::with_loan();
                deployment.scopes[1].1.loan_seconds = None;
                deployment.refresh();
                s.agent_shows(&deployment);
            },
            1593,
        ),
        (
            "lost",
            |s| {
                s.agent_shows(&with(|loan| {
                    loan.credential.status = wardkey_core::person::Status::Disabled;
                }));
            },
            1005,
        ),
        ("what ended here cannot be read", |s| s.machine.marks_full = true, 1593),
    ];
    for (what, change, code) in table {
        let mut scene = scene();
        change(&mut scene);
        let seen = scene.run();
        assert_eq!(seen.code(), code, "{what}");
        assert!(seen.person.questions.is_empty() && !seen.pin_sent(), "{what}");
    }
}

#[test]
fn who_had_it_before_gets_in_nowhere_by_the_key_that_somebody_else_has_now() {
    let mut deployment = Deployment::with_loan();
    let lent = deployment.hanako().loan.take();
    let next = wardkey_core::id::LoanId::new([2; 16]);
    let mut taro = person("taro", 2, &Key::es256(2));
    taro.loan = lent.map(|loan| Loan { id: next, ..loan });
    deployment.scopes[1].0.people.push(taro);
    deployment.refresh();
    let seen = scene_of(&deployment).run();
    assert_eq!(seen.code(), 1001, "hanako has it no more");
    assert!(!seen.pin_sent());

    let mut scene = scene_of(&deployment);
    scene.login = login_as("taro");
    assert_eq!(scene.run().result.unwrap().person.as_str(), "taro");
}

/// It is lent for the borrower's own logins: with it nobody is asked for a PIN in another's name.
#[test]
fn it_vouches_for_nobody_and_its_borrower_s_own_key_does() {
    let deployment = vouches::with(|deployment| {
        deployment.scopes[1].1.loan_seconds = Some(LONGEST);
        deployment.taro().loan = Some(loan(1));
    });
    let mut scene = vouches::scene_of(&deployment, &TYPED[..5]);
    let (hashes, loaner) = (Arc::clone(&scene.key.script), key_with(LOANER));
    scene.key.script = Arc::new(move |number, request| match request {
        KeyRequest::Identify(identify) => {
            let asked = identify.allow.iter().any(|id| id.as_slice() == [LOANER; 32]);
            if asked { loaner(number, request) } else { vec![Act::Say(KeyReply::Insert)] }
        }
        other => hashes(number, other),
    });
    let seen = refused_of(scene);
    assert_eq!((seen.code(), seen.pin_sent()), (1593, false));
    assert_eq!(seen.person.questions.len(), 5, "taro is asked for nothing");
    let outcomes = seen.outcomes();
    let [outcome] = outcomes[..] else { panic!("{outcomes:?}") };
    assert_eq!(outcome.person, Some(login("taro")));

    assert_eq!(vouches::scene_of(&deployment, &TYPED).run().code(), 0, "with his own");
}

#[test]
fn its_end_is_judged_by_the_clock_that_nobody_sets_back() {
    let deployment = with(|loan| loan.until = UnixTime(T0 + 600));
    let seen = scene_of(&deployment).run();
    assert_eq!(seen.code(), 0);
    // Ten minutes and more have gone by, and somebody has set the clock back.
    let mut scene = scene_of(&deployment);
    scene.machine.marks = std::sync::Mutex::new(seen.marks);
    scene.machine.clock.lock().unwrap().boottime += 700;
    let seen = scene.run();
    assert_eq!(seen.code(), 1590);
    assert!(!seen.pin_sent());
}

#[test]
fn a_login_with_the_own_key_ends_the_loan_here_and_one_on_loan_ends_nothing() {
    let mut deployment = Deployment::with_loan();
    deployment.scopes[1].1.pass_seconds = Some(wardkey_testkit::LONGEST);
    deployment.hanako().pass = Some(pass(1));
    deployment.refresh();
    let scene = scene_of(&deployment);
    let notes = Arc::clone(&scene.machine.notes);
    assert_eq!(scene.run().code(), 0);
    assert!(!notes.lock().unwrap().has_ended(&pass(1).id), "the own key is not back");
    assert!(!notes.lock().unwrap().loan_has_ended(&loan(1)));

    let mut own = Scene::of(&deployment);
    own.machine.notes = Arc::clone(&notes);
    assert_eq!(own.run().code(), 0);
    assert!(notes.lock().unwrap().loan_has_ended(&loan(1)));
    assert!(notes.lock().unwrap().has_ended(&pass(1).id));

    // Whatever the agent shows from then on.
    let mut again = scene_of(&deployment);
    again.machine.notes = Arc::clone(&notes);
    let seen = again.run();
    assert_eq!(seen.code(), 1592);
    assert!(!seen.pin_sent());
    // Another loan of the same key is another one.
    let next = with(|loan| loan.id = wardkey_core::id::LoanId::new([2; 16]));
    let mut next = scene_of(&next);
    next.machine.notes = notes;
    assert_eq!(next.run().code(), 0);
}

#[test]
fn a_locker_that_is_no_program_of_root_s_takes_it_until_the_directory_says_otherwise() {
    let mut scene = scene();
    assert!({
        let mut notes = scene.machine.notes.lock().unwrap();
        notes.end_loan(&loan(1), UnixTime(T0))
    });
    scene.machine.is_root = false;
    assert_eq!(scene.run().code(), 0);
    let mut returned = Deployment::with_loan();
    returned.hanako().loan = None;
    returned.refresh();
    let mut scene = scene_of(&returned);
    scene.machine.is_root = false;
    assert_eq!(scene.run().code(), 1001, "a key of nobody's");
}

#[test]
fn at_a_shared_account_it_says_who_has_it() {
    let mut deployment = Deployment::with_loan();
    deployment.share("ward3pc", &["nurses"]);
    let candidate = wardkey_core::message::agent::Candidate {
        person: wardkey_testkit::login("hanako"),
        credential: loan(1).credential.id,
    };
    let mut scene = scene_of(&deployment);
    scene.login = login_as("ward3pc");
    let honest = honest_agent(&deployment);
    scene.agent.script = Arc::new(move |number, request| {
        let mut acts = honest(number, request);
        for act in &mut acts {
            if let Act::Say(wardkey_core::message::agent::Reply::Granted(grant)) = act {
                let candidates = vec![candidate.clone()];
                grant.candidates = wardkey_core::codec::List::new(candidates).unwrap();
            }
        }
        acts
    });
    let seen = scene.run();
    assert_eq!(seen.result.as_ref().unwrap().person.as_str(), "hanako");
}
