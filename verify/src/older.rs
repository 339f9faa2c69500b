//! The log against an older checkpoint or export of it.

use std::collections::{BTreeSet, HashMap};
use std::path::{Path, PathBuf};

use wardkey_core::code::Code;
use wardkey_core::codec;
use wardkey_core::event::Event;
use wardkey_core::log_archive::{Pruned, PrunedEntry};
use wardkey_core::log_entry::LogEntry;
use wardkey_core::log_keys::{LogKeys, ReplacedLogKey};
use wardkey_core::time::UnixTime;
use wardkey_tlog::{Checkpoint, Frontier, Hash, Level, Tile, Verifier, WIDTH, bundle, since};

use crate::archive;
use crate::differ::{Change, Item, differ};
use crate::error::{Error, Result, shown};
use crate::finding::{Finding, MOST, Record};
use crate::folder::{self, Folder};
use crate::keys;
use crate::texts::Text;

/// What the log was.
#[derive(Debug)]
pub struct Older {
    /// Where it was read.
    pub path: PathBuf,
    /// What was signed then.
    pub checkpoint: Checkpoint,
    /// By which that was verified.
    pub key: Verifier,
    /// When that key was replaced as stolen.
    pub key_stolen: Option<UnixTime>,
    folder: Option<Folder>,
    keys: Option<LogKeys>,
    /// What was pruned by then.
    pub pruned: Option<Pruned>,
}

impl Older {
    /// Reads a checkpoint, or that of an export with its keys. `stolen` are keys of the log that
    /// were replaced, by what the newer one says.
    ///
    /// # Errors
    /// [`Error::File`], [`Code::LogUntrusted`], [`Code::LogKeyStolen`].
    pub fn read(path: &Path, key: &Verifier, stolen: &[ReplacedLogKey]) -> Result<Self> {
        let checkpoint = folder::older_checkpoint(path, key, stolen)?;
        let folder = path.is_dir().then(|| Folder::at(path));
        let keys = match &folder {
            Some(folder) => folder.keys(key)?,
            None => archive::head(path)?.and_then(|head| archive::keys_of(&head, key)),
        };
        let pruned = folder.as_ref().and_then(|folder| folder.pruned(key));
        let own = stolen.iter().find(|stolen| stolen.key.as_bytes() == key.public());
        let key_stolen = own.map(|stolen| stolen.replaced);
        let (path, key) = (path.to_owned(), key.clone());
        Ok(Self { path, checkpoint, key, key_stolen, folder, keys, pruned })
    }

    /// What of the keys is not as it was.
    pub fn keys(&self, now: Option<&LogKeys>) -> Vec<Finding> {
        let both = self.keys.as_ref().zip(now);
        both.map(|(older, now)| keys::compare(older, now)).unwrap_or_default()
    }

    /// What became of its records in a log that does not go on from it: `goes_on` is none when that
    /// is shorter.
    ///
    /// # Errors
    /// [`Error::File`] when one of the exports cannot be read to its end.
    pub fn records(&self, now: &Folder, size: u64, goes_on: Option<bool>) -> Result<Vec<Finding>> {
        let code = match goes_on {
            Some(true) => return Ok(Vec::new()),
            Some(false) => Code::LogNotExtension,
            None => Code::LogShorter,
        };
        let mut findings = vec![Finding::path(code, shown(&self.path))];
        let Some(folder) = &self.folder else { return Ok(findings) };

        let (then, root) = items(folder, self.checkpoint.size())?;
        if root != *self.checkpoint.root() {
            findings.push(Finding::path(Code::LogExportDamaged, shown(&self.path)));
            return Ok(findings);
        }
        let (own, _) = items(now, size)?;
        let same = then.iter().zip(&own).take_while(|(one, other)| one.hash == other.hash).count();
        let rest = (then.get(same..).unwrap_or_default(), own.get(same..).unwrap_or_default());
        let changes = differ(rest.0, rest.1);
        // What stands behind everything that was there has come since.
        let last = last_kept(rest.1.len(), &changes);

        let has_come = |change: &Change| match change {
            Change::Added(to) => last.is_none_or(|last| last < *to),
            _ => false,
        };
        let changes: Vec<Change> = changes.into_iter().filter(|change| !has_come(change)).collect();
        let places = |is_gone| {
            let changes = changes.iter().take(MOST).map(|change| record_of(change, same));
            changes.filter(move |(gone, _)| *gone == is_gone).map(|(_, place)| place).collect()
        };
        let old = names(self.checkpoint.size(), places(true), |tile| folder.bundle(tile).ok());
        let new = names(size, places(false), |tile| now.bundle(tile).ok());

        findings.extend(changes.iter().map(|change| {
            let finding = match change {
                Change::Added(_) => Finding::new(Code::RecordAdded),
                Change::Changed(..) => Finding::what(Code::RecordChanged, Text::OtherHash),
                Change::Moved(..) => Finding::new(Code::RecordMoved),
                Change::Removed(_) => Finding::new(Code::RecordRemoved),
            };
            let (is_gone, place) = record_of(change, same);
            let known = if is_gone { &old } else { &new }.get(&place);
            let record = known.cloned().unwrap_or_else(|| Record::at(place));
            finding.of(record).against(shown(&self.path))
        }));
        Ok(findings)
    }
}

/// The record that a change is said of: whether it is one of the older log, and its place in its
/// log.
fn record_of(change: &Change, same: usize) -> (bool, u64) {
    let (is_gone, at) = match *change {
        Change::Removed(from) => (true, from),
        Change::Added(to) | Change::Changed(_, to) | Change::Moved(_, to) => (false, to),
    };
    (is_gone, same.saturating_add(at) as u64)
}

/// The last of the new items that was there before.
fn last_kept(new: usize, changes: &[Change]) -> Option<usize> {
    let mut is_added = vec![false; new];
    for change in changes {
        if let Change::Added(to) = change
            && let Some(flag) = is_added.get_mut(*to)
        {
            *flag = true;
        }
    }
    is_added.iter().rposition(|added| !added)
}

/// All records of an export, and the root over them.
fn items(folder: &Folder, size: u64) -> Result<(Vec<Item>, Hash)> {
    let (mut all, mut frontier) = (Vec::new(), Frontier::new());
    for tile in since(0, size).take_while(|tile| tile.level() == Level::ENTRIES) {
        let bytes = folder.bundle(&tile)?;
        let mut hashes = None;
        for (at, entry) in entries(folder, &tile, &bytes)?.into_iter().enumerate() {
            let mut item = item(entry);
            if PrunedEntry::act_of(entry).is_some() {
                let hashes = match &mut hashes {
                    Some(hashes) => hashes,
                    none => none.insert(folder.hashes(&tile)?),
                };
                item.hash = hashes.get(at).copied().unwrap_or(item.hash);
            }
            frontier.push(item.hash);
            all.push(item);
        }
    }
    Ok((all, frontier.root()))
}

fn entries<'a>(folder: &Folder, tile: &Tile, bytes: &'a [u8]) -> Result<Vec<&'a [u8]>> {
    let path = folder.path().join(tile.bundle_path().unwrap_or_default());
    let entries = bundle::entries(bytes);
    entries
        .filter(|entries| entries.len() <= 2 * usize::from(WIDTH))
        .ok_or_else(|| Error::file(&path, Text::TileLength))
}

fn item(entry: &[u8]) -> Item {
    Item {
        hash: Hash::of_entry(entry),
        id: read(entry).and_then(|(_, event)| Some(*event?.id.as_bytes())),
    }
}

fn read(entry: &[u8]) -> Option<(LogEntry, Option<Event>)> {
    let entry: LogEntry = codec::from_bytes(entry).ok()?;
    let event = codec::from_bytes(entry.event.as_slice()).ok();
    Some((entry, event))
}

/// What names the records at these places of a log of so many. Each bundle with one of them is read
/// once.
fn names(
    size: u64,
    places: BTreeSet<u64>,
    mut bundle: impl FnMut(&Tile) -> Option<Vec<u8>>,
) -> HashMap<u64, Record> {
    let mut found = HashMap::new();
    let mut places = places.into_iter().peekable();
    while let Some(first) = places.peek().copied() {
        let Some(tile) = tile_of(first, size) else { break };
        let end = tile.first().saturating_add(tile.width().into());
        let bytes = bundle(&tile).unwrap_or_default();
        let entries = bundle::entries(&bytes).unwrap_or_default();
        while let Some(place) = places.next_if(|place| *place < end) {
            let at = usize::try_from(place - tile.first()).ok();
            let entry = at.and_then(|at| read(entries.get(at)?));
            found.extend(
                entry.map(|(entry, event)| (place, Record::of(place, &entry, event.as_ref()))),
            );
        }
    }
    found
}

/// The tile of the lowest level with the entry at a place of a log of so many.
fn tile_of(place: u64, size: u64) -> Option<Tile> {
    let index = place / u64::from(WIDTH);
    let left = size.checked_sub(index * u64::from(WIDTH))?.min(WIDTH.into());
    Tile::new(Level::ENTRIES, index, u16::try_from(left).ok()?)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_place_is_in_the_tile_that_the_log_has_it_in() {
        for size in [1, 255, 256, 257, 700] {
            for tile in since(0, size).take_while(|tile| tile.level() == Level::ENTRIES) {
                for place in tile.first()..tile.first() + u64::from(tile.width()) {
                    assert_eq!(tile_of(place, size), Some(tile), "{place} of {size}");
                }
            }
        }
        assert_eq!(tile_of(256, 256), None);
    }

    #[test]
    fn a_bundle_is_read_once_however_many_of_its_records_are_named() {
        let mut read = Vec::new();
        let places = (0..600).chain(100_000..100_200).collect();
        names(100_200, places, |tile| {
            read.push(tile.index());
            None
        });
        assert_eq!(read, [0, 1, 2, 390, 391]);
    }
}
