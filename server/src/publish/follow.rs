//! The tasks that keep up with the store and with the time.

use std::sync::{Arc, PoisonError};

use tokio::sync::watch;
use tokio::time::Instant;
use wardkey_core::code::Code;

use super::Publisher;
use crate::store::Watcher;

/// Seconds between two tries whether the store can be written; one second while it cannot.
const TRIED_EVERY: u64 = 10;

/// Follows the store until told to stop: commits of others within 100 ms, and re-signing in time.
pub async fn follow(publisher: Arc<Publisher>, mut watcher: Watcher, mut stop: watch::Receiver<bool>) {
    let mut tick = tokio::time::interval(std::time::Duration::from_millis(100));
    tick.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
    let mut failing = false;
    while !*stop.borrow() {
        tokio::select! {
            _ = tick.tick() => {}
            _ = stop.changed() => break,
        }
        let done = match watcher.changed().await {
            Ok(true) => publisher.refresh().await,
            Ok(false) if publisher.is_due() => publisher.refresh().await,
            Ok(false) => Ok(()),
            Err(error) => Err(error),
        };
        match done {
            Ok(()) => {
                *publisher.beat.lock().unwrap_or_else(PoisonError::into_inner) = Instant::now();
                if std::mem::take(&mut failing) {
                    tracing::info!("the store can be read again");
                }
            }
            Err(error) => {
                if !failing {
                    tracing::error!(%error, "the store cannot be read; heads are not signed");
                }
                failing = true;
                tokio::time::sleep(std::time::Duration::from_secs(1)).await;
            }
        }
    }
    watcher.close().await;
}

/// Keeps what the next start has to know about the clock, and says when it is not plausible. Apart from
/// [`follow`]: a long import holds the write lock, and revocations must not wait for that.
pub async fn keep_time(publisher: Arc<Publisher>, mut stop: watch::Receiver<bool>) {
    let mut tick = tokio::time::interval(std::time::Duration::from_secs(1));
    tick.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
    let mut told = None;
    let mut tried: Option<Instant> = None;
    while !*stop.borrow() {
        tokio::select! {
            _ = tick.tick() => {}
            _ = stop.changed() => break,
        }
        tell(&publisher, &mut told);
        let every = if publisher.store.can_write() { TRIED_EVERY } else { 1 };
        if tried.is_none_or(|tried| tried.elapsed().as_secs() >= every) {
            tried = Some(Instant::now());
            // What it says is kept, and said where it turns.
            let _ = publisher.store.try_writing().await;
        }
        if let Err(error) = publisher.keep_time().await {
            tracing::warn!(%error, "the time of the last signature could not be written");
        }
    }
}

/// Says it at once and every ten minutes while the clock is refused.
fn tell(publisher: &Publisher, told: &mut Option<Instant>) {
    let Some(trouble) = publisher.clock_trouble() else {
        *told = None;
        return;
    };
    if told.is_none_or(|told| told.elapsed().as_secs() >= 600) {
        tracing::error!(
            code = %Code::ServerClock,
            %trouble,
            "nothing is signed by this clock: set it right, or confirm it by \"wardkey-server clock confirm\""
        );
        *told = Some(Instant::now());
    }
}

impl Publisher {
    /// Whether a head is due to be signed again.
    fn is_due(&self) -> bool {
        let now = self.time.now();
        let half = (self.lifetime / 2).max(1);
        self.shown().values().any(|shown| now.since(shown.head.issued) >= half || now < shown.head.issued)
    }
}
