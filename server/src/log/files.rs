//! The folder of an exported log: `checkpoint`, and `tile/` with hashes and entries.

use std::io::{ErrorKind, Read, Write};
use std::os::unix::fs::{DirBuilderExt, MetadataExt, OpenOptionsExt};
use std::path::{Path, PathBuf};

use wardkey_core::code::Code;
use wardkey_core::codec::{self, Document};
use wardkey_core::log_archive::{ArchiveHead, MAGIC};
use wardkey_core::texts;
use wardkey_tlog::{Level, MAX_NOTE, Note, Tile, WIDTH};

use super::keys::KEYS;
use crate::error::{Error, Result};
use crate::files::{folder_of, open, read, why};
use crate::texts::{Phrase, Text};

/// The checkpoint's name in the folder.
pub const CHECKPOINT: &str = "checkpoint";
/// The name of the list of what was pruned.
pub const PRUNED: &str = "pruned.cbor";
/// Says that an export is being written: the files of one that was interrupted do not fit together.
const MARK: &str = ".unfinished";
/// A checkpoint that was being written.
const UNFINISHED: &str = ".checkpoint.new";
/// What stands in a folder whose first export was interrupted.
const BEGUN: [&str; 8] = [
    "tile",
    UNFINISHED,
    KEYS,
    ".keys.cbor.new",
    PRUNED,
    ".pruned.cbor.new",
    MARK,
    "..unfinished.new",
];

/// Reads a checkpoint, which nobody has verified: a file, or that of a folder or an archive. Its
/// path too.
///
/// # Errors
/// [`Code::LogCheckpoint`].
pub fn checkpoint(path: &Path) -> Result<(PathBuf, Note)> {
    let file = if path.is_dir() { path.join(CHECKPOINT) } else { path.to_owned() };
    let bytes = match in_archive(&file) {
        Some(bytes) => bytes,
        None => read_all(&file, MAX_NOTE)?,
    };
    let note = Note::parse(&bytes).map_err(|_| unreadable(&file, Text::LogNoCheckpoint.into()))?;
    Ok((file, note))
}

/// The checkpoint in the head of an archive; none of any other file.
fn in_archive(path: &Path) -> Option<Vec<u8>> {
    let mut from = open(path).ok()?;
    let (mut magic, mut length) = ([0; MAGIC.len()], [0; 4]);
    from.read_exact(&mut magic).ok().filter(|()| magic == MAGIC)?;
    from.read_exact(&mut length).ok()?;
    let length: u64 = u32::from_be_bytes(length).into();
    let mut bytes = Vec::new();
    from.take(length.min(ArchiveHead::MAX_BYTES as u64)).read_to_end(&mut bytes).ok()?;
    let head: ArchiveHead = codec::from_bytes(&bytes).ok()?;
    Some(head.checkpoint.into_vec())
}

/// Reads a file that somebody named.
///
/// # Errors
/// [`Code::LogCheckpoint`].
pub fn read_all(path: &Path, max: usize) -> Result<Vec<u8>> {
    read(path, max as u64).map_err(|error| unreadable(path, why(&error)))
}

/// The refusal of what is no checkpoint, export or proof.
pub fn unreadable(path: &Path, what: Phrase) -> Error {
    let args = vec![("path", shown(path)), ("what", what)];
    Error::refused(Code::LogCheckpoint, texts::phrase(Code::LogCheckpoint, args))
}

/// Makes the folder of an export (0700), or takes one in which an export is or was begun; whether
/// a whole one is there.
///
/// # Errors
/// [`Code::LogCheckpoint`] when something else is in it, or others can write to it; [`Error::Io`].
pub fn folder(to: &Path) -> Result<bool> {
    let failed = || Error::at_file(Text::Reading, to);
    let meta = match to.metadata() {
        Ok(meta) => meta,
        Err(error) if error.kind() == ErrorKind::NotFound => {
            make_folder(to)?;
            return Ok(false);
        }
        Err(error) => return Err(failed()(error)),
    };
    // They could put a link there, and what it leads to would be overwritten.
    if meta.uid() != nix::unistd::geteuid().as_raw() || meta.mode() & 0o022 != 0 {
        return Err(unreadable(to, Text::LogFolderOfOthers.into()));
    }
    let mut is_other = false;
    for entry in std::fs::read_dir(to).map_err(failed())? {
        let name = entry.map_err(failed())?.file_name();
        if name == CHECKPOINT {
            return Ok(true);
        }
        is_other |= !BEGUN.iter().any(|begun| name == *begun);
    }
    if is_other {
        return Err(unreadable(to, Text::LogOtherFiles.into()));
    }
    Ok(false)
}

/// Says in a folder that an export into it begins.
///
/// # Errors
/// [`Error::Io`].
pub fn begin(folder: &Path) -> Result<()> {
    put(&folder.join(MARK), b"")
}

/// Says that it is whole.
///
/// # Errors
/// [`Error::Io`].
pub fn end(folder: &Path) -> Result<()> {
    let mark = folder.join(MARK);
    std::fs::remove_file(&mark).map_err(Error::at_file(Text::Removing, &mark))
}

/// Whether an export into a folder has begun and has not ended.
pub fn is_unfinished(folder: &Path) -> bool {
    folder.join(MARK).exists()
}

fn make_folder(path: &Path) -> Result<()> {
    let mut builder = std::fs::DirBuilder::new();
    let made = builder.recursive(true).mode(0o700).create(path);
    made.map_err(Error::at_file(Text::Making, path))
}

/// Writes a file (0600) durably, in the place of one that is there. It is whole whenever it has its
/// name.
///
/// # Errors
/// [`Error::Io`].
pub fn put(path: &Path, content: &[u8]) -> Result<()> {
    make_folder(&folder_of(path))?;
    let name = path.file_name().unwrap_or_default().to_string_lossy();
    let new = path.with_file_name(format!(".{name}.new"));
    let mut options = std::fs::OpenOptions::new();
    let written = options
        .write(true)
        .create(true)
        .truncate(true)
        .mode(0o600)
        .custom_flags(nix::libc::O_NOFOLLOW)
        .open(&new)
        .and_then(|mut file| file.write_all(content).and_then(|()| file.sync_all()));
    written.map_err(Error::at_file(Text::Writing, &new))?;
    std::fs::rename(&new, path).map_err(Error::at_file(Text::RenamingTo, path))
}

/// Removes the partial tiles in the place of which there is a full one.
///
/// # Errors
/// [`Error::Io`].
pub fn without_partial(folder: &Path, full: &Tile) -> Result<()> {
    for path in std::iter::once(full.path()).chain(full.bundle_path()) {
        let partial = folder.join(format!("{path}.p"));
        match std::fs::remove_dir_all(&partial) {
            Err(error) if error.kind() != ErrorKind::NotFound => {
                return Err(Error::at_file(Text::Removing, &partial)(error));
            }
            _ => {}
        }
    }
    Ok(())
}

/// Removes what earlier exports wrote of the last bundle when it was narrower: it may have records
/// that were pruned since.
///
/// # Errors
/// [`Error::Io`].
pub fn without_narrower(folder: &Path, size: u64) -> Result<()> {
    let (index, width) = (size / u64::from(WIDTH), size % u64::from(WIDTH));
    let last = u16::try_from(width).ok().and_then(|width| Tile::new(Level::ENTRIES, index, width));
    let Some(path) = last.and_then(|tile| tile.bundle_path()) else { return Ok(()) };
    let own = folder.join(path);
    let widths = folder_of(&own);
    let failed = || Error::at_file(Text::Removing, &widths);
    for entry in std::fs::read_dir(&widths).map_err(failed())? {
        let other = entry.map_err(failed())?.path();
        if other != own {
            std::fs::remove_file(&other).map_err(Error::at_file(Text::Removing, &other))?;
        }
    }
    Ok(())
}

/// Reads a file of the log of at most so many bytes.
///
/// # Errors
/// [`Code::LogExportDamaged`].
pub fn part(folder: &Path, name: &str, max: usize) -> Result<Vec<u8>> {
    let path: PathBuf = folder.join(name);
    read(&path, max as u64).map_err(|error| refused(Code::LogExportDamaged, &path).caused_by(error))
}

/// A refusal that names a path.
pub fn refused(code: Code, path: &Path) -> Error {
    Error::refused(code, texts::phrase(code, vec![("path", shown(path))]))
}

/// The refusal of an export of another log.
pub fn other_log(path: &Path, origin: &str) -> Error {
    let args = vec![("path", shown(path)), ("origin", origin.into())];
    Error::refused(Code::LogExportOther, texts::phrase(Code::LogExportOther, args))
}

fn shown(path: &Path) -> Phrase {
    path.display().to_string().into()
}
