//! An export as files: `checkpoint`, `tile/`, `keys.cbor`. Nothing of it is believed here but what
//! is signed.

use std::path::{Path, PathBuf};

use wardkey_core::code::Code;
use wardkey_core::id::SigningPublicKey;
use wardkey_core::log_archive::Pruned;
use wardkey_core::log_keys::{LogKeys, ReplacedLogKey};
use wardkey_core::texts;
use wardkey_core::{codec::Document, sign};
use wardkey_tlog::{
    Checkpoint, HASH_LEN, Hash, KeyName, Kind, MAX_NOTE, Note, Tile, Verifier, WIDTH, bundle,
};

use crate::archive;
use crate::error::{Error, Result, shown};
use crate::file::read;
use crate::texts::Text;

/// The checkpoint's name in the folder.
pub const CHECKPOINT: &str = "checkpoint";
/// That of the list of keys.
const KEYS: &str = "keys.cbor";
/// That of the list of what was pruned.
const PRUNED: &str = "pruned.cbor";
/// The longest bundle of entries in bytes.
const MAX_BUNDLE: usize = WIDTH as usize * (bundle::MAX_ENTRY + 2);
/// The longest list of keys in bytes, with its signature.
const MAX_KEYS: usize = LogKeys::MAX_BYTES + 128;

/// How deep tiles lie below the folder of their level: a number has seven parts at most, and one
/// for its width.
const DEEPEST: u8 = 9;

/// An export.
#[derive(Clone, Debug)]
pub struct Folder(PathBuf);

impl Folder {
    /// At a path.
    pub fn at(path: &Path) -> Self {
        Self(path.to_owned())
    }

    /// Its path.
    pub fn path(&self) -> &Path {
        &self.0
    }

    /// The most records that its files can hold: those of the lowest tiles or of the bundles,
    /// whichever are more, as somebody may have removed some.
    pub fn most(&self) -> u64 {
        let count = |name: &str| files_below(&self.0.join(name), DEEPEST);
        count("tile/entries").max(count("tile/0")).saturating_mul(WIDTH.into())
    }

    /// The bundle of entries of a tile.
    ///
    /// # Errors
    /// [`Error::File`].
    pub fn bundle(&self, tile: &Tile) -> Result<Vec<u8>> {
        read(&self.0.join(tile.bundle_path().unwrap_or_default()), MAX_BUNDLE)
    }

    /// The hashes of a tile; fewer when the file has fewer.
    ///
    /// # Errors
    /// [`Error::File`].
    pub fn hashes(&self, tile: &Tile) -> Result<Vec<Hash>> {
        let bytes = read(&self.0.join(tile.path()), usize::from(WIDTH) * HASH_LEN)?;
        let (hashes, rest) = bytes.as_chunks();
        if !rest.is_empty() {
            return Err(Error::file(&self.0.join(tile.path()), Text::TileLength));
        }
        Ok(hashes.iter().copied().map(Hash::new).collect())
    }

    /// The list of keys, which this key signed; none when there is none, as in an export of an
    /// older server.
    ///
    /// # Errors
    /// [`Error::File`], [`Code::LogUntrusted`].
    pub fn keys(&self, key: &Verifier) -> Result<Option<LogKeys>> {
        let path = self.0.join(KEYS);
        if !path.exists() {
            return Ok(None);
        }
        let bytes = read(&path, MAX_KEYS)?;
        let key = SigningPublicKey::new(*key.public());
        match sign::verify::<LogKeys>(&bytes, &[key]) {
            Ok(list) => Ok(Some(list.into_inner())),
            Err(_) => Err(Error::refused(Code::LogUntrusted, &path)),
        }
    }

    /// The list of what was pruned; none when there is none, or another key signed it.
    pub fn pruned(&self, key: &Verifier) -> Option<Pruned> {
        let bytes = read(&self.0.join(PRUNED), Pruned::MAX_BYTES + 128).ok()?;
        let key = SigningPublicKey::new(*key.public());
        sign::verify::<Pruned>(&bytes, &[key]).ok().map(sign::Verified::into_inner)
    }

    /// Whether there is a list of what was pruned, whoever made it.
    pub fn says_pruned(&self) -> bool {
        self.0.join(PRUNED).exists()
    }
}

/// The checkpoint of a folder, or in a file or archive, signed by this key for the log that the key
/// names.
///
/// # Errors
/// [`Error::File`], [`Code::LogUntrusted`], [`Code::LogExportOther`].
pub fn checkpoint(at: &Path, key: &Verifier) -> Result<Checkpoint> {
    let checkpoint = older_checkpoint(at, key, &[])?;
    if checkpoint.origin() == key.name().as_str() {
        return Ok(checkpoint);
    }
    let args = vec![("path", shown(at)), ("origin", checkpoint.origin().into())];
    let code = Code::LogExportOther;
    Err(Error::Refused(code, texts::phrase(code, args)))
}

/// The same, of a log that may have had another name then: before a restore.
///
/// # Errors
/// [`Error::File`], [`Code::LogUntrusted`]; [`Code::LogKeyStolen`] when one of these signed it.
pub fn older_checkpoint(
    at: &Path,
    key: &Verifier,
    stolen: &[ReplacedLogKey],
) -> Result<Checkpoint> {
    let file = if at.is_dir() { at.join(CHECKPOINT) } else { at.to_owned() };
    let malformed = || Error::file(&file, Text::NoCheckpoint);
    let bytes = match archive::head(&file)? {
        Some(head) => head.checkpoint.into_vec(),
        None => read(&file, MAX_NOTE)?,
    };
    let note = Note::parse(&bytes).map_err(|_| malformed())?;
    let claimed = Checkpoint::parse(note.unverified()).map_err(|_| malformed())?;
    let name = KeyName::new(claimed.origin()).map_err(|_| malformed())?;
    if note.open(&[key.named(name.clone())]).is_ok() {
        return Ok(claimed);
    }

    let signed = |stolen: &&ReplacedLogKey| {
        let key = Verifier::new(name.clone(), Kind::Ed25519, stolen.key.as_bytes());
        key.is_ok_and(|key| note.open(&[key]).is_ok())
    };
    let Some(stolen) = stolen.iter().find(signed) else {
        return Err(Error::refused(Code::LogUntrusted, &file));
    };
    let time = stolen.replaced.to_rfc3339().into();
    let phrase = texts::phrase(Code::LogKeyStolen, vec![("path", shown(&file)), ("time", time)]);
    Err(Error::Refused(Code::LogKeyStolen, phrase))
}

/// How many files are in a folder and those in it, which are no links.
fn files_below(folder: &Path, deepest: u8) -> u64 {
    let Some(below) = deepest.checked_sub(1) else { return 0 };
    let entries = std::fs::read_dir(folder).into_iter().flatten().flatten();
    let counts = entries.map(|entry| match entry.file_type() {
        Ok(kind) if kind.is_dir() => files_below(&entry.path(), below),
        _ => 1,
    });
    counts.fold(0, u64::saturating_add)
}
