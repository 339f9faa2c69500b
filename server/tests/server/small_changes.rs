//! A small change in the answer that tells of it.

use wardkey_core::document::Head;
use wardkey_core::message::http::{ScopeState, WaitReply};
use wardkey_core::sign;

use super::publishing::{add, ward};
use super::support::client::state;

#[test]
fn a_small_change_comes_along_with_its_head_to_terminals_that_take_it() {
    let (deployment, running, terminal) = ward();
    add(&deployment, "a", &["icu"]);
    running.settle();
    let before: Vec<ScopeState> = terminal.heads(&running).iter().map(state).collect();
    deployment.ok(&["person", "disable", "a"]);
    add(&deployment, "b", &["icu"]);
    deployment.ok(&["person", "delete", "b"]);
    running.settle();
    let ask =
        |have: &[ScopeState], can: &[&str]| -> WaitReply { terminal.wait_able(have, can).json() };
    let reply = ask(&before, &["changes-in-wait"]);
    let head: Head = sign::peek(&reply.heads[0].0).unwrap();
    let [along] = reply.changes.as_slice() else { panic!("{reply:?}") };
    assert_eq!((along.scope.as_str(), along.since), ("icu", before[0].seq));
    // The same as what is fetched, a tombstone for the one who is gone again.
    let fetched = terminal.changes("icu", before[0].seq);
    let plain = |changes: &[wardkey_core::message::http::Change]| -> Vec<_> {
        changes
            .iter()
            .map(|change| (change.seq, change.login.clone(), change.record.is_some()))
            .collect()
    };
    assert_eq!(plain(&along.changes), plain(&fetched.changes));
    assert_eq!(along.changes.last().unwrap().seq, head.seq);
    assert!(along.changes.last().unwrap().record.is_none());
    // Not to one that would pass over it, to one that has nothing, or of another epoch.
    assert!(ask(&before, &["server-time"]).changes.is_empty());
    assert!(ask(&[], &["changes-in-wait"]).changes.is_empty());
    let other = ScopeState { epoch: 0, ..before[0].clone() };
    assert!(ask(&[other], &["changes-in-wait"]).changes.is_empty());
    // More than goes along: the terminal is told, and fetches it.
    for number in 0..20 {
        add(&deployment, &format!("p{number}"), &["icu"]);
    }
    running.settle();
    let reply = ask(&before, &["changes-in-wait"]);
    assert!(!reply.heads.is_empty() && reply.changes.is_empty());
}
