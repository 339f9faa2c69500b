//! The marks that the module keeps of what it accepted: it reads them by this, and so does whoever
//! explains what it would do.

use std::path::{Path, PathBuf};

use wardkey_core::codec::{self, CodecError, Document};
use wardkey_core::marks::Marks;

use crate::files::{self, FileError, Owner};

/// Why marks cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum MarksError {
    /// The file itself.
    #[error(transparent)]
    File(#[from] FileError),
    /// Without its folder nothing could ever be remembered: that is no new terminal.
    #[error("{}: its folder is missing; \"wardkey join\" makes it", .0.display())]
    NoFolder(PathBuf),
    /// What is in it.
    #[error("{}: {error}; restore the file, or as a last resort remove it", path.display())]
    Content {
        /// The file.
        path: PathBuf,
        /// What is wrong.
        #[source]
        error: CodecError,
    },
}

/// Reads the marks; empty when there are none yet, in a folder that is there.
///
/// # Errors
/// [`MarksError`] when they are not to be believed.
pub fn read(path: &Path, owner: Owner) -> Result<Marks, MarksError> {
    match files::read(path, owner, Marks::MAX_BYTES) {
        Ok(bytes) => codec::from_bytes(&bytes)
            .map_err(|error| MarksError::Content { path: path.into(), error }),
        Err(FileError::Missing { .. }) if has_folder(path) => Ok(Marks::default()),
        Err(FileError::Missing { .. }) => Err(MarksError::NoFolder(path.into())),
        Err(error) => Err(error.into()),
    }
}

fn has_folder(path: &Path) -> bool {
    path.parent().is_some_and(|folder| folder.as_os_str().is_empty() || folder.is_dir())
}
