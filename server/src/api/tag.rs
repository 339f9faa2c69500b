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
pub fn must_match(if_match: Option<&str>, view: &impl Serialize) -> Result<()> {
    let Some(wanted) = if_match else { return Ok(()) };
    let now = of_bytes(&bytes(view)?);
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
        let tag = of_bytes(&bytes(&1).unwrap());
        for (given, holds) in [
            (None, true),
            (Some("*"), true),
            (Some(tag.as_str()), true),
            (Some("\"0\""), false),
            (Some(""), false),
            (Some(&format!("\"0\", {tag}")), true),
            (Some(&format!("W/{tag}")), false),
        ] {
            assert_eq!(must_match(given, &1).is_ok(), holds, "{given:?}");
        }
    }
}
