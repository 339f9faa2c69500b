//! How what an event tells ended.

use minicbor::{Decode, Encode};

/// How it ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Encode, Decode)]
#[cbor(index_only)]
pub enum Outcome {
    /// As asked.
    #[n(0)]
    Success,
    /// Refused or failed.
    #[n(1)]
    Failure,
}

impl Outcome {
    /// The word in records.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Success => "success",
            Self::Failure => "failure",
        }
    }
}
