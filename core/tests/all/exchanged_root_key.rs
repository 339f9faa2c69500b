//! The root key was exchanged: what a terminal takes that has followed, and one that has not.

use wardkey_core::code::Code;
use wardkey_core::codec::{Bytes, List};
use wardkey_core::document::{RootDocument, SignedRoot};
use wardkey_core::marks::Marks;
use wardkey_core::snapshot::{Evidence, Snapshot, verify_roots};
use wardkey_testkit::{Deployment, login, next_root, next_root_key, signing};

/// The first root key, of the anchor; the ones after it; a thief's own.
const FIRST: u8 = 100;
const SECOND: u8 = 120;
const THIRD: u8 = 121;
const THIEF: u8 = 66;
/// The publish key.
const PUBLISH: u8 = 101;

fn chain(world: &Deployment, later: &[&SignedRoot]) -> Vec<SignedRoot> {
    [world.signed_root()].into_iter().chain(later.iter().copied().cloned()).collect()
}

fn shown(world: &Deployment, later: &[&SignedRoot], by: u8) -> Evidence {
    let world = Deployment { publish_seed: by, ..world.clone() };
    let mut evidence = world.evidence("hanako");
    evidence.roots = List::new(chain(&world, later)).unwrap();
    evidence
}

fn code(world: &Deployment, evidence: &Evidence, marks: &Marks) -> Option<Code> {
    let verified = Snapshot::verify(evidence, &world.anchor(), marks, &login("hanako"));
    verified.err().map(|denial| denial.code)
}

/// The marks after a login that was shown this.
fn after(world: &Deployment, evidence: &Evidence, before: &Marks) -> Marks {
    let mut marks = before.clone();
    let verified = Snapshot::verify(evidence, &world.anchor(), before, &login("hanako"));
    verified.unwrap().raise(&mut marks);
    marks
}

#[test]
fn both_root_keys_sign_the_step_and_neither_alone() {
    let world = Deployment::new();
    let (second, step) = next_root_key(&world.root, FIRST, SECOND);
    let (_, further) = next_root_key(&second, SECOND, THIRD);
    let by = |key: u8| Bytes::new(signing(key).sign(&second)).unwrap();
    let alone = |by_itself, by_previous| SignedRoot { by_itself, by_previous };
    for (what, later, expected) in [
        ("a step", vec![&step], None),
        ("two steps", vec![&step, &further], None),
        ("one left out", vec![&further], Some(Code::RootInvalid)),
        ("the other way round", vec![&further, &step], Some(Code::RootInvalid)),
        ("the old key alone", vec![&alone(by(FIRST), Some(by(FIRST)))], Some(Code::RootInvalid)),
        ("the new key alone", vec![&alone(by(SECOND), Some(by(SECOND)))], Some(Code::RootInvalid)),
        ("no word of the old key", vec![&alone(by(SECOND), None)], Some(Code::RootInvalid)),
    ] {
        let evidence = shown(&world, &later, PUBLISH);
        assert_eq!(code(&world, &evidence, &Marks::default()), expected, "{what}");
    }
}

#[test]
fn a_terminal_that_has_followed_rests_on_the_new_root_key_alone() {
    let world = Deployment::new();
    let (second, step) = next_root_key(&world.root, FIRST, SECOND);
    let marks = after(&world, &shown(&world, &[&step], PUBLISH), &Marks::default());
    assert_eq!((marks.root_version, marks.root_key), (2, Some(signing(SECOND).public())));
    // Honest documents go on.
    let (third, further) = next_root_key(&second, SECOND, THIRD);
    let (_, publish) = next_root(&third, THIRD, &[111]);
    assert_eq!(code(&world, &shown(&world, &[&step, &further], PUBLISH), &marks), None);
    assert_eq!(code(&world, &shown(&world, &[&step, &further, &publish], 111), &marks), None);

    // Whoever has the first root key makes a chain of the same length, longer ones, one that begins
    // at any number, and the one of before.
    let (fork, forged) = next_root_key(&world.root, FIRST, THIEF);
    let (longer, second_forged) = next_root(&fork, THIEF, &[THIEF]);
    let (_, third_forged) = next_root(&longer, THIEF, &[THIEF]);
    let (_, same_key) = next_root(&world.root, FIRST, &[THIEF]);
    let invalid = Some(Code::RootInvalid);
    for (what, later, by, expected) in [
        ("another n+1", vec![&forged], PUBLISH, invalid),
        ("another n+1 and more", vec![&forged, &second_forged], THIEF, invalid),
        ("a longer one", vec![&forged, &second_forged, &third_forged], THIEF, invalid),
        ("another n+1 of the old key", vec![&same_key], THIEF, invalid),
        ("the one of before", vec![], PUBLISH, Some(Code::Rollback)),
    ] {
        assert_eq!(code(&world, &shown(&world, &later, by), &marks), expected, "{what}");
    }
    for version in [2, 3, 1000, u64::MAX] {
        let publish_keys = List::new(vec![signing(THIEF).public()]).unwrap();
        let root = RootDocument { version, publish_keys, ..world.root.clone() };
        let first = Deployment { root, ..world.clone() };
        assert_eq!(code(&world, &shown(&first, &[], THIEF), &marks), invalid, "{version}");
    }

    // Whom nobody has told yet believes the thief, too: that is why it has to be told soon.
    let untold = shown(&world, &[&forged, &second_forged], THIEF);
    assert_eq!(code(&world, &untold, &Marks::default()), None);
}

#[test]
fn a_terminal_that_was_away_for_years_follows_every_step_and_remembers_the_last() {
    let world = Deployment::new();
    let (mut root, mut before) = (world.root.clone(), FIRST);
    let mut steps = Vec::new();
    let mut marks = after(&world, &shown(&world, &[], PUBLISH), &Marks::default());
    assert_eq!((marks.root_version, marks.root_key), (1, Some(signing(FIRST).public())));
    for own in 120..135 {
        let (next, signed) = next_root_key(&root, before, own);
        (root, before) = (next, own);
        steps.push(signed);
    }
    let later: Vec<&SignedRoot> = steps.iter().collect();
    marks = after(&world, &shown(&world, &later, PUBLISH), &marks);
    assert_eq!((marks.root_version, marks.root_key), (16, Some(signing(134).public())));
    // Nothing lowers them.
    let early = shown(&world, &later[..3], PUBLISH);
    assert_eq!(code(&world, &early, &marks), Some(Code::Rollback));
    let mut same = marks.clone();
    same.raise(&world.root, None, std::iter::empty());
    assert_eq!(same, marks);
}

#[test]
fn marks_from_before_there_were_root_keys_in_them_take_the_next_that_is_seen() {
    let world = Deployment::new();
    let (_, step) = next_root_key(&world.root, FIRST, SECOND);
    let older = Marks { root_version: 2, ..Marks::default() };
    assert_eq!(code(&world, &shown(&world, &[], PUBLISH), &older), Some(Code::Rollback));
    let marks = after(&world, &shown(&world, &[&step], PUBLISH), &older);
    assert_eq!(marks.root_key, Some(signing(SECOND).public()));
}

#[test]
fn a_terminal_that_joins_after_the_exchange_never_rests_on_the_old_key() {
    let world = Deployment::new();
    let (second, step) = next_root_key(&world.root, FIRST, SECOND);
    let (_, further) = next_root_key(&second, SECOND, THIRD);
    let (key, none) = (signing(SECOND).public(), Marks::default());
    // The chain from the document on that names its key; what is before it counts for nothing.
    let from_there = [step.clone(), further];
    let root = verify_roots(&from_there, &key, &none).unwrap();
    assert_eq!((root.version, root.root_key), (3, signing(THIRD).public()));
    verify_roots(&chain(&world, &[&step]), &key, &none).unwrap_err();
}
