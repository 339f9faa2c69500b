//! The login of a name that a key has said.

use std::time::{Duration, Instant};

use wardkey_core::code::Code;
use wardkey_core::message::agent::LoginResult;
use wardkey_core::message::key::{Reply as KeyReply, Request as KeyRequest};
use wardkey_core::name::Language;
use wardkey_core::person::Status;
use wardkey_core::texts;
use wardkey_testkit::{Deployment, login};

use super::scene::*;

/// The login of the name that hanako's key said.
fn by_her_key(deployment: &Deployment) -> Scene {
    let mut scene = Scene::of(deployment);
    scene.login.by_key = true;
    scene
}

#[test]
fn the_login_of_that_name_is_like_every_other_one() {
    let seen = by_her_key(&Deployment::new()).run();
    assert_eq!(seen.result.as_ref().map(|admitted| admitted.person.clone()), Ok(login("hanako")));
    assert_eq!(seen.person.questions, [texts::pin_prompt(Language::Ja, Some("Demo Hanako"), None)]);
    let asserted = seen.key.iter().filter(|it| matches!(it, KeyRequest::Assert(_))).count();
    assert_eq!(asserted, 1, "one PIN, one touch");

    // Disabled: told to whoever has the key, without a question.
    let mut disabled = Deployment::new();
    disabled.hanako().status = Status::Disabled;
    disabled.refresh();
    let mut scene = by_her_key(&disabled);
    scene.person = Person::default();
    let seen = scene.run();
    assert_eq!((seen.code(), seen.pin_sent()), (Code::PersonDisabled.number(), false));
}

#[test]
fn a_key_that_went_after_it_said_the_name_ends_that_login_soon() {
    // Nothing is there any more, or another person's key.
    for other in [false, true] {
        let mut scene = by_her_key(&Deployment::new());
        scene.person = Person::default();
        scene.settings.key_wait = Duration::from_secs(60);
        scene.timeouts = SHORT;
        scene.key_instead(move |_, _| {
            let there = KeyReply::Unregistered(Code::KeyNotRegistered);
            vec![Act::Say(if other { there } else { KeyReply::Insert })]
        });
        let begun = Instant::now();
        let seen = scene.run();
        assert_eq!((seen.code(), seen.pin_sent()), (Code::KeyRemoved.number(), false));
        assert!(begun.elapsed() < Duration::from_secs(30), "{:?}", begun.elapsed());
        assert_eq!(seen.outcomes()[0].person, None, "nothing is proven");
    }
}

#[test]
fn whom_the_application_names_meanwhile_is_not_taken_for_whom_the_key_named() {
    // While the question for the PIN stands, and while the key waits for the touch.
    for (shown, pin_sent) in [(1, false), (2, true)] {
        let mut scene = by_her_key(&Deployment::new());
        scene.person.named_after = Some(shown);
        let seen = scene.run();
        assert_eq!((seen.code(), seen.pin_sent()), (Code::Internal.number(), pin_sent));
        let LoginResult::Failure(failure) = &seen.outcomes()[0].result else { panic!("{shown}") };
        assert_eq!((failure.code, seen.outcomes().len()), (Code::Internal, 1), "no success");
        assert!(seen.marks.seen.is_empty(), "nobody was let in");
    }
    // A name that was typed is the application's, of course.
    let mut typed = Scene::new();
    typed.person.named_after = Some(0);
    assert!(typed.run().result.is_ok());
}
