//! Acts of pruning: what the key of the log signed of them, and the list that goes along with an
//! export. It says which records are not there, because an archive has them.
//!
//! An act counts when the key of the log signed it. So whoever can write the database and has no
//! key makes no gap that any act explains: [`same`] finds it, here as `wardkey-verify` does in an
//! export.

use std::collections::BTreeSet;
use std::path::Path;

use wardkey_core::code::Code;
use wardkey_core::codec::{Document, List};
use wardkey_core::document::RootDocument;
use wardkey_core::id::SigningPublicKey;
use wardkey_core::log_archive::{Gaps, PruneAct, Pruned};
use wardkey_core::sign::{self, SigningKey};
use wardkey_core::texts;
use wardkey_tlog::{Checkpoint, Level, Tile, Verifier, WIDTH};

use super::files::{self, PRUNED};
use super::sign::{SignedLog, public};
use crate::error::{Error, Result};
use crate::keyring::Keyring;
use crate::store::archive::StoredAct;
use crate::store::{Db, Store, archive, gap, setting};
use crate::texts::{Phrase, Text};

/// Places that are read at once.
const AT_ONCE: u64 = 4096;
/// Above every place.
const EVERY: u64 = i64::MAX as u64;

/// The acts, each as the key of the log signed it.
///
/// # Errors
/// [`Code::PrunedChanged`] when it did not sign one of them; those of the store and of the keys.
pub async fn acts(db: &mut Db, keyring: &Keyring) -> Result<Vec<PruneAct>> {
    let stored = archive::acts(db).await?;
    if stored.is_empty() {
        return Ok(Vec::new());
    }
    let (_, root) = setting::roots(db).await?;
    let key = SigningPublicKey::new(*public(keyring, &root)?.public());
    let unsigned = |act: &StoredAct| of_act(Text::PrunedUnsigned, act.number);
    let read = |act: &StoredAct| signed_by(act, key).ok_or_else(|| unsigned(act));
    stored.iter().map(read).collect()
}

/// An act that this key signed, and that says what its row says.
fn signed_by(stored: &StoredAct, key: SigningPublicKey) -> Option<PruneAct> {
    let act = sign::verify::<PruneAct>(&stored.signed, &[key]).ok()?.into_inner();
    let row = (stored.number, stored.archive, stored.records);
    Some(act).filter(|act| (act.number, act.archive, act.records) == row)
}

/// Signs an act by the key of the log that is in force.
///
/// # Errors
/// Those of the store and of the keys.
pub async fn sign_act(db: &mut Db, keyring: &Keyring, act: &PruneAct) -> Result<Vec<u8>> {
    let (_, root) = setting::roots(db).await?;
    Ok(SigningKey::from_secret(&*keyring.log_secret(&root)?).sign(act))
}

/// Signs the acts anew when the key of the log is replaced as stolen, as all of the log is: those
/// that the key before had signed. Others stay what they are.
///
/// # Errors
/// Those of the store and of the keys.
pub async fn sign_anew(
    db: &mut Db,
    keyring: &Keyring,
    (before, after): (&RootDocument, &RootDocument),
) -> Result<()> {
    let key = SigningPublicKey::new(*public(keyring, before)?.public());
    let own = SigningKey::from_secret(&*keyring.log_secret(after)?);
    for stored in archive::acts(db).await? {
        if let Some(act) = signed_by(&stored, key) {
            archive::put_act(db, act.number, act.records, &own.sign(&act)).await?;
        }
    }
    Ok(())
}

/// Whether the gaps of a log are those of these acts.
///
/// # Errors
/// [`Code::PrunedChanged`].
pub fn same(gaps: &Gaps, acts: &[PruneAct]) -> Result<()> {
    match gaps.unlike(acts).first() {
        None => Ok(()),
        Some(act) => Err(of_act(Text::PrunedAct, *act)),
    }
}

/// All gaps that are there, and those of the first entries.
///
/// # Errors
/// [`Error::Store`], [`Error::Damaged`].
pub async fn gaps(db: &mut Db, size: u64) -> Result<(Gaps, Gaps)> {
    let (mut all, mut first, mut from) = (Gaps::default(), Gaps::default(), 0);
    loop {
        let part = gap::between(db, from, EVERY, AT_ONCE).await?;
        let Some(last) = part.last() else { return Ok((all, first)) };
        from = last.place + 1;
        for gap in part {
            all.add(gap.act, gap.place);
            if gap.place < size {
                first.add(gap.act, gap.place);
            }
        }
    }
}

/// Whether there is a gap behind the first entries.
///
/// # Errors
/// [`Error::Store`], [`Error::Damaged`].
pub async fn is_any_behind(db: &mut Db, size: u64) -> Result<bool> {
    Ok(gap::last(db, size, EVERY).await?.is_some())
}

/// The acts, as far as they concern a log of this size.
///
/// # Errors
/// Those of [`acts`] and [`same`].
async fn acts_of(db: &mut Db, keyring: &Keyring, size: u64) -> Result<Vec<PruneAct>> {
    let mut acts = acts(db, keyring).await?;
    if !is_any_behind(db, size).await? {
        return Ok(acts);
    }
    // Some of them went on behind the checkpoint since it was signed: what is signed here of a part
    // is part of what they signed.
    let (all, first) = gaps(db, size).await?;
    same(&all, &acts)?;
    for act in &mut acts {
        let digest = first.of(act.number);
        (act.records, act.places) = (digest.records, digest.places);
    }
    Ok(acts)
}

/// The acts as far as they concern a log of this size, and the tiles with records of those that are
/// not as they are known.
///
/// # Errors
/// Those of [`acts`] and [`same`].
pub async fn since(
    db: &mut Db,
    keyring: &Keyring,
    (size, known): (u64, &[PruneAct]),
) -> Result<(Vec<PruneAct>, Vec<Tile>)> {
    let acts = acts_of(db, keyring, size).await?;
    let newer = newer(known, &acts);
    let tiles = if newer.is_empty() { Vec::new() } else { tiles(db, size, &newer).await? };
    Ok((acts, tiles))
}

/// The signed list, as the file has it.
///
/// # Errors
/// Those of the store and of the keys.
pub async fn signed(
    store: &Store,
    keyring: &Keyring,
    log: &SignedLog,
    acts: Vec<PruneAct>,
) -> Result<Vec<u8>> {
    let acts = List::new(acts).map_err(Error::damaged)?;
    let list = Pruned { origin: log.origin.clone(), size: log.size, acts };
    let mut tx = store.read().await?;
    let (_, root) = setting::roots(&mut tx).await?;
    Ok(SigningKey::from_secret(&*keyring.log_secret(&root)?).sign(&list))
}

/// The list of a folder, which this key signed; none when there is none, or not by this key.
pub fn listed(folder: &Path, key: &Verifier) -> Option<Pruned> {
    let key = SigningPublicKey::new(*key.public());
    let bytes = files::part(folder, PRUNED, Pruned::MAX_BYTES + 128).ok()?;
    sign::verify::<Pruned>(&bytes, &[key]).ok().map(sign::Verified::into_inner)
}

/// Whether the gaps that were met in an export are those of its list.
///
/// # Errors
/// [`Code::PrunedChanged`]; it says so when an export into this folder was interrupted.
pub fn holds(folder: &Path, key: &Verifier, checkpoint: &Checkpoint, gaps: &Gaps) -> Result<()> {
    let is_there = folder.join(PRUNED).exists();
    if gaps.is_empty() && !is_there {
        return Ok(());
    }
    let list = listed(folder, key)
        .filter(|list| list.origin == checkpoint.origin() && list.size == checkpoint.size());
    let held = match &list {
        None => Err(changed(Text::PrunedUnlisted)),
        Some(list) => same(gaps, &list.acts),
    };
    // The files are written one after the other, and the checkpoint at the end.
    held.map_err(|error| match files::is_unfinished(folder) {
        true => changed(Text::ExportInterrupted),
        false => error,
    })
}

fn of_act(text: Text, act: u64) -> Error {
    changed(text.with([("act", act.into())]))
}

fn changed(what: impl Into<Phrase>) -> Error {
    let code = Code::PrunedChanged;
    Error::refused(code, texts::phrase(code, vec![("what", what.into())]))
}

/// The tiles of a log of this size with records that some acts pruned.
///
/// # Errors
/// [`Error::Store`], [`Error::Damaged`].
async fn tiles(db: &mut Db, size: u64, of: &BTreeSet<u64>) -> Result<Vec<Tile>> {
    let (mut indices, mut from) = (BTreeSet::new(), 0);
    loop {
        let part = gap::between(db, from, size, AT_ONCE).await?;
        let Some(last) = part.last() else { break };
        from = last.place + 1;
        let own = part.iter().filter(|gap| of.contains(&gap.act));
        indices.extend(own.map(|gap| gap.place / u64::from(WIDTH)));
    }
    let tile = |index: u64| {
        let left = size.saturating_sub(index * u64::from(WIDTH)).min(WIDTH.into());
        Tile::new(Level::ENTRIES, index, u16::try_from(left).ok()?)
    };
    Ok(indices.into_iter().filter_map(tile).collect())
}

/// The acts that a list does not have as they are now.
fn newer(known: &[PruneAct], acts: &[PruneAct]) -> BTreeSet<u64> {
    acts.iter().filter(|act| !known.contains(act)).map(|act| act.number).collect()
}
