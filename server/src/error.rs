//! What can go wrong in the server, and with which exit status a command says so.

use std::path::PathBuf;

use wardkey_core::code::Code;
use wardkey_core::exit::Exit;

/// Why a command or a request was not done.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// Understood, and refused; the code says why.
    #[error("{code}: {message}")]
    Refused {
        /// The stable code.
        code: Code,
        /// For administrators.
        message: String,
    },
    /// Done and stored, but no terminal hears of it now.
    #[error("{message}")]
    NotHeard {
        /// The stable code.
        code: Code,
        /// For administrators, with the code.
        message: String,
    },
    /// The command line asks for something that makes no sense: look at `--help`.
    #[error("{0}")]
    Usage(String),
    /// A configuration or key file is missing, unsafe or wrong: mend it and start again.
    #[error("{}: {} [{}]", path.display(), message, Code::Configuration)]
    Configuration {
        /// The file.
        path: PathBuf,
        /// Line, key and what would be right.
        message: String,
    },
    /// The database cannot be read or written: look at its disk, owner and mode.
    #[error("store: {0} [{code}]", code = Code::StateUnavailable)]
    Store(#[from] sqlx::Error),
    /// The database has a schema that this version cannot bring up to date: use the newer version.
    #[error("store: {0} [{code}]", code = Code::StateUnavailable)]
    Migration(#[from] sqlx::migrate::MigrateError),
    /// The database holds something that this version cannot read.
    #[error("store: {0} is damaged [{code}]", code = Code::StateUnavailable)]
    Damaged(String),
    /// A file, socket or the random generator failed.
    #[error("{what}: {source} [{code}]", code = Code::Internal)]
    Io {
        /// What was being done.
        what: String,
        /// The system's answer.
        source: std::io::Error,
    },
    /// Certificates or signatures could not be made.
    #[error("{0} [{code}]", code = Code::Internal)]
    Crypto(String),
}

impl Error {
    /// A refusal.
    pub fn refused(code: Code, message: impl Into<String>) -> Self {
        Self::Refused { code, message: message.into() }
    }

    /// Something that is not there.
    pub fn not_found(what: impl std::fmt::Display) -> Self {
        Self::refused(Code::NotFound, format!("{what} is not known"))
    }

    /// A value that is not valid.
    pub fn invalid(what: impl std::fmt::Display) -> Self {
        Self::refused(Code::RequestInvalid, what.to_string())
    }

    /// An I/O error with what was being done.
    pub fn io(what: impl Into<String>) -> impl FnOnce(std::io::Error) -> Self {
        let what = what.into();
        move |source| Self::Io { what, source }
    }

    /// A value in the store that does not decode.
    pub fn damaged(what: impl std::fmt::Display) -> Self {
        Self::Damaged(what.to_string())
    }

    /// The stable code.
    pub const fn code(&self) -> Code {
        match self {
            Self::Refused { code, .. } | Self::NotHeard { code, .. } => *code,
            Self::Usage(_) => Code::RequestInvalid,
            Self::Configuration { .. } => Code::Configuration,
            Self::Store(_) | Self::Migration(_) | Self::Damaged(_) => Code::StateUnavailable,
            Self::Io { .. } | Self::Crypto(_) => Code::Internal,
        }
    }

    /// With which exit status a command says so.
    pub const fn exit(&self) -> Exit {
        match self {
            Self::Refused { .. } => Exit::Refused,
            Self::Usage(_) => Exit::Usage,
            Self::Configuration { .. } | Self::Io { .. } | Self::Crypto(_) => Exit::Unavailable,
            Self::Store(_) | Self::Migration(_) | Self::Damaged(_) => Exit::Store,
            Self::NotHeard { .. } => Exit::NotHeard,
        }
    }
}

/// Result of this crate.
pub type Result<T, E = Error> = std::result::Result<T, E>;
