//! How many records a collector gets at once. A batch that does not arrive in its time comes again,
//! whole: so the next one is half as long, down to one record, and batches grow again where they
//! need little of their time. Else a slow collector would get the same records for ever.

use std::time::Duration;

/// The most records of a batch.
const MOST: usize = 1024;

/// How many records are sent at once.
#[derive(Clone, Copy, Debug)]
pub struct Pace(usize);

impl Default for Pace {
    fn default() -> Self {
        Self(MOST)
    }
}

impl Pace {
    /// Records of the next batch.
    pub const fn records(self) -> usize {
        self.0
    }

    /// A batch of so many records did not arrive.
    pub const fn failed(&mut self, records: usize) {
        self.0 = if records > 1 { records / 2 } else { 1 };
    }

    /// A batch took this long of what it might have taken. One twice as long has to fit too, or
    /// every second one would be in vain.
    pub fn arrived(&mut self, took: Duration, of: Duration) {
        if took < of / 3 {
            self.0 = self.0.saturating_mul(2).min(MOST);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn batches_shrink_to_one_record_and_grow_where_there_is_time() {
        let mut pace = Pace::default();
        for expected in [512, 256, 128, 64, 32, 16, 8, 4, 2, 1, 1] {
            pace.failed(pace.records());
            assert_eq!(pace.records(), expected);
        }
        let of = Duration::from_secs(30);
        pace.arrived(Duration::from_secs(20), of);
        assert_eq!(pace.records(), 1, "two of them might not fit");
        for expected in [2, 4, 8, 16, 32, 64, 128, 256, 512, 1024, 1024] {
            pace.arrived(Duration::from_secs(9), of);
            assert_eq!(pace.records(), expected);
        }
        // Half of what was sent, not of what might have been.
        pace.failed(3);
        assert_eq!(pace.records(), 1);
    }
}
