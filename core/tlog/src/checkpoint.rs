//! Checkpoints: which log, how many entries, which root.

use crate::hash::Hash;
use crate::key::Signer;
use crate::note::{Note, NoteError};

/// Why a text is no checkpoint.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("not a checkpoint")]
pub struct CheckpointError;

/// A checkpoint, as the text of a note says it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Checkpoint {
    origin: String,
    size: u64,
    root: Hash,
    extensions: Vec<String>,
}

impl Checkpoint {
    /// Of a log, the number of its entries and the root of its tree.
    ///
    /// # Errors
    /// [`CheckpointError`] when the origin is empty or more than a line.
    pub fn new(origin: impl Into<String>, size: u64, root: Hash) -> Result<Self, CheckpointError> {
        let origin = origin.into();
        if origin.is_empty() || origin.contains(|c| c < ' ') {
            return Err(CheckpointError);
        }
        Ok(Self { origin, size, root, extensions: Vec::new() })
    }

    /// Reads the text of a note.
    ///
    /// # Errors
    /// [`CheckpointError`].
    pub fn parse(text: &str) -> Result<Self, CheckpointError> {
        let text = text.strip_suffix('\n').ok_or(CheckpointError)?;
        let mut lines = text.split('\n');
        let mut line = || lines.next().ok_or(CheckpointError);
        let (origin, size, root) = (line()?, line()?, line()?);
        let known = Self::new(
            origin,
            number(size).ok_or(CheckpointError)?,
            Hash::from_base64(root).ok_or(CheckpointError)?,
        )?;
        let extensions: Vec<String> = lines.map(ToOwned::to_owned).collect();
        if extensions.iter().any(String::is_empty) {
            return Err(CheckpointError);
        }
        Ok(Self { extensions, ..known })
    }

    /// Which log.
    pub fn origin(&self) -> &str {
        &self.origin
    }

    /// Entries in it.
    pub const fn size(&self) -> u64 {
        self.size
    }

    /// The root of its tree.
    pub const fn root(&self) -> &Hash {
        &self.root
    }

    /// Further lines, which mean nothing here.
    pub fn extensions(&self) -> &[String] {
        &self.extensions
    }

    /// Signs it.
    ///
    /// # Errors
    /// Never for a checkpoint; [`NoteError`] stands for what cannot be.
    pub fn sign(&self, by: &Signer) -> Result<Note, NoteError> {
        Note::sign(&self.to_string(), by)
    }
}

/// The text of a note.
impl std::fmt::Display for Checkpoint {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        writeln!(f, "{}\n{}\n{}", self.origin, self.size, self.root)?;
        self.extensions.iter().try_for_each(|line| writeln!(f, "{line}"))
    }
}

/// A decimal number as it is written: no sign, no zeros before it.
fn number(text: &str) -> Option<u64> {
    let number: u64 = text.parse().ok()?;
    (number.to_string() == text).then_some(number)
}
