//! What is recorded of a login before anything is proven.

use wardkey_core::codec;
use wardkey_core::event::{Event, EventName, Outcome};
use wardkey_core::id::Hash;
use wardkey_core::message::agent::Begin;
use wardkey_core::name::printable;

use crate::agent::Agent;
use crate::login::authorise::Caller;

/// Whether nobody logs in, and the PIN of a key is to be changed.
pub fn is_pin_change(login: &Begin) -> bool {
    login.changes_pin == Some(true)
}

/// The event of a login that failed, until something is proven.
pub fn base(agent: &Agent, login: &Begin, caller: Option<&Caller>, uid: u32) -> Event {
    // Only root's module changes PINs.
    let is_change = uid == 0 && is_pin_change(login);
    let name = if is_change { EventName::PinChange } else { EventName::Login };
    let mut event = agent.event(name, Outcome::Failure);
    let session = caller.and_then(|caller| caller.place.session.as_ref());
    event.service = Some(login.service.as_str().to_owned());
    event.tty = login.tty.as_deref().map(|tty| printable(tty, 64));
    event.rhost = login.rhost.as_deref().map(|rhost| printable(rhost, 128));
    event.session = session.map(|session| printable(&session.id, 32));
    event.seat =
        session.and_then(|session| session.seat.as_deref()).map(|seat| printable(seat, 32));
    event.peer_uid = Some(uid);
    event
}

/// A digest of parts that cannot be taken for one another.
pub fn digest(parts: &[&[u8]]) -> Hash {
    let mut all = b"wardkey/outcome/1".to_vec();
    for part in parts {
        all.extend_from_slice(&(part.len() as u64).to_be_bytes());
        all.extend_from_slice(part);
    }
    codec::sha256(&all)
}
