//! Writing the log into a folder that any web server can serve, and any tool for tiled logs can
//! read. What is in it never changes but for the checkpoint, so a later export only adds to it.

use std::path::{Path, PathBuf};

use serde::Serialize;
use wardkey_core::code::Code;
use wardkey_core::codec;
use wardkey_core::log_archive::{PruneAct, PrunedEntry};
use wardkey_core::time::UnixTime;
use wardkey_tlog::{Hash, Level, Tile, bundle, since};

use super::check::{Trusted, explained};
use super::entry;
use super::files::{self, CHECKPOINT, PRUNED};
use super::follow::show;
use super::keys::{self, KEYS};
use super::pruned;
use super::replaced;
use super::sign::{SignedLog, public, root};
use super::verify::{changed, missing};
use crate::error::{Error, Result};
use crate::keyring::Keyring;
use crate::store::log as stored;
use crate::store::{Db, Store, gap, setting};

/// A log that was exported.
#[derive(Debug, Serialize)]
pub struct Exported {
    /// The folder.
    pub path: PathBuf,
    /// Entries that were in it before.
    pub before: u64,
    /// Files that were written.
    pub files: u64,
    /// What was signed.
    #[serde(flatten)]
    pub log: SignedLog,
}

/// Signs the log and writes it into a folder, or what was added to it since it was written there.
/// Every entry is compared with its hash on the way.
///
/// # Errors
/// [`Code::LogExportOther`] when another log is there, [`Code::LogKeyStolen`] when it is that of
/// before a theft; [`Code::LogShorter`] and
/// [`Code::LogNotExtension`] when the log does not go on from it; [`Code::LogEntryChanged`],
/// [`Code::LogEntriesMissing`], [`Code::LogForked`], [`Code::PrunedChanged`]; the errors of files
/// and of the store.
pub async fn export(
    store: &Store,
    keyring: &Keyring,
    now: UnixTime,
    to: &Path,
) -> Result<Exported> {
    let log = show(store, keyring, now).await?;
    let before = if files::folder(to)? { before(store, keyring, &log, to).await? } else { 0 };
    files::begin(to)?;
    let mut known = known(store, keyring, &log, (to, before)).await?;
    let mut written = 1;
    let mut full = Vec::new();
    for tile in since(before, log.size) {
        written += write(store, to, &tile).await?;
        full.extend(Some(tile).filter(Tile::is_full));
    }
    // What was pruned since goes out of the folder, too.
    loop {
        let (acts, tiles) = pruned_since(store, keyring, (log.size, &known)).await?;
        for tile in tiles {
            written += write(store, to, &tile).await?;
            full.extend(Some(tile).filter(Tile::is_full));
        }
        let is_all = acts == known;
        known = acts;
        if is_all {
            break;
        }
    }
    let is_pruned = !known.is_empty();
    if is_pruned {
        files::put(&to.join(PRUNED), &pruned::signed(store, keyring, &log, known).await?)?;
        written += 1;
    }
    // Before the checkpoint, so that no key is missing whose logins it covers.
    files::put(&to.join(KEYS), &keys::signed(store, keyring, now, &log).await?)?;
    written += 1;
    // Until then the folder is what its checkpoint says, and that may need a partial tile.
    files::put(&to.join(CHECKPOINT), log.checkpoint.as_bytes())?;
    for tile in &full {
        files::without_partial(to, tile)?;
    }
    if is_pruned {
        files::without_narrower(to, log.size)?;
    }
    files::end(to)?;
    Ok(Exported { path: to.to_owned(), before, files: written, log })
}

/// How much of this log is there already.
async fn before(store: &Store, keyring: &Keyring, log: &SignedLog, to: &Path) -> Result<u64> {
    let mut tx = store.read().await?;
    let (_, newest) = setting::roots(&mut tx).await?;
    let replaced = replaced::all(&mut tx).await?;
    let found = Trusted::Server(&public(keyring, &newest)?).checkpoint(to);
    let found = found.map_err(|error| explained(error, to, &replaced))?;
    if found.origin() != log.origin {
        return Err(files::other_log(to, found.origin()));
    }
    if found.size() > log.size {
        return Err(files::refused(Code::LogShorter, to));
    }
    if root(&mut tx, found.size()).await? != *found.root() {
        return Err(files::refused(Code::LogNotExtension, to));
    }
    Ok(found.size())
}

/// The acts of pruning that the folder knows: what it has of before was written with them.
async fn known(
    store: &Store,
    keyring: &Keyring,
    log: &SignedLog,
    (to, before): (&Path, u64),
) -> Result<Vec<PruneAct>> {
    let mut tx = store.read().await?;
    if before == 0 {
        return Ok(pruned::since(&mut tx, keyring, (log.size, &[])).await?.0);
    }
    let (_, newest) = setting::roots(&mut tx).await?;
    let list = pruned::listed(to, &public(keyring, &newest)?);
    Ok(list.map(|list| list.acts.into_vec()).unwrap_or_default())
}

/// The acts of pruning as they are now, and the tiles that they changed since they were as known.
async fn pruned_since(
    store: &Store,
    keyring: &Keyring,
    known: (u64, &[PruneAct]),
) -> Result<(Vec<PruneAct>, Vec<Tile>)> {
    let mut tx = store.read().await?;
    pruned::since(&mut tx, keyring, known).await
}

/// Writes a tile, with the entries of one of the lowest level; how many files.
async fn write(store: &Store, to: &Path, tile: &Tile) -> Result<u64> {
    // What is in the log stays as it is, so each tile is read by itself: a long export keeps no old
    // state of the database alive.
    let mut tx = store.read().await?;
    let (hashes, entries) = match tile.bundle_path() {
        Some(path) => {
            let (hashes, bundle) = read_entries(&mut tx, tile).await?;
            (hashes, Some((path, bundle)))
        }
        None => (read_hashes(&mut tx, tile).await?, None),
    };
    drop(tx);

    let mut written = 1;
    if let Some((path, bundle)) = entries {
        files::put(&to.join(path), &bundle)?;
        written += 1;
    }
    let bytes: Vec<u8> = hashes.iter().flat_map(Hash::as_bytes).copied().collect();
    files::put(&to.join(tile.path()), &bytes)?;
    Ok(written)
}

async fn read_hashes(db: &mut Db, tile: &Tile) -> Result<Vec<Hash>> {
    let hashes = stored::hashes(db, tile.level(), tile.first(), tile.width()).await?;
    if hashes.len() == usize::from(tile.width()) {
        return Ok(hashes);
    }
    Err(Error::damaged("the log of records"))
}

/// The hashes and the bundle of a tile of the lowest level. What was pruned says by which act.
async fn read_entries(db: &mut Db, tile: &Tile) -> Result<(Vec<Hash>, Vec<u8>)> {
    debug_assert_eq!(tile.level(), Level::ENTRIES);
    let until = tile.first().saturating_add(tile.width().into());
    let entries = stored::entries(db, tile.first(), tile.width()).await?;
    let gaps = gap::between(db, tile.first(), until, tile.width().into()).await?;
    let lost = usize::from(tile.width()).saturating_sub(entries.len() + gaps.len());
    if lost > 0 {
        return Err(missing(lost as u64));
    }
    let (mut hashes, mut all) = (Vec::with_capacity(usize::from(tile.width())), Vec::new());
    let (mut entries, mut gaps) = (entries.into_iter().peekable(), gaps.into_iter().peekable());
    for place in tile.first()..until {
        if let Some(gap) = gaps.next_if(|gap| gap.place == place) {
            let stands = codec::to_bytes(&PrunedEntry { act: gap.act });
            if !bundle::append(&mut all, &stands) {
                return Err(Error::damaged("the log of records"));
            }
            hashes.push(gap.hash);
            continue;
        }
        let logged = entries.next_if(|logged| logged.place == place);
        let logged = logged.ok_or_else(|| missing(1))?;
        let number = logged.recorded.number;
        let bytes = entry::bytes(&logged.recorded).map_err(|_| changed(number))?;
        let hash = Hash::of_entry(&bytes);
        if hash != logged.hash || !bundle::append(&mut all, &bytes) {
            return Err(changed(number));
        }
        hashes.push(hash);
    }
    Ok((hashes, all))
}
