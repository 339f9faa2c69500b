//! The one error type of the agent. Every variant says what it means for the caller; the code for
//! people is [`AgentError::code`].

use wardkey_core::cause::{Cause, Chain};
use wardkey_core::code::{Code, Denial};
use wardkey_core::codec::CodecError;
use wardkey_core::sign::SignatureError;

/// What went wrong.
#[derive(Debug, thiserror::Error)]
pub enum AgentError {
    /// The configuration file is wrong; the text names file, line, key and the fix.
    #[error("{} (WK-1308)", Chain(.0.as_ref()))]
    Configuration(#[source] Cause),
    /// A durable store cannot be used at the moment: the operation was not done.
    #[error("store: {}", Chain(.0.as_ref()))]
    Store(#[source] Cause),
    /// The disk is full: the operation was not done, and may be tried again.
    #[error("store: no space left")]
    Full,
    /// A file could not be read or written.
    #[error("{path}: {error}")]
    File {
        /// The file.
        path: String,
        /// What the system said.
        #[source]
        error: std::io::Error,
    },
    /// A file is not to be believed; the text names it and the fix.
    #[error(transparent)]
    Unbelieved(#[from] wardkey_settings::files::FileError),
    /// Bytes are not what they should be.
    #[error(transparent)]
    Codec(#[from] CodecError),
    /// A signature does not hold.
    #[error(transparent)]
    Signature(#[from] SignatureError),
    /// Refused by a rule; the code says which.
    #[error(transparent)]
    Denied(#[from] Denial),
    /// The server refused or could not be reached.
    #[error(transparent)]
    Server(#[from] ServerError),
    /// Another error of the system.
    #[error(transparent)]
    Io(#[from] std::io::Error),
}

impl From<wardkey_settings::table::TableError> for AgentError {
    fn from(error: wardkey_settings::table::TableError) -> Self {
        Self::Configuration(error.into())
    }
}

/// What came of a request to the server.
#[derive(Debug, thiserror::Error)]
pub enum ServerError {
    /// No answer: network, TLS, time-out.
    #[error("server cannot be reached: {}", Chain(.0.as_ref()))]
    Unreachable(#[source] Cause),
    /// The server's certificate is not of this deployment.
    #[error("server is not trusted: {}", Chain(.0.as_ref()))]
    NotTrusted(#[source] Cause),
    /// The server answered with an error.
    #[error("server refused ({status}): {code}: {message}")]
    Refused {
        /// HTTP status.
        status: u16,
        /// Stable code; [`Code::ServerUnreachable`] when it gave none.
        code: Code,
        /// Its sentence for administrators.
        message: String,
        /// Seconds to wait, when it said so.
        retry_after: Option<u64>,
    },
    /// The server's answer is not what it should be.
    #[error("server's answer is not valid: {}", Chain(.0.as_ref()))]
    Malformed(#[source] Cause),
}

impl ServerError {
    /// The code for people.
    pub const fn code(&self) -> Code {
        match self {
            Self::Unreachable(_) => Code::ServerUnreachable,
            Self::NotTrusted(_) => Code::ServerNotTrusted,
            Self::Refused { code, .. } => *code,
            Self::Malformed(_) => Code::ProtocolError,
        }
    }

    /// Seconds that the server asked to wait.
    pub const fn retry_after(&self) -> Option<u64> {
        match self {
            Self::Refused { retry_after, .. } => *retry_after,
            _ => None,
        }
    }
}

impl AgentError {
    /// What the sentence of the code does not say, for administrators; without the code.
    pub fn detail(&self) -> String {
        match self {
            Self::Denied(denial) => denial.detail.clone(),
            Self::Server(ServerError::Refused { message, .. }) => message.clone(),
            error => error.to_string(),
        }
    }

    /// The code for people.
    pub const fn code(&self) -> Code {
        match self {
            Self::Configuration(_) => Code::Configuration,
            Self::Store(_) | Self::Full | Self::File { .. } | Self::Unbelieved(_) => {
                Code::StateUnavailable
            }
            Self::Codec(_) => Code::ProtocolError,
            Self::Signature(_) => Code::ServerNotTrusted,
            Self::Denied(denial) => denial.code,
            Self::Server(error) => error.code(),
            Self::Io(_) => Code::Internal,
        }
    }

    /// A file that could not be read or written.
    pub fn file(path: &std::path::Path, error: std::io::Error) -> Self {
        if is_full(&error) {
            Self::Full
        } else {
            Self::File { path: path.display().to_string(), error }
        }
    }
}

/// Whether the system said that there is no room: disk, quota or file size.
pub fn is_full(error: &std::io::Error) -> bool {
    matches!(
        error.kind(),
        std::io::ErrorKind::StorageFull
            | std::io::ErrorKind::QuotaExceeded
            | std::io::ErrorKind::FileTooLarge
    )
}

macro_rules! from_redb {
    ($($kind:ty),*) => {$(
        impl From<$kind> for AgentError {
            fn from(error: $kind) -> Self {
                redb::Error::from(error).into()
            }
        }
    )*};
}

from_redb!(
    redb::StorageError,
    redb::TableError,
    redb::TransactionError,
    redb::CommitError,
    redb::DatabaseError
);

impl From<redb::Error> for AgentError {
    fn from(error: redb::Error) -> Self {
        match error {
            redb::Error::Io(error) if is_full(&error) => Self::Full,
            error => Self::Store(error.into()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_error_keeps_what_it_comes_from() {
        let down = std::io::Error::from(std::io::ErrorKind::ConnectionRefused);
        let path = std::path::Path::new("/x");
        for error in [
            AgentError::from(ServerError::Unreachable(down.into())),
            AgentError::file(path, std::io::ErrorKind::PermissionDenied.into()),
            redb::Error::DatabaseAlreadyOpen.into(),
        ] {
            let source = std::error::Error::source(&error).map(ToString::to_string);
            assert!(source.is_some_and(|source| error.to_string().ends_with(&source)), "{error:?}");
        }
    }

    #[test]
    fn a_detail_never_repeats_the_code() {
        let server = ServerError::Refused {
            status: 422,
            code: Code::RegistrationRefused,
            message: "no attestation".into(),
            retry_after: None,
        };
        for (error, detail) in [
            (AgentError::from(server), "no attestation"),
            (Denial::new(Code::NotJoined, "not joined").into(), "not joined"),
            (
                ServerError::Unreachable("refused".into()).into(),
                "server cannot be reached: refused",
            ),
        ] {
            assert_eq!(error.detail(), detail);
            assert!(!error.detail().contains("WK-"));
        }
    }
}
