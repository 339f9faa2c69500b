//! The time as an argument: the system's, or one that a test moves.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{SystemTime, UNIX_EPOCH};

use wardkey_core::time::UnixTime;

/// Where the server takes its time from.
#[derive(Clone, Debug, Default)]
pub struct Clock(Option<Arc<AtomicU64>>);

impl Clock {
    /// The system's clock.
    pub const fn system() -> Self {
        Self(None)
    }

    /// A clock that stands at `seconds` until it is moved.
    pub fn standing(seconds: u64) -> Self {
        Self(Some(Arc::new(AtomicU64::new(seconds))))
    }

    /// Moves a standing clock on; the system's is left alone.
    pub fn advance(&self, seconds: u64) {
        if let Some(time) = &self.0 {
            time.fetch_add(seconds, Ordering::SeqCst);
        }
    }

    /// Now.
    pub fn now(&self) -> UnixTime {
        UnixTime(match &self.0 {
            Some(time) => time.load(Ordering::SeqCst),
            // A clock before 1970 is no clock; 0 makes every document expired rather than endless.
            None => SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |since| since.as_secs()),
        })
    }
}
