//! Codes: what is made of them, and signed by them.

use minicbor::{Decode, Encode};

use crate::codec::Bytes;
use crate::id::Salt;
use crate::pass::PassCode;

/// Sign with the key pair that is made of the code of a pass.
#[derive(Clone, Debug, PartialEq, Encode, Decode)]
#[cbor(map)]
pub struct SignByCode {
    /// The code.
    #[n(0)]
    pub code: PassCode,
    /// What it is hashed with.
    #[n(1)]
    pub salt: Salt,
    /// How: [`crate::pass::HASH`].
    #[n(2)]
    pub hash: u8,
    /// Client data.
    #[n(3)]
    pub client_data: Bytes<512>,
}

/// Make the key pair of a code that a person chose.
#[derive(Clone, Debug, PartialEq, Encode, Decode)]
#[cbor(map)]
pub struct HashCode {
    /// The code.
    #[n(0)]
    pub code: PassCode,
    /// What it is hashed with.
    #[n(1)]
    pub salt: Salt,
    /// How: [`crate::pass::HASH`].
    #[n(2)]
    pub hash: u8,
}
