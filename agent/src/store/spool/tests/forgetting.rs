//! A destination that goes, with much that only it lacked.

use super::super::forget::Progress;
use super::super::tables::HAS_SPARE;
use super::*;

const THREE: &[Destination] = &[SYSLOG, SERVER, SIEM];
/// Records that a transaction looks at here.
const FEW: usize = 10;

impl Store {
    /// Takes the list of destinations; then all that is left is looked through, two at a time.
    pub(super) fn take_list(&self) {
        while self.write(|spool| spool.take_list(2)) == Progress::More {}
        while self.write(|spool| spool.sweep(2)) == Progress::More {}
    }
}

/// A collector lacks 100 records that all others have.
fn waiting_for_a_collector(limits: Limits) -> Store {
    let store = Store::new(THREE, limits);
    store.take_list();
    store.push(&(0..100).map(success).collect::<Vec<_>>());
    store.drain(&SYSLOG);
    store.drain(&SERVER);
    assert_eq!(store.size().0, 100);
    store
}

#[test]
fn no_transaction_looks_at_more_than_a_step() {
    let mut store = waiting_for_a_collector(LIMITS);
    store.destinations = BOTH;
    assert_eq!(store.write(|spool| spool.take_list(FEW)), Progress::Done);
    for left in (0..100).rev().step_by(FEW) {
        let left = left / FEW as u64 * FEW as u64;
        assert_eq!(store.size().0, left + FEW as u64, "what nobody lacks waits for its turn");
        // A login's record in between.
        store.push(&[failure(200)]);
        store.drain(&SYSLOG);
        store.drain(&SERVER);
        let progress = store.write(|spool| spool.sweep(FEW));
        assert_eq!(progress == Progress::Done, left == 0, "{left}");
    }
    assert_eq!(store.size(), (0, 0));
    assert!(!store.db.read(read::has_to_sweep).unwrap());
    assert_eq!(store.write(|spool| spool.take_list(FEW)), Progress::Done, "once");
}

#[test]
fn what_is_ahead_of_one_that_is_gone_goes_in_steps_and_is_unknown_when_it_comes_again() {
    let mut store = Store::new(THREE, LIMITS);
    store.take_list();
    store.push(&(0..100).map(success).collect::<Vec<_>>());
    let (seqs, _) = store.pending(&SERVER);
    store.deliver(&SIEM, &seqs[75..]);
    store.deliver(&SERVER, &seqs[90..]);
    store.destinations = BOTH;
    assert_eq!(store.write(|spool| spool.take_list(FEW)), Progress::More);
    assert_eq!(store.write(|spool| spool.take_list(FEW)), Progress::More);
    assert_eq!(store.write(|spool| spool.take_list(FEW)), Progress::Done);
    assert_eq!(store.pending(&SERVER).0, seqs[..90], "what is ahead of another stays");
    store.destinations = THREE;
    store.take_list();
    assert_eq!(store.pending(&SIEM).0, seqs);
}

#[test]
fn what_nobody_lacks_makes_room_before_anything_is_lost() {
    let limits = Limits { events: 100, ..LIMITS };
    let mut store = waiting_for_a_collector(limits);
    store.destinations = BOTH;
    assert_eq!(store.write(|spool| spool.take_list(FEW)), Progress::Done);
    store.push(&[heartbeat(200), heartbeat(201)]);
    assert_eq!(store.lost(), 0);
    assert_eq!(store.events_for(&SERVER), [200, 201]);
}

#[test]
fn a_spool_of_an_older_version_is_looked_through_once_for_what_only_collectors_lack() {
    let store = waiting_for_a_collector(Limits { events: 100, ..LIMITS });
    let spare = || store.write(|spool| Ok(spool.spare.len()?));
    assert_eq!(spare(), 100);
    store.write(|spool| {
        spool.spare.retain(|_, _| false)?;
        spool.tally.remove(HAS_SPARE)?;
        Ok(())
    });
    store.take_list();
    assert_eq!(spare(), 100);
    store.push(&[heartbeat(200)]);
    let lost = store.write(|spool| spool.take_lost());
    assert_eq!(lost, Lost { count: 1, of: vec![("siem", 1)] });
}
