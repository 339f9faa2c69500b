//! The spool: events on their way to syslog and to the server, bounded.
//!
//! ```text
//!   spool  seq -> class, flags, event      queue  class, seq      (not yet acknowledged by the server)
//!   tally  next seq, count, bytes, lost, syslog cursor
//! ```
//! A row leaves when it was written to syslog and acknowledged by the server, or gives way: the
//! oldest of the lowest class first. What was lost is counted and recorded.

use redb::{ReadTransaction, ReadableTable, ReadableTableMetadata, Table, WriteTransaction};
use wardkey_core::codec;
use wardkey_core::event::{Event, EventName, Outcome, Severity};

use crate::error::AgentError;
use crate::store::db::Rows;
use crate::store::rows::existing;

const SPOOL: Rows = Rows::new("spool");
const QUEUE: Rows = Rows::new("queue");
const TALLY: Rows = Rows::new("tally");

/// Flag of a row: its line has been written to syslog already.
const WRITTEN: u8 = 1;

/// How much the spool may hold.
#[derive(Clone, Copy, Debug)]
pub struct Limits {
    /// Events.
    pub events: u64,
    /// Bytes of events.
    pub bytes: u64,
}

/// A row of the spool.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Row {
    /// Its number.
    pub seq: u64,
    /// The event's encoding.
    pub event: Vec<u8>,
}

/// In which order events give way, the last first; and, by [`UPLOAD_ORDER`], travel.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
#[repr(u8)]
pub enum Class {
    /// Warnings and errors: clone suspected, directory refused, records lost.
    Alarm = 0,
    /// What succeeded: logins above all.
    Success = 1,
    /// What failed; anyone at a terminal can make many of these.
    Failure = 2,
    /// Heartbeats and the like.
    Notice = 3,
}

/// Alarms and failures travel first.
const UPLOAD_ORDER: [Class; 4] = [Class::Alarm, Class::Failure, Class::Success, Class::Notice];

impl Class {
    /// The class of an event.
    pub const fn of(event: &Event) -> Self {
        match (event.severity(), event.outcome) {
            // Anyone who mistypes on purpose makes these, too.
            _ if matches!(event.name, EventName::LockedOut) => Self::Failure,
            (Severity::Error | Severity::Warning, _) => Self::Alarm,
            (_, Outcome::Failure) => Self::Failure,
            (Severity::Notice, Outcome::Success) => Self::Success,
            (Severity::Info, Outcome::Success) => Self::Notice,
        }
    }
}

type OneTable<'t> = Table<'t, &'static [u8], &'static [u8]>;

/// The spool within a transaction that writes.
pub struct Spool<'t> {
    rows: OneTable<'t>,
    queue: OneTable<'t>,
    tally: OneTable<'t>,
    limits: Limits,
}

impl<'t> Spool<'t> {
    /// Opens the spool.
    ///
    /// # Errors
    /// [`AgentError`] when the store cannot be used.
    pub fn open(transaction: &'t WriteTransaction, limits: Limits) -> Result<Self, AgentError> {
        Ok(Self {
            rows: transaction.open_table(SPOOL)?,
            queue: transaction.open_table(QUEUE)?,
            tally: transaction.open_table(TALLY)?,
            limits,
        })
    }

    /// Appends an event; others give way when there are too many.
    ///
    /// # Errors
    /// [`AgentError`] when the store cannot be used.
    pub fn push(&mut self, event: &Event, written: bool) -> Result<(), AgentError> {
        let class = Class::of(event) as u8;
        let bytes = codec::to_bytes(event);
        let seq = self.get("next")?;
        self.set("next", seq + 1)?;
        let value = [&[class, if written { WRITTEN } else { 0 }][..], &bytes].concat();
        self.rows.insert(seq.to_be_bytes().as_slice(), value.as_slice())?;
        self.queue.insert(queue_key(class, seq).as_slice(), &[][..])?;
        self.set("bytes", self.get("bytes")? + value.len() as u64)?;
        while self.rows.len()? > self.limits.events || self.get("bytes")? > self.limits.bytes {
            if !self.give_way()? {
                break;
            }
        }
        Ok(())
    }

    /// Marks everything up to `seq` as written to syslog.
    ///
    /// # Errors
    /// [`AgentError`] when the store cannot be used.
    pub fn written_to(&mut self, seq: u64) -> Result<(), AgentError> {
        let from = self.get("cursor")?;
        self.set("cursor", from.max(seq + 1))?;
        for seq in from..=seq {
            let Some(class) = self.class_of(seq)? else { continue };
            if self.queue.get(queue_key(class, seq).as_slice())?.is_none() {
                self.remove(seq)?;
            }
        }
        Ok(())
    }

    /// Takes the server's word that it has these.
    ///
    /// # Errors
    /// [`AgentError`] when the store cannot be used.
    pub fn acknowledged(&mut self, seqs: &[u64]) -> Result<(), AgentError> {
        let cursor = self.get("cursor")?;
        for seq in seqs {
            let Some(class) = self.class_of(*seq)? else { continue };
            self.queue.remove(queue_key(class, *seq).as_slice())?;
            if *seq < cursor || self.is_written(*seq)? {
                self.remove(*seq)?;
            }
        }
        Ok(())
    }

    /// How many events were lost since this was asked last.
    ///
    /// # Errors
    /// [`AgentError`] when the store cannot be used.
    pub fn take_lost(&mut self) -> Result<u64, AgentError> {
        let lost = self.get("lost")?;
        if lost > 0 {
            self.set("lost", 0)?;
        }
        Ok(lost)
    }

    /// Counts events that were lost elsewhere.
    ///
    /// # Errors
    /// [`AgentError`] when the store cannot be used.
    pub fn add_lost(&mut self, count: u64) -> Result<(), AgentError> {
        self.set("lost", self.get("lost")? + count)
    }

    fn give_way(&mut self) -> Result<bool, AgentError> {
        // Rows that the server has and only syslog lacks count as well: they are the ones not in the queue.
        let mut victim = None;
        for class in [Class::Notice, Class::Failure, Class::Success, Class::Alarm] {
            let (from, to) = (queue_key(class as u8, 0), queue_key(class as u8, u64::MAX));
            victim = self
                .queue
                .range::<&[u8]>(from.as_slice()..=to.as_slice())?
                .next()
                .transpose()?
                .and_then(|(key, _)| parts_of(key.value()));
            if victim.is_some() {
                break;
            }
        }
        let seq = match victim {
            Some((class, seq)) => {
                self.queue.remove(queue_key(class, seq).as_slice())?;
                seq
            }
            None => match self.rows.first()? {
                Some((seq, _)) => seq_of(seq.value()),
                None => return Ok(false),
            },
        };
        self.remove(seq)?;
        self.add_lost(1)?;
        Ok(true)
    }

    fn remove(&mut self, seq: u64) -> Result<(), AgentError> {
        let length = self.rows.remove(seq.to_be_bytes().as_slice())?.map_or(0, |row| row.value().len() as u64);
        let bytes = self.get("bytes")?.saturating_sub(length);
        self.set("bytes", bytes)
    }

    fn class_of(&self, seq: u64) -> Result<Option<u8>, AgentError> {
        Ok(self.rows.get(seq.to_be_bytes().as_slice())?.and_then(|row| row.value().first().copied()))
    }

    fn is_written(&self, seq: u64) -> Result<bool, AgentError> {
        Ok(self
            .rows
            .get(seq.to_be_bytes().as_slice())?
            .is_some_and(|row| row.value().get(1).is_some_and(|flags| flags & WRITTEN != 0)))
    }

    fn get(&self, name: &str) -> Result<u64, AgentError> {
        Ok(self.tally.get(name.as_bytes())?.map_or(0, |value| seq_of(value.value())))
    }

    fn set(&mut self, name: &'static str, value: u64) -> Result<(), AgentError> {
        self.tally.insert(name.as_bytes(), value.to_be_bytes().as_slice())?;
        Ok(())
    }
}

fn seq_of(bytes: &[u8]) -> u64 {
    bytes.first_chunk().map_or(0, |bytes| u64::from_be_bytes(*bytes))
}

fn queue_key(class: u8, seq: u64) -> Vec<u8> {
    [&[class][..], &seq.to_be_bytes()].concat()
}

fn parts_of(key: &[u8]) -> Option<(u8, u64)> {
    key.split_first().map(|(class, seq)| (*class, seq_of(seq)))
}

/// The next rows for syslog, in order, and the number of the last row looked at.
///
/// # Errors
/// [`AgentError`] when the store cannot be used.
pub fn for_syslog(transaction: &ReadTransaction, max: usize) -> Result<(Vec<Row>, Option<u64>), AgentError> {
    let mut found = Vec::new();
    let mut last = None;
    let Some(rows) = existing(transaction.open_table(SPOOL))? else { return Ok((found, last)) };
    let cursor = read_tally(transaction, "cursor")?;
    for entry in rows.range::<&[u8]>(cursor.to_be_bytes().as_slice()..)?.take(max) {
        let (seq, value) = entry?;
        last = Some(seq_of(seq.value()));
        if let Some(([_, flags], event)) = value.value().split_first_chunk::<2>()
            && flags & WRITTEN == 0
        {
            found.push(Row { seq: seq_of(seq.value()), event: event.to_vec() });
        }
    }
    Ok((found, last))
}

/// The next rows for the server: the most urgent first, at most `max` of them and `bytes` bytes.
///
/// # Errors
/// [`AgentError`] when the store cannot be used.
pub fn for_server(transaction: &ReadTransaction, max: usize, bytes: usize) -> Result<Vec<Row>, AgentError> {
    let mut found: Vec<Row> = Vec::new();
    let mut size = 0;
    let (Some(rows), Some(queue)) =
        (existing(transaction.open_table(SPOOL))?, existing(transaction.open_table(QUEUE))?)
    else {
        return Ok(found);
    };
    for class in UPLOAD_ORDER {
        let (from, to) = (queue_key(class as u8, 0), queue_key(class as u8, u64::MAX));
        for entry in queue.range::<&[u8]>(from.as_slice()..=to.as_slice())? {
            let Some((_, seq)) = parts_of(entry?.0.value()) else { continue };
            let Some(value) = rows.get(seq.to_be_bytes().as_slice())? else { continue };
            let event = value.value().get(2..).unwrap_or_default().to_vec();
            if found.len() >= max || (!found.is_empty() && size + event.len() > bytes) {
                return Ok(found);
            }
            size += event.len();
            found.push(Row { seq, event });
        }
    }
    Ok(found)
}

/// How many events the server has not acknowledged.
///
/// # Errors
/// [`AgentError`] when the store cannot be used.
pub fn waiting(transaction: &ReadTransaction) -> Result<u64, AgentError> {
    Ok(match existing(transaction.open_table(QUEUE))? {
        Some(queue) => queue.len()?,
        None => 0,
    })
}

/// How many events were lost and not yet recorded as lost.
///
/// # Errors
/// [`AgentError`] when the store cannot be used.
pub fn lost(transaction: &ReadTransaction) -> Result<u64, AgentError> {
    read_tally(transaction, "lost")
}

fn read_tally(transaction: &ReadTransaction, name: &str) -> Result<u64, AgentError> {
    Ok(match existing(transaction.open_table(TALLY))? {
        Some(tally) => tally.get(name.as_bytes())?.map_or(0, |value| seq_of(value.value())),
        None => 0,
    })
}
