//! A session that a key opened: what is kept of it, and how it stands.

use std::time::Instant;

use minicbor::{Decode, Encode};
use wardkey_core::code::Code;
use wardkey_core::codec::Bytes;
use wardkey_core::event::{EventName, Outcome};
use wardkey_core::id::{EventId, Hash};
use wardkey_core::message::lock::SessionId;
use wardkey_core::name::LoginName;
use wardkey_core::policy::session::OnRemoval;
use wardkey_core::time::UnixTime;

/// The time.
#[derive(Clone, Copy, Debug)]
pub struct Now {
    /// For waiting.
    pub instant: Instant,
    /// For records.
    pub time: UnixTime,
}

/// What is kept on disk of a session: the agent may be restarted while it goes on.
#[derive(Clone, Debug, PartialEq, Eq, Encode, Decode)]
#[cbor(map)]
pub struct Opened {
    /// The record of its beginning.
    #[n(0)]
    pub id: EventId,
    /// The process that opened it, and that logind calls its leader.
    #[n(1)]
    pub leader: i32,
    /// The boot in which that was.
    #[n(2)]
    pub boot: Bytes<64>,
    /// logind's session, when it has one.
    #[n(3)]
    pub session: Option<String>,
    /// Its seat.
    #[n(4)]
    pub seat: Option<String>,
    /// The account.
    #[n(5)]
    pub account: LoginName,
    /// Who is signed in.
    #[n(6)]
    pub person: LoginName,
    /// Fingerprint of that person's credential.
    #[n(7)]
    pub key: Option<Hash>,
    /// PAM service.
    #[n(8)]
    pub service: String,
    /// PAM_TTY.
    #[n(9)]
    pub tty: Option<String>,
    /// When it began.
    #[n(10)]
    pub started: UnixTime,
    /// When the person last proved two factors.
    #[n(11)]
    pub proven: UnixTime,
    /// Since when its screen is locked.
    #[n(12)]
    pub locked: Option<UnixTime>,
    /// Its beginning is recorded.
    #[n(13)]
    pub is_recorded: bool,
}

/// Whether the key of a session is plugged in.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum KeyState {
    /// Not known yet.
    Unknown,
    /// Being looked for.
    Looking,
    /// It proved itself at this device node.
    Here(String),
    /// It is not there.
    Gone,
}

/// A session as logind shows it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Seen {
    /// logind's id.
    pub id: String,
    /// The process that opened it.
    pub leader: i32,
    /// Its seat.
    pub seat: Option<String>,
    /// Whether a locker says that the screen is locked (LockedHint).
    pub locked: bool,
    /// Seconds without input, when its desktop tells; 0 when there is input.
    pub idle: u64,
}

/// Why a session is to be locked.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Cause {
    /// Its key is gone.
    Removal,
    /// Nobody has typed for long.
    Idle,
    /// The login was long ago.
    Age,
}

impl Cause {
    /// The reason in the record.
    pub const fn code(self) -> Code {
        match self {
            Self::Removal => Code::LockedByRemoval,
            Self::Idle => Code::LockedByIdling,
            Self::Age => Code::LockedByAge,
        }
    }
}

/// A session that is being locked.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Locking {
    /// Why.
    pub cause: Cause,
    /// How.
    pub how: OnRemoval,
    /// When the helper is asked again.
    pub next: Instant,
    /// When a locker that has not answered is given up.
    pub give_up: Instant,
    /// No locker has answered: it is ended, whatever the policy says.
    pub is_given_up: bool,
    /// The greeter has been asked for.
    pub has_greeter: bool,
    /// That it did not work is recorded.
    pub is_told: bool,
}

impl Locking {
    /// Whether the session is to be ended.
    pub fn is_end(&self) -> bool {
        self.how == OnRemoval::End || self.is_given_up
    }
}

/// A session and how it stands.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Desk {
    /// What is kept.
    pub row: Opened,
    /// Its key.
    pub key: KeyState,
    /// Something was plugged in or out while its key was looked for: look again.
    pub is_stale: bool,
    /// Since when the key process cannot be asked for it.
    pub unreachable: Option<Instant>,
    /// When it is looked for again.
    pub look_at: Option<Instant>,
    /// It is being locked.
    pub locking: Option<Locking>,
    /// When it is recorded without a session of logind's.
    pub attach_until: Instant,
    /// When this agent came to know it.
    pub known_since: Instant,
    /// Seconds without input.
    pub idle: u64,
}

/// What a record says of a session.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Note {
    /// What happened.
    pub name: EventName,
    /// How it ended.
    pub outcome: Outcome,
    /// Why.
    pub reason: Option<Code>,
    /// For administrators.
    pub detail: Option<String>,
    /// The session, as it was then.
    pub row: Opened,
    /// Whether it is the record of the beginning, which has the id of the row.
    pub is_beginning: bool,
}

/// A key that is to be looked for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Look {
    /// Whose it is.
    pub person: LoginName,
    /// Fingerprint of the credential.
    pub key: Hash,
    /// A device was pulled out: the session locks within a second, unless the key is back by then.
    pub is_removal: bool,
}

/// What is to be done.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Act {
    /// Keep this.
    Save(Opened),
    /// Keep it no longer.
    Forget(EventId),
    /// Record this.
    Record(Box<Note>),
    /// Look whether the key is there, and have it prove that.
    Look(Look),
    /// Have the helper lock the session.
    Lock(SessionId),
    /// Have it end the session.
    End(SessionId),
    /// Have it show the greeter.
    Greeter(SessionId),
}
