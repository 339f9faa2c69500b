//! Without the key: the code of a pass. Who is offered to type one, and who gets in.

use std::sync::Arc;

use pam::constants::PamResultCode;

use wardkey_core::code::{Notice, Prompt};
use wardkey_core::codec::List;
use wardkey_core::message::agent::{LoginResult, Reply as AgentReply, Request as AgentRequest};
use wardkey_core::message::key::{Reply as KeyReply, Request as KeyRequest};
use wardkey_core::name::Language;
use wardkey_core::pass::PassCode;
use wardkey_core::texts;
use zeroize::Zeroizing;

use super::scene::*;
use crate::talk::Answer;
use wardkey_testkit::{CODE, CODE_SEED, Deployment, pass, service, signature_by_code};

pub fn typed(text: &str) -> Answer {
    Answer::Typed(Zeroizing::new(text.into()))
}

/// An agent that takes codes.
pub fn agent(deployment: &Deployment) -> AgentScript {
    let honest = honest_agent(deployment);
    Arc::new(move |number, request| {
        let mut acts = honest(number, request);
        for act in &mut acts {
            if let Act::Say(AgentReply::Granted(grant)) = act {
                grant.takes_codes = Some(true);
            }
        }
        acts
    })
}

/// A key process at which no key is plugged, and which hashes as one does.
fn no_key() -> KeyScript {
    Arc::new(|_, request| match request {
        KeyRequest::Identify(_) => vec![Act::Say(KeyReply::Insert)],
        KeyRequest::SignByCode(request) => {
            let right = request.code == PassCode::read(CODE).unwrap();
            let seed = if right && request.salt == pass(1).salt { CODE_SEED } else { 1 };
            let signature = signature_by_code(seed, request.client_data.as_slice());
            vec![Act::Say(KeyReply::SignedByCode(signature))]
        }
        other => panic!("no key is asked: {other:?}"),
    })
}

/// hanako at a terminal without her key.
pub fn scene_of(deployment: &Deployment, code: &str) -> Scene {
    let mut scene = Scene::of(deployment);
    scene.agent.script = agent(deployment);
    scene.key.script = no_key();
    scene.person = Person::answers(typed(code));
    scene
}

pub fn scene(code: &str) -> Scene {
    scene_of(&Deployment::with_pass(), code)
}

pub fn with(change: impl FnOnce(&mut Deployment)) -> Deployment {
    let mut deployment = Deployment::with_pass();
    change(&mut deployment);
    deployment.refresh();
    deployment
}

/// The text console of Linux has no Japanese letters, whoever typed the code.
#[test]
fn who_is_let_in_at_a_text_console_is_told_in_letters_that_it_has() {
    for (console, language) in [(true, Language::En), (false, Language::Ja)] {
        let mut scene = scene(CODE);
        scene.login.at_text_console = console;
        let seen = scene.run();
        assert_eq!(seen.pam(), PamResultCode::PAM_SUCCESS);
        let told = texts::message(Notice::PassUsed, language, &[("hours", "8")]);
        assert!(seen.person.infos.contains(&told), "{:?}", seen.person.infos);
    }
}

#[test]
fn the_right_code_lets_in_and_the_agent_gets_a_signature_only() {
    for code in [CODE, "abcdefghjk", " ａｂｃｄｅ－ｆｇｈｊｋ "] {
        let seen = scene(code).run();
        let admitted = seen.result.as_ref().unwrap();
        assert_eq!((admitted.person.as_str(), admitted.key), ("hanako", None), "{code}");
        assert_eq!(
            seen.person.questions,
            [texts::message(Prompt::PassPrompt, Language::En, &[])],
            "one question, in the language of the terminal"
        );
        assert_eq!(
            seen.person.infos,
            [
                texts::message(Prompt::InsertKey, Language::En, &[]),
                texts::message(Notice::PassUsed, Language::Ja, &[("hours", "8")]),
            ]
        );
        let outcomes = seen.outcomes();
        let [outcome] = outcomes[..] else { panic!() };
        let LoginResult::SuccessByCode(signed) = &outcome.result else { panic!("{outcome:?}") };
        signed.verify(&pass(1)).unwrap();
        assert!(outcome.person.is_none() && outcome.proof.is_none());
        let held = seen.agent.iter().position(|request| *request == AgentRequest::Hold).unwrap();
        let begun = seen.agent.iter().rposition(|one| matches!(one, AgentRequest::Begin(_)));
        assert!(begun.unwrap() < held, "evidence is fresh when the code is judged");
    }
}

#[test]
fn a_key_that_comes_in_time_is_asked_for_its_pin_and_no_code_is() {
    let mut scene = scene(PIN);
    scene.key_instead(|_, request| match request {
        KeyRequest::Identify(_) => {
            vec![Act::Say(KeyReply::Insert), Act::Sleep(100), Act::Say(identified(request, 1))]
        }
        KeyRequest::Assert(_) => key_with(1)(0, request),
        _ => vec![],
    });
    let seen = scene.run();
    assert_eq!(seen.result.as_ref().unwrap().key, Some(fingerprint(1)));
    assert_eq!(seen.person.questions.len(), 1);
}

#[test]
fn enter_looks_for_the_key_again() {
    let mut scene = scene("");
    scene.person.answers.push_back(typed(PIN));
    scene.key_instead(|connection, request| match request {
        KeyRequest::Identify(_) if connection > 0 => vec![Act::Say(identified(request, 1))],
        KeyRequest::Assert(_) => key_with(1)(0, request),
        _ => vec![],
    });
    let seen = scene.run();
    assert_eq!(seen.result.as_ref().unwrap().key, Some(fingerprint(1)));
    assert_eq!(seen.person.questions[0], texts::message(Prompt::PassPrompt, Language::En, &[]));
}

#[test]
fn the_question_comes_for_every_name_or_for_none() {
    type Change = fn(&mut Scene);
    let anybody: [(&str, Change); 4] = [
        ("somebody with a pass", |_| {}),
        ("somebody without one", |s| {
            s.agent.script = agent(&with(|d| d.hanako().pass = None));
        }),
        ("a name that nobody has", |s| s.login = login_as("ghost")),
        ("no name", |s| s.login = login_as("-x")),
    ];
    for (who, change) in anybody {
        let mut scene = scene(CODE);
        change(&mut scene);
        assert_eq!(scene.run().person.questions.len(), 1, "{who}");
    }

    let nobody: [(&str, Change); 7] = [
        ("no scope allows it", |s| {
            s.agent.script = agent(&with(|d| d.scopes[1].1.pass_seconds = None))
        }),
        ("sudo, whatever the policy calls it", |s| {
            s.agent.script = agent(&with(|d| d.scopes[1].1.elevating_services = List::default()));
            s.login.service = service("sudo");
        }),
        ("a service that raises privilege", |s| {
            let services = List::new(vec![service("login")]).unwrap();
            s.agent.script = agent(&with(|d| d.scopes[0].1.elevating_services = services));
        }),
        ("a service for which a scope refuses it", |s| {
            let services = List::new(vec![service("login")]).unwrap();
            s.agent.script = agent(&with(|d| d.scopes[0].1.pass_except = Some(services)));
        }),
        ("a program that is not root's", |s| s.machine.is_root = false),
        ("an agent from before", |s| s.agent.script = honest_agent(&Deployment::with_pass())),
        ("a remote session", |s| s.login.remote = true),
    ];
    for (what, change) in nobody {
        let mut scene = scene(CODE);
        scene.timeouts = SHORT;
        change(&mut scene);
        let seen = scene.run();
        assert!(seen.person.questions.is_empty(), "{what}");
        assert!(seen.result.is_err(), "{what}");
    }
}
