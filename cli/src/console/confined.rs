//! A terminal and a program out of which nothing that is typed leads, but back to the beginning.

use std::collections::BTreeMap;
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::time::{Duration, Instant};

use nix::errno::Errno;
use nix::libc;
use nix::poll::{PollFd, PollFlags, PollTimeout, poll};
use nix::sys::mman::{MlockAllFlags, mlockall};
use nix::sys::signal::{SigSet, Signal};
use nix::sys::stat::{fstat, major, minor};
use nix::sys::termios::{
    FlushArg, InputFlags, LocalFlags, SetArg, SpecialCharacterIndices, tcflush, tcgetattr,
    tcsetattr,
};
use seccompiler::{BpfProgram, SeccompAction, SeccompFilter, TargetArch};

use super::person::NoAnswer;
use super::terminal::{Signals, read_byte};

/// Ctrl-C, as a terminal gives it that makes no signals of keys.
const STOP: u8 = 0x03;

/// What this program was waiting for when it was woken.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Woken {
    /// There is something to read at the other descriptor.
    There,
    /// Somebody typed something, or the terminal was hung up.
    Typed,
    /// This program is to end.
    ToEnd,
    /// The time has passed.
    Late,
}

/// A terminal whose keys send no signal (Ctrl-C, Ctrl-Z, Ctrl-\\), stop no output (Ctrl-S) and end
/// no input (Ctrl-D), and which shows nothing of what is typed. It stays so: the next one at this
/// terminal resets it.
pub(super) struct Confined {
    /// Held for good, so that one that comes between two waits is there at the next.
    signals: Signals,
}

impl Confined {
    /// Confines the terminal and this program, for good. Its memory, in which PINs are, is kept out
    /// of the swap space, and it starts no other program any more.
    ///
    /// # Errors
    /// It is no terminal, or this process may not lock so much memory, or the kernel has no
    /// filters.
    pub(super) fn begin(terminal: &OwnedFd) -> Result<Self, NoAnswer> {
        let mut settings = tcgetattr(terminal)?;
        settings.local_flags.remove(
            LocalFlags::ICANON
                | LocalFlags::ISIG
                | LocalFlags::IEXTEN
                | LocalFlags::ECHO
                | LocalFlags::ECHONL,
        );
        settings.input_flags.remove(InputFlags::IXON | InputFlags::IXOFF);
        for (index, value) in
            [(SpecialCharacterIndices::VMIN, 1), (SpecialCharacterIndices::VTIME, 0)]
        {
            if let Some(slot) = settings.control_chars.get_mut(index as usize) {
                *slot = value;
            }
        }
        tcsetattr(terminal, SetArg::TCSAFLUSH, &settings)?;

        let stopping =
            [Signal::SIGTSTP, Signal::SIGTTIN, Signal::SIGTTOU].into_iter().collect::<SigSet>();
        stopping.thread_block()?;
        mlockall(MlockAllFlags::MCL_CURRENT | MlockAllFlags::MCL_FUTURE)?;
        start_nothing()?;
        Ok(Self { signals: Signals::hold()? })
    }

    /// Waits for one of three things. Signals come first, then what is typed.
    pub(super) fn wait(
        &self,
        terminal: Option<&OwnedFd>,
        there: Option<BorrowedFd<'_>>,
        until: Option<Instant>,
    ) -> Result<Woken, NoAnswer> {
        loop {
            let mut fds = vec![PollFd::new(self.signals.as_fd(), PollFlags::POLLIN)];
            fds.extend(terminal.map(|fd| PollFd::new(fd.as_fd(), PollFlags::POLLIN)));
            fds.extend(there.map(|fd| PollFd::new(fd, PollFlags::POLLIN)));
            let left = until.map(|until| until.saturating_duration_since(Instant::now()));
            let timeout = left.map_or(PollTimeout::NONE, |left| {
                PollTimeout::try_from(left).unwrap_or(PollTimeout::MAX)
            });
            match poll(&mut fds, timeout) {
                Err(Errno::EINTR) => continue,
                Err(errno) => return Err(errno.into()),
                Ok(0) if left.is_some_and(|left| left.is_zero()) => return Ok(Woken::Late),
                // Milliseconds are rounded.
                Ok(0) => continue,
                Ok(_) => {}
            }
            let mut ready = fds.iter().map(|fd| fd.any() == Some(true));
            if ready.next() == Some(true) {
                return Ok(Woken::ToEnd);
            }
            let is_typed = terminal.is_some() && ready.next() == Some(true);
            return Ok(if is_typed { Woken::Typed } else { Woken::There });
        }
    }

    /// The next byte; `None` when the terminal was hung up or this program is to end.
    pub(super) fn next_byte(
        &self,
        terminal: &OwnedFd,
        until: Option<Instant>,
    ) -> Result<Option<u8>, NoAnswer> {
        match self.wait(Some(terminal), None, until)? {
            Woken::Typed => read_byte(terminal),
            Woken::Late => Err(NoAnswer::TimedOut),
            Woken::ToEnd | Woken::There => Ok(None),
        }
    }

    /// Waits until there is something to read there (`Some`); what is typed meanwhile is for
    /// nobody, but for Ctrl-C. `None`: as in [`Self::next_byte`].
    pub(super) fn wait_for(
        &self,
        terminal: &OwnedFd,
        there: BorrowedFd<'_>,
        until: Instant,
    ) -> Result<Option<()>, NoAnswer> {
        loop {
            match self.wait(Some(terminal), Some(there), Some(until))? {
                Woken::There => return Ok(Some(())),
                Woken::ToEnd => return Ok(None),
                Woken::Late => return Err(NoAnswer::TimedOut),
                Woken::Typed => match read_byte(terminal)? {
                    None => return Ok(None),
                    Some(STOP) => return Err(NoAnswer::Cancelled),
                    Some(_) => {}
                },
            }
        }
    }

    /// Forgets what was typed before anybody asked; whether Ctrl-C was among it.
    pub(super) fn forget(&self, terminal: &OwnedFd) -> Result<bool, NoAnswer> {
        let mut stopped = false;
        // As many bytes as a terminal keeps, and no more: whoever types for ever is not waited for.
        for _ in 0..4096 {
            match self.wait(Some(terminal), None, Some(Instant::now()))? {
                Woken::Typed => match read_byte(terminal)? {
                    None => return Ok(stopped),
                    byte => stopped |= byte == Some(STOP),
                },
                Woken::Late | Woken::ToEnd | Woken::There => break,
            }
        }
        tcflush(terminal, FlushArg::TCIFLUSH)?;
        Ok(stopped)
    }

    /// Whether this program is to end within this time; nothing that is typed makes it shorter.
    pub(super) fn pause(&self, time: Duration) -> Result<bool, NoAnswer> {
        Ok(self.wait(None, None, Some(Instant::now() + time))? == Woken::ToEnd)
    }
}

/// From here on execve(2) and the like are refused, whatever this process becomes.
fn start_nothing() -> Result<(), NoAnswer> {
    let refused = |error: &dyn std::fmt::Display| {
        NoAnswer::Io(std::io::Error::other(format!("seccomp: {error}")))
    };
    let calls = [libc::SYS_execve, libc::SYS_execveat, libc::SYS_ptrace];
    let rules: BTreeMap<i64, _> = calls.into_iter().map(|call| (call, Vec::new())).collect();
    let errno = u32::try_from(libc::EPERM).unwrap_or(1);
    let program: BpfProgram = TargetArch::try_from(std::env::consts::ARCH)
        .and_then(|architecture| {
            SeccompFilter::new(
                rules,
                SeccompAction::Allow,
                SeccompAction::Errno(errno),
                architecture,
            )?
            .try_into()
        })
        .map_err(|error| refused(&error))?;
    seccompiler::apply_filter(&program).map_err(|error| refused(&error))
}

/// Whether this is a virtual terminal of Linux: `tty1` to `tty63` (devices.txt of the kernel).
pub(super) fn is_linux_console(terminal: &OwnedFd) -> bool {
    const MAJOR: u64 = 4;
    fstat(terminal).is_ok_and(|status| {
        major(status.st_rdev) == MAJOR && (1..=63).contains(&minor(status.st_rdev))
    })
}
