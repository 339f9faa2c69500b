//! Another PIN for a key: as it should go, and every way in which the key hears of none.

use std::time::Duration;

use pam::constants::PamResultCode;
use wardkey_core::code::{Code, Notice, Prompt};
use wardkey_core::id::EventId;
use wardkey_core::message::agent::{LoginResult, Reply as AgentReply, Request as AgentRequest};
use wardkey_core::message::key::{Reply as KeyReply, Request as KeyRequest};
use wardkey_core::name::Language;
use wardkey_core::person::Status;
use wardkey_core::texts;

use super::faults::{at_begin, at_hold, at_outcome};
use super::scene::*;
use crate::login::{self, Admitted, Login};
use crate::refusal::Refusal;
use crate::talk::Answer;
use crate::typed_name::TypedName;
use crate::world::World;
use wardkey_testkit::{CODE, Deployment, login as name};

pub(super) const NEW: &str = "246801";

/// `hanako` at `passwd`, who answers so.
pub(super) fn scene(answers: &[&str]) -> Scene {
    let mut scene = Scene::new();
    scene.login.changes_pin = true;
    scene.login.service = wardkey_testkit::service("passwd");
    scene.person.answers = answers_of(answers);
    scene
}

pub(super) fn answers_of<T: FromIterator<Answer>>(answers: &[&str]) -> T {
    let typed = |text: &&str| Answer::Typed(zeroize::Zeroizing::new((*text).to_owned()));
    answers.iter().map(typed).collect()
}

/// The change as a login: who is admitted stands for "changed".
fn changed(world: World<'_>, login: &Login) -> Result<Admitted, Refusal> {
    login::change_pin(world, login).map(|()| Admitted {
        person: name("hanako"),
        key: None,
        login: EventId::new([0; 16]),
    })
}

pub(super) fn run(scene: Scene) -> Seen {
    let seen = scene.run_with(changed);
    for agent in &seen.agent {
        let bytes = wardkey_core::codec::to_message(agent);
        assert!(!bytes.windows(NEW.len()).any(|part| part == NEW.as_bytes()));
    }
    let said = format!("{:?} {:?} {:?}", seen.person.errors, seen.person.infos, seen.journal);
    assert!(!said.contains(NEW), "{said}");
    assert!(!seen.pin_sent(), "nobody logs in");
    seen
}

/// Whether PINs left for the key process.
pub(super) fn pins_sent(seen: &Seen) -> bool {
    seen.key.iter().any(|request| matches!(request, KeyRequest::ChangePinOf(_)))
}

fn said(code: Code) -> String {
    texts::with_code(code, Language::Ja, &[])
}

#[test]
fn three_answers_change_the_pin_and_it_is_recorded() {
    let seen = run(scene(&[PIN, NEW, NEW]));
    assert!(seen.result.is_ok(), "{:?}", seen.result);
    let new = texts::message(Prompt::PinNewPrompt, Language::Ja, &[("least", "4")]);
    assert_eq!(
        seen.person.questions,
        [
            texts::message(Prompt::PinOldPrompt, Language::Ja, &[("name", "Demo Hanako")]),
            new,
            texts::message(Prompt::PinAgainPrompt, Language::Ja, &[]),
        ]
    );
    assert_eq!(seen.person.infos, [texts::message(Notice::PinChanged, Language::Ja, &[])]);
    assert!(seen.person.errors.is_empty() && seen.journal.is_empty());
    let [AgentRequest::Begin(begin), AgentRequest::Hold, announced, last] = &seen.agent[..] else {
        panic!("{:?}", seen.agent)
    };
    let AgentRequest::Outcome(outcome) = last else { panic!("{:?}", seen.agent) };
    let proof = Box::new(outcome.proof.clone().unwrap());
    assert_eq!(*announced, AgentRequest::PinChange { person: name("hanako"), proof });
    assert_eq!((begin.changes_pin, outcome.login.changes_pin), (Some(true), Some(true)));
    assert_eq!(
        (&outcome.result, &outcome.person),
        (&LoginResult::PinChanged, &Some(name("hanako")))
    );
    let [KeyRequest::Identify(_), KeyRequest::ChangePinOf(change)] = &seen.key[..] else {
        panic!("{:?}", seen.key)
    };
    assert_eq!((change.old.expose(), change.new.expose()), (PIN, NEW));
}

#[test]
fn what_cannot_be_the_new_pin_is_asked_again_up_to_three_times() {
    // (what is typed after the old PIN, what is said of it)
    let cases: &[(&[&str], Code)] = &[
        (&[""], Code::PinEmpty),
        (&["123"], Code::PinLength),
        (&["12345"], Code::PinPolicy),
        (&[&"1".repeat(64)], Code::PinLength),
        (&["２４６８０１"], Code::PinInputMethod),
        (&["パスワード"], Code::PinInputMethod),
        (&[PIN], Code::PinSame),
        (&[NEW, "246800"], Code::PinsDiffer),
    ];
    for (wrong, code) in cases {
        for times in 1..=3 {
            let mut answers = vec![PIN];
            answers.extend(std::iter::repeat_n(*wrong, times).flatten().copied());
            if times < 3 {
                answers.extend([NEW, NEW]);
            }
            let mut scene = scene(&answers);
            scene.key_instead(|_, request| match request {
                KeyRequest::Identify(_) => {
                    let KeyReply::Identified(mut reply) = identified(request, 1) else {
                        unreachable!()
                    };
                    reply.key.details.as_mut().unwrap().min_pin_length = 6;
                    vec![Act::Say(KeyReply::Identified(reply))]
                }
                _ => vec![],
            });
            let seen = run(scene);
            assert_eq!(seen.result.is_ok(), times < 3, "{wrong:?} {times}: {:?}", seen.result);
            assert_eq!(seen.person.errors, vec![said(*code); times], "{wrong:?}");
            assert_eq!(pins_sent(&seen), times < 3, "{wrong:?}");
            if times == 3 {
                assert_eq!(seen.code(), code.number());
                let LoginResult::Failure(failure) = &seen.outcomes()[0].result else { panic!() };
                assert!(failure.code == *code && !failure.counts());
            }
        }
    }
}

#[test]
fn what_cannot_be_the_old_pin_is_refused_before_a_try_is_spent() {
    for (typed, code) in
        [("", Code::PinEmpty), ("123", Code::PinLength), (&*"1".repeat(64), Code::PinLength)]
    {
        let seen = run(scene(&[typed]));
        assert_eq!((seen.code(), seen.person.questions.len()), (code.number(), 1), "{typed}");
        assert!(!pins_sent(&seen) && seen.person.errors == [said(code)], "{typed}");
        // And so at a login.
        let mut login = Scene::new();
        login.person = Person::types(typed);
        let seen = login.run();
        assert_eq!((seen.code(), seen.pin_sent()), (code.number(), false), "{typed}");
        assert_eq!(seen.person.errors, [said(code)]);
    }
}

#[test]
fn what_an_input_method_made_is_asked_again_once_before_a_try_is_spent() {
    let told = [said(Code::PinInputMethod)];
    let typing = |answers: &[&str]| {
        let mut scene = Scene::new();
        scene.person.answers = answers_of(answers);
        scene.run()
    };
    for typed in ["１３５７９０", "ﾊﾟｽﾜｰﾄﾞ", "　123456"] {
        // The input method is turned off.
        let login = typing(&[typed, PIN]);
        assert!(login.result.is_ok() && login.person.errors == told, "{typed}");
        let changed = run(scene(&[typed, PIN, NEW, NEW]));
        assert!(changed.result.is_ok() && changed.person.errors == told, "{typed}");

        // Nobody goes on.
        let mut left = Scene::new();
        left.person.answers = answers_of(&[typed]);
        left.person.answers.push_back(Answer::None);
        let left = left.run();
        assert_eq!((left.code(), left.pin_sent()), (Code::Cancelled.number(), false), "{typed}");

        // It is the PIN: nobody is locked out of a key whose PIN another program set.
        let meant = typing(&[typed, typed]);
        assert!(meant.pin_sent() && meant.person.questions.len() == 2, "{typed}");
    }
}

#[test]
fn a_wrong_pin_is_refused_counts_and_changes_nothing() {
    let seen = run(scene(&["000000", NEW, NEW]));
    assert_eq!(seen.code(), Code::PinWrong.number());
    let outcome = seen.outcomes()[0];
    let LoginResult::Failure(failure) = &outcome.result else { panic!("{outcome:?}") };
    assert!(failure.counts() && failure.tries_left == Some(7));
    assert_eq!((outcome.login.changes_pin, outcome.proof.is_some()), (Some(true), true));
    assert_eq!(
        seen.person.errors,
        [texts::with_code(Code::PinWrong, Language::Ja, &[("tries", "7")])]
    );
    assert_eq!(seen.result.unwrap_err().password(), PamResultCode::PAM_AUTHTOK_ERR);
}

#[test]
fn a_pin_that_must_be_changed_is_changed_here() {
    let mut scene = scene(&[PIN, NEW, NEW]);
    scene.key_instead(|_, request| match request {
        KeyRequest::Identify(_) => {
            let KeyReply::Identified(mut reply) = identified(request, 1) else { unreachable!() };
            reply.key.details.as_mut().unwrap().pin_must_change = true;
            vec![Act::Say(KeyReply::Identified(reply))]
        }
        _ => vec![],
    });
    assert!(run(scene).result.is_ok());
}

/// (what happens, how, code, questions asked)
type Case = (&'static str, fn(&mut Scene), Code, usize);

#[test]
fn whatever_goes_wrong_before_sends_no_pin_anywhere() {
    let cases: &[Case] = &[
        ("agent is down", |s| s.agent.down_from = 0, Code::AgentUnreachable, 0),
        ("key process is down", |s| s.key.down_from = 0, Code::KeyProcessUnreachable, 0),
        (
            "an older agent",
            |s| {
                let grant = grant_of(Deployment::new().evidence("hanako"));
                at_begin(s, vec![Act::Say(AgentReply::Granted(Box::new(grant)))]);
            },
            Code::ProtocolError,
            0,
        ),
        ("somebody else's key", |s| s.key.script = key_with(2), Code::KeyAndNameDoNotMatch, 0),
        ("a key that proves nothing", |s| at_identify_forged(s), Code::KeyTimeout, 0),
        (
            "another account",
            |s| s.login.name = TypedName::of("taro", None),
            Code::KeyAndNameDoNotMatch,
            0,
        ),
        (
            "nobody of the directory",
            |s| s.login.name = TypedName::of("ghost", None),
            Code::KeyAndNameDoNotMatch,
            0,
        ),
        (
            "a disabled person",
            |s| {
                let mut deployment = Deployment::new();
                deployment.hanako().status = Status::Disabled;
                deployment.refresh();
                s.agent_shows(&deployment);
            },
            Code::PersonDisabled,
            0,
        ),
        ("remote", |s| s.login.remote = true, Code::RemoteSession, 0),
        ("no answer", |s| s.person.answers = [Answer::None].into(), Code::Cancelled, 1),
        ("no text", |s| s.person.answers = [Answer::NotText].into(), Code::PinLength, 1),
        ("no second answer", |s| s.person.answers[1] = Answer::None, Code::Cancelled, 2),
        ("no third answer", |s| s.person.answers[2] = Answer::None, Code::Cancelled, 3),
        (
            "too late",
            |s| {
                s.person.thinks = Duration::from_millis(60);
                s.settings.prompt_wait = Some(Duration::from_millis(30));
            },
            Code::TooLate,
            1,
        ),
        (
            "locked out at hold",
            |s| at_hold(s, vec![Act::Say(refused(Code::LockedOut))]),
            Code::LockedOut,
            3,
        ),
    ];
    for (what, change, code, questions) in cases {
        let mut scene = scene(&[PIN, NEW, NEW]);
        change(&mut scene);
        let seen = run(scene);
        assert_eq!(
            (seen.code(), seen.person.questions.len()),
            (code.number(), *questions),
            "{what}"
        );
        assert!(!pins_sent(&seen), "{what}");
        assert_eq!(seen.person.errors.len(), 1, "{what}");
    }
}

/// The key of somebody else claims to hold hers.
fn at_identify_forged(scene: &mut Scene) {
    scene.key_instead(|_, request| match request {
        KeyRequest::Identify(_) => vec![Act::Say(claims(request, 66, 1))],
        _ => vec![],
    });
}

#[test]
fn without_a_key_no_code_is_asked_for() {
    let mut scene = super::passes::scene_of(&Deployment::with_pass(), CODE);
    scene.login.changes_pin = true;
    scene.timeouts = SHORT;
    let seen = run(scene);
    assert_eq!((seen.code(), seen.person.questions.len()), (Code::KeyTimeout.number(), 0));
}

#[test]
fn a_changed_pin_is_changed_also_when_the_agent_does_not_record_it() {
    let mut scene = scene(&[PIN, NEW, NEW]);
    at_outcome(&mut scene, vec![Act::Say(refused(Code::StateUnavailable))]);
    let seen = run(scene);
    assert!(seen.result.is_ok());
    assert!(seen.journal[0].contains("not recorded: WK-1305"), "{:?}", seen.journal);
    assert_eq!(seen.person.infos, [texts::message(Notice::PinChanged, Language::Ja, &[])]);
}

#[test]
fn whether_it_can_be_done_asks_nobody_anything() {
    type Change = fn(&mut Scene);
    let cases: [(&str, Change, Option<Code>); 5] = [
        ("all is there", |_| {}, None),
        ("agent is down", |s| s.agent.down_from = 0, Some(Code::AgentUnreachable)),
        ("key process is down", |s| s.key.down_from = 0, Some(Code::KeyProcessUnreachable)),
        ("remote", |s| s.login.remote = true, Some(Code::RemoteSession)),
        ("not root's", |s| s.machine.is_root = false, Some(Code::KeyAccessDenied)),
    ];
    fn can(world: World<'_>, login: &Login) -> Result<Admitted, Refusal> {
        login::can_change_pin(world, login).map(|()| Admitted {
            person: name("hanako"),
            key: None,
            login: EventId::new([0; 16]),
        })
    }
    for (what, change, code) in cases {
        let mut scene = scene(&[]);
        change(&mut scene);
        let seen = scene.run_with(can);
        assert_eq!(seen.result.as_ref().err().map(|refusal| refusal.code), code, "{what}");
        assert!(seen.agent.is_empty() && seen.key.is_empty(), "{what}");
        assert!(seen.person.questions.is_empty() && seen.person.errors.is_empty(), "{what}");
    }
    for (code, result) in [
        (Code::AgentUnreachable, PamResultCode::PAM_TRY_AGAIN),
        (Code::Configuration, PamResultCode::PAM_TRY_AGAIN),
        (Code::KeyAccessDenied, PamResultCode::PAM_AUTHTOK_ERR),
        (Code::PinBlocked, PamResultCode::PAM_AUTHTOK_ERR),
    ] {
        assert_eq!(Refusal::new(code, "").password(), result, "{code}");
    }
}
