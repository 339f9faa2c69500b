//! A change of PIN from the moment at which the key is asked: which key, and what is known of it.

use wardkey_core::code::Code;
use wardkey_core::codec::List;
use wardkey_core::message::agent::{LoginResult, Reply as AgentReply, Request as AgentRequest};
use wardkey_core::message::key::{Claim, KeyInfo, Reply as KeyReply, Request as KeyRequest};
use wardkey_testkit::{Deployment, Key};

use super::change_pin::{NEW, pins_sent, run, scene};
use super::scene::*;

#[test]
fn what_is_said_of_a_change_that_did_not_come_to_its_end() {
    let said = |code| vec![Act::Say(failed(code, None))];
    let cases: [(&str, Vec<Act<KeyReply>>, Code); 10] = [
        // The change left, and nobody says what became of it.
        ("hangs up", vec![Act::HangUp], Code::PinChangeUnknown),
        ("silent", vec![Act::Sleep(60_000)], Code::PinChangeUnknown),
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
        if what == "silent" {
            scene.settings.touch_wait = std::time::Duration::from_millis(100);
            scene.timeouts = SHORT;
        }
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
        ("silent", vec![Act::Sleep(60_000)], Code::AgentUnreachable),
    ];
    for (what, acts, code) in cases {
        let mut scene = scene(&[PIN, NEW, NEW]);
        if what == "silent" {
            scene.timeouts = SHORT;
        }
        scene.agent_instead(move |_, request| match request {
            AgentRequest::PinChange { .. } => acts.clone(),
            _ => vec![],
        });
        let seen = run(scene);
        assert_eq!((seen.code(), pins_sent(&seen)), (code.number(), false), "{what}");
    }
}

/// A second device proves itself beside her key 1, by another credential of hers or by the same.
fn second_device(scene: &mut Scene, id: u8) {
    let mut deployment = Deployment::new();
    let keys = [1, 7].map(|id| Key::es256(id).record(id));
    deployment.hanako().credentials = List::new(keys.to_vec()).unwrap();
    deployment.refresh();
    scene.agent_shows(&deployment);
    scene.key_instead(move |_, request| match request {
        KeyRequest::Identify(identify) => {
            assert!(identify.every, "all that are plugged in");
            let KeyReply::Identified(mut first) = identified(request, 1) else { unreachable!() };
            let KeyReply::Identified(second) = identified(request, id) else { unreachable!() };
            let key = KeyInfo { path: "/dev/hidraw1".into(), ..second.key };
            let claim = Claim { key, proof: second.proof.unwrap() };
            first.others = Some(List::new(vec![claim]).unwrap());
            vec![Act::Say(KeyReply::Identified(first))]
        }
        // As a device that lies would.
        KeyRequest::Touch { .. } => vec![Act::Say(KeyReply::Done)],
        _ => vec![],
    });
}

#[test]
fn beside_another_device_that_proved_itself_no_pin_is_asked_for() {
    // Another key of hers, or one that passes on what hers has signed.
    for id in [7, 1] {
        let mut scene = scene(&[PIN, NEW, NEW]);
        second_device(&mut scene, id);
        let seen = run(scene);
        assert_eq!((seen.code(), pins_sent(&seen)), (Code::SeveralKeys.number(), false));
        assert!(seen.person.questions.is_empty(), "{id}");
    }
}
