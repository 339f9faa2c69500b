//! How far each destination has come. A cursor has one position in each class, since a destination
//! may get the urgent records first. What arrived out of order, beyond the position, is listed.
//!
//! ```text
//!   cursors  destination -> next seq of each class (4 x 8 bytes)
//!   ahead    destination, 0, seq -> nothing
//! ```

use redb::{ReadableTable, ReadableTableMetadata, Table};

use crate::error::AgentError;
use crate::store::db::Rows;
use crate::store::spool::class::Class;

pub(super) const CURSORS: Rows = Rows::new("cursors");
pub(super) const AHEAD: Rows = Rows::new("ahead");

/// Somebody who gets every record.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Destination {
    /// Names the cursor on disk: never given to another destination.
    pub name: &'static str,
    /// Which records it gets first.
    pub order: Order,
    /// Whether a record that only such destinations lack is the first to be lost.
    pub gives_way: bool,
    /// Whether it gets records of a [state](Class::is_of_state) too: one that hears of it otherwise
    /// does not.
    pub gets_states: bool,
}

/// Which records a destination gets first.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Order {
    /// The oldest.
    Arrival,
    /// The most urgent, by [`Class::URGENCY`].
    Urgency,
}

/// In each class, the number of the first record that may be missing at the destination.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Cursor([u64; Class::COUNT]);

impl Cursor {
    /// The position in a class.
    pub(super) fn position(&self, class: Class) -> u64 {
        self.0.get(class as usize).copied().unwrap_or_default()
    }

    /// Moves forward in a class.
    pub(super) fn advance(&mut self, class: Class, to: u64) {
        if let Some(position) = self.0.get_mut(class as usize) {
            *position = to.max(*position);
        }
    }

    /// The first record of any class that may be missing.
    pub(super) fn first(&self) -> u64 {
        self.0.iter().copied().min().unwrap_or_default()
    }

    /// Reads a cursor; a destination that has none yet begins with the oldest record.
    pub(super) fn read(
        table: &impl ReadableTable<&'static [u8], &'static [u8]>,
        name: &str,
    ) -> Result<Self, AgentError> {
        let mut cursor = Self::default();
        if let Some(value) = table.get(name.as_bytes())? {
            for (position, bytes) in cursor.0.iter_mut().zip(value.value().as_chunks().0) {
                *position = u64::from_be_bytes(*bytes);
            }
        }
        Ok(cursor)
    }

    /// Writes it.
    pub(super) fn write(
        &self,
        table: &mut Table<'_, &'static [u8], &'static [u8]>,
        name: &str,
    ) -> Result<(), AgentError> {
        let value = self.0.map(u64::to_be_bytes).concat();
        table.insert(name.as_bytes(), value.as_slice())?;
        Ok(())
    }
}

/// Whether a record beyond the cursor has arrived.
pub(super) fn is_ahead(
    table: &impl ReadableTable<&'static [u8], &'static [u8]>,
    name: &str,
    seq: u64,
) -> Result<bool, AgentError> {
    Ok(table.get(ahead_key(name, seq).as_slice())?.is_some())
}

/// Forgets that a record is ahead of any of the destinations: it is gone.
pub(super) fn forget_ahead(
    table: &mut Table<'_, &'static [u8], &'static [u8]>,
    destinations: &[Destination],
    seq: u64,
) -> Result<(), AgentError> {
    if table.is_empty()? {
        return Ok(());
    }
    for destination in destinations {
        table.remove(ahead_key(destination.name, seq).as_slice())?;
    }
    Ok(())
}

/// Forgets what is ahead of destinations that are not known, up to so many records; `true` when
/// nothing of it is left.
pub(super) fn forget_strangers(
    table: &mut Table<'_, &'static [u8], &'static [u8]>,
    is_known: impl Fn(&[u8]) -> bool,
    at_most: usize,
) -> Result<bool, AgentError> {
    let (mut strange, mut from, mut is_all) = (Vec::new(), Vec::new(), true);
    // From name to name, not from record to record.
    while is_all && let Some(name) = first_name(&*table, &from)? {
        let behind = [name.as_slice(), &[1]].concat();
        if !is_known(&name) {
            for entry in table.range::<&[u8]>(name.as_slice()..behind.as_slice())? {
                is_all = strange.len() < at_most;
                if !is_all {
                    break;
                }
                strange.push(entry?.0.value().to_vec());
            }
        }
        from = behind;
    }
    for key in strange {
        table.remove(key.as_slice())?;
    }
    Ok(is_all)
}

/// The name of the first destination from a key on that has anything ahead.
fn first_name(
    table: &impl ReadableTable<&'static [u8], &'static [u8]>,
    from: &[u8],
) -> Result<Option<Vec<u8>>, AgentError> {
    let first = table.range::<&[u8]>(from..)?.next().transpose()?;
    let name = |key: &[u8]| key.split(|byte| *byte == 0).next().map(<[u8]>::to_vec);
    Ok(first.and_then(|(key, _)| name(key.value())))
}

/// The key of a record that arrived out of order.
pub(super) fn ahead_key(name: &str, seq: u64) -> Vec<u8> {
    [name.as_bytes(), &[0], &seq.to_be_bytes()].concat()
}
