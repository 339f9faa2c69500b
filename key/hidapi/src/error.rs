//! The error type that `ctap-hid-fido2` sees. It only prints it; what really
//! happened is in the [`crate::Record`] of the operation.

use thiserror::Error;

use crate::transport::LinkError;

/// Result of the functions that stand in for hidapi's.
pub type HidResult<T> = Result<T, HidError>;

/// Why a device could not be opened, written or read.
#[derive(Debug, Error)]
pub enum HidError {
    /// No such device, or it may not be opened.
    #[error("device cannot be opened: {0}")]
    Open(#[from] LinkError),
    /// The path is none that this crate opens.
    #[error("not a hidraw device")]
    NotHidraw,
    /// The exchange failed, or no operation is open; the reason stands in the
    /// operation's record.
    #[error("the exchange failed")]
    Exchange,
    /// The library wrote something else than a report, or read when no answer
    /// was waiting. Never the key's doing.
    #[error("misuse of the transport: {0}")]
    Misuse(&'static str),
}
