//! Limits records of events that somebody can cause without end: the first of a kind is recorded at
//! once, those of the next half minute become one record with their count.

use std::collections::HashMap;
use std::sync::{Mutex, MutexGuard};
use std::time::Duration;

use wardkey_core::event::Event;
use wardkey_core::id::EventId;

use crate::clock::Moment;
use crate::lock::lock;

/// How long events of a kind are counted before the next record.
pub const QUIET: Duration = Duration::from_secs(30);
/// The most kinds that are counted apart. Further ones are counted by their coarser kind.
const MAX_KINDS: usize = 256;

/// The kinds that are being counted.
#[derive(Debug, Default)]
pub struct Tally {
    kinds: Mutex<HashMap<String, Kind>>,
}

#[derive(Debug)]
struct Kind {
    since: Moment,
    /// The record of the events since then; it is due when the time is over.
    more: Option<Event>,
}

/// What was done with an event.
#[derive(Debug, PartialEq, Eq)]
pub struct Noted {
    /// The record that contains it.
    pub record: EventId,
    /// To be recorded now.
    pub now: Option<Event>,
}

impl Tally {
    /// Counts an event of a kind; when too many kinds are counted, of the coarser kind.
    pub fn note(&self, kind: &str, coarse: &str, event: Event) -> Noted {
        let mut kinds = self.kinds();
        let kind = if kinds.len() < MAX_KINDS || kinds.contains_key(kind) { kind } else { coarse };
        let Some(known) = kinds.get_mut(kind) else {
            kinds.insert(kind.to_owned(), Kind { since: Moment::now(), more: None });
            return Noted { record: event.id, now: Some(event) };
        };
        // The record describes the last event, under the id that was returned for the first.
        let (id, count) =
            known.more.as_ref().map_or((event.id, 0), |more| (more.id, more.count.unwrap_or(0)));
        known.more = Some(Event { id, count: Some(count.saturating_add(1)), ..event });
        Noted { record: id, now: None }
    }

    /// Takes the records whose time is over, or all of them.
    pub fn take(&self, all: bool) -> Vec<Event> {
        let mut due = Vec::new();
        self.kinds().retain(|_, kind| {
            if !all && kind.since.elapsed() < QUIET {
                return true;
            }
            let more = kind.more.take();
            // A kind that goes on is counted on.
            kind.since = Moment::now();
            let goes_on = more.is_some() && !all;
            due.extend(more);
            goes_on
        });
        due
    }

    /// Whether nothing is being counted.
    pub fn is_empty(&self) -> bool {
        self.kinds().is_empty()
    }

    fn kinds(&self) -> MutexGuard<'_, HashMap<String, Kind>> {
        lock(&self.kinds)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use wardkey_core::event::{EventName, Outcome};
    use wardkey_core::time::UnixTime;

    fn event(id: u8) -> Event {
        Event::new(
            EventId::new([id; 16]),
            UnixTime(u64::from(id)),
            EventName::Login,
            Outcome::Failure,
        )
    }

    #[test]
    fn the_first_is_recorded_at_once_and_the_others_are_counted_in_one_record() {
        let tally = Tally::default();
        assert_eq!(
            tally.note("a", "", event(1)),
            Noted { record: event(1).id, now: Some(event(1)) }
        );
        for id in 2..=4 {
            assert_eq!(tally.note("a", "", event(id)), Noted { record: event(2).id, now: None });
        }
        assert!(tally.note("b", "", event(9)).now.is_some(), "another kind");
        assert!(tally.take(false).is_empty(), "not yet");
        let due = tally.take(true);
        assert_eq!(due, [Event { id: event(2).id, count: Some(3), ..event(4) }]);
        assert!(tally.is_empty());
    }

    #[test]
    fn kinds_without_end_become_one() {
        let tally = Tally::default();
        let now = (0..2000)
            .filter(|n| tally.note(&n.to_string(), "many", event(1)).now.is_some())
            .count();
        assert_eq!(now, MAX_KINDS + 1);
        assert_eq!(
            tally.take(true).iter().filter_map(|event| event.count).sum::<u64>(),
            2000 - now as u64
        );
    }
}
