//! Pauses between attempts: exponential with full jitter, and what the other side asked for.

use std::time::Duration;

/// The pauses after failures in a row.
#[derive(Clone, Copy, Debug)]
pub struct Backoff {
    failures: u32,
    longest: Duration,
}

impl Backoff {
    /// No failure yet; no pause is longer than `longest`, unless the server asks for it.
    pub const fn new(longest: Duration) -> Self {
        Self { failures: 0, longest }
    }

    /// It worked.
    pub const fn reset(&mut self) {
        self.failures = 0;
    }

    /// It did not: how long to pause. `retry_after` is what the server asked for, in seconds.
    pub fn next(&mut self, retry_after: Option<u64>) -> Duration {
        self.failures = self.failures.saturating_add(1);
        let ceiling =
            Duration::from_secs(1).saturating_mul(1 << self.failures.min(16)).min(self.longest);
        // Full jitter: ten thousand terminals do not come back in the same second.
        let part = getrandom::u32().unwrap_or(u32::MAX / 2);
        let jitter = ceiling.mul_f64(f64::from(part) / f64::from(u32::MAX));
        // A server may ask for patience, not for an hour of silence.
        let asked = Duration::from_secs(retry_after.unwrap_or(0).min(3600));
        asked.saturating_add(jitter).max(Duration::from_millis(200))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pauses_grow_have_jitter_and_honour_the_server() {
        let longest = Duration::from_secs(60);
        let mut pauses = Vec::new();
        for _ in 0..50 {
            let mut backoff = Backoff::new(longest);
            for failure in 1..=10u32 {
                let pause = backoff.next(None);
                assert!(
                    pause <= longest.min(Duration::from_secs(1 << failure)),
                    "{failure}: {pause:?}"
                );
                assert!(pause >= Duration::from_millis(200));
                pauses.push(pause);
            }
            assert!(backoff.next(Some(120)) >= Duration::from_secs(120));
            assert!(backoff.next(Some(u64::MAX)) <= Duration::from_secs(3660));
            backoff.reset();
            assert!(backoff.next(None) <= Duration::from_secs(2));
        }
        pauses.sort_unstable();
        pauses.dedup();
        assert!(pauses.len() > 300, "no jitter: {} different pauses", pauses.len());
    }
}
