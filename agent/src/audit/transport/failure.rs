//! Why a collector has not got a batch.

use std::io::{Error, ErrorKind};

use wardkey_core::code::Notice;

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
    Unsaid,
    /// The connection broke while it was used.
    #[error("the connection to the collector broke: {0}")]
    Broken(#[source] Error),
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
            Self::Unsaid => Notice::CollectorEndedUnsaid,
            Self::Slow => Notice::CollectorSlow,
        }
    }

    /// What the system said, or a library: in its own words.
    pub fn system(&self) -> Option<String> {
        match self {
            Self::Name(error) | Self::Unreachable(error) | Self::Broken(error) => {
                Some(error.to_string())
            }
            Self::Tls(error) => Some(error.to_string()),
            Self::Authorities(_) | Self::Early | Self::Unsaid | Self::Slow => None,
        }
    }

    /// Whether a smaller batch might have arrived: it was on its way. A TLS alert may say that it
    /// was too long; where it says something else, smaller batches cost little.
    pub const fn was_on_its_way(&self) -> bool {
        matches!(self, Self::Early | Self::Unsaid | Self::Broken(_) | Self::Tls(_) | Self::Slow)
    }
}
