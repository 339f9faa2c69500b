//! Logins are proved by the keys that the export lists, each by its own; and the list is held
//! against an older one.

use wardkey_core::codec::List;
use wardkey_core::id::{PassId, SigningPublicKey, TerminalId};
use wardkey_core::log_entry::Finding;
use wardkey_core::log_keys::{Change, ListedPerson, ListedStatus};
use wardkey_core::time::UnixTime;
use wardkey_testkit::{T0, login};

use super::support::{Desk, Log, by_key, found, offline, report};

/// The places of logins by the first key, the second, and by a pass, of twenty records.
const FIRST: [usize; 2] = [1, 11];
const SECOND: [usize; 2] = [4, 14];
const PASS: [usize; 2] = [7, 17];

fn numbers(places: &[usize]) -> Vec<String> {
    let mut places = places.to_vec();
    places.sort_unstable();
    places.iter().map(|place| format!("1959 {}", place + 1)).collect()
}

/// What is found in a log of twenty records that somebody changed and signed again.
fn changed(change: impl FnOnce(&mut Log)) -> Vec<String> {
    let (desk, mut log) = (Desk::new(), Log::new(20));
    change(&mut log);
    found(&report(&desk.exported("log", &log), &[]))
}

#[test]
fn two_keys_that_change_places_prove_nothing_any_more() {
    let both = numbers(&[FIRST, SECOND].concat());
    // Their people, and what is under their names.
    let swap_people = |log: &mut Log| {
        log.change_keys(|keys| {
            let (one, other) = (keys[0].person.clone(), keys[1].person.clone());
            (keys[0].person, keys[1].person) = (other, one);
        });
    };
    let swap_keys = |log: &mut Log| {
        log.change_keys(|keys| {
            let (one, other) = (keys[0].key.public_key.clone(), keys[1].key.public_key.clone());
            (keys[0].key.public_key, keys[1].key.public_key) = (other, one);
        });
    };
    assert_eq!(changed(swap_people), both);
    assert_eq!(changed(swap_keys), both);

    // Against an older list it is said of the keys themselves.
    let desk = Desk::new();
    let older = desk.exported("older", &Log::new(20));
    for (name, swap) in [("people", &swap_people as &dyn Fn(&mut Log)), ("keys", &swap_keys)] {
        let mut log = Log::new(20);
        swap(&mut log);
        let report = report(&desk.exported(name, &log), &["--since", older.to_str().unwrap()]);
        assert_eq!(found(&report)[..2], ["1961", "1961"], "{report}");
        assert!(report["findings"][0]["message"].as_str().unwrap().contains("hanako"), "{report}");
    }
}

#[test]
fn a_list_that_lacks_or_hides_something_is_found() {
    assert_eq!(changed(|log| log.change_keys(|keys| drop(keys.remove(1)))), numbers(&SECOND));
    assert_eq!(changed(|log| log.keys.passes = List::default()), numbers(&PASS));
    let other = SigningPublicKey::new(*wardkey_testkit::signing(5).public().as_bytes());
    let forge = |log: &mut Log| {
        let mut passes = log.keys.passes.clone().into_vec();
        passes[0].key = other;
        log.keys.passes = List::new(passes).unwrap();
    };
    assert_eq!(changed(forge), numbers(&PASS));

    let desk = Desk::new();
    let older = desk.exported("older", &Log::new(20));
    let compare = |name: &str, change: &dyn Fn(&mut Log)| {
        let mut log = Log::new(20);
        change(&mut log);
        let report = report(&desk.exported(name, &log), &["--since", older.to_str().unwrap()]);
        let finding = &report["findings"][0];
        format!("{} {}", finding["number"], finding["message"].as_str().unwrap_or_default())
    };
    let gone = compare("gone", &|log| log.change_keys(|keys| drop(keys.remove(0))));
    assert!(gone.starts_with("1961 ") && gone.contains("is gone"), "{gone}");
    let pass = compare("pass", &forge);
    assert!(pass.starts_with("1961 ") && pass.contains("pass 0101"), "{pass}");
    // A key that is said to have been there before.
    let new = compare("new", &|log| {
        log.change_keys(|keys| {
            let mut new = keys[0].clone();
            new.key = super::support::key(2).record(9);
            keys.push(new);
        });
    });
    assert!(new.starts_with("1961 ") && new.contains("older"), "{new}");
    assert!(compare("same", &|_| {}).starts_with("null"));
}

#[test]
fn a_list_that_is_missing_or_signed_by_nobody_proves_nothing() {
    let desk = Desk::new();
    let folder = desk.exported("log", &Log::new(20));
    let keys = folder.join("keys.cbor");
    let bytes = std::fs::read(&keys).unwrap();
    for change in [
        Some([&bytes[..bytes.len() - 1], &[bytes[bytes.len() - 1] ^ 1]].concat()),
        Some(Vec::new()),
        None,
    ] {
        match change {
            Some(bytes) => std::fs::write(&keys, bytes).unwrap(),
            None => std::fs::remove_file(&keys).unwrap(),
        }
        let report = report(&folder, &[]);
        assert_eq!((found(&report), &report["logins"]["key"]), (vec!["1961".into()], &0.into()));
    }
    // One that was signed before the last records, and one of another log.
    let older = desk.exported("older", &Log::new(19));
    std::fs::copy(older.join("keys.cbor"), &keys).unwrap();
    assert_eq!(found(&report(&folder, &[])), ["1961"]);
    let mut log = Log::new(20);
    log.keys.origin = "hospital.example/wardkey-log/0102030405060708/2".into();
    assert_eq!(found(&report(&desk.exported("other", &log), &[])), ["1961"]);
}

#[test]
fn a_login_that_is_moved_in_time_or_given_to_somebody_else_proves_nothing() {
    type Act = fn(&mut Log);
    let cases: [Act; 8] = [
        |log| {
            let mut event = log.event(1);
            event.time.0 -= 86_400;
            log.put(1, &event);
        },
        |log| {
            let mut event = log.event(1);
            event.person = Some(login("taro"));
            log.put(1, &event);
        },
        |log| {
            let mut event = log.event(1);
            event.account = Some(login("root2"));
            log.put(1, &event);
        },
        |log| {
            let mut event = log.event(1);
            event.id = wardkey_core::id::EventId::new([1; 16]);
            log.put(1, &event);
        },
        |log| {
            let mut event = log.event(1);
            event.counter = Some(8);
            log.put(1, &event);
        },
        |log| {
            let mut event = log.event(1);
            event.evidence = log.event(4).evidence;
            log.put(1, &event);
        },
        |log| {
            let mut event = log.event(1);
            event.evidence = None;
            log.put(1, &event);
        },
        // Before its key was there.
        |log| {
            log.change_keys(|keys| keys[0].key.enrolled = UnixTime(T0 + 5000));
        },
    ];
    for (number, act) in cases.into_iter().enumerate() {
        assert_eq!(changed(act), ["1959 2"], "{number}");
    }
    let elsewhere = |log: &mut Log| log.entries[1].terminal = TerminalId::new([8; 16]);
    assert_eq!(changed(elsewhere), ["1954 2", "1959 2"]);
    let wrong_pass = |log: &mut Log| {
        let mut event = log.event(7);
        event.pass = Some(PassId::new([5; 16]));
        log.put(7, &event);
    };
    assert_eq!(changed(wrong_pass), ["1959 8"]);
    // A pass that had ended by then.
    assert_eq!(changed(|log| log.push(&super::support::by_pass(40_000))), ["1959 21"]);
}

#[test]
fn what_the_server_noted_is_what_is_found() {
    assert_eq!(changed(|log| log.entries[1].finding = Finding::None), ["1954 2"]);
    assert_eq!(changed(|log| log.entries[1].finding = Finding::Invalid), ["1954 2"]);
    assert_eq!(changed(|log| log.entries[0].finding = Finding::Valid), ["1954 1"]);
    // A refusal whose evidence never held is a record like others.
    let refused = |finding: Finding| {
        move |log: &mut Log| {
            let mut event = by_key(1, 30_000);
            event.outcome = wardkey_core::event::Outcome::Failure;
            event.account = Some(login("taro"));
            log.push(&event);
            log.entries.last_mut().unwrap().finding = finding;
        }
    };
    assert_eq!(changed(refused(Finding::Invalid)), [""; 0]);
    assert_eq!(changed(refused(Finding::Valid)), ["1959 21"]);
    assert_eq!(changed(|log| log.push(&offline(30_000))), [""; 0]);
}

#[test]
fn a_login_by_a_key_that_was_switched_off_by_then_is_shown_and_no_fault() {
    let off = |at: u64| Change { time: UnixTime(T0 + at), to: ListedStatus::Disabled };
    let on = |at: u64| Change { time: UnixTime(T0 + at), to: ListedStatus::Active };
    let of_key = |changes: Vec<Change>| {
        move |log: &mut Log| {
            log.change_keys(|keys| keys[0].changes = List::new(changes).unwrap());
        }
    };
    let of_person = |changes: Vec<Change>| {
        move |log: &mut Log| {
            let changes = List::new(changes).unwrap();
            let person = ListedPerson { login: login("hanako"), changes };
            log.keys.people = List::new(vec![person]).unwrap();
        }
    };
    assert_eq!(changed(of_key(vec![off(5000)])), ["1960 12"]);
    assert_eq!(changed(of_key(vec![off(5000), on(6000)])), [""; 0]);
    assert_eq!(changed(of_key(vec![off(900)])), ["1960 12"], "clocks differ a little");
    assert_eq!(changed(of_person(vec![off(600)])), ["1960 2", "1960 12"]);
    // What became of somebody of this name before the key was there.
    let before = vec![Change { time: UnixTime(T0 - 5000), to: ListedStatus::Deleted }];
    assert_eq!(changed(of_person(before)), [""; 0]);

    let (desk, mut log) = (Desk::new(), Log::new(20));
    of_key(vec![off(5000)])(&mut log);
    let report = report(&desk.exported("log", &log), &[]);
    assert_eq!((&report["intact"], &report["remarks"]), (&true.into(), &1.into()));
}
