//! The time as an argument: the system's clocks, or those that a test moves.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{SystemTime, UNIX_EPOCH};

use nix::time::{ClockId, clock_gettime};
use wardkey_core::time::UnixTime;

/// Where the server takes its time from.
#[derive(Clone, Debug, Default)]
pub struct Clock(Option<Arc<ManualTime>>);

#[derive(Debug, Default)]
struct ManualTime {
    wall: AtomicU64,
    elapsed: AtomicU64,
}

impl Clock {
    /// The system's clocks.
    pub const fn system() -> Self {
        Self(None)
    }

    /// A clock that stands at `seconds` until it is moved.
    pub fn manual(seconds: u64) -> Self {
        Self(Some(Arc::new(ManualTime { wall: seconds.into(), elapsed: 0.into() })))
    }

    /// Lets time pass on a manual clock; the system's is left alone.
    pub fn advance(&self, seconds: u64) {
        if let Some(time) = &self.0 {
            time.elapsed.fetch_add(seconds, Ordering::SeqCst);
            time.wall.fetch_add(seconds, Ordering::SeqCst);
        }
    }

    /// Sets a manual clock, as somebody with root sets the system's: no time passes.
    pub fn set(&self, seconds: u64) {
        if let Some(time) = &self.0 {
            time.wall.store(seconds, Ordering::SeqCst);
        }
    }

    /// Now, as the wall clock says.
    pub fn now(&self) -> UnixTime {
        UnixTime(match &self.0 {
            Some(time) => time.wall.load(Ordering::SeqCst),
            // A clock before 1970 is no clock; 0 makes every document expired rather than endless.
            None => SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |since| since.as_secs()),
        })
    }

    /// Seconds of CLOCK_BOOTTIME, which counts through suspend and which nobody can set.
    pub fn elapsed(&self) -> u64 {
        match &self.0 {
            Some(time) => time.elapsed.load(Ordering::SeqCst),
            // Linux has had this clock since 2.6.39; without it the wall clock would count as
            // jumping.
            None => clock_gettime(ClockId::CLOCK_BOOTTIME)
                .ok()
                .and_then(|time| u64::try_from(time.tv_sec()).ok())
                .unwrap_or(0),
        }
    }
}
