//! Waking threads.

use std::sync::{Condvar, Mutex, PoisonError};
use std::time::Duration;

use crate::lock::lock;

/// Something that a thread waits for: it is told once however often it is woken.
#[derive(Debug, Default)]
pub struct Wake {
    woken: Mutex<bool>,
    condition: Condvar,
}

impl Wake {
    /// Wakes the waiting thread, or the next one that waits.
    pub fn wake(&self) {
        *lock(&self.woken) = true;
        self.condition.notify_all();
    }

    /// Waits until woken, or until the time is over; `true` when woken.
    pub fn wait(&self, at_most: Duration) -> bool {
        let guard = lock(&self.woken);
        let (mut woken, _) = self
            .condition
            .wait_timeout_while(guard, at_most, |woken| !*woken)
            .unwrap_or_else(PoisonError::into_inner);
        std::mem::take(&mut *woken)
    }
}
