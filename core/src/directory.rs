//! The signed directory of a scope: leaves, 256 buckets, one state root, and proofs for one person.
//!
//! ```text
//!   head (signed) -> state root -> 256 bucket hashes -> pairs of one bucket -> one record
//! ```
//! A leaf is (SHA-256 of the login name, SHA-256 of the record's encoding). A bucket holds the
//! leaves whose key begins with its number, sorted. A proof shows one bucket's pairs, which are
//! hashes, and the other 255 bucket hashes: nobody else's record.

use minicbor::{Decode, Encode};

use crate::codec::{self, Bytes, CodecError, Document, List};
use crate::id::Hash;
use crate::name::LoginName;
use crate::person::PersonRecord;

/// Buckets of a state.
pub const BUCKETS: usize = 256;
/// Leaves that one bucket can hold: a million people in a scope, with room for chance.
pub const MAX_BUCKET: usize = 8192;

/// One person in a state: key and value, both hashes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Encode, Decode)]
pub struct Leaf {
    /// SHA-256 of the login name.
    #[n(0)]
    pub key: Hash,
    /// SHA-256 of the record's encoding.
    #[n(1)]
    pub value: Hash,
}

/// The leaf key of a login name.
pub fn leaf_key(login: &LoginName) -> Hash {
    codec::sha256(login.as_str().as_bytes())
}

/// The bucket in which a key stands.
pub fn bucket_of(key: &Hash) -> u8 {
    key.as_bytes().first().copied().unwrap_or_default()
}

/// The leaves of one bucket, strictly ascending by key.
#[derive(Clone, Debug, Default, PartialEq, Eq, Encode, Decode)]
#[cbor(transparent)]
pub struct Bucket(#[n(0)] pub List<Leaf, MAX_BUCKET>);

impl Document for Bucket {
    const DOMAIN: &'static str = "wardkey/bucket/1";
    const MAX_BYTES: usize = MAX_BUCKET * 72;
    const GROWS: bool = false;
}

impl Bucket {
    /// Takes leaves and sorts them.
    ///
    /// # Errors
    /// [`CodecError`] for more than [`MAX_BUCKET`] leaves or a key that comes twice.
    pub fn new(mut leaves: Vec<Leaf>) -> Result<Self, CodecError> {
        leaves.sort_unstable();
        let bucket = Self(List::new(leaves)?);
        if bucket.is_sorted() {
            Ok(bucket)
        } else {
            Err(CodecError::Malformed("a leaf comes twice".into()))
        }
    }

    /// The hash over its leaves.
    pub fn hash(&self) -> Hash {
        codec::hash_of(self)
    }

    fn is_sorted(&self) -> bool {
        self.0.iter().zip(self.0.iter().skip(1)).all(|(a, b)| a.key < b.key)
    }

    fn value(&self, key: &Hash) -> Option<Hash> {
        self.0
            .binary_search_by(|leaf| leaf.key.cmp(key))
            .ok()
            .and_then(|at| self.0.get(at))
            .map(|leaf| leaf.value)
    }
}

#[derive(Encode, Decode)]
#[cbor(transparent)]
struct State(#[n(0)] List<Hash, BUCKETS>);

impl Document for State {
    const DOMAIN: &'static str = "wardkey/state/1";
    const MAX_BYTES: usize = BUCKETS * 40;
    const GROWS: bool = false;
}

/// The state root over the 256 bucket hashes, in order.
///
/// # Errors
/// [`CodecError::Malformed`] when there are not 256.
pub fn state_root(bucket_hashes: &[Hash]) -> Result<Hash, CodecError> {
    if bucket_hashes.len() != BUCKETS {
        return Err(CodecError::Malformed(format!("{} bucket hashes", bucket_hashes.len())));
    }
    Ok(codec::hash_of(&State(List::new(bucket_hashes.to_vec())?)))
}

/// What shows one person's record, or that there is none, in the state of a scope.
#[derive(Clone, Debug, PartialEq, Eq, Encode, Decode)]
#[cbor(map)]
pub struct Proof {
    /// The hashes of the other 255 buckets, in order, without the person's own.
    #[n(0)]
    pub others: List<Hash, { BUCKETS - 1 }>,
    /// The person's bucket.
    #[n(1)]
    pub bucket: Bucket,
    /// The record's encoding, when the person is in this scope.
    #[n(2)]
    pub record: Option<Bytes<{ PersonRecord::MAX_BYTES }>>,
}

impl Proof {
    /// Checks the proof for one login name against a state root (which a verified head names).
    /// `None` is the proven absence of the person from this scope.
    ///
    /// # Errors
    /// [`ProofError`] when it does not show what it should.
    pub fn check(
        &self,
        login: &LoginName,
        root: &Hash,
    ) -> Result<Option<PersonRecord>, ProofError> {
        let key = leaf_key(login);
        let number = bucket_of(&key);
        if !self.bucket.is_sorted()
            || self.bucket.0.iter().any(|leaf| bucket_of(&leaf.key) != number)
        {
            return Err(ProofError::Bucket);
        }
        let mut hashes = self.others.to_vec();
        if hashes.len() != BUCKETS - 1 {
            return Err(ProofError::Root);
        }
        hashes.insert(usize::from(number), self.bucket.hash());
        if state_root(&hashes)? != *root {
            return Err(ProofError::Root);
        }
        match (self.bucket.value(&key), &self.record) {
            (None, None) => Ok(None),
            (Some(value), Some(bytes)) => {
                if codec::sha256(bytes.as_slice()) != value {
                    return Err(ProofError::Record);
                }
                let record: PersonRecord = codec::from_bytes(bytes.as_slice())?;
                if record.login == *login { Ok(Some(record)) } else { Err(ProofError::Record) }
            }
            (Some(_), None) | (None, Some(_)) => Err(ProofError::Record),
        }
    }
}

/// Why a proof does not hold.
#[derive(Debug, thiserror::Error, PartialEq, Eq)]
pub enum ProofError {
    /// The bucket is not sorted or holds leaves of another one.
    #[error("the bucket is not a bucket of the directory")]
    Bucket,
    /// The bucket hashes do not give the signed state root.
    #[error("the bucket hashes do not give the signed state root")]
    Root,
    /// The record is missing, superfluous, another person's, or not the one in the bucket.
    #[error("the record is not the one that the directory names")]
    Record,
    /// The record is malformed.
    #[error(transparent)]
    Codec(#[from] CodecError),
}
