//! Whether witnesses cosigned a checkpoint, without the database.

use std::path::Path;

use serde::Serialize;
use wardkey_core::code::Code;
use wardkey_core::texts;
use wardkey_tlog::{KeyName, NoteError, Verifier};

use super::files;
use crate::error::{Error, Result};

/// A witness that cosigned a checkpoint.
#[derive(Debug, Serialize)]
pub struct CosignedBy {
    /// Its name.
    pub name: String,
    /// When, by its own clock, seconds since 1970.
    pub time: u64,
}

/// Whether each of these witnesses cosigned the checkpoint of a file or folder.
///
/// # Errors
/// [`Code::LogCheckpoint`], [`Code::LogNotCosigned`]; [`Code::LogUntrusted`] when one of their
/// cosignatures does not hold.
pub fn cosigned(path: &Path, witnesses: &[Verifier]) -> Result<Vec<CosignedBy>> {
    if witnesses.is_empty() {
        return Ok(Vec::new());
    }
    let (file, note) = files::checkpoint(path)?;
    let opened = match note.open(witnesses) {
        Ok(opened) => Some(opened),
        Err(NoteError::Unknown) => None,
        Err(_) => return Err(files::refused(Code::LogUntrusted, &file)),
    };
    let by = opened.as_ref().map(|opened| opened.by()).unwrap_or_default();
    let one = |witness: &Verifier| {
        let found = by.iter().find(|(name, time)| *name == witness.name() && time.is_some());
        let time = found.and_then(|(_, time)| *time);
        let time = time.ok_or_else(|| missing(&file, witness.name()))?;
        Ok(CosignedBy { name: witness.name().to_string(), time })
    };
    witnesses.iter().map(one).collect()
}

fn missing(file: &Path, name: &KeyName) -> Error {
    let path = file.display().to_string();
    let args = vec![("path", path.into()), ("name", name.as_str().into())];
    Error::refused(Code::LogNotCosigned, texts::phrase(Code::LogNotCosigned, args))
}
