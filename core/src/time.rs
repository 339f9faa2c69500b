//! Time as an argument: seconds since 1970 and a clock that cannot be turned back.

use minicbor::{Decode, Encode};

use crate::codec::Bytes;

/// A day in seconds.
pub const DAY: u64 = 86_400;
/// The last second whose year has four digits.
const LAST: u64 = 253_402_300_799;

/// Seconds since 1970-01-01T00:00:00Z.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Encode, Decode)]
#[cbor(transparent)]
pub struct UnixTime(#[n(0)] pub u64);

impl UnixTime {
    /// This much later; stays at the end of time instead of overflowing.
    pub const fn plus(self, seconds: u64) -> Self {
        Self(self.0.saturating_add(seconds))
    }

    /// Seconds from `earlier` to here; 0 when it is not earlier.
    pub const fn since(self, earlier: Self) -> u64 {
        self.0.saturating_sub(earlier.0)
    }

    /// In UTC, as RFC 3339 has it: `2026-09-21T14:13:20Z`. Years that no clock shows become the
    /// last one of four digits.
    pub fn to_rfc3339(self) -> String {
        let seconds = self.0.min(LAST);
        let (days, of_day) = (seconds / DAY, seconds % DAY);

        // Years from the 1st of March on, so that a leap day ends one; eras of 400 of them.
        let since_era = days + 719_468;
        let (era, day) = (since_era / 146_097, since_era % 146_097);
        let year_of_era = (day - day / 1_460 + day / 36_524 - day / 146_096) / 365;
        let day_of_year = day - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
        let month_from_march = (5 * day_of_year + 2) / 153;
        let day = day_of_year - (153 * month_from_march + 2) / 5 + 1;
        let is_next_year = month_from_march >= 10;
        let month = if is_next_year { month_from_march - 9 } else { month_from_march + 3 };
        let year = era * 400 + year_of_era + u64::from(is_next_year);

        let (hour, minute, second) = (of_day / 3600, of_day / 60 % 60, of_day % 60);
        format!("{year:04}-{month:02}-{day:02}T{hour:02}:{minute:02}:{second:02}Z")
    }
}

/// What the machine's clocks say at one moment.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ClockReading {
    /// CLOCK_REALTIME; anyone with root may have set it to anything.
    pub realtime: UnixTime,
    /// CLOCK_BOOTTIME in seconds: counts through suspend, cannot be set.
    pub boottime: u64,
    /// /proc/sys/kernel/random/boot_id: tells whether `boottime` compares.
    pub boot_id: Bytes<64>,
}

/// The greatest signed time seen, and when: the floor below which time cannot be.
#[derive(Clone, Debug, Default, PartialEq, Eq, Encode, Decode)]
#[cbor(map)]
pub struct ClockFloor {
    /// Greatest signed time seen (or greatest time that followed from it).
    #[n(0)]
    pub time: UnixTime,
    /// CLOCK_BOOTTIME in seconds when it was seen.
    #[n(1)]
    pub boottime: u64,
    /// The boot in which it was seen.
    #[n(2)]
    pub boot_id: Bytes<64>,
}

impl ClockFloor {
    /// The least that the time can be now: the greatest signed time plus what is known to have
    /// elapsed since. A boot other than the floor's began after it, so all of the present one has
    /// elapsed; for how long the machine was off, nobody can tell.
    pub fn at(&self, reading: &ClockReading) -> UnixTime {
        let elapsed = if self.boot_id == reading.boot_id {
            reading.boottime.saturating_sub(self.boottime)
        } else {
            reading.boottime
        };
        self.time.plus(elapsed)
    }

    /// The time to judge by: the clock, but never below the floor. Setting the clock back extends
    /// nothing.
    pub fn now(&self, reading: &ClockReading) -> UnixTime {
        reading.realtime.max(self.at(reading))
    }

    /// The floor after a signed time was seen; never lower than before.
    #[must_use]
    pub fn raised(&self, signed: UnixTime, reading: &ClockReading) -> Self {
        Self {
            time: self.at(reading).max(signed),
            boottime: reading.boottime,
            boot_id: reading.boot_id.clone(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn reading(realtime: u64, boottime: u64, boot: &str) -> ClockReading {
        ClockReading {
            realtime: UnixTime(realtime),
            boottime,
            boot_id: Bytes::new(boot.as_bytes()).unwrap(),
        }
    }

    #[test]
    fn dates_are_those_of_the_calendar() {
        for (seconds, text) in [
            (0, "1970-01-01T00:00:00Z"),
            (951_782_399, "2000-02-28T23:59:59Z"),
            (951_782_400, "2000-02-29T00:00:00Z"),
            (951_868_800, "2000-03-01T00:00:00Z"),
            (1_709_251_199, "2024-02-29T23:59:59Z"),
            (1_795_310_076, "2026-11-22T01:14:36Z"),
            (1_798_761_599, "2026-12-31T23:59:59Z"),
            (1_798_761_600, "2027-01-01T00:00:00Z"),
            (4_107_542_399, "2100-02-28T23:59:59Z"),
            (4_107_542_400, "2100-03-01T00:00:00Z"),
            (u64::MAX, "9999-12-31T23:59:59Z"),
        ] {
            assert_eq!(UnixTime(seconds).to_rfc3339(), text);
        }
    }

    #[test]
    fn setting_the_clock_back_extends_nothing_even_across_a_reboot() {
        let floor = ClockFloor::default().raised(UnixTime(1_000), &reading(990, 50, "a"));
        // (realtime, boottime, boot) -> now
        for (realtime, boottime, boot, now) in [
            (1_005, 55, "a", 1_005),
            (10, 60, "a", 1_010),
            (10, 7, "b", 1_007), // all of another boot is later
            (2_000, 7, "b", 2_000),
            (10, 40, "a", 1_000), // boottime cannot run backwards; if it does, nothing is gained
        ] {
            assert_eq!(
                floor.now(&reading(realtime, boottime, boot)),
                UnixTime(now),
                "{realtime} {boottime} {boot}"
            );
        }
    }

    #[test]
    fn a_floor_never_sinks() {
        let floor = ClockFloor::default().raised(UnixTime(1_000), &reading(0, 50, "a"));
        assert_eq!(floor.raised(UnixTime(900), &reading(0, 70, "a")).time, UnixTime(1_020));
    }
}
