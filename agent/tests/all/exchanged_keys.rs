//! The publish key is exchanged, or was stolen.

use crate::common::*;
use wardkey_core::code::Code;
use wardkey_core::codec::Bytes;
use wardkey_core::document::{Head, Position, RootDocument, SignedRoot};
use wardkey_core::sign;
use wardkey_testkit::next_root;

const OLD: u8 = 101;
const NEW: u8 = 111;

/// The root documents that follow on the first one: each names the publish keys of these seeds.
fn chain(f: &Fixture, publish: &[&[u8]]) -> Vec<SignedRoot> {
    let mut root: RootDocument = f.ward.change(|state| state.root.clone());
    let next = |keys: &&[u8]| {
        let (next, signed) = next_root(&root, 100, keys);
        root = next;
        signed
    };
    publish.iter().map(next).collect()
}

/// The publisher has these root documents, and signs by this key.
fn exchange(f: &Fixture, publish: &[&[u8]], by: u8) {
    let roots = chain(f, publish);
    f.ward.change(|state| {
        state.extra_roots = roots;
        state.publish_seed = by;
        state.changes_asked.clear();
    });
}

/// The version of the root document that holds here, and how often changes were asked for.
fn stand(f: &Fixture) -> (u64, usize) {
    let asked = f.ward.change(|state| state.changes_asked.len());
    (f.agent.directory.view().root.as_ref().unwrap().version, asked)
}

fn is_signed_by(f: &Fixture, seed: u8) -> bool {
    let evidence = f.agent.directory.evidence(&login("hanako")).unwrap().unwrap();
    let keys = [signing(seed).public()];
    let mut scopes = evidence.scopes.iter();
    scopes.all(|scope| sign::verify::<Head>(scope.head.as_slice(), &keys).is_ok())
}

/// After a restart, with the server away.
fn starts_with(f: &mut Fixture, version: u64) {
    f.ward.change(|state| state.down = true);
    f.restart();
    assert_eq!(stand(f).0, version);
    assert!(f.agent.directory.view().is_complete());
    assert_eq!(snapshot(f, "hanako").root().version, version);
    f.ward.change(|state| state.down = false);
}

#[test]
fn an_exchange_is_taken_with_one_answer_and_nothing_is_transferred_again() {
    let mut f = Fixture::synced();
    // In the same second: nothing is newer but the key.
    exchange(&f, &[&[OLD, NEW]], NEW);
    f.sync().unwrap();
    assert_eq!(stand(&f), (2, 0));
    assert!(is_signed_by(&f, NEW));
    starts_with(&mut f, 2);
    exchange(&f, &[&[OLD, NEW], &[NEW]], NEW);
    f.sync().unwrap();
    assert_eq!(stand(&f), (3, 0));
    starts_with(&mut f, 3);
    // What changes comes as ever.
    f.ward.put("ward3", &person("jiro", vec![credential(3)]));
    f.sync().unwrap();
    assert_eq!(snapshot(&f, "jiro").records().count(), 1);
}

#[test]
fn a_terminal_that_was_away_for_three_exchanges_follows_when_it_is_back() {
    let mut f = Fixture::synced();
    f.ward.change(|state| state.down = true);
    f.sync().unwrap_err();
    f.pass(3 * 3600);
    exchange(&f, &[&[OLD, NEW], &[NEW], &[NEW, 121], &[121], &[131]], 131);
    f.ward.change(|state| {
        state.down = false;
        state.now += 3 * 3600;
    });
    f.sync().unwrap();
    assert_eq!(stand(&f), (6, 0));
    starts_with(&mut f, 6);
}

#[test]
fn what_a_thief_signs_is_refused_once_the_new_root_document_is_here() {
    let mut f = Fixture::synced();
    let before = f.ward.change(|state| state.clone());
    exchange(&f, &[&[NEW]], NEW);
    f.ward.change(|state| {
        state.terminal.number = 1000;
        state.scopes.values_mut().for_each(|row| row.epoch = 1000);
    });
    f.sync().unwrap();
    // The people are the same ones: another epoch costs no transfer.
    assert_eq!(stand(&f), (2, 0));
    assert_eq!(position(&f, "ward3"), Position { epoch: 1000, seq: 2 });
    assert!(is_signed_by(&f, NEW));
    starts_with(&mut f, 2);

    // The thief offers a key of the thief's own, by the highest numbers.
    f.ward.put("ward3", &person("mallory", vec![credential(66)]));
    f.ward.change(|state| {
        state.publish_seed = OLD;
        state.terminal.number = 5000;
        state.scopes.values_mut().for_each(|row| row.epoch = 5000);
        state.now += 5;
    });
    for _ in 0..2 {
        assert_eq!(denied(f.sync()), Code::TerminalInvalid);
        assert_eq!(snapshot(&f, "mallory").records().count(), 0);
        assert_eq!(snapshot(&f, "hanako").records().count(), 1);
        f.restart();
    }
    assert_eq!(position(&f, "ward3").epoch, 1000);
    // The whole deployment of before: there is nothing to follow in it.
    f.ward.change(|state| *state = before);
    assert_eq!(denied(f.sync()), Code::TerminalInvalid);
    assert_eq!(stand(&f).0, 2);
}

#[test]
fn a_terminal_that_believed_the_thief_comes_back_when_the_numbers_are_raised() {
    let mut f = Fixture::synced();
    let honest = f.ward.change(|state| state.clone());
    // Nobody has told it of the theft: the thief's directory is as good as any.
    f.ward.change(|state| state.now += 5);
    f.ward.put("ward3", &person("mallory", vec![credential(66)]));
    f.ward.change(|state| state.terminal.number = 7);
    f.sync().unwrap();
    assert_eq!(snapshot(&f, "mallory").records().count(), 1);

    // The new key alone does not help: what it signs is behind what was seen.
    f.ward.change(|state| *state = honest);
    exchange(&f, &[&[NEW]], NEW);
    f.ward.change(|state| state.now += 10);
    assert_eq!(denied(f.sync()), Code::Rollback);
    // With the numbers raised it is followed, and the thief's people are gone.
    f.ward.change(|state| {
        state.terminal.number = 1000;
        state.scopes.values_mut().for_each(|row| row.epoch = 1000);
        state.changes_asked.clear();
    });
    f.sync().unwrap();
    assert_eq!(f.ward.change(|state| state.changes_asked.clone()), [0]);
    assert_eq!(snapshot(&f, "mallory").records().count(), 0);
    assert_eq!(snapshot(&f, "hanako").records().count(), 1);
    starts_with(&mut f, 2);
}

#[test]
fn nobody_gets_in_by_what_a_key_signed_that_is_gone() {
    let f = Fixture::synced();
    exchange(&f, &[&[NEW]], NEW);
    // A server that sends the root document and keeps back the rest.
    f.ward.change(|state| state.sends_roots_alone = true);
    f.sync().unwrap();
    assert_eq!(stand(&f), (2, 0));
    let evidence = f.agent.directory.evidence(&login("hanako")).unwrap().unwrap();
    let anchor = f.agent.anchor().unwrap();
    let marks = f.agent.marks();
    let refused =
        wardkey_core::snapshot::Snapshot::verify(&evidence, &anchor, &marks, &login("hanako"));
    assert_eq!(refused.unwrap_err().code, Code::TerminalInvalid);
    // The rest comes when it is signed again.
    f.ward.change(|state| {
        state.sends_roots_alone = false;
        state.now += 1;
    });
    f.sync().unwrap();
    assert_eq!(snapshot(&f, "hanako").root().version, 2);
}

#[test]
fn a_root_document_that_the_publish_key_signed_is_none() {
    let f = Fixture::synced();
    let mut root = f.ward.change(|state| state.root.clone());
    root.version = 2;
    let sign = |seed: u8| Bytes::new(signing(seed).sign(&root)).unwrap();
    for (by_itself, by_previous) in [(OLD, OLD), (100, OLD), (OLD, 100)] {
        let forged =
            SignedRoot { by_itself: sign(by_itself), by_previous: Some(sign(by_previous)) };
        f.ward.change(|state| state.extra_roots = vec![forged]);
        assert_eq!(denied(f.sync()), Code::RootInvalid);
        assert_eq!(stand(&f).0, 1);
    }
}
