//! What stands beneath an exchange: something that carries reports of 64 bytes
//! to a key and back, never longer than until a given instant.

use std::os::fd::BorrowedFd;
use std::time::Instant;

use thiserror::Error;

/// Bytes of a FIDO HID report, in both directions.
pub const REPORT_LENGTH: usize = 64;

/// One report, without report id.
pub type Report = [u8; REPORT_LENGTH];

/// Outcome of waiting for a report.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Received {
    /// A report arrived.
    Report(Report),
    /// The instant passed without one.
    TimedOut,
    /// The cancelling descriptor became readable or was hung up.
    Cancelled,
}

/// The way to the key is gone.
#[derive(Debug, Error)]
pub enum LinkError {
    /// The key was unplugged.
    #[error("the security key was removed")]
    Removed,
    /// The key takes no more reports.
    #[error("the security key accepts no data")]
    Stuck,
    /// Another program uses the key, and this operation does not go on beside it.
    #[error("the security key is in use by another program")]
    InUse,
    /// Anything else that the kernel said.
    #[error("{0}")]
    Io(#[from] std::io::Error),
}

/// Carries reports to one key and back.
pub trait Transport: Send {
    /// Sends one report; may wait until `until` for room.
    ///
    /// # Errors
    /// [`LinkError`] when the key is gone or takes nothing.
    fn send(&mut self, report: &Report, until: Instant) -> Result<(), LinkError>;

    /// Waits for the next report, until `until` or until `cancel` becomes
    /// readable, whichever comes first.
    ///
    /// # Errors
    /// [`LinkError`] when the key is gone.
    fn receive(
        &mut self,
        until: Instant,
        cancel: Option<BorrowedFd<'_>>,
    ) -> Result<Received, LinkError>;

    /// Forgets reports that arrived unasked (an answer to another program, or
    /// to a request that was given up).
    fn drain(&mut self) {}

    /// Descriptor that hangs up when the key is removed, if there is one.
    fn as_fd(&self) -> Option<BorrowedFd<'_>> {
        None
    }
}
