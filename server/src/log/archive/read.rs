//! Reading an archive: whether it is whole and what was signed.

use std::fs::File;
use std::io::{BufReader, Read, Seek};
use std::path::{Path, PathBuf};

use aws_lc_rs::digest::{Context, SHA256};
use serde::Serialize;
use wardkey_core::code::Code;
use wardkey_core::codec::{self, Document};
use wardkey_core::id::{Hash as Sha256, SigningPublicKey};
use wardkey_core::log_archive::{ArchiveHead, MAGIC};
use wardkey_core::log_entry::LogEntry;
use wardkey_core::log_keys::LogKeys;
use wardkey_core::{sign, texts};
use wardkey_tlog::{Checkpoint, Frontier, Hash, KeyName, Note, bundle};

use super::super::check::{Trusted, opened};
use crate::error::{Error, Result};
use crate::files;
use crate::texts::{Phrase, Text};

/// An archive that is read from its beginning.
pub struct Reading<'a> {
    path: &'a Path,
    head: ArchiveHead,
    note: Note,
    from: Hashing<BufReader<&'a File>>,
    place: u64,
}

/// An archive that is whole, and what was signed.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Whole {
    /// The file.
    pub path: PathBuf,
    /// The log's name.
    pub origin: String,
    /// The place of its first record in the log.
    pub first: u64,
    /// The size of its checkpoint.
    pub size: u64,
    /// The root over them, in base64.
    pub root: String,
    /// Its SHA-256, hexadecimal digits.
    pub sha256: String,
    /// Length of the file.
    pub bytes: u64,
    /// True: one that does not hold is an error.
    pub intact: bool,
    /// The root.
    #[serde(skip)]
    pub head: Hash,
    /// Its SHA-256.
    #[serde(skip)]
    pub digest: Sha256,
}

impl<'a> Reading<'a> {
    /// Reads what stands before the entries.
    ///
    /// # Errors
    /// [`Code::ArchiveUnfit`].
    pub fn begin(path: &'a Path, mut file: &'a File) -> Result<Self> {
        file.rewind().map_err(wrong(path))?;
        let mut from =
            Hashing { from: BufReader::new(file), hash: Context::new(&SHA256), bytes: 0 };
        let mut magic = [0; MAGIC.len()];
        let is_archive = from.read_exact(&mut magic).is_ok() && magic == MAGIC;
        if !is_archive {
            return Err(unfit(path, Text::NoArchive));
        }
        let mut length = [0; 4];
        from.read_exact(&mut length).map_err(wrong(path))?;
        let length = u32::from_be_bytes(length).into();
        if length > ArchiveHead::MAX_BYTES as u64 {
            return Err(unfit(path, Text::ArchiveHead));
        }
        let mut bytes = Vec::new();
        from.by_ref().take(length).read_to_end(&mut bytes).map_err(wrong(path))?;
        let head: ArchiveHead =
            codec::from_bytes(&bytes).map_err(|_| unfit(path, Text::ArchiveHead))?;
        let note = Note::parse(head.checkpoint.as_slice());
        let note = note.map_err(|_| unfit(path, Text::ArchiveHead))?;
        Ok(Self { path, place: head.first, head, note, from })
    }

    /// The next entry with its place; none at the end.
    ///
    /// # Errors
    /// [`Code::ArchiveUnfit`] when it is not whole.
    pub fn next_entry(&mut self) -> Result<Option<(u64, Vec<u8>)>> {
        let entry = bundle::next_entry(&mut self.from).map_err(wrong(self.path))?;
        Ok(entry.map(|entry| {
            let place = self.place;
            self.place = self.place.saturating_add(1);
            (place, entry)
        }))
    }

    /// SHA-256 over all that was read, and its length.
    ///
    /// # Errors
    /// [`Code::ArchiveUnfit`].
    pub fn digest(self) -> Result<(Sha256, u64)> {
        self.from.done().map_err(wrong(self.path))
    }

    /// Reads it to its end; every entry is hashed into the root of this checkpoint.
    fn whole(mut self, checkpoint: &Checkpoint) -> Result<Whole> {
        let path = self.path;
        let first = self.head.first;
        let rows = self.head.edge.iter();
        let edge = rows.map(|row| row.iter().map(|hash| Hash::new(*hash.as_bytes())).collect());
        let frontier = Frontier::of(first, edge.collect());
        let mut frontier = frontier.ok_or_else(|| unfit(path, Text::ArchiveHead))?;
        while let Some((_, entry)) = self.next_entry()? {
            if codec::from_bytes::<LogEntry>(&entry).is_err() {
                return Err(unfit(path, Text::ArchiveEntry));
            }
            frontier.push(Hash::of_entry(&entry));
        }
        if frontier.size() != checkpoint.size() || frontier.root() != *checkpoint.root() {
            return Err(unfit(path, Text::ArchiveRecords));
        }

        let (digest, bytes) = self.digest()?;
        Ok(Whole {
            path: path.to_owned(),
            origin: checkpoint.origin().to_owned(),
            first,
            size: checkpoint.size(),
            root: checkpoint.root().to_string(),
            sha256: digest.to_hex(),
            bytes,
            intact: true,
            head: *checkpoint.root(),
            digest,
        })
    }
}

/// Reads all of an archive, and checks it by itself: every entry is hashed into the root that its
/// checkpoint signs, and the list of keys is that of this checkpoint.
///
/// # Errors
/// [`Code::ArchiveUnfit`], [`Code::LogUntrusted`], [`Code::LogExportOther`].
pub fn verify(path: &Path, file: &File, trusted: &Trusted<'_>) -> Result<Whole> {
    let reading = Reading::begin(path, file)?;
    let key = trusted.key_of(&reading.note, path)?;
    let public = SigningPublicKey::new(*key.public());
    let checkpoint = opened(&reading.note, key, path)?;
    let keys = sign::verify::<LogKeys>(reading.head.keys.as_slice(), &[public]);
    let is_own =
        keys.is_ok_and(|keys| keys.origin == checkpoint.origin() && keys.size == checkpoint.size());
    if !is_own {
        return Err(unfit(path, Text::ArchiveKeys));
    }

    reading.whole(&checkpoint)
}

/// Reads all of an archive, whoever signed its checkpoint: every entry is hashed into the root that
/// it names. It says something to whoever knows that root from elsewhere.
///
/// # Errors
/// [`Code::ArchiveUnfit`].
pub fn unsigned(path: &Path, file: &File) -> Result<Whole> {
    let reading = Reading::begin(path, file)?;
    let claimed = Checkpoint::parse(reading.note.unverified());
    let claimed = claimed.map_err(|_| unfit(path, Text::ArchiveHead))?;
    KeyName::new(claimed.origin()).map_err(|_| unfit(path, Text::ArchiveHead))?;
    reading.whole(&claimed)
}

/// Opens the file of an archive.
///
/// # Errors
/// [`Code::ArchiveUnfit`].
pub fn open(path: &Path) -> Result<File> {
    files::open(path).map_err(wrong(path))
}

/// The entry of a place, which nobody has verified.
///
/// # Errors
/// [`Code::ArchiveUnfit`] when the archive has none of this place.
pub fn entry_at(path: &Path, place: u64) -> Result<Vec<u8>> {
    let file = open(path)?;
    let mut reading = Reading::begin(path, &file)?;
    while let Some((at, entry)) = reading.next_entry()? {
        if at == place {
            return Ok(entry);
        }
    }
    Err(unfit(path, Text::ArchiveWithoutPlace))
}

/// The refusal of what is no archive, or no longer one.
pub fn unfit(path: &Path, what: impl Into<Phrase>) -> Error {
    let args = vec![("path", path.display().to_string().into()), ("what", what.into())];
    Error::refused(Code::ArchiveUnfit, texts::phrase(Code::ArchiveUnfit, args))
}

fn wrong(path: &Path) -> impl Fn(std::io::Error) -> Error {
    |error| {
        let why = match error.kind() {
            std::io::ErrorKind::UnexpectedEof => Text::ArchiveShort.into(),
            _ => files::why(&error),
        };
        unfit(path, why).caused_by(error)
    }
}

/// Hashes what is read.
struct Hashing<R> {
    from: R,
    hash: Context,
    bytes: u64,
}

impl<R: Read> Read for Hashing<R> {
    fn read(&mut self, into: &mut [u8]) -> std::io::Result<usize> {
        let length = self.from.read(into)?;
        self.hash.update(into.get(..length).unwrap_or_default());
        self.bytes += length as u64;
        Ok(length)
    }
}

impl<R: Read> Hashing<R> {
    /// Over all that was read.
    fn done(self) -> std::io::Result<(Sha256, u64)> {
        let digest = Sha256::from_slice(self.hash.finish().as_ref());
        let digest = digest.map_err(|_| std::io::Error::from(std::io::ErrorKind::InvalidData))?;
        Ok((digest, self.bytes))
    }
}
