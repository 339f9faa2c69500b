//! Enrollment of a key.

use serde::{Deserialize, Serialize};

use super::base64::Base64;

/// `POST /v1/enroll/begin`
#[derive(Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct EnrollBeginRequest {
    /// The one-time code.
    pub code: String,
}

/// What a key (or a browser) is asked to make: `publicKey` is a WebAuthn
/// PublicKeyCredentialCreationOptions in JSON.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct EnrollBeginReply {
    /// Names this enrollment; single use, 60 seconds.
    pub session: String,
    /// Whom the key is for.
    pub login: String,
    /// The person's name in Latin letters, which consoles show.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub latin_name: Option<String>,
    /// The origin that client data must name.
    pub origin: String,
    /// credProtect level asked for, 1 to 3.
    pub cred_protect: u8,
    /// How many characters the PIN of the key has to have, where a scope of the person says it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub min_pin_length: Option<u8>,
    /// True: the key is to ask for another PIN at its first use.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub pin_change_at_first_use: Option<bool>,
    /// WebAuthn PublicKeyCredentialCreationOptionsJSON.
    #[serde(rename = "publicKey")]
    pub public_key: CreationOptions,
    /// Credentials of the pool's keys, none of which the key may have either. An agent from before
    /// knows those of them that `excludeCredentials` has room for.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub pool: Vec<Base64>,
}

/// WebAuthn PublicKeyCredentialCreationOptionsJSON (level 3, 5.1.9), the part that we use.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct CreationOptions {
    /// Relying party.
    pub rp: RpEntity,
    /// User.
    pub user: UserEntity,
    /// Challenge.
    pub challenge: Base64,
    /// Algorithms, best first.
    pub pub_key_cred_params: Vec<CredentialParameter>,
    /// Milliseconds.
    #[serde(default)]
    pub timeout: Option<u32>,
    /// Credentials that the person has already; then those of the pool, 32 at most in all.
    #[serde(default)]
    pub exclude_credentials: Option<Vec<Descriptor>>,
}

/// Relying party.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct RpEntity {
    /// rp id.
    pub id: String,
    /// Name.
    pub name: String,
}

/// User.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct UserEntity {
    /// User handle.
    pub id: Base64,
    /// Login name.
    pub name: String,
    /// Name of the person.
    pub display_name: String,
}

/// An algorithm.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct CredentialParameter {
    /// COSE algorithm.
    pub alg: i64,
    /// Always `public-key`.
    #[serde(rename = "type")]
    pub kind: String,
}

/// A credential.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Descriptor {
    /// Credential id.
    pub id: Base64,
    /// Always `public-key`.
    #[serde(rename = "type")]
    pub kind: String,
}

/// `POST /v1/enroll/finish`
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct EnrollFinishRequest {
    /// The enrollment.
    pub session: String,
    /// Credential id.
    pub credential_id: Base64,
    /// clientDataJSON.
    pub client_data: Base64,
    /// Attestation object.
    pub attestation_object: Base64,
    /// What the person calls the key.
    pub label: String,
    /// Whether the key can ask for another PIN at its first use. Said to a server that wants it:
    /// others refuse the field.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub can_force_pin_change: Option<bool>,
}

/// A key is enrolled.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct EnrollFinishReply {
    /// The person.
    pub login: String,
    /// The person's name.
    pub display_name: String,
    /// SHA-256 of the credential id.
    pub key: Base64,
    /// Whether its attestation was verified up to a trusted root.
    pub attested: bool,
}
