//! The record that a destination never gets others: it takes their place.

use wardkey_core::codec::{self, sha256};
use wardkey_core::event::{Event, EventName, Outcome};
use wardkey_core::id::EventId;
use wardkey_core::time::UnixTime;
use wardkey_sinks::way::{At, Record};

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

    /// The record for a destination. The same loss has the same id, however often it is told.
    pub(super) fn record(self, name: &str, now: UnixTime) -> Record {
        let hash = sha256(format!("wardkey-server {name} {self:?}").as_bytes());
        let mut id = [0; EventId::LEN];
        id.iter_mut().zip(hash.as_bytes()).for_each(|(to, from)| *to = *from);
        let id = EventId::new(id);

        let mut event = Event::new(id, now, EventName::RecordsLost, Outcome::Failure);
        event.count = Some(self.count());
        event.detail = Some(self.detail(name));
        let at = match self {
            // No record has this place any more.
            Self::Pruned { from, .. } => At::Disk(from),
            Self::NotTaken { .. } => At::Memory(id),
        };
        Record::own(at, codec::to_bytes(&event))
    }
}
