//! Devices that are not the person's key, and keys that are swapped at the prompt.

use std::time::Duration;

use pam::constants::PamResultCode::PAM_SUCCESS;
use wardkey_core::code::{Code, Prompt};
use wardkey_core::codec::List;
use wardkey_core::message::key::{Reply as KeyReply, Request as KeyRequest};
use wardkey_core::name::Language;
use wardkey_core::texts;

use super::scene::*;

#[test]
fn a_device_that_proves_nothing_is_passed_over_and_the_real_key_gets_in() {
    // (what the first device says)
    type Lie = fn(&KeyRequest) -> KeyReply;
    let lies: [(&str, Lie); 4] = [
        ("echoes the id that it was asked for", |request| claims(request, 66, 1)),
        ("claims one that was not asked for", |request| claims(request, 66, 66)),
        ("shows an old proof", |_| {
            let before = KeyRequest::Identify(wardkey_core::message::key::Identify {
                rp_id: wardkey_testkit::RP.parse().unwrap(),
                allow: List::default(),
                wait_ms: 0,
                client_data: wardkey_core::codec::Bytes::new(b"a challenge of yesterday".to_vec())
                    .unwrap(),
                every: false,
                more: None,
            });
            identified(&before, 1)
        }),
        ("proves with another credential", |request| {
            let KeyReply::Identified(mut reply) = claims(request, 66, 66) else { unreachable!() };
            let own = wardkey_core::id::CredentialId::new(vec![1; 32]).unwrap();
            reply.proof.as_mut().unwrap().credential = own;
            KeyReply::Identified(reply)
        }),
    ];
    for (what, lie) in lies {
        let mut scene = Scene::new();
        let challenge = std::sync::Mutex::new(None);
        scene.key_instead(move |_, request| match request {
            KeyRequest::Identify(_) => {
                *challenge.lock().unwrap() = Some(request.clone());
                vec![Act::Say(lie(request))]
            }
            KeyRequest::PassOver(paths) => {
                assert_eq!(paths.iter().collect::<Vec<_>>(), ["/dev/hidraw0"], "the one that lied");
                let honest = identified(challenge.lock().unwrap().as_ref().unwrap(), 1);
                vec![Act::Say(KeyReply::Insert), Act::Sleep(50), Act::Say(honest)]
            }
            _ => vec![],
        });
        let seen = scene.run();
        assert_eq!(seen.pam(), PAM_SUCCESS, "{what}: {:?}", seen.result);
        // Before the real key came there was no name, no question and nothing but the call for a
        // key.
        assert_eq!(
            seen.person.infos[0],
            texts::message(Prompt::InsertKey, Language::En, &[]),
            "{what}"
        );
        assert_eq!(seen.person.questions.len(), 1, "{what}");
        let suspects = seen.outcomes()[0].suspects.as_ref().expect("recorded");
        assert_eq!((suspects.len(), suspects[0].name.as_str()), (1, "key"), "{what}");
        assert!(
            seen.journal.iter().any(|line| line.contains("proved nothing")),
            "{what}: {:?}",
            seen.journal
        );
    }
}

#[test]
fn devices_that_lie_without_end_end_the_login_in_time() {
    let mut scene = Scene::new();
    let asked = std::sync::atomic::AtomicUsize::new(0);
    scene.key_instead(move |_, request| match request {
        KeyRequest::Identify(_) => vec![Act::Say(claims(request, 66, 1))],
        // Each time another device says the same; it was never asked, so it cannot have signed.
        KeyRequest::PassOver(_) => {
            let number = asked.fetch_add(1, std::sync::atomic::Ordering::SeqCst);
            let KeyReply::Assertion(proof) = signature(66, 1, b"anything", 0) else {
                unreachable!()
            };
            let key = wardkey_core::message::key::KeyInfo {
                path: format!("/dev/hidraw{number}"),
                ..key_info(8)
            };
            vec![Act::Say(KeyReply::Identified(wardkey_core::message::key::Identified {
                key,
                credential: Some(proof.credential.clone()),
                proof: Some(proof),
                others: None,
                alone: None,
            }))]
        }
        _ => vec![],
    });
    let seen = scene.run();
    assert_eq!((seen.code(), seen.pin_sent()), (Code::KeyFault.number(), false));
    assert_eq!(seen.outcomes()[0].suspects.as_ref().map(|suspects| suspects.len()), Some(4));
}

#[test]
fn swapped_at_the_prompt_another_key_never_gets_the_pin() {
    type Says = fn(&KeyRequest) -> KeyReply;
    let cases: [(&str, Says); 4] = [
        ("another key", |_| KeyReply::Unregistered(Code::KeyNotRegistered)),
        ("a device that claims to be it", |request| claims(request, 66, 1)),
        ("one that claims to be another", |request| claims(request, 7, 7)),
        ("none", |_| KeyReply::Insert),
    ];
    for (what, says) in cases {
        let mut scene = Scene::new();
        if what == "none" {
            scene.timeouts = SHORT;
        }
        scene.person.thinks = Duration::from_millis(150);
        scene.key_instead(move |number, request| match request {
            KeyRequest::Identify(_) if number == 0 => {
                vec![Act::Say(identified(request, 1)), Act::Sleep(50), Act::HangUp]
            }
            KeyRequest::Identify(_) => vec![Act::Say(says(request))],
            _ => vec![],
        });
        let seen = scene.run();
        assert_eq!((seen.code(), seen.pin_sent()), (Code::KeyRemoved.number(), false), "{what}");
    }
    // The key process says that the key went.
    let mut scene = Scene::new();
    scene.person.thinks = Duration::from_millis(150);
    scene.key_instead(|_, request| match request {
        KeyRequest::Identify(_) => {
            vec![
                Act::Say(identified(request, 1)),
                Act::Sleep(50),
                Act::Say(failed(Code::KeyRemoved, None)),
            ]
        }
        _ => vec![],
    });
    let seen = scene.run();
    assert_eq!((seen.code(), seen.pin_sent()), (Code::KeyRemoved.number(), false));
}

#[test]
fn a_key_that_stumbles_when_it_is_looked_at_again_is_not_taken_for_removed() {
    for says in [KeyReply::Insert, KeyReply::Unregistered(Code::KeyCannotIdentify)] {
        let mut scene = Scene::new();
        scene.person.thinks = Duration::from_millis(150);
        scene.key_instead(move |number, request| match request {
            KeyRequest::Identify(_) if number == 0 => {
                vec![Act::Say(identified(request, 1)), Act::Sleep(50), Act::HangUp]
            }
            KeyRequest::Identify(_) => {
                vec![Act::Say(says.clone()), Act::Sleep(100), Act::Say(identified(request, 1))]
            }
            _ => vec![],
        });
        let seen = scene.run();
        assert_eq!(seen.pam(), PAM_SUCCESS, "{:?}", seen.result);
        assert_eq!(seen.person.questions.len(), 1);
    }
}
