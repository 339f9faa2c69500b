//! Sessions, as the module tells them to the agent and the agent to the command line.

use minicbor::{Decode, Encode};

use crate::id::{EventId, Hash};
use crate::name::{LoginName, ServiceName};
use crate::time::UnixTime;

/// A session begins that a login of the same handle opened (root only).
#[derive(Clone, Debug, PartialEq, Eq, Encode, Decode)]
#[cbor(map)]
pub struct SessionOpen {
    /// The account.
    #[n(0)]
    pub account: LoginName,
    /// PAM service.
    #[n(1)]
    pub service: ServiceName,
    /// PAM_TTY.
    #[n(2)]
    pub tty: Option<String>,
    /// Who logged in.
    #[n(3)]
    pub person: LoginName,
    /// Fingerprint of the credential; none after a login without a key.
    #[n(4)]
    pub key: Option<Hash>,
    /// The record of that login.
    #[n(5)]
    pub login: EventId,
}

/// Sessions of one answer.
pub const MAX_SESSIONS: usize = 64;

/// A session that a key or a pass opened and that has not ended.
#[derive(Clone, Debug, PartialEq, Eq, Encode, Decode)]
#[cbor(map)]
pub struct SessionInfo {
    /// logind's session; none without logind.
    #[n(0)]
    pub session: Option<String>,
    /// Its seat.
    #[n(1)]
    pub seat: Option<String>,
    /// The account.
    #[n(2)]
    pub account: LoginName,
    /// Who is signed in: by the login, or the last unlocking.
    #[n(3)]
    pub person: LoginName,
    /// Fingerprint of that person's credential; none when it was without a key.
    #[n(4)]
    pub key: Option<Hash>,
    /// PAM service.
    #[n(5)]
    pub service: String,
    /// PAM_TTY.
    #[n(6)]
    pub tty: Option<String>,
    /// When it began.
    #[n(7)]
    pub started: UnixTime,
    /// When the person last proved two factors.
    #[n(8)]
    pub proven: UnixTime,
    /// Since when its screen is locked; none when it is not.
    #[n(9)]
    pub locked: Option<UnixTime>,
    /// Whether its key is plugged in; none when that is not known.
    #[n(10)]
    pub key_here: Option<bool>,
}
