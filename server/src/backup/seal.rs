//! The signature of a manifest.

use minicbor::{Decode, Encode};
use wardkey_core::codec::Document;
use wardkey_core::id::Hash;

/// What the publish key signs of a backup: with the manifest it covers the hash of every file.
#[derive(Clone, Debug, PartialEq, Eq, Encode, Decode)]
#[cbor(map)]
pub struct Seal {
    /// SHA-256 of `manifest.json`.
    #[n(0)]
    pub manifest: Hash,
}

impl Document for Seal {
    const DOMAIN: &'static str = "wardkey/backup/1";
    const MAX_BYTES: usize = 128;
    const GROWS: bool = false;
}
