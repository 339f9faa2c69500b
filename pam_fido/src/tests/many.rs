//! Shared accounts that more people use than one message names.

use wardkey_core::code::{Code, Notice};
use wardkey_core::codec::List;
use wardkey_core::id::{CredentialId, EventId, Hash};
use wardkey_core::message::agent::{
    Candidate, CandidatePage, Candidates, Grant, Reply as AgentReply, Request as AgentRequest,
};
use wardkey_core::message::key::{Reply as KeyReply, Request as KeyRequest};
use wardkey_core::name::Language;
use wardkey_core::texts;

use super::scene::*;
use wardkey_testkit::{Deployment, login};

fn candidate(person: &str, id: u8) -> Candidate {
    Candidate { person: login(person), credential: CredentialId::new(vec![id; 32]).unwrap() }
}

fn page(candidates: Vec<Candidate>, more: Option<u8>) -> Candidates {
    Candidates { candidates: List::new(candidates).unwrap(), more: more.map(place) }
}

fn place(number: u8) -> CandidatePage {
    CandidatePage { unseen: true, after: Hash::new([number; 32]) }
}

/// A shared account whose agent answers the request for each place so; the first page has one
/// stranger.
fn scene_of(
    further: impl Fn(CandidatePage) -> Vec<Act<AgentReply>> + Send + Sync + 'static,
) -> Scene {
    let mut deployment = Deployment::new();
    deployment.share("ward3", &["nurses"]);
    let mut scene = Scene::of(&deployment);
    scene.login = login_as("ward3");
    let evidence = deployment.evidence("ward3");
    scene.agent_instead(move |_, request| match request {
        AgentRequest::Begin(_) => {
            let candidates = List::new(vec![candidate("stranger", 9)]).unwrap();
            let grant = Grant { candidates, more: Some(place(1)), ..grant_of(evidence.clone()) };
            vec![Act::Say(AgentReply::Granted(Box::new(grant)))]
        }
        AgentRequest::Candidates(place) => further(*place),
        _ => vec![],
    });
    scene
}

/// A key process whose one key is hanako's.
fn with_key_of_hanako(scene: &mut Scene) {
    let asked = std::sync::Mutex::new(None);
    scene.key_instead(move |_, request| match request {
        KeyRequest::Identify(identify) => {
            assert_eq!((identify.more, identify.allow.len()), (Some(true), 1));
            *asked.lock().unwrap() = Some(request.clone());
            vec![Act::Say(KeyReply::NoneYet)]
        }
        KeyRequest::AskFurther { allow, more } => {
            let is_there = allow.iter().any(|id| id.as_slice() == [1; 32]);
            let answer = match (is_there, more) {
                (true, _) => claims(asked.lock().unwrap().as_ref().unwrap(), 1, 1),
                (false, true) => KeyReply::NoneYet,
                (false, false) => failed(Code::KeyAndNameDoNotMatch, None),
            };
            vec![Act::Say(answer)]
        }
        _ => vec![],
    });
}

fn says(page: Candidates) -> Vec<Act<AgentReply>> {
    vec![Act::Say(AgentReply::Candidates(Box::new(page)))]
}

#[test]
fn who_stands_on_a_later_page_logs_in() {
    let mut scene = scene_of(|at| match at.after.as_bytes()[0] {
        1 => says(page((10..14).map(|id| candidate("stranger", id)).collect(), Some(2))),
        2 => says(page(vec![candidate("hanako", 1)], None)),
        other => panic!("{other}"),
    });
    with_key_of_hanako(&mut scene);
    let seen = scene.run();
    assert_eq!(seen.result.as_ref().map(|admitted| admitted.person.clone()), Ok(login("hanako")));
    let asked =
        seen.agent.iter().filter(|request| matches!(request, AgentRequest::Candidates(_))).count();
    assert_eq!((asked, seen.person.questions.len()), (2, 1));
}

#[test]
fn who_stands_on_a_later_page_may_think_for_long() {
    let mut scene = scene_of(|at| match at.after.as_bytes()[0] {
        1 => says(page(vec![candidate("hanako", 1)], None)),
        other => panic!("{other}"),
    });
    with_key_of_hanako(&mut scene);
    let first = std::sync::Arc::clone(&scene.key.script);
    scene.key.script = std::sync::Arc::new(move |number, request| match request {
        // Looked at again after the answer: this key and no other.
        KeyRequest::Identify(identify) if identify.more.is_none() => {
            assert_eq!(identify.allow.iter().map(|id| id.as_slice()[0]).collect::<Vec<_>>(), [1]);
            vec![Act::Say(identified(request, 1))]
        }
        _ => first(number, request),
    });
    scene.person.sleeps = Some((std::sync::Arc::clone(&scene.machine.clock), 3_600));
    let seen = scene.run();
    assert_eq!(seen.result.as_ref().map(|admitted| admitted.person.clone()), Ok(login("hanako")));
    let [outcome] = seen.outcomes()[..] else { panic!("{:?}", seen.outcomes()) };
    assert!(outcome.suspects.is_none(), "{:?}", outcome.suspects);
    assert_eq!(seen.person.questions.len(), 1);
}

#[test]
fn who_stands_on_no_page_is_refused_without_a_question() {
    let mut scene = scene_of(|_| says(page(vec![candidate("stranger", 10)], None)));
    with_key_of_hanako(&mut scene);
    let seen = scene.run();
    assert_eq!(seen.code(), Code::KeyAndNameDoNotMatch.number());
    assert!(seen.person.questions.is_empty() && !seen.pin_sent());
    assert_eq!(seen.outcomes()[0].person, None);
}

#[test]
fn an_agent_that_names_candidates_without_end_is_not_followed() {
    // Full pages, each of which promises another one; then empty ones.
    for full in [true, false] {
        let mut scene = scene_of(move |_| {
            let count = if full { 512 } else { 0 };
            says(page(vec![candidate("stranger", 10); count], Some(1)))
        });
        with_key_of_hanako(&mut scene);
        let seen = scene.run();
        assert_eq!(seen.code(), Code::KeyAndNameDoNotMatch.number(), "full {full}");
        let asked = seen
            .agent
            .iter()
            .filter(|request| matches!(request, AgentRequest::Candidates(_)))
            .count();
        assert_eq!(asked, if full { 64 } else { 1 });
        let told = texts::message(Notice::KeySearching, Language::En, &[]);
        let notices = seen.person.infos.iter().filter(|info| **info == told).count();
        assert_eq!(notices, usize::from(full), "said once, where it takes long");
    }
}

#[test]
fn a_page_that_was_not_asked_for_or_does_not_come_refuses() {
    // (what the agent says when a page is asked for, and the code)
    type Answer = fn() -> Vec<Act<AgentReply>>;
    let cases: [(Answer, Code); 3] = [
        (|| vec![Act::Say(refused(Code::StateUnavailable))], Code::StateUnavailable),
        (|| vec![Act::Say(AgentReply::Recorded(EventId::new([0; 16]), None))], Code::ProtocolError),
        (Vec::new, Code::AgentUnreachable),
    ];
    for (answer, code) in cases {
        let mut scene = scene_of(move |_| answer());
        with_key_of_hanako(&mut scene);
        let seen = scene.run();
        assert_eq!((seen.code(), seen.pin_sent()), (code.number(), false));
    }

    // The key process wants further ones where there are none; the agent says a page as its first
    // word.
    let mut scene = Scene::new();
    scene.key_instead(|_, request| match request {
        KeyRequest::Identify(identify) => {
            assert_eq!(identify.more, None);
            vec![Act::Say(KeyReply::NoneYet)]
        }
        _ => vec![],
    });
    assert_eq!(scene.run().code(), Code::ProtocolError.number());
    let mut scene = Scene::new();
    scene.agent_instead(|_, request| match request {
        AgentRequest::Begin(_) => says(page(vec![candidate("hanako", 1)], None)),
        _ => vec![],
    });
    assert_eq!(scene.run().code(), Code::ProtocolError.number());
}
