//! Base64 of RFC 4648, section 4, of which each value has one text.

use base64ct::{Base64, Encoding};

/// The text of bytes.
pub(crate) fn encode(bytes: &[u8]) -> String {
    Base64::encode_string(bytes)
}

/// The bytes of a text; none unless it is exactly the text of them.
pub(crate) fn decode(text: &str) -> Option<Vec<u8>> {
    let bytes = Base64::decode_vec(text).ok()?;
    (encode(&bytes) == text).then_some(bytes)
}
