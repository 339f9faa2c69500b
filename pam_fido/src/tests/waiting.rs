//! What is waited for, and how long a question may stand.

use std::time::{Duration, Instant};

use pam::constants::PamResultCode::PAM_SUCCESS;
use wardkey_core::code::{Code, Prompt};
use wardkey_core::message::agent::{Reply as AgentReply, Request as AgentRequest};
use wardkey_core::message::key::{Reply as KeyReply, Request as KeyRequest};
use wardkey_core::name::Language;
use wardkey_core::texts;
use zeroize::Zeroizing;

use super::faults::*;
use super::scene::*;
use crate::talk::Answer;

#[test]
fn a_wrong_pin_says_how_many_tries_are_left_in_the_persons_language() {
    let mut scene = Scene::new();
    types(&mut scene, "000000");
    let seen = scene.run();
    assert_eq!(
        seen.person.errors,
        [texts::with_code(Code::PinWrong, Language::Ja, &[("tries", "7")])]
    );
    let mut scene = Scene::new();
    at_begin(&mut scene, vec![Act::Say(refused(Code::LockedOut))]);
    assert_eq!(
        scene.run().person.errors,
        [texts::with_code(Code::LockedOut, Language::En, &[("seconds", "30")])]
    );
}

/// An application that shows no notices (sudo) is asked a question, or nothing is waited for.
#[test]
fn where_notices_are_not_shown_the_wait_for_a_key_is_a_question() {
    let typed = |text: &str| Answer::Typed(Zeroizing::new(text.to_owned()));
    let insert = texts::message(Prompt::InsertThenEnter, Language::En, &[]);
    let wait = texts::message(Prompt::WaitThenEnter, Language::En, &[]);
    let scene = |answers: Vec<Answer>| {
        let mut scene = Scene::new();
        scene.settings.language = Language::En;
        scene.person.silent = true;
        scene.person.answers = answers.into();
        scene
    };

    // The key was inserted before Enter. What was typed there is no PIN and goes nowhere.
    let mut inserted = scene(vec![typed("999999"), typed(PIN)]);
    inserted.key_instead(|_, request| match request {
        KeyRequest::Identify(_) => {
            vec![Act::Say(KeyReply::Insert), Act::Say(identified(request, 1))]
        }
        _ => vec![],
    });
    let seen = inserted.run();
    assert!(seen.result.is_ok(), "{:?}", seen.result);
    assert_eq!(seen.person.questions.len(), 2);
    assert_eq!(seen.person.questions[0], insert);

    // It was not: the rest of the wait, in which nothing can be shown, is short.
    let mut never = scene(vec![typed("")]);
    at_identify(&mut never, vec![Act::Say(KeyReply::Insert), Act::Sleep(60_000)]);
    never.timeouts = SHORT;
    never.settings.key_wait = Duration::from_secs(60);
    let began = Instant::now();
    let refusal = never.run().result.unwrap_err();
    assert_eq!(refusal.code, Code::KeyTimeout);
    assert!(began.elapsed() < Duration::from_secs(30), "{:?}", began.elapsed());

    // Nobody can be asked (sudo -n): nothing is waited for.
    let mut nobody = scene(vec![Answer::None]);
    at_identify(&mut nobody, vec![Act::Say(KeyReply::Insert), Act::Sleep(60_000)]);
    nobody.settings.key_wait = Duration::from_secs(60);
    let began = Instant::now();
    let seen = nobody.run();
    assert_eq!(seen.result.unwrap_err().code, Code::Cancelled);
    assert!(began.elapsed() < Duration::from_secs(30), "{:?}", began.elapsed());
    assert_eq!(seen.person.questions, [insert]);

    // The same where another login has the key.
    let mut busy = scene(vec![Answer::None]);
    at_begin(&mut busy, vec![Act::Say(AgentReply::Wait), Act::Sleep(60_000)]);
    let seen = busy.run();
    assert_eq!(seen.result.unwrap_err().code, Code::Cancelled);
    assert_eq!(seen.person.questions, [wait]);
}

#[test]
fn a_question_that_stood_through_a_suspend_is_old() {
    let mut scene = Scene::new();
    scene.person.sleeps = Some((std::sync::Arc::clone(&scene.machine.clock), 3_600));
    let seen = scene.run();
    assert_eq!(seen.pam(), PAM_SUCCESS);
    let begun =
        seen.agent.iter().filter(|request| matches!(request, AgentRequest::Begin(_))).count();
    assert_eq!(
        (begun, seen.person.questions.len()),
        (2, 1),
        "everything is looked at again, nothing is asked again"
    );
}

#[test]
fn an_answer_that_came_after_a_suspend_is_too_late_where_answers_have_a_limit() {
    let mut scene = Scene::new();
    scene.settings.prompt_wait = Some(Duration::from_secs(60));
    scene.person.sleeps = Some((std::sync::Arc::clone(&scene.machine.clock), 3_600));
    let seen = scene.run();
    assert_eq!((seen.code(), seen.pin_sent()), (Code::TooLate.number(), false));
}
