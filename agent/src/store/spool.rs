//! The spool: records on their way to every destination, bounded.
//!
//! ```text
//!   events   seq -> class, event           lanes  class, seq   (the oldest of each class)
//!   cursors  destination -> positions      ahead  destination, seq   (arrived out of order)
//!   spare    class, seq   (what only those lack that give way)
//!   tally    next seq, bytes, lost, lost of each destination, names of the destinations
//! ```
//! Each destination has a cursor of its own, so that one that is down delays no other. A record
//! leaves when every destination has it, or gives way: first what waits for collectors only, then
//! the oldest of the least important class. What was lost is counted, for each destination that
//! lacked it, and recorded.
//!
//! Errors of this module are [`AgentError`]: the store cannot be used, nothing was changed.

pub mod class;
pub mod cursor;
pub mod forget;
pub mod migrate;
pub mod read;
mod tables;
#[cfg(test)]
mod tests;

use std::collections::BTreeSet;

use redb::{ReadableTable, ReadableTableMetadata, Table, WriteTransaction};
use wardkey_core::codec;
use wardkey_core::event::Event;

use crate::error::AgentError;
use class::Class;
use cursor::{AHEAD, CURSORS, Cursor, Destination, ahead_key, forget_ahead, is_ahead};
use tables::{EVENTS, LANES, SPARE, TALLY, lane, lane_key, lane_parts, number_of};

/// How much the spool may hold.
#[derive(Clone, Copy, Debug)]
pub struct Limits {
    /// Records.
    pub events: u64,
    /// Bytes of records.
    pub bytes: u64,
}

/// What was lost.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Lost {
    /// Records.
    pub count: u64,
    /// How many of them each destination lacked.
    pub of: Vec<(&'static str, u64)>,
}

/// A destination, and how far it has come.
type Place = (&'static Destination, Cursor);

fn lost_key(name: &str) -> String {
    format!("lost {name}")
}

type OneTable<'t> = Table<'t, &'static [u8], &'static [u8]>;

/// The spool within a transaction that writes.
pub struct Spool<'t> {
    transaction: &'t WriteTransaction,
    events: OneTable<'t>,
    lanes: OneTable<'t>,
    spare: OneTable<'t>,
    tally: OneTable<'t>,
    limits: Limits,
    destinations: &'static [Destination],
}

impl<'t> Spool<'t> {
    /// Opens the spool, for these destinations.
    pub fn open(
        transaction: &'t WriteTransaction,
        limits: Limits,
        destinations: &'static [Destination],
    ) -> Result<Self, AgentError> {
        Ok(Self {
            transaction,
            events: transaction.open_table(EVENTS)?,
            lanes: transaction.open_table(LANES)?,
            spare: transaction.open_table(SPARE)?,
            tally: transaction.open_table(TALLY)?,
            limits,
            destinations,
        })
    }

    /// Appends an event, which some destinations may have already, and some do not get; others give
    /// way when there are too many.
    pub fn push(&mut self, event: &Event, arrived: &[&'static str]) -> Result<(), AgentError> {
        let class = Class::of(event);
        let is_of_state = Class::is_of_state(event);
        let gets = |to: &&Destination| to.gets_states || !is_of_state;
        let passed_over = self.destinations.iter().filter(|to| !gets(to)).map(|to| to.name);
        let arrived: Vec<_> = arrived.iter().copied().chain(passed_over).collect();
        let seq = self.get("next")?;
        self.set("next", seq + 1)?;

        let value = [&[class as u8][..], &codec::to_bytes(event)].concat();
        self.events.insert(seq.to_be_bytes().as_slice(), value.as_slice())?;
        self.lanes.insert(lane_key(class, seq).as_slice(), &[][..])?;
        self.set("bytes", self.get("bytes")? + value.len() as u64)?;
        if !arrived.is_empty() {
            let mut ahead = self.transaction.open_table(AHEAD)?;
            for name in &arrived {
                ahead.insert(ahead_key(name, seq).as_slice(), &[][..])?;
            }
        }
        if self.destinations.iter().all(|to| to.gives_way || arrived.contains(&to.name)) {
            self.spare.insert(lane_key(class, seq).as_slice(), &[][..])?;
        }

        if self.is_too_full()? {
            self.sweep_a_step()?;
        }
        while self.is_too_full()? {
            if !self.give_way()? {
                break;
            }
        }
        Ok(())
    }

    fn is_too_full(&self) -> Result<bool, AgentError> {
        Ok(self.events.len()? > self.limits.events || self.get("bytes")? > self.limits.bytes)
    }

    /// Notes that a destination never gets some records: as if they had arrived, but counted as
    /// lost.
    pub fn gave_up(&mut self, to: &Destination, seqs: &[u64]) -> Result<(), AgentError> {
        let count = seqs.len() as u64;
        self.add_lost_of(to.name, count)?;
        self.add_lost(count)?;
        self.delivered(to, seqs)
    }

    /// Notes that records have arrived at a destination, in whatever order.
    pub fn delivered(&mut self, to: &Destination, seqs: &[u64]) -> Result<(), AgentError> {
        let mut arrived: BTreeSet<u64> = seqs.iter().copied().collect();
        let mut done = Vec::new();
        {
            let mut cursors = self.transaction.open_table(CURSORS)?;
            let mut ahead = self.transaction.open_table(AHEAD)?;
            let mut cursor = Cursor::read(&cursors, to.name)?;

            for class in Class::URGENCY {
                // Past everything, unless something is still missing.
                let mut position = self.get("next")?;
                for entry in
                    self.lanes.range::<&[u8]>(lane(class, cursor.position(class)).bounds())?
                {
                    let Some((_, seq)) = lane_parts(entry?.0.value()) else { continue };
                    let was_ahead = ahead.remove(ahead_key(to.name, seq).as_slice())?.is_some();
                    if !arrived.remove(&seq) && !was_ahead {
                        position = seq;
                        break;
                    }
                    done.push((class, seq));
                }
                cursor.advance(class, position);
            }
            cursor.write(&mut cursors, to.name)?;

            for seq in arrived {
                let Some(class) = self.class_of(seq)? else { continue };
                if seq >= cursor.position(class) {
                    ahead.insert(ahead_key(to.name, seq).as_slice(), &[][..])?;
                    done.push((class, seq));
                }
            }
        }
        self.remove_delivered(&done)
    }

    /// Counts the bytes anew.
    fn measure(&mut self) -> Result<(), AgentError> {
        let mut bytes = 0;
        for entry in self.events.iter()? {
            bytes += entry?.1.value().len() as u64;
        }
        self.set("bytes", bytes)
    }

    /// What was lost since this was asked last.
    pub fn take_lost(&mut self) -> Result<Lost, AgentError> {
        let count = self.get("lost")?;
        if count > 0 {
            self.set("lost", 0)?;
        }
        let mut of = Vec::new();
        for destination in self.destinations {
            let key = lost_key(destination.name);
            let count = self.get(&key)?;
            if count > 0 {
                self.set(&key, 0)?;
                of.push((destination.name, count));
            }
        }
        Ok(Lost { count, of })
    }

    /// Counts records that were lost elsewhere.
    pub fn add_lost(&mut self, count: u64) -> Result<(), AgentError> {
        if count == 0 {
            return Ok(());
        }
        self.set("lost", self.get("lost")? + count)
    }

    /// Removes those of the records that every destination has, and notes those that only such lack
    /// that give way.
    fn remove_delivered(&mut self, records: &[(Class, u64)]) -> Result<(), AgentError> {
        let places = self.places()?;
        let mut everywhere = Vec::new();
        for (class, seq) in records {
            let lacking = self.lacking(&places, *class, *seq)?;
            if lacking.is_empty() {
                everywhere.push((*class, *seq));
            } else if lacking.iter().all(|to| to.gives_way) {
                self.spare.insert(lane_key(*class, *seq).as_slice(), &[][..])?;
            }
        }
        everywhere.into_iter().try_for_each(|(class, seq)| self.remove(class, seq))
    }

    /// Where every destination stands.
    fn places(&self) -> Result<Vec<Place>, AgentError> {
        let cursors = self.transaction.open_table(CURSORS)?;
        let place = |to: &'static Destination| Ok((to, Cursor::read(&cursors, to.name)?));
        self.destinations.iter().map(place).collect()
    }

    /// The destinations that lack a record.
    fn lacking(
        &self,
        places: &[Place],
        class: Class,
        seq: u64,
    ) -> Result<Vec<&'static Destination>, AgentError> {
        let ahead = self.transaction.open_table(AHEAD)?;
        let mut lacking = Vec::new();
        for (to, cursor) in places {
            if seq >= cursor.position(class) && !is_ahead(&ahead, to.name, seq)? {
                lacking.push(*to);
            }
        }
        Ok(lacking)
    }

    /// Gives up a record; `false` when there is none. What only collectors lack goes first: one
    /// that is down must not cost the server or the system log a record.
    fn give_way(&mut self) -> Result<bool, AgentError> {
        let places = self.places()?;
        let Some((class, seq)) = self.least()? else { return Ok(false) };
        let lacking = self.lacking(&places, class, seq)?;
        for to in &lacking {
            self.add_lost_of(to.name, 1)?;
        }
        self.remove(class, seq)?;
        // Nothing is lost that everybody has.
        self.add_lost(u64::from(!lacking.is_empty()))?;
        Ok(true)
    }

    /// Counts records that a destination does not get, though they are not lost elsewhere.
    fn add_lost_of(&mut self, name: &str, count: u64) -> Result<(), AgentError> {
        let key = lost_key(name);
        self.set(&key, self.get(&key)? + count)
    }

    /// The record that matters least: the oldest of the least important class of those that only
    /// collectors lack, else of all.
    fn least(&mut self) -> Result<Option<(Class, u64)>, AgentError> {
        let mut of_all = None;
        for class in Class::GIVING_WAY {
            if let Some(seq) = self.first_spare(class)? {
                return Ok(Some((class, seq)));
            }
            if of_all.is_none() {
                of_all = self.first_from(class, 0)?.map(|seq| (class, seq));
            }
        }
        Ok(of_all)
    }

    /// The oldest record of a class that only collectors lack.
    fn first_spare(&mut self, class: Class) -> Result<Option<u64>, AgentError> {
        loop {
            let first = self.spare.range::<&[u8]>(lane(class, 0).bounds())?.next().transpose()?;
            let first = first.and_then(|(key, _)| lane_parts(key.value()));
            let Some((_, seq)) = first else { return Ok(None) };
            let key = lane_key(class, seq);
            if self.lanes.get(key.as_slice())?.is_some() {
                return Ok(Some(seq));
            }
            // Removed by an older version, which does not know this table.
            self.spare.remove(key.as_slice())?;
        }
    }

    /// The oldest record of a class, from a number on.
    fn first_from(&self, class: Class, from: u64) -> Result<Option<u64>, AgentError> {
        let first = self.lanes.range::<&[u8]>(lane(class, from).bounds())?.next().transpose()?;
        Ok(first.and_then(|(key, _)| lane_parts(key.value())).map(|(_, seq)| seq))
    }

    fn remove(&mut self, class: Class, seq: u64) -> Result<(), AgentError> {
        self.lanes.remove(lane_key(class, seq).as_slice())?;
        self.spare.remove(lane_key(class, seq).as_slice())?;
        let length = self
            .events
            .remove(seq.to_be_bytes().as_slice())?
            .map_or(0, |row| row.value().len() as u64);
        let bytes = self.get("bytes")?.saturating_sub(length);
        self.set("bytes", bytes)?;
        forget_ahead(&mut self.transaction.open_table(AHEAD)?, self.destinations, seq)
    }

    fn class_of(&self, seq: u64) -> Result<Option<Class>, AgentError> {
        let row = self.events.get(seq.to_be_bytes().as_slice())?;
        Ok(row.and_then(|row| row.value().first().copied()).map(Class::from_number))
    }

    fn get(&self, name: &str) -> Result<u64, AgentError> {
        Ok(self.tally.get(name.as_bytes())?.map_or(0, |value| number_of(value.value())))
    }

    fn set(&mut self, name: &str, value: u64) -> Result<(), AgentError> {
        self.tally.insert(name.as_bytes(), value.to_be_bytes().as_slice())?;
        Ok(())
    }
}
