//! A moment at which something ends, however far it has come. A time-out of a socket begins anew
//! with each octet that gets through; this does not.

use std::io::{ErrorKind, Result};
use std::time::{Duration, Instant};

/// When something ends at the latest.
#[derive(Clone, Copy, Debug)]
pub struct Deadline(Instant);

impl Deadline {
    /// From now on, for a while.
    pub fn after(at_most: Duration) -> Self {
        Self(Instant::now() + at_most)
    }

    /// What is left of it; never zero.
    ///
    /// # Errors
    /// [`ErrorKind::TimedOut`] when nothing is.
    pub fn left(self) -> Result<Duration> {
        let left = self.0.saturating_duration_since(Instant::now());
        if left.is_zero() { Err(ErrorKind::TimedOut.into()) } else { Ok(left) }
    }
}
