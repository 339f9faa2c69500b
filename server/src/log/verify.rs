//! The database against the log: every event is read again.

use serde::Serialize;
use wardkey_core::code::Code;
use wardkey_core::log_archive::{Gaps, PruneAct};
use wardkey_core::texts;
use wardkey_tlog::{Frontier, Full, over_full};

use super::sign::{forked, is_newest};
use super::{entry, pruned};
use crate::error::{Error, Result};
use crate::keyring::Keyring;
use crate::store::log::{self as stored, End, Signed, State};
use crate::store::{Db, Store, gap};

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
    /// Records that were pruned: of these the hash is there.
    pub pruned: u64,
    /// True: one that does not hold is an error.
    pub intact: bool,
}

/// Reads every event, and compares it with the log, the log with its own hashes, those with what
/// was signed last, and what is missing with the acts of pruning.
///
/// # Errors
/// [`Code::LogEntryChanged`], [`Code::LogEntriesMissing`], [`Code::LogForked`],
/// [`Code::PrunedChanged`], [`Code::LogPutBack`], [`Code::LogBeside`]; those of the store and of
/// the keys.
pub async fn verify(store: &Store, keyring: &Keyring) -> Result<Verified> {
    let (state, end, acts) = begun(store, keyring).await?;
    // From the lowest number that a row can have.
    let (mut frontier, mut waiting, mut last) = (Frontier::new(), 0_u64, i64::MIN);
    let mut gaps = Gaps::default();
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
            pass_gap(&mut tx, &mut frontier, (place, &mut gaps), state.signed.as_ref()).await?;
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
    let pruned = gaps.count();
    // First: what is said to be pruned is part of the tree that is compared then.
    explained(&mut tx, keyring, (acts, gaps), end.size).await?;
    is_newest(&mut tx, store.path()).await?;
    let root = frontier.root().to_string();
    Ok(Verified { size: end.size, root, waiting, pruned, intact: true })
}

/// Whether the gaps that were met are those of the acts that the key of the log signed.
async fn explained(
    db: &mut Db,
    keyring: &Keyring,
    (before, met): (Vec<PruneAct>, Gaps),
    size: u64,
) -> Result<()> {
    let acts = pruned::acts(db, keyring).await?;
    // All that are there, not only those that were met: what is said to be pruned and is there all
    // the same would be taken for known when it comes.
    let (all, _) = pruned::gaps(db, size).await?;
    pruned::same(&all, &acts)?;
    // More was pruned meanwhile, or the log has grown over a gap: what was met is of no one state.
    if acts != before || pruned::is_any_behind(db, size).await? {
        return Ok(());
    }
    pruned::same(&met, &acts)
}

/// Goes on with the hashes of records that were pruned, up to a place.
async fn pass_gap(
    db: &mut Db,
    frontier: &mut Frontier,
    (until, met): (u64, &mut Gaps),
    signed: Option<&Signed>,
) -> Result<()> {
    while frontier.size() < until {
        let gaps = gap::between(db, frontier.size(), until, AT_ONCE).await?;
        if gaps.first().is_none_or(|gap| gap.place != frontier.size()) {
            return Err(missing(until - frontier.size()));
        }
        for gap in gaps {
            if gap.place != frontier.size() {
                break;
            }
            met.add(gap.act, gap.place);
            for full in frontier.push(gap.hash) {
                same_above(db, &full).await?;
            }
            same_as_signed(frontier, signed)?;
        }
    }
    Ok(())
}

/// What was signed, where the log ends, and the acts of pruning, in one state of the database.
async fn begun(store: &Store, keyring: &Keyring) -> Result<(State, End, Vec<PruneAct>)> {
    let mut tx = store.read().await?;
    let acts = pruned::acts(&mut tx, keyring).await?;
    Ok((stored::state(&mut tx).await?, stored::end(&mut tx).await?, acts))
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
