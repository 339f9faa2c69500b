//! The tasks that keep up with the store and with the time.

use std::sync::Arc;

use tokio::sync::watch;
use tokio::time::Instant;
use wardkey_core::code::Code;

use super::publisher::Publisher;
use super::time::Trouble;
use crate::error::Result;
use crate::store::audit::{self, Act, Actor};
use crate::store::{Watcher, clock};

/// Seconds between two tries whether the store can be written; one second while it cannot.
const TRIED_EVERY: u64 = 10;

/// Follows the store until told to stop: commits of others within 100 ms, and re-signing in time.
pub async fn follow(
    publisher: Arc<Publisher>,
    mut watcher: Watcher,
    mut stop: watch::Receiver<bool>,
) {
    let mut tick = tokio::time::interval(std::time::Duration::from_millis(100));
    tick.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
    let mut failing = false;
    while !*stop.borrow() {
        tokio::select! {
            _ = tick.tick() => {}
            _ = stop.changed() => break,
        }
        let done = match watcher.changed().await {
            // What could not be read when it changed is read again.
            Ok(changed)
                if changed || failing || publisher.is_due() || publisher.has_unread_keys() =>
            {
                publisher.refresh().await
            }
            Ok(_) => Ok(()),
            Err(error) => Err(error),
        };
        match done {
            Ok(()) => {
                publisher.note_beat();
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

/// Keeps what the next start has to know about the clock, and says when it is not plausible. Apart
/// from [`follow`]: a long import holds the write lock, and revocations must not wait for that.
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
            "nothing is signed by this clock: set it right, or confirm it by \"wardkey-server \
                clock confirm\""
        );
        *told = Some(Instant::now());
    }
}

impl Publisher {
    /// Writes how far was signed, so that the next start can tell; and when the clock stopped being
    /// plausible or came right, records it.
    ///
    /// # Errors
    /// [`Error::Store`].
    pub async fn keep_time(&self) -> Result<()> {
        let Some(unwritten) = self.time.unwritten() else { return Ok(()) };
        let mut tx = self.store.write().await?;
        // What an administrator confirmed meanwhile is taken by the next refresh, and not undone
        // here.
        if clock::read(&mut tx).await?.confirmation != unwritten.confirmation {
            return Ok(());
        }
        let refused = match unwritten.trouble {
            Some(Trouble::Ahead(jump)) => Some(jump),
            Some(Trouble::Behind(_)) | None => None,
        };
        clock::write(&mut tx, unwritten.signed, refused).await?;
        if unwritten.turned {
            let (action, detail) = match unwritten.trouble {
                Some(trouble) => ("clock.refused", trouble.to_string()),
                None => ("clock.plausible", "signing goes on".to_owned()),
            };
            // The trail has the time that is believed: a row of 2031 would look like tampering
            // later.
            audit::record(
                &mut tx,
                unwritten.signed,
                &Actor::server(),
                Act::new(action, "clock").with(&detail),
            )
            .await?;
        }
        tx.commit().await?;
        self.time.written(&unwritten);
        if unwritten.turned && unwritten.trouble.is_none() {
            tracing::info!("the clock is plausible; signing goes on");
        }
        Ok(())
    }
}
