//! The log against an older checkpoint or export of it.

use std::path::{Path, PathBuf};

use wardkey_core::code::Code;
use wardkey_core::codec;
use wardkey_core::event::Event;
use wardkey_core::log_entry::LogEntry;
use wardkey_core::log_keys::{LogKeys, ReplacedLogKey};
use wardkey_core::time::UnixTime;
use wardkey_tlog::{Checkpoint, Frontier, Hash, Level, Tile, Verifier, WIDTH, bundle, since};

use crate::differ::{Change, Item, differ};
use crate::error::{Error, Result, shown};
use crate::finding::{Finding, Record};
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
    folder: Option<Folder>,
    /// By which that was verified.
    pub key: Verifier,
    /// When that key was replaced as stolen.
    pub key_stolen: Option<UnixTime>,
    keys: Option<LogKeys>,
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
            None => None,
        };
        let own = stolen.iter().find(|stolen| stolen.key.as_bytes() == key.public());
        let key_stolen = own.map(|stolen| stolen.replaced);
        Ok(Self { path: path.to_owned(), checkpoint, key: key.clone(), key_stolen, folder, keys })
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
        let same = then.iter().zip(&own).take_while(|(one, other)| one == other).count();
        let rest = (then.get(same..).unwrap_or_default(), own.get(same..).unwrap_or_default());
        let changes = differ(rest.0, rest.1);
        // What stands behind everything that was there has come since.
        let last = last_kept(rest.1.len(), &changes);

        for change in changes {
            let finding = match change {
                Change::Added(to) if last.is_none_or(|last| last < to) => continue,
                Change::Added(to) => Finding::new(Code::RecordAdded).of(name(now, size, same + to)),
                Change::Changed(_, to) => Finding::what(Code::RecordChanged, Text::OtherHash)
                    .of(name(now, size, same + to)),
                Change::Moved(_, to) => {
                    Finding::new(Code::RecordMoved).of(name(now, size, same + to))
                }
                Change::Removed(from) => Finding::new(Code::RecordRemoved).of(name(
                    folder,
                    self.checkpoint.size(),
                    same + from,
                )),
            };
            findings.push(finding.against(shown(&self.path)));
        }
        Ok(findings)
    }
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
        for entry in entries(folder, &tile, &bytes)? {
            let item = item(entry);
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

/// What names the record at a place.
fn name(folder: &Folder, size: u64, place: usize) -> Record {
    let place = place as u64;
    let mut tiles = since(0, size).take_while(|tile| tile.level() == Level::ENTRIES);
    let holds =
        |tile: &Tile| (tile.first()..tile.first() + u64::from(tile.width())).contains(&place);
    let found = tiles.find(holds).and_then(|tile| {
        let bytes = folder.bundle(&tile).ok()?;
        let at = usize::try_from(place - tile.first()).ok()?;
        read(bundle::entries(&bytes)?.get(at)?)
    });
    match found {
        Some((entry, event)) => Record::of(place, &entry, event.as_ref()),
        None => Record::at(place),
    }
}
