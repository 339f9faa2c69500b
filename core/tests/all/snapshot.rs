//! A taken-over agent: whatever it shows that is not the signed directory of now is refused.

use wardkey_core::code::{Code, Denial};
use wardkey_core::codec::{self, Bytes, List};
use wardkey_core::document::{Position, SignedRoot};
use wardkey_core::id::{Hash, TerminalId};
use wardkey_core::marks::{Marks, ScopeMark};
use wardkey_core::person::Status;
use wardkey_core::snapshot::{Evidence, Snapshot};
use wardkey_core::time::UnixTime;
use wardkey_testkit::{Deployment, Key, T0, login, scope, signing};

fn verify(world: &Deployment, evidence: &Evidence, marks: &Marks) -> Result<Snapshot, Denial> {
    Snapshot::verify(evidence, &world.anchor(), marks, &login("hanako"))
}

fn code(result: Result<Snapshot, Denial>) -> Option<Code> {
    result.err().map(|denial| denial.code)
}

#[test]
fn the_honest_agent_is_believed() {
    let world = Deployment::new();
    let snapshot = verify(&world, &world.evidence("hanako"), &Marks::default()).unwrap();
    assert_eq!(snapshot.records().count(), 1);
    assert_eq!(snapshot.allow_list().len(), 1);
    let absent = world.snapshot("nobody").unwrap();
    assert_eq!(absent.records().count(), 0);
}

#[test]
fn every_lie_of_a_taken_over_agent_is_refused() {
    type Lie = fn(&mut Evidence, &Deployment);
    let table: &[(&str, Lie, Code)] = &[
        ("no root", |e, _| e.roots = List::default(), Code::RootInvalid),
        (
            "root of another key",
            |e, w| {
                let mut root = w.root.clone();
                root.root_key = signing(200).public();
                let by_itself = Bytes::new(signing(200).sign(&root)).unwrap();
                e.roots = List::new(vec![SignedRoot { by_itself, by_previous: None }]).unwrap();
            },
            Code::RootInvalid,
        ),
        (
            "root that names the agent's publish key",
            |e, w| {
                let mut root = w.root.clone();
                root.publish_keys = List::new(vec![signing(200).public()]).unwrap();
                let by_itself = Bytes::new(signing(200).sign(&root)).unwrap();
                e.roots = List::new(vec![SignedRoot { by_itself, by_previous: None }]).unwrap();
            },
            Code::RootInvalid,
        ),
        (
            "terminal document signed by the agent",
            |e, w| {
                e.terminal = Bytes::new(signing(200).sign(&w.terminal)).unwrap();
            },
            Code::TerminalInvalid,
        ),
        (
            "terminal document of another terminal",
            |e, w| {
                let mut document = w.terminal.clone();
                document.terminal = TerminalId::new([7; 16]);
                e.terminal = Bytes::new(signing(101).sign(&document)).unwrap();
            },
            Code::TerminalInvalid,
        ),
        (
            "terminal document is a head",
            |e, _| {
                e.terminal = Bytes::new(e.scopes[0].head.as_slice()).unwrap();
            },
            Code::TerminalInvalid,
        ),
        (
            "head signed by the agent",
            |e, w| {
                change(e, |s| s.head = Bytes::new(signing(200).sign(&w.scopes[1].0.head)).unwrap());
            },
            Code::HeadInvalid,
        ),
        (
            "head with one bit changed",
            |e, _| {
                change(e, |s| {
                    let mut bytes = s.head.as_slice().to_vec();
                    bytes[80] ^= 1;
                    s.head = Bytes::new(bytes).unwrap();
                });
            },
            Code::HeadInvalid,
        ),
        (
            "scope hidden",
            |e, _| {
                e.scopes = List::new(e.scopes[1..].to_vec()).unwrap();
            },
            Code::ScopesIncomplete,
        ),
        (
            "scopes swapped",
            |e, _| {
                e.scopes = List::new(vec![e.scopes[1].clone(), e.scopes[0].clone()]).unwrap();
            },
            Code::ScopesIncomplete,
        ),
        (
            "one scope twice",
            |e, _| {
                e.scopes = List::new(vec![e.scopes[1].clone(), e.scopes[1].clone()]).unwrap();
            },
            Code::ScopesIncomplete,
        ),
        (
            "other policy",
            |e, w| {
                let mut policy = w.scopes[1].1.clone();
                policy.offline.hard = u64::MAX;
                change(e, |s| s.policy = Bytes::new(codec::to_bytes(&policy)).unwrap());
            },
            Code::PolicyInvalid,
        ),
        (
            "record of an agent's key",
            |e, w| {
                let mut record = w.scopes[1].0.people[0].clone();
                record.credentials = List::new(vec![Key::es256(66).record(66)]).unwrap();
                change(e, |s| s.proof.record = Some(Bytes::new(codec::to_bytes(&record)).unwrap()));
            },
            Code::ProofInvalid,
        ),
        ("record left out", |e, _| change(e, |s| s.proof.record = None), Code::ProofInvalid),
        (
            "bucket with an agent's leaf",
            |e, w| {
                let mut record = w.scopes[1].0.people[0].clone();
                record.credentials = List::new(vec![Key::es256(66).record(66)]).unwrap();
                let leaf = wardkey_core::directory::Leaf {
                    key: wardkey_core::directory::leaf_key(&record.login),
                    value: codec::hash_of(&record),
                };
                change(e, |s| {
                    s.proof.bucket = wardkey_core::directory::Bucket::new(vec![leaf]).unwrap();
                    s.proof.record = Some(Bytes::new(codec::to_bytes(&record)).unwrap());
                });
            },
            Code::ProofInvalid,
        ),
        (
            "empty bucket, as if the person were absent",
            |e, _| {
                change(e, |s| {
                    s.proof.bucket = Default::default();
                    s.proof.record = None;
                })
            },
            Code::ProofInvalid,
        ),
        (
            "a bucket hash missing",
            |e, _| {
                change(e, |s| {
                    s.proof.others = List::new(s.proof.others[1..].to_vec()).unwrap();
                })
            },
            Code::ProofInvalid,
        ),
    ];
    for (name, lie, expected) in table {
        let world = Deployment::new();
        let mut evidence = world.evidence("hanako");
        lie(&mut evidence, &world);
        assert_eq!(code(verify(&world, &evidence, &Marks::default())), Some(*expected), "{name}");
    }
}

fn change(
    evidence: &mut Evidence,
    change: impl FnOnce(&mut wardkey_core::snapshot::ScopeEvidence),
) {
    let mut scopes = evidence.scopes.to_vec();
    change(&mut scopes[1]);
    evidence.scopes = List::new(scopes).unwrap();
}

#[test]
fn nothing_below_the_marks_is_accepted() {
    let world = Deployment::new();
    let mut marks = Marks::default();
    verify(&world, &world.evidence("hanako"), &marks).unwrap().raise(&mut marks);
    assert!(verify(&world, &world.evidence("hanako"), &marks).is_ok(), "the same again");

    type Age = fn(&mut Deployment);
    let table: &[(&str, Age, Option<Code>)] = &[
        ("a later state", |w| w.scopes[1].0.head.seq += 1, None),
        (
            "a later epoch begins low",
            |w| {
                w.scopes[1].0.head.epoch += 1;
                w.scopes[1].0.head.seq = 1
            },
            None,
        ),
        ("an earlier sequence", |w| w.scopes[1].0.head.seq -= 1, Some(Code::Rollback)),
        (
            "an earlier epoch with a higher sequence",
            |w| {
                w.scopes[1].0.head.epoch -= 1;
                w.scopes[1].0.head.seq += 99
            },
            Some(Code::Rollback),
        ),
        ("an earlier terminal document", |w| w.terminal.number = 0, Some(Code::Rollback)),
        (
            "the same number with another state",
            |w| {
                w.hanako().status = Status::Disabled;
                w.refresh()
            },
            Some(Code::Fork),
        ),
        (
            "the same number with another policy",
            |w| {
                w.scopes[1].1.offline.soft += 1;
                w.refresh()
            },
            Some(Code::Fork),
        ),
        ("signed again, same state", |w| w.scopes[1].0.head.issued = UnixTime(T0), None),
    ];
    for (name, age, expected) in table {
        let mut world = Deployment::new();
        age(&mut world);
        assert_eq!(code(verify(&world, &world.evidence("hanako"), &marks)), *expected, "{name}");
    }
}

#[test]
fn an_older_root_document_is_refused_and_a_newer_one_followed() {
    let old = Deployment::new();
    let mut world = Deployment::new();
    world.root.version = 2;
    world.root.root_key = signing(110).public();
    world.root.publish_keys = List::new(vec![signing(111).public()]).unwrap();
    world.publish_seed = 111;
    let next = SignedRoot {
        by_itself: Bytes::new(signing(110).sign(&world.root)).unwrap(),
        by_previous: Some(Bytes::new(signing(100).sign(&world.root)).unwrap()),
    };
    let mut evidence = world.evidence("hanako");
    evidence.roots = List::new(vec![old.signed_root(), next.clone()]).unwrap();
    let mut marks = Marks::default();
    verify(&world, &evidence, &marks).unwrap().raise(&mut marks);
    assert_eq!(marks.root_version, 2);
    // The old publish key no longer counts, and the old root alone is a rollback.
    assert_eq!(code(verify(&old, &old.evidence("hanako"), &marks)), Some(Code::Rollback));
    evidence.roots = List::new(vec![old.signed_root()]).unwrap();
    assert_eq!(code(verify(&world, &evidence, &Marks::default())), Some(Code::TerminalInvalid));
    // A second version that the first did not sign, and one that changes the relying party id.
    let forged = SignedRoot { by_previous: Some(next.by_itself.clone()), ..next };
    evidence.roots = List::new(vec![old.signed_root(), forged]).unwrap();
    assert_eq!(code(verify(&world, &evidence, &Marks::default())), Some(Code::RootInvalid));
    world.root.rp_id = "evil.example".parse().unwrap();
    let moved = SignedRoot {
        by_itself: Bytes::new(signing(110).sign(&world.root)).unwrap(),
        by_previous: Some(Bytes::new(signing(100).sign(&world.root)).unwrap()),
    };
    evidence.roots = List::new(vec![old.signed_root(), moved]).unwrap();
    assert_eq!(code(verify(&world, &evidence, &Marks::default())), Some(Code::RootInvalid));
}

#[test]
fn marks_remember_the_latest_people_and_never_sink() {
    let mut marks = Marks::default();
    for n in 0..wardkey_core::marks::MAX_SEEN as u64 + 10 {
        marks.remember(codec::sha256(&n.to_be_bytes()), UnixTime(n));
    }
    assert_eq!(marks.seen.len(), wardkey_core::marks::MAX_SEEN);
    assert!(!marks.has_seen(&codec::sha256(&0u64.to_be_bytes())));
    let mark = |seq| ScopeMark {
        scope: scope("a"),
        position: Position { epoch: 1, seq },
        root: Hash::new([0; 32]),
        policy: Hash::new([0; 32]),
    };
    marks.raise_scope(mark(5));
    marks.raise_scope(mark(4));
    assert_eq!(marks.scope(&scope("a")).unwrap().position.seq, 5);
    let bytes = codec::to_bytes(&marks);
    assert!(bytes.len() <= <Marks as wardkey_core::codec::Document>::MAX_BYTES);
    assert_eq!(codec::from_bytes::<Marks>(&bytes).unwrap(), marks);
}
