//! The ledger in memory, used while the disk cannot be written.

use std::collections::{HashMap, VecDeque};

use redb::ReadTransaction;
use wardkey_core::event::Event;
use wardkey_core::id::{EventId, Hash};
use wardkey_core::time::UnixTime;

use crate::error::AgentError;
use crate::store::ledger::{Failures, Ledger, Settled, Subject};
use crate::store::on_disk::{
    COUNTERS, SETTLED, TransactionLedger, counter_of, read_failures, settled_of,
};
use crate::store::rows::existing;
use crate::store::spool::class::Class;
use crate::store::spool::cursor::Destination;

/// Marks a record that is in memory only. A power cut loses it unless it has reached a destination.
pub(crate) const IN_MEMORY: &str = "kept in memory only";
/// The most events in memory.
const MAX_MEMORY: usize = 1000;

/// Everything that could not be written yet.
#[derive(Debug, Default)]
pub(crate) struct Memory {
    pub(crate) settled: HashMap<EventId, Settled>,
    counters: HashMap<Hash, u32>,
    pub(crate) failures: HashMap<Subject, Failures>,
    pub(crate) seen: HashMap<Hash, UnixTime>,
    pub(crate) events: VecDeque<Waiting>,
    lost: u64,
}

/// A record that is in memory only.
#[derive(Debug)]
pub(crate) struct Waiting {
    pub(crate) event: Event,
    /// Names of the destinations that have it already.
    pub(crate) arrived: Vec<&'static str>,
}

impl Memory {
    /// Whether the disk has everything.
    pub(crate) fn is_empty(&self) -> bool {
        self.settled.is_empty()
            && self.failures.is_empty()
            && self.events.is_empty()
            && self.counters.is_empty()
            && self.lost == 0
    }

    /// Keeps an event and marks it; the oldest gives way when there are too many.
    pub(crate) fn push(&mut self, mut event: Event) {
        if self.events.len() >= MAX_MEMORY {
            self.events.pop_front();
            self.lost += 1;
        }
        event.detail = Some(match event.detail.take() {
            Some(detail) => format!("{detail}, {IN_MEMORY}"),
            None => IN_MEMORY.to_owned(),
        });
        self.events.push_back(Waiting { event, arrived: Vec::new() });
    }

    /// The records that a destination lacks.
    pub(crate) fn pending(&self, to: &Destination) -> impl Iterator<Item = &Event> {
        let lacks = |one: &&Waiting| {
            !one.arrived.contains(&to.name) && (to.gets_states || !Class::is_of_state(&one.event))
        };
        self.events.iter().filter(lacks).map(|one| &one.event)
    }

    /// Notes that a record has arrived at a destination.
    pub(crate) fn delivered(&mut self, to: &Destination, id: &EventId) {
        for one in self.events.iter_mut().filter(|one| one.event.id == *id) {
            if !one.arrived.contains(&to.name) {
                one.arrived.push(to.name);
            }
        }
    }

    /// Notes that a destination never gets a record.
    pub(crate) fn gave_up(&mut self, to: &Destination, id: &EventId) {
        self.delivered(to, id);
        self.lost += 1;
    }

    /// Writes all of it to the disk.
    pub(crate) fn write_to(&self, ledger: &mut TransactionLedger<'_>) -> Result<(), AgentError> {
        self.settled.iter().try_for_each(|(id, settled)| ledger.settle(id, *settled))?;
        self.counters.iter().try_for_each(|(key, counter)| ledger.set_counter(key, *counter))?;
        self.failures
            .iter()
            .try_for_each(|(subject, failures)| ledger.set_failures(subject, *failures))?;
        self.seen.iter().try_for_each(|(person, time)| ledger.seen(person, *time))?;
        self.events.iter().try_for_each(|one| ledger.spool.push(&one.event, &one.arrived))?;
        ledger.spool.add_lost(self.lost)
    }
}

/// The ledger in memory on top of what can still be read from the disk.
pub(crate) struct MemoryLedger<'a> {
    /// Everything that could not be written yet.
    pub(crate) memory: &'a mut Memory,
    /// The disk, if it can be read.
    pub(crate) disk: Option<&'a ReadTransaction>,
}

impl MemoryLedger<'_> {
    fn on_disk<T>(
        &self,
        read: impl FnOnce(&ReadTransaction) -> Result<Option<T>, AgentError>,
    ) -> Option<T> {
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
        Ok(known
            .or_else(|| self.on_disk(|disk| read_failures(disk, subject).map(Some)))
            .unwrap_or_default())
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
