//! The record that a destination never gets others: it takes their place.

use wardkey_core::codec;
use wardkey_core::event::{Event, EventName, Outcome};
use wardkey_core::id::EventId;
use wardkey_core::time::UnixTime;
use wardkey_sinks::way::{At, Record};

use crate::secret::mac;
use crate::store::destination::Destination;
use crate::store::log::State;

/// What became of records.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Lost {
    /// They were pruned before they were sent: those of these places in the log.
    Pruned {
        /// The first one.
        from: u64,
        /// The one behind the last one.
        until: u64,
    },
    /// The destination did not take them: so many of all that it never took.
    NotTaken {
        /// Those of which this is the record.
        count: u64,
        /// All until now.
        of: u64,
    },
}

impl Lost {
    /// How many.
    pub(super) const fn count(self) -> u64 {
        match self {
            Self::Pruned { from, until } => until.saturating_sub(from),
            Self::NotTaken { count, .. } => count,
        }
    }

    fn detail(self, name: &str) -> String {
        match self {
            Self::Pruned { from, until } => {
                let last = until.saturating_sub(1);
                format!("{name}: pruned before they were sent, places {from} to {last} of the log")
            }
            Self::NotTaken { .. } => format!("{name}: not taken"),
        }
    }

    /// The record for a destination. The same loss has the same id, however often it is told; no
    /// one else can know it beforehand, and no other log has it.
    pub(super) fn record(self, to: &Destination, log: &State, now: UnixTime) -> Record {
        let (word, numbers) = match self {
            Self::Pruned { from, until } => ("pruned", [from, until]),
            Self::NotTaken { count, of } => ("not-taken", [count, of]),
        };
        let mut text = format!("wardkey records-lost {word} {}", log.generation).into_bytes();
        text.extend_from_slice(log.mark.as_ref().map_or(&[][..], |mark| mark));
        text.extend(numbers.into_iter().flat_map(u64::to_be_bytes));
        let hash = mac(&to.secret, &text);
        let mut id = [0; EventId::LEN];
        id.iter_mut().zip(hash.as_bytes()).for_each(|(to, from)| *to = *from);
        let id = EventId::new(id);

        let mut event = Event::new(id, now, EventName::RecordsLost, Outcome::Failure);
        event.count = Some(self.count());
        event.detail = Some(self.detail(&to.name));
        let at = match self {
            // No record has this place any more.
            Self::Pruned { from, .. } => At::Disk(from),
            Self::NotTaken { .. } => At::Memory(id),
        };
        Record::own(at, codec::to_bytes(&event))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn id(lost: Lost, secret: u8, log: &State) -> EventId {
        let to = Destination {
            place: "siem:6514".into(),
            name: "tls siem:6514".into(),
            secret: vec![secret; 16],
            position: 0,
            refused: 0,
            pruned: 0,
            untold: 0,
            failed: None,
        };
        let record = lost.record(&to, log, UnixTime(0));
        codec::from_bytes::<Event>(&record.event).unwrap().id
    }

    #[test]
    fn only_the_same_loss_of_the_same_destination_in_the_same_log_has_its_id() {
        let log = |mark| State { generation: 1, mark: Some([mark; 8]), signed: None };
        let lost = Lost::NotTaken { count: 1, of: 1 };
        let one = id(lost, 1, &log(1));
        assert_eq!(id(lost, 1, &log(1)), one);
        for other in [
            id(lost, 2, &log(1)),
            id(lost, 1, &log(2)),
            id(lost, 1, &State { generation: 2, ..log(1) }),
            id(Lost::NotTaken { count: 1, of: 2 }, 1, &log(1)),
            id(Lost::Pruned { from: 1, until: 1 }, 1, &log(1)),
        ] {
            assert_ne!(other, one);
        }
    }
}
