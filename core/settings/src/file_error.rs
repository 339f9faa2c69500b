//! Why a file is not believed, read or written, and what to do.

use std::path::{Path, PathBuf};

use wardkey_core::phrase::Phrase;

use crate::texts::Text;

/// Why a file is not read or written; each says what to do.
#[derive(Debug)]
pub enum FileError {
    /// It is not there.
    Missing {
        /// The file or folder.
        path: PathBuf,
    },
    /// Not a path to a file.
    Path {
        /// The file.
        path: PathBuf,
    },
    /// Not what it should be.
    Kind {
        /// The file or folder.
        path: PathBuf,
        /// What it should be.
        expected: Kind,
    },
    /// Somebody else's.
    Owner {
        /// The file or folder.
        path: PathBuf,
        /// Who owns it.
        uid: u32,
    },
    /// Writable by others.
    Mode {
        /// The file or folder.
        path: PathBuf,
        /// Its mode.
        mode: u32,
    },
    /// A secret that others may read.
    Secret {
        /// The file.
        path: PathBuf,
        /// Its mode.
        mode: u32,
    },
    /// Longer than any valid one.
    TooLong {
        /// The file.
        path: PathBuf,
        /// The greatest length accepted, in bytes.
        max: usize,
    },
    /// Another writer does not come to an end.
    Busy {
        /// The file.
        path: PathBuf,
    },
    /// Another error of the system.
    Io {
        /// The file or folder.
        path: PathBuf,
        /// The error.
        error: std::io::Error,
    },
}

/// What is opened.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// A regular file.
    Regular,
    /// A folder.
    Folder,
}

impl FileError {
    /// The file or folder.
    pub fn path(&self) -> &Path {
        match self {
            Self::Missing { path }
            | Self::Path { path }
            | Self::Kind { path, .. }
            | Self::Owner { path, .. }
            | Self::Mode { path, .. }
            | Self::Secret { path, .. }
            | Self::TooLong { path, .. }
            | Self::Busy { path }
            | Self::Io { path, .. } => path,
        }
    }

    /// What is wrong with it.
    pub fn what(&self) -> Phrase {
        match self {
            Self::Missing { .. } => Text::MissingFile.into(),
            Self::Path { .. } => Text::WriteWholePath.into(),
            Self::Kind { expected: Kind::Regular, .. } => Text::NotRegular.into(),
            Self::Kind { expected: Kind::Folder, .. } => Text::NotFolder.into(),
            Self::Owner { uid, .. } => Text::BelongsTo.with([("uid", u64::from(*uid).into())]),
            Self::Mode { mode, .. } => {
                Text::LetsWrite.with([("mode", format!("{mode:04o}").into())])
            }
            Self::Secret { mode, .. } => {
                Text::LetsRead.with([("mode", format!("{mode:04o}").into())])
            }
            Self::TooLong { max, .. } => Text::LongerThan.with([("count", max.to_string().into())]),
            Self::Busy { .. } => Text::LockHeld.into(),
            Self::Io { error, .. } => error.to_string().into(),
        }
    }

    /// The file, what is wrong with it, and what to do.
    pub fn phrase(&self) -> Phrase {
        let place = Phrase::from(self.path().display().to_string());
        match self.fix() {
            Some(fix) => {
                Text::Problem.with([("place", place), ("what", self.what()), ("fix", fix)])
            }
            None => Phrase::joined(vec![place, self.what()], ": "),
        }
    }

    /// What to do, where the error alone does not say it.
    pub fn fix(&self) -> Option<Phrase> {
        let run = |command: &str, path: &Path| {
            let command = format!("{command} {}", path.display());
            Some(Text::Run.with([("command", command.into())]))
        };
        match self {
            Self::Kind { expected: Kind::Regular, .. } => Some(Text::PutRegular.into()),
            Self::Kind { expected: Kind::Folder, .. } => Some(Text::PutFolder.into()),
            Self::Owner { path, .. } => run("chown root:root", path),
            Self::Mode { path, .. } => run("chmod go-w", path),
            Self::Secret { path, .. } => run("chmod o=", path),
            _ => None,
        }
    }
}

impl std::fmt::Display for FileError {
    /// `FILE: WHAT; FIX`, in English: for records and for the journal.
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}: {}", self.path().display(), self.what())?;
        match self.fix() {
            Some(fix) => write!(f, "; {fix}"),
            None => Ok(()),
        }
    }
}

impl std::error::Error for FileError {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        match self {
            Self::Io { error, .. } => Some(error),
            _ => None,
        }
    }
}
