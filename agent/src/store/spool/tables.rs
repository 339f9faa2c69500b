//! The tables of the spool, and the bytes in them.

use crate::store::db::Rows;
use crate::store::spool::class::Class;

/// seq (8 bytes) -> class (1), event
pub(super) const EVENTS: Rows = Rows::new("events");
/// class (1), seq (8) -> nothing: the records of each class, the oldest first
pub(super) const LANES: Rows = Rows::new("lanes");
/// class (1), seq (8) -> nothing: what only those lack that give way
pub(super) const SPARE: Rows = Rows::new("spare");
/// `next`, `bytes`, `lost` -> number (8)
pub(super) const TALLY: Rows = Rows::new("tally");

/// In the tally: the names of the destinations that records are kept for, one on a line.
pub(super) const KNOWN: &[u8] = b"known";
/// In the tally: that there is a table of what is spare.
pub(super) const HAS_SPARE: &[u8] = b"spare";
/// In the tally, while records are looked through: the key in `lanes` of the next one.
pub(super) const SWEEP: &[u8] = b"sweep";
/// In the tally: before the name of a destination, how many records were lost that it lacked.
pub(super) const LOST_OF: &[u8] = b"lost ";

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
