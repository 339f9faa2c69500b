//! A colleague vouches: somebody who is here with a key signs that a person without one may log in
//! at this terminal for some hours, by a code that the person chose at that moment.
//!
//! ```text
//!   code ── Argon2id, salt of root's ──> secret ──> Ed25519 key pair
//!                                                    its public key is in what the colleague
//!                                                    signs, with PIN and touch
//! ```
//! The salt stays in root's own file. Who reads records or takes over the agent has nothing to try
//! codes against: only the terminal judges them, five times.

use minicbor::{Decode, Encode};

use crate::codec::{self, CodecError, Document};
use crate::id::{EventId, Hash, Nonce, PassId, Salt, SigningPublicKey, TerminalId};
use crate::name::{DisplayText, LoginName};
use crate::pass::Pass;
use crate::time::UnixTime;

/// The longest that any policy may let a vouch be, in seconds.
pub const MAX_SECONDS: u64 = 24 * 3600;
/// Vouches are counted over so many seconds: thirty days.
pub const MONTH: u64 = 30 * 86_400;

/// What a colleague signs.
#[derive(Clone, Debug, PartialEq, Eq, Encode, Decode)]
#[cbor(map)]
pub struct Vouch {
    /// Fresh random bytes of the module: the challenge.
    #[n(0)]
    pub nonce: Nonce,
    /// The terminal, and only it.
    #[n(1)]
    pub terminal: TerminalId,
    /// Who vouches.
    #[n(2)]
    pub voucher: LoginName,
    /// Fingerprint of the credential by which.
    #[n(3)]
    pub credential: Hash,
    /// For whom.
    #[n(4)]
    pub person: LoginName,
    /// When it was signed; not valid before.
    #[n(5)]
    pub from: UnixTime,
    /// Not valid from this on.
    #[n(6)]
    pub until: UnixTime,
    /// Why, as it was typed.
    #[n(7)]
    pub reason: Option<DisplayText>,
    /// How the code is hashed: [`crate::pass::HASH`].
    #[n(8)]
    pub hash: u8,
    /// The public key that is made of the code.
    #[n(9)]
    pub key: SigningPublicKey,
}

impl Document for Vouch {
    const DOMAIN: &'static str = "wardkey.vouch/1";
    const MAX_BYTES: usize = 512;
    const GROWS: bool = false;
}

impl Vouch {
    /// The bytes of which the colleague's key signs the SHA-256.
    pub fn to_bytes(&self) -> Vec<u8> {
        codec::to_bytes(self)
    }

    /// Reads a vouch strictly.
    ///
    /// # Errors
    /// [`CodecError`] for anything but the one encoding.
    pub fn from_bytes(bytes: &[u8]) -> Result<Self, CodecError> {
        codec::from_bytes(bytes)
    }

    /// Names it in records, and where tries are counted.
    pub fn id(&self) -> PassId {
        PassId::new(self.first_bytes())
    }

    /// The id of the event that records it: the same however often it is reported.
    pub fn event_id(&self) -> EventId {
        EventId::new(self.first_bytes())
    }

    fn first_bytes<const N: usize>(&self) -> [u8; N] {
        let hash = codec::hash_of(self);
        let mut id = [0; N];
        id.iter_mut().zip(hash.as_bytes()).for_each(|(to, from)| *to = *from);
        id
    }

    /// The same as a pass: its code is judged, and its tries are counted, like any other's. Where
    /// nobody judges codes the salt is not known, and not needed.
    pub fn as_pass(&self, salt: Salt) -> Pass {
        let issuer = DisplayText::from(&self.voucher);
        Pass {
            id: self.id(),
            salt,
            hash: self.hash,
            key: self.key,
            from: self.from,
            until: self.until,
            scope: None,
            terminal: Some(self.terminal),
            reason: self.reason.clone().unwrap_or_else(|| issuer.clone()),
            issuer,
        }
    }
}
