//! `manifest.json`: what is in a backup.

use std::io::Read;
use std::path::Path;

use aws_lc_rs::digest::{Context, SHA256};
use serde::{Deserialize, Serialize};
use wardkey_core::code::Code;
use wardkey_core::id::to_hex;
use wardkey_core::texts;

use super::contents::Contents;
use crate::error::{Error, Result};
use crate::files;
use crate::texts::{Phrase, Text, doing};

/// Its name in the folder.
pub const MANIFEST: &str = "manifest.json";
/// The signature's.
pub const SIGNATURE: &str = "manifest.sig";
/// The database's.
pub const DATABASE: &str = "wardkey.db";
/// The trail's.
pub const TRAIL: &str = "trail.jsonl";
/// The keys'.
pub const KEYS: &str = "keys.age";

/// The form of backups that this version makes and takes.
const FORMAT: u32 = 1;
/// The longest manifest in bytes: thousands of scopes.
const MAX_MANIFEST: u64 = 16 * 1024 * 1024;

/// What is in a backup.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize, Serialize)]
pub struct Manifest {
    /// The form of the backup.
    pub format: u32,
    /// The version of the program that made it.
    pub program: String,
    /// When, seconds since 1970.
    pub made: u64,
    /// What is in the database.
    pub contents: Contents,
    /// Every file beside this one and its signature.
    pub files: Vec<FileOf>,
}

/// A file of a backup.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize, Serialize)]
pub struct FileOf {
    /// Its name in the folder.
    pub name: String,
    /// Its length.
    pub bytes: u64,
    /// SHA-256, hexadecimal digits.
    pub sha256: String,
}

/// The number that every version looks at first.
#[derive(Deserialize)]
struct Form {
    format: u32,
}

impl Manifest {
    /// Of files that are in a folder.
    ///
    /// # Errors
    /// [`Error::Io`] when one cannot be read.
    pub fn of(folder: &Path, contents: Contents, made: u64, names: &[&str]) -> Result<Self> {
        let files = names.iter().map(|name| FileOf::read(folder, name)).collect::<Result<_>>()?;
        let program = env!("CARGO_PKG_VERSION").to_owned();
        Ok(Self { format: FORMAT, program, made, contents, files })
    }

    /// Reads it, and compares every file with it. Its bytes are returned too: they are signed.
    ///
    /// # Errors
    /// [`Code::BackupDamaged`], [`Code::BackupNewer`].
    pub fn read(folder: &Path) -> Result<(Self, Vec<u8>)> {
        let path = folder.join(MANIFEST);
        let bytes = files::read(&path, MAX_MANIFEST)
            .map_err(|error| unreadable(folder, MANIFEST, files::why(&error)))?;
        let wrong =
            |error: serde_json::Error| unreadable(folder, MANIFEST, error.to_string().into());
        let form: Form = serde_json::from_slice(&bytes).map_err(wrong)?;
        if form.format > FORMAT {
            return Err(newer(folder));
        }
        let manifest: Self = serde_json::from_slice(&bytes).map_err(wrong)?;

        for needed in [DATABASE, TRAIL] {
            if manifest.files.iter().all(|file| file.name != needed) {
                return Err(damaged(folder, named(Text::FileNotListed, needed)));
            }
        }
        for file in &manifest.files {
            // A name decides which file is read: only those that a backup has.
            if ![DATABASE, TRAIL, KEYS].contains(&file.name.as_str()) {
                return Err(damaged(folder, named(Text::FileNotKnown, &file.name)));
            }
            let found = FileOf::read(folder, &file.name)
                .map_err(|error| unreadable(folder, &file.name, error.phrase()))?;
            if found != *file {
                return Err(damaged(folder, named(Text::FileChanged, &file.name)));
            }
        }
        Ok((manifest, bytes))
    }

    /// Whether a folder has an unchanged copy of the database of the backup in `from`.
    ///
    /// # Errors
    /// [`Code::BackupDamaged`], [`Error::Io`].
    pub fn check_copy(&self, folder: &Path, from: &Path) -> Result<()> {
        let copy = FileOf::read(folder, DATABASE)?;
        if self.files.contains(&copy) {
            return Ok(());
        }
        Err(damaged(from, named(Text::FileChanged, DATABASE)))
    }

    /// The hash of a file, hexadecimal digits.
    pub fn hash_of(&self, name: &str) -> Option<&str> {
        self.files.iter().find(|file| file.name == name).map(|file| file.sha256.as_str())
    }

    /// The length of a file.
    pub fn bytes_of(&self, name: &str) -> u64 {
        self.files.iter().find(|file| file.name == name).map_or(0, |file| file.bytes)
    }

    /// Whether the keys are in it.
    pub fn has_keys(&self) -> bool {
        self.files.iter().any(|file| file.name == KEYS)
    }

    /// Length of all files.
    pub fn bytes(&self) -> u64 {
        self.files.iter().map(|file| file.bytes).sum()
    }
}

impl FileOf {
    fn read(folder: &Path, name: &str) -> Result<Self> {
        let path = folder.join(name);
        let what = || doing(Text::Reading, &path);
        let mut file = files::open(&path).map_err(Error::io(what()))?;
        let mut hash = Context::new(&SHA256);
        let mut bytes = 0;
        let mut part = vec![0; 1024 * 1024];
        loop {
            let length = file.read(&mut part).map_err(Error::io(what()))?;
            if length == 0 {
                break;
            }
            hash.update(part.get(..length).unwrap_or_default());
            bytes += length as u64;
        }
        let sha256 = to_hex(hash.finish().as_ref());
        Ok(Self { name: name.to_owned(), bytes, sha256 })
    }
}

/// The refusal of what is no whole, unchanged backup.
pub fn damaged(folder: &Path, what: impl Into<Phrase>) -> Error {
    let args = vec![("path", folder.display().to_string().into()), ("what", what.into())];
    Error::refused(Code::BackupDamaged, texts::phrase(Code::BackupDamaged, args))
}

/// The refusal of what a newer version made.
pub fn newer(folder: &Path) -> Error {
    let args = vec![("path", folder.display().to_string().into())];
    Error::refused(Code::BackupNewer, texts::phrase(Code::BackupNewer, args))
}

fn named(text: Text, name: &str) -> Phrase {
    text.with([("name", name.into())])
}

fn unreadable(folder: &Path, name: &str, why: Phrase) -> Error {
    damaged(folder, Text::At.with([("place", name.into()), ("why", why)]))
}
