//! Archives of the log of records, and what stands in the log where a record was pruned
//! (docs/FORMATS.md, "Archives").
//!
//! ```text
//!   archive   MAGIC ─ length, ArchiveHead ─ entries, each after its length
//!   export    a bundle with PrunedEntry in the place of an entry ─ pruned.cbor (Pruned, signed)
//! ```

use std::collections::BTreeMap;

use minicbor::{Decode, Encode};

use crate::codec::{self, Bytes, Document, List};
use crate::event::Class;
use crate::id::Hash;
use crate::log_keys::LogKeys;
use crate::time::{DAY, UnixTime};

/// How an archive begins.
pub const MAGIC: &[u8] = b"wardkey/archive/1\n";
/// The shortest time for which records are kept, in seconds: what comes late, of a terminal that
/// was offline, is compared with them.
pub const KEPT_AT_LEAST: u64 = 30 * DAY;
/// The most acts of pruning that a list has.
pub const MAX_ACTS: usize = 1 << 16;
/// The longest list of keys in bytes, with its signature.
const MAX_KEYS: usize = LogKeys::MAX_BYTES + 128;
/// The longest checkpoint in bytes, with its signatures.
const MAX_CHECKPOINT: usize = 256 * 1024;

/// The hashes of a partial tile.
pub type Row = List<Hash, 256>;

/// What stands before the entries of an archive. It needs no signature: the checkpoint and the list
/// of keys have theirs, and everything else is hashed into the root.
#[derive(Clone, Debug, PartialEq, Eq, Encode, Decode)]
#[cbor(map)]
pub struct ArchiveHead {
    /// The place of its first entry in the log.
    #[n(0)]
    pub first: u64,
    /// The checkpoint, a signed note: entries up to its size are in the archive.
    #[n(1)]
    pub checkpoint: Bytes<MAX_CHECKPOINT>,
    /// What stands before the first entry: the hashes of the partial tile of each level of the tree
    /// of so many entries, the lowest level first.
    #[n(2)]
    pub edge: List<Row, 64>,
    /// The keys by which its logins are verified: a signed [`LogKeys`].
    #[n(3)]
    pub keys: Bytes<MAX_KEYS>,
}

impl Document for ArchiveHead {
    const DOMAIN: &'static str = "wardkey/log-archive/1";
    const MAX_BYTES: usize = MAX_KEYS + MAX_CHECKPOINT + 64 * 256 * 34 + 1024;
    const GROWS: bool = false;
}

/// What a bundle has in the place of an entry whose record was pruned. It is not what is hashed:
/// the hash of the entry stays in its tile.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Encode, Decode)]
#[cbor(map)]
pub struct PrunedEntry {
    /// By which act.
    #[n(0)]
    pub act: u64,
}

impl Document for PrunedEntry {
    const DOMAIN: &'static str = "wardkey/log-pruned-entry/1";
    const MAX_BYTES: usize = 64;
    const GROWS: bool = false;
}

impl PrunedEntry {
    /// The act by which the record of an entry was pruned; none of an entry that is there.
    pub fn act_of(entry: &[u8]) -> Option<u64> {
        codec::from_bytes::<Self>(entry).ok().map(|pruned| pruned.act)
    }
}

/// Up to when records of a class were pruned.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Encode, Decode)]
#[cbor(map)]
pub struct PrunedClass {
    /// 0 logins, 1 administration, 2 security, 3 operation.
    #[n(0)]
    pub class: u8,
    /// Records that are older than this: that happened before it, and arrived before it.
    #[n(1)]
    pub before: UnixTime,
}

impl PrunedClass {
    /// Of a class.
    pub const fn new(class: Class, before: UnixTime) -> Self {
        Self { class: class as u8, before }
    }

    /// The class; none of a number that this version does not know.
    pub fn class(&self) -> Option<Class> {
        Class::ALL.into_iter().find(|class| *class as u8 == self.class)
    }
}

/// An act of pruning.
#[derive(Clone, Debug, PartialEq, Eq, Encode, Decode)]
#[cbor(map)]
pub struct PruneAct {
    /// Its number, from 1.
    #[n(0)]
    pub number: u64,
    /// When it began.
    #[n(1)]
    pub time: UnixTime,
    /// SHA-256 of the archive that has the records.
    #[n(2)]
    pub archive: Hash,
    /// How many were pruned.
    #[n(3)]
    pub records: u64,
    /// [`PruneDigest`] over their places.
    #[n(4)]
    pub places: Hash,
    /// What was past its time.
    #[n(5)]
    pub classes: List<PrunedClass, 16>,
}

impl PruneAct {
    /// Whether a record of this class that is as old as this time was past its time.
    pub fn takes(&self, class: Class, time: UnixTime) -> bool {
        self.classes.iter().any(|due| due.class() == Some(class) && time < due.before)
    }

    /// No record that is as old as this time, or younger, was past its time.
    pub fn before(&self) -> UnixTime {
        self.classes.iter().map(|due| due.before).max().unwrap_or_default()
    }

    /// Whether no class was kept for less than every class is.
    pub fn keeps_long_enough(&self) -> bool {
        self.before().plus(KEPT_AT_LEAST) <= self.time
    }

    /// What it pruned.
    pub const fn digest(&self) -> PruneDigest {
        PruneDigest { records: self.records, places: self.places }
    }
}

/// An act as the database has it: signed by the key of the log whenever it pruned more.
impl Document for PruneAct {
    const DOMAIN: &'static str = "wardkey/log-prune-act/1";
    const MAX_BYTES: usize = 1024;
    const GROWS: bool = false;
}

/// All acts of pruning, signed by the key of the log: `pruned.cbor` of an export.
#[derive(Clone, Debug, PartialEq, Eq, Encode, Decode)]
#[cbor(map)]
pub struct Pruned {
    /// The log's name.
    #[n(0)]
    pub origin: String,
    /// Entries in the log when the list was made.
    #[n(1)]
    pub size: u64,
    /// The acts, by number.
    #[n(2)]
    pub acts: List<PruneAct, MAX_ACTS>,
}

impl Document for Pruned {
    const DOMAIN: &'static str = "wardkey/log-pruned/1";
    const MAX_BYTES: usize = 16 * 1024 * 1024;
    const GROWS: bool = true;
}

/// A hash over places in their order: that of nothing is 32 zeros, and each place is hashed onto
/// what was before it. So the signed list need not name every place.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct PruneDigest {
    /// How many places.
    pub records: u64,
    /// Over them.
    pub places: Hash,
}

impl Default for PruneDigest {
    fn default() -> Self {
        Self { records: 0, places: Hash::new([0; 32]) }
    }
}

impl PruneDigest {
    /// Adds a place, which is greater than those before.
    pub fn add(&mut self, place: u64) {
        let mut bytes = self.places.as_bytes().to_vec();
        bytes.extend_from_slice(&place.to_be_bytes());
        (self.records, self.places) = (self.records.saturating_add(1), codec::sha256(&bytes));
    }
}

/// The gaps that were met in a log, from its beginning on.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Gaps(BTreeMap<u64, PruneDigest>);

impl Gaps {
    /// The record of this place was pruned by this act.
    pub fn add(&mut self, act: u64, place: u64) {
        self.0.entry(act).or_default().add(place);
    }

    /// What this act pruned.
    pub fn of(&self, act: u64) -> PruneDigest {
        self.0.get(&act).copied().unwrap_or_default()
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// How many there are.
    pub fn count(&self) -> u64 {
        self.0.values().map(|digest| digest.records).sum()
    }

    /// The numbers of acts that pruned other records than a list says: more, fewer, or others.
    pub fn unlike(&self, acts: &[PruneAct]) -> Vec<u64> {
        let listed: BTreeMap<u64, PruneDigest> = acts
            .iter()
            .map(|act| (act.number, act.digest()))
            .filter(|(_, digest)| digest.records > 0)
            .collect();
        let all: std::collections::BTreeSet<&u64> = listed.keys().chain(self.0.keys()).collect();
        let is_unlike = |act: &&u64| listed.get(act) != self.0.get(act);
        all.into_iter().filter(is_unlike).copied().collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn act(number: u64, places: &[u64]) -> PruneAct {
        let mut digest = PruneDigest::default();
        places.iter().for_each(|place| digest.add(*place));
        PruneAct {
            number,
            time: UnixTime(5),
            archive: Hash::new([1; 32]),
            records: digest.records,
            places: digest.places,
            classes: List::default(),
        }
    }

    fn gaps(of: &[(u64, u64)]) -> Gaps {
        let mut gaps = Gaps::default();
        of.iter().for_each(|(act, place)| gaps.add(*act, *place));
        gaps
    }

    #[test]
    fn a_gap_that_nobody_signed_or_one_that_is_filled_is_seen() {
        let acts = [act(1, &[0, 7]), act(2, &[3]), act(3, &[])];
        assert_eq!(gaps(&[(1, 0), (2, 3), (1, 7)]).unlike(&acts), [0; 0]);
        for (other, unlike) in [
            (&[(1, 0), (2, 3), (1, 7), (1, 8)][..], &[1][..]),
            (&[(1, 0), (2, 3), (1, 6)], &[1]),
            (&[(1, 0), (2, 3)], &[1]),
            (&[(1, 0), (1, 3), (1, 7)], &[1, 2]),
            (&[(1, 0), (2, 3), (1, 7), (4, 9)], &[4]),
            (&[], &[1, 2]),
        ] {
            assert_eq!(gaps(other).unlike(&acts), unlike, "{other:?}");
        }
        assert_eq!(gaps(&[(1, 0), (2, 3)]).count(), 2);
    }

    #[test]
    fn an_act_takes_what_is_past_the_time_of_its_class_and_nothing_else() {
        let classes = [(Class::Operation, 100), (Class::Logins, 50)];
        let classes = classes.map(|(class, before)| PrunedClass::new(class, UnixTime(before)));
        let act = PruneAct {
            classes: List::new(classes.to_vec()).unwrap(),
            time: UnixTime(100 + KEPT_AT_LEAST),
            ..act(1, &[])
        };
        for (class, time, takes) in [
            (Class::Operation, 99, true),
            (Class::Operation, 100, false),
            (Class::Logins, 49, true),
            (Class::Logins, 50, false),
            (Class::Security, 1, false),
        ] {
            assert_eq!(act.takes(class, UnixTime(time)), takes, "{class:?} {time}");
        }
        assert_eq!(act.before(), UnixTime(100));
        assert!(act.keeps_long_enough());
        assert!(
            !PruneAct { time: UnixTime(99 + KEPT_AT_LEAST), ..act.clone() }.keeps_long_enough()
        );
        let bytes = codec::to_bytes(&act);
        assert_eq!(codec::from_bytes::<PruneAct>(&bytes).unwrap(), act);
    }

    #[test]
    fn an_act_with_the_greatest_numbers_can_be_read_again() {
        let due = PrunedClass { class: u8::MAX, before: UnixTime(u64::MAX) };
        let act = PruneAct {
            number: u64::MAX,
            time: UnixTime(u64::MAX),
            archive: Hash::new([255; 32]),
            records: u64::MAX,
            places: Hash::new([255; 32]),
            classes: List::new(vec![due; 16]).unwrap(),
        };
        assert_eq!(codec::from_bytes::<PruneAct>(&codec::to_bytes(&act)).unwrap(), act);
    }

    #[test]
    fn what_stands_for_a_pruned_entry_is_no_entry_and_the_other_way_round() {
        let stub = codec::to_bytes(&PrunedEntry { act: 300 });
        assert_eq!(PrunedEntry::act_of(&stub), Some(300));
        assert!(codec::from_bytes::<crate::log_entry::LogEntry>(&stub).is_err());
        for other in [&b""[..], b"\x82", &stub[1..], &[stub.as_slice(), b"x"].concat()] {
            assert_eq!(PrunedEntry::act_of(other), None);
        }
    }

    #[test]
    fn every_class_has_a_number_and_a_word_of_its_own() {
        for class in Class::ALL {
            assert_eq!(PrunedClass::new(class, UnixTime(1)).class(), Some(class));
        }
        assert_eq!(PrunedClass { class: 9, before: UnixTime(1) }.class(), None);
    }
}
