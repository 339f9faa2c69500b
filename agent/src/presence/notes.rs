//! What of a session becomes a record.

use wardkey_core::code::Code;
use wardkey_core::event::{EventName, Outcome};

use super::desk::{Act, Desk, Note, Opened};

/// A record.
pub(super) fn note(row: &Opened, name: EventName, outcome: Outcome, reason: Option<Code>) -> Act {
    let row = row.clone();
    Act::Record(Box::new(Note { name, outcome, reason, detail: None, row, is_beginning: false }))
}

/// A session should have been locked or ended, and was not.
pub(super) fn not_locked(row: &Opened, reason: Code, detail: Option<String>) -> Act {
    let (name, outcome, row) = (EventName::SessionNotLocked, Outcome::Failure, row.clone());
    let reason = Some(reason);
    Act::Record(Box::new(Note { name, outcome, reason, detail, row, is_beginning: false }))
}

/// The record of the beginning, unless there is one.
pub(super) fn begun(row: &Opened) -> Option<Act> {
    let (name, outcome) = (EventName::SessionStarted, Outcome::Success);
    (!row.is_recorded).then(|| {
        let row = row.clone();
        let (reason, detail) = (None, None);
        Act::Record(Box::new(Note { name, outcome, reason, detail, row, is_beginning: true }))
    })
}

/// Records the beginning, once.
pub(super) fn record_beginning(desk: &mut Desk) -> Vec<Act> {
    let Some(record) = begun(&desk.row) else { return Vec::new() };
    desk.row.is_recorded = true;
    vec![record, Act::Save(desk.row.clone())]
}
