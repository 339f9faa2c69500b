//! What a publisher that is broken, or was taken over, offers: refused, reported, nothing changed.

use crate::common::*;
use wardkey_core::code::Code;
use wardkey_core::codec::{Bytes, List};
use wardkey_core::document::SignedRoot;
use wardkey_core::event::EventName;
use wardkey_core::id::TerminalId;

#[test]
fn rollback_and_fork_are_refused_reported_and_change_nothing() {
    let mut f = Fixture::synced();
    let good = f.ward.change(|state| state.clone());
    f.ward.put("ward3", &person("jiro", vec![credential(3)]));
    f.sync().unwrap();
    let newest = f.ward.change(|state| state.clone());
    type Lie = fn(&mut WardState);
    let cases: [(&str, Code, Lie); 5] = [
        ("older sequence", Code::Rollback, |state| {
            state.scopes.get_mut(&scope("ward3")).unwrap().shown_seq = Some(1)
        }),
        ("older epoch", Code::Rollback, |state| {
            let row = state.scopes.get_mut(&scope("ward3")).unwrap();
            (row.epoch, row.seq) = (0, 99);
        }),
        ("same number, other state", Code::Fork, |state| {
            state.scopes.get_mut(&scope("ward3")).unwrap().false_root = true
        }),
        ("same number, other policy", Code::Fork, |state| {
            state.scopes.get_mut(&scope("ward3")).unwrap().policy.lockout.threshold = 99;
        }),
        ("older terminal document", Code::Rollback, |state| state.terminal.number = 0),
    ];
    for (what, expected, lie) in cases {
        f.ward.change(|state| {
            *state = newest.clone();
            state.now += 5;
            lie(state);
        });
        let before = position(&f, "ward3");
        assert_eq!(denied(f.sync()), expected, "{what}");
        assert_eq!(position(&f, "ward3"), before, "{what}: last good state");
        assert_eq!(snapshot(&f, "jiro").records().count(), 1, "{what}");
        f.restart();
    }
    // A whole server from yesterday.
    f.ward.change(|state| *state = good);
    assert_eq!(denied(f.sync()), Code::Rollback);
    f.ward.change(|state| {
        *state = newest;
        state.now += 10;
    });
    f.sync().unwrap();
}

#[test]
fn the_thread_reports_what_it_refuses_once() {
    let f = Fixture::synced();
    f.ward.change(|state| {
        state.now += 5;
        state.scopes.get_mut(&scope("ward3")).unwrap().shown_seq = Some(1);
    });
    let agent = std::sync::Arc::clone(&f.agent);
    let running = std::thread::spawn(move || wardkey_agent::sync::run::run(&agent));
    eventually("the refusal is reported", || {
        f.events().iter().any(|event| event.name == EventName::DirectoryRefused)
    });
    std::thread::sleep(std::time::Duration::from_millis(1500));
    f.agent.stop();
    running.join().unwrap();
    let refused: Vec<_> =
        f.events().into_iter().filter(|event| event.name == EventName::DirectoryRefused).collect();
    assert_eq!(refused.len(), 1);
    assert_eq!(refused[0].reason, Some(Code::Rollback));
}

#[test]
fn a_state_that_is_not_the_signed_one_is_fetched_whole_once_then_refused() {
    let f = Fixture::synced();
    f.ward.put("ward3", &person("jiro", vec![credential(3)]));
    // Only the delta is broken: the whole state heals it.
    f.ward.change(|state| {
        state.drop_row_of_delta = true;
        state.changes_asked.clear();
    });
    f.sync().unwrap();
    assert_eq!(f.ward.change(|state| state.changes_asked.clone()), [2, 0]);
    assert_eq!(snapshot(&f, "jiro").records().count(), 1);
    // The whole state is broken too: refused, the last good one stays.
    f.ward.put("ward3", &person("saburo", vec![credential(4)]));
    f.ward.change(|state| {
        state.drop_row = true;
        state.changes_asked.clear();
    });
    let before = position(&f, "ward3");
    assert_eq!(denied(f.sync()), Code::ProofInvalid);
    assert_eq!(f.ward.change(|state| state.changes_asked.clone()), [3, 0]);
    assert_eq!(position(&f, "ward3"), before);
    assert_eq!(snapshot(&f, "jiro").records().count(), 1);
    // One scope that is refused does not keep the others from being fresh.
    f.ward.put("roaming", &person("shiro", vec![credential(5)]));
    f.ward.change(|state| state.drop_row = false);
    f.ward.change(|state| state.scopes.get_mut(&scope("ward3")).unwrap().false_root = true);
    assert_eq!(denied(f.sync()), Code::ProofInvalid);
    assert_eq!(snapshot(&f, "shiro").records().count(), 1);
}

#[test]
fn a_server_without_the_publish_key_changes_nothing() {
    let f = Fixture::synced();
    f.ward.put("ward3", &person("mallory", vec![credential(66)]));
    f.ward.change(|state| {
        state.publish_seed = 66;
        state.now += 5;
    });
    assert_eq!(denied(f.sync()), Code::TerminalInvalid);
    assert_eq!(snapshot(&f, "mallory").records().count(), 0);
    // A terminal document for another terminal, properly signed.
    f.ward.change(|state| {
        state.publish_seed = 101;
        state.terminal.terminal = TerminalId::new([5; 16]);
    });
    assert_eq!(denied(f.sync()), Code::TerminalInvalid);
}

#[test]
fn root_documents_follow_each_other_or_are_refused() {
    let f = Fixture::synced();
    let next = |version, by_previous: u8, by_itself: u8| {
        let mut root = f.ward.change(|state| state.root.clone());
        root.version = version;
        root.root_key = signing(110).public();
        root.publish_keys = List::new(vec![signing(101).public(), signing(111).public()]).unwrap();
        SignedRoot {
            by_itself: Bytes::new(signing(by_itself).sign(&root)).unwrap(),
            by_previous: Some(Bytes::new(signing(by_previous).sign(&root)).unwrap()),
        }
    };
    for bad in [next(2, 66, 110), next(2, 100, 66), next(3, 100, 110)] {
        f.ward.change(|state| state.extra_roots = vec![bad]);
        assert_eq!(denied(f.sync()), Code::RootInvalid);
    }
    f.ward.change(|state| state.extra_roots = vec![next_of(&state.root)]);
    f.sync().unwrap();
    assert_eq!(f.agent.directory.view().root.as_ref().unwrap().version, 2);
    assert_eq!(snapshot(&f, "hanako").root().version, 2);

    fn next_of(root: &wardkey_core::document::RootDocument) -> SignedRoot {
        let mut root = root.clone();
        root.version = 2;
        root.root_key = signing(110).public();
        root.publish_keys = List::new(vec![signing(101).public(), signing(111).public()]).unwrap();
        SignedRoot {
            by_itself: Bytes::new(signing(110).sign(&root)).unwrap(),
            by_previous: Some(Bytes::new(signing(100).sign(&root)).unwrap()),
        }
    }
}
