//! The terminal: joining, its state, and who is in its directory.

use minicbor::{Decode, Encode};

use crate::code::Code;
use crate::codec::{Bytes, List};
use crate::document::SignedRoot;
use crate::id::{Hash, TerminalId};
use crate::name::{DisplayText, LoginName, ScopeName};
use crate::policy::session::SessionRules;
use crate::time::UnixTime;

/// Where a page of people begins.
#[derive(Clone, Debug, Default, PartialEq, Encode, Decode)]
#[cbor(map)]
pub struct PeoplePage {
    /// Number of the terminal's scope, from 0.
    #[n(0)]
    pub scope: u8,
    /// SHA-256 of the login name after which it begins; none: from the first one on.
    #[n(1)]
    pub after: Option<Hash>,
}

/// People on one page.
pub const PEOPLE_PER_PAGE: usize = 1000;

/// A page of people: their names, and no more. Somebody of two scopes comes twice.
#[derive(Clone, Debug, PartialEq, Encode, Decode)]
#[cbor(map)]
pub struct People {
    /// Their login names, in the order of their hashes.
    #[n(0)]
    pub names: List<LoginName, PEOPLE_PER_PAGE>,
    /// The next page; none after the last one.
    #[n(1)]
    pub next: Option<PeoplePage>,
}

/// A way in without a key that has opened since the last look at this machine.
#[derive(Clone, Debug, PartialEq, Encode, Decode)]
#[cbor(map)]
pub struct WayIn {
    /// The code of the finding.
    #[n(0)]
    pub code: Code,
    /// What it is about: a service, a file, an account.
    #[n(1)]
    pub subject: String,
    /// Where: lines and answers.
    #[n(2)]
    pub detail: Option<String>,
    /// An administrator has accepted it, with this reason.
    #[n(3)]
    pub accepted: Option<String>,
}

/// State of the agent, for `wardkey status`.
#[derive(Clone, Debug, PartialEq, Encode, Decode)]
#[cbor(map)]
pub struct Status {
    /// Version of the agent.
    #[n(0)]
    pub version: String,
    /// The terminal, when joined.
    #[n(1)]
    pub terminal: Option<TerminalId>,
    /// Its name.
    #[n(2)]
    pub terminal_name: Option<DisplayText>,
    /// Address of the server.
    #[n(3)]
    pub server: Option<String>,
    /// Whether the last exchange with the server worked.
    #[n(4)]
    pub connected: bool,
    /// When it last worked.
    #[n(5)]
    pub last_contact: Option<UnixTime>,
    /// Why it does not.
    #[n(6)]
    pub last_error: Option<String>,
    /// The scopes.
    #[n(7)]
    pub scopes: List<ScopeStatus, 8>,
    /// Events not yet acknowledged by the server.
    #[n(8)]
    pub events_waiting: u64,
    /// Logins waiting for or using the key.
    #[n(9)]
    pub logins: u32,
    /// The agent's time (floor included).
    #[n(10)]
    pub now: UnixTime,
    /// Security keys that are plugged.
    #[n(11)]
    pub keys: u32,
    /// Records that are in memory only, as the disk takes nothing; `None` when it has all. Older
    /// agents do not say it.
    #[n(12)]
    pub in_memory: Option<u64>,
    /// Seconds that the clock is ahead of the server, when that is so much that what is signed
    /// looks expired.
    #[n(13)]
    pub clock_ahead: Option<u64>,
    /// Whether the server counts this terminal: not while it waits for approval, nor after it was
    /// revoked. Older agents do not say it.
    #[n(14)]
    pub active: Option<bool>,
    /// What the terminal's scopes say of sessions. Older agents do not say it.
    #[n(15)]
    pub sessions: Option<SessionRules>,
    /// What waits for each destination of records. Older agents do not say it.
    #[n(16)]
    pub destinations: Option<List<DestinationStatus, 16>>,
    /// The number of the sentence that says `last_error` in each language. Older agents do not say
    /// it.
    #[n(17)]
    pub last_code: Option<u16>,
    /// What the system said, in its own words.
    #[n(18)]
    pub last_system: Option<String>,
    /// What was seen of the server's log of records; none before anything was. Older agents do not
    /// look.
    #[n(29)]
    pub log: Option<LogStatus>,
}

/// What was seen of the server's log of records.
#[derive(Clone, Debug, PartialEq, Encode, Decode)]
#[cbor(map)]
pub struct LogStatus {
    /// Records in it.
    #[n(0)]
    pub size: Option<u64>,
    /// When the server showed last that it goes on from what was seen before.
    #[n(1)]
    pub time: Option<UnixTime>,
    /// A contradiction was found, and its evidence is still in the agent's folder.
    #[n(2)]
    pub is_contradicted: bool,
    /// The key by which this terminal cosigns, as a verifier key (C2SP signed-note).
    #[n(3)]
    pub key: Option<String>,
}

/// Records on their way to a destination.
#[derive(Clone, Debug, PartialEq, Encode, Decode)]
#[cbor(map)]
pub struct DestinationStatus {
    /// `syslog`, `server`, or the way and address of a collector.
    #[n(0)]
    pub name: String,
    /// Records that it lacks.
    #[n(1)]
    pub waiting: u64,
    /// When the oldest of them happened.
    #[n(2)]
    pub since: Option<UnixTime>,
    /// Why the last attempt failed; `None` when it did not.
    #[n(3)]
    pub last_error: Option<String>,
    /// When that was.
    #[n(4)]
    pub failed: Option<UnixTime>,
    /// The number of the sentence that says it in each language. Older agents do not say it.
    #[n(5)]
    pub code: Option<u16>,
    /// What the system said, in its own words.
    #[n(6)]
    pub system: Option<String>,
}

/// State of a scope.
#[derive(Clone, Debug, PartialEq, Encode, Decode)]
#[cbor(map)]
pub struct ScopeStatus {
    /// The scope.
    #[n(0)]
    pub scope: ScopeName,
    /// Epoch and sequence.
    #[n(1)]
    pub position: crate::document::Position,
    /// People.
    #[n(2)]
    pub people: u64,
    /// When the head was issued.
    #[n(3)]
    pub issued: UnixTime,
    /// When it expires.
    #[n(4)]
    pub expires: UnixTime,
}

/// Join a deployment.
#[derive(Clone, PartialEq, Encode, Decode)]
#[cbor(map)]
pub struct Join {
    /// Address of the server, `https://host:port`.
    #[n(0)]
    pub server: String,
    /// The join token.
    #[n(1)]
    pub token: String,
    /// Name of the terminal.
    #[n(2)]
    pub name: DisplayText,
    /// SHA-256 of the machine id: a cloned image is noticed.
    #[n(3)]
    pub machine: Hash,
    /// Leave the deployment that the terminal has joined, for another one. Only with a true value.
    #[n(4)]
    pub replace: Option<bool>,
}

impl std::fmt::Debug for Join {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Join({}, token redacted)", self.server)
    }
}

/// Joined.
#[derive(Clone, Debug, PartialEq, Encode, Decode)]
#[cbor(map)]
pub struct Joined {
    /// The terminal's id.
    #[n(0)]
    pub terminal: TerminalId,
    /// The root documents.
    #[n(1)]
    pub roots: List<SignedRoot, 16>,
    /// The terminal's signed document.
    #[n(2)]
    pub document: Bytes<4096>,
}
