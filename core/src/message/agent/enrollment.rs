//! Enrollment of a key, through the agent.

use minicbor::{Decode, Encode};

use crate::codec::{Bytes, List};
use crate::document::SignedRoot;
use crate::id::{CredentialId, Hash};
use crate::name::{DisplayText, Language, LoginName, RpId};
use crate::person::{MAX_CREDENTIALS, MAX_POOL};

/// Begin to enroll.
#[derive(Clone, PartialEq, Encode, Decode)]
#[cbor(map)]
pub struct EnrollBegin {
    /// The one-time code.
    #[n(0)]
    pub code: String,
    /// Language for the messages.
    #[n(1)]
    pub language: Language,
}

impl std::fmt::Debug for EnrollBegin {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("EnrollBegin(code redacted)")
    }
}

/// What the key is asked to make, from the server.
#[derive(Clone, Debug, PartialEq, Encode, Decode)]
#[cbor(map)]
pub struct Enrollment {
    /// The enrollment at the server.
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
    pub exclude: List<CredentialId, MAX_CREDENTIALS>,
    /// credProtect level, 1 to 3.
    #[n(9)]
    pub cred_protect: u8,
    /// The root documents, by which the command line checks `rp_id` from the trust anchor.
    #[n(10)]
    pub roots: List<SignedRoot, 16>,
    /// Credentials of the pool's keys, which become nobody's own; none from an older agent.
    #[n(11)]
    pub pool: Option<List<CredentialId, MAX_POOL>>,
    /// How many characters the PIN of the key has to have, where the deployment says it.
    #[n(12)]
    pub min_pin_length: Option<u8>,
    /// True: the key is to ask for another PIN at its first use.
    #[n(13)]
    pub pin_change_at_first_use: Option<bool>,
    /// The person's name in Latin letters, where there is one.
    #[n(14)]
    pub latin_name: Option<DisplayText>,
}

/// The registration that the key made.
#[derive(Clone, Debug, PartialEq, Encode, Decode)]
#[cbor(map)]
pub struct EnrollFinish {
    /// The enrollment at the server.
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
    /// Whether the key can ask for another PIN at its first use. Said where that is wanted.
    #[n(5)]
    pub can_force_pin_change: Option<bool>,
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
