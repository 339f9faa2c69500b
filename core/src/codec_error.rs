//! Why bytes are refused: one error for the codec and for the identifiers that it reads.

/// Why bytes are not the document or message that they should be.
#[derive(Debug, thiserror::Error, PartialEq, Eq)]
pub enum CodecError {
    /// Longer than any valid one.
    #[error("{actual} bytes, at most {max} are accepted")]
    TooLong {
        /// The greatest length accepted, in bytes.
        max: usize,
        /// The length found, in bytes.
        actual: usize,
    },
    /// Not CBOR, or not of this shape.
    #[error("malformed CBOR: {0}")]
    Malformed(String),
    /// The domain tag names another kind or version.
    #[error("domain tag is not {expected}")]
    Domain {
        /// The domain tag that was expected.
        expected: &'static str,
    },
    /// Valid CBOR, but not its one deterministic encoding (or with unknown fields).
    #[error("not the deterministic encoding of a {0}")]
    NotDeterministic(&'static str),
}
