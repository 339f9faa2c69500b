//! Numbers: the store has signed ones only.

use wardkey_core::time::UnixTime;

use crate::error::{Error, Result};

/// For the store; what does not fit is more than any real number of ours.
pub(super) fn to_i64(value: u64) -> i64 {
    i64::try_from(value).unwrap_or(i64::MAX)
}

/// From the store; what is below zero was never written by us.
pub(crate) fn to_time(value: i64) -> Result<UnixTime> {
    u64::try_from(value).map(UnixTime).map_err(|_| Error::damaged(format!("the number {value}")))
}
