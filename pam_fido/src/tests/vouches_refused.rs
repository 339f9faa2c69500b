//! A colleague vouches: all the ways in which nothing comes of it.

use std::sync::Arc;
use std::sync::atomic::Ordering;

use wardkey_core::code::Code;
use wardkey_core::codec::List;
use wardkey_core::directory::leaf_key;
use wardkey_core::id::Nonce;
use wardkey_core::message::agent::{LoginResult, Request as AgentRequest};
use wardkey_core::message::key::{Reply as KeyReply, Request as KeyRequest};
use wardkey_core::person::Status;
use wardkey_core::time::UnixTime;
use wardkey_core::vouch::Vouch;

use super::looks::look_of;
use super::passes::typed;
use super::scene::*;
use super::vouches::{TYPED, agent, scene, scene_of, typed_for, with};
use crate::typed_name::TypedName;
use wardkey_testkit::{CHOSEN, Deployment, T0, kept, login, vouch};

/// What was seen, and that nobody's word was kept or recorded.
pub fn refused_of(scene: Scene) -> Seen {
    let book = Arc::clone(&scene.machine.vouches);
    let before = book.lock().unwrap().clone();
    let seen = scene.run();
    assert!(seen.result.is_err());
    assert_eq!(*book.lock().unwrap(), before, "nothing is kept");
    let vouched = |outcome: &&wardkey_core::message::agent::LoginOutcome| {
        matches!(outcome.result, LoginResult::Vouched(_))
    };
    assert!(!seen.outcomes().iter().any(vouched), "nothing is recorded as somebody's word");
    seen
}

#[test]
fn a_code_of_one_s_own_is_six_digits_or_more_and_not_the_first_that_others_try() {
    for (answers, code) in [
        (&["0", "24681"][..], 1572),
        (&["0", "2468135790"], 1572),
        (&["0", "ABCDE-FGHJK"], 1572),
        (&["0", "111111"], 1573),
        (&["0", "456789"], 1573),
        (&["0", CHOSEN, "246814"], 1574),
        (&["0", CHOSEN, ""], 1574),
    ] {
        let seen = refused_of(scene(answers));
        assert_eq!(seen.code(), code, "{answers:?}");
        assert!(!seen.key.iter().any(|one| matches!(one, KeyRequest::HashCode(_))), "{answers:?}");
    }
}

#[test]
fn who_may_not_vouch_or_be_vouched_for_is_refused_after_pin_and_touch_in_one_sentence() {
    type Change = fn(&mut Scene);
    let cases: [(&str, Change); 12] = [
        ("in none of the groups", |s| {
            s.agent.script = agent(&with(|d| {
                d.taro().groups = List::new(vec![wardkey_testkit::group("nurses")]).unwrap();
            }));
        }),
        ("in the group, says one scope of two", |s| {
            s.agent.script = agent(&with(|d| {
                let mut taro = d.taro().clone();
                taro.groups = List::default();
                d.scopes[0].0.people.push(taro);
            }));
        }),
        ("a scope of the person names no group", |s| {
            s.agent.script = agent(&with(|d| {
                let hanako = d.hanako().clone();
                d.scopes[0].0.people.push(hanako);
            }));
        }),
        ("the person is disabled", |s| {
            s.agent.script = agent(&with(|d| d.hanako().status = Status::Disabled));
        }),
        ("the person's time is over", |s| {
            s.agent.script = agent(&with(|d| d.hanako().not_after = Some(UnixTime(T0 - 1))));
        }),
        ("nobody has the name", |s| s.login = login_as("ghost")),
        ("no name at all", |s| s.login = login_as("-x")),
        ("no account here", |s| {
            s.login.name = TypedName::of("hanako", Some("NSS knows no such account"));
        }),
        ("for oneself", |s| s.login = login_as("taro")),
        ("the key was not touched", |s| {
            s.key_instead(|_, request| match request {
                KeyRequest::Assert(assert) => {
                    vec![Act::Say(signature(2, 2, assert.client_data.as_slice(), 0x04))]
                }
                _ => vec![],
            });
        }),
        ("the key checked no PIN", |s| {
            s.key_instead(|_, request| match request {
                KeyRequest::Assert(assert) => {
                    vec![Act::Say(signature(2, 2, assert.client_data.as_slice(), 0x01))]
                }
                _ => vec![],
            });
        }),
        ("another key signed", |s| {
            s.key_instead(|_, request| match request {
                KeyRequest::Assert(assert) => {
                    vec![Act::Say(signature(3, 2, assert.client_data.as_slice(), 0x05))]
                }
                _ => vec![],
            });
        }),
    ];
    for (what, change) in cases {
        let mut scene = scene(&TYPED);
        change(&mut scene);
        let shown = scene.login.name.login_name().map_or("_", |name| name.as_str());
        scene.person.answers = typed_for(shown).iter().map(|text| typed(text)).collect();
        if what == "for oneself" {
            // Her own key is not there; it is taro who is named, and taro who vouches.
            scene.key_instead(|number, request| match request {
                KeyRequest::Identify(_) if number == 0 => vec![Act::Say(KeyReply::Insert)],
                _ => vec![],
            });
        }
        let seen = refused_of(scene);
        assert_eq!(seen.code(), 1575, "{what}: {:?}", seen.result);
        assert!(seen.pin_sent(), "{what}: nothing shows before");
        assert_eq!(seen.person.questions.len(), TYPED.len(), "{what}");
        let outcomes = seen.outcomes();
        let [outcome] = outcomes[..] else { panic!("{what}: {outcomes:?}") };
        let LoginResult::Failure(failure) = &outcome.result else { panic!("{what}") };
        assert_eq!(failure.code, Code::VouchRefused);
        assert_eq!(outcome.person, Some(login("taro")), "{what}: it is the colleague's");
    }
}

#[test]
fn a_name_that_nobody_has_looks_as_any_other_until_the_key_has_signed() {
    let looks = |name: &str, deployment: &Deployment| {
        let mut scene = scene_of(deployment, &typed_for(name));
        scene.login = login_as(name);
        let seen = refused_of(scene);
        let words = |all: &[String]| all.join("\n");
        let told =
            [words(&seen.person.questions), words(&seen.person.infos), words(&seen.person.errors)];
        (told.map(|told| told.replace(name, "NAME")), look_of(&seen, name))
    };
    let disabled = with(|d| d.hanako().status = Status::Disabled);
    let known = looks("hanako", &disabled);
    assert_eq!(looks("ghost", &disabled), known);
    assert_eq!(looks("ghost", &with(|_| {})), known);
}

#[test]
fn the_colleague_s_key_proves_itself_before_a_pin_is_asked_for_and_its_failures_count() {
    let seen = {
        let mut scene = scene(&["0", CHOSEN, CHOSEN, "", "taro"]);
        scene.timeouts = SHORT;
        scene.key_instead(|_, request| match request {
            KeyRequest::Identify(_) => vec![Act::Say(KeyReply::Insert)],
            _ => vec![],
        });
        refused_of(scene)
    };
    assert_eq!(seen.code(), 1214, "no key came");
    assert!(!seen.pin_sent() && seen.person.questions.len() == 5);

    let mut pretender = scene(&["0", CHOSEN, CHOSEN, "", "taro"]);
    pretender.timeouts = SHORT;
    pretender.key_instead(|number, request| match request {
        KeyRequest::Identify(_) if number > 0 => vec![Act::Say(claims(request, 9, 2))],
        KeyRequest::PassOver(_) => nothing_comes(),
        _ => vec![],
    });
    let seen = refused_of(pretender);
    assert!(!seen.pin_sent(), "a device that only claims to be taro's");
    assert_eq!(seen.person.questions.len(), 5);

    let seen = refused_of(scene(&["0", CHOSEN, CHOSEN, "", "taro", "hanako", "000000"]));
    assert_eq!(seen.code(), 1203);
    let outcomes = seen.outcomes();
    let [outcome] = outcomes[..] else { panic!("recorded once: {outcomes:?}") };
    assert_eq!(outcome.login.account, Some(login("taro")));
    assert!(outcome.proof.is_some(), "so that it counts against taro's key");

    // A colleague who is none here.
    for none in ["nobody", "no name"] {
        let mut scene = scene(&["0", CHOSEN, CHOSEN, "", none]);
        scene.timeouts = SHORT;
        let seen = refused_of(scene);
        assert!(!seen.pin_sent(), "{:?}", seen.result);
    }
}

#[test]
fn a_disabled_colleague_or_key_is_told_so_before_the_pin() {
    let disabled = with(|d| d.taro().status = Status::Disabled);
    let seen = refused_of(scene_of(&disabled, &TYPED[..5]));
    assert_eq!((seen.code(), seen.pin_sent()), (1002, false));
    let key = with(|d| {
        let mut credentials = d.taro().credentials.to_vec();
        credentials[0].status = Status::Disabled;
        d.taro().credentials = List::new(credentials).unwrap();
    });
    let seen = refused_of(scene_of(&key, &TYPED[..5]));
    assert_eq!((seen.code(), seen.pin_sent()), (1005, false));
}

#[test]
fn a_colleague_whom_time_offline_keeps_out_is_told_so_before_the_pin() {
    let offline = |seen: &[&str]| {
        let mut scene = scene(&TYPED);
        let now = UnixTime(T0 + 48 * 3600);
        scene.machine = FakeMachine::at(now.0);
        let mut marks = scene.machine.marks.lock().unwrap();
        seen.iter().for_each(|name| marks.remember(leaf_key(&login(name)), now));
        drop(marks);
        scene
    };
    assert_eq!(offline(&["hanako", "taro"]).run().code(), 0);
    let seen = refused_of(offline(&["hanako"]));
    assert_eq!((seen.code(), seen.pin_sent()), (Code::OfflineNotSeenHere.number(), false));
    let seen = refused_of(offline(&["taro"]));
    assert_eq!((seen.code(), seen.pin_sent()), (1575, true), "hanako was never here");
}

#[test]
fn who_is_in_on_somebody_s_word_has_none_to_give() {
    // hanako may vouch, and a colleague has vouched for her; her key is at home.
    let deployment = with(|d| {
        d.hanako().groups = List::new(vec![wardkey_testkit::group("seniors")]).unwrap();
        let jiro = wardkey_testkit::person("jiro", 3, &wardkey_testkit::Key::es256(3));
        d.scopes[1].0.people.push(jiro);
    });
    let mut scene = scene_of(&deployment, &["0", CHOSEN, CHOSEN, "", "hanako"]);
    scene.login = login_as("jiro");
    scene.timeouts = SHORT;
    assert!(scene.machine.vouches.lock().unwrap().add(kept(&vouch()), UnixTime(T0)));
    let seen = refused_of(scene);
    assert_eq!((seen.code(), seen.pin_sent()), (1214, false), "her key is waited for");
    assert_eq!(seen.person.questions.len(), 5, "no code is asked for in its place");
}

#[test]
fn no_more_than_the_policy_allows_in_a_month() {
    let book = Arc::clone(&scene(&TYPED).machine.vouches);
    for number in 1..=4 {
        let mut scene = scene(&TYPED);
        scene.machine.vouches = Arc::clone(&book);
        let seen = scene.run();
        assert_eq!(seen.code(), if number < 4 { 0 } else { 1576 }, "{number}");
    }
    assert_eq!(book.lock().unwrap().count(&login("hanako"), UnixTime(T0)), 3);
    // Ended by her own key: it counts on.
    book.lock().unwrap().end(&login("hanako"), UnixTime(T0));
    let mut once_more = scene(&TYPED);
    once_more.machine.vouches = Arc::clone(&book);
    assert_eq!(refused_of(once_more).code(), 1576);

    let never = with(|d| d.scopes[1].1.vouch_per_month = None);
    assert_eq!(refused_of(scene_of(&never, &TYPED)).code(), 1576);
}

#[test]
fn what_others_vouched_for_meanwhile_counts_too() {
    let mut scene = scene(&TYPED);
    let book = Arc::clone(&scene.machine.vouches);
    let others = Arc::clone(&book);
    scene.agent_instead(move |_, request| {
        let AgentRequest::Outcome(outcome) = request else { return vec![] };
        if matches!(outcome.result, LoginResult::Vouched(_)) {
            for nonce in 1..=3 {
                let vouch = Vouch { nonce: Nonce::new([nonce; 32]), ..vouch() };
                assert!(others.lock().unwrap().add(kept(&vouch), UnixTime(T0)));
            }
        }
        vec![]
    });
    let seen = scene.run();
    assert_eq!(seen.code(), 1576);
    let last = seen.outcomes().pop().unwrap();
    assert!(matches!(&last.result, LoginResult::Failure(f) if f.code == Code::VouchTooOften));
    let book = book.lock().unwrap();
    assert_eq!(book.count(&login("hanako"), UnixTime(T0)), 3);
    assert_eq!(book.of(&login("hanako")).unwrap().1.nonce, Nonce::new([3; 32]));
}

#[test]
fn what_cannot_be_recorded_or_kept_lets_nobody_in() {
    let mut unrecorded = scene(&TYPED);
    unrecorded.agent_instead(|_, request| match request {
        AgentRequest::Outcome(outcome) if matches!(outcome.result, LoginResult::Vouched(_)) => {
            vec![Act::Say(refused(Code::StateUnavailable))]
        }
        _ => vec![],
    });
    let book = Arc::clone(&unrecorded.machine.vouches);
    assert_eq!(unrecorded.run().code(), 1305);
    assert!(book.lock().unwrap().kept.is_empty());

    // Recorded, and the disk takes nothing: the record says that it came to nothing.
    let mut full = scene(&TYPED);
    let is_full = Arc::clone(&full.machine.vouches_full);
    full.agent_instead(move |_, request| {
        if matches!(request, AgentRequest::Outcome(_)) {
            is_full.store(true, Ordering::SeqCst);
        }
        vec![]
    });
    let book = Arc::clone(&full.machine.vouches);
    let seen = full.run();
    assert!(matches!(seen.outcomes()[0].result, LoginResult::Vouched(_)));
    assert_eq!(seen.code(), 1577);
    assert!(book.lock().unwrap().kept.is_empty());
    let last = seen.outcomes().pop().unwrap();
    assert!(matches!(&last.result, LoginResult::Failure(f) if f.code == Code::VouchNotKept));
}

#[test]
fn an_agent_that_shows_the_colleague_as_of_before_gets_nobody_vouched_for() {
    // taro was taken out of the group; the head has moved on, and the marks do not know it yet.
    let now = with(|d| {
        d.taro().groups = List::default();
        for (state, _) in &mut d.scopes {
            state.head.seq += 1;
        }
    });
    let (now, before) = (agent(&now), agent(&Deployment::with_colleague()));
    let mut scene = scene(&TYPED);
    scene.machine.marks_forget = true;
    scene.agent.script = Arc::new(move |number, request| match request {
        AgentRequest::Prove(person) if person.as_str() == "hanako" => now(number, request),
        _ => before(number, request),
    });
    assert_eq!(refused_of(scene).code(), 1575);
}

#[test]
fn a_word_of_another_day_is_no_word_of_now() {
    // The key process gives an old signature of taro's instead of a new one.
    let old = kept(&vouch()).assertion;
    let mut scene = scene(&TYPED);
    scene.key_instead(move |_, request| match request {
        KeyRequest::Assert(_) => {
            vec![Act::Say(KeyReply::Assertion(wardkey_core::message::key::KeyAssertion {
                credential: old.credential_id.clone(),
                auth_data: old.auth_data.clone(),
                signature: old.signature.clone(),
                user_handle: None,
            }))]
        }
        _ => vec![],
    });
    assert_eq!(refused_of(scene).code(), 1575);

    let mut slow = self::scene(&TYPED);
    slow.key_signs_after(61);
    assert_eq!(refused_of(slow).code(), 1575);
}

#[test]
fn a_colleague_whose_key_wants_another_pin_first_vouches_for_nobody_and_changes_none() {
    let mut scene = scene(&TYPED);
    scene.key_instead(|_, request| match request {
        KeyRequest::Identify(identify)
            if identify.allow.iter().any(|id| id.as_slice() == [2; 32]) =>
        {
            let KeyReply::Identified(mut reply) = identified(request, 2) else { unreachable!() };
            reply.key.details.as_mut().unwrap().pin_must_change = true;
            vec![Act::Say(KeyReply::Identified(reply))]
        }
        _ => vec![],
    });
    let seen = refused_of(scene);
    assert_eq!(seen.result.as_ref().unwrap_err().code, Code::PinMustChange);
    let asks = |request: &AgentRequest| match request {
        AgentRequest::Begin(begin) => begin.changes_pin == Some(true),
        other => matches!(other, AgentRequest::PinChange { .. }),
    };
    assert!(!seen.agent.iter().any(asks), "{:?}", seen.agent);
    let sent = |request: &KeyRequest| {
        matches!(request, KeyRequest::Assert(_) | KeyRequest::ChangePinOf(_))
    };
    assert!(!seen.key.iter().any(sent), "no PIN leaves for it");
}
