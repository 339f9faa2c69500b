//! For how long sealed codes may be valid.

use wardkey_core::pass::MAX_SEALED_SECONDS;
use wardkey_core::policy::document::PolicyDocument;

use crate::error::{Error, Result};
use crate::texts::{Phrase, Text};

/// What is set, in words.
///
/// # Errors
/// [`Error::Refused`] for longer than any policy may allow.
pub(super) fn detail(seconds: u64) -> Result<Phrase> {
    match seconds {
        0 => Ok(Text::SetNoBreakGlass.into()),
        1..=MAX_SEALED_SECONDS => {
            Ok(Text::SetBreakGlass.with([("count", (seconds / 86_400).into())]))
        }
        _ => Err(Error::invalid(Text::SealedLongest)),
    }
}

/// Allows sealed codes for so long at most, or none.
pub(super) fn allow(policy: &mut PolicyDocument, seconds: u64) {
    policy.break_glass_seconds = (seconds > 0).then_some(seconds);
}
