//! Where a store is.

use std::path::{Path, PathBuf};

use super::postgresql::Address;
use super::sqlite::create_file;
use crate::error::{Error, Result};
use crate::texts::Text;

/// Where a store is: a file, or a database of PostgreSQL with a file's name for what lies beside it
/// on this machine.
#[derive(Clone, Debug)]
pub struct Place {
    /// The file of the database; with PostgreSQL one that says so.
    pub(super) path: PathBuf,
    /// PostgreSQL, if that has it.
    pub(super) server: Option<Address>,
}

impl Place {
    /// A database of PostgreSQL.
    pub fn at_server(path: &Path, address: Address) -> Self {
        Self { path: path.to_owned(), server: Some(address) }
    }

    /// PostgreSQL, if that has it.
    pub const fn server(&self) -> Option<&Address> {
        self.server.as_ref()
    }

    /// Makes its file, which nothing may be in the place of.
    ///
    /// # Errors
    /// [`Error::Refused`](crate::error::Error::Refused) when there is one already,
    /// [`Error::Io`](crate::error::Error::Io).
    pub fn create_file(&self) -> Result<()> {
        create_file(&self.path)?;
        // Who looks for the database here is told where it is.
        let said = self.server.as_ref().map(|server| format!("{server}\n"));
        let written = said.map_or(Ok(()), |said| std::fs::write(&self.path, said));
        written.map_err(Error::at_file(Text::Writing, &self.path))
    }
}

impl From<&Path> for Place {
    fn from(path: &Path) -> Self {
        Self { path: path.to_owned(), server: None }
    }
}

impl From<&PathBuf> for Place {
    fn from(path: &PathBuf) -> Self {
        Self::from(path.as_path())
    }
}
