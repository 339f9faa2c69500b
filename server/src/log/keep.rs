//! Taking events into the log, in the order of their numbers.
//!
//! A batch of a terminal is taken in with the transaction that stores it. What is older than the
//! log (a deployment from before it) is taken in a part at a time after a start; until that is
//! done, what comes waits behind it, so that the order is one.

use std::time::Duration;

use wardkey_tlog::{Level, WIDTH, over_full};

use super::entry;
use crate::error::{Error, Result};
use crate::store::log as stored;
use crate::store::{Db, Store};

/// Events that are taken in at once: the longest batch of a terminal, and as many that wait.
const AT_ONCE: u64 = 512;

/// Takes in events that are stored and not in the log yet; whether some are left.
///
/// # Errors
/// [`Error::Store`]; [`Error::Damaged`] when a row is none that the server writes, or hashes of the
/// log are missing.
pub async fn keep(db: &mut Db) -> Result<bool> {
    let end = stored::end(db).await?;
    let recorded = stored::after(db, end.event, AT_ONCE).await?;
    let mut entries = Vec::with_capacity(recorded.len());
    for event in &recorded {
        entries.push((event.number, entry::hash(event)?));
    }
    let count = entries.len() as u64;
    stored::add(db, end.size, &entries).await?;
    complete(db, end.size, end.size.saturating_add(count)).await?;
    Ok(count == AT_ONCE)
}

/// Adds the hashes over the tiles that have become full between two sizes.
async fn complete(db: &mut Db, before: u64, size: u64) -> Result<()> {
    let mut level = Level::ENTRIES;
    while let Some(above) = level.above() {
        for place in above.hashes(before)..above.hashes(size) {
            let first = place.saturating_mul(WIDTH.into());
            let hashes = stored::hashes(db, level, first, WIDTH).await?;
            let hash = over_full(&hashes).ok_or_else(|| Error::damaged("the log of records"))?;
            stored::add_node(db, above, place, &hash).await?;
        }
        if above.hashes(size) == 0 {
            break;
        }
        level = above;
    }
    Ok(())
}

/// Between two parts that a command takes in.
const PAUSE: Duration = Duration::from_millis(20);

/// Takes in all that waits, for commands: each part in a transaction of its own, so that nobody
/// waits for all of it.
///
/// # Errors
/// As [`keep`].
pub async fn catch_up(store: &Store) -> Result<()> {
    loop {
        let mut tx = store.write().await?;
        let more = keep(&mut tx).await?;
        tx.commit().await?;
        if !more {
            return Ok(());
        }
        // The running server's records and changes have a turn in between.
        tokio::time::sleep(PAUSE).await;
    }
}
