//! What the module and the command line say to the agent, and its answers.

use minicbor::{Decode, Encode};

use crate::code::Code;
use crate::codec::{Bytes, List};
use crate::document::SignedRoot;
use crate::id::{CredentialId, EventId, Hash, Nonce, TerminalId};
use crate::name::{DisplayText, Language, LoginName, RpId, ScopeName, ServiceName};
use crate::proof::assertion::Assertion;
use crate::proof::identification::SilentAssertion;
use crate::server_time::SignedTime;
use crate::snapshot::Evidence;
use crate::time::UnixTime;

/// A request; one connection carries one login, or any number of the others.
#[derive(Clone, Debug, PartialEq, Encode, Decode)]
pub enum Request {
    /// A login begins. Answers: [`Reply::Wait`] any number of times, then [`Reply::Granted`] or
    /// [`Reply::Refused`]. After `Granted` the agent may still send `Wait` while no PIN was sent: the
    /// key goes to another login; the module lets go of it and waits for `Granted` again.
    #[n(0)]
    Begin(#[n(0)] Begin),
    /// Evidence for the person whose key was found (shared accounts). Answer: [`Reply::Granted`] or `Refused`.
    #[n(1)]
    Prove(#[n(0)] LoginName),
    /// The key is about to get a PIN: from here on the login keeps the key. Answer: [`Reply::Held`] or `Wait`.
    #[n(2)]
    Hold,
    /// How the login ended. Answer: [`Reply::Recorded`] or [`Reply::Refused`]. May be sent again, also on a
    /// new connection: the event of an assertion is recorded once.
    #[n(3)]
    Outcome(#[n(0)] Box<LoginOutcome>),
    /// The account phase without a login of the same handle. Answer: [`Reply::Granted`] or `Refused`.
    #[n(4)]
    Account(#[n(0)] Begin),
    /// State of the agent. Answer: [`Reply::Status`].
    #[n(5)]
    Status,
    /// Synchronise now (root). Answer: [`Reply::Synced`] or `Refused`.
    #[n(6)]
    Sync,
    /// Join a deployment (root). Answer: [`Reply::Joined`] or `Refused`.
    #[n(7)]
    Join(#[n(0)] Join),
    /// Begin to enrol a key with a one-time code. Answer: [`Reply::Enrolment`] or `Refused`.
    #[n(8)]
    EnrolBegin(#[n(0)] EnrolBegin),
    /// The registration that the key made. Answer: [`Reply::Enrolled`] or `Refused`.
    #[n(9)]
    EnrolFinish(#[n(0)] EnrolFinish),
    /// A page of the names of the directory's people (root). Answer: [`Reply::People`] or `Refused`.
    #[n(20)]
    People(#[n(0)] PeoplePage),
    /// A way in without a key has opened on this machine (root). Answer: [`Reply::Recorded`] or `Refused`.
    #[n(21)]
    WayIn(#[n(0)] WayIn),
    /// The next page of who may use the shared account of this login, from [`Grant::more`] or
    /// [`Candidates::more`]. Answer: [`Reply::Candidates`], `Wait` or `Refused`.
    #[n(22)]
    Candidates(#[n(0)] CandidatePage),
    /// The server's time, signed over this challenge. Answer: [`Reply::Time`] or `Refused`.
    #[n(23)]
    Time(#[n(0)] Nonce),
}

/// A login, as the module states it. The agent derives seat and session from the peer.
#[derive(Clone, Debug, PartialEq, Encode, Decode)]
#[cbor(map)]
pub struct Begin {
    /// [`super::PROTOCOL`].
    #[n(0)]
    pub protocol: u16,
    /// The account; `None` when what was typed cannot be a login name (it is asked like an unknown one).
    #[n(1)]
    pub account: Option<LoginName>,
    /// PAM service.
    #[n(2)]
    pub service: ServiceName,
    /// PAM_TTY.
    #[n(3)]
    pub tty: Option<String>,
    /// PAM_RHOST.
    #[n(4)]
    pub rhost: Option<String>,
    /// Uid of who started the application, `None` for one that the system started. Believed of root only:
    /// the agent cannot see it. Older modules do not say it.
    #[n(5)]
    pub invoker: Option<u32>,
    /// True: the module asks for the server's time where the clock makes the directory look old, so the agent
    /// need not refuse for a clock that is ahead. Older modules do not say it.
    #[n(6)]
    pub asks_time: Option<bool>,
}

/// How a login ended, told by the module.
#[derive(Clone, Debug, PartialEq, Encode, Decode)]
#[cbor(map)]
pub struct LoginOutcome {
    /// As in [`Begin`]; an outcome stands on its own.
    #[n(0)]
    pub login: Begin,
    /// Id that the module gave this attempt; for a success the agent uses the one of the client data.
    #[n(1)]
    pub attempt: EventId,
    /// The person, when a key proved who it is.
    #[n(2)]
    pub person: Option<LoginName>,
    /// The credential of that key.
    #[n(3)]
    pub credential: Option<CredentialId>,
    /// What came of it.
    #[n(4)]
    pub result: LoginResult,
    /// What proves person and credential: without it a failure counts against nobody.
    #[n(5)]
    pub proof: Option<SilentAssertion>,
    /// Devices that claimed to be a registered key and did not prove it.
    #[n(6)]
    pub suspects: Option<List<Suspect, MAX_SUSPECTS>>,
}

/// Devices that one login names.
pub const MAX_SUSPECTS: usize = 4;

/// A device that claimed a credential and did not prove it.
#[derive(Clone, Debug, PartialEq, Encode, Decode)]
#[cbor(map)]
pub struct Suspect {
    /// USB vendor.
    #[n(0)]
    pub vendor: u16,
    /// USB product.
    #[n(1)]
    pub product: u16,
    /// Device node.
    #[n(2)]
    pub path: String,
    /// Name that it gives itself, printable.
    #[n(3)]
    pub name: String,
    /// What does not hold.
    #[n(4)]
    pub why: String,
}

/// What came of a login.
#[derive(Clone, Debug, PartialEq, Encode, Decode)]
pub enum LoginResult {
    /// The module decided to let the person in; this proves it.
    #[n(0)]
    Success(#[n(0)] Assertion),
    /// It did not.
    #[n(1)]
    Failure(#[n(0)] Failure),
}

/// Why a login failed.
#[derive(Clone, Debug, PartialEq, Encode, Decode)]
#[cbor(map)]
pub struct Failure {
    /// The code.
    #[n(0)]
    pub code: Code,
    /// Detail for the record; never anything that was typed.
    #[n(1)]
    pub detail: Option<String>,
    /// Tries that the key has left, when it said so.
    #[n(2)]
    pub tries_left: Option<u8>,
}

impl Failure {
    /// Whether it counts towards the lock-out of the key that proved itself: a wrong secret or signature, not an
    /// absent one, nor a name that is not the key's, for which no secret was tried.
    pub const fn counts(&self) -> bool {
        matches!(
            self.code,
            Code::PinWrong
                | Code::PinBlocked
                | Code::PinBlockedUntilReplug
                | Code::AssertionSignature
                | Code::UserVerificationMissing
                | Code::UserPresenceMissing
                | Code::BackupFlags
                | Code::UserHandleMismatch
                | Code::RpIdMismatch
                | Code::CounterRegressed
                | Code::Replayed
        )
    }
}

/// The agent's answers.
#[derive(Clone, Debug, PartialEq, Encode, Decode)]
pub enum Reply {
    /// Another login at this terminal has the key.
    #[n(0)]
    Wait,
    /// Go on: what the agent knows, all of it to be checked.
    #[n(1)]
    Granted(#[n(0)] Box<Grant>),
    /// The key is this login's until its outcome.
    #[n(2)]
    Held,
    /// Refused.
    #[n(3)]
    Refused(#[n(0)] Refusal),
    /// The outcome is recorded: durably, unless the second field is true. Then the disk takes nothing, and
    /// record, counters and lock-out are in memory only. Older modules pass over it.
    #[n(4)]
    Recorded(#[n(0)] EventId, #[n(1)] Option<bool>),
    /// State of the agent.
    #[n(5)]
    Status(#[n(0)] Box<Status>),
    /// Synchronised.
    #[n(6)]
    Synced(#[n(0)] List<ScopeStatus, 8>),
    /// Joined: what the command line checks against the token before it writes the trust anchor.
    #[n(7)]
    Joined(#[n(0)] Box<Joined>),
    /// What the key is asked to make.
    #[n(8)]
    Enrolment(#[n(0)] Box<Enrolment>),
    /// The key is enrolled.
    #[n(9)]
    Enrolled(#[n(0)] Enrolled),
    /// Names of the directory's people.
    #[n(20)]
    People(#[n(0)] Box<People>),
    /// A page of who may use a shared account.
    #[n(21)]
    Candidates(#[n(0)] Box<Candidates>),
    /// The server's time, signed ([`crate::server_time::ServerTime`]).
    #[n(22)]
    Time(#[n(0)] SignedTime),
}

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

/// A refusal.
#[derive(Clone, Debug, PartialEq, Encode, Decode)]
#[cbor(map)]
pub struct Refusal {
    /// The code.
    #[n(0)]
    pub code: Code,
    /// Detail for administrators.
    #[n(1)]
    pub detail: Option<String>,
    /// Seconds until it is worth trying again.
    #[n(2)]
    pub retry_after: Option<u64>,
    /// The record of it; of several refusals of a kind within half a minute, the one record that counts them.
    #[n(3)]
    pub record: Option<EventId>,
}

/// What a login may use.
#[derive(Clone, Debug, PartialEq, Encode, Decode)]
#[cbor(map)]
pub struct Grant {
    /// Evidence for the person of the account (or its proven absence). For a shared account: for the
    /// account's own name, to show that policy shares it; the person's follows by [`Request::Prove`].
    #[n(0)]
    pub evidence: Option<Evidence>,
    /// For a shared account, who may be meant: credential ids to ask the key for. Not proven; a wrong
    /// list only leads to a person whose proof fails. Who was seen at this terminal comes first.
    #[n(1)]
    pub candidates: List<Candidate, CANDIDATES_PER_PAGE>,
    /// Credentials of the person that are locked out after failures: refused once the key proved that it
    /// holds one of them. Other keys of the person are not concerned.
    #[n(2)]
    pub locked: Option<List<Locked, 64>>,
    /// For a name that nobody has: ids to ask a key for in place of a person's, the same ones each time.
    #[n(3)]
    pub decoys: Option<List<CredentialId, 32>>,
    /// Where the next page of candidates begins; none when these are all. Older agents have one page.
    #[n(4)]
    pub more: Option<CandidatePage>,
    /// True: the agent answers [`Request::Time`]. Older agents do not.
    #[n(5)]
    pub answers_time: Option<bool>,
}

/// Credentials on one page of candidates.
pub const CANDIDATES_PER_PAGE: usize = 512;

/// Where a page of candidates begins: after this person.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Encode, Decode)]
#[cbor(map)]
pub struct CandidatePage {
    /// Whether the person was never seen at this terminal; these come after the others.
    #[n(0)]
    pub unseen: bool,
    /// SHA-256 of the person's login name.
    #[n(1)]
    pub after: Hash,
}

/// A page of who may use a shared account, as in [`Grant::candidates`].
#[derive(Clone, Debug, PartialEq, Encode, Decode)]
#[cbor(map)]
pub struct Candidates {
    /// The candidates.
    #[n(0)]
    pub candidates: List<Candidate, CANDIDATES_PER_PAGE>,
    /// Where the next page begins; none after the last one.
    #[n(1)]
    pub more: Option<CandidatePage>,
}

/// A credential that is locked out.
#[derive(Clone, Debug, PartialEq, Encode, Decode)]
#[cbor(map)]
pub struct Locked {
    /// The credential.
    #[n(0)]
    pub credential: CredentialId,
    /// Seconds until it may be tried again.
    #[n(1)]
    pub seconds: u64,
}

/// One who may use a shared account.
#[derive(Clone, Debug, PartialEq, Encode, Decode)]
#[cbor(map)]
pub struct Candidate {
    /// The person.
    #[n(0)]
    pub person: LoginName,
    /// One of the person's credentials.
    #[n(1)]
    pub credential: CredentialId,
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
    /// Records that are in memory only, as the disk takes nothing; `None` when it has all. Older agents do not
    /// say it.
    #[n(12)]
    pub in_memory: Option<u64>,
    /// Seconds that the clock is ahead of the server, when that is so much that what is signed looks expired.
    #[n(13)]
    pub clock_ahead: Option<u64>,
    /// Whether the server counts this terminal: not while it waits for approval, nor after it was revoked.
    /// Older agents do not say it.
    #[n(14)]
    pub active: Option<bool>,
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

/// Begin to enrol.
#[derive(Clone, PartialEq, Encode, Decode)]
#[cbor(map)]
pub struct EnrolBegin {
    /// The one-time code.
    #[n(0)]
    pub code: String,
    /// Language for the messages.
    #[n(1)]
    pub language: Language,
}

impl std::fmt::Debug for EnrolBegin {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("EnrolBegin(code redacted)")
    }
}

/// What the key is asked to make, from the server.
#[derive(Clone, Debug, PartialEq, Encode, Decode)]
#[cbor(map)]
pub struct Enrolment {
    /// The enrolment at the server.
    #[n(0)]
    pub session: String,
    /// The person.
    #[n(1)]
    pub login: LoginName,
    /// The person's name.
    #[n(2)]
    pub display_name: DisplayText,
    /// User handle.
    #[n(3)]
    pub user_handle: Bytes<64>,
    /// Relying party id.
    #[n(4)]
    pub rp_id: RpId,
    /// Name of the deployment.
    #[n(5)]
    pub rp_name: DisplayText,
    /// The client data (WebAuthn clientDataJSON) that the key signs.
    #[n(6)]
    pub client_data: Bytes<1024>,
    /// Algorithms wanted (COSE), best first.
    #[n(7)]
    pub algorithms: List<i32, 8>,
    /// Credentials that the person has already.
    #[n(8)]
    pub exclude: List<CredentialId, 32>,
    /// credProtect level, 1 to 3.
    #[n(9)]
    pub cred_protect: u8,
    /// The root documents, by which the command line checks `rp_id` from the trust anchor.
    #[n(10)]
    pub roots: List<SignedRoot, 16>,
}

/// The registration that the key made.
#[derive(Clone, Debug, PartialEq, Encode, Decode)]
#[cbor(map)]
pub struct EnrolFinish {
    /// The enrolment at the server.
    #[n(0)]
    pub session: String,
    /// The client data as signed.
    #[n(1)]
    pub client_data: Bytes<1024>,
    /// WebAuthn attestation object.
    #[n(2)]
    pub attestation_object: Bytes<16384>,
    /// Credential id.
    #[n(3)]
    pub credential_id: CredentialId,
    /// What the person calls the key.
    #[n(4)]
    pub label: DisplayText,
}

/// A key is enrolled.
#[derive(Clone, Debug, PartialEq, Encode, Decode)]
#[cbor(map)]
pub struct Enrolled {
    /// The person.
    #[n(0)]
    pub login: LoginName,
    /// The person's name.
    #[n(1)]
    pub display_name: DisplayText,
    /// Fingerprint of the credential.
    #[n(2)]
    pub key: Hash,
    /// Whether its attestation was verified up to a trusted root.
    #[n(3)]
    pub attested: bool,
}
