//! Why a collector, or a file, has not got a batch.

use std::io::{Error, ErrorKind};
use std::path::Path;

use wardkey_core::code::Notice;
use wardkey_settings::files::FileError;

/// Content Too Large (RFC 9110, 15.5.14).
pub(crate) const TOO_LONG: u16 = 413;

/// Why records have not arrived somewhere.
#[derive(Debug, thiserror::Error)]
pub enum SinkError {
    /// A collector has not got its records.
    #[error(transparent)]
    Collector(#[from] CollectorError),
    /// A file has not got its records.
    #[error(transparent)]
    RecordFile(#[from] RecordFileError),
    /// The journal takes no entry.
    #[error("the journal cannot be reached: {0}")]
    Journal(#[source] Error),
}

impl SinkError {
    /// The code for people.
    pub const fn notice(&self) -> Notice {
        match self {
            Self::Collector(error) => error.notice(),
            Self::RecordFile(error) => error.notice(),
            Self::Journal(_) => Notice::JournalAway,
        }
    }

    /// What the system said, or a library: in its own words.
    pub fn system(&self) -> Option<String> {
        match self {
            Self::Collector(error) => error.system(),
            Self::RecordFile(error) => Some(error.to_string()),
            Self::Journal(error) => Some(error.to_string()),
        }
    }
}

/// What went wrong on the way to a collector.
#[derive(Debug, thiserror::Error)]
pub enum CollectorError {
    /// Its name has no address.
    #[error("the collector's name has no address: {0}")]
    Name(#[source] Error),
    /// Nobody answers there.
    #[error("the collector cannot be reached: {0}")]
    Unreachable(#[source] Error),
    /// The certificates in `records_ca` cannot be used.
    #[error("records_ca cannot be used: {0}")]
    Authorities(String),
    /// It is not the one that it should be, or it does not want us.
    #[error("no TLS with the collector: {0}")]
    Tls(#[source] rustls::Error),
    /// It ended before it can have read everything.
    #[error("the collector ended the connection before it had all records")]
    Early,
    /// It ended, but did not say so in TLS.
    #[error(
        "the collector ended the connection without close_notify, so nobody knows what it has read"
    )]
    NoCloseNotify,
    /// The connection broke while it was used.
    #[error("the connection to the collector broke: {0}")]
    Broken(#[source] Error),
    /// It answered, over HTTPS, that it takes nothing.
    #[error("the collector answered with status {0}")]
    Refused(u16),
    /// What it answered is not of the interface that it should have.
    #[error("the collector's answer cannot be read")]
    Answer,
    /// The token by which it knows us cannot be read.
    #[error("the token cannot be read: {0}")]
    Token(String),
    /// The token is none of its own.
    #[error("the collector does not accept the token (status {0})")]
    TokenRefused(u16),
    /// It did not read everything in the time that a connection has.
    #[error("the collector did not read all records in time; the next batch is smaller")]
    Slow,
}

impl From<Error> for CollectorError {
    /// An error of a connection that stands.
    fn from(error: Error) -> Self {
        if error.kind() == ErrorKind::TimedOut { Self::Slow } else { Self::Broken(error) }
    }
}

impl CollectorError {
    /// The code for people.
    pub const fn notice(&self) -> Notice {
        match self {
            Self::Name(_) => Notice::CollectorUnknown,
            Self::Unreachable(_) => Notice::CollectorUnreachable,
            Self::Authorities(_) => Notice::CollectorAuthorities,
            Self::Tls(_) => Notice::CollectorNotTrusted,
            Self::Early | Self::Broken(_) => Notice::CollectorEndedEarly,
            Self::NoCloseNotify => Notice::CollectorEndedUnsaid,
            Self::Slow => Notice::CollectorSlow,
            Self::Refused(_) | Self::Answer => Notice::CollectorRefuses,
            Self::Token(_) | Self::TokenRefused(_) => Notice::CollectorToken,
        }
    }

    /// What the system said, or a library: in its own words.
    pub fn system(&self) -> Option<String> {
        match self {
            Self::Name(error) | Self::Unreachable(error) | Self::Broken(error) => {
                Some(error.to_string())
            }
            Self::Tls(error) => Some(error.to_string()),
            Self::Refused(status) | Self::TokenRefused(status) => Some(format!("HTTP {status}")),
            Self::Authorities(_)
            | Self::Early
            | Self::NoCloseNotify
            | Self::Answer
            | Self::Token(_)
            | Self::Slow => None,
        }
    }

    /// Whether a smaller batch might have arrived: it was on its way. A TLS alert may say that it
    /// was too long; where it says something else, smaller batches cost little.
    pub const fn was_on_its_way(&self) -> bool {
        matches!(
            self,
            Self::Early
                | Self::NoCloseNotify
                | Self::Broken(_)
                | Self::Tls(_)
                | Self::Slow
                | Self::Refused(TOO_LONG)
        )
    }
}

/// What went wrong with a file of records.
#[derive(Debug, thiserror::Error)]
pub enum RecordFileError {
    /// Its disk has no room.
    #[error("{0}: the disk is full")]
    Full(String),
    /// It cannot be opened, or is not to be written to.
    #[error(transparent)]
    Unusable(FileError),
    /// It broke while it was written.
    #[error("{path}: {error}")]
    Broken {
        /// The file.
        path: String,
        /// What the system said.
        #[source]
        error: Error,
    },
}

impl From<FileError> for RecordFileError {
    fn from(error: FileError) -> Self {
        match error {
            FileError::Io { path, error } if is_full(&error) => {
                Self::Full(path.display().to_string())
            }
            error => Self::Unusable(error),
        }
    }
}

impl RecordFileError {
    /// What the system said of an open file.
    pub fn of(path: &Path, error: Error) -> Self {
        let path = path.display().to_string();
        if is_full(&error) { Self::Full(path) } else { Self::Broken { path, error } }
    }

    /// The code for people.
    pub const fn notice(&self) -> Notice {
        match self {
            Self::Full(_) => Notice::RecordFileFull,
            Self::Unusable(_) | Self::Broken { .. } => Notice::RecordFileUnusable,
        }
    }
}

/// Whether the system said that there is no room: disk, quota or file size.
pub fn is_full(error: &Error) -> bool {
    matches!(
        error.kind(),
        ErrorKind::StorageFull | ErrorKind::QuotaExceeded | ErrorKind::FileTooLarge
    )
}
