mod forgetting;
mod giving_way;
mod order;
mod states;

use std::collections::BTreeSet;

use redb::{ReadableDatabase, ReadableTableMetadata, TableHandle};
use wardkey_core::codec;
use wardkey_core::event::{Event, EventName, Outcome};
use wardkey_core::id::EventId;
use wardkey_core::time::UnixTime;

use super::cursor::Order;
use super::migrate::migrate;
use super::read::{self, Most, lost, pending, waiting};
use super::*;
use crate::store::db::{Db, Rows};

const SYSLOG: Destination =
    Destination { name: "syslog", order: Order::Arrival, gives_way: false, gets_states: true };
const SERVER: Destination =
    Destination { name: "server", order: Order::Urgency, gives_way: false, gets_states: true };
const SIEM: Destination =
    Destination { name: "siem", order: Order::Arrival, gives_way: true, gets_states: true };
const BOTH: &[Destination] = &[SYSLOG, SERVER];
const ALL: Most = Most { events: usize::MAX, bytes: usize::MAX };
const LIMITS: Limits = Limits { events: 1000, bytes: 1 << 20 };

fn event(number: u8, name: EventName, outcome: Outcome) -> Event {
    Event::new(EventId::new([number; 16]), UnixTime(u64::from(number)), name, outcome)
}

fn alarm(number: u8) -> Event {
    event(number, EventName::DirectoryRefused, Outcome::Failure)
}

fn success(number: u8) -> Event {
    event(number, EventName::Login, Outcome::Success)
}

fn failure(number: u8) -> Event {
    event(number, EventName::Login, Outcome::Failure)
}

fn heartbeat(number: u8) -> Event {
    event(number, EventName::Heartbeat, Outcome::Success)
}

/// A store with a spool for some destinations.
struct Store {
    db: Db,
    limits: Limits,
    destinations: &'static [Destination],
    _folder: tempfile::TempDir,
}

impl Store {
    fn new(destinations: &'static [Destination], limits: Limits) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let db = Db::open(&folder.path().join("state.redb"), 1 << 20, 0).unwrap();
        Self { db, limits, destinations, _folder: folder }
    }

    fn write<T>(&self, work: impl FnOnce(&mut Spool<'_>) -> Result<T, AgentError>) -> T {
        self.db
            .write(|transaction| {
                work(&mut Spool::open(transaction, self.limits, self.destinations)?)
            })
            .unwrap()
    }

    fn push(&self, events: &[Event]) {
        self.write(|spool| events.iter().try_for_each(|event| spool.push(event, &[])));
    }

    fn deliver(&self, to: &Destination, seqs: &[u64]) {
        self.write(|spool| spool.delivered(to, seqs));
    }

    fn migrate(&self) {
        self.db.write(|transaction| migrate(transaction, self.limits, self.destinations)).unwrap();
    }

    /// What a destination would get now: the numbers of the rows, and of the events in them.
    fn pending(&self, to: &Destination) -> (Vec<u64>, Vec<u8>) {
        let rows = self.db.read(|transaction| pending(transaction, to, ALL)).unwrap();
        let waits = self.db.read(|transaction| waiting(transaction, to)).unwrap();
        assert_eq!(waits, rows.len() as u64);
        let number =
            |row: &read::Row| codec::from_bytes::<Event>(&row.event).unwrap().id.as_bytes()[0];
        (rows.iter().map(|row| row.seq).collect(), rows.iter().map(number).collect())
    }

    /// The events that a destination would get now.
    fn events_for(&self, to: &Destination) -> Vec<u8> {
        self.pending(to).1
    }

    /// Everything arrives at a destination; says which events.
    fn drain(&self, to: &Destination) -> Vec<u8> {
        let (seqs, events) = self.pending(to);
        self.deliver(to, &seqs);
        events
    }

    /// Records and bytes in the spool.
    fn size(&self) -> (u64, u64) {
        self.write(|spool| Ok((spool.events.len()?, spool.get("bytes")?)))
    }

    fn lost(&self) -> u64 {
        self.db.read(lost).unwrap()
    }

    fn tables(&self) -> Vec<String> {
        let read = self.db.begin_read().unwrap();
        let mut names: Vec<_> =
            read.list_tables().unwrap().map(|table| table.name().to_owned()).collect();
        names.sort();
        names
    }
}

#[test]
fn a_destination_that_is_down_delays_no_other_and_gets_everything_later() {
    let store = Store::new(BOTH, LIMITS);
    store.push(&[success(1), heartbeat(2), failure(3), alarm(4)]);
    assert_eq!(store.events_for(&SYSLOG), [1, 2, 3, 4], "as they happened");
    assert_eq!(store.drain(&SERVER), [4, 3, 1, 2], "the urgent first");
    assert!(store.drain(&SERVER).is_empty());
    store.push(&[failure(5)]);
    assert_eq!(store.drain(&SERVER), [5]);
    assert_eq!(store.size().0, 5, "kept for the other");
    assert_eq!(store.drain(&SYSLOG), [1, 2, 3, 4, 5]);
    assert_eq!(store.size(), (0, 0), "gone when every destination has it");
    store.push(&[heartbeat(6)]);
    assert_eq!((store.drain(&SYSLOG), store.drain(&SERVER)), (vec![6], vec![6]));
    assert_eq!(store.size(), (0, 0));
}

#[test]
fn what_arrives_out_of_order_is_not_sent_again_and_what_is_missing_stays() {
    let store = Store::new(BOTH, LIMITS);
    store.push(&(1..=6).map(failure).collect::<Vec<_>>());
    let (seqs, _) = store.pending(&SERVER);
    // The server takes all but the first and the fourth.
    store.deliver(&SERVER, &[seqs[1], seqs[2], seqs[4], seqs[5]]);
    assert_eq!(store.events_for(&SERVER), [1, 4]);
    assert_eq!(store.drain(&SYSLOG), [1, 2, 3, 4, 5, 6]);
    assert_eq!(store.size().0, 2, "those that one lacks");
    store.deliver(&SERVER, &[seqs[0]]);
    assert_eq!(store.events_for(&SERVER), [4]);
    // Told again, and what never was: nothing changes.
    store.deliver(&SERVER, &[seqs[0], seqs[1], 999]);
    assert_eq!(store.drain(&SERVER), [4]);
    assert_eq!(store.size(), (0, 0));
    assert!(
        store.write(|spool| Ok(spool.transaction.open_table(AHEAD)?.is_empty()?)),
        "nothing is left over"
    );
}

#[test]
fn what_gave_way_is_counted_and_leaves_nothing_behind() {
    let store = Store::new(BOTH, Limits { events: 4, ..LIMITS });
    store.push(&[success(1), heartbeat(2), failure(3), failure(4)]);
    let (seqs, _) = store.pending(&SERVER);
    // The second failure has arrived at the server, out of order.
    store.deliver(&SERVER, &seqs[1..2]);
    store.push(&[failure(5), failure(6), alarm(7), failure(8)]);
    assert_eq!(store.lost(), 4);
    assert_eq!(store.events_for(&SYSLOG), [1, 6, 7, 8], "the least important and oldest gave way");
    assert_eq!(store.events_for(&SERVER), [7, 6, 8, 1]);
    store.push(&[failure(9)]);
    assert_eq!((store.drain(&SYSLOG), store.drain(&SERVER)), (vec![1, 7, 8, 9], vec![7, 8, 9, 1]));
    assert_eq!(store.size(), (0, 0));
    assert!(store.write(|spool| Ok(spool.transaction.open_table(AHEAD)?.is_empty()?)));
}

#[test]
fn bytes_are_bounded_too() {
    let one = codec::to_bytes(&failure(1)).len() as u64 + 1;
    let store = Store::new(BOTH, Limits { bytes: 3 * one, ..LIMITS });
    store.push(&(1..=5).map(failure).collect::<Vec<_>>());
    assert_eq!((store.size(), store.lost()), ((3, 3 * one), 2));
}

#[test]
fn a_new_destination_gets_what_is_there_and_one_that_was_removed_keeps_nothing() {
    let mut store = Store::new(BOTH, LIMITS);
    store.push(&[success(1), failure(2)]);
    store.drain(&SERVER);
    store.destinations = &[SYSLOG, SERVER, SIEM];
    store.take_list();
    store.push(&[failure(3)]);
    assert_eq!(store.drain(&SIEM), [1, 2, 3]);
    let (seqs, events) = store.pending(&SYSLOG);
    assert_eq!(events, [1, 2, 3]);
    // The log has all but the second, then it is taken out of the list.
    store.deliver(&SYSLOG, &[seqs[0], seqs[2]]);
    store.destinations = &[SERVER, SIEM];
    store.take_list();
    assert_eq!(store.events_for(&SERVER), [3]);
    assert_eq!(store.size().0, 1, "what all of the others have is gone");
    assert_eq!(store.drain(&SERVER), [3]);
    assert_eq!(store.size(), (0, 0));
}

#[test]
fn what_a_destination_got_from_memory_is_not_sent_again_from_disk() {
    let store = Store::new(BOTH, LIMITS);
    store.push(&[failure(1)]);
    store.write(|spool| spool.push(&failure(2), &["syslog"]));
    store.write(|spool| spool.push(&failure(3), &["syslog", "server"]));
    assert_eq!((store.drain(&SYSLOG), store.drain(&SERVER)), (vec![1], vec![1, 2]));
    assert_eq!(store.size(), (0, 0));
}

#[test]
fn whatever_arrives_in_whatever_order_each_destination_gets_each_record_once() {
    // xorshift: the same run every time.
    let mut state = 0x2545_f491_4f6c_dd1d_u64;
    let mut random = move |below: u64| {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        state % below
    };
    let store = Store::new(&[SYSLOG, SERVER, SIEM], LIMITS);
    let mut got = [const { Vec::new() }; 3];
    let mut made = 0_u8;
    for _ in 0..400 {
        if made < 200 && random(2) == 0 {
            made += 1;
            let make = [alarm, success, failure, heartbeat][random(4) as usize];
            store.push(&[make(made)]);
        }
        let at = random(3) as usize;
        let to = &store.destinations[at];
        let (seqs, events) = store.pending(to);
        let arrived: Vec<usize> = (0..seqs.len()).filter(|_| random(3) > 0).take(4).collect();
        store.deliver(to, &arrived.iter().map(|at| seqs[*at]).collect::<Vec<_>>());
        got[at].extend(arrived.iter().map(|at| events[*at]));
    }
    for (to, got) in store.destinations.iter().zip(&mut got) {
        got.extend(store.drain(to));
        let once: BTreeSet<u8> = got.iter().copied().collect();
        assert_eq!((got.len(), once.len()), (usize::from(made), usize::from(made)), "{}", to.name);
    }
    assert_eq!(store.size(), (0, 0));
}

/// The spool as version 0.1 wrote it.
mod version_0_1 {
    use super::*;

    const ROWS: Rows = Rows::new("spool");
    const QUEUE: Rows = Rows::new("queue");
    const TALLY: Rows = Rows::new("tally");

    /// A record: number of the row, event, flags, whether the server lacks it.
    type Old = (u64, Event, u8, bool);

    /// Alarms of syslog's cursor at 4, with a row that was written out of order.
    fn rows() -> Vec<Old> {
        vec![
            // Before syslog's cursor: the server lacks them.
            (1, failure(1), 0, true),
            (2, heartbeat(2), 0, true),
            // The server has it, syslog lacks it.
            (4, alarm(4), 0, false),
            // Nobody has it.
            (5, success(5), 0, true),
            // Written to syslog from memory, in front of the cursor.
            (6, failure(6), 1, true),
            (7, failure(7), 0, true),
            (8, heartbeat(8), 0, false),
            (9, success(9), 0, true),
        ]
    }

    fn write(transaction: &WriteTransaction, rows: &[Old]) -> Result<(), AgentError> {
        let mut bytes = 0;
        let mut table = transaction.open_table(ROWS)?;
        let mut queue = transaction.open_table(QUEUE)?;
        for (seq, event, flags, queued) in rows {
            let class = Class::of(event) as u8;
            let value = [&[class, *flags][..], &codec::to_bytes(event)].concat();
            table.insert(seq.to_be_bytes().as_slice(), value.as_slice())?;
            if *queued {
                let key = [&[class][..], &seq.to_be_bytes()].concat();
                queue.insert(key.as_slice(), &[][..])?;
            }
            bytes += value.len() as u64;
        }
        let mut tally = transaction.open_table(TALLY)?;
        for (name, value) in [("next", 10), ("bytes", bytes), ("lost", 2), ("cursor", 4_u64)] {
            tally.insert(name.as_bytes(), value.to_be_bytes().as_slice())?;
        }
        Ok(())
    }

    fn store() -> Store {
        let store = Store::new(BOTH, LIMITS);
        store.db.write(|transaction| write(transaction, &rows())).unwrap();
        store
    }

    #[test]
    fn every_destination_goes_on_where_it_was() {
        let store = store();
        store.migrate();
        assert_eq!(store.tables(), ["ahead", "cursors", "events", "lanes", "spare", "tally"]);
        assert_eq!(store.events_for(&SYSLOG), [4, 5, 7, 8, 9]);
        assert_eq!(store.events_for(&SERVER), [1, 6, 7, 5, 9, 2]);
        // New records come after those, and are numbered on.
        store.push(&[failure(10)]);
        assert_eq!(store.pending(&SYSLOG).0, [4, 5, 7, 8, 9, 10]);
        // Again: nothing is taken over twice.
        store.migrate();
        assert_eq!(
            (store.drain(&SYSLOG), store.drain(&SERVER)),
            (vec![4, 5, 7, 8, 9, 10], vec![1, 6, 7, 10, 5, 9, 2])
        );
        assert_eq!((store.size(), store.lost()), ((0, 0), 2));
        assert!(store.write(|spool| Ok(spool.transaction.open_table(AHEAD)?.is_empty()?)));
    }

    #[test]
    fn a_crash_before_the_commit_leaves_the_old_spool_as_it_was() {
        let store = store();
        let transaction = store.db.begin_write().unwrap();
        migrate(&transaction, LIMITS, BOTH).unwrap();
        transaction.abort().unwrap();
        assert_eq!(store.tables(), ["queue", "spool", "tally"]);
        store.migrate();
        assert_eq!(store.events_for(&SYSLOG), [4, 5, 7, 8, 9]);
        assert_eq!(store.events_for(&SERVER), [1, 6, 7, 5, 9, 2]);
    }

    #[test]
    fn records_that_0_1_wrote_after_a_downgrade_join_the_others() {
        let store = store();
        store.migrate();
        store.drain(&SYSLOG);
        // The older program begins with an empty spool, and numbers on.
        store
            .db
            .write(|transaction| {
                let next = transaction
                    .open_table(TALLY)?
                    .get("next".as_bytes())?
                    .map_or(0, |value| number_of(value.value()));
                write(transaction, &[(next, failure(20), 0, true)])?;
                transaction
                    .open_table(TALLY)?
                    .insert("next".as_bytes(), (next + 1).to_be_bytes().as_slice())?;
                transaction
                    .open_table(TALLY)?
                    .insert("cursor".as_bytes(), 0_u64.to_be_bytes().as_slice())?;
                Ok(())
            })
            .unwrap();
        store.migrate();
        assert_eq!(
            (store.drain(&SYSLOG), store.drain(&SERVER)),
            (vec![20], vec![1, 6, 7, 20, 5, 9, 2])
        );
        assert_eq!(store.size(), (0, 0));
    }

    #[test]
    fn the_state_takes_over_an_old_file_when_it_is_opened() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("state.redb");
        {
            let database = redb::Database::create(&path).unwrap();
            let transaction = database.begin_write().unwrap();
            write(&transaction, &rows()).unwrap();
            transaction.commit().unwrap();
            assert!(database.begin_read().unwrap().open_table(ROWS).unwrap().len().unwrap() > 0);
        }
        let state = crate::store::state::State::open(&path, 1000, 2, BOTH).unwrap();
        let number = |bytes: &[u8]| codec::from_bytes::<Event>(bytes).unwrap().id.as_bytes()[0];
        let pending = |to: &Destination| {
            let records = state.pending(to, ALL).unwrap();
            records.iter().map(|record| number(&record.event)).collect::<Vec<_>>()
        };
        assert_eq!(pending(&SYSLOG), [4, 5, 7, 8, 9]);
        assert_eq!(pending(&SERVER), [1, 6, 7, 5, 9, 2]);
        assert!(state.take_set_aside().is_empty());
    }
}
