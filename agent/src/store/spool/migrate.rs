//! The spool of version 0.1, which knew two destinations only: what syslog had was a number and a
//! flag of each record, what the server lacked was a list of its own.
//!
//! ```text
//!   spool  seq -> class, flags, event      queue  class, seq -> nothing (the server lacks it)
//!   tally  cursor: the next seq for syslog
//! ```

use redb::{ReadableTable, TableHandle, WriteTransaction};

use crate::error::AgentError;
use crate::store::db::Rows;
use crate::store::spool::class::Class;
use crate::store::spool::cursor::{AHEAD, Destination, ahead_key};
use crate::store::spool::tables::{EVENTS, LANES, TALLY, lane_key, number_of};
use crate::store::spool::{Limits, Spool};

const OLD_ROWS: Rows = Rows::new("spool");
const OLD_QUEUE: Rows = Rows::new("queue");
/// Flag of an old row: syslog has it, though the cursor is not past it.
const WRITTEN: u8 = 1;

/// Names of the two destinations of old.
const SYSLOG: &str = "syslog";
const SERVER: &str = "server";

/// Takes over what version 0.1 left, in the caller's transaction: all of it or nothing.
pub fn migrate(
    transaction: &WriteTransaction,
    limits: Limits,
    destinations: &'static [Destination],
) -> Result<(), AgentError> {
    if !transaction.list_tables()?.any(|table| table.name() == OLD_ROWS.name()) {
        return Ok(());
    }
    copy(transaction)?;
    transaction.delete_table(OLD_ROWS)?;
    transaction.delete_table(OLD_QUEUE)?;

    let mut spool = Spool::open(transaction, limits, destinations)?;
    spool.measure()?;
    // Moves each cursor over what its destination has without a gap.
    destinations.iter().try_for_each(|destination| spool.delivered(destination, &[]))
}

fn copy(transaction: &WriteTransaction) -> Result<(), AgentError> {
    let (rows, queue) = (transaction.open_table(OLD_ROWS)?, transaction.open_table(OLD_QUEUE)?);
    let mut events = transaction.open_table(EVENTS)?;
    let mut lanes = transaction.open_table(LANES)?;
    let mut ahead = transaction.open_table(AHEAD)?;
    let mut tally = transaction.open_table(TALLY)?;
    let cursor = tally.remove("cursor".as_bytes())?.map_or(0, |value| number_of(value.value()));

    for entry in rows.iter()? {
        let (seq, value) = entry?;
        let seq = number_of(seq.value());
        let Some(([class, flags], event)) = value.value().split_first_chunk::<2>() else {
            continue;
        };
        let class = Class::from_number(*class);
        let at_server = queue.get(lane_key(class, seq).as_slice())?.is_none();
        let in_syslog = seq < cursor || flags & WRITTEN != 0;

        events.insert(
            seq.to_be_bytes().as_slice(),
            [&[class as u8][..], event].concat().as_slice(),
        )?;
        lanes.insert(lane_key(class, seq).as_slice(), &[][..])?;
        for (name, has_it) in [(SYSLOG, in_syslog), (SERVER, at_server)] {
            if has_it {
                ahead.insert(ahead_key(name, seq).as_slice(), &[][..])?;
            }
        }
    }
    Ok(())
}
