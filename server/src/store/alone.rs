//! A database that nobody else has open, while another one is put in its place.

use std::path::{Path, PathBuf};

use wardkey_core::code::Code;
use wardkey_core::texts;

use super::audit::{self, Entry};
use super::handle::Store;
use super::sqlite::{Database, InUse, Opening, Use};
use crate::error::{Error, Result};

/// Held while nobody else has the database open, nor can open it.
#[derive(Debug)]
pub struct Alone {
    path: PathBuf,
    _in_use: InUse,
}

impl Alone {
    /// Waits until nobody has it open.
    ///
    /// # Errors
    /// [`Code::RestoreDisturbed`] when somebody has it open for longer than ten seconds, or nobody
    /// can be kept from it.
    pub async fn take(path: &Path) -> Result<Self> {
        let in_use = InUse::take(path, Use::Alone).await?.ok_or_else(disturbed)?;
        Ok(Self { path: path.to_owned(), _in_use: in_use })
    }

    /// The last row of its trail, when it can be read.
    pub async fn last_row(&self) -> Option<Entry> {
        let opening = match Opening::of(&self.path) {
            Opening::Copy => Opening::Copy,
            Opening::WithLog | Opening::Alone => Opening::Alone,
        };
        let store = Store::open_as_it_is(&self.path, opening).await.ok()?;
        let last = async { audit::last(&mut *store.read().await?).await }.await;
        store.close().await;
        last.ok().flatten()
    }

    /// Folds its log in, so that the file alone is all of it.
    ///
    /// # Errors
    /// [`Error::Store`] when the database cannot be written; [`Code::RestoreDisturbed`] when
    /// somebody uses it all the same.
    pub async fn fold_in(&self) -> Result<()> {
        if Opening::of(&self.path) == Opening::Copy {
            return Ok(());
        }
        Database::fold_in(&self.path).await?;
        match Opening::of(&self.path) {
            Opening::Copy => Ok(()),
            Opening::WithLog | Opening::Alone => Err(disturbed()),
        }
    }
}

/// The refusal of a database that others use.
pub fn disturbed() -> Error {
    Error::refused(Code::RestoreDisturbed, texts::phrase(Code::RestoreDisturbed, vec![]))
}
