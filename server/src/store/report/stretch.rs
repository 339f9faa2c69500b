//! A stretch of time.

use wardkey_core::time::UnixTime;

/// From when, and until before when.
pub type Stretch = (UnixTime, UnixTime);
