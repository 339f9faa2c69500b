//! What was signed about a login, beside what its event says.

use wardkey_core::client_data::ClientData;
use wardkey_core::event::{Event, Outcome};
use wardkey_core::id::TerminalId;
use wardkey_core::name::LoginName;

/// Seconds between a login's signed time and its record: challenge, touch, and two readings of a
/// clock.
pub const RECORDED_WITHIN: u64 = 300;

/// Whether what was signed is what the event says.
pub fn matches(
    evidence: &[u8],
    event: &Event,
    terminal: &TerminalId,
    person: &LoginName,
) -> Result<(), &'static str> {
    let data = ClientData::from_bytes(evidence).map_err(|_| "the client data is malformed")?;
    if data.terminal != *terminal {
        return Err("signed for another terminal");
    }
    if event.person.as_ref() != Some(&data.person) || *person != data.person {
        return Err("signed by another person");
    }
    if event.account.as_ref() != Some(&data.account) {
        return Err("signed for another account");
    }
    if event.service.as_deref().is_some_and(|service| service != data.service.as_str()) {
        return Err("signed for another service");
    }
    let success = event.name.is_login() && event.outcome == Outcome::Success;
    // The time is signed too: a genuine login cannot be moved to another day.
    if success && event.time.0.abs_diff(data.time.0) > RECORDED_WITHIN {
        return Err("signed at another time");
    }
    if success && event.id != data.event_id() {
        return Err("the event id is not that of the client data");
    }
    Ok(())
}
