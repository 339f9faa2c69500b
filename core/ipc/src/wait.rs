//! Waiting for descriptors, until a deadline or a signal.

use std::os::fd::BorrowedFd;

use nix::errno::Errno;
use nix::poll::{PollFd, PollFlags, poll};

use crate::deadline::Deadline;
use crate::error::IpcError;
use crate::interrupt::Interrupt;

/// Waits until something happens at a descriptor.
pub(crate) fn wait(
    fd: BorrowedFd<'_>,
    flags: PollFlags,
    deadline: Deadline,
    interrupt: Option<&Interrupt>,
) -> Result<(), IpcError> {
    wait_for([(fd, flags)], deadline, interrupt).map(drop)
}

/// Waits until something happens at one of the descriptors: at which.
pub(crate) fn wait_for<const N: usize>(
    wanted: [(BorrowedFd<'_>, PollFlags); N],
    deadline: Deadline,
    interrupt: Option<&Interrupt>,
) -> Result<[bool; N], IpcError> {
    let _held = interrupt.map(Interrupt::hold).transpose()?;
    let mut fds: Vec<PollFd<'_>> =
        wanted.iter().map(|(fd, flags)| PollFd::new(*fd, *flags)).collect();
    fds.extend(interrupt.map(|interrupt| PollFd::new(interrupt.as_fd(), PollFlags::POLLIN)));
    loop {
        match poll(&mut fds, deadline.poll_timeout()) {
            Ok(0) if deadline.has_passed() => return Err(IpcError::TimedOut),
            Ok(0) | Err(Errno::EINTR) => {}
            Ok(_) if fds.get(N).is_some_and(|signal| signal.any() == Some(true)) => {
                return Err(IpcError::Interrupted);
            }
            Ok(_) => {
                return Ok(std::array::from_fn(|at| {
                    fds.get(at).is_some_and(|fd| fd.any() == Some(true))
                }));
            }
            Err(errno) => return Err(std::io::Error::from(errno).into()),
        }
    }
}
