//! Pauses between attempts, and how they are waited out.

use std::time::Duration;

pub use wardkey_sinks::backoff::Backoff;

use crate::clock::Moment;
use crate::wake::Wake;

/// Waits out a pause: what wakes the thread meanwhile does not shorten it, only that it is to end
/// does.
pub fn rest(wake: &Wake, pause: Duration, is_over: impl Fn() -> bool) {
    let end = Moment::now().after(pause);
    loop {
        let left = Moment::now().until(end);
        if left.is_zero() || is_over() {
            return;
        }
        wake.wait(left);
    }
}
