//! The audit trail in a file of its own: one row a line, as in the database.

use std::fs::File;
use std::io::{BufReader, BufWriter, Read, Write};
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};

use aws_lc_rs::digest::{Context, SHA256};
use wardkey_core::code::Code;
use wardkey_core::id::{SigningPublicKey, to_hex};
use wardkey_core::texts;

use super::manifest::TRAIL;
use super::opened::Backup;
use crate::error::{Error, Result};
use crate::files;
use crate::store::audit::{self, Entry};
use crate::store::{Opening, Store};
use crate::texts::{Phrase, Text};

/// What the file of a database begins with.
const SQLITE: &[u8] = b"SQLite format 3\0";
/// The longest row of a file in bytes: its longest texts, escaped, are a third of it.
const MAX_LINE: u64 = 64 * 1024;
/// Seconds since 1970 from which on a row is believed by nobody (the year 3058).
const NO_TIME: i64 = 1 << 35;

/// Writes the trail of a store into a new file (0600), durably.
///
/// # Errors
/// [`Error::Io`], [`Error::Store`].
pub async fn write(store: &Store, to: &Path) -> Result<()> {
    let what = || format!("writing {}", to.display());
    let mut options = File::options();
    let file = options.write(true).create_new(true).mode(0o600).open(to);
    let mut out = BufWriter::new(file.map_err(Error::io(what()))?);

    let mut tx = store.read().await?;
    let mut last = 0;
    loop {
        let rows = audit::after(&mut tx, last).await?;
        let Some(end) = rows.last() else { break };
        last = end.seq;
        for row in &rows {
            serde_json::to_writer(&mut out, row).map_err(Error::crypto("JSON"))?;
            out.write_all(b"\n").map_err(Error::io(what()))?;
        }
    }
    let file = out.into_inner().map_err(|error| Error::io(what())(error.into_error()))?;
    file.sync_all().map_err(Error::io(what()))
}

/// The rows that a newer copy of a trail has after the end of an older one.
#[derive(Debug)]
pub struct Newer {
    /// Where they were read.
    pub path: PathBuf,
    /// The rows; each follows the one before.
    pub rows: Vec<Entry>,
}

impl Newer {
    /// Reads them from the folder of a backup that this key sealed, a file of one, or a database.
    ///
    /// # Errors
    /// [`Code::RestoreTrailUnfit`] when they do not follow, or another key sealed the folder; those
    /// of [`Backup::open`]; [`Error::Store`], [`Error::Io`].
    pub async fn given(path: &Path, end: &Entry, sealed_by: &SigningPublicKey) -> Result<Self> {
        if !path.is_dir() {
            return Self::read(path, end).await;
        }
        let backup = Backup::open(path).await?;
        let path = backup.trail();
        if !backup.is_sealed_by(sealed_by) {
            return Err(unfit(&path, Text::SealOfAnother));
        }
        Self::of(path.clone(), of_file(&path, end, backup.manifest.hash_of(TRAIL))?, end)
    }

    /// Reads them from a file of a backup, or a database.
    ///
    /// # Errors
    /// As [`Self::given`].
    pub async fn read(path: &Path, end: &Entry) -> Result<Self> {
        let rows = if is_database(path)? {
            of_database(path, end).await?
        } else {
            of_file(path, end, None)?
        };
        Self::of(path.to_owned(), rows, end)
    }

    fn of(path: PathBuf, rows: Vec<Entry>, end: &Entry) -> Result<Self> {
        let mut before = end;
        for row in &rows {
            // A time that no clock has would raise every number so far that none is left.
            if !row.follows(before) || !(0..NO_TIME).contains(&row.time) {
                let what = Text::TrailRow.with([("row", row.seq.unsigned_abs().into())]);
                return Err(unfit(&path, what));
            }
            before = row;
        }
        Ok(Self { path, rows })
    }
}

async fn of_database(path: &Path, end: &Entry) -> Result<Vec<Entry>> {
    let store = Store::open_as_it_is(path, Opening::of(path)).await?;
    let rows = async {
        let mut tx = store.read().await?;
        let mut rows = Vec::new();
        let mut last = end.seq - 1;
        loop {
            let part = audit::after(&mut tx, last).await?;
            let Some(row) = part.last() else { break };
            last = row.seq;
            rows.extend(part);
        }
        without_the_end(path, rows, end)
    };
    let rows = rows.await;
    store.close().await;
    rows
}

/// The rows of a file, which has this hash if one is given.
fn of_file(path: &Path, end: &Entry, hash: Option<&str>) -> Result<Vec<Entry>> {
    let wrong = |error: std::io::Error| unfit(path, Phrase::from(error.to_string()));
    let mut from = BufReader::new(files::open(path).map_err(wrong)?);
    let (mut rows, mut line, mut read) = (Vec::new(), Vec::new(), Context::new(&SHA256));
    while files::read_line(&mut from, &mut line, MAX_LINE).map_err(wrong)? {
        read.update(&line);
        if line.trim_ascii().is_empty() {
            continue;
        }
        let row: Entry = serde_json::from_slice(&line)
            .map_err(|error| unfit(path, Phrase::from(error.to_string())))?;
        if row.seq >= end.seq {
            rows.push(row);
        }
    }
    if hash.is_some_and(|hash| hash != to_hex(read.finish().as_ref())) {
        return Err(unfit(path, Text::FileChanged.with([("name", TRAIL.into())])));
    }
    without_the_end(path, rows, end)
}

/// The row that both have must be the same one.
fn without_the_end(path: &Path, mut rows: Vec<Entry>, end: &Entry) -> Result<Vec<Entry>> {
    match rows.first() {
        Some(first) if first == end => {
            rows.remove(0);
            Ok(rows)
        }
        Some(first) if first.seq == end.seq => {
            Err(unfit(path, Text::TrailRow.with([("row", end.seq.unsigned_abs().into())])))
        }
        Some(_) => Ok(rows),
        // All of it is older than the backup, or there is nothing.
        None => Err(unfit(path, Text::TrailOlder)),
    }
}

fn is_database(path: &Path) -> Result<bool> {
    let mut begins = Vec::new();
    files::open(path)
        .and_then(|file| file.take(SQLITE.len() as u64).read_to_end(&mut begins))
        .map_err(|error| unfit(path, Phrase::from(error.to_string())))?;
    Ok(begins == SQLITE)
}

fn unfit(path: &Path, what: impl Into<Phrase>) -> Error {
    let args = vec![("path", path.display().to_string().into()), ("what", what.into())];
    Error::refused(Code::RestoreTrailUnfit, texts::phrase(Code::RestoreTrailUnfit, args))
}

#[cfg(test)]
mod tests {
    use wardkey_core::id::Hash;

    use super::*;

    fn row(before: Option<&Entry>, time: i64) -> Entry {
        let mut row = Entry {
            seq: before.map_or(1, |before| before.seq + 1),
            time,
            actor: "root".into(),
            action: "person.disable".into(),
            object: "hanako".into(),
            reason: None,
            detail: None,
            chain: String::new(),
        };
        let before = before.map(|before| Hash::from_hex(&before.chain).unwrap());
        row.chain = row.link(before.as_ref()).to_hex();
        row
    }

    #[test]
    fn a_row_of_a_time_that_no_clock_has_is_refused() {
        let end = row(None, 1_700_000_000);
        let read = |time| Newer::of("trail.jsonl".into(), vec![row(Some(&end), time)], &end);
        for time in [0, 1_700_000_001, NO_TIME - 1] {
            assert_eq!(read(time).unwrap().rows.len(), 1, "{time}");
        }
        for time in [i64::MIN, -NO_TIME, -1, NO_TIME, i64::MAX] {
            assert!(read(time).is_err(), "{time}");
        }
    }
}
