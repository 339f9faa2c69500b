//! The log from a start of the server on, and as a command finds it.

use std::time::Duration;

use tokio::sync::watch;
use wardkey_core::code::Code;
use wardkey_core::time::UnixTime;

use super::keep::{catch_up, keep};
use super::last_checkpoint;
use super::sign::{SignedLog, sign};
use super::tell::Teller;
use crate::clock::Clock;
use crate::error::Result;
use crate::keyring::Keyring;
use crate::store::Store;

/// How often the running server signs what has come.
const SIGNED_EVERY: Duration = Duration::from_secs(60);

/// What the running server does until it stops: takes in what is older than the log, and signs what
/// has come.
pub async fn follow(store: Store, keyring: Keyring, clock: Clock, mut stop: watch::Receiver<bool>) {
    let mut tick = tokio::time::interval(SIGNED_EVERY);
    tick.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
    let mut teller = Teller::default();
    while !*stop.borrow() {
        tokio::select! {
            _ = tick.tick() => {}
            _ = stop.changed() => break,
        }
        match take_in_and_sign(&store, &keyring, &clock, &stop).await {
            Ok(Some(log)) => teller.tell(&log),
            Ok(None) => {}
            Err(error) if is_forked(error.code()) => {
                tracing::error!(%error, "the log of records was changed")
            }
            Err(error) => tracing::warn!(%error, "the log of records was not signed"),
        }
    }
}

/// Whether signing would give the log a second history, or nobody knows that it would not.
const fn is_forked(code: Code) -> bool {
    matches!(code, Code::LogForked | Code::LogPutBack | Code::LogBeside)
}

async fn take_in_and_sign(
    store: &Store,
    keyring: &Keyring,
    clock: &Clock,
    stop: &watch::Receiver<bool>,
) -> Result<Option<SignedLog>> {
    // As records do: changes pass in front of it.
    while store.together(|tx| Box::pin(async move { keep(tx).await })).await? {
        if *stop.borrow() {
            return Ok(None);
        }
    }
    let (keyring, now, database) = (keyring.clone(), clock.now(), store.path().to_owned());
    let signed =
        store.together(move |tx| Box::pin(async move { sign(tx, &database, &keyring, now).await }));
    let signed = signed.await?;
    last_checkpoint::keep(store.path(), &signed.checkpoint)?;
    Ok(Some(signed))
}

/// Takes in what waits, and signs the log.
///
/// # Errors
/// Those of [`catch_up`], [`sign`] and [`last_checkpoint::keep`].
pub async fn show(store: &Store, keyring: &Keyring, now: UnixTime) -> Result<SignedLog> {
    catch_up(store).await?;
    let mut tx = store.write().await?;
    let signed = sign(&mut tx, store.path(), keyring, now).await?;
    tx.commit().await?;
    last_checkpoint::keep(store.path(), &signed.checkpoint)?;
    Ok(signed)
}
