//! What a terminal sent as an event.

use wardkey_core::codec;
use wardkey_core::event::Event;
use wardkey_core::id::{EventId, TerminalId};

/// Why an event is not taken, and every name under which the terminal may know it.
#[derive(Debug)]
pub struct NotTaken {
    /// Ids, for the answer.
    pub names: Vec<EventId>,
    /// For administrators.
    pub reason: String,
}

/// An event of this terminal. One that cannot be read is named by every id that a terminal of
/// whatever version may know it by.
pub fn decode(bytes: &[u8], terminal: &TerminalId) -> Result<Event, NotTaken> {
    let event: Event = codec::from_bytes(bytes).map_err(|error| NotTaken {
        names: Event::names(bytes).collect(),
        reason: error.to_string(),
    })?;

    // What an agent recorded before it joined names no terminal; a login always does.
    let proves_nothing = event.evidence.is_none() && event.signed_by_code.is_none();
    let before_joining = event.terminal.is_none() && proves_nothing && !event.name.is_login();
    if event.terminal != Some(*terminal) && !before_joining {
        let reason = "the event is of another terminal".into();
        return Err(NotTaken { names: vec![event.id], reason });
    }
    Ok(event)
}
