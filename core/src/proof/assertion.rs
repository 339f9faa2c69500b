//! Authenticator data (WebAuthn level 3, 6.1) and the verification of an assertion (7.2).

use minicbor::{Decode, Encode};

use crate::code::{Code, Denial};
use crate::codec::{self, Bytes};
use crate::cose_key::PublicKey;
use crate::id::{CredentialId, Hash};
use crate::person::{CredentialFlags, CredentialRecord};

/// What a login leaves behind: everything that is needed to verify it again.
#[derive(Clone, Debug, PartialEq, Eq, Encode, Decode)]
#[cbor(map)]
pub struct Assertion {
    /// The credential that signed.
    #[n(0)]
    pub credential_id: CredentialId,
    /// [`crate::client_data::ClientData`], as bytes.
    #[n(1)]
    pub client_data: Bytes<512>,
    /// Authenticator data, as the key gave it.
    #[n(2)]
    pub auth_data: Bytes<1024>,
    /// ES256: DER; EdDSA: 64 bytes.
    #[n(3)]
    pub signature: Bytes<512>,
    /// User handle, if the key gave one.
    #[n(4)]
    pub user_handle: Option<Bytes<64>>,
}

/// The signed facts in authenticator data.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct AuthenticatorData {
    /// SHA-256 of the relying party id.
    pub rp_id_hash: Hash,
    /// Flags.
    pub flags: AuthenticatorFlags,
    /// Signature counter; 0 when the key has none.
    pub counter: u32,
}

/// The flags byte of authenticator data.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct AuthenticatorFlags(pub u8);

impl AuthenticatorFlags {
    /// User present: touched.
    pub const UP: u8 = 0x01;
    /// User verified: PIN or fingerprint.
    pub const UV: u8 = 0x04;
    /// Backup eligible.
    pub const BE: u8 = 0x08;
    /// Backed up.
    pub const BS: u8 = 0x10;
    /// Attested credential data follows.
    pub const AT: u8 = 0x40;
    /// Extension data follows.
    pub const ED: u8 = 0x80;

    /// True when the bit is set.
    pub const fn has(self, bit: u8) -> bool {
        self.0 & bit != 0
    }
}

impl AuthenticatorData {
    /// Reads the authenticator data of an assertion.
    ///
    /// # Errors
    /// [`Code::AuthenticatorData`] below 37 bytes, with attested credential data, or with bytes
    /// that no flag announces.
    pub fn parse(bytes: &[u8]) -> Result<Self, Denial> {
        let bad = |what: &str| Denial::new(Code::AuthenticatorData, what);
        let (rp_id_hash, rest) =
            bytes.split_first_chunk::<32>().ok_or_else(|| bad("shorter than 37 bytes"))?;
        let (flags, rest) = rest.split_first().ok_or_else(|| bad("shorter than 37 bytes"))?;
        let (counter, extensions) =
            rest.split_first_chunk::<4>().ok_or_else(|| bad("shorter than 37 bytes"))?;
        let flags = AuthenticatorFlags(*flags);
        if flags.has(AuthenticatorFlags::AT) {
            return Err(bad("attested credential data in an assertion"));
        }
        if flags.has(AuthenticatorFlags::ED) == extensions.is_empty() {
            return Err(bad("extension flag and extension data do not agree"));
        }
        Ok(Self {
            rp_id_hash: Hash::new(*rp_id_hash),
            flags,
            counter: u32::from_be_bytes(*counter),
        })
    }
}

impl Assertion {
    /// Verifies the assertion against the credential: relying party, UP, UV, backup flags,
    /// algorithm and signature. Freshness, person and policy are [`crate::decide`]'s.
    ///
    /// # Errors
    /// A [`Denial`] that says which check failed.
    pub fn verify(&self, credential: &CredentialRecord) -> Result<AuthenticatorData, Denial> {
        if self.credential_id != credential.id {
            return Err(Denial::new(Code::KeyAndNameDoNotMatch, "assertion of another credential"));
        }
        let data = AuthenticatorData::parse(self.auth_data.as_slice())?;
        if data.rp_id_hash != codec::sha256(credential.rp_id.as_str().as_bytes()) {
            return Err(Denial::new(Code::RpIdMismatch, "rp id hash differs"));
        }
        if !data.flags.has(AuthenticatorFlags::UP) {
            return Err(Denial::new(Code::UserPresenceMissing, "UP not set"));
        }
        if !data.flags.has(AuthenticatorFlags::UV) {
            return Err(Denial::new(Code::UserVerificationMissing, "UV not set"));
        }
        let eligible = data.flags.has(AuthenticatorFlags::BE);
        if eligible != credential.flags.has(CredentialFlags::BACKUP_ELIGIBLE) {
            return Err(Denial::new(Code::BackupFlags, "BE is not as enrolled"));
        }
        if data.flags.has(AuthenticatorFlags::BS) && !eligible {
            return Err(Denial::new(Code::BackupFlags, "BS without BE"));
        }
        // The algorithm is the enrolled key's: the key type decides how the signature is read.
        let key = PublicKey::from_cose(credential.public_key.as_slice())
            .map_err(|error| Denial::new(Code::AssertionSignature, error))?;
        let client_data_hash = codec::sha256(self.client_data.as_slice());
        let message = [self.auth_data.as_slice(), client_data_hash.as_bytes()].concat();
        if !key.verifies(&message, self.signature.as_slice()) {
            return Err(Denial::new(Code::AssertionSignature, "signature does not verify"));
        }
        Ok(data)
    }
}
