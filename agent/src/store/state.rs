//! `state.redb`: what must survive a crash and cannot be fetched again. One durable commit per login.
//!
//! A disk that takes nothing does not stop a login: outcomes are then settled in memory by the same
//! rules, their events go to syslog from there, and all is written as soon as the disk lets us.

use std::collections::{HashMap, VecDeque};
use std::path::Path;
use std::sync::{Mutex, MutexGuard, PoisonError};

use redb::{ReadTransaction, ReadableTable, WriteTransaction};
use wardkey_core::codec::{self, Document};
use wardkey_core::event::Event;
use wardkey_core::id::{EventId, Hash};
use wardkey_core::marks::{MAX_SEEN, Marks};
use wardkey_core::time::UnixTime;

use crate::error::AgentError;
use crate::log;
use crate::store::db::{Db, Rows};
use crate::store::directory::existing;
use crate::store::ledger::{self, Answer, Entry, Failures, Ledger, Settled, Subject};
use crate::store::spool::{self, Limits, Row, Spool};

const META: Rows = Rows::new("meta");
const COUNTERS: Rows = Rows::new("counters");
const FAILURES: Rows = Rows::new("failures");
const SETTLED: Rows = Rows::new("settled");
const SEEN: Rows = Rows::new("seen");

/// Memory of redb for the state, in bytes.
const CACHE: usize = 128 * 1024;
/// Events kept in memory while the disk takes nothing.
const MAX_MEMORY: usize = 1000;
/// Outcomes are remembered this long, in seconds: longer than a challenge lives and a module retries.
const REMEMBER: u64 = 24 * 3600;
/// Failures are forgotten after this many seconds without another.
const FORGET: u64 = 30 * 24 * 3600;

/// The state.
#[derive(Debug)]
pub struct State {
    db: Db,
    limits: Limits,
    memory: Mutex<Memory>,
}

/// What the disk did not take.
#[derive(Debug, Default)]
struct Memory {
    settled: HashMap<EventId, Settled>,
    counters: HashMap<Hash, u32>,
    failures: HashMap<Subject, Failures>,
    seen: HashMap<Hash, UnixTime>,
    events: VecDeque<(Event, bool)>,
    lost: u64,
}

impl Memory {
    fn is_empty(&self) -> bool {
        self.settled.is_empty()
            && self.failures.is_empty()
            && self.events.is_empty()
            && self.counters.is_empty()
            && self.lost == 0
    }

    fn push(&mut self, event: Event) {
        if self.events.len() >= MAX_MEMORY {
            self.events.pop_front();
            self.lost += 1;
        }
        self.events.push_back((event, false));
    }
}

impl State {
    /// Opens or creates the state.
    ///
    /// # Errors
    /// [`AgentError`] when it cannot be opened.
    pub fn open(path: &Path, events: u64, mib: u64) -> Result<Self, AgentError> {
        let reserve = mib.saturating_mul(1 << 20);
        Ok(Self {
            db: Db::open(path, CACHE, reserve)?,
            limits: Limits { events, bytes: reserve / 4 },
            memory: Mutex::default(),
        })
    }

    /// Files that were set aside since this was asked last.
    pub fn take_set_aside(&self) -> Vec<std::path::PathBuf> {
        self.db.take_set_aside()
    }

    /// Settles an outcome durably, or in memory when the disk takes nothing.
    ///
    /// # Errors
    /// [`AgentError`] never for a full or failing disk; only when the agent stops.
    pub fn settle(&self, entry: &Entry) -> Result<Answer, AgentError> {
        let mut memory = self.memory();
        let durable = self.flush(&mut memory).and_then(|()| {
            self.db.write(|transaction| ledger::settle(&mut TransactionLedger::open(transaction, self.limits)?, entry))
        });
        match durable {
            Ok(answer) => Ok(answer),
            Err(error) => {
                log::warning(format_args!("state cannot be written, kept in memory: {error}"));
                let read = self.db.begin_read().ok();
                ledger::settle(&mut MemoryLedger { memory: &mut memory, disk: read.as_ref() }, entry)
            }
        }
    }

    /// Appends events, durably or in memory.
    pub fn append(&self, events: Vec<Event>) {
        let mut memory = self.memory();
        let durable = self.flush(&mut memory).and_then(|()| {
            self.db.write(|transaction| {
                let mut spool = Spool::open(transaction, self.limits)?;
                events.iter().try_for_each(|event| spool.push(event, false))
            })
        });
        if let Err(error) = durable {
            log::warning(format_args!("state cannot be written, kept in memory: {error}"));
            events.into_iter().for_each(|event| memory.push(event));
        }
    }

    /// Writes what is in memory to the disk, if there is anything.
    ///
    /// # Errors
    /// [`AgentError`] when the disk still takes nothing.
    pub fn recover(&self) -> Result<(), AgentError> {
        self.flush(&mut self.memory())
    }

    /// Failures of a subject.
    ///
    /// # Errors
    /// [`AgentError`] when the store cannot be used.
    pub fn failures(&self, subject: &Subject) -> Result<Failures, AgentError> {
        let known = self.memory().failures.get(subject).copied();
        known.map_or_else(|| self.db.read(|transaction| read_failures(transaction, subject)), Ok)
    }

    /// Stores failures of a subject.
    ///
    /// # Errors
    /// [`AgentError`] when the store cannot be used.
    pub fn set_failures(&self, subject: &Subject, failures: Failures) -> Result<(), AgentError> {
        self.db.write(|transaction| TransactionLedger::open(transaction, self.limits)?.set_failures(subject, failures))
    }

    /// When a person last logged in here.
    ///
    /// # Errors
    /// [`AgentError`] when the store cannot be used.
    pub fn last_seen(&self, person: &Hash) -> Result<Option<UnixTime>, AgentError> {
        let known = self.memory().seen.get(person).copied();
        if known.is_some() {
            return Ok(known);
        }
        self.db.read(|transaction| {
            let Some(table) = existing(transaction.open_table(SEEN))? else { return Ok(None) };
            Ok(table.get(person.as_bytes().as_slice())?.map(|time| UnixTime(number(time.value()))))
        })
    }

    /// The marks; empty at first.
    ///
    /// # Errors
    /// [`AgentError`] when the store cannot be used.
    pub fn marks(&self) -> Result<Marks, AgentError> {
        self.value("marks")?.map_or_else(|| Ok(Marks::default()), |bytes| Ok(codec::from_bytes(&bytes)?))
    }

    /// Stores the marks.
    ///
    /// # Errors
    /// [`AgentError`] when the store cannot be used.
    pub fn set_marks(&self, marks: &Marks) -> Result<(), AgentError> {
        let bytes = codec::to_bytes(marks);
        debug_assert!(bytes.len() <= Marks::MAX_BYTES);
        self.set_value("marks", &bytes)
    }

    /// A value by name.
    ///
    /// # Errors
    /// [`AgentError`] when the store cannot be used.
    pub fn value(&self, name: &str) -> Result<Option<Vec<u8>>, AgentError> {
        self.db.read(|transaction| {
            let Some(table) = existing(transaction.open_table(META))? else { return Ok(None) };
            Ok(table.get(name.as_bytes())?.map(|value| value.value().to_vec()))
        })
    }

    /// Stores a value by name.
    ///
    /// # Errors
    /// [`AgentError`] when the store cannot be used.
    pub fn set_value(&self, name: &str, value: &[u8]) -> Result<(), AgentError> {
        self.db.write(|transaction| {
            transaction.open_table(META)?.insert(name.as_bytes(), value)?;
            Ok(())
        })
    }

    /// The next events for syslog: from memory when the disk takes nothing, else from the spool.
    /// `write` gets each line in turn; what it took is marked as written.
    ///
    /// # Errors
    /// [`AgentError`] when the store cannot be used or `write` failed; what was not written comes again.
    pub fn drain_to_syslog(
        &self,
        mut write: impl FnMut(&Event) -> Result<(), AgentError>,
    ) -> Result<usize, AgentError> {
        let mut done = 0;
        // Not under the lock: a system log that is slow must not hold up a login.
        let unwritten: Vec<Event> =
            self.memory().events.iter().filter(|(_, written)| !written).map(|(event, _)| event.clone()).collect();
        for event in unwritten {
            write(&event)?;
            self.memory()
                .events
                .iter_mut()
                .filter(|(other, _)| other.id == event.id)
                .for_each(|(_, written)| *written = true);
            done += 1;
        }
        loop {
            let (rows, last) = self.db.read(|transaction| spool::for_syslog(transaction, 64))?;
            let Some(mut last) = last else { return Ok(done) };
            let mut failed = None;
            for Row { seq, event } in rows {
                if let Err(error) = codec::from_bytes(&event).map_err(AgentError::from).and_then(|event| write(&event))
                {
                    failed = Some(error);
                    match seq.checked_sub(1) {
                        Some(before) => last = before,
                        None => return failed.map_or(Ok(done), Err),
                    }
                    break;
                }
                done += 1;
            }
            self.db.write(|transaction| Spool::open(transaction, self.limits)?.written_to(last))?;
            if let Some(error) = failed {
                return Err(error);
            }
        }
    }

    /// The next events for the server.
    ///
    /// # Errors
    /// [`AgentError`] when the store cannot be used.
    pub fn for_server(&self, max: usize, bytes: usize) -> Result<Vec<Row>, AgentError> {
        self.db.read(|transaction| spool::for_server(transaction, max, bytes))
    }

    /// The server has these events.
    ///
    /// # Errors
    /// [`AgentError`] when the store cannot be used.
    pub fn acknowledged(&self, seqs: &[u64]) -> Result<(), AgentError> {
        self.db.write(|transaction| Spool::open(transaction, self.limits)?.acknowledged(seqs))
    }

    /// Events that the server has not acknowledged.
    ///
    /// # Errors
    /// [`AgentError`] when the store cannot be used.
    pub fn waiting(&self) -> Result<u64, AgentError> {
        let in_memory = self.memory().events.len() as u64;
        Ok(self.db.read(spool::waiting)? + in_memory)
    }

    /// Records lost events as an event that `make` makes of their number; in one transaction.
    ///
    /// # Errors
    /// [`AgentError`] when the store cannot be used.
    pub fn record_lost(&self, make: impl FnOnce(u64) -> Event) -> Result<(), AgentError> {
        if self.db.read(spool::lost)? == 0 {
            return Ok(());
        }
        self.db.write(|transaction| {
            let mut spool = Spool::open(transaction, self.limits)?;
            let lost = spool.take_lost()?;
            spool.push(&make(lost), false)
        })
    }

    /// Forgets outcomes and failures that are too old to matter.
    ///
    /// # Errors
    /// [`AgentError`] when the store cannot be used.
    pub fn forget_old(&self, now: UnixTime) -> Result<(), AgentError> {
        self.db.write(|transaction| {
            transaction
                .open_table(SETTLED)?
                .retain(|_, value| now.since(settled_of(value).map_or(UnixTime(0), |known| known.time)) < REMEMBER)?;
            transaction.open_table(FAILURES)?.retain(|_, value| now.since(failures_of(Some(value)).last) < FORGET)?;
            Ok(())
        })
    }

    /// Closes the file.
    pub fn close(&self) {
        if let Err(error) = self.recover() {
            log::warning(format_args!("events in memory are lost: {error}"));
        }
        self.db.close();
    }

    fn memory(&self) -> MutexGuard<'_, Memory> {
        self.memory.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn flush(&self, memory: &mut Memory) -> Result<(), AgentError> {
        if memory.is_empty() {
            return Ok(());
        }
        self.db.write(|transaction| {
            let mut ledger = TransactionLedger::open(transaction, self.limits)?;
            memory.settled.iter().try_for_each(|(id, settled)| ledger.settle(id, *settled))?;
            memory.counters.iter().try_for_each(|(key, counter)| ledger.set_counter(key, *counter))?;
            memory.failures.iter().try_for_each(|(subject, failures)| ledger.set_failures(subject, *failures))?;
            memory.seen.iter().try_for_each(|(person, time)| ledger.seen(person, *time))?;
            memory.events.iter().try_for_each(|(event, written)| ledger.spool.push(event, *written))?;
            ledger.spool.add_lost(memory.lost)
        })?;
        *memory = Memory::default();
        Ok(())
    }
}

fn read_failures(transaction: &ReadTransaction, subject: &Subject) -> Result<Failures, AgentError> {
    let Some(table) = existing(transaction.open_table(FAILURES))? else { return Ok(Failures::default()) };
    Ok(failures_of(table.get(subject.0.as_slice())?.as_ref().map(|value| value.value())))
}

/// A number of up to eight bytes, big endian.
fn number(bytes: &[u8]) -> u64 {
    bytes.iter().take(8).fold(0, |number, byte| (number << 8) | u64::from(*byte))
}

/// Count (4 bytes) and time (8).
fn failures_of(value: Option<&[u8]>) -> Failures {
    let Some((count, last)) = value.and_then(|value| value.split_first_chunk::<4>()) else {
        return Failures::default();
    };
    Failures { count: u32::from_be_bytes(*count), last: UnixTime(number(last)) }
}

/// Digest (32 bytes), code (2), time (8).
fn settled_of(value: &[u8]) -> Option<Settled> {
    let (digest, rest) = value.split_first_chunk::<32>()?;
    let (code, time) = rest.split_first_chunk::<2>()?;
    Some(Settled { digest: Hash::new(*digest), code: u16::from_be_bytes(*code), time: UnixTime(number(time)) })
}

fn counter_of(value: &[u8]) -> u32 {
    u32::try_from(number(value)).unwrap_or(u32::MAX)
}

struct TransactionLedger<'t> {
    transaction: &'t WriteTransaction,
    spool: Spool<'t>,
}

impl<'t> TransactionLedger<'t> {
    fn open(transaction: &'t WriteTransaction, limits: Limits) -> Result<Self, AgentError> {
        Ok(Self { transaction, spool: Spool::open(transaction, limits)? })
    }
}

impl Ledger for TransactionLedger<'_> {
    fn settled(&self, id: &EventId) -> Result<Option<Settled>, AgentError> {
        Ok(self
            .transaction
            .open_table(SETTLED)?
            .get(id.as_bytes().as_slice())?
            .and_then(|value| settled_of(value.value())))
    }

    fn settle(&mut self, id: &EventId, settled: Settled) -> Result<(), AgentError> {
        let (code, time) = (settled.code.to_be_bytes(), settled.time.0.to_be_bytes());
        let value = [settled.digest.as_bytes().as_slice(), &code, &time].concat();
        self.transaction.open_table(SETTLED)?.insert(id.as_bytes().as_slice(), value.as_slice())?;
        Ok(())
    }

    fn counter(&self, key: &Hash) -> Result<Option<u32>, AgentError> {
        Ok(self
            .transaction
            .open_table(COUNTERS)?
            .get(key.as_bytes().as_slice())?
            .map(|value| counter_of(value.value())))
    }

    fn set_counter(&mut self, key: &Hash, counter: u32) -> Result<(), AgentError> {
        self.transaction.open_table(COUNTERS)?.insert(key.as_bytes().as_slice(), counter.to_be_bytes().as_slice())?;
        Ok(())
    }

    fn failures(&self, subject: &Subject) -> Result<Failures, AgentError> {
        Ok(failures_of(
            self.transaction.open_table(FAILURES)?.get(subject.0.as_slice())?.as_ref().map(|value| value.value()),
        ))
    }

    fn set_failures(&mut self, subject: &Subject, failures: Failures) -> Result<(), AgentError> {
        let mut table = self.transaction.open_table(FAILURES)?;
        if failures.count == 0 {
            table.remove(subject.0.as_slice())?;
        } else {
            let value = [&failures.count.to_be_bytes()[..], &failures.last.0.to_be_bytes()].concat();
            table.insert(subject.0.as_slice(), value.as_slice())?;
        }
        Ok(())
    }

    fn seen(&mut self, person: &Hash, now: UnixTime) -> Result<(), AgentError> {
        use redb::ReadableTableMetadata;
        let mut table = self.transaction.open_table(SEEN)?;
        table.insert(person.as_bytes().as_slice(), now.0.to_be_bytes().as_slice())?;
        if table.len()? > MAX_SEEN as u64 {
            let oldest = table
                .iter()?
                .filter_map(Result::ok)
                .map(|(key, time)| (number(time.value()), key.value().to_vec()))
                .min();
            if let Some((_, key)) = oldest {
                table.remove(key.as_slice())?;
            }
        }
        Ok(())
    }

    fn push(&mut self, event: &Event) -> Result<(), AgentError> {
        self.spool.push(event, false)
    }
}

struct MemoryLedger<'a> {
    memory: &'a mut Memory,
    /// What the disk still shows, if it can be read.
    disk: Option<&'a ReadTransaction>,
}

impl MemoryLedger<'_> {
    fn on_disk<T>(&self, read: impl FnOnce(&ReadTransaction) -> Result<Option<T>, AgentError>) -> Option<T> {
        self.disk.and_then(|disk| read(disk).ok().flatten())
    }
}

impl Ledger for MemoryLedger<'_> {
    fn settled(&self, id: &EventId) -> Result<Option<Settled>, AgentError> {
        Ok(self.memory.settled.get(id).copied().or_else(|| {
            self.on_disk(|disk| {
                let Some(table) = existing(disk.open_table(SETTLED))? else { return Ok(None) };
                Ok(table.get(id.as_bytes().as_slice())?.and_then(|value| settled_of(value.value())))
            })
        }))
    }

    fn settle(&mut self, id: &EventId, settled: Settled) -> Result<(), AgentError> {
        self.memory.settled.insert(*id, settled);
        Ok(())
    }

    fn counter(&self, key: &Hash) -> Result<Option<u32>, AgentError> {
        Ok(self.memory.counters.get(key).copied().or_else(|| {
            self.on_disk(|disk| {
                let Some(table) = existing(disk.open_table(COUNTERS))? else { return Ok(None) };
                Ok(table.get(key.as_bytes().as_slice())?.map(|value| counter_of(value.value())))
            })
        }))
    }

    fn set_counter(&mut self, key: &Hash, counter: u32) -> Result<(), AgentError> {
        self.memory.counters.insert(*key, counter);
        Ok(())
    }

    fn failures(&self, subject: &Subject) -> Result<Failures, AgentError> {
        let known = self.memory.failures.get(subject).copied();
        Ok(known.or_else(|| self.on_disk(|disk| read_failures(disk, subject).map(Some))).unwrap_or_default())
    }

    fn set_failures(&mut self, subject: &Subject, failures: Failures) -> Result<(), AgentError> {
        self.memory.failures.insert(subject.clone(), failures);
        Ok(())
    }

    fn seen(&mut self, person: &Hash, now: UnixTime) -> Result<(), AgentError> {
        self.memory.seen.insert(*person, now);
        Ok(())
    }

    fn push(&mut self, event: &Event) -> Result<(), AgentError> {
        self.memory.push(event.clone());
        Ok(())
    }
}
