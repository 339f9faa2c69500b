//! The ledger on disk: its tables, and the bytes in them.

use redb::{ReadTransaction, ReadableTable, WriteTransaction};
use wardkey_core::event::Event;
use wardkey_core::id::{EventId, Hash};
use wardkey_core::marks::MAX_SEEN;
use wardkey_core::time::UnixTime;

use crate::error::AgentError;
use crate::store::db::Rows;
use crate::store::ledger::{Failures, Ledger, Settled, Subject};
use crate::store::rows::existing;
use crate::store::spool::cursor::Destination;
use crate::store::spool::{Limits, Spool};

pub(crate) const COUNTERS: Rows = Rows::new("counters");
pub(crate) const FAILURES: Rows = Rows::new("failures");
pub(crate) const SETTLED: Rows = Rows::new("settled");
pub(crate) const SEEN: Rows = Rows::new("seen");

/// The ledger in a transaction that writes.
pub(crate) struct TransactionLedger<'t> {
    transaction: &'t WriteTransaction,
    pub(crate) spool: Spool<'t>,
}

impl<'t> TransactionLedger<'t> {
    /// Opens it.
    pub(crate) fn open(
        transaction: &'t WriteTransaction,
        limits: Limits,
        destinations: &'static [Destination],
    ) -> Result<Self, AgentError> {
        Ok(Self { transaction, spool: Spool::open(transaction, limits, destinations)? })
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
        self.transaction
            .open_table(COUNTERS)?
            .insert(key.as_bytes().as_slice(), counter.to_be_bytes().as_slice())?;
        Ok(())
    }

    fn failures(&self, subject: &Subject) -> Result<Failures, AgentError> {
        Ok(failures_of(
            self.transaction
                .open_table(FAILURES)?
                .get(subject.0.as_slice())?
                .as_ref()
                .map(|value| value.value()),
        ))
    }

    fn set_failures(&mut self, subject: &Subject, failures: Failures) -> Result<(), AgentError> {
        let mut table = self.transaction.open_table(FAILURES)?;
        if failures.count == 0 {
            table.remove(subject.0.as_slice())?;
        } else {
            let value =
                [&failures.count.to_be_bytes()[..], &failures.last.0.to_be_bytes()].concat();
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
        self.spool.push(event, &[])
    }
}

/// Failures of a subject, as a transaction shows them.
pub(crate) fn read_failures(
    transaction: &ReadTransaction,
    subject: &Subject,
) -> Result<Failures, AgentError> {
    let Some(table) = existing(transaction.open_table(FAILURES))? else {
        return Ok(Failures::default());
    };
    Ok(failures_of(table.get(subject.0.as_slice())?.as_ref().map(|value| value.value())))
}

/// A number of up to eight bytes, big endian.
pub(crate) fn number(bytes: &[u8]) -> u64 {
    bytes.iter().take(8).fold(0, |number, byte| (number << 8) | u64::from(*byte))
}

/// Count (4 bytes) and time (8).
pub(crate) fn failures_of(value: Option<&[u8]>) -> Failures {
    let Some((count, last)) = value.and_then(|value| value.split_first_chunk::<4>()) else {
        return Failures::default();
    };
    Failures { count: u32::from_be_bytes(*count), last: UnixTime(number(last)) }
}

/// Digest (32 bytes), code (2), time (8).
pub(crate) fn settled_of(value: &[u8]) -> Option<Settled> {
    let (digest, rest) = value.split_first_chunk::<32>()?;
    let (code, time) = rest.split_first_chunk::<2>()?;
    Some(Settled {
        digest: Hash::new(*digest),
        code: u16::from_be_bytes(*code),
        time: UnixTime(number(time)),
    })
}

/// Up to four bytes.
pub(crate) fn counter_of(value: &[u8]) -> u32 {
    u32::try_from(number(value)).unwrap_or(u32::MAX)
}
