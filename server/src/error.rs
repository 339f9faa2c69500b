//! What can go wrong in the server, and with which exit status a command says so.

use std::path::{Path, PathBuf};

use serde_json::{Map, Value};
use wardkey_core::cause::{Cause, Chain};
use wardkey_core::code::Code;
use wardkey_core::exit::Exit;
use wardkey_core::name::Language;

use crate::files;
use crate::texts::{Phrase, PhraseError, Text};

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
        message: Phrase,
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
        message: Phrase,
    },
    /// Several things are wrong in a file, each with its place.
    #[error("{error}")]
    Problems {
        /// What comes of it.
        error: Box<Error>,
        /// Everything that is wrong, in the order of the file.
        problems: Vec<Problem>,
    },
    /// Refused or wrong, because of another error; what is said of it is said already.
    #[error("{error}")]
    Because {
        /// What comes of it.
        error: Box<Error>,
        /// Why.
        #[source]
        cause: Cause,
    },
    /// The command line asks for something that makes no sense: look at `--help`.
    #[error("{0} ({code})", code = Code::RequestInvalid)]
    Usage(Phrase),
    /// A configuration or key file is missing, unsafe or wrong: mend it and start again.
    #[error("{}: {message} ({code})", path.display(), code = Code::Configuration)]
    Configuration {
        /// The file.
        path: PathBuf,
        /// Line, key and what would be right.
        message: Phrase,
    },
    /// The database cannot be read or written: look at its disk, owner and mode.
    #[error("store: {} ({code})", Chain(.0), code = Code::StateUnavailable)]
    Store(#[from] sqlx::Error),
    /// The database has a schema that this version cannot bring up to date: use the newer version.
    #[error("store: {} ({code})", Chain(.0), code = Code::StateUnavailable)]
    Migration(#[from] sqlx::migrate::MigrateError),
    /// The database holds something that this version cannot read.
    #[error("store: {} is damaged ({code})", Chain(.0.as_ref()), code = Code::StateUnavailable)]
    Damaged(#[source] Cause),
    /// A file, socket or the random generator failed.
    #[error("{what}: {} ({code})", Chain(.source), code = Code::Internal)]
    Io {
        /// What was being done.
        what: Phrase,
        /// The system's answer.
        source: std::io::Error,
    },
    /// Certificates or signatures could not be made.
    #[error("{what}: {} ({code})", Chain(.cause.as_ref()), code = Code::Internal)]
    Crypto {
        /// What was to be made or read.
        what: Phrase,
        /// Why it could not be.
        #[source]
        cause: Cause,
    },
}

/// Something that is wrong in a file.
#[derive(Debug)]
pub struct Problem {
    /// The file.
    pub file: PathBuf,
    /// The line, from 1.
    pub line: Option<u64>,
    /// The column of a table.
    pub column: Option<&'static str>,
    /// The key of a configuration file.
    pub key: Option<String>,
    /// The value that is wrong.
    pub value: Option<String>,
    /// The stable code.
    pub code: Code,
    /// What is wrong.
    pub message: Phrase,
}

impl Problem {
    /// In words, with its place; with its code, where that is another one than the error's.
    pub fn in_words(&self, language: Language) -> String {
        let (file, said) = (self.file.display(), self.message.say(language));
        let line = self.line.map(|line| format!(":{line}")).unwrap_or_default();
        match self.code {
            Code::Configuration => format!("{file}{line}: {said}"),
            code => format!("{file}{line}: {said} ({code})"),
        }
    }

    fn to_json(&self) -> Value {
        let mut fields = Map::new();
        fields.insert("file".into(), self.file.display().to_string().into());
        fields.insert("line".into(), self.line.into());
        fields.insert("column".into(), self.column.into());
        fields.insert("key".into(), self.key.as_deref().into());
        fields.insert("value".into(), self.value.as_deref().into());
        fields.retain(|_, value| !value.is_null());
        fields.insert("code".into(), self.code.to_string().into());
        wardkey_help::json::say(&mut fields, "message", &self.message);
        fields.into()
    }
}

impl Error {
    /// A refusal.
    pub fn refused(code: Code, message: impl Into<Phrase>) -> Self {
        Self::Refused { code, message: message.into() }
    }

    /// The same, with what it comes from.
    #[must_use]
    pub fn caused_by(self, cause: impl Into<Cause>) -> Self {
        Self::Because { error: Box::new(self), cause: cause.into() }
    }

    /// The file that is wrong, and what would be right, of an [`Error::Configuration`].
    pub fn in_file(&self) -> Option<(&Path, &Phrase)> {
        match self {
            Self::Configuration { path, message } => Some((path, message)),
            Self::Because { error, .. } => error.in_file(),
            _ => None,
        }
    }

    /// Something that is not there.
    pub fn not_found(message: impl Into<Phrase>) -> Self {
        Self::refused(Code::NotFound, message)
    }

    /// A value that is not valid.
    pub fn invalid(message: impl Into<Phrase>) -> Self {
        Self::refused(Code::RequestInvalid, message)
    }

    /// A command line that makes no sense.
    pub fn usage(message: impl Into<Phrase>) -> Self {
        Self::Usage(message.into())
    }

    /// An I/O error with what was being done.
    pub fn io(what: impl Into<Phrase>) -> impl FnOnce(std::io::Error) -> Self {
        let what = what.into();
        move |source| Self::Io { what, source }
    }

    /// An I/O error of what was being done with a file.
    pub fn at_file(doing: Text, path: &Path) -> impl FnOnce(std::io::Error) -> Self {
        Self::io(doing.with([("path", path.display().to_string().into())]))
    }

    /// A value in the store that does not decode: which, or why not.
    pub fn damaged(what: impl Into<Cause>) -> Self {
        Self::Damaged(what.into())
    }

    /// What could not be made or read, and why not.
    pub fn crypto<E: Into<Cause>>(what: impl Into<Phrase>) -> impl FnOnce(E) -> Self {
        let what = what.into();
        move |cause| Self::Crypto { what, cause: cause.into() }
    }

    /// What went wrong, without the code.
    pub fn phrase(&self) -> Phrase {
        let at = |place: Phrase, why: Phrase| Text::At.with([("place", place), ("why", why)]);
        let store =
            |why: &dyn std::fmt::Display| Text::StoreFailed.with([("why", why.to_string().into())]);
        match self {
            Self::Refused { message, .. } | Self::NotHeard { message, .. } => message.clone(),
            Self::TerminalRevoked => Text::Revoked.into(),
            Self::Problems { error, .. } | Self::Because { error, .. } => error.phrase(),
            Self::Usage(message) => message.clone(),
            Self::Configuration { path, message } => {
                let place = path.display().to_string().into();
                Phrase::joined(vec![place, message.clone()], ": ")
            }
            Self::Store(error) => store(&Chain(error)),
            Self::Migration(error) => store(&Chain(error)),
            Self::Damaged(what) => {
                let what = PhraseError::in_error(what.as_ref())
                    .unwrap_or_else(|| Chain(what.as_ref()).to_string().into());
                Text::StoreDamaged.with([("what", what)])
            }
            Self::Io { what, source } => at(what.clone(), files::why(source)),
            Self::Crypto { what, cause } => {
                at(what.clone(), Chain(cause.as_ref()).to_string().into())
            }
        }
    }

    /// `{"error": {"code", "number", "message", "message_ja"}}`, with `problems` where there are
    /// several.
    pub fn to_json(&self) -> Value {
        let mut fields = wardkey_help::json::error(self.code(), &self.phrase());
        if let Self::Problems { problems, .. } = self {
            fields.insert("problems".into(), problems.iter().map(Problem::to_json).collect());
        }
        wardkey_help::json::line(fields)
    }

    /// The stable code.
    pub fn code(&self) -> Code {
        match self {
            Self::Problems { error, .. } | Self::Because { error, .. } => error.code(),
            Self::Refused { code, .. } | Self::NotHeard { code, .. } => *code,
            Self::TerminalRevoked => Code::TerminalDisabled,
            Self::Usage(_) => Code::RequestInvalid,
            Self::Configuration { .. } => Code::Configuration,
            Self::Store(_) | Self::Migration(_) | Self::Damaged(_) => Code::StateUnavailable,
            Self::Io { .. } | Self::Crypto { .. } => Code::Internal,
        }
    }

    /// With which exit status a command says so.
    pub fn exit(&self) -> Exit {
        match self {
            Self::Problems { error, .. } | Self::Because { error, .. } => error.exit(),
            Self::Refused {
                code:
                    Code::DatabaseUnreachable
                    | Code::DatabaseUnfit
                    | Code::StoreMoved
                    | Code::MoveUnfinished,
                ..
            } => Exit::Store,
            Self::Refused { .. } | Self::TerminalRevoked => Exit::Refused,
            Self::Usage(_) => Exit::Usage,
            Self::Configuration { .. } | Self::Io { .. } | Self::Crypto { .. } => Exit::Unavailable,
            Self::Store(_) | Self::Migration(_) | Self::Damaged(_) => Exit::Store,
            Self::NotHeard { .. } => Exit::NotHeard,
        }
    }
}

impl From<rustls::Error> for Error {
    fn from(error: rustls::Error) -> Self {
        Self::crypto("TLS")(error)
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
            Error::usage("--since: no time"),
            Error::Configuration { path: file.clone(), message: "line 4: too long".into() },
            Error::damaged("a row"),
            Error::io("reading")(std::io::Error::other("broken")),
            Error::crypto("certificate")("no"),
            Error::not_found("no file").caused_by(std::io::Error::other("broken")),
        ] {
            let json = error.to_json();
            let (code, message) =
                (json["error"]["code"].as_str().unwrap(), error.phrase().to_string());
            assert_eq!(error.to_string(), format!("{message} ({code})"));
            assert_eq!(json["error"]["message"], message.as_str());
            assert_eq!(json["error"]["number"], error.code().number());
        }
    }

    #[test]
    fn what_an_error_comes_from_goes_along_and_changes_nothing_that_is_said() {
        let file = PathBuf::from("/etc/wardkey/server.toml");
        let wrong = || Error::Configuration { path: file.clone(), message: "too long".into() };
        let error = wrong().caused_by(std::io::Error::other("broken"));
        assert_eq!(std::error::Error::source(&error).unwrap().to_string(), "broken");
        assert_eq!((error.to_string(), error.code()), (wrong().to_string(), wrong().code()));
        assert_eq!((error.exit(), error.to_json()), (wrong().exit(), wrong().to_json()));
        assert_eq!(error.in_file().unwrap().0, file);
    }
}
