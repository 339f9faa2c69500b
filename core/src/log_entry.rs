//! What an entry of the log of records says: one event, as it came, and what the server made of it.

use minicbor::{Decode, Encode};

use crate::codec::{Bytes, Document};
use crate::event::{Class, Event};
use crate::id::TerminalId;
use crate::time::UnixTime;

/// What verifying the evidence of an event found.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Encode, Decode)]
#[cbor(index_only)]
pub enum Finding {
    /// There was nothing to verify.
    #[n(0)]
    None,
    /// The evidence holds.
    #[n(1)]
    Valid,
    /// It does not hold.
    #[n(2)]
    Invalid,
}

/// An entry of the log. Its bytes are what is hashed: docs/FORMATS.md.
#[derive(Clone, Debug, PartialEq, Eq, Encode, Decode)]
#[cbor(map)]
pub struct LogEntry {
    /// The number of the event at the server (`seq`); each is greater than the one before.
    #[n(0)]
    pub number: u64,
    /// When it arrived.
    #[n(1)]
    pub received: UnixTime,
    /// The terminal that sent it, by its certificate.
    #[n(2)]
    pub terminal: TerminalId,
    /// What verifying its evidence found then.
    #[n(3)]
    pub finding: Finding,
    /// The event as the terminal sent it (`wardkey/event/1`).
    #[n(4)]
    pub event: Bytes<{ Event::MAX_BYTES }>,
}

impl LogEntry {
    /// The class of its record, which is this event.
    pub fn class(&self, event: &Event) -> Class {
        Class::of(event.name, self.finding == Finding::Invalid)
    }
}

impl Document for LogEntry {
    const DOMAIN: &'static str = "wardkey/log-entry/1";
    const MAX_BYTES: usize = Event::MAX_BYTES + 256;
    const GROWS: bool = false;
}
