//! `state.redb`: what must survive a crash and cannot be fetched again. One durable commit per login.
//!
//! A disk that takes nothing does not stop a login: outcomes are then settled in memory by the same
//! rules, their events go to syslog from there, and all is written as soon as the disk lets us.

use std::collections::HashSet;
use std::path::Path;
use std::sync::{Mutex, MutexGuard, PoisonError};

use wardkey_core::codec::{self, Document};
use wardkey_core::event::Event;
use wardkey_core::id::Hash;
use wardkey_core::marks::Marks;
use wardkey_core::time::UnixTime;

use crate::error::AgentError;
use crate::log;
use crate::store::db::{Db, Rows};
use crate::store::ledger::{self, Answer, Entry, Failures, Ledger, Subject};
use crate::store::memory::{Memory, MemoryLedger};
use crate::store::on_disk::{
    FAILURES, SEEN, SETTLED, TransactionLedger, failures_of, number, read_failures, settled_of,
};
use crate::store::rows::existing;
use crate::store::spool::{self, Limits, Row, Spool};

const META: Rows = Rows::new("meta");
/// Memory of redb for the state, in bytes.
const CACHE: usize = 128 * 1024;
/// Outcomes are remembered this long, in seconds: longer than a challenge lives and a module retries.
const REMEMBER: u64 = 24 * 3600;
/// Failures are forgotten after this many seconds without another.
const FORGET: u64 = 30 * 24 * 3600;

/// Where an outcome is kept: a power cut takes what is in memory.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kept {
    /// On disk.
    Durably,
    /// In memory, until the disk takes it.
    InMemory,
}

/// The state.
#[derive(Debug)]
pub struct State {
    db: Db,
    limits: Limits,
    memory: Mutex<Memory>,
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

    /// Settles an outcome durably, or in memory when the disk takes nothing; says which, and so does the record.
    ///
    /// # Errors
    /// [`AgentError`] never for a full or failing disk; only when the agent stops.
    pub fn settle(&self, entry: &Entry) -> Result<(Answer, Kept), AgentError> {
        let mut memory = self.memory();
        let durable = self.flush(&mut memory).and_then(|()| {
            self.db.write(|transaction| ledger::settle(&mut TransactionLedger::open(transaction, self.limits)?, entry))
        });
        match durable {
            Ok(answer) => Ok((answer, Kept::Durably)),
            Err(error) => {
                log::warning(format_args!("state cannot be written, kept in memory: {error}"));
                let read = self.db.begin_read().ok();
                let answer = ledger::settle(&mut MemoryLedger { memory: &mut memory, disk: read.as_ref() }, entry)?;
                Ok((answer, Kept::InMemory))
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

    /// Records that are in memory only; `None` when the disk has everything.
    pub fn in_memory(&self) -> Option<u64> {
        let memory = self.memory();
        (!memory.is_empty()).then_some(memory.events.len() as u64)
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

    /// Everybody who logged in here.
    ///
    /// # Errors
    /// [`AgentError`] when the store cannot be used.
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
        self.db.write(|transaction| memory.write_to(&mut TransactionLedger::open(transaction, self.limits)?))?;
        *memory = Memory::default();
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use wardkey_core::event::{EventName, Outcome};
    use wardkey_core::id::EventId;

    use super::*;

    fn entry(id: u8) -> Entry {
        Entry {
            event: Event::new(EventId::new([id; 16]), UnixTime(1_000), EventName::Login, Outcome::Failure),
            digest: Hash::new([id; 32]),
            refuse: None,
            counter: None,
            subjects: vec![Subject(vec![1])],
            counts: true,
            seen: None,
            lockouts: Vec::new(),
            spare: [EventId::new([90 + id; 16]), EventId::new([190 + id; 16])],
            attempt: None,
        }
    }

    #[test]
    fn what_the_disk_does_not_take_says_so_in_answer_and_record() {
        let folder = tempfile::tempdir().unwrap();
        let state = State::open(&folder.path().join("state.redb"), 100, 2).unwrap();
        let details = |state: &State| {
            let mut details = Vec::new();
            state
                .drain_to_syslog(|event| {
                    details.push(event.detail.clone());
                    Ok(())
                })
                .unwrap_or_default();
            details
        };
        assert_eq!(state.settle(&entry(1)).unwrap(), (Answer::Recorded(EventId::new([1; 16])), Kept::Durably));
        assert_eq!((state.in_memory(), details(&state)), (None, vec![None]));

        // A disk that takes nothing more.
        state.close();
        for _ in 0..2 {
            assert_eq!(state.settle(&entry(2)).unwrap(), (Answer::Recorded(EventId::new([2; 16])), Kept::InMemory));
        }
        state.append(vec![entry(3).event]);
        assert_eq!(state.in_memory(), Some(2));
        let said = Some(crate::store::memory::IN_MEMORY.to_owned());
        assert_eq!(details(&state), [said.clone(), said]);
    }
}
