//! Audit events: one line of key=value pairs for syslog, one CBOR document for the server.
//!
//! The schema is stable: fields are only added, and `schema` counts up when a meaning changes.
//! docs/AUDIT.md describes every field.

use std::fmt::Write;

use minicbor::{Decode, Encode};

use crate::assertion::Assertion;
use crate::code::Code;
use crate::codec::{Document, sha256};
use crate::id::{Aaguid, EventId, TerminalId};
use crate::name::{LoginName, printable};
use crate::time::UnixTime;

/// Version of the schema.
pub const SCHEMA: u32 = 1;

/// What happened.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Encode, Decode)]
#[cbor(index_only)]
pub enum EventName {
    /// A login was decided.
    #[n(0)]
    Login,
    /// An account was checked without a login of the same handle.
    #[n(1)]
    Account,
    /// The agent is alive.
    #[n(2)]
    Heartbeat,
    /// The agent has started.
    #[n(3)]
    AgentStarted,
    /// The agent stops.
    #[n(4)]
    AgentStopped,
    /// A scope, the terminal document or the root was updated.
    #[n(5)]
    Synced,
    /// The server cannot be reached any longer.
    #[n(6)]
    Offline,
    /// The server can be reached again.
    #[n(7)]
    Online,
    /// Something older than before, or a fork, was offered and refused.
    #[n(8)]
    DirectoryRefused,
    /// Refused for a time after failures.
    #[n(9)]
    LockedOut,
    /// A signature counter went backwards.
    #[n(10)]
    CloneSuspected,
    /// Records had to be given up.
    #[n(11)]
    RecordsLost,
    /// The cache or state was unreadable and was set aside.
    #[n(12)]
    StateSetAside,
    /// The terminal joined.
    #[n(13)]
    Joined,
    /// A key was enrolled at this terminal.
    #[n(14)]
    Enrolled,
    /// The clock is behind the greatest signed time.
    #[n(15)]
    ClockWrong,
    /// A key was plugged or unplugged.
    #[n(16)]
    KeyChanged,
    /// A device claimed to be a registered key and did not prove it.
    #[n(17)]
    DeviceSuspected,
    /// The module let somebody in and could not write its marks.
    #[n(18)]
    MarksNotRaised,
    /// A way in without a key has opened, or was accepted, on this machine.
    #[n(24)]
    WayIn = 24,
}

impl EventName {
    /// The word in records; with it stands the stable event code.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Login => "login",
            Self::Account => "account",
            Self::Heartbeat => "heartbeat",
            Self::AgentStarted => "agent-started",
            Self::AgentStopped => "agent-stopped",
            Self::Synced => "synced",
            Self::Offline => "offline",
            Self::Online => "online",
            Self::DirectoryRefused => "directory-refused",
            Self::LockedOut => "locked-out",
            Self::CloneSuspected => "clone-suspected",
            Self::RecordsLost => "records-lost",
            Self::StateSetAside => "state-set-aside",
            Self::Joined => "joined",
            Self::Enrolled => "enrolled",
            Self::ClockWrong => "clock-wrong",
            Self::KeyChanged => "key-changed",
            Self::DeviceSuspected => "device-suspected",
            Self::WayIn => "way-in",
            Self::MarksNotRaised => "marks-not-raised",
        }
    }

    /// The stable number of the event in records (`code=WE-01`).
    pub const fn number(self) -> u8 {
        self as u8 + 1
    }

    /// Syslog severity (RFC 5424, 6.2.1) for an outcome.
    pub const fn severity(self, outcome: Outcome) -> Severity {
        match (self, outcome) {
            (Self::CloneSuspected | Self::RecordsLost | Self::StateSetAside | Self::MarksNotRaised, _) => {
                Severity::Error
            }
            (Self::DirectoryRefused | Self::LockedOut | Self::ClockWrong | Self::DeviceSuspected | Self::WayIn, _) => {
                Severity::Warning
            }
            (_, Outcome::Failure) => Severity::Notice,
            (Self::Heartbeat | Self::Synced | Self::KeyChanged, _) => Severity::Info,
            _ => Severity::Notice,
        }
    }
}

/// Syslog severities that we use.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Severity {
    /// 3
    Error,
    /// 4
    Warning,
    /// 5
    Notice,
    /// 6
    Info,
}

/// How it ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Encode, Decode)]
#[cbor(index_only)]
pub enum Outcome {
    /// As asked.
    #[n(0)]
    Success,
    /// Refused or failed.
    #[n(1)]
    Failure,
}

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
    /// How many records this one stands for (records-lost, refused beginnings), or a running count (heartbeat).
    #[n(23)]
    pub count: Option<u64>,
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
        }
    }

    /// The ids by which both sides name an event, also one that they cannot read, such as one of a
    /// newer version: the id that it claims, when so much can be read, and the beginning of its hash.
    pub fn names(bytes: &[u8]) -> impl Iterator<Item = EventId> + use<> {
        claimed_id(bytes).into_iter().chain(std::iter::once(hash_id(bytes)))
    }

    /// Its syslog severity.
    pub const fn severity(&self) -> Severity {
        self.name.severity(self.outcome)
    }

    /// One line of key=value pairs in a fixed order; absent fields are left out. Values have no
    /// space, quote, backslash, bracket, equals sign or unprintable character.
    pub fn to_line(&self) -> String {
        let mut line = format!(
            "schema={SCHEMA} id={} time={} event={} code=WE-{:02} outcome={}",
            self.id,
            self.time.0,
            self.name.as_str(),
            self.name.number(),
            match self.outcome {
                Outcome::Success => "success",
                Outcome::Failure => "failure",
            }
        );
        let mut field = |name: &str, value: Option<String>| {
            if let Some(value) = value {
                // Writing to a String cannot fail.
                let _ = write!(line, " {name}={}", plain_value(&value));
            }
        };
        field("reason", self.reason.map(|code| code.to_string()));
        field("detail", self.detail.clone());
        field("person", self.person.as_ref().map(ToString::to_string));
        field("account", self.account.as_ref().map(ToString::to_string));
        field("service", self.service.clone());
        field("tty", self.tty.clone());
        field("session", self.session.clone());
        field("seat", self.seat.clone());
        field("rhost", self.rhost.clone());
        field("key", self.key.clone());
        field("model", self.model.map(|model| model.to_hex()));
        field("up", self.up.map(|up| u8::from(up).to_string()));
        field("uv", self.uv.map(|uv| u8::from(uv).to_string()));
        field("counter", self.counter.map(|counter| counter.to_string()));
        field("stage", self.stage.clone());
        field("age", self.age.map(|age| age.to_string()));
        field("uid", self.peer_uid.map(|uid| uid.to_string()));
        field("count", self.count.map(|count| count.to_string()));
        field("evidence", self.evidence.as_ref().map(|_| "signed".to_owned()));
        field("terminal", self.terminal.map(|terminal| terminal.to_hex()));
        line
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

/// A value that no parser of key=value lines takes for anything else (log injection).
fn plain_value(value: &str) -> String {
    let value: String = printable(value, 256)
        .chars()
        .map(|c| match c {
            ' ' => '_',
            '"' | '\\' | '[' | ']' | '=' | '\'' | '`' => '?',
            c => c,
        })
        .collect();
    if value.is_empty() { "-".into() } else { value }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_event_that_cannot_be_read_is_named_by_its_claimed_id_and_its_hash() {
        let event = Event::new(EventId::new([7; 16]), UnixTime(5), EventName::Heartbeat, Outcome::Success);
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

    #[test]
    fn lesson_log_injection_no_value_breaks_out_of_its_field() {
        let mut event = Event::new(EventId::new([1; 16]), UnixTime(5), EventName::Login, Outcome::Failure);
        event.tty = Some("tty1\nevil outcome=success \"x\\] \u{202e}".into());
        event.reason = Some(Code::PinWrong);
        assert_eq!(
            event.to_line(),
            "schema=1 id=01010101010101010101010101010101 time=5 event=login code=WE-01 outcome=failure \
             reason=WK-1203 tty=tty1?evil_outcome?success_?x??_?"
        );
    }
}
