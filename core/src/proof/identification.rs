//! Whose key is plugged, proven: the key signs a challenge of the module without PIN or touch, and
//! the signature is verified against the directory before a name is shown, a PIN is asked for, or a
//! failure counts against anybody.
//!
//! A silent assertion says nothing about a person: neither UP nor UV is set. It only tells a
//! registered key from a device that pretends to be one, and it is worth nothing as a login (the
//! domain tag differs).

use minicbor::{Decode, Encode};

use crate::code::{Code, Denial};
use crate::codec::{self, Bytes, Document};
use crate::cose_key::PublicKey;
use crate::id::{CredentialId, Nonce, TerminalId};
use crate::person::CredentialRecord;
use crate::proof::assertion::AuthenticatorData;
use crate::snapshot::Snapshot;

/// What a key signs to say who it is.
#[derive(Clone, Debug, PartialEq, Eq, Encode, Decode)]
#[cbor(map)]
pub struct IdentifyData {
    /// Fresh random bytes of the module: the challenge.
    #[n(0)]
    pub nonce: Nonce,
    /// The terminal.
    #[n(1)]
    pub terminal: TerminalId,
}

impl Document for IdentifyData {
    const DOMAIN: &'static str = "wardkey.identify/1";
    const MAX_BYTES: usize = 128;
    const GROWS: bool = false;
}

/// A silent assertion, as the key gave it.
#[derive(Clone, Debug, PartialEq, Eq, Encode, Decode)]
#[cbor(map)]
pub struct SilentAssertion {
    /// The credential that signed.
    #[n(0)]
    pub credential: CredentialId,
    /// [`IdentifyData`], as bytes.
    #[n(1)]
    pub client_data: Bytes<{ IdentifyData::MAX_BYTES }>,
    /// Authenticator data.
    #[n(2)]
    pub auth_data: Bytes<1024>,
    /// ES256: DER; EdDSA: 64 bytes.
    #[n(3)]
    pub signature: Bytes<512>,
}

/// A key that proved which credential of the directory it holds. Made by [`SilentAssertion::prove`]
/// only.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Proven {
    silent: SilentAssertion,
}

impl Proven {
    /// The credential that the key holds.
    pub const fn credential(&self) -> &CredentialId {
        &self.silent.credential
    }

    /// What proves it, for whoever has to be shown.
    pub const fn silent(&self) -> &SilentAssertion {
        &self.silent
    }
}

impl SilentAssertion {
    /// Verifies that the key signed `challenge` with a credential of the snapshot's person, active
    /// or disabled. Every scope that knows the credential must agree on its public key.
    ///
    /// # Errors
    /// [`Code::DeviceNotProven`], with what does not hold.
    pub fn prove(self, challenge: &IdentifyData, snapshot: &Snapshot) -> Result<Proven, Denial> {
        if self.client_data.as_slice() != codec::to_bytes(challenge) {
            return Err(not_proven("signed another challenge"));
        }
        let mut known = false;
        let holders = snapshot.records().filter_map(|record| record.credential(&self.credential));
        for credential in holders.filter(|credential| credential.rp_id == snapshot.root().rp_id) {
            self.is_signed_by(credential)?;
            known = true;
        }
        if known {
            Ok(Proven { silent: self })
        } else {
            Err(not_proven("claims a credential of nobody asked for"))
        }
    }

    /// Verifies what a module reports: the signature of this credential over a challenge of this
    /// terminal. Who did not make the challenge cannot tell when it was signed.
    ///
    /// # Errors
    /// [`Code::DeviceNotProven`], with what does not hold.
    pub fn verify(
        &self,
        terminal: &TerminalId,
        credential: &CredentialRecord,
    ) -> Result<(), Denial> {
        let challenge: IdentifyData =
            codec::from_bytes(self.client_data.as_slice()).map_err(not_proven)?;
        if challenge.terminal != *terminal {
            return Err(not_proven("signed for another terminal"));
        }
        self.is_signed_by(credential)
    }

    fn is_signed_by(&self, credential: &CredentialRecord) -> Result<(), Denial> {
        if self.credential != credential.id {
            return Err(not_proven("claims another credential"));
        }
        let data = AuthenticatorData::parse(self.auth_data.as_slice())
            .map_err(|denial| not_proven(denial.detail))?;
        if data.rp_id_hash != codec::sha256(credential.rp_id.as_str().as_bytes()) {
            return Err(not_proven("signed for another relying party"));
        }
        let key = PublicKey::from_cose(credential.public_key.as_slice()).map_err(not_proven)?;
        let client_data_hash = codec::sha256(self.client_data.as_slice());
        let message = [self.auth_data.as_slice(), client_data_hash.as_bytes()].concat();
        if !key.verifies(&message, self.signature.as_slice()) {
            return Err(not_proven("signature does not verify"));
        }
        Ok(())
    }
}

fn not_proven(why: impl std::fmt::Display) -> Denial {
    Denial::new(Code::DeviceNotProven, why)
}
