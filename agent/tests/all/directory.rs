//! Synchronisation with an honest publisher.

use crate::common::*;
use wardkey_core::code::Code;
use wardkey_core::codec::List;
use wardkey_core::document::Position;
use wardkey_core::person::Status;
use wardkey_core::time::UnixTime;

#[test]
fn changes_arrive_as_changes_and_survive_a_restart() {
    let mut f = Fixture::synced();
    assert_eq!(snapshot(&f, "hanako").records().count(), 1);
    // Disabled at the server: refused here after the next round.
    let mut hanako = person("hanako", vec![credential(1)]);
    hanako.status = Status::Disabled;
    f.ward.put("ward3", &hanako);
    f.ward.put("roaming", &hanako);
    f.ward.remove("ward3", "taro");
    f.ward.change(|state| state.changes_asked.clear());
    assert!(f.sync().unwrap());
    assert_eq!(f.ward.change(|state| state.changes_asked.clone()), [0, 2], "only what is new");
    for _ in 0..2 {
        let shown = snapshot(&f, "hanako");
        assert_eq!(shown.records().filter(|record| record.status == Status::Disabled).count(), 2);
        assert_eq!(snapshot(&f, "taro").records().count(), 0);
        f.restart();
    }
    // Nothing new: nothing is fetched, nothing applied.
    assert!(!f.sync().unwrap());
    // Signed again: fresh, and no changes asked for.
    f.ward.change(|state| {
        state.now += 100;
        state.changes_asked.clear();
    });
    f.pass(100);
    assert!(f.sync().unwrap());
    assert!(f.ward.change(|state| state.changes_asked.is_empty()));
    assert_eq!(snapshot(&f, "hanako").expires(), UnixTime(T0 + 1000));
}

#[test]
fn a_small_change_comes_along_with_its_head() {
    let f = Fixture::synced();
    f.ward.put("ward3", &person("jiro", vec![credential(3)]));
    f.ward.remove("ward3", "taro");
    f.ward.change(|state| {
        state.along = true;
        state.changes_asked.clear();
    });
    f.sync().unwrap();
    assert!(f.ward.change(|state| state.changes_asked.is_empty()), "no second request");
    assert_eq!(snapshot(&f, "jiro").records().count(), 1);
    assert_eq!(snapshot(&f, "taro").records().count(), 0);
    // Another policy takes a sequence and changes nobody.
    f.ward.policy("ward3", |policy| policy.lockout.threshold += 1);
    f.sync().unwrap();
    assert!(f.ward.change(|state| state.changes_asked.is_empty()));
    assert_eq!(position(&f, "ward3"), Position { epoch: 1, seq: 5 });
}

#[test]
fn what_comes_along_is_believed_no_more_than_what_is_fetched() {
    let f = Fixture::synced();
    // Not all of it: the state would not be the signed one, and is fetched.
    f.ward.put("ward3", &person("jiro", vec![credential(3)]));
    f.ward.change(|state| {
        state.along = true;
        state.drop_row_along = true;
        state.changes_asked.clear();
    });
    f.sync().unwrap();
    assert_eq!(f.ward.change(|state| state.changes_asked.clone()), [2]);
    assert_eq!(snapshot(&f, "jiro").records().count(), 1);
    // Nor is what makes no sense: out of order.
    f.ward.put("ward3", &person("goro", vec![credential(6)]));
    f.ward.put("ward3", &person("rokuro", vec![credential(7)]));
    f.ward.change(|state| {
        (state.drop_row_along, state.turn_along) = (false, true);
        state.changes_asked.clear();
    });
    f.sync().unwrap();
    assert_eq!(f.ward.change(|state| state.changes_asked.clone()), [3]);
    assert_eq!(snapshot(&f, "goro").records().count(), 1);
    // A head that lies is refused with it, and the last good state stays.
    f.ward.put("ward3", &person("saburo", vec![credential(4)]));
    let before = position(&f, "ward3");
    f.ward.change(|state| {
        state.turn_along = false;
        state.scopes.get_mut(&scope("ward3")).unwrap().false_root = true;
    });
    assert_eq!(denied(f.sync()), Code::ProofInvalid);
    assert_eq!(position(&f, "ward3"), before);
    assert_eq!(snapshot(&f, "saburo").records().count(), 0);
    // In a new epoch nothing follows on what is here.
    f.ward.change(|state| {
        let row = state.scopes.get_mut(&scope("ward3")).unwrap();
        row.false_root = false;
        row.epoch = 2;
        state.changes_asked.clear();
    });
    f.sync().unwrap();
    assert_eq!(f.ward.change(|state| state.changes_asked.clone()), [0]);
    assert_eq!(snapshot(&f, "saburo").records().count(), 1);
}

#[test]
fn many_people_come_in_pages() {
    let f = Fixture::joined();
    f.ward.change(|state| state.page = 7);
    for n in 0..100u8 {
        f.ward.put("ward3", &person(&format!("p{n}"), vec![credential(n + 1)]));
    }
    f.sync().unwrap();
    for n in [0, 42, 99] {
        assert_eq!(snapshot(&f, &format!("p{n}")).known_credentials().len(), 1);
    }
    assert_eq!(f.agent.directory.view().scope(&scope("ward3")).unwrap().head.count, 102);
}

#[test]
fn a_new_epoch_replaces_the_state() {
    let f = Fixture::synced();
    f.ward.change(|state| {
        let row = state.scopes.get_mut(&scope("ward3")).unwrap();
        row.epoch = 2;
        row.seq = 1;
        row.rows.remove("taro");
        row.rows.get_mut("hanako").unwrap().0 = 1;
        state.changes_asked.clear();
    });
    f.sync().unwrap();
    assert_eq!(f.ward.change(|state| state.changes_asked.clone()), [0]);
    assert_eq!(position(&f, "ward3"), Position { epoch: 2, seq: 1 });
    assert_eq!(
        snapshot(&f, "taro").records().count(),
        0,
        "what the restored server does not have is gone"
    );
    assert_eq!(snapshot(&f, "hanako").records().count(), 1);
}

#[test]
fn a_terminal_follows_its_document() {
    let f = Fixture::synced();
    f.ward.change(|state| {
        state.terminal.number = 2;
        state.terminal.scopes = List::new(vec![scope("ward3")]).unwrap();
    });
    f.sync().unwrap();
    assert!(f.agent.directory.view().scope(&scope("roaming")).is_none());
    assert_eq!(snapshot(&f, "hanako").heads().count(), 1);
    f.ward.change(|state| {
        state.terminal.number = 3;
        state.terminal.status = Status::Disabled;
    });
    f.sync().unwrap();
    assert_eq!(snapshot(&f, "hanako").terminal().status, Status::Disabled);
    // Back in a scope: incomplete until it arrived, then complete again.
    f.ward.change(|state| {
        state.terminal.number = 4;
        state.terminal.status = Status::Active;
        state.terminal.scopes = List::new(vec![scope("roaming"), scope("ward3")]).unwrap();
    });
    f.sync().unwrap();
    assert!(f.agent.directory.view().is_complete());
}

#[test]
fn an_answer_that_was_overtaken_is_no_rollback() {
    let f = Fixture::synced();
    let view = f.agent.directory.view();
    let asked = wardkey_agent::sync::apply::request(&view, 0, false);
    f.ward.put("ward3", &person("jiro", vec![credential(3)]));
    let slow = wardkey_agent::sync::upstream::Upstream::wait(&*f.ward, &asked).unwrap();
    f.ward.put("ward3", &person("saburo", vec![credential(4)]));
    f.sync().unwrap();
    let before = position(&f, "ward3");
    wardkey_agent::sync::apply::apply(&f.agent, &*f.ward, &asked, slow, false).unwrap();
    assert_eq!(position(&f, "ward3"), before);
}
