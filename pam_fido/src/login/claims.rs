//! What devices claim: the challenge, what they signed of it, and those that proved nothing.

use wardkey_core::code::{Code, Denial};
use wardkey_core::codec::{self, Bytes, Document, List};
use wardkey_core::id::Nonce;
use wardkey_core::message::agent::{MAX_SUSPECTS, Suspect};
use wardkey_core::message::key::{Claim, Identified, KeyInfo, MAX_DEVICES};
use wardkey_core::name::printable;
use wardkey_core::proof::identification::{IdentifyData, Proven, SilentAssertion};

use super::attempt::Attempt;
use super::verified_person::VerifiedPerson;
use crate::refusal::Refusal;

/// A device that proved whose it is.
pub struct Found {
    pub person: Box<VerifiedPerson>,
    pub proven: Proven,
    pub key: KeyInfo,
}

impl Attempt<'_, '_> {
    /// A fresh challenge.
    pub fn challenge(&self) -> Result<IdentifyData, Refusal> {
        let mut nonce = [0; Nonce::LEN];
        self.world.machine.random(&mut nonce)?;
        Ok(IdentifyData { nonce: Nonce::new(nonce), terminal: self.world.anchor.terminal })
    }

    /// Remembers a device that claimed what it did not prove, for the record.
    pub fn suspect(&mut self, key: &KeyInfo, denial: &Denial) {
        let suspect = Suspect {
            vendor: key.vendor,
            product: key.product,
            path: printable(&key.path, 64),
            name: printable(&key.name, 64),
            why: printable(&denial.detail, 128),
        };
        if self.record.suspects.len() >= MAX_SUSPECTS
            || self.record.suspects.iter().any(|other| other.path == suspect.path)
        {
            return;
        }
        let Suspect { vendor, product, path, name, why } = &suspect;
        let device = format!("{name} ({vendor:04x}:{product:04x}, {path})");
        self.world
            .journal
            .notice(&format!("a device proved nothing and is passed over: {device}: {why}"));
        self.record.suspects.push(suspect);
    }
}

/// The challenge as what a key signs.
pub fn client_data_of(
    challenge: &IdentifyData,
) -> Result<Bytes<{ IdentifyData::MAX_BYTES }>, Refusal> {
    Bytes::new(codec::to_bytes(challenge)).map_err(|error| Refusal::new(Code::Internal, error))
}

/// What a device says it signed of the challenge.
pub fn silent_of(claim: &Claim, challenge: &IdentifyData) -> Result<SilentAssertion, Refusal> {
    Ok(SilentAssertion {
        credential: claim.proof.credential.clone(),
        client_data: client_data_of(challenge)?,
        auth_data: claim.proof.auth_data.clone(),
        signature: claim.proof.signature.clone(),
    })
}

/// All that claim something, of a key process that shows what they signed.
pub fn all_of(identified: Identified) -> Result<Vec<Claim>, Refusal> {
    let Identified { key, proof, others, .. } = identified;
    let proof = proof.ok_or_else(|| {
        Refusal::new(
            Code::ProtocolError,
            "the key process shows no proof: restart wardkey-key after an upgrade",
        )
    })?;
    let others = others.map(List::into_vec).unwrap_or_default();
    Ok(std::iter::once(Claim { key, proof }).chain(others).take(MAX_DEVICES).collect())
}
