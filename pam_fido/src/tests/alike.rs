//! What must look the same from outside: names that nobody has, keys of somebody else.

use wardkey_core::code::Code;
use wardkey_core::codec::List;
use wardkey_core::message::agent::Reply as AgentReply;
use wardkey_core::message::key::Request as KeyRequest;
use wardkey_core::person::Status;

use super::scene::*;
use crate::typed_name::TypedName;
use wardkey_testkit::{Deployment, T0};

use super::faults::*;

/// A key process at which the key of credential 2 is plugged, nobody's of whom is asked for.
fn with_another_key(change: Change) -> Seen {
    let mut scene = Scene::new();
    scene.key.script = key_with(2);
    change(&mut scene);
    scene.run()
}

#[test]
fn unknown_names_and_others_keys_look_the_same() {
    /// All that a person, a device and the record learn, but for the made-up ids.
    fn looks(change: Change) -> impl PartialEq + std::fmt::Debug {
        let seen = with_another_key(change);
        let asked: Vec<_> = seen
            .key
            .iter()
            .map(|request| match request {
                KeyRequest::Identify(identify) => {
                    let lengths: Vec<usize> =
                        identify.allow.iter().map(|id| id.as_slice().len()).collect();
                    (
                        identify.rp_id.clone(),
                        lengths,
                        identify.client_data.as_slice().len(),
                        identify.every,
                    )
                }
                other => panic!("nothing else is asked: {other:?}"),
            })
            .collect();
        let outcome = seen.outcomes()[0];
        let told =
            (seen.person.questions.clone(), seen.person.infos.clone(), seen.person.errors.clone());
        let recorded = (
            outcome.person.clone(),
            outcome.proof.clone(),
            outcome.suspects.clone(),
            outcome.result.clone(),
        );
        (told, asked, recorded, seen.pam() as i32)
    }
    let known = looks(|_| {});
    let others: [(&str, Change); 5] = [
        ("unknown", |s| ghost(s, "ghost")),
        ("no name", |s| ghost(s, "-x")),
        ("no account", |s| {
            s.login.name = TypedName::of("hanako", Some("NSS knows no such account"))
        }),
        ("disabled", |s| shows(s, |d| d.hanako().status = Status::Disabled)),
        ("offline for long", |s| s.machine = FakeMachine::at(T0 + 5 * 86_400)),
    ];
    for (what, other) in others {
        assert_eq!(format!("{:?}", looks(other)), format!("{known:?}"), "{what}");
    }
}

/// A name that nobody has, for which the agent makes up ids as it should: of a person's shape.
fn ghost(scene: &mut Scene, name: &str) {
    scene.login = login_as(name);
    let shown = scene.login.name.login_name().map_or("_", |name| name.as_str()).to_owned();
    let decoy = wardkey_core::id::CredentialId::new(vec![0xdd; 32]).unwrap();
    let grant = wardkey_core::message::agent::Grant {
        decoys: Some(List::new(vec![decoy]).unwrap()),
        ..grant_of(Deployment::new().evidence(&shown))
    };
    at_begin(scene, vec![Act::Say(AgentReply::Granted(Box::new(grant)))]);
}

#[test]
fn the_person_without_an_account_here_is_told_so_once_the_key_proved_who_it_is() {
    let mut scene = Scene::new();
    scene.login.name = TypedName::of("hanako", Some("NSS knows no such account"));
    let seen = scene.run();
    assert_eq!(
        (seen.code(), seen.person.questions.len()),
        (Code::KeyAndNameDoNotMatch.number(), 0)
    );
    assert_eq!(seen.outcomes()[0].person, Some(wardkey_testkit::login("hanako")));
}
