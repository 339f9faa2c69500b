//! The terminal while nothing that is typed may be shown.

use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::time::Instant;

use nix::errno::Errno;
use nix::poll::{PollFd, PollFlags, PollTimeout, poll};
use nix::sys::signal::{SigSet, SigmaskHow, Signal};
use nix::sys::signalfd::{SfdFlags, SignalFd};
use nix::sys::termios::{
    FlushArg, LocalFlags, SetArg, SpecialCharacterIndices, Termios, tcflush, tcgetattr, tcsetattr,
};
use zeroize::Zeroizing;

use super::person::NoAnswer;

/// A terminal that shows nothing and sends no signals for keys, until this is dropped. Signals from
/// elsewhere wait in a descriptor meanwhile, so that they cannot leave it that way.
pub(super) struct Quiet<'t> {
    terminal: &'t OwnedFd,
    before: Termios,
    signals: Signals,
}

/// The signals that ask this program to end; they wait in a descriptor until this is dropped.
pub(super) struct Signals {
    mask: SigSet,
    fd: SignalFd,
}

impl Signals {
    pub(super) fn hold() -> Result<Self, NoAnswer> {
        let ending = [Signal::SIGINT, Signal::SIGTERM, Signal::SIGHUP, Signal::SIGQUIT]
            .into_iter()
            .collect::<SigSet>();
        let fd = SignalFd::with_flags(&ending, SfdFlags::SFD_CLOEXEC | SfdFlags::SFD_NONBLOCK)?;
        let mask = ending.thread_swap_mask(SigmaskHow::SIG_BLOCK)?;
        Ok(Self { mask, fd })
    }

    /// The descriptor, for poll(2): there is something to read when one has come.
    pub(super) fn as_fd(&self) -> BorrowedFd<'_> {
        self.fd.as_fd()
    }

    /// Waits until there is something to read (true), or a signal (false).
    pub(super) fn wait_readable(
        &self,
        input: &OwnedFd,
        until: Option<Instant>,
    ) -> Result<bool, NoAnswer> {
        loop {
            let mut fds = [
                PollFd::new(input.as_fd(), PollFlags::POLLIN),
                PollFd::new(self.fd.as_fd(), PollFlags::POLLIN),
            ];
            let left = until.map(|until| until.saturating_duration_since(Instant::now()));
            let timeout = left.map_or(PollTimeout::NONE, |left| {
                PollTimeout::try_from(left).unwrap_or(PollTimeout::MAX)
            });
            match poll(&mut fds, timeout) {
                Err(Errno::EINTR) => continue,
                Err(errno) => return Err(errno.into()),
                Ok(0) if left.is_some_and(|left| left.is_zero()) => return Err(NoAnswer::TimedOut),
                // Milliseconds are rounded.
                Ok(0) => continue,
                Ok(_) => {}
            }
            let [_, signal] = fds;
            return Ok(signal.any() != Some(true));
        }
    }
}

impl Drop for Signals {
    fn drop(&mut self) {
        // A signal that waits is taken: the answer was "cancelled", and the program ends by itself.
        while matches!(self.fd.read_signal(), Ok(Some(_))) {}
        let _ = self.mask.thread_set_mask();
    }
}

impl<'t> Quiet<'t> {
    pub(super) fn begin(terminal: &'t OwnedFd) -> Result<Self, NoAnswer> {
        let before = tcgetattr(terminal)?;
        // From here on dropping it puts everything back.
        let quiet = Self { terminal, before, signals: Signals::hold()? };
        let mut silent = quiet.before.clone();
        silent.local_flags.remove(
            LocalFlags::ECHO
                | LocalFlags::ECHONL
                | LocalFlags::ICANON
                | LocalFlags::ISIG
                | LocalFlags::IEXTEN,
        );
        for (index, value) in
            [(SpecialCharacterIndices::VMIN, 1), (SpecialCharacterIndices::VTIME, 0)]
        {
            if let Some(slot) = silent.control_chars.get_mut(index as usize) {
                *slot = value;
            }
        }
        // What was typed before the question was not an answer to it, and was shown.
        tcsetattr(terminal, SetArg::TCSAFLUSH, &silent)?;
        Ok(quiet)
    }

    /// The next byte; `None` at the end of the input or when a signal asks this program to end.
    pub(super) fn next_byte(&self, until: Option<Instant>) -> Result<Option<u8>, NoAnswer> {
        if self.signals.wait_readable(self.terminal, until)? {
            read_byte(self.terminal)
        } else {
            Ok(None)
        }
    }
}

impl Drop for Quiet<'_> {
    fn drop(&mut self) {
        // The rest of a line that was pasted must not reach the shell.
        let _ = tcflush(self.terminal, FlushArg::TCIFLUSH);
        let _ = tcsetattr(self.terminal, SetArg::TCSANOW, &self.before);
    }
}

pub(super) fn read_byte(input: &OwnedFd) -> Result<Option<u8>, NoAnswer> {
    let mut byte = Zeroizing::new([0u8]);
    loop {
        match nix::unistd::read(input, &mut *byte) {
            Ok(0) => return Ok(None),
            Ok(_) => return Ok(byte.first().copied()),
            Err(Errno::EINTR) => {}
            // A terminal that was hung up.
            Err(Errno::EIO) => return Ok(None),
            Err(errno) => return Err(errno.into()),
        }
    }
}
