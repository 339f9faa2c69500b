//! What can go wrong while writing.

use std::path::{Path, PathBuf};

use wardkey_core::cause::{Cause, Chain};

/// Why something could not be written.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// A file cannot be read or written: see to its permissions.
    #[error("{}: {source}", path.display())]
    File {
        /// The file.
        path: PathBuf,
        /// Why.
        source: std::io::Error,
    },
    /// A file of the repository says something that this program does not understand: mend the
    /// file.
    #[error("{}: {}", path.display(), Chain(.cause.as_ref()))]
    Content {
        /// The file.
        path: PathBuf,
        /// What is wrong, with the line where it is known.
        #[source]
        cause: Cause,
    },
    /// Cargo failed: do what it says.
    #[error("cargo {command}: {}", Chain(.cause.as_ref()))]
    Cargo {
        /// The subcommand.
        command: &'static str,
        /// Its message, or what the system said.
        #[source]
        cause: Cause,
    },
    /// The dependencies cannot be described: the sentence says which and why.
    #[error("{0}")]
    Dependencies(String),
}

impl Error {
    /// Wraps an I/O error of a file.
    pub fn file(path: &Path) -> impl FnOnce(std::io::Error) -> Self + '_ {
        move |source| Self::File { path: path.to_owned(), source }
    }

    /// A subcommand that failed: its message, or what the system said.
    pub fn cargo<E: Into<Cause>>(command: &'static str) -> impl FnOnce(E) -> Self {
        move |cause| Self::Cargo { command, cause: cause.into() }
    }

    /// A file that is not understood.
    pub fn content(path: &Path, cause: impl Into<Cause>) -> Self {
        Self::Content { path: path.to_owned(), cause: cause.into() }
    }
}

/// Result of this crate.
pub type Result<T, E = Error> = std::result::Result<T, E>;
