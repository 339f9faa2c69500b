//! Logins as they should go, and what the person sees.

use std::time::Duration;

use pam::constants::PamResultCode;
use wardkey_core::code::{Code, Notice, Prompt};
use wardkey_core::directory::leaf_key;
use wardkey_core::message::agent::{LoginResult, Reply as AgentReply, Request as AgentRequest};
use wardkey_core::message::key::{Reply as KeyReply, Request as KeyRequest};
use wardkey_core::name::{DisplayText, Language, ServiceName};
use wardkey_core::person::Status;
use wardkey_core::texts;
use wardkey_core::time::UnixTime;

use super::scene::*;
use crate::typed_name::TypedName;
use wardkey_testkit::{Deployment, T0, login};

#[test]
fn key_pin_and_touch_let_in_and_raise_the_marks() {
    let seen = Scene::new().run();
    let admitted = seen.result.as_ref().unwrap();
    assert_eq!((admitted.person.as_str(), admitted.key), ("hanako", Some(fingerprint(1))));
    assert_eq!(seen.pam(), PamResultCode::PAM_SUCCESS);
    // One question in the person's language, which says whose key it is; then touch; nothing else.
    assert_eq!(seen.person.questions, [texts::pin_prompt(Language::Ja, Some("Demo Hanako"), None)]);
    assert_eq!(seen.person.infos, [texts::message(Prompt::TouchNow, Language::Ja, &[])]);
    assert!(seen.person.errors.is_empty() && seen.journal.is_empty());
    assert!(matches!(
        &seen.agent[..],
        [AgentRequest::Begin(_), AgentRequest::Hold, AgentRequest::Outcome(outcome)]
            if matches!(outcome.result, LoginResult::Success(_))
                && outcome.person == Some(login("hanako"))
    ));
    assert!(matches!(&seen.key[..], [KeyRequest::Identify(_), KeyRequest::Assert(_)]));
    assert_eq!(
        (seen.marks.root_version, seen.marks.terminal_number, seen.marks.scopes.len()),
        (1, 1, 2)
    );
    assert_eq!(seen.marks.floor.time, UnixTime(T0 - 60));
    assert!(seen.marks.has_seen(&leaf_key(&login("hanako"))));
}

#[test]
fn the_agent_is_told_who_started_the_application() {
    for invoker in [None, Some(0), Some(2001)] {
        let mut scene = Scene::new();
        scene.login.invoker = invoker;
        let seen = scene.run();
        let [AgentRequest::Begin(begin), _, AgentRequest::Outcome(outcome)] = &seen.agent[..]
        else {
            panic!()
        };
        assert_eq!((begin.invoker, outcome.login.invoker), (invoker, invoker));
    }
}

#[test]
fn a_key_that_is_plugged_later_needs_no_enter() {
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
    assert_eq!(seen.person.infos[0], texts::message(Prompt::InsertKey, Language::En, &[]));
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
    assert_eq!(
        scene.run().person.questions,
        [texts::pin_prompt(Language::Ja, Some("Demo Hanako"), Some(3))]
    );
}

/// The text console of Linux has no Japanese letters: they are boxes there.
#[test]
fn a_text_console_is_asked_in_letters_that_it_has() {
    for (console, name, latin, asked_as, language) in [
        (true, "山田 花子", None, "hanako", Language::En),
        (true, "山田 花子", Some("YAMADA Hanako"), "YAMADA Hanako", Language::En),
        // Of a later server, which may allow more.
        (true, "山田 花子", Some("Ямада"), "hanako", Language::En),
        (true, "Demo Hanako", Some("YAMADA"), "Demo Hanako", Language::En),
        (false, "山田 花子", Some("YAMADA"), "山田 花子", Language::Ja),
    ] {
        let mut deployment = Deployment::new();
        deployment.hanako().display_name = DisplayText::new(name).unwrap();
        deployment.hanako().latin_name = latin.map(|name| DisplayText::new(name).unwrap());
        deployment.refresh();
        let mut scene = Scene::of(&deployment);
        scene.login.at_text_console = console;

        let seen = scene.run();
        assert_eq!(seen.pam(), PamResultCode::PAM_SUCCESS);
        assert_eq!(seen.person.questions, [texts::pin_prompt(language, Some(asked_as), None)]);
        assert_eq!(seen.person.infos, [texts::message(Prompt::TouchNow, language, &[])]);
    }
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
    assert_eq!(seen.person.infos[0], texts::message(Notice::WaitForKey, Language::En, &[]));
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
    assert_eq!(
        seen.agent.iter().filter(|request| matches!(request, AgentRequest::Begin(_))).count(),
        1
    );
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
        assert_eq!(
            seen.key.iter().filter(|request| matches!(request, KeyRequest::Assert(_))).count(),
            1
        );
    }
}

#[test]
fn a_long_thought_is_looked_at_again() {
    let mut scene = Scene::new();
    scene.timeouts = SHORT;
    scene.person.thinks = Duration::from_millis(2100);
    let seen = scene.run();
    assert_eq!(seen.pam(), PamResultCode::PAM_SUCCESS);
    assert_eq!(
        seen.agent.iter().filter(|request| matches!(request, AgentRequest::Begin(_))).count(),
        2
    );
    assert_eq!(seen.person.questions.len(), 1);
}

#[test]
fn disabled_while_the_question_stood_is_refused_without_a_try() {
    let mut scene = Scene::new();
    scene.timeouts = SHORT;
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
        _ => panic!("{outcomes:?}"),
    }
    assert_eq!(outcomes.len(), 2);
    assert!(seen.journal.iter().any(|line| line.starts_with("WK-1330")), "{:?}", seen.journal);
}

#[test]
fn a_record_that_is_in_memory_only_lets_in_and_is_a_line_in_the_log() {
    let mut scene = Scene::new();
    scene.agent_instead(|_, request| match request {
        AgentRequest::Outcome(outcome) => {
            vec![Act::Say(AgentReply::Recorded(event_of(outcome), Some(true)))]
        }
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
        &texts::message(Notice::OfflineBanner, Language::Ja, &[("hours", "5")])
    );
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
    // systemd goes through it for the user manager of an account that somebody has just logged in
    // to.
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

/// Printed for docs and comparison:
/// `cargo test --release -p pam_fido own_work -- --ignored --nocapture`.
#[test]
#[ignore = "measures"]
fn own_work_is_measured() {
    const LOGINS: u32 = 20;
    let deployment = Deployment::new();
    let evidence = wardkey_core::codec::to_message(&deployment.evidence("hanako"));
    let marks = wardkey_core::marks::Marks::default();
    let begun = std::time::Instant::now();
    for _ in 0..LOGINS {
        // Everything between bytes received and decision: decode, four signatures, proof,
        // assertion.
        let evidence: wardkey_core::snapshot::Evidence =
            wardkey_core::codec::from_message(&evidence).unwrap();
        let snapshot = wardkey_core::snapshot::Snapshot::verify(
            &evidence,
            &deployment.anchor(),
            &marks,
            &login("hanako"),
        )
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
        "evidence {verify:?}; with building it, signing and deciding {whole:?}; a login with both \
            peers {scene:?}"
    );
}
