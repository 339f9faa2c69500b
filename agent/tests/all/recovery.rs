//! A directory on disk that was spoilt.

use crate::common::*;
use wardkey_core::code::Code;
use wardkey_core::codec::{self, List};
use wardkey_core::document::{Position, SignedRoot};
use wardkey_core::event::EventName;
use wardkey_core::message::agent::Reply;

#[test]
fn a_spoilt_cache_is_set_aside_and_fetched_again() {
    for file in ["directory.redb", "state.redb"] {
        let mut f = Fixture::synced();
        let login_before = f.assertion_with("hanako", "hanako", 1, 9, 0x05, |_| {});
        f.root().ask(&success("hanako", &login_before));
        f.agent.state.close();
        f.agent.directory.close();
        let path = f.folder.path().join(file);
        let mut bytes = std::fs::read(&path).unwrap();
        for page in 1..bytes.len() / 4096 {
            bytes[page * 4096 + 64] ^= 0xff;
        }
        std::fs::write(&path, &bytes).unwrap();
        f.restart();
        assert!(
            f.events().iter().any(|event| event.name == EventName::StateSetAside
                && event.detail.as_ref().unwrap().contains(file)),
            "{file}"
        );
        let aside = std::fs::read_dir(f.folder.path()).unwrap().flatten();
        assert!(
            aside
                .map(|entry| entry.file_name())
                .any(|name| name.to_string_lossy().starts_with(&format!("{file}.corrupt-")))
        );
        if f.agent.directory.view().root.is_none() {
            // The root documents come over the network, from the key of the join; here by hand.
            let roots = List::new(vec![f.ward.signed_root()]).unwrap();
            let root = SignedRoot::verify_chain(&roots, &signing(100).public()).unwrap();
            f.agent.directory.update(|update| update.roots(roots, root)).unwrap();
        }
        f.sync().unwrap();
        assert_eq!(snapshot(&f, "hanako").records().count(), 1, "{file}");
        if file == "directory.redb" {
            // The marks are in the other file: a server from yesterday is still refused.
            let marks = f.agent.marks();
            assert!(marks.scope(&scope("ward3")).unwrap().position > Position { epoch: 1, seq: 1 });
        }
    }
}

#[test]
fn a_copy_that_does_not_verify_is_fetched_again() {
    let f = Fixture::synced();
    // A record is changed under our feet, as a failing disk would.
    f.agent
        .directory
        .update(|update| {
            let mut scope = update.scope(&scope("ward3"), false)?;
            scope.change(
                &login("hanako"),
                Some(&codec::to_bytes(&person("hanako", vec![credential(9)]))),
            )?;
            Ok(())
        })
        .unwrap();
    let assertion = f.assertion("hanako", "hanako", 1, |_| {});
    let reply = f.root().ask(&success("hanako", &assertion));
    let denied = matches!(&reply, Reply::Refused(refusal) if refusal.code == Code::ProofInvalid);
    assert!(denied, "{reply:?}");
    f.sync().unwrap();
    let assertion = f.assertion("hanako", "hanako", 1, |_| {});
    let reply = f.root().ask(&success("hanako", &assertion));
    assert!(matches!(reply, Reply::Recorded(..)), "{reply:?}");
}
