//! What can go wrong in a scene: one change each.

use std::time::Duration;

use wardkey_core::code::{Code, Prompt};
use wardkey_core::codec::{List, to_message};
use wardkey_core::message::agent::{Grant, Reply as AgentReply, Request as AgentRequest};
use wardkey_core::message::key::{KeyDetails, Reply as KeyReply, Request as KeyRequest};
use wardkey_core::person::Status;
use zeroize::Zeroizing;

use super::scene::*;
use crate::talk::Answer;
use wardkey_testkit::Deployment;

pub type Change = fn(&mut Scene);

/// The key process answers Assert by this failure.
pub fn key_fails(scene: &mut Scene, code: Code, tries: Option<u8>) {
    scene.key_instead(move |_, request| match request {
        KeyRequest::Assert(_) => vec![Act::Say(KeyReply::Touch), Act::Say(failed(code, tries))],
        _ => vec![],
    });
}

/// A frame with a refusal whose code is a question, which no type of ours can say.
pub fn asking<R: minicbor::Encode<()>>(refusal: fn(Code) -> R) -> Act<R> {
    let mut message = to_message(&refusal(Code::PinWrong));
    let [high, low] = Code::PinWrong.number().to_be_bytes();
    let at = message.windows(2).position(|two| two == [high, low]).unwrap();
    message.splice(at..at + 2, Prompt::PinPrompt.number().to_be_bytes());
    let length = u32::try_from(message.len()).unwrap().to_be_bytes();
    Act::Bytes([&length, message.as_slice()].concat())
}

pub fn at_begin(scene: &mut Scene, acts: Vec<Act<AgentReply>>) {
    scene.agent_instead(move |_, request| match request {
        AgentRequest::Begin(_) => acts.clone(),
        _ => vec![],
    });
}

pub fn at_hold(scene: &mut Scene, acts: Vec<Act<AgentReply>>) {
    scene.agent_instead(move |_, request| match request {
        AgentRequest::Hold => acts.clone(),
        _ => vec![],
    });
}

pub fn at_outcome(scene: &mut Scene, acts: Vec<Act<AgentReply>>) {
    scene.agent_instead(move |_, request| match request {
        AgentRequest::Outcome(_) => acts.clone(),
        _ => vec![],
    });
}

pub fn at_identify(scene: &mut Scene, acts: Vec<Act<KeyReply>>) {
    scene.key_instead(move |_, request| match request {
        KeyRequest::Identify(_) => acts.clone(),
        _ => vec![],
    });
}

pub fn at_assert(scene: &mut Scene, acts: Vec<Act<KeyReply>>) {
    scene.key_instead(move |_, request| match request {
        KeyRequest::Assert(_) => acts.clone(),
        _ => vec![],
    });
}

pub fn shows(scene: &mut Scene, change: fn(&mut Deployment)) {
    let mut deployment = Deployment::new();
    change(&mut deployment);
    deployment.refresh();
    scene.agent_shows(&deployment);
}

pub fn details(scene: &mut Scene, change: fn(&mut KeyDetails)) {
    scene.key_instead(move |_, request| match request {
        KeyRequest::Identify(_) => {
            let KeyReply::Identified(mut reply) = identified(request, 1) else { unreachable!() };
            change(reply.key.details.as_mut().unwrap());
            vec![Act::Say(KeyReply::Identified(reply))]
        }
        _ => vec![],
    });
}

/// The key of `seed` claims credential `id`.
pub fn claimed(scene: &mut Scene, seed: u8, id: u8) {
    scene.key_instead(move |_, request| match request {
        KeyRequest::Identify(_) => vec![Act::Say(claims(request, seed, id))],
        _ => vec![],
    });
}

/// The key process is one of before proofs.
pub fn proves_nothing(scene: &mut Scene) {
    scene.key_instead(|_, request| match request {
        KeyRequest::Identify(_) => {
            let KeyReply::Identified(mut reply) = identified(request, 1) else { unreachable!() };
            reply.proof = None;
            vec![Act::Say(KeyReply::Identified(reply))]
        }
        _ => vec![],
    });
}

/// The agent lets the login begin, and shows nothing for the name.
pub fn grants_nothing(scene: &mut Scene) {
    let grant = Grant {
        evidence: None,
        candidates: List::default(),
        locked: None,
        decoys: None,
        more: None,
        answers_time: None,
        changes_pins: None,
        takes_vouches: None,
        breaks_glass: None,
        takes_codes: None,
        finds_people: None,
    };
    at_begin(scene, vec![Act::Say(AgentReply::Granted(Box::new(grant)))]);
}

/// The first of hanako's keys is disabled in the directory.
pub fn first_key_disabled(deployment: &mut Deployment) {
    let mut keys = deployment.hanako().credentials.to_vec();
    keys[0].status = Status::Disabled;
    deployment.hanako().credentials = List::new(keys).unwrap();
}

/// The agent says that credential `id` is locked out.
pub fn locked(scene: &mut Scene, id: u8) {
    let credential = wardkey_core::id::CredentialId::new(vec![id; 32]).unwrap();
    let locked =
        List::new(vec![wardkey_core::message::agent::Locked { credential, seconds: u64::MAX }])
            .unwrap();
    let grant = Grant { locked: Some(locked), ..grant_of(Deployment::new().evidence("hanako")) };
    at_begin(scene, vec![Act::Say(AgentReply::Granted(Box::new(grant)))]);
}

/// Nothing comes of this request in the time in which something has to.
pub fn silent<R>(scene: &mut Scene, at: fn(&mut Scene, Vec<Act<R>>)) {
    scene.timeouts = SHORT;
    at(scene, vec![Act::Sleep(60_000)]);
}

/// The person answers after the question has timed out.
pub fn answers_late(scene: &mut Scene) {
    scene.person.thinks = Duration::from_millis(60);
    scene.settings.prompt_wait = Some(Duration::from_millis(30));
}

pub fn types(scene: &mut Scene, text: &str) {
    scene.person = Person::answers(Answer::Typed(Zeroizing::new(text.into())));
}
