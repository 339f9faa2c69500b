//! Why nothing could be checked, or what was checked does not hold.

use std::path::Path;

use serde_json::Value;
use wardkey_core::cause::Chain;
use wardkey_core::code::Code;
use wardkey_core::exit::Exit;
use wardkey_core::texts;

use crate::texts::Phrase;

/// What went wrong.
#[derive(Debug)]
pub enum Error {
    /// The command line makes no sense.
    Usage(Phrase),
    /// A file cannot be read or written, or is not what it should be.
    File(Phrase),
    /// Something does not hold, or is not to be believed.
    Refused(Code, Phrase),
}

/// What a check gives.
pub type Result<T> = std::result::Result<T, Error>;

impl Error {
    /// A file that cannot be used, and why not.
    pub fn file(path: &Path, what: impl Into<Phrase>) -> Self {
        let args = vec![("path", shown(path)), ("what", what.into())];
        Self::File(texts::phrase(Code::AuditFile, args))
    }

    /// The same, of what the system says.
    pub fn io(path: &Path) -> impl FnOnce(std::io::Error) -> Self {
        move |error| Self::file(path, Chain(&error).to_string())
    }

    /// A refusal that names a path.
    pub fn refused(code: Code, path: &Path) -> Self {
        Self::Refused(code, texts::phrase(code, vec![("path", shown(path))]))
    }

    /// The stable code.
    pub const fn code(&self) -> Code {
        match self {
            Self::Usage(_) => Code::RequestInvalid,
            Self::File(_) => Code::AuditFile,
            Self::Refused(code, _) => *code,
        }
    }

    /// The sentence.
    pub const fn phrase(&self) -> &Phrase {
        match self {
            Self::Usage(phrase) | Self::File(phrase) | Self::Refused(_, phrase) => phrase,
        }
    }

    /// How the program ends.
    pub const fn exit(&self) -> Exit {
        match self {
            Self::Usage(_) => Exit::Usage,
            Self::File(_) => Exit::Unavailable,
            Self::Refused(..) => Exit::Refused,
        }
    }

    /// As it is printed for programs.
    pub fn to_json(&self) -> Value {
        wardkey_help::json::line(wardkey_help::json::error(self.code(), self.phrase()))
    }
}

/// A path as it is said.
pub fn shown(path: &Path) -> Phrase {
    path.display().to_string().into()
}
