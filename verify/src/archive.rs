//! Archives: files with the records of a log up to a checkpoint. One is checked by itself; and it
//! has what was pruned from an export.

use std::fs::File;
use std::io::{BufReader, Read, Seek};
use std::os::unix::fs::FileExt;
use std::path::{Path, PathBuf};

use wardkey_core::codec::{self, Document};
use wardkey_core::id::SigningPublicKey;
use wardkey_core::log_archive::{ArchiveHead, MAGIC};
use wardkey_core::log_keys::LogKeys;
use wardkey_core::sign;
use wardkey_tlog::{Frontier, Hash, Verifier, WIDTH, bundle};

use crate::error::{Error, Result};
use crate::file;
use crate::texts::Text;

/// An archive. In memory is of 256 records where they stand in the file.
#[derive(Debug)]
pub struct Archive {
    path: PathBuf,
    head: ArchiveHead,
    file: File,
    /// Where the records of each tile begin, from that of the first record on; and where they end.
    offsets: Vec<u64>,
    /// The place behind the last record.
    end: u64,
}

/// Records of an archive that belong to one tile.
#[derive(Clone, Copy, Debug)]
pub struct Block {
    /// The place of the first of them.
    pub first: u64,
    at: u64,
    length: u64,
}

/// What stands before the records of an archive; none of a file that is none.
///
/// # Errors
/// [`Error::File`].
pub fn head(path: &Path) -> Result<Option<ArchiveHead>> {
    let file = file::open(path)?;
    Ok(read_head(path, &mut BufReader::new(&file))?.map(|(head, _)| head))
}

/// The head and its length.
fn read_head(path: &Path, from: &mut impl Read) -> Result<Option<(ArchiveHead, u64)>> {
    let malformed = || Error::file(path, Text::ArchiveHead);
    let mut magic = Vec::new();
    let length = MAGIC.len() as u64;
    from.by_ref().take(length).read_to_end(&mut magic).map_err(Error::io(path))?;
    if magic != MAGIC {
        return Ok(None);
    }
    let mut length = [0; 4];
    from.read_exact(&mut length).map_err(|_| malformed())?;
    let length: u64 = u32::from_be_bytes(length).into();
    if length > ArchiveHead::MAX_BYTES as u64 {
        return Err(malformed());
    }
    let mut bytes = Vec::new();
    from.by_ref().take(length).read_to_end(&mut bytes).map_err(Error::io(path))?;
    let head = codec::from_bytes(&bytes).map_err(|_| malformed())?;
    Ok(Some((head, MAGIC.len() as u64 + 4 + length)))
}

/// The signed list of keys in a head.
pub fn keys_of(head: &ArchiveHead, key: &Verifier) -> Option<LogKeys> {
    let key = SigningPublicKey::new(*key.public());
    sign::verify::<LogKeys>(head.keys.as_slice(), &[key]).ok().map(sign::Verified::into_inner)
}

impl Archive {
    /// Reads one to its end. Nothing of it is verified yet.
    ///
    /// # Errors
    /// [`Error::File`], also of a file that is no archive or ends too early.
    pub fn open(path: &Path) -> Result<Self> {
        let mut file = file::open(path)?;
        let mut from = BufReader::new(&file);
        let Some((head, mut at)) = read_head(path, &mut from)? else {
            return Err(Error::file(path, Text::NoArchive));
        };
        let (mut place, mut offsets) = (head.first, vec![at]);
        while let Some(entry) = bundle::next_entry(&mut from).map_err(Error::io(path))? {
            at += 2 + entry.len() as u64;
            place = place.saturating_add(1);
            if place.is_multiple_of(WIDTH.into()) {
                offsets.push(at);
            }
        }
        if offsets.last() != Some(&at) {
            offsets.push(at);
        }
        drop(from);
        file.rewind().map_err(Error::io(path))?;
        Ok(Self { path: path.to_owned(), head, file, offsets, end: place })
    }

    /// Its path.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// The place of its first record.
    pub const fn first(&self) -> u64 {
        self.head.first
    }

    /// The place behind its last record.
    pub const fn end(&self) -> u64 {
        self.end
    }

    /// The list of keys in it, if this key signed it.
    pub fn keys(&self, key: &Verifier) -> Option<LogKeys> {
        keys_of(&self.head, key)
    }

    /// The tree before its first record; none when the head does not say one.
    pub fn before(&self) -> Option<Frontier> {
        let rows = self.head.edge.iter();
        let rows = rows.map(|row| row.iter().map(|hash| Hash::new(*hash.as_bytes())).collect());
        Frontier::of(self.head.first, rows.collect())
    }

    /// All of it, in order.
    pub fn blocks(&self) -> Vec<Block> {
        let base = self.head.first / u64::from(WIDTH);
        (base..).zip(1..self.offsets.len()).filter_map(|(tile, _)| self.block(tile)).collect()
    }

    /// What it has of a tile of the lowest level.
    fn block(&self, tile: u64) -> Option<Block> {
        let width = u64::from(WIDTH);
        let at = usize::try_from(tile.checked_sub(self.head.first / width)?).ok()?;
        let (from, until) = (*self.offsets.get(at)?, *self.offsets.get(at + 1)?);
        let first = self.head.first.max(tile.saturating_mul(width));
        Some(Block { first, at: from, length: until - from })
    }

    /// The bytes of records, as a bundle has them.
    ///
    /// # Errors
    /// [`Error::File`].
    pub fn bundle(&self, block: &Block) -> Result<Vec<u8>> {
        let length = usize::try_from(block.length).unwrap_or(usize::MAX);
        let mut bytes = vec![0; length];
        self.file.read_exact_at(&mut bytes, block.at).map_err(Error::io(&self.path))?;
        Ok(bytes)
    }
}

/// Archives that have what was pruned from an export.
#[derive(Debug, Default)]
pub struct Archives(Vec<Archive>);

impl Archives {
    /// Reads files.
    ///
    /// # Errors
    /// [`Error::File`].
    pub fn read(paths: &[PathBuf]) -> Result<Self> {
        paths.iter().map(|path| Archive::open(path)).collect::<Result<_>>().map(Self)
    }

    /// What the archives have of a tile, whichever of them: nothing of it is verified.
    pub fn of_tile(&self, tile: u64) -> Vec<Vec<u8>> {
        let mut found = Vec::new();
        for archive in &self.0 {
            let Some(block) = archive.block(tile) else { continue };
            let Ok(bytes) = archive.bundle(&block) else { continue };
            let entries = bundle::entries(&bytes).unwrap_or_default();
            found.extend(entries.into_iter().map(<[u8]>::to_vec));
        }
        found
    }
}
