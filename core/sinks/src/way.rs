//! What a way to a sink is, and what it is given.

use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use rustls::ClientConfig;
use rustls::pki_types::CertificateDer;
use wardkey_core::event::{Event, EventName};
use wardkey_core::id::EventId;
use wardkey_records::Source;

use crate::failure::SinkError;

/// Where a record is kept until it has arrived.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum At {
    /// On disk, under this number.
    Disk(u64),
    /// In memory only.
    Memory(EventId),
}

/// A record on its way to a destination.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Record {
    /// Where it is.
    pub at: At,
    /// The event's encoding.
    pub event: Vec<u8>,
    /// Who told of it, when that is not whoever sends it.
    pub source: Option<Box<Source>>,
}

impl Record {
    /// One of those who send it.
    pub const fn own(at: At, event: Vec<u8>) -> Self {
        Self { at, event, source: None }
    }

    /// Who tells of it, when `own` is who sends it.
    pub fn told_by<'s>(&'s self, own: &'s Source) -> &'s Source {
        self.source.as_deref().unwrap_or(own)
    }

    /// Whether the loss of it is one more: that something of one's own was lost is not lost again
    /// and again.
    pub(crate) fn counts(&self, event: &Event) -> bool {
        self.source.is_some() || event.name != EventName::RecordsLost
    }
}

/// How much is taken at once.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Most {
    /// Records.
    pub events: usize,
    /// Bytes of records; one record is taken however long it is.
    pub bytes: usize,
}

/// What came of some records.
#[derive(Debug, Default)]
pub struct Delivery {
    /// Those that the destination has.
    pub arrived: Vec<At>,
    /// Those that it can never get: they are lost to it, and counted.
    pub gave_up: Vec<At>,
    /// Why it has no more of them.
    pub error: Option<SinkError>,
}

impl Delivery {
    /// All of the records have arrived but those that nobody can read.
    pub fn all(records: &[Record], unread: Vec<At>) -> Self {
        let sent = records.iter().map(|record| record.at).filter(|at| !unread.contains(at));
        Self { arrived: sent.collect(), gave_up: unread, error: None }
    }
}

/// What all ways are told.
#[derive(Clone, Debug)]
pub struct Terms {
    /// The file of those who may certify collectors.
    pub authorities: PathBuf,
    /// Who tells of records.
    pub source: Source,
    /// The longest pause between two attempts.
    pub longest: Duration,
}

/// Who sends records.
pub trait Party: Send + Sync {
    /// TLS that trusts these authorities now, and shows who we are.
    ///
    /// # Errors
    /// Why there is none.
    fn tls(
        &self,
        authorities: Vec<CertificateDer<'static>>,
    ) -> Result<Arc<ClientConfig>, Box<dyn std::error::Error + Send + Sync>>;

    /// Something that an administrator should look at.
    fn warn(&self, message: &str);
}

/// A way to a sink.
pub trait Way: Send {
    /// How much it takes at once.
    fn most(&self) -> Most;

    /// Opens anew what it keeps open.
    fn reopen(&mut self) {}

    /// Delivers records. What has arrived is in [`Delivery::arrived`], also after an error.
    fn deliver(&mut self, party: &dyn Party, records: &[Record]) -> Delivery;

    /// All that was tried has arrived.
    fn worked(&mut self);

    /// It did not: how long to leave the sink alone.
    fn pause_after_failure(&mut self) -> Duration;
}

impl Way for Box<dyn Way> {
    fn most(&self) -> Most {
        self.as_ref().most()
    }

    fn reopen(&mut self) {
        self.as_mut().reopen();
    }

    fn deliver(&mut self, party: &dyn Party, records: &[Record]) -> Delivery {
        self.as_mut().deliver(party, records)
    }

    fn worked(&mut self) {
        self.as_mut().worked();
    }

    fn pause_after_failure(&mut self) -> Duration {
        self.as_mut().pause_after_failure()
    }
}
