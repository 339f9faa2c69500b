//! What the handlers share.

use std::sync::Arc;

use axum::extract::State;
use tokio::sync::{Semaphore, watch};
use wardkey_core::time::UnixTime;
use zeroize::Zeroizing;

use super::limit::Limiter;
use super::seen::Seen;
use crate::clock::Clock;
use crate::config::Config;
use crate::enroll::Enrollments;
use crate::error::{Error, Result};
use crate::forward::Forwarder;
use crate::log;
use crate::publish::Publisher;
use crate::store::Store;
use crate::watch::Counters;

/// What the handlers share.
pub struct App {
    /// The configuration.
    pub config: Config,
    /// The clock.
    pub clock: Clock,
    /// The store.
    pub store: Store,
    /// Heads and documents.
    pub publisher: Arc<Publisher>,
    /// Keys the hash of enrollment codes.
    pub code_key: Zeroizing<[u8; 32]>,
    /// Registrations under way.
    pub enrollments: Enrollments,
    /// The log of records, as terminals are shown it.
    pub log: log::Shown,
    /// Where records go besides the store.
    pub forward: Forwarder,
    /// Requests a minute.
    pub limiter: Limiter,
    /// When terminals were heard of.
    pub seen: Seen,
    /// Reports that are made at once: each has what it counts in memory.
    pub reports: Semaphore,
    /// What is counted, for those who run the server.
    pub counters: Arc<Counters>,
    /// True once the server stops: whoever waits is answered at once.
    pub stop: watch::Receiver<bool>,
}

impl App {
    /// Shows what the store says now. It goes on when the request is given up meanwhile: a look
    /// that is cut off would have to begin anew.
    ///
    /// # Errors
    /// Those of [`Publisher::refresh`].
    pub async fn refresh(&self) -> Result<()> {
        let publisher = Arc::clone(&self.publisher);
        let look = tokio::spawn(async move { publisher.refresh().await });
        look.await.map_err(Error::damaged)?
    }

    /// The time by which codes and challenges are judged: never before what was signed, so that a
    /// clock that is set back gives nothing that has expired its life back.
    pub fn now(&self) -> UnixTime {
        self.clock.now().max(self.publisher.time())
    }
}

/// The application.
pub type Shared = State<Arc<App>>;
