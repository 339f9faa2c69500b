//! Why an operation with a security key did not succeed.

use thiserror::Error;
use wardkey_core::cause::{Cause, Chain};
use wardkey_core::code::Code;

/// Every way in which a login or an enrollment can end at the key. Each variant
/// says what to do next.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum KeyError {
    /// No key is plugged in: insert one.
    #[error("no security key is plugged in")]
    NoKey,
    /// No key was plugged in before the time was over.
    #[error("no security key was plugged in in time")]
    NoKeyInTime,
    /// The key was pulled out: begin anew.
    #[error("the security key was removed")]
    Removed,
    /// Another program uses the key: try again later.
    #[error("the security key is in use by another program")]
    Busy,
    /// The key did not answer in time: plug it again, or it is broken.
    #[error("the security key does not answer")]
    Silent,
    /// Nobody touched the key in time: begin anew.
    #[error("the security key was not touched in time")]
    TouchTimeout,
    /// The caller cancelled, or a touch declined.
    #[error("cancelled")]
    Cancelled,
    /// The PIN was wrong.
    #[error("wrong PIN")]
    PinWrong {
        /// Tries left before the key blocks for good, if it says.
        tries_left: Option<u8>,
    },
    /// The sensor does not know the finger.
    #[error("the finger was not recognised")]
    FingerWrong {
        /// Tries left before the sensor takes no finger, if the key says.
        tries_left: Option<u8>,
    },
    /// The sensor takes no finger before the PIN was right: ask for the PIN.
    #[error("the sensor of the security key takes no finger")]
    FingerBlocked,
    /// No tries left: the key must be reset and enrolled again.
    #[error("the PIN of the security key is blocked")]
    PinBlocked,
    /// Too many wrong PINs in a row: unplug the key and plug it in.
    #[error("the security key takes no PIN before it is plugged in again")]
    PinAuthBlocked,
    /// The proof of the PIN was refused: begin anew.
    #[error("the security key refused the proof of the PIN")]
    PinAuthInvalid,
    /// The key has no PIN: set one.
    #[error("the security key has no PIN")]
    PinNotSet,
    /// The key has a PIN: change it instead.
    #[error("the security key has a PIN already")]
    PinAlreadySet,
    /// The new PIN does not follow the key's rules.
    #[error("the PIN does not follow the rules of the security key")]
    PinPolicy,
    /// The PIN must be changed before the key takes it again.
    #[error("the PIN must be changed first")]
    PinMustChange,
    /// The key had the change of its PIN, and did not say what became of it: either PIN may hold.
    #[error("it is not known whether the PIN was changed: {why}")]
    PinChangeUnknown {
        /// What came in place of an answer.
        why: String,
    },
    /// None of the credentials asked for is on this key.
    #[error("the security key holds no such credential")]
    NoCredentials,
    /// The key says nothing without its PIN or a touch: no login could be begun with it.
    #[error("the security key does not identify itself silently")]
    CannotIdentify,
    /// The key, or the person at it, declined.
    #[error("the operation was declined at the security key")]
    Denied,
    /// No room for another credential.
    #[error("the security key is full")]
    KeyStoreFull,
    /// The key holds a credential of the exclude list: it is enrolled already.
    #[error("the security key is registered already")]
    CredentialExcluded,
    /// The key knows none of the algorithms.
    #[error("the security key does not support the algorithm")]
    UnsupportedAlgorithm,
    /// More than one key is plugged in where one is meant: take the others out.
    #[error("more than one security key is plugged in")]
    Several,
    /// The key cannot do what is needed; what.
    #[error("the security key is not suitable: {0}")]
    Unsuitable(&'static str),
    /// What the key sent is not what CTAP says; what.
    #[error("the security key sent a malformed answer: {0}")]
    Malformed(&'static str),
    /// Any other CTAP status.
    #[error("the security key answered with status {0:#04x}")]
    Status(u8),
    /// A fault of ours, or of the kernel.
    #[error("internal fault: {0}")]
    Internal(&'static str),
    /// The same, with what is said of it.
    #[error("internal fault: {what}: {why}")]
    System {
        /// What could not be done.
        what: &'static str,
        /// Why not, with all that it comes from.
        why: String,
    },
}

impl KeyError {
    /// What could not be done because of another error.
    pub(crate) fn because<E: Into<Cause>>(what: &'static str) -> impl FnOnce(E) -> Self {
        move |error| Self::System { what, why: Chain(error.into().as_ref()).to_string() }
    }

    /// Meaning of a status other than 0 (CTAP 2.1, 8.2).
    #[must_use]
    pub fn from_status(status: u8) -> Self {
        match status {
            0x05 | 0x2f | 0x3a => Self::TouchTimeout,
            0x06 => Self::Busy,
            0x19 => Self::CredentialExcluded,
            0x26 => Self::UnsupportedAlgorithm,
            0x27 => Self::Denied,
            0x28 => Self::KeyStoreFull,
            0x2d => Self::Cancelled,
            0x2e => Self::NoCredentials,
            0x31 => Self::PinWrong { tries_left: None },
            0x32 => Self::PinBlocked,
            0x33 => Self::PinAuthInvalid,
            0x34 => Self::PinAuthBlocked,
            0x35 => Self::PinNotSet,
            0x37 => Self::PinPolicy,
            0x3c => Self::FingerBlocked,
            0x3f => Self::FingerWrong { tries_left: None },
            other => Self::Status(other),
        }
    }
}

impl KeyError {
    /// The code under which people are told.
    #[must_use]
    pub const fn code(&self) -> Code {
        match self {
            Self::NoKey | Self::NoKeyInTime => Code::KeyTimeout,
            Self::Removed => Code::KeyRemoved,
            Self::Busy => Code::KeyInUse,
            Self::TouchTimeout => Code::TouchTimeout,
            Self::Cancelled | Self::Denied => Code::Cancelled,
            Self::PinWrong { .. } => Code::PinWrong,
            Self::FingerWrong { .. } => Code::FingerWrong,
            Self::FingerBlocked => Code::FingerBlocked,
            Self::PinBlocked => Code::PinBlocked,
            Self::PinAuthBlocked => Code::PinBlockedUntilReplug,
            Self::PinNotSet => Code::PinNotSet,
            Self::PinAlreadySet | Self::PinPolicy => Code::PinPolicy,
            Self::PinMustChange => Code::PinMustChange,
            Self::PinChangeUnknown { .. } => Code::PinChangeUnknown,
            Self::NoCredentials => Code::KeyAndNameDoNotMatch,
            Self::CannotIdentify => Code::KeyCannotIdentify,
            Self::Several => Code::SeveralKeys,
            Self::KeyStoreFull => Code::KeyFull,
            Self::CredentialExcluded => Code::KeyAlreadyRegistered,
            Self::UnsupportedAlgorithm | Self::Unsuitable(_) => Code::KeyUnsuitable,
            Self::Silent | Self::PinAuthInvalid | Self::Malformed(_) | Self::Status(_) => {
                Code::KeyFault
            }
            Self::Internal(_) | Self::System { .. } => Code::Internal,
        }
    }

    /// The CTAP status behind it, where there is exactly one.
    #[must_use]
    pub const fn status(&self) -> Option<u8> {
        Some(match self {
            Self::PinWrong { .. } => 0x31,
            Self::PinBlocked => 0x32,
            Self::FingerWrong { .. } => 0x3f,
            Self::FingerBlocked => 0x3c,
            Self::PinAuthInvalid => 0x33,
            Self::PinAuthBlocked => 0x34,
            Self::NoCredentials => 0x2e,
            Self::Denied => 0x27,
            Self::KeyStoreFull => 0x28,
            Self::CredentialExcluded => 0x19,
            Self::UnsupportedAlgorithm => 0x26,
            Self::Status(status) => *status,
            _ => return None,
        })
    }
}

impl From<hidapi::ExchangeError> for KeyError {
    fn from(failure: hidapi::ExchangeError) -> Self {
        use hidapi::{ExchangeError, LinkError};
        match failure {
            ExchangeError::TimedOut { touch: true } => Self::TouchTimeout,
            // Not allowed: it left an earlier request unanswered.
            ExchangeError::TimedOut { touch: false }
            | ExchangeError::Link(LinkError::Stuck)
            | ExchangeError::NotAllowed => Self::Silent,
            ExchangeError::Cancelled => Self::Cancelled,
            ExchangeError::Link(LinkError::Removed) => Self::Removed,
            ExchangeError::Link(LinkError::Io(error)) => Self::because("input and output")(error),
            ExchangeError::Busy | ExchangeError::Link(LinkError::InUse) => Self::Busy,
            // ERR_INVALID_CMD: a key from before FIDO2.
            ExchangeError::Hid(0x01) => Self::Unsuitable("it does not know CTAP 2"),
            ExchangeError::Hid(_) => Self::Malformed("CTAPHID error"),
            ExchangeError::Malformed(what) => Self::Malformed(what),
            ExchangeError::TooMany => Self::Malformed("more requests than the operation needs"),
        }
    }
}
