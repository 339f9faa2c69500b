//! For how long sealed codes may be valid.

use wardkey_core::pass::MAX_SEALED_SECONDS;
use wardkey_core::policy::document::PolicyDocument;

use crate::error::{Error, Result};
use crate::texts::{Phrase, Text};

const DAY: u64 = 24 * 3600;

/// What is set, in words.
///
/// # Errors
/// [`Error::Usage`] for no whole days; [`Error::Refused`] for more than any policy may allow.
pub(super) fn detail(seconds: u64) -> Result<Phrase> {
    match seconds {
        0 => Ok(Text::SetNoBreakGlass.into()),
        _ if !seconds.is_multiple_of(DAY) => Err(Error::usage(Text::SealedDays)),
        1..=MAX_SEALED_SECONDS => Ok(Text::SetBreakGlass.with([("count", (seconds / DAY).into())])),
        _ => Err(Error::invalid(Text::SealedLongest)),
    }
}

/// Allows sealed codes for so long at most, or none.
pub(super) fn allow(policy: &mut PolicyDocument, seconds: u64) {
    policy.break_glass_seconds = (seconds > 0).then_some(seconds);
}
