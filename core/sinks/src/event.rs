//! The event in a record, for those who write it anew.

use wardkey_core::codec;
use wardkey_core::event::Event;

use crate::way::{Party, Record};

/// The event; `None` for one that cannot be read, such as one of a later version: it must not keep
/// the others back, and is counted among those that never arrive.
pub fn of(record: &Record, party: &dyn Party) -> Option<Event> {
    codec::from_bytes(&record.event)
        .inspect_err(|error| {
            party.warn(&format!("a record cannot be read, and is not sent: {error}"));
        })
        .ok()
}
