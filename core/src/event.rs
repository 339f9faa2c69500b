//! Audit events, and their encoding for the server. `line` renders one for system logs.
//!
//! The schema is stable: fields are only added, and `schema` counts up when a meaning changes.
//! docs/AUDIT.md describes every field.

mod class;
mod format;
mod line;
mod name;
mod outcome;
mod severity;

pub use class::Class;
pub use format::Format;
pub use name::EventName;
pub use outcome::Outcome;
pub use severity::Severity;

use minicbor::{Decode, Encode};

use crate::code::Code;
use crate::codec::{Document, sha256};
use crate::id::{Aaguid, EventId, LoanId, PassId, TerminalId};
use crate::name::LoginName;
use crate::proof::assertion::Assertion;
use crate::proof::{ProofKind, SignedByCode};
use crate::time::UnixTime;

/// Version of the schema.
pub const SCHEMA: u32 = 1;

/// One audit event.
#[derive(Clone, Debug, PartialEq, Eq, Encode, Decode)]
#[cbor(map)]
pub struct Event {
    /// Unique, the same in every copy.
    #[n(0)]
    pub id: EventId,
    /// When, by the clock that cannot be set back.
    #[n(1)]
    pub time: UnixTime,
    /// Where.
    #[n(2)]
    pub terminal: Option<TerminalId>,
    /// What.
    #[n(3)]
    pub name: EventName,
    /// How it ended.
    #[n(4)]
    pub outcome: Outcome,
    /// Why, when refused.
    #[n(5)]
    pub reason: Option<Code>,
    /// Detail for the record.
    #[n(6)]
    pub detail: Option<String>,
    /// The person, when known.
    #[n(7)]
    pub person: Option<LoginName>,
    /// The Unix account; a name that nobody has is never recorded (it may be a PIN).
    #[n(8)]
    pub account: Option<LoginName>,
    /// PAM service.
    #[n(9)]
    pub service: Option<String>,
    /// Terminal line.
    #[n(10)]
    pub tty: Option<String>,
    /// logind's session.
    #[n(11)]
    pub session: Option<String>,
    /// logind's seat.
    #[n(12)]
    pub seat: Option<String>,
    /// Remote host.
    #[n(13)]
    pub rhost: Option<String>,
    /// Fingerprint of the credential (16 hexadecimal digits).
    #[n(14)]
    pub key: Option<String>,
    /// Model of the key.
    #[n(15)]
    pub model: Option<Aaguid>,
    /// Touched, as signed.
    #[n(16)]
    pub up: Option<bool>,
    /// PIN verified, as signed.
    #[n(17)]
    pub uv: Option<bool>,
    /// Signature counter.
    #[n(18)]
    pub counter: Option<u32>,
    /// Offline stage.
    #[n(19)]
    pub stage: Option<String>,
    /// Seconds since the oldest signed document was issued.
    #[n(20)]
    pub age: Option<u64>,
    /// What proves the login.
    #[n(21)]
    pub evidence: Option<Assertion>,
    /// uid of the process that asked.
    #[n(22)]
    pub peer_uid: Option<u32>,
    /// How many records this one stands for (records-lost, refused beginnings), or a running count
    /// (heartbeat).
    #[n(23)]
    pub count: Option<u64>,
    /// Seconds since the session began.
    #[n(24)]
    pub seconds: Option<u64>,
    /// By which proof somebody was let in.
    #[n(30)]
    pub proof: Option<ProofKind>,
    /// The pass that it is about.
    #[n(31)]
    pub pass: Option<PassId>,
    /// What proves a login by a pass.
    #[n(32)]
    pub signed_by_code: Option<SignedByCode>,
    /// The loan by which the person had the key, or that it is about.
    #[n(40)]
    pub loan: Option<LoanId>,
    /// Who vouched for the person: `evidence` is what the voucher's key signed then.
    #[n(60)]
    pub voucher: Option<LoginName>,
}

impl Document for Event {
    const DOMAIN: &'static str = "wardkey/event/1";
    const MAX_BYTES: usize = 16 * 1024;
    const GROWS: bool = false;
}

impl Event {
    /// An event with nothing but what every event has.
    pub fn new(id: EventId, time: UnixTime, name: EventName, outcome: Outcome) -> Self {
        Self {
            id,
            time,
            terminal: None,
            name,
            outcome,
            reason: None,
            detail: None,
            person: None,
            account: None,
            service: None,
            tty: None,
            session: None,
            seat: None,
            rhost: None,
            key: None,
            model: None,
            up: None,
            uv: None,
            counter: None,
            stage: None,
            age: None,
            evidence: None,
            peer_uid: None,
            count: None,
            seconds: None,
            proof: None,
            pass: None,
            signed_by_code: None,
            loan: None,
            voucher: None,
        }
    }

    /// Its syslog severity.
    pub const fn severity(&self) -> Severity {
        self.name.severity(self.outcome)
    }

    /// The ids by which both sides name an event, also one that they cannot read, such as one of a
    /// newer version: the id that it claims, when so much can be read, and the beginning of its
    /// hash.
    pub fn names(bytes: &[u8]) -> impl Iterator<Item = EventId> + use<> {
        claimed_id(bytes).into_iter().chain(std::iter::once(hash_id(bytes)))
    }
}

/// The id of an event of whatever version: the first field of its map.
fn claimed_id(bytes: &[u8]) -> Option<EventId> {
    let mut d = minicbor::Decoder::new(bytes);
    let is_event = d.array().ok()? == Some(2) && d.str().ok()?.starts_with("wardkey/event/");
    let has_id = is_event && d.map().ok()? != Some(0) && d.u32().ok()? == 0;
    if has_id { d.decode().ok() } else { None }
}

fn hash_id(bytes: &[u8]) -> EventId {
    let mut id = [0; EventId::LEN];
    id.iter_mut().zip(sha256(bytes).as_bytes()).for_each(|(to, from)| *to = *from);
    EventId::new(id)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_event_that_cannot_be_read_is_named_by_its_claimed_id_and_its_hash() {
        let event =
            Event::new(EventId::new([7; 16]), UnixTime(5), EventName::Heartbeat, Outcome::Success);
        let good = crate::codec::to_bytes(&event);
        assert_eq!(Event::names(&good).collect::<Vec<_>>(), [event.id, hash_id(&good)]);

        // One of a later version: a name of an event that there is not yet.
        let mut later = good.clone();
        let at = later.windows(2).rposition(|pair| pair == [0x03, 0x02]).unwrap() + 1;
        later.splice(at..=at, [0x18, 200]);
        assert!(crate::codec::from_bytes::<Event>(&later).is_err());
        assert_eq!(Event::names(&later).collect::<Vec<_>>(), [event.id, hash_id(&later)]);

        for junk in [&b""[..], b"x", &good[..20], &[0x82, 0x60, 0xa0]] {
            assert_eq!(Event::names(junk).collect::<Vec<_>>(), [hash_id(junk)], "{junk:?}");
        }
    }
}
