//! A change of PIN from the moment at which the key is asked: which key, and what is known of it.

use wardkey_core::code::{Code, Prompt};
use wardkey_core::codec::List;
use wardkey_core::message::agent::{LoginResult, Reply as AgentReply, Request as AgentRequest};
use wardkey_core::message::key::{Claim, KeyInfo, Reply as KeyReply, Request as KeyRequest};
use wardkey_core::name::Language;
use wardkey_core::texts;
use wardkey_testkit::{Deployment, Key};

use super::change_pin::{NEW, pins_sent, run, scene};
use super::scene::*;

#[test]
fn what_is_said_of_a_change_that_did_not_come_to_its_end() {
    let said = |code| vec![Act::Say(failed(code, None))];
    let cases: [(&str, Vec<Act<KeyReply>>, Code); 10] = [
        // The change left, and nobody says what became of it.
        ("hangs up", vec![Act::HangUp], Code::PinChangeUnknown),
        ("silent", vec![Act::Sleep(9000)], Code::PinChangeUnknown),
        ("no sense", vec![Act::Bytes(vec![0xff; 64])], Code::PinChangeUnknown),
        ("asks for a key", vec![Act::Say(KeyReply::Insert)], Code::PinChangeUnknown),
        ("signs", vec![Act::Say(signature(1, 1, b"", 0x05))], Code::PinChangeUnknown),
        // The key process knows: the key had the change, or it had not.
        ("does not know", said(Code::PinChangeUnknown), Code::PinChangeUnknown),
        ("pulled out before", said(Code::KeyRemoved), Code::KeyRemoved),
        ("busy", said(Code::KeyInUse), Code::KeyInUse),
        ("an older one", said(Code::ProtocolError), Code::ProtocolError),
        ("its rules", said(Code::PinPolicy), Code::PinPolicy),
    ];
    for (what, acts, code) in cases {
        let mut scene = scene(&[PIN, NEW, NEW]);
        scene.settings.touch_wait = std::time::Duration::from_millis(100);
        scene.key_instead(move |_, request| match request {
            KeyRequest::ChangePinOf(_) => acts.clone(),
            _ => vec![],
        });
        let seen = run(scene);
        assert_eq!(seen.code(), code.number(), "{what}: {:?}", seen.result);
        let LoginResult::Failure(failure) = &seen.outcomes()[0].result else { panic!("{what}") };
        assert_eq!(failure.code, code, "{what}");
    }
}

#[test]
fn a_key_is_asked_only_when_the_agent_knows_that_it_is() {
    let cases: [(&str, Vec<Act<AgentReply>>, Code); 4] = [
        ("refuses", vec![Act::Say(refused(Code::StateUnavailable))], Code::StateUnavailable),
        ("hangs up", vec![Act::HangUp], Code::AgentUnreachable),
        ("gave the key away", vec![Act::Say(AgentReply::Wait)], Code::KeyInUse),
        ("silent", vec![Act::Sleep(2000)], Code::AgentUnreachable),
    ];
    for (what, acts, code) in cases {
        let mut scene = scene(&[PIN, NEW, NEW]);
        scene.agent_instead(move |_, request| match request {
            AgentRequest::PinChange { .. } => acts.clone(),
            _ => vec![],
        });
        let seen = run(scene);
        assert_eq!((seen.code(), pins_sent(&seen)), (code.number(), false), "{what}");
    }
}

/// Two of her keys are plugged in, 1 and 7; what the key processes do that each gets, by the
/// number of the connection (1 and 2).
fn two_keys(
    alone: impl Fn(usize, &KeyRequest) -> Vec<Act<KeyReply>> + Send + Sync + 'static,
) -> Scene {
    let mut deployment = Deployment::new();
    let keys = [1, 7].map(|id| Key::es256(id).record(id));
    deployment.hanako().credentials = List::new(keys.to_vec()).unwrap();
    deployment.refresh();
    let mut scene = scene(&[PIN, NEW, NEW]);
    scene.agent_shows(&deployment);
    scene.key.script = std::sync::Arc::new(move |number, request| match request {
        KeyRequest::Identify(identify) if number == 0 => {
            assert!(identify.every, "all that are plugged in");
            let KeyReply::Identified(mut first) = identified(request, 1) else { unreachable!() };
            let KeyReply::Identified(second) = identified(request, 7) else { unreachable!() };
            let key = KeyInfo { path: "/dev/hidraw1".into(), ..second.key };
            let claim = Claim { key, proof: second.proof.unwrap() };
            first.others = Some(List::new(vec![claim]).unwrap());
            vec![Act::Say(KeyReply::Identified(first))]
        }
        KeyRequest::ChangePinOf(_) => vec![Act::Say(KeyReply::Done)],
        _ => alone(number, request),
    });
    scene
}

/// The key at the node of that number, from 1 on, proves itself.
fn at_node(request: &KeyRequest, number: usize) -> Vec<Act<KeyReply>> {
    let id = if number == 1 { 1 } else { 7 };
    let KeyReply::Identified(mut reply) = identified(request, id) else { unreachable!() };
    reply.key.path = format!("/dev/hidraw{}", number - 1);
    vec![Act::Say(KeyReply::Identified(reply))]
}

#[test]
fn of_two_keys_of_one_person_the_pin_of_the_one_is_changed_that_is_touched() {
    for touched in [1, 2] {
        let seen = run(two_keys(move |number, request| match request {
            KeyRequest::Identify(_) => at_node(request, number),
            KeyRequest::Touch { .. } if number == touched => {
                vec![Act::Say(KeyReply::Touch), Act::Sleep(50), Act::Say(KeyReply::Done)]
            }
            KeyRequest::Touch { .. } => vec![Act::Say(KeyReply::Touch)],
            other => panic!("{other:?}"),
        }));
        assert!(seen.result.is_ok(), "{:?}", seen.result);
        assert_eq!(seen.person.infos[0], texts::message(Prompt::TouchToChange, Language::En, &[]));
        let changes: Vec<_> = seen
            .key
            .iter()
            .filter_map(|request| match request {
                KeyRequest::ChangePinOf(change) => {
                    Some((change.credential.as_slice()[0], &*change.path))
                }
                _ => None,
            })
            .collect();
        let expected = [(1, "/dev/hidraw0"), (7, "/dev/hidraw1")][touched - 1];
        assert_eq!(changes, [expected], "no other key hears of a PIN");
    }
}

#[test]
fn of_two_keys_of_one_person_none_is_changed_that_nobody_touched() {
    let seen = run(two_keys(|number, request| match request {
        KeyRequest::Identify(_) => at_node(request, number),
        _ => vec![Act::Say(failed(Code::TouchTimeout, None))],
    }));
    assert_eq!((seen.code(), pins_sent(&seen)), (Code::TouchTimeout.number(), false));
    assert!(seen.person.questions.is_empty());
}

#[test]
fn a_device_that_has_her_proof_as_well_is_no_second_key_of_hers() {
    // Both prove the same credential: a relay passes on what the key signed.
    let mut scene = scene(&[PIN, NEW, NEW]);
    scene.key_instead(move |_, request| match request {
        KeyRequest::Identify(_) => {
            let KeyReply::Identified(mut first) = identified(request, 1) else { unreachable!() };
            let key = KeyInfo { path: "/dev/hidraw1".into(), ..first.key.clone() };
            let claim = Claim { key, proof: first.proof.clone().unwrap() };
            first.others = Some(List::new(vec![claim]).unwrap());
            vec![Act::Say(KeyReply::Identified(first))]
        }
        KeyRequest::Touch { .. } => panic!("there is nothing to choose"),
        _ => vec![],
    });
    let seen = run(scene);
    assert!(seen.result.is_ok(), "{:?}", seen.result);
}
