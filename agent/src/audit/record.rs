//! Making records, and handing them to the spool.

use std::time::Duration;

use wardkey_core::code::{Code, Denial};
use wardkey_core::event::{Event, EventName, Outcome};
use wardkey_core::id::EventId;
use wardkey_core::name::printable;

use crate::agent::Agent;
use crate::log;
use crate::random::fresh_id;

/// The same refusal of what the server sent is recorded once in this time.
const REFUSED_AGAIN: Duration = Duration::from_secs(3600);

impl Agent {
    /// A new event with a fresh id, the time and the terminal.
    pub fn event(&self, name: EventName, outcome: Outcome) -> Event {
        let mut event = Event::new(fresh_id(), self.clock.now(), name, outcome);
        event.terminal = self.identity().map(|identity| identity.terminal);
        event
    }

    /// Records events and wakes those who carry them.
    pub fn record(&self, events: Vec<Event>) {
        if events.is_empty() {
            return;
        }
        self.state.append(events);
        self.wake_carriers();
    }

    /// Records an event of a kind that somebody could cause without end: the first at once, those
    /// of the next half minute as one. Says in which record it stands.
    pub fn record_counted(&self, kind: &str, coarse: &str, event: Event) -> EventId {
        let noted = self.tally.note(kind, coarse, event);
        self.record(noted.now.into_iter().collect());
        noted.record
    }

    /// Wakes those who carry records to the destinations.
    pub fn wake_carriers(&self) {
        self.outlets.wake_all();
        self.wake_upkeep.wake();
    }

    /// Records that something from the server was refused.
    pub fn record_refused(&self, denial: &Denial) {
        if !self.is_due(&format!("refused {}", denial.code), REFUSED_AGAIN) {
            return;
        }
        log::warning(format_args!("refused what the server sent: {denial}"));
        let mut event = self.event(EventName::DirectoryRefused, Outcome::Failure);
        event.reason = Some(denial.code);
        event.detail = Some(printable(&denial.detail, 200));
        self.record(vec![event]);
    }

    /// Records files that were set aside.
    pub fn note_set_aside(&self) {
        let state = self
            .state
            .take_set_aside()
            .into_iter()
            .map(|path| (path, "counters and records begin anew"));
        let directory =
            self.directory.db.take_set_aside().into_iter().map(|path| (path, "fetched again"));
        let events = state
            .chain(directory)
            .map(|(path, what)| {
                let mut event = self.event(EventName::StateSetAside, Outcome::Failure);
                event.reason = Some(Code::CacheSetAside);
                let name = path.file_name().unwrap_or_default().to_string_lossy().into_owned();
                event.detail = Some(format!("{name}: {what}"));
                event
            })
            .collect();
        self.record(events);
    }
}
