//! Things that must not fill the log or the records: said once, then again after a pause.

use std::collections::HashMap;
use std::sync::Mutex;
use std::time::Duration;

use crate::clock::Moment;
use crate::lock::lock;

/// Above this many, those that were said more than [`OLD`] ago are forgotten.
const MANY: usize = 1024;
const OLD: Duration = Duration::from_secs(3600);
/// The most that are remembered.
const MAX: usize = 4096;

/// What was said, and when last.
#[derive(Debug, Default)]
pub struct Throttle {
    last: Mutex<HashMap<String, Moment>>,
}

impl Throttle {
    /// True for the first time and then once per `pause`.
    pub fn is_due(&self, what: &str, pause: Duration) -> bool {
        let mut last = lock(&self.last);
        let now = Moment::now();
        if last.len() > MANY {
            last.retain(|_, when| when.until(now) < OLD);
        }
        if last.get(what).is_some_and(|when| when.until(now) < pause) {
            return false;
        }

        // Full: what was said longest ago gives way, so that nothing new is ever silenced.
        if last.len() > MAX
            && let Some(oldest) =
                last.iter().min_by_key(|(_, when)| **when).map(|(what, _)| what.clone())
        {
            last.remove(&oldest);
        }
        last.insert(what.to_owned(), now);
        true
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_thing_is_due_once_and_nothing_new_is_ever_silenced() {
        let throttle = Throttle::default();
        let hour = Duration::from_secs(3600);
        assert!(throttle.is_due("a", hour) && !throttle.is_due("a", hour));
        assert!(throttle.is_due("a", Duration::ZERO), "the pause is over");
        assert!((0..2 * MAX).all(|number| throttle.is_due(&number.to_string(), hour)));
        assert!(lock(&throttle.last).len() <= MAX + 1);
    }
}
