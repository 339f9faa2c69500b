//! What can go wrong while writing.

use std::path::{Path, PathBuf};

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
    /// A file of the repository says something that this program does not understand: mend the file.
    #[error("{}: {what}", path.display())]
    Content {
        /// The file.
        path: PathBuf,
        /// What is wrong, with the line where it is known.
        what: String,
    },
    /// Cargo failed: do what it says.
    #[error("cargo {command}: {what}")]
    Cargo {
        /// The subcommand.
        command: &'static str,
        /// Its message.
        what: String,
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

    /// A file that is not understood.
    pub fn content(path: &Path, what: impl std::fmt::Display) -> Self {
        Self::Content { path: path.to_owned(), what: what.to_string() }
    }
}

/// Result of this crate.
pub type Result<T, E = Error> = std::result::Result<T, E>;
