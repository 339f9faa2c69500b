//! The agent's clock: the machine's, but never below the greatest signed time seen.

use std::sync::RwLock;
use std::time::Duration;

use nix::time::{ClockId, clock_gettime};
use wardkey_core::codec::Bytes;
use wardkey_core::server_time::Attested;
use wardkey_core::time::{ClockFloor, ClockReading, UnixTime};

use crate::lock;

/// Where readings come from: the machine, or a test.
pub type Source = Box<dyn Fn() -> ClockReading + Send + Sync>;

/// A moment since the machine was started, by CLOCK_BOOTTIME: what was to last a minute is over
/// after a night in which the machine slept. `std::time::Instant` stands still meanwhile.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Moment(Duration);

impl Moment {
    /// This moment.
    pub fn now() -> Self {
        // The kernel has this clock.
        Self(clock_gettime(ClockId::CLOCK_BOOTTIME).map_or(Duration::ZERO, Duration::from))
    }

    /// How long ago it was.
    pub fn elapsed(self) -> Duration {
        self.until(Self::now())
    }

    /// How long after it `later` is; zero when it is before.
    pub fn until(self, later: Self) -> Duration {
        later.0.saturating_sub(self.0)
    }

    /// The moment this long after it.
    #[must_use]
    pub fn after(self, time: Duration) -> Self {
        Self(self.0.saturating_add(time))
    }
}

/// A clock with a floor.
pub struct Clock {
    floor: RwLock<ClockFloor>,
    /// The server's time, asked for when the machine's clock made the directory look old.
    attested: RwLock<Option<Attested>>,
    source: Source,
}

impl std::fmt::Debug for Clock {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Clock").field("floor", &self.floor()).finish_non_exhaustive()
    }
}

impl Clock {
    /// The machine's clock.
    pub fn machine() -> Self {
        let boot_id = boot_id();
        Self::with(Box::new(move || read(&boot_id)))
    }

    /// A clock that reads from `source`.
    pub fn with(source: Source) -> Self {
        Self { floor: RwLock::default(), attested: RwLock::default(), source }
    }

    /// The time to judge by.
    pub fn now(&self) -> UnixTime {
        self.floor().now(&self.reading())
    }

    /// Takes the server's time.
    pub fn attest(&self, time: Attested) {
        self.raise(time.signed());
        *lock::write(&self.attested) = Some(time);
    }

    /// The time by what the server said last, if it was asked in this boot.
    pub fn attested(&self) -> Option<UnixTime> {
        let reading = self.reading();
        let attested = lock::read(&self.attested);
        let time = attested.as_ref()?.at(&reading)?;
        Some(time.max(self.floor().at(&reading)))
    }

    /// What the machine's clock says, which may be behind.
    pub fn realtime(&self) -> UnixTime {
        self.reading().realtime
    }

    /// The least that the time can be.
    pub fn least(&self) -> UnixTime {
        self.floor().at(&self.reading())
    }

    /// What the machine's clocks say, unjudged.
    pub fn reading(&self) -> ClockReading {
        (self.source)()
    }

    /// The floor.
    pub fn floor(&self) -> ClockFloor {
        lock::read(&self.floor).clone()
    }

    /// Takes a floor that was kept on disk; never lowers the one that is.
    pub fn restore(&self, kept: &ClockFloor) {
        let reading = self.reading();
        let mut floor = lock::write(&self.floor);
        if floor.at(&reading) < kept.at(&reading) {
            *floor = kept.clone();
        }
    }

    /// Raises the floor to a signed time and gives the floor as it is then.
    pub fn raise(&self, signed: UnixTime) -> ClockFloor {
        let reading = self.reading();
        let mut floor = lock::write(&self.floor);
        *floor = floor.raised(signed, &reading);
        floor.clone()
    }
}

fn read(boot_id: &Bytes<64>) -> ClockReading {
    let seconds = |id| {
        clock_gettime(id)
            .ok()
            .and_then(|time| u64::try_from(time.tv_sec()).ok())
            .unwrap_or_default()
    };
    ClockReading {
        realtime: UnixTime(seconds(ClockId::CLOCK_REALTIME)),
        boottime: seconds(ClockId::CLOCK_BOOTTIME),
        boot_id: boot_id.clone(),
    }
}

fn boot_id() -> Bytes<64> {
    let text = std::fs::read_to_string("/proc/sys/kernel/random/boot_id").unwrap_or_default();
    Bytes::new(text.trim().as_bytes()).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::sync::Arc;
    use std::sync::atomic::{AtomicU64, Ordering};

    #[test]
    fn a_clock_that_is_set_back_extends_nothing() {
        let time = Arc::new(AtomicU64::new(1_000));
        let read = Arc::clone(&time);
        let clock = Clock::with(Box::new(move || ClockReading {
            realtime: UnixTime(read.load(Ordering::SeqCst)),
            boottime: 50,
            boot_id: Bytes::default(),
        }));
        clock.raise(UnixTime(2_000));
        time.store(10, Ordering::SeqCst);
        assert_eq!(clock.now(), UnixTime(2_000));
        clock.restore(&ClockFloor { time: UnixTime(1_500), ..clock.floor() });
        assert_eq!(clock.now(), UnixTime(2_000), "a kept floor never lowers the one that is");
    }

    #[test]
    fn moments_are_of_the_clock_that_goes_on_while_the_machine_sleeps() {
        let uptime = || {
            let text = std::fs::read_to_string("/proc/uptime").unwrap();
            text.split_whitespace().next().unwrap().parse::<f64>().unwrap()
        };
        // The kernel shows CLOCK_BOOTTIME there.
        let (before, now, after) = (uptime(), Moment::now().0.as_secs_f64(), uptime());
        assert!((before - 0.02..=after + 0.02).contains(&now), "{before} {now} {after}");
        let moment = Moment::now();
        assert!(moment.elapsed() < Duration::from_secs(60));
        assert_eq!(moment.after(Duration::from_secs(5)).until(moment), Duration::ZERO);
        assert_eq!(moment.until(moment.after(Duration::from_secs(5))), Duration::from_secs(5));
    }

    #[test]
    fn a_reboot_with_the_clock_set_back_loses_only_the_time_that_the_machine_was_off() {
        let clock = |boottime: u64, boot: &'static [u8]| {
            Clock::with(Box::new(move || ClockReading {
                realtime: UnixTime(10),
                boottime,
                boot_id: Bytes::new(boot).unwrap_or_default(),
            }))
        };
        let kept = clock(500, b"a").raise(UnixTime(2_000));
        let next = clock(30, b"b");
        next.restore(&kept);
        assert_eq!(next.now(), UnixTime(2_030));
        // Suspended for an hour: CLOCK_BOOTTIME has gone on.
        let resumed = clock(30 + 3_600, b"b");
        resumed.restore(&next.raise(UnixTime(0)));
        assert_eq!(resumed.now(), UnixTime(5_630));
    }

    #[test]
    fn the_machine_has_a_boot_id() {
        assert!(!Clock::machine().reading().boot_id.as_slice().is_empty());
    }
}
