//! A login: what the module says of it, what it is shown, and its outcome.

use minicbor::{Decode, Encode};

use crate::code::Code;
use crate::codec::List;
use crate::id::{CredentialId, EventId, Hash, PassId};
use crate::name::{LoginName, ServiceName};
use crate::proof::SignedByCode;
use crate::proof::assertion::Assertion;
use crate::proof::identification::SilentAssertion;
use crate::snapshot::Evidence;

/// A login, as the module states it. The agent derives seat and session from the peer.
#[derive(Clone, Debug, PartialEq, Encode, Decode)]
#[cbor(map)]
pub struct Begin {
    /// [`super::PROTOCOL`].
    #[n(0)]
    pub protocol: u16,
    /// The account; `None` when what was typed cannot be a login name (it is asked like an unknown
    /// one).
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
    /// Uid of who started the application, `None` for one that the system started. Believed of root
    /// only: the agent cannot see it. Older modules do not say it.
    #[n(5)]
    pub invoker: Option<u32>,
    /// True: the module asks for the server's time where the clock makes the directory look old, so
    /// the agent need not refuse for a clock that is ahead. Older modules do not say it.
    #[n(6)]
    pub asks_time: Option<bool>,
    /// True: nobody logs in, the PIN of the key is to be changed. Older modules do not say it.
    #[n(7)]
    pub changes_pin: Option<bool>,
}

/// How a login ended, told by the module.
#[derive(Clone, Debug, PartialEq, Encode, Decode)]
#[cbor(map)]
pub struct LoginOutcome {
    /// As in [`Begin`]; an outcome stands on its own.
    #[n(0)]
    pub login: Begin,
    /// Id that the module gave this attempt; for a success the agent uses the one of the client
    /// data.
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
    /// The pass whose code was tried.
    #[n(30)]
    pub pass: Option<PassTry>,
    /// What the key's own sensor had to do with it. Older modules do not say it.
    #[n(80)]
    pub finger: Option<Finger>,
}

/// The fingers of a login, by the word of the module: a key signs that it verified its person, and
/// not how.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Encode, Decode)]
#[cbor(map)]
pub struct Finger {
    /// The key signed after a finger, and no PIN was sent.
    #[n(0)]
    pub verified: bool,
    /// Answers of the key that it did not know a finger. There may have been more fingers: some
    /// keys answer after several, or say of the last one that the sensor is blocked.
    #[n(1)]
    pub wrong: u8,
    /// The sensor takes no finger before the PIN was right once more.
    #[n(2)]
    pub blocked: bool,
}

/// A code that was tried for a pass, as this terminal counts them.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Encode, Decode)]
#[cbor(map)]
pub struct PassTry {
    /// The pass.
    #[n(0)]
    pub pass: PassId,
    /// Wrong codes so far; at [`crate::pass::MAX_TRIES`] it is void here.
    #[n(1)]
    pub tries: u8,
    /// True: it is a sealed code (break-glass).
    #[n(2)]
    pub sealed: Option<bool>,
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
    /// The module decided to let the person in by the code of a pass; this proves it. Said to
    /// agents only that take codes ([`Grant::takes_codes`]).
    #[n(30)]
    SuccessByCode(#[n(0)] SignedByCode),
    /// The key that proved itself has another PIN (root). Said to agents only that record it
    /// ([`Grant::changes_pins`]).
    #[n(50)]
    PinChanged,
    /// The key of the login's person signed that somebody else may log in by a code
    /// ([`crate::vouch::Vouch`]); nobody is let in by this (root). Said to agents only that record
    /// it ([`Grant::takes_vouches`]).
    #[n(60)]
    Vouched(#[n(0)] Assertion),
    /// As [`Self::SuccessByCode`], by a code for which a colleague vouched; the second proves that.
    #[n(61)]
    SuccessByVouch(#[n(0)] SignedByCode, #[n(1)] Assertion),
}

impl LoginResult {
    /// Whether it says that somebody was let in.
    pub const fn is_login(&self) -> bool {
        matches!(self, Self::Success(_) | Self::SuccessByCode(_) | Self::SuccessByVouch(..))
    }
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
    /// Whether it counts towards the lock-out of the key that proved itself: a wrong secret or
    /// signature, not an absent one, nor a name that is not the key's, for which no secret was
    /// tried.
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
    /// The record of it; of several refusals of a kind within half a minute, the one record that
    /// counts them.
    #[n(3)]
    pub record: Option<EventId>,
}

/// What a login may use.
#[derive(Clone, Debug, PartialEq, Encode, Decode)]
#[cbor(map)]
pub struct Grant {
    /// Evidence for the person of the account (or its proven absence). For a shared account: for
    /// the account's own name, to show that policy shares it; the person's follows by
    /// [`Request::Prove`].
    #[n(0)]
    pub evidence: Option<Evidence>,
    /// For a shared account, who may be meant: credential ids to ask the key for. Not proven; a
    /// wrong list only leads to a person whose proof fails. Who was seen at this terminal comes
    /// first.
    #[n(1)]
    pub candidates: List<Candidate, CANDIDATES_PER_PAGE>,
    /// Credentials of the person that are locked out after failures: refused once the key proved
    /// that it holds one of them. Other keys of the person are not concerned.
    #[n(2)]
    pub locked: Option<List<Locked, 64>>,
    /// For a name that nobody has: ids to ask a key for in place of a person's, the same ones each
    /// time.
    #[n(3)]
    pub decoys: Option<List<CredentialId, 32>>,
    /// Where the next page of candidates begins; none when these are all. Older agents have one
    /// page.
    #[n(4)]
    pub more: Option<CandidatePage>,
    /// True: the agent answers [`Request::Time`]. Older agents do not.
    #[n(5)]
    pub answers_time: Option<bool>,
    /// True: the agent records logins by the code of a pass. Older agents do not.
    #[n(30)]
    pub takes_codes: Option<bool>,
    /// True: the agent answers [`Request::KeysOf`]. Older agents do not.
    #[n(40)]
    pub finds_people: Option<bool>,
    /// True: the agent records changes of PINs ([`Request::PinChange`]). Older agents do not.
    #[n(50)]
    pub changes_pins: Option<bool>,
    /// True: the agent records vouches and logins by them. Older agents do not.
    #[n(60)]
    pub takes_vouches: Option<bool>,
    /// True: the agent records logins by a sealed code (break-glass). Older agents do not.
    #[n(70)]
    pub breaks_glass: Option<bool>,
}

/// People whose keys are asked for at once.
pub const MAX_SOUGHT: usize = 128;

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
