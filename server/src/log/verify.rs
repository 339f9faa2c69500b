//! The database against the log: every event is read again.

use serde::Serialize;
use wardkey_core::code::Code;
use wardkey_core::texts;
use wardkey_tlog::{Frontier, Full, over_full};

use super::entry;
use super::sign::{forked, is_newest};
use crate::error::{Error, Result};
use crate::store::log::{self as stored, End, Signed, State};
use crate::store::{Db, Store};

/// Events that are read at once.
const AT_ONCE: u64 = 1024;

/// A log that holds.
#[derive(Debug, Serialize)]
pub struct Verified {
    /// Entries in it.
    pub size: u64,
    /// The root over them, in base64.
    pub root: String,
    /// Events that are not in it yet.
    pub waiting: u64,
    /// True: one that does not hold is an error.
    pub intact: bool,
}

/// Reads every event, and compares it with the log, the log with its own hashes, and those with
/// what was signed last.
///
/// # Errors
/// [`Code::LogEntryChanged`], [`Code::LogEntriesMissing`], [`Code::LogForked`],
/// [`Code::LogPutBack`], [`Code::LogBeside`]; those of the store.
pub async fn verify(store: &Store) -> Result<Verified> {
    let (state, end) = begun(store).await?;
    // From the lowest number that a row can have.
    let (mut frontier, mut waiting, mut last) = (Frontier::new(), 0_u64, i64::MIN);
    same_as_signed(&frontier, state.signed.as_ref())?;
    loop {
        // What is in the log stays as it is, so each part is read by itself: a long check keeps no
        // old state of the database alive.
        let mut tx = store.read().await?;
        let rows = stored::held_after(&mut tx, last, AT_ONCE).await?;
        let Some(row) = rows.last() else { break };
        last = row.recorded.number;
        for row in rows {
            let number = row.recorded.number;
            let Some((place, hash)) = row.logged else {
                // Only what came after the last one may wait.
                if number <= end.event {
                    return Err(changed(number));
                }
                waiting += 1;
                continue;
            };
            // Taken in since this began.
            if number > end.event {
                continue;
            }
            let made = entry::hash(&row.recorded).map_err(|_| changed(number))?;
            if place > frontier.size() {
                return Err(missing(place - frontier.size()));
            }
            if place < frontier.size() || made != hash || !row.is_listed_right {
                return Err(changed(number));
            }
            for full in frontier.push(hash) {
                same_above(&mut tx, &full).await?;
            }
            same_as_signed(&frontier, state.signed.as_ref())?;
        }
    }
    if frontier.size() != end.size {
        return Err(missing(end.size.saturating_sub(frontier.size())));
    }
    if let Some(signed) = state.signed.filter(|signed| signed.size > end.size) {
        return Err(forked(signed.size));
    }
    let mut tx = store.read().await?;
    is_newest(&mut tx, store.path()).await?;
    let root = frontier.root().to_string();
    Ok(Verified { size: end.size, root, waiting, intact: true })
}

/// What was signed and where the log ends, in one state of the database.
async fn begun(store: &Store) -> Result<(State, End)> {
    let mut tx = store.read().await?;
    Ok((stored::state(&mut tx).await?, stored::end(&mut tx).await?))
}

/// Whether the hash that the level above has of a full tile is the one over it.
async fn same_above(db: &mut Db, full: &Full) -> Result<()> {
    let Some(above) = full.tile.level().above() else { return Ok(()) };
    let found = stored::hashes(db, above, full.tile.index(), 1).await?;
    if found.first() == over_full(&full.hashes).as_ref() {
        return Ok(());
    }
    Err(forked(full.tile.first()))
}

fn same_as_signed(frontier: &Frontier, signed: Option<&Signed>) -> Result<()> {
    match signed {
        Some(signed) if signed.size == frontier.size() && signed.root != frontier.root() => {
            Err(forked(signed.size))
        }
        _ => Ok(()),
    }
}

/// The refusal of an event that is not what the log took in.
pub fn changed(number: i64) -> Error {
    let number = number.unsigned_abs().into();
    let message = texts::phrase(Code::LogEntryChanged, vec![("number", number)]);
    Error::refused(Code::LogEntryChanged, message)
}

/// The refusal of a log whose events are gone.
pub fn missing(count: u64) -> Error {
    let message = texts::phrase(Code::LogEntriesMissing, vec![("count", count.into())]);
    Error::refused(Code::LogEntriesMissing, message)
}
