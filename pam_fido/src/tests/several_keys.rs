//! Accounts that several people share, and several keys at once.

use pam::constants::PamResultCode;
use wardkey_core::code::{Code, Prompt};
use wardkey_core::codec::List;
use wardkey_core::message::agent::{
    Candidate, Grant, Reply as AgentReply, Request as AgentRequest,
};
use wardkey_core::message::key::{Reply as KeyReply, Request as KeyRequest};
use wardkey_core::name::Language;
use wardkey_core::person::Status;
use wardkey_core::texts;

use super::scene::*;
use wardkey_testkit::{Deployment, Key, group, login, person};

#[test]
fn a_shared_account_names_the_person() {
    let mut deployment = Deployment::new();
    deployment.share("ward3", &["nurses"]);
    let scene = shared_scene(&deployment, "hanako");
    let seen = scene.run();
    assert_eq!(seen.result.as_ref().unwrap().person, login("hanako"));
    assert!(seen.agent.iter().any(|request| *request == AgentRequest::Prove(login("hanako"))));
    let outcome = seen.outcomes()[0];
    assert_eq!(
        (outcome.login.account.clone(), outcome.person.clone()),
        (Some(login("ward3")), Some(login("hanako")))
    );

    // In another group: told only after the key proved who asks, and no try is spent.
    let mut deployment = Deployment::new();
    deployment.share("ward3", &["surgeons"]);
    let seen = shared_scene(&deployment, "hanako").run();
    assert_eq!((seen.code(), seen.pin_sent()), (Code::NotInSharedGroup.number(), false));
}

#[test]
fn a_wrong_candidate_list_leads_to_nobody() {
    let mut deployment = Deployment::new();
    deployment.share("ward3", &["nurses"]);
    let mut taro = person("taro", 2, &Key::es256(2));
    taro.groups = List::new(vec![group("nurses")]).unwrap();
    deployment.scopes[1].0.people.push(taro);
    deployment.refresh();
    // The agent says that hanako's key is taro's, or that it belongs to somebody who does not
    // exist.
    for named in ["taro", "ghost"] {
        let seen = shared_scene(&deployment, named).run();
        assert_eq!(
            (seen.code(), seen.person.questions.len()),
            (Code::KeyTimeout.number(), 0),
            "{named}"
        );
        assert_eq!(seen.outcomes()[0].person, None, "{named}");
    }
}

/// hanako's and taro's keys are both plugged in at the account that they share; what the key
/// processes do that each key gets, by the number of the connection (1 and 2).
fn two_keys(
    alone: impl Fn(usize, &KeyRequest) -> Vec<Act<KeyReply>> + Send + Sync + 'static,
) -> Scene {
    let mut deployment = Deployment::new();
    deployment.share("ward3", &["nurses"]);
    let mut taro = person("taro", 2, &Key::es256(2));
    taro.groups = List::new(vec![group("nurses")]).unwrap();
    deployment.scopes[1].0.people.push(taro);
    deployment.refresh();
    let mut scene = Scene::of(&deployment);
    scene.login = login_as("ward3");
    let credential = |id| wardkey_core::id::CredentialId::new(vec![id; 32]).unwrap();
    let both = [("hanako", 1), ("taro", 2)]
        .map(|(name, id)| Candidate { person: login(name), credential: credential(id) });
    let grant = Grant {
        candidates: List::new(both.to_vec()).unwrap(),
        ..grant_of(deployment.evidence("ward3"))
    };
    scene.agent_instead(move |_, request| match request {
        AgentRequest::Begin(_) => vec![Act::Say(AgentReply::Granted(Box::new(grant.clone())))],
        _ => vec![],
    });
    scene.key.script = std::sync::Arc::new(move |number, request| match request {
        KeyRequest::Identify(identify) if number == 0 => {
            assert!(identify.every, "all that are plugged in");
            let KeyReply::Identified(mut first) = identified(request, 1) else { unreachable!() };
            let KeyReply::Identified(second) = identified(request, 2) else { unreachable!() };
            let key =
                wardkey_core::message::key::KeyInfo { path: "/dev/hidraw1".into(), ..second.key };
            let claim = wardkey_core::message::key::Claim { key, proof: second.proof.unwrap() };
            first.others = Some(List::new(vec![claim]).unwrap());
            vec![Act::Say(KeyReply::Identified(first))]
        }
        KeyRequest::Assert(assert) => {
            let id = assert.credential.as_slice()[0];
            vec![
                Act::Say(KeyReply::Touch),
                Act::Say(signature(id, id, assert.client_data.as_slice(), 0x05)),
            ]
        }
        _ => alone(number, request),
    });
    scene
}

/// The key of `seed` at the node of that number, from 1 on, claims that credential.
fn claims_at(request: &KeyRequest, seed: Option<u8>, number: usize) -> KeyReply {
    let id = u8::try_from(number).unwrap();
    let KeyReply::Identified(mut reply) = claims(request, seed.unwrap_or(id), id) else {
        unreachable!()
    };
    reply.key.path = format!("/dev/hidraw{}", number - 1);
    KeyReply::Identified(reply)
}

#[test]
fn of_two_keys_of_two_people_the_one_that_is_touched_is_meant() {
    for (touched, name) in [(1, "hanako"), (2, "taro")] {
        let scene = two_keys(move |number, request| match request {
            KeyRequest::Identify(identify) => {
                assert_eq!(identify.allow.len(), 1, "this key and no other");
                vec![Act::Say(claims_at(request, None, number))]
            }
            KeyRequest::Touch { .. } if number == touched => {
                vec![Act::Say(KeyReply::Touch), Act::Sleep(50), Act::Say(KeyReply::Done)]
            }
            KeyRequest::Touch { .. } => vec![Act::Say(KeyReply::Touch)],
            other => panic!("{other:?}"),
        });
        let seen = scene.run();
        assert_eq!(seen.result.as_ref().map(|admitted| admitted.person.clone()), Ok(login(name)));
        assert_eq!(seen.person.infos[0], texts::message(Prompt::TouchToChoose, Language::En, &[]));
        assert_eq!(seen.person.questions.len(), 1);
        let asserted: Vec<_> =
            seen.key.iter().filter(|request| matches!(request, KeyRequest::Assert(_))).collect();
        let [KeyRequest::Assert(assert)] = asserted[..] else { panic!("{asserted:?}") };
        assert_eq!(
            usize::from(assert.credential.as_slice()[0]),
            touched,
            "the PIN goes to the key that was touched"
        );
    }
}

/// taro's key has a sensor, hanako's has none.
#[test]
fn of_two_keys_the_one_that_is_touched_goes_by_its_finger_or_by_its_pin() {
    for (touched, name, fingers, pins) in [(1, "hanako", 0, 1), (2, "taro", 1, 0)] {
        let mut scene = two_keys(move |number, request| match request {
            KeyRequest::Identify(_) => {
                let KeyReply::Identified(mut claim) = claims_at(request, None, number) else {
                    unreachable!()
                };
                claim.key.details.as_mut().unwrap().fingerprint = Some(number == 2);
                vec![Act::Say(KeyReply::Identified(claim))]
            }
            KeyRequest::Touch { .. } if number == touched => vec![Act::Say(KeyReply::Done)],
            KeyRequest::Touch { .. } => vec![Act::Say(KeyReply::Touch)],
            KeyRequest::AssertByFinger(asked) => {
                assert_eq!(
                    (asked.credential.as_slice(), &*asked.path),
                    (&[2; 32][..], "/dev/hidraw1")
                );
                vec![Act::Say(signature(2, 2, asked.client_data.as_slice(), 0x05))]
            }
            other => panic!("{other:?}"),
        });
        scene.person.answers.truncate(pins);
        let seen = scene.run();
        assert_eq!(seen.result.as_ref().map(|admitted| admitted.person.clone()), Ok(login(name)));
        assert_eq!(seen.person.questions.len(), pins, "{name}");
        let by_finger = |request: &&KeyRequest| matches!(request, KeyRequest::AssertByFinger(_));
        assert_eq!(seen.key.iter().filter(by_finger).count(), fingers, "{name}");
        assert_eq!(seen.pin_sent(), pins == 1, "{name}");
    }
}

#[test]
fn a_key_of_the_person_that_cannot_be_used_does_not_keep_the_other_one_out() {
    // The stolen key stands first; it is disabled, or locked out.
    for disabled in [true, false] {
        let mut deployment = Deployment::new();
        let mut stolen = Key::es256(1).record(1);
        stolen.status = if disabled { Status::Disabled } else { Status::Active };
        deployment.hanako().credentials = List::new(vec![stolen, Key::es256(7).record(7)]).unwrap();
        deployment.refresh();
        let scene = |has_other: bool| {
            let mut scene = Scene::of(&deployment);
            let credential = wardkey_core::id::CredentialId::new(vec![1; 32]).unwrap();
            let locked =
                List::new(vec![wardkey_core::message::agent::Locked { credential, seconds: 30 }])
                    .unwrap();
            let grant = Grant {
                locked: (!disabled).then_some(locked),
                ..grant_of(deployment.evidence("hanako"))
            };
            let asked = std::sync::Mutex::new(None);
            scene.agent_instead(move |_, request| match request {
                AgentRequest::Begin(_) => {
                    vec![Act::Say(AgentReply::Granted(Box::new(grant.clone())))]
                }
                _ => vec![],
            });
            scene.key_instead(move |_, request| match request {
                KeyRequest::Identify(_) => {
                    *asked.lock().unwrap() = Some(request.clone());
                    vec![Act::Say(identified(request, 1))]
                }
                KeyRequest::PassOver(_) if has_other => {
                    vec![Act::Say(identified(asked.lock().unwrap().as_ref().unwrap(), 7))]
                }
                KeyRequest::Assert(assert) => {
                    let id = assert.credential.as_slice()[0];
                    vec![
                        Act::Say(KeyReply::Touch),
                        Act::Say(signature(id, id, assert.client_data.as_slice(), 0x05)),
                    ]
                }
                _ => vec![],
            });
            scene
        };
        let seen = scene(true).run();
        assert_eq!(
            seen.result.as_ref().map(|admitted| admitted.key),
            Ok(Some(fingerprint(7))),
            "disabled {disabled}"
        );
        assert!(seen.outcomes()[0].suspects.is_none(), "it is no liar");
        // Alone it is refused at once, by the true cause.
        let seen = scene(false).run();
        let code = if disabled { Code::CredentialDisabled } else { Code::LockedOut };
        assert_eq!((seen.code(), seen.person.questions.len()), (code.number(), 0));
        assert_eq!(seen.outcomes()[0].person, Some(login("hanako")));
    }
}

#[test]
fn a_device_that_claims_what_the_real_key_proves_gets_no_pin() {
    let mut deployment = Deployment::new();
    deployment.share("ward3", &["nurses"]);
    let mut scene = shared_scene(&deployment, "hanako");
    // Both claim hanako's credential; the liar stands first.
    scene.key_instead(|_, request| match request {
        KeyRequest::Identify(_) => {
            let KeyReply::Identified(mut first) = claims(request, 66, 1) else { unreachable!() };
            let KeyReply::Identified(second) = identified(request, 1) else { unreachable!() };
            let key =
                wardkey_core::message::key::KeyInfo { path: "/dev/hidraw1".into(), ..second.key };
            let claim = wardkey_core::message::key::Claim { key, proof: second.proof.unwrap() };
            first.others = Some(List::new(vec![claim]).unwrap());
            vec![Act::Say(KeyReply::Identified(first))]
        }
        _ => vec![],
    });
    let seen = scene.run();
    assert_eq!(seen.pam(), PamResultCode::PAM_SUCCESS, "{:?}", seen.result);
    let asserted: Vec<_> =
        seen.key.iter().filter(|request| matches!(request, KeyRequest::Assert(_))).collect();
    let [KeyRequest::Assert(assert)] = asserted[..] else { panic!("{asserted:?}") };
    assert_eq!(assert.path, "/dev/hidraw1", "the one that proved itself");
    assert_eq!(seen.outcomes()[0].suspects.as_ref().map(|suspects| suspects.len()), Some(1));
}

#[test]
fn of_two_keys_neither_touched_nor_proven_again_none_gets_a_pin() {
    // Nobody touches either.
    let seen = two_keys(|number, request| match request {
        KeyRequest::Identify(_) => vec![Act::Say(claims_at(request, None, number))],
        _ => vec![
            Act::Say(KeyReply::Touch),
            Act::Sleep(100),
            Act::Say(failed(Code::TouchTimeout, None)),
        ],
    })
    .run();
    assert_eq!((seen.code(), seen.person.questions.len()), (Code::TouchTimeout.number(), 0));
    // Between the two looks another device takes the place of each, and is "touched" at once.
    let mut replaced = two_keys(|number, request| match request {
        KeyRequest::Identify(_) => vec![Act::Say(claims_at(request, Some(66), number))],
        KeyRequest::Touch { .. } => vec![Act::Say(KeyReply::Done)],
        _ => vec![],
    });
    replaced.timeouts = SHORT;
    let seen = replaced.run();
    assert!(seen.result.is_err() && !seen.pin_sent() && seen.person.questions.is_empty());
}

fn shared_scene(deployment: &Deployment, named: &str) -> Scene {
    let mut scene = Scene::of(deployment);
    scene.login = login_as("ward3");
    let evidence = deployment.evidence("ward3");
    let credential = wardkey_core::id::CredentialId::new(vec![1; 32]).unwrap();
    let candidates = List::new(vec![Candidate { person: login(named), credential }]).unwrap();
    scene.agent_instead(move |_, request| match request {
        AgentRequest::Begin(_) => {
            let grant = Grant { candidates: candidates.clone(), ..grant_of(evidence.clone()) };
            vec![Act::Say(AgentReply::Granted(Box::new(grant)))]
        }
        _ => vec![],
    });
    scene
}
