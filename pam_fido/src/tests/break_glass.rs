//! Break-glass: a sealed code lets somebody in once, and is void here from then on.

use std::sync::{Arc, Mutex};

use pam::constants::PamResultCode;
use wardkey_core::code::{Code, Notice, Prompt};
use wardkey_core::message::agent::{LoginResult, PassTry, Reply as AgentReply, Request};
use wardkey_core::message::key::{Reply as KeyReply, Request as KeyRequest};
use wardkey_core::name::Language;
use wardkey_core::pass::{MAX_TRIES, PassCode};
use wardkey_core::pass_notes::PassNotes;
use wardkey_core::person::Status;
use wardkey_core::policy::document::PolicyDocument;
use wardkey_core::texts;
use wardkey_core::time::UnixTime;

use super::passes::typed;
use super::scene::*;
use wardkey_testkit::{
    Deployment, LONGEST, SEALED, SEALED_SEED, T0, sealed, service, signature_by_code,
};

const WRONG: &str = "ZZZZ-ZZZZ-ZZZZ-ZZZZ";

/// An agent that knows sealed codes.
fn agent(deployment: &Deployment) -> AgentScript {
    let honest = honest_agent(deployment);
    Arc::new(move |number, request| {
        let mut acts = honest(number, request);
        for act in &mut acts {
            if let Act::Say(AgentReply::Granted(grant)) = act {
                (grant.takes_codes, grant.breaks_glass) = (Some(true), Some(true));
            }
        }
        acts
    })
}

/// A key process at which no key is plugged, and which hashes as one does.
fn no_key() -> KeyScript {
    Arc::new(|_, request| match request {
        KeyRequest::Identify(_) => vec![Act::Say(KeyReply::Insert)],
        KeyRequest::SignByCode(request) => {
            let right = Some(&request.code) == PassCode::read_sealed(SEALED).as_ref();
            let seed = if right && request.salt == sealed(7).salt { SEALED_SEED } else { 1 };
            let signature = signature_by_code(seed, request.client_data.as_slice());
            vec![Act::Say(KeyReply::SignedByCode(signature))]
        }
        other => panic!("no key is asked: {other:?}"),
    })
}

fn with(change: impl FnOnce(&mut Deployment)) -> Deployment {
    let mut deployment = Deployment::with_sealed();
    change(&mut deployment);
    deployment.refresh();
    deployment
}

fn scene_of(deployment: &Deployment, code: &str) -> Scene {
    let mut scene = Scene::of(deployment);
    scene.agent.script = agent(deployment);
    scene.key.script = no_key();
    scene.person = Person::answers(typed(code));
    scene
}

fn scene(code: &str) -> Scene {
    scene_of(&Deployment::with_sealed(), code)
}

fn tried(tries: u8) -> PassTry {
    PassTry { pass: sealed(7).id, tries, sealed: Some(true) }
}

#[test]
fn a_sealed_code_lets_in_once_says_so_and_is_void_here_afterwards() {
    let notes = Arc::new(Mutex::new(PassNotes::default()));
    let run = |code: &str| {
        let mut scene = scene(code);
        scene.machine.notes = Arc::clone(&notes);
        scene.run()
    };
    let seen = run(SEALED);
    let admitted = seen.result.as_ref().unwrap();
    assert_eq!((admitted.person.as_str(), admitted.key), ("hanako", None));
    assert_eq!(seen.person.questions, [texts::message(Prompt::PassPrompt, Language::En, &[])]);
    let told = texts::message(Notice::BreakGlassUsed, Language::Ja, &[]);
    assert!(seen.person.infos.contains(&told), "{:?}", seen.person.infos);
    let outcomes = seen.outcomes();
    let [outcome] = outcomes[..] else { panic!("{outcomes:?}") };
    let LoginResult::SuccessByCode(signed) = &outcome.result else { panic!("{outcome:?}") };
    signed.verify(&sealed(7)).unwrap();
    assert_eq!(outcome.pass, Some(tried(0)));
    assert!(notes.lock().unwrap().has_ended(&sealed(7).id));

    // The same directory as before, as an agent shows it whose cache was put back.
    for code in [SEALED, "abcdefghjkmnpqrs"] {
        let seen = run(code);
        assert_eq!((seen.code(), seen.pam()), (1259, PamResultCode::PAM_AUTH_ERR));
        assert_eq!(seen.outcomes()[0].pass, Some(tried(0)), "as one that was the right one");
    }
    let seen = run(WRONG);
    assert_eq!(seen.code(), 1803, "and nobody learns of it by a wrong one");
    // However many wrong ones were typed, the right one is told apart.
    for _ in 0..=MAX_TRIES {
        assert!(notes.lock().unwrap().count(Some(&sealed(7)), UnixTime(T0 - 1000)).is_some());
    }
    notes.lock().unwrap().wrong = 0;
    assert_eq!(run(SEALED).code(), 1259);
}

#[test]
fn it_is_void_before_the_agent_hears_of_it() {
    // Whatever ends the login then: a kill, a power cut, an agent that does not record it.
    let mut scene = scene(SEALED);
    let notes = Arc::clone(&scene.machine.notes);
    let at_outcome = Arc::new(Mutex::new(None));
    let (seen_notes, seen) = (Arc::clone(&notes), Arc::clone(&at_outcome));
    scene.agent_instead(move |_, request| match request {
        Request::Outcome(_) => {
            let is_void = seen_notes.lock().unwrap().has_ended(&sealed(7).id);
            seen.lock().unwrap().get_or_insert(is_void);
            vec![Act::Say(refused(Code::Replayed))]
        }
        _ => vec![],
    });
    assert_eq!(scene.run().code(), 1025, "nobody is in without a record");
    assert_eq!(*at_outcome.lock().unwrap(), Some(true));
    let mut again = self::scene(SEALED);
    again.machine.notes = notes;
    assert_eq!(again.run().code(), 1259);
}

#[test]
fn of_two_consoles_at_the_same_moment_one_gets_in() {
    let mut scene = scene(SEALED);
    let notes = Arc::clone(&scene.machine.notes);
    scene.key_instead(move |_, request| {
        if matches!(request, KeyRequest::SignByCode(_)) {
            // The other console is a moment ahead: it has counted, decided and spent.
            let mut notes = notes.lock().unwrap();
            assert!(notes.count(Some(&sealed(7)), UnixTime(T0)).is_some());
            assert_eq!(notes.spend(&sealed(7), UnixTime(T0)), Some(true));
        }
        vec![]
    });
    assert_eq!(scene.run().code(), 1259);
}

#[test]
fn what_cannot_be_noted_as_used_lets_nobody_in() {
    let mut scene = scene(SEALED);
    scene.machine.marks_full = true;
    let seen = scene.run();
    assert_eq!(seen.code(), 1811);
    assert!(!seen.key.iter().any(|request| matches!(request, KeyRequest::SignByCode(_))));
}

#[test]
fn five_wrong_codes_make_it_void_here_also_for_the_right_one() {
    let (notes, mut boot) = (Arc::new(Mutex::new(PassNotes::default())), 0);
    let mut run = |code: &str| {
        let mut scene = scene(code);
        // Twenty minutes later each: nobody has to wait.
        boot += 1;
        scene.machine = FakeMachine::at(T0 + 60 * 20 * boot);
        scene.machine.notes = Arc::clone(&notes);
        scene.run()
    };
    for tries in 1..=MAX_TRIES {
        let seen = run(WRONG);
        assert_eq!(seen.code(), 1803);
        assert_eq!(seen.outcomes()[0].pass, Some(tried(tries)));
    }
    let seen = run(SEALED);
    assert_eq!(seen.code(), 1803, "in the same words");
    assert_eq!(seen.outcomes()[0].pass, Some(tried(MAX_TRIES + 1)));
}

#[test]
fn wrong_ones_unknown_names_and_accounts_without_one_look_the_same() {
    type Change = fn(&mut Scene);
    fn looks(change: Change) -> String {
        let mut scene = scene(WRONG);
        change(&mut scene);
        let notes = Arc::clone(&scene.machine.notes);
        let seen = scene.run();
        let hashed =
            seen.key.iter().filter(|request| matches!(request, KeyRequest::SignByCode(_))).count();
        assert_eq!(hashed, 1, "it takes as long");
        let result = seen.outcomes()[0].result.clone();
        let wrong = notes.lock().unwrap().wrong;
        format!(
            "{:?} {:?} {:?} {result:?} {wrong}",
            seen.person.questions, seen.person.infos, seen.person.errors
        )
    }
    let known = looks(|_| {});
    assert!(known.contains("WK-1803"), "{known}");
    let others: [(&str, Change); 4] = [
        ("none", |s| s.agent.script = agent(&with(|d| d.hanako().break_glass = None))),
        ("disabled", |s| s.agent.script = agent(&with(|d| d.hanako().status = Status::Disabled))),
        ("used", |s| {
            let spent = s.machine.notes.lock().unwrap().spend(&sealed(7), UnixTime(T0));
            assert_eq!(spent, Some(true));
        }),
        ("ghost", |s| s.login = login_as("spooky")),
    ];
    for (what, other) in others {
        assert_eq!(looks(other), known, "{what}");
    }
}

#[test]
fn a_right_one_that_opens_nothing_here_is_told_why_and_stays_sealed() {
    type Change = fn(&mut Scene);
    let cases: [(&str, Change, u16); 5] = [
        (
            "over",
            |s| {
                s.agent.script = agent(&with(|d| {
                    d.hanako().break_glass.as_mut().unwrap().until = UnixTime(T0);
                }));
            },
            1260,
        ),
        (
            "of another scope",
            |s| {
                s.agent.script = agent(&with(|d| {
                    let other = wardkey_testkit::scope("roaming");
                    d.hanako().break_glass.as_mut().unwrap().scope = Some(other);
                }));
            },
            1260,
        ),
        (
            "account disabled",
            |s| s.agent.script = agent(&with(|d| d.hanako().status = Status::Disabled)),
            1002,
        ),
        (
            "a scope of the account allows none",
            |s| {
                s.agent.script = agent(&with(|d| {
                    let hanako = d.hanako().clone();
                    d.scopes[0].0.people.push(hanako);
                }));
            },
            1808,
        ),
        (
            "long offline, and of no emergency group",
            |s| s.machine = FakeMachine::at(T0 + 5 * 86_400),
            1013,
        ),
    ];
    for (what, change, code) in cases {
        let mut scene = scene(SEALED);
        change(&mut scene);
        let notes = Arc::clone(&scene.machine.notes);
        let seen = scene.run();
        assert_eq!(seen.code(), code, "{what}: {:?}", seen.result);
        assert!(!notes.lock().unwrap().has_ended(&sealed(7).id), "{what}");
    }
}

#[test]
fn offline_it_lets_in_and_an_emergency_group_keeps_it_so() {
    let soft = FakeMachine::at(T0 + 3600);
    let mut scene = scene(SEALED);
    scene.machine = soft;
    assert_eq!(scene.run().code(), 0);
    let deployment = with(|d| {
        let groups = vec![wardkey_testkit::group("nurses")];
        d.scopes[1].1.emergency_groups = wardkey_core::codec::List::new(groups).unwrap();
    });
    let mut scene = scene_of(&deployment, SEALED);
    scene.machine = FakeMachine::at(T0 + 5 * 86_400);
    assert_eq!(scene.run().code(), 0, "never seen here, offline for days");
}

#[test]
fn it_is_asked_for_where_a_scope_allows_it_and_nowhere_else() {
    type Change = fn(&mut Scene);
    let nobody: [(&str, Change); 6] = [
        ("a remote session", |s| s.login.remote = true),
        ("no scope allows it", |s| {
            s.agent.script = agent(&with(|d| d.scopes[1].1.break_glass_seconds = None));
        }),
        ("sudo", |s| s.login.service = service("sudo")),
        ("su", |s| s.login.service = service("su-l")),
        ("polkit", |s| s.login.service = service("polkit-1")),
        ("a program that is not root's", |s| s.machine.is_root = false),
    ];
    for (what, change) in nobody {
        let mut scene = scene(SEALED);
        scene.timeouts = SHORT;
        change(&mut scene);
        let seen = scene.run();
        assert!(seen.person.questions.is_empty() && seen.result.is_err(), "{what}");
    }
    // An older agent would record it as nothing, and the code would be spent for nothing.
    let mut old = scene(SEALED);
    old.timeouts = SHORT;
    old.agent.script = honest_agent(&Deployment::with_sealed());
    assert!(old.run().person.questions.is_empty());

    // Where passes alone are taken, what is typed is no code, and no try is spent.
    let passes = |policy: &mut PolicyDocument| {
        (policy.break_glass_seconds, policy.pass_seconds) = (None, Some(LONGEST));
    };
    let scene = scene_of(&with(|d| passes(&mut d.scopes[1].1)), SEALED);
    let notes = Arc::clone(&scene.machine.notes);
    assert_eq!(scene.run().code(), 1809);
    assert_eq!(*notes.lock().unwrap(), PassNotes::default());
}
