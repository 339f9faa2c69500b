//! The evidence of an event: what a key or a code signed, verified against what the event says. By
//! the server when the record arrives, and by whoever audits it later.

use crate::client_data::ClientData;
use crate::code::Denial;
use crate::event::{Event, EventName, Outcome};
use crate::id::TerminalId;
use crate::log_keys::ListedPass;
use crate::name::LoginName;
use crate::person::CredentialRecord;
use crate::proof::SignedByCode;
use crate::proof::assertion::{Assertion, AuthenticatorData};

/// Seconds between a login's signed time and its record: challenge, touch, and two readings of a
/// clock.
pub const RECORDED_WITHIN: u64 = 300;

/// Why the evidence of an event does not hold.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Unproven {
    /// A success that nothing proves.
    #[error("a login without evidence")]
    Nothing,
    /// Passes are shown by their codes.
    #[error("a login by a pass that a key signed")]
    PassByKey,
    /// The event names another pass, or none.
    #[error("signed by the code of another pass")]
    OtherPass,
    /// What was signed cannot be read.
    #[error("the client data is malformed")]
    ClientData,
    /// It names another terminal.
    #[error("signed for another terminal")]
    Terminal,
    /// It names another person, or the key is somebody else's.
    #[error("signed by another person")]
    Person,
    /// It names another account.
    #[error("signed for another account")]
    Account,
    /// It names another service.
    #[error("signed for another service")]
    Service,
    /// It names another time.
    #[error("signed at another time")]
    Time,
    /// The event has another id.
    #[error("the event id is not that of the client data")]
    EventId,
    /// The event has another counter.
    #[error("the counter is not the signed one")]
    Counter,
    /// The pass was not valid at the time of the event.
    #[error("the pass was not valid then")]
    PassTime,
    /// The pass is for one terminal, another one than this.
    #[error("the pass is for another terminal")]
    PassTerminal,
    /// The signature, or what the key says of itself.
    #[error("{0}")]
    Signature(Denial),
}

/// Whether an event says that somebody was let in.
pub fn claims_success(event: &Event) -> bool {
    event.name.is_login() && event.outcome == Outcome::Success
}

/// Verifies what a key signed; what it says of itself. `person` is whose key it is.
///
/// # Errors
/// [`Unproven`].
pub fn by_key(
    event: &Event,
    evidence: &Assertion,
    terminal: &TerminalId,
    (person, key): (&LoginName, &CredentialRecord),
) -> Result<AuthenticatorData, Unproven> {
    if event.name == EventName::PassLogin {
        return Err(Unproven::PassByKey);
    }
    matches(evidence.client_data.as_slice(), event, terminal, person)?;
    let facts = evidence.verify(key).map_err(Unproven::Signature)?;
    if event.counter.is_some_and(|counter| counter != facts.counter) {
        return Err(Unproven::Counter);
    }
    Ok(facts)
}

/// Verifies what the code of a pass signed.
///
/// # Errors
/// [`Unproven`].
pub fn by_code(
    event: &Event,
    signed: &SignedByCode,
    terminal: &TerminalId,
    pass: &ListedPass,
) -> Result<(), Unproven> {
    names_its_pass(event, signed)?;
    matches(signed.client_data.as_slice(), event, terminal, &pass.person)?;
    signed.verify_with(&pass.id, &pass.key).map_err(Unproven::Signature)?;
    if event.time < pass.from || event.time >= pass.until {
        return Err(Unproven::PassTime);
    }
    if pass.terminal.is_some_and(|place| place != *terminal) {
        return Err(Unproven::PassTerminal);
    }
    Ok(())
}

/// Whether it is a login by the pass whose code signed.
///
/// # Errors
/// [`Unproven::OtherPass`].
pub fn names_its_pass(event: &Event, signed: &SignedByCode) -> Result<(), Unproven> {
    if event.name == EventName::PassLogin && event.pass == Some(signed.pass) {
        return Ok(());
    }
    Err(Unproven::OtherPass)
}

/// Whether what was signed is what the event says.
fn matches(
    evidence: &[u8],
    event: &Event,
    terminal: &TerminalId,
    person: &LoginName,
) -> Result<(), Unproven> {
    let data = ClientData::from_bytes(evidence).map_err(|_| Unproven::ClientData)?;
    if data.terminal != *terminal {
        return Err(Unproven::Terminal);
    }
    if event.person.as_ref() != Some(&data.person) || *person != data.person {
        return Err(Unproven::Person);
    }
    if event.account.as_ref() != Some(&data.account) {
        return Err(Unproven::Account);
    }
    if event.service.as_deref().is_some_and(|service| service != data.service.as_str()) {
        return Err(Unproven::Service);
    }
    let success = claims_success(event);
    // The time is signed too: a genuine login cannot be moved to another day.
    if success && event.time.0.abs_diff(data.time.0) > RECORDED_WITHIN {
        return Err(Unproven::Time);
    }
    if success && event.id != data.event_id() {
        return Err(Unproven::EventId);
    }
    Ok(())
}
