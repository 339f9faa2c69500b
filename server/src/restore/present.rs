//! What the database says that a restored one takes the place of.

use std::os::unix::fs::MetadataExt;
use std::path::Path;

use wardkey_core::code::Code;
use wardkey_core::document::{RootDocument, SignedRoot};
use wardkey_core::texts;

use crate::config::Config;
use crate::error::{Error, Result};
use crate::store::audit::{self, Entry};
use crate::store::restored::{self, Seen};
use crate::store::{Opening, Store, is_damage, setting};
use crate::texts::Phrase;

/// The database that is there, when all of this can be read.
#[derive(Debug)]
pub struct Present {
    /// The chain of its root documents.
    pub roots: Vec<SignedRoot>,
    /// The newest of them.
    pub root: RootDocument,
    /// The last row of its trail.
    pub end: Entry,
    /// What terminals can have seen of it.
    pub seen: Seen,
}

impl Present {
    /// Reads it; none where there is none, or where it is damaged, which is why somebody restores.
    ///
    /// # Errors
    /// [`Code::RestoreUnreadable`] when it cannot be read for another reason: it may hold all that
    /// was done since the backup. [`Code::RestoreNumberTooHigh`].
    pub async fn read(config: &Config) -> Result<Option<Self>> {
        if !is_there(&config.store)? {
            return Ok(None);
        }
        match Self::open(&config.store).await {
            Ok(Some(present)) if !present.seen.is_possible() => {
                let path = config.store.display().to_string().into();
                let message = texts::phrase(Code::RestoreNumberTooHigh, vec![("path", path)]);
                Err(Error::refused(Code::RestoreNumberTooHigh, message))
            }
            Err(error) if is_damage(&error) => Ok(None),
            Err(error) => Err(unreadable(&config.store, error)),
            found => found,
        }
    }

    async fn open(path: &Path) -> Result<Option<Self>> {
        let store = Store::open_as_it_is(path, Opening::of(path)).await?;
        let read = Self::of(&store).await;
        store.close().await;
        read
    }

    async fn of(store: &Store) -> Result<Option<Self>> {
        let mut tx = store.read().await?;
        let (roots, root) = setting::roots(&mut tx).await?;
        let Some(end) = audit::last(&mut tx).await? else { return Ok(None) };
        let seen = restored::seen(&mut tx).await?.until(end.time.unsigned_abs());
        Ok(Some(Self { roots, root, end, seen }))
    }
}

/// Which file it was that was looked at, and whether it was written since: where what is in it
/// cannot be compared.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Looked {
    file: (u64, u64),
    bytes: u64,
    written: (i64, i64),
}

impl Looked {
    /// At a file; none where there is none.
    ///
    /// # Errors
    /// [`Code::RestoreUnreadable`].
    pub fn at(path: &Path) -> Result<Option<Self>> {
        match path.symlink_metadata() {
            Ok(meta) => Ok(Some(Self {
                file: (meta.dev(), meta.ino()),
                bytes: meta.len(),
                written: (meta.mtime(), meta.mtime_nsec()),
            })),
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => Ok(None),
            Err(error) => Err(cannot(path, error.to_string().into())),
        }
    }
}

/// Refuses a database that is a link still: [`Config::read`] follows those that lead somewhere.
/// What lies beside a database lies beside the file, so a link has to be followed before anything
/// is locked, put aside or placed.
///
/// # Errors
/// [`Code::StoreLink`].
pub fn look_for_link(store: &Path) -> Result<()> {
    if store.is_symlink() {
        let path = store.display().to_string().into();
        return Err(Error::refused(
            Code::StoreLink,
            texts::phrase(Code::StoreLink, vec![("path", path)]),
        ));
    }
    Ok(())
}

/// Whether anything is there.
///
/// # Errors
/// [`Code::RestoreUnreadable`] when nobody can tell.
pub fn is_there(path: &Path) -> Result<bool> {
    Ok(Looked::at(path)?.is_some())
}

/// The refusal of a database that cannot be read and is not damaged.
pub fn unreadable(path: &Path, error: Error) -> Error {
    match error {
        refused @ Error::Refused { .. } => refused,
        error => cannot(path, error.phrase()),
    }
}

fn cannot(path: &Path, why: Phrase) -> Error {
    let args = vec![("path", path.display().to_string().into()), ("why", why)];
    Error::refused(Code::RestoreUnreadable, texts::phrase(Code::RestoreUnreadable, args))
}
