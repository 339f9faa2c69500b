//! Words for what is stored: states, times, names that may be missing.

use wardkey_core::time::UnixTime;

use crate::texts::{Phrase, Text};
use crate::when::shown_utc;

/// A state, as it stands in JSON, in words. What this version does not know is shown as it is.
pub fn state(name: &str) -> Phrase {
    let text = match name {
        "active" => Text::StateActive,
        "deleted" => Text::StateDeleted,
        "disabled" => Text::StateDisabled,
        "ended" => Text::StateEnded,
        "expired" => Text::StateExpired,
        "free" => Text::StateFree,
        "lent" => Text::StateLent,
        "failure" => Text::StateFailure,
        "invalid" => Text::StateInvalid,
        "degraded" => Text::StageDegraded,
        "hard" => Text::StageHard,
        "none" => Text::None,
        "not-valid" => Text::StateNotValid,
        "online" => Text::StageOnline,
        "open" => Text::StateOpen,
        "out" => Text::StateOut,
        "over" => Text::StateOver,
        "pending" => Text::StatePending,
        "revoked" => Text::StateRevoked,
        "sealed" => Text::StateSealed,
        "soft" => Text::StageSoft,
        "success" => Text::StateSuccess,
        "unenrolled" => Text::StateUnenrolled,
        "used" => Text::StateUsed,
        "valid" => Text::StateValid,
        "void" => Text::StateVoid,
        "withdrawn" => Text::StateWithdrawn,
        other => return other.into(),
    };
    text.into()
}

/// A time in UTC.
pub fn time(seconds: u64) -> Phrase {
    shown_utc(UnixTime(seconds)).into()
}

/// A time in UTC of what may not have happened yet.
pub fn time_or_never(seconds: Option<u64>) -> Phrase {
    seconds.map_or_else(|| Text::Never.into(), time)
}

/// A text, or a dash.
pub fn dash(text: Option<&str>) -> Phrase {
    text.unwrap_or("-").into()
}

/// Names in a row, or that there are none.
pub fn names_or_none(names: &[String]) -> Phrase {
    if names.is_empty() { Text::None.into() } else { names.join(", ").into() }
}

/// The first digits of an id or a fingerprint.
pub fn short(digits: &str, count: usize) -> String {
    digits.chars().take(count).collect()
}
