//! The tables of the spool, and the bytes in them.

use crate::store::db::Rows;
use crate::store::spool::class::Class;

/// seq (8 bytes) -> class (1), event
pub(super) const EVENTS: Rows = Rows::new("events");
/// class (1), seq (8) -> nothing: the records of each class, the oldest first
pub(super) const LANES: Rows = Rows::new("lanes");
/// `next`, `bytes`, `lost` -> number (8)
pub(super) const TALLY: Rows = Rows::new("tally");

/// A number of eight bytes, big endian.
pub(super) fn number_of(bytes: &[u8]) -> u64 {
    bytes.first_chunk().map_or(0, |bytes| u64::from_be_bytes(*bytes))
}

/// The key of a record in its lane.
pub(super) fn lane_key(class: Class, seq: u64) -> Vec<u8> {
    [&[class as u8][..], &seq.to_be_bytes()].concat()
}

/// Class and number of a record, by its key in a lane.
pub(super) fn lane_parts(key: &[u8]) -> Option<(Class, u64)> {
    key.split_first().map(|(class, seq)| (Class::from_number(*class), number_of(seq)))
}

/// The records of a class from a number on.
pub(super) struct Lane {
    from: Vec<u8>,
    to: Vec<u8>,
}

/// The records of a class from a number on.
pub(super) fn lane(class: Class, from: u64) -> Lane {
    Lane { from: lane_key(class, from), to: lane_key(class, u64::MAX) }
}

impl Lane {
    /// As a range of keys.
    pub(super) fn bounds(&self) -> std::ops::RangeInclusive<&[u8]> {
        self.from.as_slice()..=self.to.as_slice()
    }
}
