//! A greeter with pages of its own (GNOME 51).

use std::collections::VecDeque;

use pam::constants::PamResultCode;
use wardkey_core::message::key::{Reply as KeyReply, Request as KeyRequest};
use zeroize::Zeroizing;

use super::scene::*;
use crate::talk::Answer;

fn with_pages(answers: impl Into<VecDeque<Answer>>) -> Scene {
    let mut scene = Scene::new();
    scene.person.pages = Some(answers.into());
    scene
}

/// No key is there.
fn absent(scene: &mut Scene) {
    scene.key_instead(|_, request| match request {
        KeyRequest::Identify(_) => vec![Act::Say(KeyReply::Insert)],
        _ => vec![],
    });
    scene.person.answers.clear();
}

#[test]
fn with_a_key_no_page_to_insert_one_is_shown() {
    let seen = with_pages([]).run();
    assert_eq!(seen.code(), 0);
    assert!(seen.person.insert_pages.is_empty());
    assert_eq!(seen.person.questions.len(), 1);
    assert_eq!(seen.person.touches.len(), 1);
}

#[test]
fn the_page_to_insert_a_key_stays_and_leaving_it_is_no_failure_that_counts() {
    let mut scene = with_pages([Answer::None]);
    absent(&mut scene);
    let seen = scene.run();
    assert_eq!((seen.code(), seen.pam()), (1211, PamResultCode::PAM_AUTH_ERR));
    assert_eq!(seen.person.insert_pages, ["Please insert your security key."]);
    assert!(seen.person.infos.is_empty() && seen.person.questions.is_empty());
    assert!(!seen.pin_sent() && !seen.result.unwrap_err().counts());
}

#[test]
fn a_key_of_nobody_is_named_on_the_page() {
    let mut scene = with_pages([Answer::None]);
    scene.person.answers.clear();
    scene.key = Peer::new(std::sync::Arc::new(|_, _| nobodys()));
    let seen = scene.run();
    assert_eq!(seen.code(), 1211);
    assert_eq!(seen.person.insert_pages.len(), 1);
    assert!(
        seen.person.insert_pages[0].contains("not registered"),
        "{:?}",
        seen.person.insert_pages
    );
}

#[test]
fn an_answer_that_cannot_be_read_sends_the_greeter_to_its_other_service() {
    for answer in
        [Answer::NotUnderstood, Answer::NotText, Answer::Typed(Zeroizing::new(PIN.into()))]
    {
        let mut scene = with_pages([answer]);
        absent(&mut scene);
        let seen = scene.run();
        assert_eq!((seen.code(), seen.pam()), (1680, PamResultCode::PAM_AUTHINFO_UNAVAIL));
        assert!(!seen.pin_sent());
    }
    let mut scene = with_pages([]);
    scene.person.answers = [Answer::NotUnderstood].into();
    let seen = scene.run();
    assert_eq!((seen.code(), seen.pam()), (1680, PamResultCode::PAM_AUTHINFO_UNAVAIL));
    assert!(!seen.pin_sent() && !seen.result.unwrap_err().counts());
}

#[test]
fn where_somebody_without_a_key_may_type_a_code_no_page_stands_in_the_way() {
    let mut scene = super::passes::scene(wardkey_testkit::CODE);
    scene.person.pages = Some(VecDeque::new());
    let seen = scene.run();
    assert_eq!(seen.code(), 0, "{:?}", seen.result);
    assert!(seen.person.insert_pages.is_empty() && !seen.person.infos.is_empty());
}
