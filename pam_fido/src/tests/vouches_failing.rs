//! A colleague vouches: what is looked at before anybody is asked, and what becomes of a word when
//! something fails afterwards.

use std::sync::atomic::Ordering;
use std::sync::{Arc, Mutex};

use wardkey_core::code::Code;
use wardkey_core::codec::List;
use wardkey_core::directory::leaf_key;
use wardkey_core::id::EventId;
use wardkey_core::message::agent::{LoginResult, Request as AgentRequest};
use wardkey_core::message::key::{Reply as KeyReply, Request as KeyRequest};
use wardkey_core::time::UnixTime;
use wardkey_core::vouch_book::{CountedVouch, MAX_COUNTED};

use super::scene::*;
use super::vouches::{TYPED, agent, scene, with};
use super::vouches_refused::refused_of;
use wardkey_testkit::{CHOSEN, CHOSEN_SEED, T0, kept, login, signature_by_code, signing, vouch};

/// Nothing of it has to do with a name.
#[test]
fn what_could_not_be_kept_or_used_is_said_before_anybody_is_asked_for_anything() {
    type Change = fn(&mut Scene);
    let cases: [(&str, Change, Code); 3] = [
        (
            "the file cannot be written",
            |s| s.machine.vouches_full.store(true, Ordering::SeqCst),
            Code::VouchNotKept,
        ),
        (
            "there is no room",
            |s| {
                let person = leaf_key(&login("jiro"));
                let one = CountedVouch { person, at: UnixTime(T0), untold: None };
                let counted = List::new(vec![one; MAX_COUNTED]).unwrap();
                s.machine.vouches.lock().unwrap().counted = counted;
            },
            Code::VouchNotKept,
        ),
        (
            "wrong codes were typed here",
            |s| {
                let mut notes = s.machine.notes.lock().unwrap();
                (notes.wrong, notes.last) = (9, UnixTime(T0));
            },
            Code::PassWait,
        ),
    ];
    for (what, change, code) in cases {
        for name in ["hanako", "ghost"] {
            let mut scene = scene(&TYPED);
            scene.login = login_as(name);
            change(&mut scene);
            let seen = refused_of(scene);
            assert_eq!(seen.code(), code.number(), "{what}, {name}");
            assert_eq!(seen.person.questions.len(), 1, "{what}, {name}");
            assert!(!seen.key.iter().any(|one| matches!(one, KeyRequest::HashCode(_))));
        }
    }
}

/// It would show that there is such a person, and that somebody vouched for them.
#[test]
fn that_there_were_too_many_words_is_told_after_pin_and_touch_only() {
    let scene = scene(&TYPED);
    for _ in 0..3 {
        assert!(scene.machine.vouches.lock().unwrap().add(kept(&vouch()), UnixTime(T0)));
    }
    let seen = refused_of(scene);
    assert_eq!((seen.code(), seen.pin_sent()), (Code::VouchTooOften.number(), true));
}

#[test]
fn a_public_key_that_is_not_the_code_s_is_found_out_by_another_key_process() {
    let mut scene = scene(&["0", CHOSEN, CHOSEN]);
    let asked = Arc::new(Mutex::new(Vec::new()));
    let its = Arc::clone(&asked);
    scene.key_instead(move |number, request| match request {
        KeyRequest::HashCode(_) => {
            its.lock().unwrap().push(number);
            vec![Act::Say(KeyReply::KeyOfCode(signing(5).public()))]
        }
        KeyRequest::SignByCode(request) => {
            its.lock().unwrap().push(number);
            let signature = signature_by_code(CHOSEN_SEED, request.client_data.as_slice());
            vec![Act::Say(KeyReply::SignedByCode(signature))]
        }
        _ => vec![],
    });
    let seen = refused_of(scene);
    assert_eq!(seen.code(), Code::ProtocolError.number());
    assert_eq!(seen.person.questions.len(), 3, "the colleague is not asked for");
    let asked = asked.lock().unwrap();
    assert!(matches!(asked[..], [first, second] if first != second), "{asked:?}");
}

/// Else the code would hold for hours, with nobody there who knows that it does.
#[test]
fn what_the_first_login_by_it_fails_for_takes_the_word_back_and_it_counts() {
    let mut scene = scene(&TYPED);
    scene.agent_instead(|_, request| match request {
        AgentRequest::Outcome(outcome)
            if matches!(outcome.result, LoginResult::SuccessByVouch(..)) =>
        {
            vec![Act::Say(refused(Code::StateUnavailable))]
        }
        _ => vec![],
    });
    let book = Arc::clone(&scene.machine.vouches);
    let seen = scene.run();
    assert_eq!(seen.code(), Code::StateUnavailable.number());
    assert!(!seen.person.infos.iter().any(|told| told.contains("8 hours")), "nothing holds");
    let book = book.lock().unwrap();
    let hanako = login("hanako");
    assert!(book.kept.is_empty());
    assert_eq!((book.count(&hanako, UnixTime(T0)), book.untold(&hanako)), (1, vec![login("taro")]));
}

/// A record of its own, beside that of the login, which stands.
#[test]
fn a_word_that_could_not_be_ended_is_told_to_the_agent() {
    let mut scene = Scene::of(&with(|_| {}));
    scene.agent.script = agent(&with(|_| {}));
    assert!(scene.machine.vouches.lock().unwrap().add(kept(&vouch()), UnixTime(T0)));
    scene.machine.vouches_full.store(true, Ordering::SeqCst);
    scene.machine.marks_forget = true;
    let seen = scene.run();
    assert_eq!(seen.code(), 0);
    let outcomes = seen.outcomes();
    let [success, marks, vouch] = outcomes[..] else { panic!("{outcomes:?}") };
    assert!(matches!(success.result, LoginResult::Success(_)));
    let failed = |result: &LoginResult| match result {
        LoginResult::Failure(failure) => failure.code,
        other => panic!("{other:?}"),
    };
    assert_eq!(failed(&marks.result), Code::MarksNotRaised);
    assert_eq!(failed(&vouch.result), Code::VouchNotEnded);
    let ids: Vec<EventId> = outcomes.iter().map(|outcome| outcome.attempt).collect();
    assert!(ids[0] != ids[1] && ids[1] != ids[2] && ids[0] != ids[2], "one event each");
    assert_eq!(vouch.person, Some(login("hanako")));
    assert!(seen.journal.iter().any(|line| line.contains("WK-1585")), "{:?}", seen.journal);
}
