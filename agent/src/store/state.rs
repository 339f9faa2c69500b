//! `state.redb`: what must survive a crash and cannot be fetched again. One durable commit per
//! login.
//!
//! A disk that takes nothing does not stop a login: outcomes are then settled in memory by the same
//! rules, their events go to the destinations from there, and all is written as soon as the disk
//! lets us.
//!
//! Errors of this module are [`AgentError`]: the store cannot be used.

use std::collections::HashSet;
use std::path::Path;
use std::sync::{Mutex, MutexGuard};

use redb::WriteTransaction;
use wardkey_core::codec::{self, Document};
use wardkey_core::event::Event;
use wardkey_core::id::Hash;
use wardkey_core::marks::Marks;
use wardkey_core::time::UnixTime;
pub use wardkey_sinks::way::{At, Record};

use crate::error::AgentError;
use crate::lock::lock;
use crate::log;
use crate::random::random;
use crate::store::db::{Db, Rows};
use crate::store::ledger::{self, Answer, Entry, Failures, Ledger, Subject};
use crate::store::listed::Listed;
use crate::store::memory::{Memory, MemoryLedger};
use crate::store::on_disk::{
    FAILURES, SEEN, SETTLED, TransactionLedger, failures_of, number, read_failures, settled_of,
};
use crate::store::rows::existing;
use crate::store::spool::cursor::{Destination, Order};
use crate::store::spool::read::{self, Most};
use crate::store::spool::{Limits, Lost, Spool};

const META: Rows = Rows::new("meta");
/// Memory of redb for the state, in bytes.
const CACHE: usize = 128 * 1024;
/// Outcomes are remembered this long, in seconds: longer than a challenge lives and a module
/// retries.
const REMEMBER: u64 = 24 * 3600;
/// Failures are forgotten after this many seconds without another.
const FORGET: u64 = 30 * 24 * 3600;

/// Where an outcome is kept: a power cut takes what is in memory.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Durability {
    /// On disk.
    Durable,
    /// In memory, until the disk takes it.
    InMemory,
}

/// The state.
#[derive(Debug)]
pub struct State {
    pub(super) db: Db,
    limits: Limits,
    listed: Listed,
    memory: Mutex<Memory>,
}

impl State {
    /// Opens or creates the state; its spool holds `events` records for these destinations.
    ///
    /// # Errors
    /// [`AgentError`] when it cannot be opened.
    pub fn open(
        path: &Path,
        events: u64,
        mib: u64,
        destinations: &'static [Destination],
    ) -> Result<Self, AgentError> {
        let reserve = mib.saturating_mul(1 << 20);
        let state = Self {
            db: Db::open(path, CACHE, reserve)?,
            limits: Limits { events, bytes: reserve / 4 },
            listed: Listed::new(destinations),
            memory: Mutex::default(),
        };
        if let Err(error) = state.bring_up_to_date() {
            log::warning(format_args!("spool waits to be brought up to date: {error}"));
        }
        Ok(state)
    }

    /// Files that were set aside since this was asked last.
    pub fn take_set_aside(&self) -> Vec<std::path::PathBuf> {
        self.db.take_set_aside()
    }

    /// Settles an outcome durably, or in memory when the disk takes nothing; says which, and so
    /// does the record.
    ///
    /// # Errors
    /// [`AgentError`] never for a full or failing disk; only when the agent stops.
    pub fn settle(&self, entry: &Entry) -> Result<(Answer, Durability), AgentError> {
        let mut memory = self.memory();
        let durable = self.flush(&mut memory).and_then(|()| {
            self.db.write(|transaction| ledger::settle(&mut self.ledger(transaction)?, entry))
        });
        match durable {
            Ok(answer) => Ok((answer, Durability::Durable)),
            Err(error) => {
                log::warning(format_args!("state cannot be written, kept in memory: {error}"));
                let read = self.db.begin_read().ok();
                let answer = ledger::settle(
                    &mut MemoryLedger { memory: &mut memory, disk: read.as_ref() },
                    entry,
                )?;
                Ok((answer, Durability::InMemory))
            }
        }
    }

    /// Appends events, durably or in memory.
    pub fn append(&self, events: Vec<Event>) {
        let mut memory = self.memory();
        let durable = self.flush(&mut memory).and_then(|()| {
            self.db.write(|transaction| {
                let mut spool = self.spool(transaction)?;
                events.iter().try_for_each(|event| spool.push(event, &[]))
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

    /// Records that are in memory only; `None` when the disk has everything.
    pub fn in_memory(&self) -> Option<u64> {
        let memory = self.memory();
        (!memory.is_empty()).then_some(memory.events.len() as u64)
    }

    /// Failures of a subject.
    pub fn failures(&self, subject: &Subject) -> Result<Failures, AgentError> {
        let known = self.memory().failures.get(subject).copied();
        known.map_or_else(|| self.db.read(|transaction| read_failures(transaction, subject)), Ok)
    }

    /// Stores failures of a subject, durably or in memory.
    pub fn set_failures(&self, subject: &Subject, failures: Failures) {
        let mut memory = self.memory();
        let durable = self.flush(&mut memory).and_then(|()| {
            self.db.write(|transaction| self.ledger(transaction)?.set_failures(subject, failures))
        });
        if let Err(error) = durable {
            log::warning(format_args!("state cannot be written, kept in memory: {error}"));
            memory.failures.insert(subject.clone(), failures);
        }
    }

    /// When a person last logged in here.
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

    /// Everybody who logged in here.
    pub fn seen_people(&self) -> Result<HashSet<Hash>, AgentError> {
        let mut seen: HashSet<Hash> = self.memory().seen.keys().copied().collect();
        self.db.read(|transaction| {
            if let Some(table) = existing(transaction.open_table(SEEN))? {
                for row in table.range::<&[u8]>(..)? {
                    seen.insert(Hash::from_slice(row?.0.value())?);
                }
            }
            Ok(())
        })?;
        Ok(seen)
    }

    /// The marks; empty at first.
    pub fn marks(&self) -> Result<Marks, AgentError> {
        self.value("marks")?
            .map_or_else(|| Ok(Marks::default()), |bytes| Ok(codec::from_bytes(&bytes)?))
    }

    /// Stores the marks.
    pub fn set_marks(&self, marks: &Marks) -> Result<(), AgentError> {
        let bytes = codec::to_bytes(marks);
        debug_assert!(bytes.len() <= Marks::MAX_BYTES);
        self.set_value("marks", &bytes)
    }

    /// A value by name.
    pub fn value(&self, name: &str) -> Result<Option<Vec<u8>>, AgentError> {
        self.db.read(|transaction| {
            let Some(table) = existing(transaction.open_table(META))? else { return Ok(None) };
            Ok(table.get(name.as_bytes())?.map(|value| value.value().to_vec()))
        })
    }

    /// A secret by name, made when it is asked for first.
    ///
    /// # Errors
    /// [`AgentError`] when the store cannot be used, or the kernel has no randomness.
    pub fn secret(&self, name: &str) -> Result<[u8; 32], AgentError> {
        if let Some(known) = self.value(name)?.and_then(|bytes| bytes.try_into().ok()) {
            return Ok(known);
        }
        let fresh = random()?;
        self.set_value(name, &fresh)?;
        Ok(fresh)
    }

    /// Stores a value by name.
    pub fn set_value(&self, name: &str, value: &[u8]) -> Result<(), AgentError> {
        self.db.write(|transaction| {
            transaction.open_table(META)?.insert(name.as_bytes(), value)?;
            Ok(())
        })
    }

    /// The next records for a destination: from memory while the disk takes nothing, else from the
    /// spool.
    pub fn pending(&self, to: &Destination, most: Most) -> Result<Vec<Record>, AgentError> {
        let in_memory = self.pending_in_memory(to, most);
        if !in_memory.is_empty() {
            return Ok(in_memory);
        }
        let rows = self.db.read(|transaction| read::pending(transaction, to, most))?;
        Ok(rows.into_iter().map(|row| Record::own(At::Disk(row.seq), row.event)).collect())
    }

    fn pending_in_memory(&self, to: &Destination, most: Most) -> Vec<Record> {
        let mut bytes = 0_usize;
        let memory = self.memory();
        let records = memory
            .pending(to)
            .map(|event| Record::own(At::Memory(event.id), codec::to_bytes(event)))
            .enumerate()
            .take_while(|(number, record)| {
                bytes = bytes.saturating_add(record.event.len());
                *number < most.events && (*number == 0 || bytes <= most.bytes)
            });
        records.map(|(_, record)| record).collect()
    }

    /// Records that a destination lacks.
    pub fn waiting(&self, to: &Destination) -> Result<u64, AgentError> {
        let in_memory = self.memory().pending(to).count() as u64;
        Ok(self.db.read(|transaction| read::waiting(transaction, to))? + in_memory)
    }

    /// When the oldest record happened that a destination lacks.
    pub fn oldest(&self, to: &Destination) -> Option<UnixTime> {
        let in_order = Destination { order: Order::Arrival, ..*to };
        let one = Most { events: 1, bytes: usize::MAX };
        let on_disk =
            self.db.read(|transaction| read::pending(transaction, &in_order, one)).ok()?;
        let oldest =
            on_disk.into_iter().next().map(|row| row.event).or_else(|| {
                self.pending_in_memory(&in_order, one).pop().map(|record| record.event)
            })?;
        codec::from_bytes::<Event>(&oldest).ok().map(|event| event.time)
    }

    /// Records lost events as an event that `make` makes of their number; in one transaction.
    pub fn record_lost(&self, make: impl FnOnce(&Lost) -> Event) -> Result<(), AgentError> {
        if self.db.read(read::lost)? == 0 {
            return Ok(());
        }
        self.db.write(|transaction| {
            let mut spool = self.spool(transaction)?;
            let lost = spool.take_lost()?;
            spool.push(&make(&lost), &[])
        })
    }

    /// Forgets outcomes and failures that are too old to matter.
    pub fn forget_old(&self, now: UnixTime) -> Result<(), AgentError> {
        self.db.write(|transaction| {
            transaction.open_table(SETTLED)?.retain(|_, value| {
                now.since(settled_of(value).map_or(UnixTime(0), |known| known.time)) < REMEMBER
            })?;
            transaction
                .open_table(FAILURES)?
                .retain(|_, value| now.since(failures_of(Some(value)).last) < FORGET)?;
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
        lock(&self.memory)
    }

    fn spool<'t>(&self, transaction: &'t WriteTransaction) -> Result<Spool<'t>, AgentError> {
        Spool::open(transaction, self.limits, self.destinations())
    }

    fn ledger<'t>(
        &self,
        transaction: &'t WriteTransaction,
    ) -> Result<TransactionLedger<'t>, AgentError> {
        TransactionLedger::open(transaction, self.limits, self.destinations())
    }

    fn flush(&self, memory: &mut Memory) -> Result<(), AgentError> {
        self.bring_up_to_date()?;
        if memory.is_empty() {
            return Ok(());
        }
        self.db.write(|transaction| memory.write_to(&mut self.ledger(transaction)?))?;
        *memory = Memory::default();
        Ok(())
    }
}

mod destinations;
#[cfg(test)]
mod tests;
