//! The client data of a login: what the security key signs, besides its own authenticator data.
//!
//! Deterministic CBOR, so it can never be a WebAuthn clientDataJSON (that begins with `{`, this
//! with a CBOR array of two): an assertion made at a terminal is worthless at a website, and the
//! reverse.

use minicbor::{Decode, Encode};

use crate::codec::{self, CodecError, Document};
use crate::document::Position;
use crate::id::{EventId, Nonce, TerminalId};
use crate::name::{LoginName, ScopeName, ServiceName};
use crate::time::UnixTime;

/// One login, as the module states it before the key signs.
#[derive(Clone, Debug, PartialEq, Eq, Encode, Decode)]
#[cbor(map)]
pub struct ClientData {
    /// Fresh random bytes of the module: the challenge.
    #[n(0)]
    pub nonce: Nonce,
    /// The terminal.
    #[n(1)]
    pub terminal: TerminalId,
    /// The PAM service.
    #[n(2)]
    pub service: ServiceName,
    /// The Unix account that is logged in to.
    #[n(3)]
    pub account: LoginName,
    /// The person who logs in (the same name, but for shared accounts).
    #[n(4)]
    pub person: LoginName,
    /// The module's time.
    #[n(5)]
    pub time: UnixTime,
    /// The first of the terminal's scopes that holds the person.
    #[n(6)]
    pub scope: ScopeName,
    /// That scope's state by which the module decides.
    #[n(7)]
    pub position: Position,
}

impl Document for ClientData {
    const DOMAIN: &'static str = "wardkey.login/1";
    const MAX_BYTES: usize = 512;
    const GROWS: bool = false;
}

impl ClientData {
    /// The bytes of which the key signs the SHA-256.
    pub fn to_bytes(&self) -> Vec<u8> {
        codec::to_bytes(self)
    }

    /// Reads client data strictly.
    ///
    /// # Errors
    /// [`CodecError`] for anything but the one encoding.
    pub fn from_bytes(bytes: &[u8]) -> Result<Self, CodecError> {
        codec::from_bytes(bytes)
    }

    /// The id of the event that records this login: the same however often it is reported.
    pub fn event_id(&self) -> EventId {
        let hash = codec::hash_of(self);
        let mut id = [0; EventId::LEN];
        id.iter_mut().zip(hash.as_bytes()).for_each(|(to, from)| *to = *from);
        EventId::new(id)
    }
}
