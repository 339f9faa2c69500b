//! Writing an archive.

use std::fs::{File, OpenOptions};
use std::io::{BufWriter, Write};
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};

use serde::Serialize;
use wardkey_core::code::Code;
use wardkey_core::codec::{self, Bytes, List};
use wardkey_core::id::Hash as Sha256;
use wardkey_core::log_archive::{ArchiveHead, MAGIC};
use wardkey_core::texts;
use wardkey_core::time::UnixTime;
use wardkey_tlog::{Frontier, Hash, WIDTH, bundle};

use super::super::check::Trusted;
use super::super::sign::{SignedLog, public};
use super::super::verify::{changed, missing};
use super::super::{entry, keys, witnesses};
use super::read::{self, Whole, unfit};
use crate::backup::scratch::{Scratch, rename_new, there};
use crate::error::{Error, Result};
use crate::keyring::Keyring;
use crate::store::archive::{self as stored_archive, NewArchive};
use crate::store::audit::{self, Act, Actor};
use crate::store::log as stored;
use crate::store::{Db, Store, gap, setting};
use crate::texts::Text;

/// What an archive is made of, and by whom.
pub struct Creating<'a> {
    /// The open store.
    pub store: &'a Store,
    /// The deployment's keys.
    pub keyring: &'a Keyring,
    /// Who acts.
    pub actor: &'a Actor,
    /// When.
    pub now: UnixTime,
    /// Why, in the words of whoever acts.
    pub reason: Option<&'a str>,
}

/// An archive that was made and read again.
#[derive(Debug, Serialize)]
pub struct Created {
    /// Its number.
    pub number: i64,
    /// Records in it.
    pub records: u64,
    /// What was read back.
    #[serde(flatten)]
    pub whole: Whole,
}

/// Writes the records from a place on, or from the end of the last archive on, into a file under a
/// name that nothing has: up to the checkpoint that is signed now, or the newest that a terminal
/// cosigned. It has its name when it was read again and found right.
///
/// # Errors
/// [`Code::BackupThere`], [`Code::ArchiveNothingNew`], [`Code::ArchivePruned`];
/// [`Code::LogEntryChanged`], [`Code::LogEntriesMissing`], [`Code::LogForked`]; the errors of files
/// and of the store. Then there is no archive; but when the store fails at the very end, there is a
/// whole one that is not listed. Records are pruned by it as by any other.
pub async fn create(
    creating: &Creating<'_>,
    to: &Path,
    from: Option<u64>,
    witnessed: bool,
) -> Result<Created> {
    if to.symlink_metadata().is_ok() {
        return Err(there(to));
    }
    let Creating { store, keyring, now, .. } = *creating;
    let log = witnesses::checkpoint(store, keyring, now, witnessed).await?;
    let (first, head) = head(creating, &log, from).await?;
    let to = std::path::absolute(to).map_err(Error::at_file(Text::Making, to))?;
    let scratch = Scratch::sibling_of(&to)?;
    let file = scratch.file("archive");
    write(store, &file, &head, (first, log.size)).await?;

    let whole = read_back(creating, &file).await?;
    let is_right = (whole.first, whole.size, &whole.root) == (first, log.size, &log.root);
    if !is_right {
        return Err(unfit(&to, Text::ArchiveRecords));
    }
    rename_new(&file, &to)?;
    let whole = Whole { path: to, ..whole };
    let number = record(creating, &whole).await?;
    Ok(Created { number, records: whole.size - whole.first, whole })
}

/// Where it begins, and what stands before the entries.
async fn head(
    creating: &Creating<'_>,
    log: &SignedLog,
    from: Option<u64>,
) -> Result<(u64, ArchiveHead)> {
    let mut tx = creating.store.read().await?;
    let first = match from {
        Some(first) => first,
        None => stored_archive::end(&mut tx).await?,
    };
    if first >= log.size {
        let args = vec![("count", log.size.into())];
        let code = Code::ArchiveNothingNew;
        return Err(Error::refused(code, texts::phrase(code, args)));
    }
    without_gap(&mut tx, first, log.size).await?;
    let edge = edge(&mut tx, first).await?;
    drop(tx);

    let list = keys::signed(creating.store, creating.keyring, creating.now, log).await?;
    let head = ArchiveHead {
        first,
        checkpoint: Bytes::new(log.checkpoint.as_bytes()).map_err(Error::damaged)?,
        edge: List::new(edge).map_err(Error::damaged)?,
        keys: Bytes::new(list).map_err(Error::damaged)?,
    };
    Ok((first, head))
}

/// Refuses where records between two places were pruned.
async fn without_gap(db: &mut Db, from: u64, until: u64) -> Result<()> {
    let Some(place) = gap::last(db, from, until).await? else { return Ok(()) };
    let code = Code::ArchivePruned;
    Err(Error::refused(code, texts::phrase(code, vec![("place", place.into())])))
}

/// The partial tiles of the tree of so many entries.
async fn edge(db: &mut Db, size: u64) -> Result<Vec<List<Sha256, 256>>> {
    let mut edge = Vec::new();
    for (level, width) in Frontier::widths(size) {
        let first = level.hashes(size) - u64::from(width);
        let hashes = match width {
            0 => Vec::new(),
            width => stored::hashes(db, level, first, width).await?,
        };
        let hashes = hashes.iter().map(|hash| Sha256::new(*hash.as_bytes())).collect();
        edge.push(List::new(hashes).map_err(Error::damaged)?);
    }
    Ok(edge)
}

async fn write(
    store: &Store,
    to: &Path,
    head: &ArchiveHead,
    (first, size): (u64, u64),
) -> Result<()> {
    let failed = || Error::at_file(Text::Writing, to);
    let mut options = OpenOptions::new();
    let file = options.write(true).create_new(true).mode(0o600).open(to).map_err(failed())?;
    let mut out = BufWriter::new(file);
    let bytes = codec::to_bytes(head);
    let length = u32::try_from(bytes.len()).map_err(Error::damaged)?.to_be_bytes();
    for part in [MAGIC, &length, &bytes] {
        out.write_all(part).map_err(failed())?;
    }

    let mut place = first;
    while place < size {
        // What is in the log stays as it is, so each part is read by itself: a long archive keeps
        // no old state of the database alive.
        let count = u16::try_from((size - place).min(WIDTH.into())).unwrap_or(WIDTH);
        out.write_all(&entries(store, place, count).await?).map_err(failed())?;
        place += u64::from(count);
    }
    let file = out.into_inner().map_err(|error| failed()(error.into_error()))?;
    file.sync_all().map_err(failed())
}

/// Entries, each after its length; every one is compared with its hash.
async fn entries(store: &Store, from: u64, count: u16) -> Result<Vec<u8>> {
    let mut tx = store.read().await?;
    let entries = stored::entries(&mut tx, from, count).await?;
    let lost = u64::from(count).saturating_sub(entries.len() as u64);
    if lost > 0 {
        // Somebody may have pruned since this began.
        without_gap(&mut tx, from, from.saturating_add(count.into())).await?;
        return Err(missing(lost));
    }
    drop(tx);
    let mut all = Vec::new();
    for logged in entries {
        let number = logged.recorded.number;
        let bytes = entry::bytes(&logged.recorded).map_err(|_| changed(number))?;
        if Hash::of_entry(&bytes) != logged.hash || !bundle::append(&mut all, &bytes) {
            return Err(changed(number));
        }
    }
    Ok(all)
}

async fn read_back(creating: &Creating<'_>, file: &Path) -> Result<Whole> {
    let mut tx = creating.store.read().await?;
    let (_, root) = setting::roots(&mut tx).await?;
    drop(tx);
    let key = public(creating.keyring, &root)?;
    let file: PathBuf = file.to_owned();
    let opened: File = read::open(&file)?;
    read::verify(&file, &opened, &Trusted::Server(&key))
}

async fn record(creating: &Creating<'_>, whole: &Whole) -> Result<i64> {
    let path = whole.path.display().to_string();
    let mut tx = creating.store.write().await?;
    let new = NewArchive { is_own: true, ..met(whole, &path) };
    let number = stored_archive::add(&mut tx, &new, creating.now).await?;
    let last = whole.size.saturating_sub(1);
    let detail = format!("{number}: places {} to {last}, sha256 {}", whole.first, whole.sha256);
    let act = Act::new("archive.create", &path).with(&detail).because(creating.reason);
    audit::record(&mut tx, creating.now, creating.actor, act).await?;
    tx.commit().await?;
    Ok(number)
}

/// What is kept of an archive that is met.
pub fn met<'a>(whole: &'a Whole, path: &'a str) -> NewArchive<'a> {
    NewArchive {
        first: whole.first,
        size: whole.size,
        root: whole.head,
        origin: &whole.origin,
        sha256: whole.digest,
        bytes: whole.bytes,
        path,
        is_own: false,
    }
}
