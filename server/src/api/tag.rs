//! ETag and If-Match (RFC 9110, 8.8.3 and 13.1.1): nobody overwrites what they have not seen.

use serde::Serialize;
use wardkey_core::code::Code;
use wardkey_core::codec::sha256;
use wardkey_core::texts;

use crate::error::{Error, Result};

/// The tag of an answer: of its bytes.
pub fn of_bytes(body: &[u8]) -> String {
    let digits: String = sha256(body).to_hex().chars().take(32).collect();
    format!("\"{digits}\"")
}

/// Refuses what is no longer as the caller says.
///
/// # Errors
/// [`Code::ChangedMeanwhile`].
pub fn must_match(wanted: &str, shown: &[u8]) -> Result<()> {
    let now = of_bytes(shown);
    if wanted.split(',').map(str::trim).any(|tag| tag == "*" || tag == now) {
        return Ok(());
    }
    let message = texts::phrase(Code::ChangedMeanwhile, vec![]);
    Err(Error::refused(Code::ChangedMeanwhile, message))
}

/// A view as it goes out.
pub fn bytes(view: &impl Serialize) -> Result<Vec<u8>> {
    serde_json::to_vec(view).map_err(Error::crypto("JSON"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_of_the_tags_has_to_be_that_of_the_view() {
        let shown = bytes(&1).unwrap();
        let tag = of_bytes(&shown);
        for (given, holds) in [
            ("*", true),
            (tag.as_str(), true),
            ("\"0\"", false),
            ("", false),
            (&format!("\"0\", {tag}"), true),
            (&format!("W/{tag}"), false),
        ] {
            assert_eq!(must_match(given, &shown).is_ok(), holds, "{given:?}");
        }
    }
}
