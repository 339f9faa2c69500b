//! The publish key was stolen: what opens nothing any more once this machine has seen the new root
//! document.

use wardkey_core::code::Code;
use wardkey_core::codec::List;
use wardkey_core::document::SignedRoot;
use wardkey_core::message::agent::{Reply as AgentReply, Request as AgentRequest};
use wardkey_core::snapshot::Evidence;
use wardkey_testkit::{Deployment, next_root, next_root_key};

use super::scene::*;
use super::taken_over::shown;

const STOLEN: u8 = 101;
const NEW: u8 = 111;

fn evidence(deployment: &Deployment, later: &[&SignedRoot], by: u8) -> Evidence {
    let deployment = Deployment { publish_seed: by, ..deployment.clone() };
    let mut evidence = deployment.evidence("hanako");
    let roots = [deployment.signed_root()].into_iter().chain(later.iter().copied().cloned());
    evidence.roots = List::new(roots.collect()).unwrap();
    evidence
}

#[test]
fn after_one_login_under_the_new_root_document_the_stolen_key_opens_nothing() {
    let deployment = Deployment::new();
    let (_, replaced) = next_root(&deployment.root, 100, &[NEW]);
    let honest = evidence(&deployment, &[&replaced], NEW);
    let mut scene = Scene::of(&deployment);
    scene.agent_instead(move |_, request| match request {
        AgentRequest::Begin(_) => {
            vec![Act::Say(AgentReply::Granted(Box::new(grant_of(honest.clone()))))]
        }
        _ => vec![],
    });
    let seen = scene.run();
    assert!(seen.result.is_ok(), "{:?}", seen.result);
    assert_eq!(seen.marks.root_version, 2);

    // An agent in the thief's hands, with everything that the stolen key can sign.
    for (what, evidence, code) in [
        ("under the root document of before", evidence(&deployment, &[], STOLEN), Code::Rollback),
        ("under the new one", evidence(&deployment, &[&replaced], STOLEN), Code::TerminalInvalid),
    ] {
        let refused = shown(evidence, &seen.marks);
        assert_eq!((refused.code(), refused.pin_sent()), (code.number(), false), "{what}");
        assert!(refused.key.is_empty() && refused.person.questions.is_empty(), "{what}");
        assert_eq!(refused.marks, seen.marks, "{what}");
    }
}

#[test]
fn after_one_login_under_the_new_root_key_the_old_one_opens_nothing() {
    let deployment = Deployment::new();
    let (_, exchanged) = next_root_key(&deployment.root, 100, 120);
    let honest = evidence(&deployment, &[&exchanged], STOLEN);
    let mut scene = Scene::of(&deployment);
    scene.agent_instead(move |_, request| match request {
        AgentRequest::Begin(_) => {
            vec![Act::Say(AgentReply::Granted(Box::new(grant_of(honest.clone()))))]
        }
        _ => vec![],
    });
    let seen = scene.run();
    assert!(seen.result.is_ok(), "{:?}", seen.result);
    assert_eq!(seen.marks.root_key, Some(wardkey_testkit::signing(120).public()));

    // An agent in the hands of whoever has the old root key, which is still the anchor's.
    let (fork, forged) = next_root_key(&deployment.root, 100, 66);
    let (longer, more) = next_root(&fork, 66, &[STOLEN]);
    let (_, most) = next_root(&longer, 66, &[STOLEN]);
    for (what, later, code) in [
        ("the same length", vec![&forged], Code::RootInvalid),
        ("longer", vec![&forged, &more, &most], Code::RootInvalid),
        ("of before", vec![], Code::Rollback),
    ] {
        let refused = shown(evidence(&deployment, &later, STOLEN), &seen.marks);
        assert_eq!((refused.code(), refused.pin_sent()), (code.number(), false), "{what}");
        assert!(refused.key.is_empty() && refused.person.questions.is_empty(), "{what}");
        assert_eq!(refused.marks, seen.marks, "{what}");
    }
}
