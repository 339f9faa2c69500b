//! What can go wrong with a key made of software.

use std::{io, path::PathBuf};

/// Errors of this crate. None of them is part of the key's behaviour towards a
/// host: those are CTAP status codes.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// A socket, device or state file could not be used; check the path.
    #[error("{path}: {source}")]
    Io {
        /// What was being opened.
        path: PathBuf,
        /// Why it failed.
        source: io::Error,
    },
    /// A touch policy, hostile mode or step that this crate does not know.
    #[error("{what} {value:?} is unknown; use one of: {known}")]
    Unknown {
        /// Kind of word.
        what: &'static str,
        /// The word given.
        value: String,
        /// The words that exist.
        known: &'static str,
    },
    /// The state folder holds something that is not a key's storage.
    #[error("{0}: not the storage of a software key; remove it to start with a fresh key")]
    State(PathBuf),
    /// The firmware's thread could not be started.
    #[error("cannot start a thread: {0}")]
    Thread(#[source] io::Error),
}

impl Error {
    pub(crate) fn io(path: impl Into<PathBuf>) -> impl FnOnce(io::Error) -> Self {
        let path = path.into();
        move |source| Self::Io { path, source }
    }
}
