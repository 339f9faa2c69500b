//! What can go wrong in the server, and with which exit status a command says so.

use std::path::PathBuf;

use serde::Serialize;
use serde_json::{Value, json};
use wardkey_core::code::Code;
use wardkey_core::exit::Exit;

/// What a revoked terminal is told.
pub const TERMINAL_REVOKED: &str = "this terminal is revoked";

/// Why a command or a request was not done.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// Understood, and refused; the code says why.
    #[error("{message} ({code})")]
    Refused {
        /// The stable code.
        code: Code,
        /// For administrators.
        message: String,
    },
    /// The terminal is revoked: nothing comes of asking again, until it joins anew.
    #[error("{TERMINAL_REVOKED} ({code})", code = Code::TerminalDisabled)]
    TerminalRevoked,
    /// Done and stored, but no terminal hears of it now.
    #[error("{message} ({code})")]
    NotHeard {
        /// The stable code.
        code: Code,
        /// For administrators.
        message: String,
    },
    /// Several things are wrong in a file, each with its place.
    #[error("{error}")]
    Problems {
        /// What comes of it.
        error: Box<Error>,
        /// Everything that is wrong, in the order of the file.
        problems: Vec<Problem>,
    },
    /// The command line asks for something that makes no sense: look at `--help`.
    #[error("{0} ({code})", code = Code::RequestInvalid)]
    Usage(String),
    /// A configuration or key file is missing, unsafe or wrong: mend it and start again.
    #[error("{}: {message} ({code})", path.display(), code = Code::Configuration)]
    Configuration {
        /// The file.
        path: PathBuf,
        /// Line, key and what would be right.
        message: String,
    },
    /// The database cannot be read or written: look at its disk, owner and mode.
    #[error("store: {0} ({code})", code = Code::StateUnavailable)]
    Store(#[from] sqlx::Error),
    /// The database has a schema that this version cannot bring up to date: use the newer version.
    #[error("store: {0} ({code})", code = Code::StateUnavailable)]
    Migration(#[from] sqlx::migrate::MigrateError),
    /// The database holds something that this version cannot read.
    #[error("store: {0} is damaged ({code})", code = Code::StateUnavailable)]
    Damaged(String),
    /// A file, socket or the random generator failed.
    #[error("{what}: {source} ({code})", code = Code::Internal)]
    Io {
        /// What was being done.
        what: String,
        /// The system's answer.
        source: std::io::Error,
    },
    /// Certificates or signatures could not be made.
    #[error("{0} ({code})", code = Code::Internal)]
    Crypto(String),
}

/// Something that is wrong in a file.
#[derive(Debug, Serialize)]
pub struct Problem {
    /// The file.
    pub file: PathBuf,
    /// The line, from 1.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub line: Option<u64>,
    /// The column of a table.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub column: Option<&'static str>,
    /// The key of a configuration file.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub key: Option<String>,
    /// The value that is wrong.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub value: Option<String>,
    /// The stable code.
    pub code: String,
    /// What is wrong, in words.
    pub message: String,
}

impl std::fmt::Display for Problem {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self.line {
            Some(line) => write!(f, "{}:{line}: {}", self.file.display(), self.message),
            None => write!(f, "{}: {}", self.file.display(), self.message),
        }
    }
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

    /// What went wrong, without the code.
    pub fn message(&self) -> String {
        let text = self.to_string();
        text.strip_suffix(&format!(" ({})", self.code())).map(str::to_owned).unwrap_or(text)
    }

    /// `{"error": {"code", "number", "message"}}`, with `problems` where there are several.
    pub fn to_json(&self) -> Value {
        let code = self.code();
        let mut error = json!({ "code": code.to_string(), "number": code.number(), "message": self.message() });
        if let (Self::Problems { problems, .. }, Some(fields)) = (self, error.as_object_mut()) {
            fields.insert("problems".into(), json!(problems));
        }
        json!({ "error": error })
    }

    /// The stable code.
    pub fn code(&self) -> Code {
        match self {
            Self::Problems { error, .. } => error.code(),
            Self::Refused { code, .. } | Self::NotHeard { code, .. } => *code,
            Self::TerminalRevoked => Code::TerminalDisabled,
            Self::Usage(_) => Code::RequestInvalid,
            Self::Configuration { .. } => Code::Configuration,
            Self::Store(_) | Self::Migration(_) | Self::Damaged(_) => Code::StateUnavailable,
            Self::Io { .. } | Self::Crypto(_) => Code::Internal,
        }
    }

    /// With which exit status a command says so.
    pub fn exit(&self) -> Exit {
        match self {
            Self::Problems { error, .. } => error.exit(),
            Self::Refused { .. } | Self::TerminalRevoked => Exit::Refused,
            Self::Usage(_) => Exit::Usage,
            Self::Configuration { .. } | Self::Io { .. } | Self::Crypto(_) => Exit::Unavailable,
            Self::Store(_) | Self::Migration(_) | Self::Damaged(_) => Exit::Store,
            Self::NotHeard { .. } => Exit::NotHeard,
        }
    }
}

impl From<rustls::Error> for Error {
    fn from(error: rustls::Error) -> Self {
        Self::Crypto(format!("TLS: {error}"))
    }
}

/// Result of this crate.
pub type Result<T, E = Error> = std::result::Result<T, E>;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_error_has_its_code_behind_the_sentence_and_apart_in_json() {
        let file = PathBuf::from("/etc/wardkey/server.toml");
        for error in [
            Error::refused(Code::NotFound, "person x is not known"),
            Error::TerminalRevoked,
            Error::Usage("--since: no time".into()),
            Error::Configuration { path: file.clone(), message: "line 4: too long".into() },
            Error::damaged("a row"),
            Error::io("reading")(std::io::Error::other("broken")),
            Error::Crypto("no".into()),
        ] {
            let json = error.to_json();
            let (code, message) = (json["error"]["code"].as_str().unwrap(), error.message());
            assert_eq!(error.to_string(), format!("{message} ({code})"));
            assert_eq!(json["error"]["message"], message.as_str());
            assert_eq!(json["error"]["number"], error.code().number());
        }
    }
}
