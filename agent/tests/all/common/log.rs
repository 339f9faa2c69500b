//! A log of records as the server keeps it; tests change it as nobody may.

use std::convert::Infallible;

use wardkey_core::id::{DeploymentId, SigningPublicKey};
use wardkey_core::log_key::LogKey;
use wardkey_core::message::http::{Base64, CheckpointReply};
use wardkey_tlog::{Checkpoint, Frontier, Hash, KeyName, Signer, Verifier, proof};

use super::people::RP;

#[derive(Clone)]
pub struct Log {
    pub origin: String,
    pub entries: Vec<Vec<u8>>,
    /// Of the key that signs, and of the one that the publish key names.
    pub seed: u8,
    pub named: u8,
}

impl Log {
    /// With so many entries; at most 255, so that it has one level.
    pub fn of(entries: u8) -> Self {
        let origin = format!("{RP}/wardkey-log/test/1");
        let entries = (0..entries).map(|entry| vec![entry]).collect();
        Self { origin, entries, seed: 77, named: 77 }
    }

    fn signer(&self, seed: u8) -> Signer {
        Signer::new(KeyName::new(self.origin.as_str()).unwrap(), &[seed; 32])
    }

    pub fn verifier(&self) -> Verifier {
        self.signer(self.seed).verifier().clone()
    }

    pub fn key(&self, deployment: DeploymentId) -> LogKey {
        let key = SigningPublicKey::new(*self.signer(self.named).verifier().public());
        LogKey { deployment, key }
    }

    fn hashes(&self) -> Vec<Hash> {
        self.entries.iter().map(|entry| Hash::of_entry(entry)).collect()
    }

    pub fn checkpoint(&self) -> Checkpoint {
        let mut frontier = Frontier::new();
        for hash in self.hashes() {
            frontier.push(hash);
        }
        Checkpoint::new(self.origin.as_str(), frontier.size(), frontier.root()).unwrap()
    }

    /// What is shown to who has seen so many entries.
    pub fn shown(&self, since: u64, key: Vec<u8>) -> CheckpointReply {
        let (hashes, size) = (self.hashes(), self.entries.len() as u64);
        let mut read = |_, at: u64| Ok::<_, Infallible>(hashes[at as usize]);
        let proof = proof::consistency(since, size, &mut read).unwrap().unwrap_or_default();
        CheckpointReply {
            key: Base64(key),
            checkpoint: self.checkpoint().sign(&self.signer(self.seed)).unwrap().to_string(),
            proof: proof.iter().map(|hash| Base64(hash.as_bytes().to_vec())).collect(),
        }
    }
}
