//! What a login is about, and what comes of one that succeeds.

use wardkey_core::id::{EventId, Hash};
use wardkey_core::message::PROTOCOL;
use wardkey_core::message::agent::Begin;
use wardkey_core::name::{LoginName, ServiceName};

use crate::typed_name::TypedName;

/// What a login is about, as the application states it.
#[derive(Clone, Debug)]
pub struct Login {
    /// The account that was asked for.
    pub name: TypedName,
    /// PAM service.
    pub service: ServiceName,
    /// PAM_TTY, printable.
    pub tty: Option<String>,
    /// PAM_RHOST, printable.
    pub rhost: Option<String>,
    /// Uid of who started the application.
    pub invoker: Option<u32>,
    /// Whether PAM_RHOST is another machine.
    pub remote: bool,
    /// Nobody said the name but a key that proved itself: it is there now, or the login ends.
    pub by_key: bool,
    /// Nobody logs in: the PIN of the key is to be changed.
    pub changes_pin: bool,
    /// The person reads a text console, which has no Japanese letters.
    pub at_text_console: bool,
    /// Nobody logs in: the key is to sign that this person may.
    pub vouches_for: Option<LoginName>,
}

impl Login {
    /// As the agent is told of it.
    pub fn begin(&self) -> Begin {
        Begin {
            protocol: PROTOCOL,
            account: self.name.login_name().cloned(),
            service: self.service.clone(),
            tty: self.tty.clone(),
            rhost: self.rhost.clone(),
            invoker: self.invoker,
            asks_time: Some(true),
            changes_pin: self.changes_pin.then_some(true),
        }
    }
}

/// Somebody was let in.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Admitted {
    /// Who.
    pub person: LoginName,
    /// Fingerprint of the credential; none for a login without a key.
    pub key: Option<Hash>,
    /// The agent's record of it.
    pub login: EventId,
}
