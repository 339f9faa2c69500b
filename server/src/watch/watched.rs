//! What is watched: the parts of the running server, and what was read of it a moment ago.

use std::sync::Arc;
use std::time::{Duration, Instant};

use super::checks::{Reason, reasons};
use super::counters::Counters;
use super::facts::{Facts, Sources, Stock};
use super::metrics::{self, Live};
use crate::clock::Clock;
use crate::config::Config;
use crate::error::Result;
use crate::gate::Gate;
use crate::keyring::Keyring;
use crate::publish::Publisher;
use crate::store::Store;

/// How long what was read counts: whoever asks more often is told the same.
const FRESH: Duration = Duration::from_secs(1);

/// The parts of the running server that are watched.
#[derive(Debug)]
pub struct Watched {
    /// The configuration.
    pub config: Config,
    /// The deployment's keys, of which only certificates are read.
    pub keyring: Keyring,
    /// The clock.
    pub clock: Clock,
    /// The store.
    pub store: Store,
    /// Heads and documents.
    pub publisher: Arc<Publisher>,
    /// Connections.
    pub gate: Arc<Gate>,
    /// Whether the interface for administration is not served, though it should be.
    pub lacks_administration: bool,
    /// What is counted.
    pub counters: Arc<Counters>,
    /// What was read last, and when. Held while it is read: it is read once for all who ask.
    pub latest: Latest,
}

/// What was read last.
#[derive(Debug, Default)]
pub struct Latest(tokio::sync::Mutex<Option<(Instant, Option<Stock>)>>);

impl Latest {
    /// What was read counts no more: something has happened since.
    pub async fn forget(&self) {
        *self.0.lock().await = None;
    }
}

impl Watched {
    /// Everything that is known now. What cannot be read is as it was when it last could.
    pub async fn facts(&self) -> Facts {
        let facts = Facts {
            lacks_administration: self.lacks_administration,
            ..Facts::live(&self.store, &self.publisher, &self.clock).await
        };
        let mut latest = self.latest.0.lock().await;
        if let Some((_, stock)) = latest.as_ref().filter(|(at, _)| at.elapsed() < FRESH) {
            return Facts { stock: stock.clone(), ..facts };
        }
        let stock = match self.stock().await {
            Ok(stock) => Some(stock),
            Err(error) => {
                tracing::error!(%error, "what is watched could not be read");
                // What was so a moment ago has not ended by that.
                latest.take().and_then(|(_, stock)| stock)
            }
        };
        *latest = Some((Instant::now(), stock.clone()));
        Facts { stock, ..facts }
    }

    async fn stock(&self) -> Result<Stock> {
        let sources = Sources { config: &self.config, keyring: &self.keyring };
        Stock::read(&mut self.store.read().await?, sources, self.clock.now()).await
    }

    /// Everything that is not as it should be.
    pub async fn reasons(&self) -> Vec<Reason> {
        reasons(&self.facts().await, &self.config.watch)
    }

    /// The measures as text.
    ///
    /// # Errors
    /// [`Error::Crypto`](crate::error::Error::Crypto) when they cannot be written.
    pub async fn measures(&self) -> Result<String> {
        let live = Live {
            open: self.gate.open(),
            queued: self.store.waiting() as u64,
            counters: &self.counters,
        };
        metrics::text(&self.facts().await, &self.config.watch, live)
    }
}
