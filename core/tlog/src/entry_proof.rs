//! A proof of one entry in a text of its own, which needs nothing but keys to be verified
//! ([tlog-proof](https://c2sp.org/tlog-proof)).

use crate::base64;
use crate::checkpoint::Checkpoint;
use crate::hash::Hash;
use crate::key::Verifier;
use crate::note::{Note, NoteError};
use crate::proof::{ProofUnfit, verify_inclusion};

/// The first line.
const HEAD: &str = "c2sp.org/tlog-proof@v1";
/// Hashes of a proof at most: one for each level of a tree of 2^64 entries.
const MAX_PATH: usize = 64;

/// Why a proof of an entry is not believed.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum EntryProofError {
    /// Not a proof in this form.
    #[error("not a proof of an entry of a log")]
    Malformed,
    /// Its checkpoint is not.
    #[error(transparent)]
    Note(#[from] NoteError),
    /// It is of another entry, or of another tree.
    #[error(transparent)]
    Unfit(#[from] ProofUnfit),
}

/// A proof that an entry is in the log of a checkpoint.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct EntryProof {
    /// What goes along, such as the entry itself. The proof says nothing about it.
    pub extra: Vec<u8>,
    /// The place of the entry, from 0.
    pub place: u64,
    /// The hashes beside the way to the root, from the entry's on.
    pub path: Vec<Hash>,
    /// The checkpoint with its signatures.
    pub checkpoint: Note,
}

impl EntryProof {
    /// Reads a proof.
    ///
    /// # Errors
    /// [`EntryProofError::Malformed`], [`EntryProofError::Note`].
    pub fn parse(text: &str) -> Result<Self, EntryProofError> {
        let malformed = EntryProofError::Malformed;
        let (proof, checkpoint) = text.split_once("\n\n").ok_or(malformed.clone())?;
        let mut lines = proof.split('\n').peekable();
        if lines.next() != Some(HEAD) {
            return Err(malformed);
        }
        let extra = match lines.next_if(|line| line.starts_with("extra ")) {
            Some(line) => line.strip_prefix("extra ").and_then(base64::decode),
            None => Some(Vec::new()),
        };
        let place = lines.next().and_then(|line| {
            let number = line.strip_prefix("index ")?;
            number.parse().ok().filter(|place: &u64| place.to_string() == number)
        });
        let path: Option<Vec<Hash>> = lines.map(Hash::from_base64).collect();
        let (Some(extra), Some(place), Some(path)) = (extra, place, path) else {
            return Err(malformed);
        };
        if path.len() > MAX_PATH {
            return Err(malformed);
        }
        let checkpoint = Note::parse(checkpoint.as_bytes())?;
        Ok(Self { extra, place, path, checkpoint })
    }

    /// Verifies that an entry is in the log, whose checkpoint one of these keys signed; the
    /// checkpoint.
    ///
    /// # Errors
    /// [`EntryProofError`].
    pub fn verify(&self, entry: &[u8], keys: &[Verifier]) -> Result<Checkpoint, EntryProofError> {
        let opened = self.checkpoint.open(keys)?;
        let checkpoint =
            Checkpoint::parse(opened.text()).map_err(|_| EntryProofError::Malformed)?;
        let at = (self.place, checkpoint.size());
        verify_inclusion(&Hash::of_entry(entry), at, &self.path, checkpoint.root())?;
        Ok(checkpoint)
    }
}

/// The text.
impl std::fmt::Display for EntryProof {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(HEAD)?;
        if !self.extra.is_empty() {
            write!(f, "\nextra {}", base64::encode(&self.extra))?;
        }
        write!(f, "\nindex {}", self.place)?;
        self.path.iter().try_for_each(|hash| write!(f, "\n{hash}"))?;
        write!(f, "\n\n{}", self.checkpoint)
    }
}
