//! The audit trail in a file of its own: one row a line, as in the database.

use std::fs::File;
use std::io::{BufReader, BufWriter, Write};
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
use crate::store::restored::{self, Seen};
use crate::store::{Opening, Store, Tx, is_database};
use crate::texts::{Phrase, Text, doing};

/// The longest row of a file in bytes: its longest texts, escaped, are a third of it.
const MAX_LINE: u64 = 64 * 1024;
/// The most of a trail in bytes that is in memory: well over a million rows.
const MAX_ROWS: u64 = 512 * 1024 * 1024;
/// What a row takes beside its texts.
const ROW: u64 = 256;

/// Writes the trail of a store into a new file (0600), durably.
///
/// # Errors
/// [`Error::Io`], [`Error::Store`].
pub async fn write(store: &Store, to: &Path) -> Result<()> {
    let what = || doing(Text::Writing, to);
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
    /// When the last one was written, or the end of the older one.
    pub end: i64,
    /// What terminals can have seen by these rows, and by the database that they come with.
    pub seen: Vec<Seen>,
}

impl Newer {
    /// Reads them from the folder of a backup that this key sealed, a file of one, or a database.
    ///
    /// # Errors
    /// [`Code::RestoreTrailUnfit`] when they do not follow, or another key sealed the folder;
    /// [`Code::RestoreTrailTooLong`], [`Code::RestoreNumberTooHigh`]; those of [`Backup::open`];
    /// [`Error::Store`], [`Error::Io`].
    pub async fn given(path: &Path, end: &Entry, sealed_by: &SigningPublicKey) -> Result<Self> {
        if !path.is_dir() {
            if is_database(path).map_err(|error| unfit(path, files::why(&error)))? {
                return Self::of_database(path, end).await;
            }
            return Self::of(path.to_owned(), of_file(path, end, None, MAX_ROWS)?, end);
        }
        let backup = Backup::open(path).await?;
        let trail = backup.trail();
        if !backup.is_sealed_by(sealed_by) {
            return Err(unfit(&trail, Text::SealOfAnother));
        }
        let rows = of_file(&trail, end, backup.manifest.hash_of(TRAIL), MAX_ROWS)?;
        let mut newer = Self::of(trail, rows, end)?;
        let store = Store::open_as_it_is(&backup.database(), Opening::Copy).await?;
        let seen = async { restored::seen(&mut *store.read().await?).await }.await;
        store.close().await;
        let seen = seen?.until(backup.manifest.made);
        newer.seen.push(possible(&backup.database(), seen)?);
        Ok(newer)
    }

    /// Reads them from a database.
    ///
    /// # Errors
    /// As [`Self::given`].
    pub async fn of_database(path: &Path, end: &Entry) -> Result<Self> {
        let store = Store::open_as_it_is(path, Opening::of(path)).await?;
        let read: Result<_> = async {
            let mut tx = store.read().await?;
            let rows = after(&mut tx, path, end).await?;
            Ok((rows, restored::seen(&mut tx).await?))
        }
        .await;
        store.close().await;
        let (rows, seen) = read?;
        let mut newer = Self::of(path.to_owned(), rows, end)?;
        let last = newer.rows.last().map_or(0, |row| row.time.unsigned_abs());
        newer.seen.push(possible(path, seen.until(last))?);
        Ok(newer)
    }

    fn of(path: PathBuf, rows: Vec<Entry>, end: &Entry) -> Result<Self> {
        let mut before = end;
        let mut seen = Seen::default();
        for row in &rows {
            let wrong = || {
                let what = Text::TrailRow.with([("row", row.seq.unsigned_abs().into())]);
                unfit(&path, what)
            };
            // A time that no clock has would raise every number so far that none is left.
            let time = u64::try_from(row.time).map_err(|_| wrong())?;
            if !row.follows(before) || !seen.until(time).is_possible() {
                return Err(wrong());
            }
            let epoch = restored::epoch_in(row).map_err(|_| wrong())?.unwrap_or(0);
            seen = Seen { number: seen.number.max(epoch), ..seen }.until(time);
            before = row;
        }
        // Each act can have given a terminal's document another number.
        seen.number = seen.number.saturating_add(rows.len() as u64);
        let seen = vec![possible(&path, seen)?];
        let end = before.time;
        Ok(Self { path, rows, end, seen })
    }
}

/// Refuses numbers above which none is left.
fn possible(path: &Path, seen: Seen) -> Result<Seen> {
    if seen.is_possible() {
        return Ok(seen);
    }
    Err(named(Code::RestoreNumberTooHigh, path))
}

/// The rows of a database.
async fn after(tx: &mut Tx, path: &Path, end: &Entry) -> Result<Vec<Entry>> {
    let mut last = end.seq.saturating_sub(1);
    // Asked before any of it is in memory.
    let (count, characters) = audit::size_after(tx, last).await?;
    within(path, characters.saturating_add(count.saturating_mul(ROW)), MAX_ROWS)?;
    let mut rows = Vec::new();
    loop {
        let part = audit::after(tx, last).await?;
        let Some(row) = part.last() else { break };
        last = row.seq;
        rows.extend(part);
    }
    without_the_end(path, rows, end)
}

/// The rows of a file, which has this hash if one is given.
fn of_file(path: &Path, end: &Entry, hash: Option<&str>, most: u64) -> Result<Vec<Entry>> {
    let wrong = |error: std::io::Error| unfit(path, files::why(&error));
    let mut from = BufReader::new(files::open(path).map_err(wrong)?);
    let (mut rows, mut line, mut read) = (Vec::new(), Vec::new(), Context::new(&SHA256));
    let mut bytes = 0_u64;
    while files::read_line(&mut from, &mut line, MAX_LINE).map_err(wrong)? {
        read.update(&line);
        if line.trim_ascii().is_empty() {
            continue;
        }
        let row: Entry = serde_json::from_slice(&line)
            .map_err(|error| unfit(path, Phrase::from(error.to_string())))?;
        if row.seq >= end.seq {
            bytes = bytes.saturating_add(line.len() as u64).saturating_add(ROW);
            within(path, bytes, most)?;
            rows.push(row);
        }
    }
    if hash.is_some_and(|hash| hash != to_hex(read.finish().as_ref())) {
        return Err(unfit(path, Text::FileChanged.with([("name", TRAIL.into())])));
    }
    without_the_end(path, rows, end)
}

fn within(path: &Path, bytes: u64, most: u64) -> Result<()> {
    if bytes <= most {
        return Ok(());
    }
    Err(named(Code::RestoreTrailTooLong, path))
}

fn named(code: Code, path: &Path) -> Error {
    let path = path.display().to_string().into();
    Error::refused(code, texts::phrase(code, vec![("path", path)]))
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

    /// The same row as another act.
    fn act(before: &Entry, action: &str, object: &str, detail: &str) -> Entry {
        let mut row = row(Some(before), 1_700_000_001);
        (row.action, row.object) = (action.into(), object.into());
        row.detail = Some(detail.into());
        row.chain = row.link(Some(&Hash::from_hex(&before.chain).unwrap())).to_hex();
        row
    }

    #[test]
    fn a_row_of_a_time_that_no_clock_has_is_refused() {
        const NO_TIME: i64 = 1 << 35;
        let end = row(None, 1_700_000_000);
        let read = |time| Newer::of("trail.jsonl".into(), vec![row(Some(&end), time)], &end);
        for time in [0, 1_700_000_001, NO_TIME - 1] {
            assert_eq!(read(time).unwrap().rows.len(), 1, "{time}");
        }
        for time in [i64::MIN, -NO_TIME, -1, NO_TIME, i64::MAX] {
            assert!(read(time).is_err(), "{time}");
        }
    }

    #[test]
    fn every_epoch_that_a_row_names_was_seen() {
        let end = row(None, 1_700_000_000);
        let read = |action, object, detail| {
            let rows = vec![act(&end, action, object, detail)];
            Newer::of("trail.jsonl".into(), rows, &end).map(|newer| newer.seen[0].number)
        };
        for (action, object, detail, number) in [
            ("epoch.raise", "9000000000", "", 9_000_000_000),
            ("restore", "/srv/monday", "backup of 1, trail row 5, epoch 77", 77),
            ("restore.terminal-ahead", "ab", "icu.1.2 88.6, the backup 1.3", 88),
            ("scope.halt", "icu", "terminal ab has 99.6, the server 1.3", 99),
            ("scope.halt", "icu", "terminal ab has another state at 66.6", 66),
            ("person.disable", "epoch", "epoch 77", 0),
        ] {
            assert_eq!(read(action, object, detail).unwrap(), number + 1, "{action} {detail}");
        }
        // What names no number that can be is no row of ours.
        let most = u64::MAX.to_string();
        for (action, object) in [("epoch.raise", most.as_str()), ("epoch.raise", "x")] {
            assert!(read(action, object, "").is_err(), "{object}");
        }
        assert!(read("restore", "/srv/monday", "backup of 1").is_err());
    }

    #[test]
    fn no_more_of_a_trail_is_in_memory_than_is_said() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("trail.jsonl");
        let end = row(None, 1_700_000_000);
        let next = row(Some(&end), 1_700_000_001);
        let lines = [&end, &next].map(|row| serde_json::to_string(row).unwrap() + "\n").concat();
        std::fs::write(&path, &lines).unwrap();
        let most = lines.len() as u64 + 2 * ROW;
        assert_eq!(of_file(&path, &end, None, most).unwrap().len(), 1);
        let refused = of_file(&path, &end, None, most - 1).unwrap_err();
        assert_eq!(refused.code(), Code::RestoreTrailTooLong);
    }
}
