//! The hashes of a Merkle tree (RFC 6962, section 2.1), with SHA-256.

use sha2::{Digest, Sha256};

use crate::base64;

/// Length of a hash in bytes.
pub const HASH_LEN: usize = 32;

/// The hash of an entry, of a node, or of a whole tree.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Hash([u8; HASH_LEN]);

impl Hash {
    /// A hash that was made elsewhere.
    pub const fn new(bytes: [u8; HASH_LEN]) -> Self {
        Self(bytes)
    }

    /// The root of a tree without entries: SHA-256 of nothing.
    pub fn of_nothing() -> Self {
        Self(Sha256::new().finalize().into())
    }

    /// The hash of an entry. It differs from that of every node, whatever the entry says.
    pub fn of_entry(entry: &[u8]) -> Self {
        Self(Sha256::new().chain_update([0]).chain_update(entry).finalize().into())
    }

    /// The hash of what stands to the left and to the right.
    pub fn of_node(left: &Self, right: &Self) -> Self {
        let node = Sha256::new().chain_update([1]).chain_update(left.0).chain_update(right.0);
        Self(node.finalize().into())
    }

    /// Its bytes.
    pub const fn as_bytes(&self) -> &[u8; HASH_LEN] {
        &self.0
    }

    /// In base64, as checkpoints have it.
    pub fn to_base64(&self) -> String {
        base64::encode(&self.0)
    }

    /// From the text of [`Self::to_base64`]; none when it is another one.
    pub fn from_base64(text: &str) -> Option<Self> {
        Some(Self(base64::decode(text)?.try_into().ok()?))
    }
}

impl std::fmt::Display for Hash {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&self.to_base64())
    }
}

impl std::fmt::Debug for Hash {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Hash({self})")
    }
}
