//! Logins by a code for which a colleague vouched: judged anew each time.

use std::sync::Arc;

use wardkey_core::code::{Code, Notice};
use wardkey_core::codec::{Bytes, List};
use wardkey_core::id::TerminalId;
use wardkey_core::marks::Marks;
use wardkey_core::message::agent::{PassTry, Request as AgentRequest};
use wardkey_core::message::key::Request as KeyRequest;
use wardkey_core::name::Language;
use wardkey_core::pass::MAX_TRIES;
use wardkey_core::pass_notes::PassNotes;
use wardkey_core::person::Status;
use wardkey_core::texts;
use wardkey_core::time::{ClockFloor, ClockReading, UnixTime};
use wardkey_core::vouch::Vouch;
use wardkey_core::vouch_book::VouchBook;

use super::looks::look_of;
use super::scene::*;
use super::vouches::{agent, scene, scene_of, with};
use crate::typed_name::TypedName;
use wardkey_testkit::{CHOSEN, Deployment, Key, RP, T0, VOUCHED, kept, login, vouch};

const WRONG: &str = "975318";

fn book(vouch: &Vouch) -> VouchBook {
    let mut book = VouchBook::default();
    assert!(book.add(kept(vouch), vouch.from));
    book
}

/// Somebody for whom this was vouched types a code.
fn types(deployment: &Deployment, vouch: &Vouch, code: &str) -> Scene {
    let scene = scene_of(deployment, &[code]);
    *scene.machine.vouches.lock().unwrap() = book(vouch);
    scene
}

fn code_of(vouch: &Vouch) -> u16 {
    types(&Deployment::with_colleague(), vouch, CHOSEN).run().code()
}

#[test]
fn five_wrong_codes_make_it_void_and_a_new_agent_or_boot_gives_no_try_back() {
    let notes = Arc::new(std::sync::Mutex::new(PassNotes::default()));
    let (vouch, mut later) = (vouch(), 0);
    let mut run = |code: &str| {
        let mut scene = types(&Deployment::with_colleague(), &vouch, code);
        later += 1;
        // Twenty minutes later each, so that nobody has to wait; offline by then.
        scene.machine.clock = FakeMachine::at(T0 + 60 * 20 * later).clock;
        scene.machine.notes = Arc::clone(&notes);
        scene.run()
    };
    assert_eq!(run(CHOSEN).code(), 0);
    for tries in 1..=MAX_TRIES {
        let seen = run(WRONG);
        assert_eq!(seen.code(), 1803);
        assert_eq!(
            seen.outcomes()[0].pass,
            Some(PassTry { pass: vouch.id(), tries, sealed: None })
        );
    }
    assert_eq!(run(CHOSEN).code(), 1803, "in the same words");
}

#[test]
fn wrong_codes_unknown_names_and_people_nobody_vouched_for_look_the_same() {
    type Change = fn(&mut Scene);
    fn looks(change: Change) -> String {
        let mut scene = types(&Deployment::with_colleague(), &vouch(), WRONG);
        change(&mut scene);
        let notes = Arc::clone(&scene.machine.notes);
        let name = scene.login.name.login_name().unwrap().to_string();
        let seen = scene.run();
        let hashed = |one: &&KeyRequest| matches!(one, KeyRequest::SignByCode(_));
        assert_eq!(seen.key.iter().filter(hashed).count(), 1, "it takes as long");
        // Whom the agent is asked for besides, it alone sees: it knows who vouched.
        let others = |line: String| if line.starts_with("Prove(") { "Prove".into() } else { line };
        let asked: Vec<String> = look_of(&seen, &name).into_iter().map(others).collect();
        let outcome = seen.outcomes()[0];
        let recorded = (outcome.result.clone(), outcome.person.clone(), outcome.proof.clone());
        let wrong = notes.lock().unwrap().wrong;
        let told = (seen.person.questions, seen.person.infos, seen.person.errors);
        format!("{told:?} {recorded:?} {asked:?} {wrong}")
    }
    let known = looks(|_| {});
    assert!(known.contains("WK-1803"), "{known}");
    let others: [(&str, Change); 6] = [
        ("nobody vouched", |s| *s.machine.vouches.lock().unwrap() = VouchBook::default()),
        ("disabled", |s| s.agent.script = agent(&with(|d| d.hanako().status = Status::Disabled))),
        ("the colleague is", |s| {
            s.agent.script = agent(&with(|d| d.taro().status = Status::Disabled));
        }),
        ("ghost", |s| s.login = login_as("spooky")),
        ("no account", |s| {
            s.login.name = TypedName::of("hanako", Some("NSS knows no such account"));
        }),
        ("void", |s| {
            let mut notes = s.machine.notes.lock().unwrap();
            for _ in 0..MAX_TRIES {
                let pass = vouch().as_pass(kept(&vouch()).salt);
                notes.count(Some(&pass), UnixTime(T0 - 1000));
            }
            *notes = PassNotes { wrong: 0, ..notes.clone() };
        }),
    ];
    for (what, other) in others {
        assert_eq!(looks(other), known, "{what}");
    }
}

#[test]
fn the_colleague_is_judged_by_the_directory_of_now() {
    type Change = fn(&mut Deployment);
    let cases: [(&str, Change, u16); 10] = [
        ("nothing has changed", |_| {}, 0),
        ("disabled", |d| d.taro().status = Status::Disabled, 1578),
        ("the colleague's time is over", |d| d.taro().not_after = Some(UnixTime(T0)), 1578),
        ("gone", |d| drop(d.scopes[1].0.people.pop()), 1578),
        ("out of the group", |d| d.taro().groups = List::default(), 1578),
        (
            "the key is disabled",
            |d| {
                let mut credentials = d.taro().credentials.to_vec();
                credentials[0].status = Status::Disabled;
                d.taro().credentials = List::new(credentials).unwrap();
            },
            1578,
        ),
        ("the key is gone", |d| d.taro().credentials = List::default(), 1578),
        ("nobody may vouch any longer", |d| d.scopes[1].1.vouch_groups = None, 1809),
        ("the person is disabled", |d| d.hanako().status = Status::Disabled, 1002),
        ("for less long now", |d| d.scopes[1].1.vouch_seconds = Some(10), 1804),
    ];
    for (what, change, code) in cases {
        let mut scene = types(&with(change), &vouch(), CHOSEN);
        scene.machine.clock = FakeMachine::at(T0 + 20).clock;
        if code == 1809 {
            // Codes of passes are asked for still.
            let deployment = with(|d| {
                change(d);
                d.scopes[1].1.pass_seconds = Some(VOUCHED);
            });
            scene.agent.script = agent(&deployment);
        }
        let seen = scene.run();
        assert_eq!(seen.code(), code, "{what}: {:?}", seen.result);
    }
}

#[test]
fn what_is_kept_holds_for_this_person_here_and_now_only() {
    let other = |change: fn(&mut Vouch)| {
        let mut vouch = vouch();
        change(&mut vouch);
        code_of(&vouch)
    };
    assert_eq!(other(|_| {}), 0);
    assert_eq!(other(|v| v.terminal = TerminalId::new([9; 16])), 1806, "copied from elsewhere");
    assert_eq!(other(|v| v.until = UnixTime(T0)), 1804);
    assert_eq!(other(|v| v.from = UnixTime(T0 + 1)), 1805);
    assert_eq!(other(|v| v.person = login("jiro")), 1803, "somebody else's");
    assert_eq!(other(|v| v.voucher = login("hanako")), 1578, "not hanako's key");
    assert_eq!(other(|v| v.key = wardkey_testkit::pass(1).key), 1803, "of another code");
    assert_eq!(other(|v| v.hash = 2), 1803, "not hashed as this version does");
    let longer = |v: &mut Vouch| v.until = UnixTime(T0 + 100 * VOUCHED);
    assert_eq!(other(longer), 0, "the policy's time holds");
    let mut late = types(
        &Deployment::with_colleague(),
        &{
            let mut vouch = vouch();
            longer(&mut vouch);
            vouch
        },
        CHOSEN,
    );
    late.machine.clock = FakeMachine::at(T0 + VOUCHED).clock;
    assert_eq!(late.run().code(), 1804);
}

#[test]
fn a_clock_that_is_set_back_prolongs_nothing() {
    let reading = |name: &[u8], boottime| ClockReading {
        realtime: UnixTime(T0),
        boottime,
        boot_id: Bytes::new(name).unwrap(),
    };
    let floor = |boottime| ClockFloor {
        time: UnixTime(T0),
        boottime,
        boot_id: Bytes::new(*b"boot").unwrap(),
    };
    for (reading, code) in [
        (reading(b"boot", 1_000 + VOUCHED - 1), 0),
        (reading(b"boot", 1_000 + VOUCHED), 1804),
        // Another boot, all of which has gone by since.
        (reading(b"next", VOUCHED - 1), 0),
        (reading(b"next", VOUCHED), 1804),
    ] {
        let scene = types(&Deployment::with_colleague(), &vouch(), CHOSEN);
        *scene.machine.clock.lock().unwrap() = reading.clone();
        *scene.machine.marks.lock().unwrap() = Marks { floor: floor(1_000), ..Marks::default() };
        assert_eq!(scene.run().code(), code, "{reading:?}");
    }
}

#[test]
fn nothing_in_roots_file_lets_in_that_the_colleague_did_not_sign() {
    let with_assertion = |flags: u8, seed: u8| {
        let scene = scene(&[CHOSEN]);
        let mut one = kept(&vouch());
        one.assertion = Key::es256(seed).assert(2, &vouch().to_bytes(), flags, 1, RP);
        assert!(scene.machine.vouches.lock().unwrap().add(one, UnixTime(T0)));
        scene.run().code()
    };
    assert_eq!(with_assertion(0x05, 2), 0);
    assert_eq!(with_assertion(0x05, 3), 1578, "another key");
    assert_eq!(with_assertion(0x01, 2), 1578, "no PIN");
    assert_eq!(with_assertion(0x04, 2), 1578, "no touch");
}

#[test]
fn a_login_with_the_own_key_ends_it_here_for_good() {
    let mut by_key = types(&Deployment::with_colleague(), &vouch(), PIN);
    by_key.key.script = key_with(1);
    let vouches = Arc::clone(&by_key.machine.vouches);
    let seen = by_key.run();
    assert_eq!(seen.code(), 0);
    let text = texts::message(Notice::VouchEnded, Language::Ja, &[("voucher", "taro")]);
    assert!(seen.person.infos.contains(&text), "whoever never asked for it hears of it");
    assert!(vouches.lock().unwrap().kept.is_empty());
    let mut after = scene(&[CHOSEN]);
    after.machine.vouches = Arc::clone(&vouches);
    assert_eq!(after.run().code(), 1803);
    assert_eq!(vouches.lock().unwrap().count(&login("hanako"), UnixTime(T0)), 1);
}

/// sudo shows no notices: it ends the vouch, and the person is told at the next login that does.
#[test]
fn who_vouched_is_told_where_notices_are_shown() {
    let mut hidden = types(&Deployment::with_colleague(), &vouch(), PIN);
    hidden.key.script = key_with(1);
    hidden.person.silent = true;
    let vouches = Arc::clone(&hidden.machine.vouches);
    assert_eq!(hidden.run().code(), 0);
    assert!(vouches.lock().unwrap().kept.is_empty());
    let text = texts::message(Notice::VouchEnded, Language::Ja, &[("voucher", "taro")]);
    for is_told in [true, false] {
        let mut shown = types(&Deployment::with_colleague(), &vouch(), PIN);
        shown.key.script = key_with(1);
        shown.machine.vouches = Arc::clone(&vouches);
        let seen = shown.run();
        assert_eq!((seen.code(), seen.person.infos.contains(&text)), (0, is_told), "once");
    }
}

#[test]
fn the_agent_records_it_or_nobody_is_in_and_it_cannot_show_old_directories() {
    let mut scene = types(&Deployment::with_colleague(), &vouch(), CHOSEN);
    scene.agent_instead(|_, request| match request {
        AgentRequest::Outcome(_) => vec![Act::Say(refused(Code::Replayed))],
        _ => vec![],
    });
    assert_eq!(scene.run().code(), 1025);

    let moved_on = with(|d| {
        d.taro().status = Status::Disabled;
        for (state, _) in &mut d.scopes {
            state.head.seq += 1;
        }
    });
    let (now, before) = (agent(&moved_on), agent(&Deployment::with_colleague()));
    // With and without marks that remember what was shown a moment ago.
    for forget in [false, true] {
        let mut scene = types(&Deployment::with_colleague(), &vouch(), CHOSEN);
        scene.machine.marks_forget = forget;
        let (now, before) = (Arc::clone(&now), Arc::clone(&before));
        scene.agent.script = Arc::new(move |number, request| match request {
            AgentRequest::Prove(person) if person.as_str() == "taro" => before(number, request),
            _ => now(number, request),
        });
        let seen = scene.run();
        assert_eq!(seen.code(), if forget { 1578 } else { 1104 }, "{:?}", seen.result);
    }
    // Tries that cannot be counted are not judged either.
    let mut full = types(&Deployment::with_colleague(), &vouch(), CHOSEN);
    full.machine.marks_full = true;
    assert_eq!(full.run().code(), 1811);
}
