//! The one error type of the agent. Every variant says what it means for the caller; the code for
//! people is [`AgentError::code`].

use wardkey_core::cause::{Cause, Chain};
use wardkey_core::code::{AnyCode, Code, Denial, Notice};
use wardkey_core::codec::CodecError;
use wardkey_core::sign::SignatureError;
use wardkey_sinks::failure::{SinkError, is_full};

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
    /// A collector, a file or the journal has not got its records.
    #[error(transparent)]
    Sink(#[from] SinkError),
    /// The system log takes no line.
    #[error("the system log cannot be reached: {}", Chain(.0.as_ref()))]
    SystemLog(#[source] Cause),
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

/// An error as it is told to people.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Told {
    /// In English, whole.
    pub why: String,
    /// The sentence that there is in each language.
    pub code: AnyCode,
    /// What the system said.
    pub system: Option<String>,
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
            Self::Sink(_) | Self::SystemLog(_) | Self::Io(_) => Code::Internal,
        }
    }

    /// What is said in any language: a code that has a sentence in each, and what the system or a
    /// library said, in its own words.
    pub fn told(&self) -> Told {
        let code = match self {
            Self::Sink(error) => error.notice().into(),
            Self::SystemLog(_) => Notice::SystemLogAway.into(),
            error => AnyCode::from(error.code()),
        };
        let system = match self {
            Self::Sink(error) => error.system(),
            Self::Store(cause)
            | Self::SystemLog(cause)
            | Self::Server(
                ServerError::Unreachable(cause)
                | ServerError::NotTrusted(cause)
                | ServerError::Malformed(cause),
            ) => Some(Chain(cause.as_ref()).to_string()),
            Self::File { path, error } => Some(format!("{path}: {error}")),
            Self::Io(error) => Some(error.to_string()),
            Self::Configuration(_)
            | Self::Full
            | Self::Unbelieved(_)
            | Self::Codec(_)
            | Self::Signature(_)
            | Self::Denied(_)
            | Self::Server(ServerError::Refused { .. }) => None,
        };
        Told { why: self.to_string(), code, system }
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
