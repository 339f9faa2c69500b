//! Looking into the spool without writing.

use redb::ReadTransaction;
pub use wardkey_sinks::way::Most;

use crate::error::AgentError;
use crate::store::rows::existing;
use crate::store::spool::class::Class;
use crate::store::spool::cursor::{AHEAD, CURSORS, Cursor, Destination, Order, is_ahead};
use crate::store::spool::tables::{EVENTS, LANES, SWEEP, TALLY, lane, lane_parts, number_of};

/// A record on disk.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Row {
    /// Its number.
    pub seq: u64,
    /// The event's encoding.
    pub event: Vec<u8>,
}

type OneTable = redb::ReadOnlyTable<&'static [u8], &'static [u8]>;

/// The place of one destination in the spool, as a transaction shows it.
struct Place<'d> {
    destination: &'d Destination,
    cursor: Cursor,
    ahead: Option<OneTable>,
}

impl<'d> Place<'d> {
    fn read(
        transaction: &ReadTransaction,
        destination: &'d Destination,
    ) -> Result<Self, AgentError> {
        let cursor = match existing(transaction.open_table(CURSORS))? {
            Some(table) => Cursor::read(&table, destination.name)?,
            None => Cursor::default(),
        };
        Ok(Self { destination, cursor, ahead: existing(transaction.open_table(AHEAD))? })
    }

    /// Whether the destination has a record.
    fn has(&self, class: Class, seq: u64) -> Result<bool, AgentError> {
        if seq < self.cursor.position(class) {
            return Ok(true);
        }
        self.ahead.as_ref().map_or(Ok(false), |table| is_ahead(table, self.destination.name, seq))
    }
}

/// Records taken up to a limit.
struct Taken {
    rows: Vec<Row>,
    bytes: usize,
    most: Most,
}

impl Taken {
    /// Takes one more; `false` when it does not fit.
    fn take(&mut self, seq: u64, event: &[u8]) -> bool {
        let fits = self.rows.len() < self.most.events
            && (self.rows.is_empty() || self.bytes.saturating_add(event.len()) <= self.most.bytes);
        if fits {
            self.bytes = self.bytes.saturating_add(event.len());
            self.rows.push(Row { seq, event: event.to_vec() });
        }
        fits
    }
}

/// The next records for a destination, in its order.
pub fn pending(
    transaction: &ReadTransaction,
    to: &Destination,
    most: Most,
) -> Result<Vec<Row>, AgentError> {
    let mut taken = Taken { rows: Vec::new(), bytes: 0, most };
    let Some(events) = existing(transaction.open_table(EVENTS))? else { return Ok(taken.rows) };
    let place = Place::read(transaction, to)?;

    match to.order {
        Order::Arrival => {
            for entry in events.range::<&[u8]>(place.cursor.first().to_be_bytes().as_slice()..)? {
                let (seq, value) = entry?;
                let seq = number_of(seq.value());
                let Some((class, event)) = value.value().split_first() else { continue };
                if !place.has(Class::from_number(*class), seq)? && !taken.take(seq, event) {
                    break;
                }
            }
        }
        Order::Urgency => {
            let Some(lanes) = existing(transaction.open_table(LANES))? else {
                return Ok(taken.rows);
            };
            for class in Class::URGENCY {
                for entry in
                    lanes.range::<&[u8]>(lane(class, place.cursor.position(class)).bounds())?
                {
                    let Some((_, seq)) = lane_parts(entry?.0.value()) else { continue };
                    if place.has(class, seq)? {
                        continue;
                    }
                    let Some(value) = events.get(seq.to_be_bytes().as_slice())? else { continue };
                    if !taken.take(seq, value.value().get(1..).unwrap_or_default()) {
                        return Ok(taken.rows);
                    }
                }
            }
        }
    }

    Ok(taken.rows)
}

/// How many records a destination lacks.
pub fn waiting(transaction: &ReadTransaction, to: &Destination) -> Result<u64, AgentError> {
    let Some(lanes) = existing(transaction.open_table(LANES))? else { return Ok(0) };
    let place = Place::read(transaction, to)?;
    let mut count = 0;
    for class in Class::URGENCY {
        for entry in lanes.range::<&[u8]>(lane(class, place.cursor.position(class)).bounds())? {
            let Some((_, seq)) = lane_parts(entry?.0.value()) else { continue };
            count += u64::from(!place.has(class, seq)?);
        }
    }
    Ok(count)
}

/// Whether records are to be looked through, as a destination has gone.
pub fn has_to_sweep(transaction: &ReadTransaction) -> Result<bool, AgentError> {
    let tally = existing(transaction.open_table(TALLY))?;
    tally.map_or(Ok(false), |tally| Ok(tally.get(SWEEP)?.is_some()))
}

/// How many records were lost and not yet recorded as lost.
pub fn lost(transaction: &ReadTransaction) -> Result<u64, AgentError> {
    Ok(match existing(transaction.open_table(TALLY))? {
        Some(tally) => tally.get("lost".as_bytes())?.map_or(0, |value| number_of(value.value())),
        None => 0,
    })
}
