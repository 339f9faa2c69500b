//! What can go wrong in a scene: one change each.

use wardkey_core::code::{Code, Prompt};
use wardkey_core::codec::{List, to_message};
use wardkey_core::message::agent::{Reply as AgentReply, Request as AgentRequest};
use wardkey_core::message::key::{KeyDetails, Reply as KeyReply, Request as KeyRequest};
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

/// As a key process of before proofs answers.
pub fn without_proof(request: &KeyRequest) -> KeyReply {
    let KeyReply::Identified(reply) = identified(request, 1) else { unreachable!() };
    KeyReply::Identified(wardkey_core::message::key::Identified { proof: None, ..reply })
}

/// The agent says that credential `id` is locked out.
pub fn locked(scene: &mut Scene, id: u8) {
    let credential = wardkey_core::id::CredentialId::new(vec![id; 32]).unwrap();
    let locked =
        List::new(vec![wardkey_core::message::agent::Locked { credential, seconds: u64::MAX }])
            .unwrap();
    let grant = wardkey_core::message::agent::Grant {
        locked: Some(locked),
        ..grant_of(Deployment::new().evidence("hanako"))
    };
    at_begin(scene, vec![Act::Say(AgentReply::Granted(Box::new(grant)))]);
}

pub fn types(scene: &mut Scene, text: &str) {
    scene.person = Person::answers(Answer::Typed(Zeroizing::new(text.into())));
}
