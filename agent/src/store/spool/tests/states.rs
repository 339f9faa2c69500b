//! Records of states, which not every destination gets.

use super::*;

#[test]
fn a_destination_that_hears_of_states_otherwise_gets_no_records_of_them() {
    const TOLD: Destination = Destination { gets_states: false, ..SERVER };
    const PAIR: &[Destination] = &[SYSLOG, TOLD];
    let store = Store::new(PAIR, LIMITS);
    let failed = event(4, EventName::Synced, Outcome::Failure);
    store.push(&[heartbeat(1), success(2), event(3, EventName::Synced, Outcome::Success), failed]);
    assert_eq!(store.drain(&TOLD), [4, 2]);
    assert_eq!(store.drain(&SYSLOG), [1, 2, 3, 4]);
    assert_eq!(store.size(), (0, 0), "nobody waits for the rest");
    // Also where the system log was first.
    store.push(&[heartbeat(5)]);
    assert_eq!(store.drain(&SYSLOG), [5]);
    assert_eq!(store.size(), (0, 0));
}
