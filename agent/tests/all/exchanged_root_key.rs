//! The root key is exchanged, and the old one is in a thief's hands.

use crate::common::*;
use wardkey_core::code::Code;
use wardkey_core::document::{MAX_ROOTS, RootDocument, SignedRoot};
use wardkey_testkit::{next_root, next_root_key};

/// The first root key, those after it, and a thief's own.
const FIRST: u8 = 100;
const SECOND: u8 = 120;
const THIRD: u8 = 121;
const THIEF: u8 = 66;
const PUBLISH: u8 = 101;

fn first(ward: &Ward) -> RootDocument {
    ward.change(|state| state.root.clone())
}

fn shows(f: &Fixture, roots: &[&SignedRoot]) {
    let roots = roots.iter().copied().cloned().collect();
    f.ward.change(|state| {
        state.extra_roots = roots;
        state.changes_asked.clear();
    });
}

fn version(f: &Fixture) -> u64 {
    f.agent.directory.view().root.as_ref().unwrap().version
}

#[test]
fn a_terminal_follows_however_long_it_was_away_and_takes_nothing_of_the_old_key_after_it() {
    let mut f = Fixture::synced();
    let one = first(&f.ward);
    let (two, second) = next_root_key(&one, FIRST, SECOND);
    let (three, third) = next_root_key(&two, SECOND, THIRD);
    f.ward.change(|state| state.down = true);
    f.sync().unwrap_err();
    f.pass(3600);
    f.ward.change(|state| state.down = false);
    shows(&f, &[&second, &third]);
    f.sync().unwrap();
    assert_eq!(version(&f), 3);
    assert!(f.ward.change(|state| state.changes_asked.is_empty()), "nothing else is new");
    assert_eq!(f.agent.marks().root_key, Some(signing(THIRD).public()));
    f.restart();
    assert_eq!(version(&f), 3);
    assert_eq!(snapshot(&f, "hanako").root().root_key, signing(THIRD).public());

    // The fourth by the first key, by the second, by a chain of the thief's own.
    let (fork, forged) = next_root_key(&one, FIRST, THIEF);
    let (fork, more) = next_root(&fork, THIEF, &[PUBLISH]);
    let (_, most) = next_root(&fork, THIEF, &[THIEF]);
    let (_, by_first) = next_root_key(&three, FIRST, THIEF);
    let (_, by_second) = next_root_key(&three, SECOND, THIEF);
    for fourth in [&by_first, &by_second, &most] {
        shows(&f, &[&forged, &more, fourth]);
        assert_eq!(denied(f.sync()), Code::RootInvalid);
        assert_eq!(version(&f), 3);
    }
    // The right fourth is taken after all of them.
    let (_, fourth) = next_root(&three, THIRD, &[PUBLISH]);
    shows(&f, &[&second, &third, &fourth]);
    f.sync().unwrap();
    assert_eq!(version(&f), 4);
}

#[test]
fn of_two_that_follow_on_the_same_document_the_first_seen_counts() {
    let f = Fixture::synced();
    let one = first(&f.ward);
    let (two, second) = next_root_key(&one, FIRST, SECOND);
    let (fork, other) = next_root_key(&one, FIRST, THIRD);
    shows(&f, &[&second]);
    f.sync().unwrap();
    // A server that was put back, and exchanged the key again, has another document 2.
    let (_, on_other) = next_root(&fork, THIRD, &[PUBLISH]);
    shows(&f, &[&other, &on_other]);
    assert_eq!(denied(f.sync()), Code::RootInvalid);
    let (_, third) = next_root(&two, SECOND, &[PUBLISH]);
    shows(&f, &[&second, &third]);
    f.sync().unwrap();
    assert_eq!(version(&f), 3);
}

#[test]
fn a_directory_that_was_put_back_alone_goes_on_to_the_root_key_of_the_marks_only() {
    let mut f = Fixture::synced();
    let one = first(&f.ward);
    let (two, second) = next_root_key(&one, FIRST, SECOND);
    let directory = f.folder.path().join("directory.redb");
    f.agent.state.close();
    f.agent.directory.close();
    let before = std::fs::read(&directory).unwrap();
    f.restart();
    shows(&f, &[&second]);
    f.sync().unwrap();
    f.agent.state.close();
    f.agent.directory.close();
    std::fs::write(&directory, before).unwrap();
    f.restart();
    assert_eq!((version(&f), f.agent.marks().root_version), (1, 2));

    let (fork, forged) = next_root_key(&one, FIRST, THIEF);
    let (_, more) = next_root(&fork, THIEF, &[PUBLISH]);
    for roots in [&[&forged][..], &[&forged, &more]] {
        shows(&f, roots);
        assert_eq!(denied(f.sync()), Code::RootInvalid);
        assert_eq!(version(&f), 1);
    }
    let (_, third) = next_root(&two, SECOND, &[PUBLISH]);
    shows(&f, &[&second, &third]);
    f.sync().unwrap();
    assert_eq!(version(&f), 3);
}

#[test]
fn more_root_documents_than_a_deployment_can_have_are_refused_and_change_nothing() {
    let f = Fixture::synced();
    let mut root = first(&f.ward);
    let mut later = Vec::new();
    for _ in 1..=MAX_ROOTS {
        let (next, signed) = next_root(&root, FIRST, &[PUBLISH]);
        root = next;
        later.push(signed);
    }
    let later: Vec<&SignedRoot> = later.iter().collect();
    shows(&f, &later);
    f.sync().unwrap_err();
    assert_eq!((version(&f), f.agent.marks().root_version), (1, 1));
    shows(&f, &later[..MAX_ROOTS - 1]);
    f.sync().unwrap();
    assert_eq!(version(&f), MAX_ROOTS as u64);
}
