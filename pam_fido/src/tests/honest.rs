//! Logins as they should go, and what the person sees.

use std::time::Duration;

use pam::constants::PamResultCode;
use wardkey_core::code::Code;
use wardkey_core::codec::List;
use wardkey_core::directory::leaf_key;
use wardkey_core::message::agent::{Candidate, Grant, LoginResult, Reply as AgentReply, Request as AgentRequest};
use wardkey_core::message::key::{Reply as KeyReply, Request as KeyRequest};
use wardkey_core::name::{Language, ServiceName};
use wardkey_core::person::Status;
use wardkey_core::texts;
use wardkey_core::time::UnixTime;

use super::scene::*;
use crate::typed_name::TypedName;
use wardkey_testkit::{Deployment, Key, T0, group, login, person};

#[test]
fn key_pin_and_touch_let_in_and_raise_the_marks() {
    let seen = Scene::new().run();
    let admitted = seen.result.as_ref().unwrap();
    assert_eq!((admitted.person.as_str(), admitted.key), ("hanako", fingerprint(1)));
    assert_eq!(seen.pam(), PamResultCode::PAM_SUCCESS);
    // One question in the person's language, which says whose key it is; then touch; nothing else.
    assert_eq!(seen.person.questions, [texts::pin_prompt(Language::Ja, Some("Demo Hanako"), None)]);
    assert_eq!(seen.person.infos, [texts::message(Code::TouchNow, Language::Ja, &[])]);
    assert!(seen.person.errors.is_empty() && seen.journal.is_empty());
    assert!(matches!(
        &seen.agent[..],
        [AgentRequest::Begin(_), AgentRequest::Hold, AgentRequest::Outcome(outcome)]
            if matches!(outcome.result, LoginResult::Success(_)) && outcome.person == Some(login("hanako"))
    ));
    assert!(matches!(&seen.key[..], [KeyRequest::Identify(_), KeyRequest::Assert(_)]));
    assert_eq!((seen.marks.root_version, seen.marks.terminal_number, seen.marks.scopes.len()), (1, 1, 2));
    assert_eq!(seen.marks.floor.time, UnixTime(T0 - 60));
    assert!(seen.marks.has_seen(&leaf_key(&login("hanako"))));
}

#[test]
fn the_agent_is_told_who_started_the_application() {
    for invoker in [None, Some(0), Some(2001)] {
        let mut scene = Scene::new();
        scene.login.invoker = invoker;
        let seen = scene.run();
        let [AgentRequest::Begin(begin), _, AgentRequest::Outcome(outcome)] = &seen.agent[..] else { panic!() };
        assert_eq!((begin.invoker, outcome.login.invoker), (invoker, invoker));
    }
}

#[test]
fn lesson_a_key_that_is_plugged_later_needs_no_enter() {
    let mut scene = Scene::new();
    scene.key_instead(|_, request| match request {
        KeyRequest::Identify(_) => {
            vec![
                Act::Say(KeyReply::Insert),
                Act::Sleep(300),
                Act::Say(KeyReply::Insert),
                Act::Say(identified(request, 1)),
            ]
        }
        _ => vec![],
    });
    let seen = scene.run();
    assert_eq!(seen.pam(), PamResultCode::PAM_SUCCESS);
    assert_eq!(seen.person.infos[0], texts::message(Code::InsertKey, Language::En, &[]));
    assert_eq!(seen.person.infos.len(), 2);
}

#[test]
fn fewer_tries_than_all_stand_in_the_question() {
    let mut scene = Scene::new();
    scene.key_instead(|_, request| match request {
        KeyRequest::Identify(_) => {
            let KeyReply::Identified(mut reply) = identified(request, 1) else { unreachable!() };
            reply.key = key_info(3);
            vec![Act::Say(KeyReply::Identified(reply))]
        }
        _ => vec![],
    });
    assert_eq!(scene.run().person.questions, [texts::pin_prompt(Language::Ja, Some("Demo Hanako"), Some(3))]);
}

#[test]
fn another_login_has_the_key_first_and_it_is_let_go_of() {
    let mut scene = Scene::new();
    let deployment = Deployment::new();
    scene.agent_instead(move |_, request| match request {
        AgentRequest::Begin(_) => vec![
            Act::Say(AgentReply::Wait),
            Act::Sleep(200),
            Act::Say(AgentReply::Wait),
            Act::Say(granted(&deployment, "hanako")),
        ],
        _ => vec![],
    });
    let seen = scene.run();
    assert_eq!(seen.pam(), PamResultCode::PAM_SUCCESS);
    assert_eq!(seen.person.infos[0], texts::message(Code::WaitForKey, Language::En, &[]));
    assert_eq!(seen.person.infos.len(), 2);
}

#[test]
fn the_key_goes_to_another_login_while_waiting_and_comes_back() {
    let mut scene = Scene::new();
    let deployment = Deployment::new();
    scene.agent_instead(move |_, request| match request {
        AgentRequest::Begin(_) => vec![
            Act::Say(granted(&deployment, "hanako")),
            Act::Sleep(150),
            Act::Say(AgentReply::Wait),
            Act::Sleep(150),
            Act::Say(granted(&deployment, "hanako")),
        ],
        _ => vec![],
    });
    scene.key_instead(|number, request| match request {
        KeyRequest::Identify(_) if number == 0 => vec![Act::Say(KeyReply::Insert)],
        _ => vec![],
    });
    let seen = scene.run();
    assert_eq!(seen.pam(), PamResultCode::PAM_SUCCESS);
    assert_eq!(seen.key.len(), 3);
    assert_eq!(seen.agent.iter().filter(|request| matches!(request, AgentRequest::Begin(_))).count(), 1);
}

#[test]
fn pre_empted_at_hold_asks_nothing_again() {
    // What the agent answers to the first Hold; a Wait may have crossed it.
    for crossed in [false, true] {
        let mut scene = Scene::new();
        let deployment = Deployment::new();
        let first = std::sync::atomic::AtomicBool::new(true);
        scene.agent_instead(move |_, request| match request {
            AgentRequest::Hold if first.swap(false, std::sync::atomic::Ordering::SeqCst) => {
                let mut acts = vec![Act::Say(AgentReply::Wait), Act::Sleep(50)];
                acts.extend([Act::Say(granted(&deployment, "hanako"))]);
                acts.extend(crossed.then_some(Act::Say(AgentReply::Held)));
                acts
            }
            _ => vec![],
        });
        let seen = scene.run();
        assert_eq!(seen.pam(), PamResultCode::PAM_SUCCESS, "{crossed}: {:?}", seen.result);
        assert_eq!(seen.person.questions.len(), 1);
        assert_eq!(seen.key.iter().filter(|request| matches!(request, KeyRequest::Assert(_))).count(), 1);
    }
}

#[test]
fn a_long_thought_is_looked_at_again() {
    let mut scene = Scene::new();
    scene.person.thinks = Duration::from_millis(2100);
    let seen = scene.run();
    assert_eq!(seen.pam(), PamResultCode::PAM_SUCCESS);
    assert_eq!(seen.agent.iter().filter(|request| matches!(request, AgentRequest::Begin(_))).count(), 2);
    assert_eq!(seen.person.questions.len(), 1);
}

#[test]
fn disabled_while_the_question_stood_is_refused_without_a_try() {
    let mut scene = Scene::new();
    scene.person.thinks = Duration::from_millis(2100);
    let mut later = Deployment::new();
    later.hanako().status = Status::Disabled;
    later.scopes[1].0.head.seq = 11;
    later.refresh();
    scene.agent_instead(move |number, request| match request {
        AgentRequest::Begin(_) if number == 1 => vec![Act::Say(granted(&later, "hanako"))],
        _ => vec![],
    });
    let seen = scene.run();
    assert_eq!(seen.code(), Code::PersonDisabled.number());
    assert!(!seen.pin_sent());
}

#[test]
fn agent_and_key_process_may_be_restarted_during_the_question() {
    for agent in [true, false] {
        let mut scene = Scene::new();
        scene.person.thinks = Duration::from_millis(200);
        if agent {
            let deployment = Deployment::new();
            scene.agent_instead(move |number, request| match request {
                AgentRequest::Begin(_) if number == 0 => {
                    vec![Act::Say(granted(&deployment, "hanako")), Act::Sleep(100), Act::HangUp]
                }
                _ => vec![],
            });
        } else {
            scene.key_instead(|number, request| match request {
                KeyRequest::Identify(_) if number == 0 => {
                    vec![Act::Say(identified(request, 1)), Act::Sleep(100), Act::HangUp]
                }
                _ => vec![],
            });
        }
        let seen = scene.run();
        assert_eq!(seen.pam(), PamResultCode::PAM_SUCCESS, "{agent}");
        assert_eq!(seen.person.questions.len(), 1);
    }
}

#[test]
fn an_outcome_is_offered_again_to_an_agent_that_was_restarted() {
    let mut scene = Scene::new();
    scene.agent_instead(|number, request| match request {
        AgentRequest::Outcome(_) if number < 3 => vec![Act::HangUp],
        _ => vec![],
    });
    let seen = scene.run();
    assert_eq!(seen.pam(), PamResultCode::PAM_SUCCESS);
    let outcomes = seen.outcomes();
    assert_eq!(outcomes.len(), 4);
    assert!(outcomes.iter().all(|outcome| *outcome == outcomes[0]), "the same evidence each time");
}

#[test]
fn marks_that_cannot_be_raised_are_an_event_of_their_own() {
    let mut scene = Scene::new();
    scene.machine.marks_full = true;
    let seen = scene.run();
    assert!(seen.result.is_ok(), "{:?}", seen.result);
    let outcomes = seen.outcomes();
    assert!(matches!(outcomes[0].result, LoginResult::Success(_)), "{outcomes:?}");
    match &outcomes[1].result {
        LoginResult::Failure(failure) => {
            assert_eq!(failure.code, Code::MarksNotRaised);
            assert!(failure.detail.as_ref().unwrap().contains("No space left"), "{failure:?}");
            assert!(!failure.counts());
        }
        LoginResult::Success(_) => panic!("{outcomes:?}"),
    }
    assert_eq!(outcomes.len(), 2);
    assert!(seen.journal.iter().any(|line| line.starts_with("WK-1330")), "{:?}", seen.journal);
}

#[test]
fn a_record_that_is_in_memory_only_lets_in_and_is_a_line_in_the_log() {
    let mut scene = Scene::new();
    scene.agent_instead(|_, request| match request {
        AgentRequest::Outcome(outcome) => vec![Act::Say(AgentReply::Recorded(event_of(outcome), Some(true)))],
        _ => vec![],
    });
    let seen = scene.run();
    assert!(seen.result.is_ok(), "{:?}", seen.result);
    assert!(seen.journal.iter().any(|line| line.starts_with("WK-1331")), "{:?}", seen.journal);
}

#[test]
fn offline_says_so_and_lets_in() {
    let mut scene = Scene::new();
    scene.machine = FakeMachine::at(T0 + 5 * 3600);
    let seen = scene.run();
    assert_eq!(seen.pam(), PamResultCode::PAM_SUCCESS);
    assert_eq!(
        seen.person.infos.last().unwrap(),
        &texts::message(Code::OfflineBanner, Language::Ja, &[("hours", "5")])
    );
}

#[test]
fn a_shared_account_names_the_person() {
    let mut deployment = Deployment::new();
    deployment.share("ward3", &["nurses"]);
    let scene = shared_scene(&deployment, "hanako");
    let seen = scene.run();
    assert_eq!(seen.result.as_ref().unwrap().person, login("hanako"));
    assert!(seen.agent.iter().any(|request| *request == AgentRequest::Prove(login("hanako"))));
    let outcome = seen.outcomes()[0];
    assert_eq!((outcome.login.account.clone(), outcome.person.clone()), (Some(login("ward3")), Some(login("hanako"))));

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
    // The agent says that hanako's key is taro's, or that it belongs to somebody who does not exist.
    for named in ["taro", "ghost"] {
        let seen = shared_scene(&deployment, named).run();
        assert_eq!((seen.code(), seen.person.questions.len()), (Code::KeyTimeout.number(), 0), "{named}");
        assert_eq!(seen.outcomes()[0].person, None, "{named}");
    }
}

/// hanako's and taro's keys are both plugged in at the account that they share; what the key processes do that
/// each key gets, by the number of the connection (1 and 2).
fn two_keys(alone: impl Fn(usize, &KeyRequest) -> Vec<Act<KeyReply>> + Send + Sync + 'static) -> Scene {
    let mut deployment = Deployment::new();
    deployment.share("ward3", &["nurses"]);
    let mut taro = person("taro", 2, &Key::es256(2));
    taro.groups = List::new(vec![group("nurses")]).unwrap();
    deployment.scopes[1].0.people.push(taro);
    deployment.refresh();
    let mut scene = Scene::of(&deployment);
    scene.login = login_as("ward3");
    let credential = |id| wardkey_core::id::CredentialId::new(vec![id; 32]).unwrap();
    let both =
        [("hanako", 1), ("taro", 2)].map(|(name, id)| Candidate { person: login(name), credential: credential(id) });
    let grant = Grant { candidates: List::new(both.to_vec()).unwrap(), ..grant_of(deployment.evidence("ward3")) };
    scene.agent_instead(move |_, request| match request {
        AgentRequest::Begin(_) => vec![Act::Say(AgentReply::Granted(Box::new(grant.clone())))],
        _ => vec![],
    });
    scene.key.script = std::sync::Arc::new(move |number, request| match request {
        KeyRequest::Identify(identify) if number == 0 => {
            assert!(identify.every, "all that are plugged in");
            let KeyReply::Identified(mut first) = identified(request, 1) else { unreachable!() };
            let KeyReply::Identified(second) = identified(request, 2) else { unreachable!() };
            let key = wardkey_core::message::key::KeyInfo { path: "/dev/hidraw1".into(), ..second.key };
            let claim = wardkey_core::message::key::Claim { key, proof: second.proof.unwrap() };
            first.others = Some(List::new(vec![claim]).unwrap());
            vec![Act::Say(KeyReply::Identified(first))]
        }
        KeyRequest::Assert(assert) => {
            let id = assert.credential.as_slice()[0];
            vec![Act::Say(KeyReply::Touch), Act::Say(signature(id, id, assert.client_data.as_slice(), 0x05))]
        }
        _ => alone(number, request),
    });
    scene
}

/// The key of `seed` at the node of that number, from 1 on, claims that credential.
fn claims_at(request: &KeyRequest, seed: Option<u8>, number: usize) -> KeyReply {
    let id = u8::try_from(number).unwrap();
    let KeyReply::Identified(mut reply) = claims(request, seed.unwrap_or(id), id) else { unreachable!() };
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
        assert_eq!(seen.person.infos[0], texts::message(Code::TouchToChoose, Language::En, &[]));
        assert_eq!(seen.person.questions.len(), 1);
        let asserted: Vec<_> = seen.key.iter().filter(|request| matches!(request, KeyRequest::Assert(_))).collect();
        let [KeyRequest::Assert(assert)] = asserted[..] else { panic!("{asserted:?}") };
        assert_eq!(usize::from(assert.credential.as_slice()[0]), touched, "the PIN goes to the key that was touched");
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
            let locked = List::new(vec![wardkey_core::message::agent::Locked { credential, seconds: 30 }]).unwrap();
            let grant = Grant { locked: (!disabled).then_some(locked), ..grant_of(deployment.evidence("hanako")) };
            let asked = std::sync::Mutex::new(None);
            scene.agent_instead(move |_, request| match request {
                AgentRequest::Begin(_) => vec![Act::Say(AgentReply::Granted(Box::new(grant.clone())))],
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
                    vec![Act::Say(KeyReply::Touch), Act::Say(signature(id, id, assert.client_data.as_slice(), 0x05))]
                }
                _ => vec![],
            });
            scene
        };
        let seen = scene(true).run();
        assert_eq!(seen.result.as_ref().map(|admitted| admitted.key), Ok(fingerprint(7)), "disabled {disabled}");
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
            let key = wardkey_core::message::key::KeyInfo { path: "/dev/hidraw1".into(), ..second.key };
            let claim = wardkey_core::message::key::Claim { key, proof: second.proof.unwrap() };
            first.others = Some(List::new(vec![claim]).unwrap());
            vec![Act::Say(KeyReply::Identified(first))]
        }
        _ => vec![],
    });
    let seen = scene.run();
    assert_eq!(seen.pam(), PamResultCode::PAM_SUCCESS, "{:?}", seen.result);
    let asserted: Vec<_> = seen.key.iter().filter(|request| matches!(request, KeyRequest::Assert(_))).collect();
    let [KeyRequest::Assert(assert)] = asserted[..] else { panic!("{asserted:?}") };
    assert_eq!(assert.path, "/dev/hidraw1", "the one that proved itself");
    assert_eq!(seen.outcomes()[0].suspects.as_ref().map(|suspects| suspects.len()), Some(1));
}

#[test]
fn of_two_keys_neither_touched_nor_proven_again_none_gets_a_pin() {
    // Nobody touches either.
    let seen = two_keys(|number, request| match request {
        KeyRequest::Identify(_) => vec![Act::Say(claims_at(request, None, number))],
        _ => vec![Act::Say(KeyReply::Touch), Act::Sleep(100), Act::Say(failed(Code::TouchTimeout, None))],
    })
    .run();
    assert_eq!((seen.code(), seen.person.questions.len()), (Code::TouchTimeout.number(), 0));
    // Between the two looks another device takes the place of each, and is "touched" at once.
    let seen = two_keys(|number, request| match request {
        KeyRequest::Identify(_) => vec![Act::Say(claims_at(request, Some(66), number))],
        KeyRequest::Touch { .. } => vec![Act::Say(KeyReply::Done)],
        _ => vec![],
    })
    .run();
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

#[test]
fn the_account_phase_evaluates_anew() {
    assert_eq!(Scene::new().check_account(), Ok(()));
    let mut shared = Deployment::new();
    shared.share("ward3", &["nurses"]);
    let mut disabled = Deployment::new();
    disabled.hanako().status = Status::Disabled;
    disabled.refresh();
    let mut expired = Deployment::new();
    expired.hanako().not_after = Some(UnixTime(T0));
    expired.refresh();
    // (what the agent shows, account, code, PAM result)
    for (deployment, account, code, result) in [
        (&disabled, "hanako", Code::PersonDisabled, PamResultCode::PAM_PERM_DENIED),
        (&expired, "hanako", Code::PersonExpired, PamResultCode::PAM_ACCT_EXPIRED),
        (&shared, "ward3", Code::KeyAndNameDoNotMatch, PamResultCode::PAM_PERM_DENIED),
        (&shared, "ghost", Code::NotListedAsLocal, PamResultCode::PAM_PERM_DENIED),
        (&shared, "-bad", Code::NotListedAsLocal, PamResultCode::PAM_PERM_DENIED),
    ] {
        let mut scene = Scene::of(deployment);
        scene.login = login_as(account);
        let refusal = scene.check_account().unwrap_err();
        assert_eq!((refusal.code, refusal.account()), (code, result), "{account}");
    }
    // systemd goes through it for the user manager of an account that somebody has just logged in to.
    for (account, allowed) in [("ward3", true), ("ghost", false)] {
        let mut scene = Scene::of(&shared);
        scene.login = login_as(account);
        scene.login.service = ServiceName::new("systemd-user").unwrap();
        assert_eq!(scene.check_account().is_ok(), allowed, "{account}");
    }
    let mut scene = Scene::new();
    scene.agent.down_from = 0;
    assert_eq!(scene.check_account().unwrap_err().account(), PamResultCode::PAM_PERM_DENIED);
    let mut scene = Scene::new();
    scene.login.name = TypedName::of("hanako", Some("NSS spells the account otherwise"));
    assert!(scene.check_account().is_err());
}

/// Printed for docs and comparison: `cargo test --release -p pam_fido own_work -- --nocapture`.
#[test]
fn own_work_is_measured() {
    const LOGINS: u32 = 20;
    let deployment = Deployment::new();
    let evidence = wardkey_core::codec::to_message(&deployment.evidence("hanako"));
    let marks = wardkey_core::marks::Marks::default();
    let begun = std::time::Instant::now();
    for _ in 0..LOGINS {
        // Everything between bytes received and decision: decode, four signatures, proof, assertion.
        let evidence: wardkey_core::snapshot::Evidence = wardkey_core::codec::from_message(&evidence).unwrap();
        let snapshot =
            wardkey_core::snapshot::Snapshot::verify(&evidence, &deployment.anchor(), &marks, &login("hanako"))
                .unwrap();
        assert!(snapshot.allow_list().len() == 1);
    }
    let verify = begun.elapsed() / LOGINS;
    let begun = std::time::Instant::now();
    for _ in 0..LOGINS {
        deployment.login("hanako", "hanako", "login", T0, &marks).unwrap();
    }
    let whole = begun.elapsed() / LOGINS;
    let begun = std::time::Instant::now();
    for _ in 0..LOGINS {
        assert_eq!(Scene::of(&deployment).run().pam(), PamResultCode::PAM_SUCCESS);
    }
    let scene = begun.elapsed() / LOGINS;
    println!(
        "evidence {verify:?}; with building it, signing and deciding {whole:?}; a login with both peers {scene:?}"
    );
    assert!(scene < Duration::from_secs(5));
}
