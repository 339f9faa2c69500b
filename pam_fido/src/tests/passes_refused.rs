//! The code of a pass: all the ways in which somebody does not get in by it.

use std::sync::Arc;

use pam::constants::PamResultCode;
use wardkey_core::code::{Code, Prompt};
use wardkey_core::id::TerminalId;
use wardkey_core::message::agent::{PassTry, Request as AgentRequest};
use wardkey_core::message::key::Request as KeyRequest;
use wardkey_core::name::Language;
use wardkey_core::pass::MAX_TRIES;
use wardkey_core::pass_notes::PassNotes;
use wardkey_core::person::Status;
use wardkey_core::texts;
use wardkey_core::time::UnixTime;

use super::passes::{agent, scene, scene_of, with};
use super::scene::*;
use crate::talk::Answer;
use crate::typed_name::TypedName;
use wardkey_testkit::{CODE, Deployment, T0, pass};

const WRONG: &str = "ZZZZZ-ZZZZZ";

#[test]
fn wrong_codes_unknown_names_and_people_without_a_pass_look_the_same() {
    type Change = fn(&mut Scene);
    fn looks(change: Change) -> impl PartialEq + std::fmt::Debug {
        let mut scene = scene(WRONG);
        change(&mut scene);
        let notes = Arc::clone(&scene.machine.notes);
        let seen = scene.run();
        let hashed =
            seen.key.iter().filter(|request| matches!(request, KeyRequest::SignByCode(_))).count();
        assert_eq!(hashed, 1, "it takes as long");
        let outcome = seen.outcomes()[0];
        let recorded = (outcome.result.clone(), outcome.person.clone(), outcome.proof.clone());
        let wrong = notes.lock().unwrap().wrong;
        let told = (seen.person.questions, seen.person.infos, seen.person.errors);
        (told, recorded, wrong)
    }
    let known = format!("{:?}", looks(|_| {}));
    assert!(known.contains("WK-1803"), "{known}");
    let others: [(&str, Change); 6] = [
        ("no pass", |s| s.agent.script = agent(&with(|d| d.hanako().pass = None))),
        ("disabled", |s| s.agent.script = agent(&with(|d| d.hanako().status = Status::Disabled))),
        ("over", |s| s.machine = FakeMachine::at(T0 + 9 * 3600)),
        ("void", |s| {
            let mut notes = s.machine.notes.lock().unwrap();
            for _ in 0..MAX_TRIES {
                notes.count(Some(&pass(1)), UnixTime(T0 - 1000));
            }
            // Of another day, so that no pause shows.
            *notes = PassNotes { wrong: 0, ..notes.clone() };
        }),
        ("ghost", |s| s.login = login_as("spooky")),
        ("no account", |s| {
            s.login.name = TypedName::of("hanako", Some("NSS knows no such account"));
        }),
    ];
    for (what, other) in others {
        assert_eq!(format!("{:?}", looks(other)), known, "{what}");
    }
}

#[test]
fn five_wrong_codes_make_it_void_also_for_the_right_one_and_after_a_restart() {
    let (notes, mut boot) = (Arc::new(std::sync::Mutex::new(PassNotes::default())), 0);
    let mut run = |code: &str| {
        let mut scene = scene(code);
        // An hour later each: what is void stays so, and nobody has to wait.
        boot += 1;
        scene.machine = FakeMachine::at(T0 + 60 * 20 * boot);
        scene.machine.notes = Arc::clone(&notes);
        scene.run()
    };
    assert_eq!(run(CODE).code(), 0);
    for tries in 1..=MAX_TRIES {
        let seen = run(WRONG);
        assert_eq!((seen.code(), seen.pam()), (1803, PamResultCode::PAM_AUTH_ERR));
        let tried = PassTry { pass: pass(1).id, tries, sealed: None };
        assert_eq!(seen.outcomes()[0].pass, Some(tried));
    }
    let seen = run(CODE);
    assert_eq!(seen.code(), 1803, "in the same words");
    assert_eq!(
        seen.outcomes()[0].pass,
        Some(PassTry { pass: pass(1).id, tries: MAX_TRIES + 1, sealed: None })
    );
}

#[test]
fn wrong_codes_cost_time_and_while_one_waits_nothing_is_hashed() {
    let notes = Arc::new(std::sync::Mutex::new(PassNotes::default()));
    let run = |name: &str, code: &str| {
        let mut scene = scene(code);
        scene.login = login_as(name);
        scene.machine.notes = Arc::clone(&notes);
        scene.run()
    };
    for name in ["hanako", "ghost", "hanako"] {
        assert_eq!(run(name, WRONG).code(), 1803);
    }
    for name in ["hanako", "ghost"] {
        let seen = run(name, CODE);
        assert_eq!(seen.code(), 1810, "{name}");
        assert!(!seen.key.iter().any(|request| matches!(request, KeyRequest::SignByCode(_))));
        assert!(seen.person.errors[0].contains(" 5 "), "{:?}", seen.person.errors);
    }
}

#[test]
fn a_right_code_that_is_no_way_in_is_told_why() {
    type Change = fn(&mut Scene);
    let cases: [(&str, Change, u16); 9] = [
        ("over", |s| s.machine = FakeMachine::at(T0 + 8 * 3600), 1804),
        (
            "longer than the policy allows one to be",
            |s| {
                s.agent.script = agent(&with(|d| {
                    let pass = d.hanako().pass.as_mut().unwrap();
                    pass.from = UnixTime(T0 - 13 * 3600);
                }));
            },
            1804,
        ),
        (
            "not yet",
            |s| {
                s.agent.script =
                    agent(&with(|d| d.hanako().pass.as_mut().unwrap().from = UnixTime(T0 + 60)));
            },
            1805,
        ),
        (
            "of another terminal",
            |s| {
                s.agent.script = agent(&with(|d| {
                    d.hanako().pass.as_mut().unwrap().terminal = Some(TerminalId::new([9; 16]));
                }));
            },
            1806,
        ),
        (
            "of a scope that does not show the person",
            |s| {
                s.agent.script = agent(&with(|d| {
                    d.hanako().pass.as_mut().unwrap().scope =
                        Some(wardkey_testkit::scope("roaming"));
                }));
            },
            1806,
        ),
        (
            "person disabled",
            |s| {
                s.agent.script = agent(&with(|d| d.hanako().status = Status::Disabled));
            },
            1002,
        ),
        (
            "a scope of the person allows none",
            |s| {
                s.agent.script = agent(&with(|d| {
                    let hanako = d.hanako().clone();
                    d.scopes[0].0.people.push(hanako);
                }));
            },
            1808,
        ),
        (
            "ended here by the key",
            |s| {
                assert!(s.machine.notes.lock().unwrap().end(&pass(1), UnixTime(T0)));
            },
            1807,
        ),
        ("offline for days", |s| s.machine = FakeMachine::at(T0 + 5 * 86_400), 1013),
    ];
    for (what, change, code) in cases {
        let mut scene = scene(CODE);
        change(&mut scene);
        let seen = scene.run();
        assert_eq!(seen.code(), code, "{what}: {:?}", seen.result);
        assert_eq!(seen.person.questions.len(), 1, "{what}");
    }
}

#[test]
fn a_scope_that_has_taken_the_pass_away_is_heard() {
    let mut deployment = with(|d| {
        let mut hanako = d.hanako().clone();
        hanako.pass = None;
        d.scopes[0].0.people.push(hanako);
        d.scopes[0].1.pass_seconds = d.scopes[1].1.pass_seconds;
    });
    assert_eq!(scene_of(&deployment, CODE).run().code(), 1803);
    deployment.scopes[0].0.people[0].pass = Some(pass(1));
    deployment.refresh();
    assert_eq!(scene_of(&deployment, CODE).run().code(), 0);
}

#[test]
fn a_login_with_the_key_ends_the_pass_here() {
    let mut scene = scene(PIN);
    scene.key.script = key_with(1);
    let notes = Arc::clone(&scene.machine.notes);
    assert_eq!(scene.run().code(), 0);
    assert!(notes.lock().unwrap().has_ended(&pass(1).id));

    let mut scene = self::scene(CODE);
    scene.machine.notes = notes;
    assert_eq!(scene.run().code(), 1807);
}

#[test]
fn what_cannot_be_noted_is_not_judged() {
    let mut scene = scene(CODE);
    scene.machine.marks_full = true;
    let seen = scene.run();
    assert_eq!(seen.code(), 1811);
    assert!(!seen.key.iter().any(|request| matches!(request, KeyRequest::SignByCode(_))));
}

#[test]
fn what_is_no_code_goes_nowhere() {
    for text in [PIN, "secret password", "ABCDE-FGHJ", CODE.trim_end_matches('K')] {
        let mut scene = scene(text);
        let notes = Arc::clone(&scene.machine.notes);
        scene.person.thinks = std::time::Duration::from_millis(10);
        let seen = scene.run();
        assert_eq!(seen.code(), 1809, "{text}");
        assert_eq!(*notes.lock().unwrap(), PassNotes::default());
    }
    for (answer, code) in [(Answer::NotText, 1809), (Answer::None, 1211)] {
        let mut scene = scene(CODE);
        scene.person = Person::answers(answer);
        assert_eq!(scene.run().code(), code);
    }
}

#[test]
fn a_taken_over_agent_lets_nobody_in() {
    // Another key pair in the record: not what the server signed.
    let mut forged = Deployment::with_pass();
    forged.hanako().pass.as_mut().unwrap().key =
        wardkey_core::id::SigningPublicKey::new(*wardkey_testkit::signing(1).public().as_bytes());
    forged.refresh();
    forged.publish_seed = 55;
    assert_eq!(scene_of(&forged, WRONG).run().code(), 1102);

    // Evidence of somebody else's pass.
    let mut scene = scene(CODE);
    let honest = agent(&Deployment::with_pass());
    scene.login = login_as("ghost");
    scene.agent.script = Arc::new(move |number, request| match request {
        AgentRequest::Begin(begin) => {
            let begin = wardkey_core::message::agent::Begin {
                account: Some(wardkey_testkit::login("hanako")),
                ..begin.clone()
            };
            honest(number, &AgentRequest::Begin(begin))
        }
        _ => honest(number, request),
    });
    assert_eq!(scene.run().code(), 1107);
}

#[test]
fn the_agent_records_it_or_nobody_is_in() {
    let mut scene = scene(CODE);
    scene.agent_instead(|_, request| match request {
        AgentRequest::Outcome(_) => vec![Act::Say(refused(Code::Replayed))],
        _ => vec![],
    });
    let seen = scene.run();
    assert_eq!(seen.code(), 1025);
}

#[test]
fn at_a_shared_account_name_and_code_are_typed() {
    let deployment = with(|d| d.share("ward3pc", &["nurses"]));
    let run = |text: &str| {
        let mut scene = scene_of(&deployment, text);
        scene.login = login_as("ward3pc");
        scene.run()
    };
    for text in [format!("hanako {CODE}"), format!(" hanako\u{3000}{CODE} ")] {
        let seen = run(&text);
        assert_eq!(seen.result.as_ref().unwrap().person.as_str(), "hanako", "{text}");
        assert_eq!(
            seen.person.questions,
            [texts::message(Prompt::PassPromptShared, Language::En, &[])]
        );
    }
    for text in [format!("ghost {CODE}"), CODE.to_owned(), format!("hanako {WRONG}")] {
        assert_eq!(run(&text).code(), 1803, "{text}");
    }
    let other = with(|d| d.share("ward3pc", &["doctors"]));
    let mut scene = scene_of(&other, &format!("hanako {CODE}"));
    scene.login = login_as("ward3pc");
    assert_eq!(scene.run().code(), 1006);
}
