//! A credential is made, and the key told what holds for its PIN.

use minicbor::{Decode, Encode};

use super::pin::Pin;
use crate::codec::{Bytes, List};
use crate::id::{Aaguid, CredentialId};
use crate::name::RpId;
use crate::person::{MAX_CREDENTIALS, MAX_POOL};

/// Credential ids that a new key must not have: the person's, and those of the pool.
pub const MAX_EXCLUDE: usize = MAX_CREDENTIALS + MAX_POOL;

/// Make a credential.
#[derive(Clone, Debug, PartialEq, Encode, Decode)]
#[cbor(map)]
pub struct MakeCredential {
    /// The PIN.
    #[n(0)]
    pub pin: Pin,
    /// Relying party id.
    #[n(1)]
    pub rp_id: RpId,
    /// Relying party name.
    #[n(2)]
    pub rp_name: String,
    /// User handle.
    #[n(3)]
    pub user_handle: Bytes<64>,
    /// Login name.
    #[n(4)]
    pub user_name: String,
    /// Name of the person.
    #[n(5)]
    pub display_name: String,
    /// Client data; the key signs its SHA-256.
    #[n(6)]
    pub client_data: Bytes<1024>,
    /// COSE algorithms, best first.
    #[n(7)]
    pub algorithms: List<i32, 8>,
    /// Credentials that the key must not have yet.
    #[n(8)]
    pub exclude: List<CredentialId, MAX_EXCLUDE>,
    /// credProtect level, 1 to 3.
    #[n(9)]
    pub cred_protect: u8,
    /// Milliseconds for a key, PIN and touch together.
    #[n(10)]
    pub wait_ms: u32,
    /// How many characters a PIN of the key has to have from now on; a key that can is told before
    /// it makes the credential. Older callers do not say it.
    #[n(11)]
    pub min_pin_length: Option<u8>,
}

/// A credential, as the key made it.
#[derive(Clone, Debug, PartialEq, Encode, Decode)]
#[cbor(map)]
pub struct KeyCredential {
    /// Its id.
    #[n(0)]
    pub credential: CredentialId,
    /// WebAuthn attestation object: fmt, attStmt, authData.
    #[n(1)]
    pub attestation_object: Bytes<16384>,
    /// Model of the key.
    #[n(2)]
    pub aaguid: Aaguid,
    /// How many characters a PIN of the key has at least, as it says after all that was set. Older
    /// key processes do not say it.
    #[n(3)]
    pub min_pin_length: Option<u8>,
}

/// Have a key ask for another PIN.
#[derive(Clone, Debug, PartialEq, Encode, Decode)]
#[cbor(map)]
pub struct ForcePinChange {
    /// The PIN.
    #[n(0)]
    pub pin: Pin,
    /// Relying party id.
    #[n(1)]
    pub rp_id: RpId,
    /// A credential that the key holds: no other key gets the PIN.
    #[n(2)]
    pub credential: CredentialId,
}
