//! The root key was exchanged, and the agent is in the hands of whoever has the old one, which is
//! still that of the anchor.

use wardkey_core::codec::{self, List};
use wardkey_core::document::SignedRoot;
use wardkey_core::marks::Marks;
use wardkey_core::message::agent::{self, Enrollment, Reply as AgentReply};
use wardkey_testkit::{next_root, next_root_key, signing};

use super::common::{Deployment, Machine, enrolled, enrollment, status};
use super::{plug, trusts};

/// The seeds of the root keys: the anchor's, the one that followed it, a thief's own.
const OLD: u8 = 1;
const NEW: u8 = 77;
const THIEF: u8 = 66;

/// A machine whose module has followed to the next root key, and whose agent shows these documents.
fn shown(roots: Vec<SignedRoot>) -> Machine {
    let machine = Machine::new();
    trusts(&machine, OLD);
    let root_key = Some(signing(NEW).public());
    let followed = Marks { root_version: 2, root_key, ..Marks::default() };
    std::fs::write(machine.path("marks"), codec::to_bytes(&followed)).unwrap();
    machine.agent(move |request| {
        vec![match request {
            agent::Request::Status => AgentReply::Status(Box::new(status())),
            agent::Request::EnrollBegin(_) => AgentReply::Enrollment(Box::new(Enrollment {
                roots: List::new(roots.clone()).unwrap(),
                ..enrollment(0)
            })),
            agent::Request::EnrollFinish(_) => AgentReply::Enrolled(enrolled()),
            other => panic!("{other:?}"),
        }]
    });
    plug(&machine, Some("2468"), 8);
    machine
}

#[test]
fn whoever_has_the_old_root_key_gets_no_credential_made() {
    let deployment = Deployment::new(OLD);
    let (one, first) = (deployment.root_document(1, &deployment.root), deployment.first_root());
    let (_, second) = next_root_key(&one, OLD, NEW);
    let (fork, forged) = next_root_key(&one, OLD, THIEF);
    let (_, longer) = next_root(&fork, THIEF, &[THIEF]);
    let enroll = "enroll --code GOOD-CODE --json";
    for (what, roots, code) in [
        ("of before", vec![first.clone()], "WK-1104"),
        ("the same length", vec![first.clone(), forged.clone()], "WK-1101"),
        ("longer", vec![first.clone(), forged, longer], "WK-1101"),
    ] {
        let machine = shown(roots);
        let ran = machine.run(enroll, &[], false, false);
        let said = (ran.exit, ran.json()["error"]["code"].as_str().map(str::to_owned));
        assert_eq!(said, (1, Some(code.to_owned())), "{what}");
        assert!(!machine.log().iter().any(|line| line.contains("MakeCredential")), "{what}");
    }
    let ran = shown(vec![first, second]).run(enroll, &["2468"], false, false);
    assert_eq!(ran.exit, 0, "{}", ran.out);
}
