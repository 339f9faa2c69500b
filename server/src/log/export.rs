//! Writing the log into a folder that any web server can serve, and any tool for tiled logs can
//! read. What is in it never changes but for the checkpoint, so a later export only adds to it.

use std::path::{Path, PathBuf};

use serde::Serialize;
use wardkey_core::code::Code;
use wardkey_core::time::UnixTime;
use wardkey_tlog::{Hash, Level, Tile, bundle, since};

use super::check::{Trusted, explained};
use super::entry;
use super::files::{self, CHECKPOINT};
use super::follow::show;
use super::keys::{self, KEYS};
use super::replaced;
use super::sign::{SignedLog, public, root};
use super::verify::{changed, missing};
use crate::error::{Error, Result};
use crate::keyring::Keyring;
use crate::store::log as stored;
use crate::store::{Db, Store, setting};

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
/// [`Code::LogEntriesMissing`], [`Code::LogForked`]; the errors of files and of the store.
pub async fn export(
    store: &Store,
    keyring: &Keyring,
    now: UnixTime,
    to: &Path,
) -> Result<Exported> {
    let log = show(store, keyring, now).await?;
    let before = if files::folder(to)? { before(store, keyring, &log, to).await? } else { 0 };
    let mut written = 1;
    let mut full = Vec::new();
    for tile in since(before, log.size) {
        written += write(store, to, &tile).await?;
        if tile.is_full() {
            full.push(tile);
        }
    }
    // Before the checkpoint, so that no key is missing whose logins it covers.
    files::put(&to.join(KEYS), &keys::signed(store, keyring, now, &log).await?)?;
    written += 1;
    // Until then the folder is what its checkpoint says, and that may need a partial tile.
    files::put(&to.join(CHECKPOINT), log.checkpoint.as_bytes())?;
    for tile in &full {
        files::without_partial(to, tile)?;
    }
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

/// The hashes and the bundle of a tile of the lowest level.
async fn read_entries(db: &mut Db, tile: &Tile) -> Result<(Vec<Hash>, Vec<u8>)> {
    debug_assert_eq!(tile.level(), Level::ENTRIES);
    let entries = stored::entries(db, tile.first(), tile.width()).await?;
    let lost = u64::from(tile.width()).saturating_sub(entries.len() as u64);
    if lost > 0 {
        return Err(missing(lost));
    }
    let (mut hashes, mut all) = (Vec::with_capacity(entries.len()), Vec::new());
    for logged in entries {
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
