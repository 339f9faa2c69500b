//! The publish key was exchanged, or stolen: what holds at a terminal, by the root documents that
//! it has.

use wardkey_core::code::Code;
use wardkey_core::codec::{Bytes, List};
use wardkey_core::document::{RootDocument, SignedRoot};
use wardkey_core::id::Nonce;
use wardkey_core::marks::Marks;
use wardkey_core::server_time::{Attested, ServerTime};
use wardkey_core::snapshot::{Evidence, Snapshot};
use wardkey_core::time::{ClockReading, UnixTime};
use wardkey_testkit::{Deployment, T0, TERMINAL, login, next_root, signing};

const OLD: u8 = 101;
const NEW: u8 = 111;

/// What an agent shows that has these root documents after the first one, signed by a key.
fn shown(world: &Deployment, later: &[&SignedRoot], by: u8) -> Evidence {
    let world = Deployment { publish_seed: by, ..world.clone() };
    let mut evidence = world.evidence("hanako");
    let roots = [world.signed_root()].into_iter().chain(later.iter().copied().cloned());
    evidence.roots = List::new(roots.collect()).unwrap();
    evidence
}

fn code(world: &Deployment, evidence: &Evidence, marks: &Marks) -> Option<Code> {
    let verified = Snapshot::verify(evidence, &world.anchor(), marks, &login("hanako"));
    verified.err().map(|denial| denial.code)
}

fn knows(root_version: u64) -> Marks {
    Marks { root_version, ..Marks::default() }
}

#[test]
fn what_both_keys_sign_holds_until_the_old_one_is_retired() {
    let world = Deployment::new();
    let (second, both) = next_root(&world.root, 100, &[OLD, NEW]);
    let (_, alone) = next_root(&second, 100, &[NEW]);
    for (later, by, expected) in [
        (vec![], OLD, None),
        (vec![], NEW, Some(Code::TerminalInvalid)),
        (vec![&both], OLD, None),
        (vec![&both], NEW, None),
        (vec![&both, &alone], NEW, None),
        (vec![&both, &alone], OLD, Some(Code::TerminalInvalid)),
        // No document may be left out.
        (vec![&alone], NEW, Some(Code::RootInvalid)),
        (vec![&alone, &both], NEW, Some(Code::RootInvalid)),
    ] {
        let evidence = shown(&world, &later, by);
        assert_eq!(code(&world, &evidence, &Marks::default()), expected, "{} {by}", later.len());
    }
}

#[test]
fn a_login_raises_the_mark_and_no_older_root_document_counts_after_it() {
    let world = Deployment::new();
    let (_, alone) = next_root(&world.root, 100, &[NEW]);
    let evidence = shown(&world, &[&alone], NEW);
    let mut marks = Marks::default();
    Snapshot::verify(&evidence, &world.anchor(), &marks, &login("hanako"))
        .unwrap()
        .raise(&mut marks);
    assert_eq!(marks.root_version, 2);
    assert_eq!(code(&world, &evidence, &marks), None);
    assert_eq!(code(&world, &shown(&world, &[], OLD), &marks), Some(Code::Rollback));
}

#[test]
fn what_a_thief_signs_is_refused_by_whoever_has_the_new_root_document() {
    let world = Deployment::new();
    let (second, alone) = next_root(&world.root, 100, &[NEW]);
    // Everything by the stolen key, with the present root documents and with those of before.
    assert_eq!(
        code(&world, &shown(&world, &[&alone], OLD), &knows(2)),
        Some(Code::TerminalInvalid)
    );
    assert_eq!(code(&world, &shown(&world, &[], OLD), &knows(2)), Some(Code::Rollback));
    // The thief's directory beside the honest terminal document.
    let mut heads = shown(&world, &[&alone], NEW);
    heads.scopes = shown(&world, &[], OLD).scopes;
    assert_eq!(code(&world, &heads, &knows(2)), Some(Code::HeadInvalid));
    // The thief has no root key: a root document of the thief's own follows on nothing.
    for root_key in [signing(OLD).public(), world.root.root_key] {
        let publish_keys = List::new(vec![signing(OLD).public()]).unwrap();
        let own = RootDocument { version: 3, root_key, publish_keys, ..second.clone() };
        let signed = Bytes::new(signing(OLD).sign(&own)).unwrap();
        let own = SignedRoot { by_itself: signed.clone(), by_previous: Some(signed) };
        let evidence = shown(&world, &[&alone, &own], OLD);
        assert_eq!(code(&world, &evidence, &knows(2)), Some(Code::RootInvalid));
    }
    // Whom nobody has told yet believes the thief: that is why it has to be told soon.
    assert_eq!(code(&world, &shown(&world, &[], OLD), &Marks::default()), None);
}

#[test]
fn the_time_is_believed_of_the_new_key_alone() {
    let (second, _) = next_root(&Deployment::new().root, 100, &[NEW]);
    let nonce = Nonce::new([7; 32]);
    let time = ServerTime { terminal: TERMINAL, nonce, time: UnixTime(T0) };
    let asked = ClockReading {
        realtime: UnixTime(T0),
        boottime: 5,
        boot_id: Bytes::new(*b"boot").unwrap(),
    };
    let said = |seed: u8| {
        let signed = signing(seed).sign(&time);
        Attested::verify(&signed, &second, &TERMINAL, &nonce, asked.clone())
            .err()
            .map(|denial| denial.code)
    };
    assert_eq!((said(NEW), said(OLD)), (None, Some(Code::ServerTimeInvalid)));
}
