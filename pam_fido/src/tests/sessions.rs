//! The session phase: what the agent is told, and that nothing of it refuses anybody.

use wardkey_core::code::Code;
use wardkey_core::message::agent::Request as AgentRequest;
use wardkey_testkit::login;

use super::scene::*;
use crate::login::Admitted;
use crate::session::Phase;

/// Hanako, let in.
fn admitted() -> Admitted {
    Scene::new().run().result.unwrap()
}

#[test]
fn the_agent_is_told_whose_session_begins_and_that_it_ends() {
    let admitted = admitted();
    let (told, heard) = Scene::new().tell_session(&admitted, Phase::Open);
    told.unwrap();
    let [AgentRequest::SessionOpen(open)] = &heard[..] else { panic!("{heard:?}") };
    assert_eq!((&open.account, &open.person), (&login("hanako"), &login("hanako")));
    assert_eq!((open.key, open.login), (Some(fingerprint(1)), admitted.login));
    assert_eq!((open.service.as_str(), open.tty.as_deref()), ("login", Some("tty1")));

    let (told, heard) = Scene::new().tell_session(&admitted, Phase::Close);
    told.unwrap();
    assert_eq!(heard, [AgentRequest::SessionClose(login("hanako"))]);
}

#[test]
fn an_agent_that_is_restarted_meanwhile_is_told_on_a_new_connection() {
    let admitted = admitted();
    let mut scene = Scene::new();
    scene.agent_instead(|number, _| if number == 0 { vec![Act::HangUp] } else { vec![] });
    let (told, heard) = scene.tell_session(&admitted, Phase::Open);
    told.unwrap();
    assert_eq!(heard.len(), 2);
}

#[test]
fn what_is_not_recorded_is_an_error_for_the_log_with_its_reason() {
    let admitted = admitted();
    for (what, act) in [
        ("hangs up", Act::HangUp),
        ("is older", Act::Say(refused(Code::ProtocolError))),
        ("answers something else", Act::Say(wardkey_core::message::agent::Reply::Held)),
    ] {
        let mut scene = Scene::new();
        scene.agent_instead(move |_, _| vec![act.clone()]);
        let (told, _) = scene.tell_session(&admitted, Phase::Open);
        let refusal = told.unwrap_err();
        assert_eq!(refusal.code, Code::SessionNotRecorded, "{what}");
        assert!(!refusal.detail.is_empty(), "{what}");
    }
}
