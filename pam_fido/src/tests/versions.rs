//! An agent or key process of another version, in the middle of an upgrade: the login works or is
//! refused by code.

use wardkey_core::code::Code;
use wardkey_core::codec::to_message;
use wardkey_core::message::agent::{Refusal, Reply as AgentReply, Request as AgentRequest};
use wardkey_core::message::key::{Reply as KeyReply, Request as KeyRequest};

use super::scene::*;
use wardkey_testkit::Deployment;

/// The frame of a message whose only field is a map, with one more entry in the map.
fn newer<T: minicbor::Encode<()>>(message: &T) -> Vec<u8> {
    let mut bytes = to_message(message);
    assert_eq!((bytes[0], bytes[2], bytes[3] & 0xf0), (0x82, 0x81, 0xa0), "[variant, [{{..}}]]");
    bytes[3] += 1;
    bytes.extend([0x18, 99, 0x63, b'n', b'e', b'w']);
    frame(&bytes)
}

fn frame(body: &[u8]) -> Vec<u8> {
    [&u32::try_from(body.len()).unwrap().to_be_bytes()[..], body].concat()
}

/// A kind of reply that this version does not know.
const UNKNOWN_KIND: [u8; 4] = [0x82, 0x18, 99, 0x80];

#[test]
fn what_a_newer_agent_and_key_process_say_beside_is_passed_over() {
    let deployment = Deployment::new();
    let mut scene = Scene::of(&deployment);
    let granted = newer(&granted(&deployment, "hanako"));
    scene.agent_instead(move |_, request| match request {
        AgentRequest::Begin(_) => vec![Act::Bytes(granted.clone())],
        _ => vec![],
    });
    scene.key_instead(|_, request| match request {
        KeyRequest::Identify(_) => vec![Act::Bytes(newer(&identified(request, 1)))],
        _ => vec![],
    });
    let seen = scene.run();
    assert!(seen.result.is_ok(), "{:?}", seen.result);
}

#[test]
fn an_older_agent_refuses_by_code_and_so_does_what_is_not_understood() {
    let refusal =
        |code| Refusal { code, detail: Some("protocol".into()), retry_after: None, record: None };
    let mut of_the_future = newer(&AgentReply::Refused(refusal(Code::LockedOut)));
    // Its code is 65000, two bytes after the key 0 of the map.
    let at = of_the_future.windows(2).position(|two| two == [0x00, 0x19]).unwrap();
    of_the_future[at + 2..at + 4].copy_from_slice(&65_000_u16.to_be_bytes());
    for (what, act, code) in [
        ("older", Act::Say(AgentReply::Refused(refusal(Code::ProtocolError))), Code::ProtocolError),
        ("newer, a kind of reply", Act::Bytes(frame(&UNKNOWN_KIND)), Code::ProtocolError),
        (
            "newer, a field",
            Act::Bytes(newer(&AgentReply::Refused(refusal(Code::NotSynced)))),
            Code::NotSynced,
        ),
        ("newer, a code", Act::Bytes(of_the_future), Code::Internal),
    ] {
        let mut scene = Scene::new();
        scene.agent_instead(move |_, request| match request {
            AgentRequest::Begin(_) => vec![act.clone()],
            _ => vec![],
        });
        let seen = scene.run();
        assert_eq!(
            (seen.code(), seen.pin_sent()),
            (code.number(), false),
            "{what}: {:?}",
            seen.result
        );
    }
    for (what, act) in [
        ("older", Act::Say(failed(Code::ProtocolError, None))),
        ("newer", Act::<KeyReply>::Bytes(frame(&UNKNOWN_KIND))),
    ] {
        let mut scene = Scene::new();
        scene.key_instead(move |_, request| match request {
            KeyRequest::Identify(_) => vec![act.clone()],
            _ => vec![],
        });
        let seen = scene.run();
        assert_eq!(
            (seen.code(), seen.pin_sent()),
            (Code::ProtocolError.number(), false),
            "{what}: {:?}",
            seen.result
        );
    }
}
