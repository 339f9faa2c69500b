//! A login with a key that lets nobody in before its PIN is changed: both in one go, or a refusal.

use std::sync::{Arc, Mutex};

use wardkey_core::code::{Code, Notice, Prompt};
use wardkey_core::codec::List;
use wardkey_core::message::agent::{LoginResult, Request as AgentRequest};
use wardkey_core::message::key::{Reply as KeyReply, Request as KeyRequest};
use wardkey_core::name::Language;
use wardkey_core::person::{PersonRecord, Status};
use wardkey_core::texts;
use wardkey_testkit::{Deployment, Key};

use super::change_pin::{NEW, answers_of, pins_sent};
use super::faults::{at_begin, at_identify, details};
use super::scene::*;
use crate::talk::Answer;

/// A key that is plugged in.
struct Plugged {
    /// Its credential, whose key has the same number.
    id: u8,
    pin: String,
    must_change: bool,
}

/// Whether the key says afterwards that all is well.
#[derive(Clone, Copy, PartialEq)]
enum After {
    /// The same key.
    Content,
    /// The same key, which wants another PIN all the same.
    Discontent,
    /// The person's other key, whose PIN was never changed.
    Other,
}

/// `hanako`, who has two keys, the first of which wants another PIN.
fn scene(answers: &[&str], after: After) -> Scene {
    let mut deployment = Deployment::new();
    let keys = [Key::es256(1).record(1), Key::es256(3).record(3)];
    deployment.hanako().credentials = List::new(keys.to_vec()).unwrap();
    deployment.refresh();
    let mut scene = Scene::of(&deployment);
    scene.person.answers = answers_of(answers);

    let key = Plugged { id: 1, pin: PIN.to_owned(), must_change: true };
    let key = Mutex::new(key);
    scene.key.script = Arc::new(move |_, request| {
        let mut key = key.lock().unwrap();
        let reply = match request {
            KeyRequest::Identify(_) => {
                let KeyReply::Identified(mut reply) = identified(request, key.id) else {
                    unreachable!()
                };
                reply.key.details.as_mut().unwrap().pin_must_change = key.must_change;
                KeyReply::Identified(reply)
            }
            KeyRequest::ChangePinOf(change) if change.old.expose() == key.pin => {
                key.pin = change.new.expose().to_owned();
                key.must_change = after == After::Discontent;
                if after == After::Other {
                    *key = Plugged { id: 3, pin: PIN.to_owned(), must_change: false };
                }
                KeyReply::Done
            }
            KeyRequest::Assert(assert) if assert.pin.expose() == key.pin => {
                signature(key.id, key.id, assert.client_data.as_slice(), 0x05)
            }
            KeyRequest::ChangePinOf(_) | KeyRequest::Assert(_) => failed(Code::PinWrong, Some(7)),
            other => panic!("the module never asks {other:?}"),
        };
        vec![Act::Say(reply)]
    });
    scene
}

fn text(code: impl Into<wardkey_core::code::AnyCode>) -> String {
    texts::message(code, Language::Ja, &[])
}

/// What the agent heard, a word for each.
fn heard(seen: &Seen) -> Vec<String> {
    let word = |request: &AgentRequest| match request {
        AgentRequest::Begin(begin) if begin.changes_pin == Some(true) => "begin-change".into(),
        AgentRequest::Begin(_) => "begin".into(),
        AgentRequest::Hold => "hold".into(),
        AgentRequest::PinChange { .. } => "pin-change".into(),
        AgentRequest::Outcome(outcome) => match &outcome.result {
            LoginResult::Success(_) => "success".into(),
            LoginResult::PinChanged => "changed".into(),
            LoginResult::Failure(failure) => format!("{}", failure.code),
            other => panic!("nobody logs in by a code: {other:?}"),
        },
        other => panic!("{other:?}"),
    };
    seen.agent.iter().map(word).collect()
}

/// The PINs that left for the key process with a request to sign.
fn signed_with(seen: &Seen) -> Vec<&str> {
    let mut pins = Vec::new();
    for request in &seen.key {
        if let KeyRequest::Assert(assert) = request {
            pins.push(assert.pin.expose());
        }
    }
    pins
}

#[test]
fn three_answers_change_the_pin_and_log_in() {
    let seen = scene(&[PIN, NEW, NEW], After::Content).run();
    assert!(seen.result.is_ok(), "{:?}", seen.result);
    let name = [("name", "Demo Hanako")];
    assert_eq!(
        seen.person.questions,
        [
            texts::message(Prompt::PinOldPrompt, Language::Ja, &name),
            texts::message(Prompt::PinNewPrompt, Language::Ja, &[("least", "4")]),
            text(Prompt::PinAgainPrompt),
        ]
    );
    // The first is said before the question, and no refusal is.
    assert_eq!(seen.person.infos, [text(Notice::PinChangeFirst), text(Notice::PinChanged)]);
    assert!(seen.person.errors.is_empty() && seen.journal.is_empty(), "{:?}", seen.journal);
    // Each is on record: that the key asked for it, that it was changed, who was let in.
    assert_eq!(
        heard(&seen),
        [
            "begin",
            "WK-1207",
            "begin-change",
            "hold",
            "pin-change",
            "changed",
            "begin",
            "hold",
            "success"
        ]
    );
    assert_eq!(signed_with(&seen), [NEW]);
}

#[test]
fn the_new_pin_goes_to_the_key_that_has_it_and_to_no_other() {
    // The person's other key is plugged in meanwhile: its own PIN is asked for.
    let seen = scene(&[PIN, NEW, NEW, PIN], After::Other).run();
    assert!(seen.result.is_ok(), "{:?}", seen.result);
    assert_eq!(seen.person.questions.len(), 4);
    assert_eq!(signed_with(&seen), [PIN]);
}

#[test]
fn a_key_that_is_not_content_with_it_lets_nobody_in_and_is_not_asked_for_ever() {
    let seen = scene(&[PIN, NEW, NEW], After::Discontent).run();
    assert_eq!((seen.code(), seen.person.questions.len()), (Code::PinMustChange.number(), 3));
    assert_eq!(seen.person.errors, [texts::with_code(Code::PinMustChange, Language::Ja, &[])]);
    assert!(!seen.pin_sent());
    assert_eq!(heard(&seen).last().unwrap(), "WK-1207");
}

#[test]
fn what_goes_wrong_with_the_change_lets_nobody_in() {
    // (what is typed, why)
    let cases: [(&[&str], Code); 4] = [
        (&["000000", NEW, NEW], Code::PinWrong),
        (&["", NEW, NEW], Code::PinEmpty),
        (&[PIN, "1", "2", "3"], Code::PinLength),
        (&[PIN, NEW, "246800", NEW, "246800", NEW, "246800"], Code::PinsDiffer),
    ];
    for (typed, code) in cases {
        let seen = scene(typed, After::Content).run();
        assert_eq!(seen.code(), code.number(), "{typed:?}");
        assert!(!seen.pin_sent(), "{typed:?}");
        assert!(!heard(&seen).contains(&"success".to_owned()), "{typed:?}");
    }
    let mut left = scene(&[PIN, NEW], After::Content);
    left.person.answers.push_back(Answer::None);
    let left = left.run();
    assert_eq!((left.code(), pins_sent(&left)), (Code::Cancelled.number(), false));
}

#[test]
fn where_it_cannot_be_changed_it_is_said_and_nothing_is_asked() {
    type Change = fn(&mut Scene);
    let cases: [(&str, Change); 4] = [
        ("not root's", |s| s.machine.is_root = false),
        ("an application that shows no notices", |s| s.person.silent = true),
        ("a greeter with pages", |s| s.person.pages = Some([].into())),
        ("an older agent", |s| {
            let grant = grant_of(Deployment::new().evidence("hanako"));
            at_begin(s, vec![Act::Say(wardkey_core::message::agent::Reply::Granted(grant.into()))]);
        }),
    ];
    for (what, change) in cases {
        let mut scene = Scene::new();
        scene.person.answers.clear();
        details(&mut scene, |details| details.pin_must_change = true);
        change(&mut scene);
        let seen = scene.run();
        let is_older = what == "an older agent";
        let code = if is_older { Code::ProtocolError } else { Code::PinMustChange };
        assert_eq!((seen.code(), seen.person.questions.len()), (code.number(), 0), "{what}");
        assert!(!seen.pin_sent() && !pins_sent(&seen), "{what}");
        assert_eq!(seen.person.errors.len(), 1, "{what}");
    }
}

#[test]
fn a_key_that_does_not_prove_whose_it_is_gets_no_pin() {
    let mut scene = Scene::new();
    scene.person.answers.clear();
    at_identify(
        &mut scene,
        vec![
            Act::Say(KeyReply::Unregistered(Code::PinMustChange)),
            Act::Say(failed(Code::PinMustChange, None)),
        ],
    );
    let seen = scene.run();
    assert_eq!((seen.code(), seen.person.questions.len()), (Code::PinMustChange.number(), 0));
    // At once, and once more at the end.
    let said = texts::with_code(Code::PinMustChange, Language::En, &[]);
    assert_eq!((seen.person.infos.len(), &seen.person.errors[..]), (1, &[said][..]));
    assert_eq!(seen.key.len(), 1, "{:?}", seen.key);
}

#[test]
fn a_person_who_may_not_log_in_changes_no_pin() {
    type Change = fn(&mut PersonRecord);
    let cases: [(Change, Code); 2] = [
        (|person| person.status = Status::Disabled, Code::PersonDisabled),
        (
            |person| {
                let mut keys = person.credentials.to_vec();
                keys[0].status = Status::Disabled;
                person.credentials = List::new(keys).unwrap();
            },
            Code::CredentialDisabled,
        ),
    ];
    for (change, code) in cases {
        let mut deployment = Deployment::new();
        change(deployment.hanako());
        deployment.refresh();
        let mut scene = scene(&[], After::Content);
        scene.agent_shows(&deployment);
        let seen = scene.run();
        assert_eq!((seen.code(), seen.person.questions.len()), (code.number(), 0));
        assert!(!pins_sent(&seen) && !seen.pin_sent());
    }
}
