//! Signals that end a wait: Ctrl-C at a prompt that is waited for, a hang-up, the end of a service.
//!
//! The signals stay the process's own. While it waits, a thread blocks them and looks, by
//! signalfd(2), whether one is pending; none is taken. When the wait is over the mask is as before,
//! and the signal does what it does in this process. So a handler runs after the wait has ended,
//! not instead of its end (poll(2) could not tell whose handler ran), and a program such as sudo,
//! which blocks them itself while it asks for a password and looks for them afterwards, still finds
//! them.

use std::os::fd::{AsFd, BorrowedFd};

use nix::sys::signal::{SigSet, SigmaskHow, Signal};
use nix::sys::signalfd::{SfdFlags, SignalFd};

/// Where the kernel says which signals this process ignores.
const STATUS: &str = "/proc/self/status";

/// What ends waits.
#[derive(Debug)]
pub struct Interrupt {
    signals: SigSet,
    pending: SignalFd,
}

impl Interrupt {
    /// Signals that ask for the end: SIGINT, SIGQUIT, SIGTERM, SIGHUP, but for those that the
    /// process ignores.
    ///
    /// # Errors
    /// The error of signalfd(2), or of reading which ones are ignored.
    pub fn new() -> std::io::Result<Self> {
        let ignored = ignored(&std::fs::read_to_string(STATUS)?);
        let mut signals = SigSet::empty();
        for signal in [Signal::SIGINT, Signal::SIGQUIT, Signal::SIGTERM, Signal::SIGHUP] {
            if ignored >> (signal as u32 - 1) & 1 == 0 {
                signals.add(signal);
            }
        }
        let flags = SfdFlags::SFD_CLOEXEC | SfdFlags::SFD_NONBLOCK;
        Ok(Self { pending: SignalFd::with_flags(&signals, flags)?, signals })
    }

    /// Blocks the signals in this thread; as before when what it gives is dropped.
    pub(crate) fn hold(&self) -> std::io::Result<Held> {
        Ok(Held(self.signals.thread_swap_mask(SigmaskHow::SIG_BLOCK)?))
    }

    /// Readable when one of the signals is pending. Never read: the signal is the process's.
    pub(crate) fn as_fd(&self) -> BorrowedFd<'_> {
        self.pending.as_fd()
    }
}

/// The mask of before.
pub(crate) struct Held(SigSet);

impl Drop for Held {
    fn drop(&mut self) {
        let _ = self.0.thread_set_mask();
    }
}

/// The bits of proc(5)'s `SigIgn`; all of them when they cannot be read: then nothing ends a wait
/// early.
fn ignored(status: &str) -> u64 {
    let mask = status.lines().find_map(|line| line.strip_prefix("SigIgn:"));
    mask.and_then(|mask| u64::from_str_radix(mask.trim(), 16).ok()).unwrap_or(u64::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ignored_signals_are_read_from_the_kernels_words() {
        assert_eq!(
            ignored("Name:\tx\nSigBlk:\t0000000000000001\nSigIgn:\t0000000000001002\n"),
            0x1002
        );
        for nothing in ["", "SigIgn:\t", "SigIgn:\txyz", "SigBlk:\t01\n"] {
            assert_eq!(ignored(nothing), u64::MAX, "{nothing:?}");
        }
    }

    #[test]
    fn the_mask_is_as_before_when_a_wait_is_over() {
        let mask = || SigSet::thread_get_mask().unwrap();
        let before = mask();
        let interrupt = Interrupt::new().unwrap();
        let held = interrupt.hold().unwrap();
        assert!(mask().contains(Signal::SIGTERM));
        assert!(
            !mask().contains(Signal::SIGCHLD) && !mask().contains(Signal::SIGALRM),
            "only those that ask for the end"
        );
        drop(held);
        assert_eq!(mask(), before);
    }
}
