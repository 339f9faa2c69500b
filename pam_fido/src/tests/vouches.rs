//! Without the key: a colleague vouches. What is asked, what is signed, kept and recorded.

use std::collections::VecDeque;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};

use wardkey_core::code::{Notice, Prompt};
use wardkey_core::codec::{List, to_message};
use wardkey_core::id::{CredentialId, Salt};
use wardkey_core::message::agent::{LoginResult, Reply as AgentReply, Request as AgentRequest};
use wardkey_core::message::key::{Reply as KeyReply, Request as KeyRequest};
use wardkey_core::name::{DisplayText, Language};
use wardkey_core::pass::PassCode;
use wardkey_core::texts;
use wardkey_core::vouch::Vouch;

use super::passes::typed;
use super::scene::*;
use wardkey_testkit::{
    CHOSEN, CHOSEN_SEED, Deployment, VOUCHED, chosen_key, kept, login, service, signature_by_code,
    vouch,
};

/// An agent that takes vouches.
pub fn agent(deployment: &Deployment) -> AgentScript {
    let honest = honest_agent(deployment);
    Arc::new(move |number, request| {
        let mut acts = honest(number, request);
        for act in &mut acts {
            if let Act::Say(AgentReply::Granted(grant)) = act {
                (grant.takes_codes, grant.takes_vouches) = (Some(true), Some(true));
                // For a name that nobody has, of a person's shape.
                let decoy = CredentialId::new(vec![0xdd; 32]).unwrap();
                grant.decoys = Some(List::new(vec![decoy]).unwrap());
            }
        }
        acts
    })
}

/// A key process at which taro's key is plugged in, and which hashes as one does: what the chosen
/// code signs is right with the salt that was there before, or with the one of a kept vouch.
pub fn taros_key() -> KeyScript {
    let salt = Arc::new(Mutex::new(kept(&vouch()).salt));
    let taro = key_with(2);
    Arc::new(move |number, request| match request {
        KeyRequest::Identify(identify) => {
            let asked = identify.allow.iter().any(|id| id.as_slice() == [2; 32]);
            if asked { taro(number, request) } else { vec![Act::Say(KeyReply::Insert)] }
        }
        KeyRequest::HashCode(request) => {
            assert_ne!(request.salt, Salt::new([0; 16]), "a salt of its own");
            *salt.lock().unwrap() = request.salt;
            vec![Act::Say(KeyReply::KeyOfCode(chosen_key()))]
        }
        KeyRequest::SignByCode(request) => {
            let is_right = request.code == PassCode::read_chosen(CHOSEN).unwrap()
                && request.salt == *salt.lock().unwrap();
            let seed = if is_right { CHOSEN_SEED } else { 1 };
            let signature = signature_by_code(seed, request.client_data.as_slice());
            vec![Act::Say(KeyReply::SignedByCode(signature))]
        }
        other => taro(number, other),
    })
}

/// What is typed until taro has vouched for hanako.
pub const TYPED: [&str; 7] = typed_for("hanako");

/// The same for whoever is shown to taro by this name.
pub const fn typed_for(shown: &str) -> [&str; 7] {
    ["0", CHOSEN, CHOSEN, "key at home", "taro", shown, PIN]
}

pub fn scene_of(deployment: &Deployment, answers: &[&str]) -> Scene {
    let mut scene = Scene::of(deployment);
    scene.agent.script = agent(deployment);
    scene.key.script = taros_key();
    let answers = answers.iter().map(|text| typed(text)).collect();
    scene.person = Person { answers, ..Person::default() };
    scene
}

/// hanako without her key, beside taro with his.
pub fn scene(answers: &[&str]) -> Scene {
    scene_of(&Deployment::with_colleague(), answers)
}

pub fn with(change: impl FnOnce(&mut Deployment)) -> Deployment {
    let mut deployment = Deployment::with_colleague();
    change(&mut deployment);
    deployment.refresh();
    deployment
}

#[test]
fn a_colleague_vouches_and_the_person_is_in_by_the_code_then_and_later() {
    let scene = scene(&TYPED);
    let book = Arc::clone(&scene.machine.vouches);
    let script = Arc::clone(&scene.key.script);
    let seen = scene.run();
    let admitted = seen.result.as_ref().unwrap();
    assert_eq!((admitted.person.as_str(), admitted.key), ("hanako", None));

    let said = |prompt: Prompt| texts::message(prompt, Language::En, &[]);
    let args = [("name", "Demo Taro"), ("person", "hanako"), ("hours", "8")];
    let taro = |prompt: Prompt| texts::message(prompt, Language::Ja, &args);
    let questions = [
        said(Prompt::VouchPrompt),
        said(Prompt::VouchCodePrompt),
        said(Prompt::VouchCodeAgain),
        said(Prompt::VouchReasonPrompt),
        said(Prompt::VoucherPrompt),
        taro(Prompt::VouchNamePrompt),
        taro(Prompt::VouchPinPrompt),
    ];
    assert_eq!(seen.person.questions, questions, "the colleague sees whom, and for how long");
    let args = [("person", "hanako"), ("hours", "8")];
    let told = texts::message(Notice::Vouched, Language::En, &args);
    assert!(seen.person.infos.contains(&told), "{:?}", seen.person.infos);

    let outcomes = seen.outcomes();
    let [vouched, by_it] = outcomes[..] else { panic!("{outcomes:?}") };
    assert_eq!(vouched.login.account, Some(login("taro")), "the key is held as taro's");
    assert_eq!(vouched.person, Some(login("taro")));
    let LoginResult::Vouched(assertion) = &vouched.result else { panic!("{vouched:?}") };
    let LoginResult::SuccessByVouch(signed, word) = &by_it.result else { panic!("{by_it:?}") };
    assert_eq!(word, assertion);
    let vouch = Vouch::from_bytes(assertion.client_data.as_slice()).unwrap();
    assert_eq!((vouch.person.as_str(), vouch.voucher.as_str()), ("hanako", "taro"));
    assert_eq!(vouch.until.since(vouch.from), VOUCHED);
    assert_eq!(vouch.reason.as_ref().unwrap().as_str(), "key at home");
    signed.verify(&vouch.as_pass(Salt::new([0; 16]))).unwrap();

    let kept = book.lock().unwrap().of(&login("hanako")).unwrap().0.clone();
    assert_eq!(&kept.assertion, assertion);
    let agent = seen.agent.iter().map(to_message).collect::<Vec<_>>().concat();
    let salt = kept.salt.as_bytes();
    assert!(!agent.windows(16).any(|bytes| bytes == salt), "the salt is root's alone");

    // Later, and in the network's absence: nothing but name and code.
    let mut later = self::scene(&[CHOSEN]);
    later.machine.vouches = book;
    later.key.script = script;
    let seen = later.run();
    assert_eq!(seen.result.as_ref().unwrap().person.as_str(), "hanako");
    assert!(!seen.pin_sent(), "nobody else is needed");
}

#[test]
fn a_colleague_is_offered_for_every_name_or_for_none() {
    type Change = fn(&mut Scene);
    let offers: [(&str, Change); 3] = [
        ("somebody", |_| {}),
        ("a name that nobody has", |s| s.login = login_as("ghost")),
        ("no name", |s| s.login = login_as("-x")),
    ];
    for (who, change) in offers {
        let mut scene = scene(&["secret"]);
        change(&mut scene);
        let question = texts::message(Prompt::VouchPrompt, Language::En, &[]);
        assert_eq!(scene.run().person.questions, [question], "{who}");
    }

    let nobody: [(&str, Change); 7] = [
        ("no groups are named", |s| {
            s.agent.script = agent(&with(|d| d.scopes[1].1.vouch_groups = None));
        }),
        ("no time is", |s| {
            s.agent.script = agent(&with(|d| d.scopes[1].1.vouch_seconds = None));
        }),
        ("sudo, whatever the policy calls it", |s| {
            s.agent.script = agent(&with(|d| d.scopes[1].1.elevating_services = List::default()));
            s.login.service = service("sudo");
        }),
        ("a service that takes no codes", |s| {
            let services = List::new(vec![service("login")]).unwrap();
            s.agent.script = agent(&with(|d| d.scopes[0].1.pass_except = Some(services)));
        }),
        ("a program that is not root's", |s| s.machine.is_root = false),
        ("an agent from before", |s| s.agent.script = honest_agent(&Deployment::with_colleague())),
        ("a remote session", |s| s.login.remote = true),
    ];
    for (what, change) in nobody {
        let mut scene = scene(&TYPED);
        scene.timeouts = SHORT;
        change(&mut scene);
        let seen = scene.run();
        assert!(seen.person.questions.is_empty() && seen.result.is_err(), "{what}");
    }
}

#[test]
fn where_only_passes_are_taken_no_colleague_is() {
    let mut scene = super::passes::scene("0");
    scene.agent.script = agent(&Deployment::with_pass());
    let seen = scene.run();
    assert_eq!(seen.code(), 1809, "no code");
    assert_eq!(seen.person.questions, [texts::message(Prompt::PassPrompt, Language::En, &[])]);
}

#[test]
fn at_a_shared_account_the_name_is_typed_and_the_word_is_for_that_person() {
    let deployment = with(|d| d.share("ward3pc", &["nurses"]));
    let run = |answers: &[&str]| {
        let mut scene = scene_of(&deployment, answers);
        // At a shared account taro's own key is one that is looked for.
        let honest = Arc::clone(&scene.key.script);
        scene.key.script = Arc::new(move |number, request| match request {
            KeyRequest::Identify(identify) if identify.every => vec![Act::Say(KeyReply::Insert)],
            _ => honest(number, request),
        });
        scene.login = login_as("ward3pc");
        let book = Arc::clone(&scene.machine.vouches);
        (scene.run(), book)
    };
    let answers = |first, shown| [first, CHOSEN, CHOSEN, "", "taro", shown, PIN];
    let (seen, book) = run(&answers("hanako ０", "hanako"));
    assert_eq!(seen.result.as_ref().unwrap().person.as_str(), "hanako", "{:?}", seen.result);
    let question = texts::message(Prompt::VouchPromptShared, Language::En, &[]);
    assert_eq!(seen.person.questions[0], question);
    let vouch = book.lock().unwrap().of(&login("hanako")).unwrap().1;
    assert_eq!(vouch.reason, None);
    for (nobody, shown) in [
        ("0", "_"),
        ("ghost 0", "ghost"),
        ("-x 0", "_"),
        ("root 0", "root"),
        ("ward3pc 0", "ward3pc"),
    ] {
        let (seen, book) = run(&answers(nobody, shown));
        assert_eq!(seen.code(), 1575, "{nobody}");
        assert!(book.lock().unwrap().kept.is_empty());
    }
}

#[test]
fn the_evidence_of_both_is_of_the_moment_and_the_key_is_held() {
    let seen = scene(&TYPED).run();
    let position = |wanted: &dyn Fn(&AgentRequest) -> bool| seen.agent.iter().position(wanted);
    let held = position(&|one| *one == AgentRequest::Hold).unwrap();
    let person = position(&|one| *one == AgentRequest::Prove(login("hanako"))).unwrap();
    let voucher = position(&|one| *one == AgentRequest::Prove(login("taro"))).unwrap();
    let said = position(&|one| matches!(one, AgentRequest::Outcome(_))).unwrap();
    assert!(held < person && person < voucher && voucher < said, "{:?}", seen.agent);
}

#[test]
fn the_key_signs_for_no_longer_than_the_question_said() {
    let hours = |hours: u64, seq: u64| {
        agent(&with(|d| {
            d.scopes[1].1.vouch_seconds = Some(hours * 3600);
            d.scopes.iter_mut().for_each(|(state, _)| state.head.seq += seq);
        }))
    };
    // The policy changes while the colleague reads: longer, then shorter.
    for (before, after) in [(1, 8), (8, 1)] {
        let mut scene = scene(&TYPED);
        let (before, after) = (hours(before, 0), hours(after, 1));
        let has_changed = AtomicBool::new(false);
        scene.agent.script = Arc::new(move |number, request| {
            let is_asked = matches!(request, AgentRequest::Prove(_));
            if has_changed.fetch_or(is_asked, Ordering::SeqCst) || is_asked {
                after(number, request)
            } else {
                before(number, request)
            }
        });
        let book = Arc::clone(&scene.machine.vouches);
        let seen = scene.run();
        assert_eq!(seen.code(), 0, "{:?}", seen.result);
        let vouch = book.lock().unwrap().of(&login("hanako")).unwrap().1;
        assert_eq!(vouch.until.since(vouch.from), 3600);
    }
}

/// Somebody who is called to a terminal that waits for a key inserts theirs, and types the PIN.
#[test]
fn while_the_key_is_waited_for_it_is_said_whom_it_lets_in() {
    let comes_late = |name: &str, has_pages: bool| {
        let mut scene = scene(&typed_for(name));
        scene.login = login_as(name);
        // A page to insert a key would end the login when the key comes: none is shown.
        scene.person.pages = has_pages.then(VecDeque::new);
        scene.key_instead(|number, request| match request {
            KeyRequest::Identify(identify)
                if number > 0 && identify.allow.iter().any(|id| id.as_slice() == [2; 32]) =>
            {
                vec![Act::Say(KeyReply::Insert), Act::Say(identified(request, 2))]
            }
            _ => vec![],
        });
        scene.run()
    };
    for (name, has_pages) in [("hanako", false), ("ghost", false), ("hanako", true)] {
        let seen = comes_late(name, has_pages);
        let said = |prompt: Prompt| texts::message(prompt, Language::En, &[("person", name)]);
        let waits: Vec<&String> = seen.person.infos.iter().take(2).collect();
        assert_eq!(waits, [&said(Prompt::InsertKey), &said(Prompt::VouchInsert)], "{name}");
        assert_eq!(seen.code(), if name == "hanako" { 0 } else { 1575 });
    }
}

#[test]
fn at_a_text_console_the_colleague_is_asked_in_letters_that_it_has() {
    let name = DisplayText::new("山田 太郎").unwrap();
    let mut scene = scene_of(&with(|deployment| deployment.taro().display_name = name), &TYPED);
    scene.login.at_text_console = true;
    let seen = scene.run();
    assert!(seen.result.is_ok());
    let pin = [("name", "taro"), ("person", "hanako"), ("hours", "8")];
    let asked = texts::message(Prompt::VouchPinPrompt, Language::En, &pin);
    assert_eq!(seen.person.questions.last(), Some(&asked));
}
