//! Signed notes: a text, and who signed it.
//!
//! ```text
//!   the text, of any number of lines
//!   (an empty line)
//!   — name base64(key id, signature)
//! ```

use crate::base64;
use crate::key::{Cosigner, KeyId, KeyName, Signer, Verifier};

/// The longest note in bytes that is looked at.
pub const MAX_NOTE: usize = 256 * 1024;
/// The most signatures of a note that are looked at.
pub const MAX_SIGNATURES: usize = 64;
/// Begins a line with a signature: an em dash and a space.
const SIGNED: &str = "\u{2014} ";

/// Why a note is not believed.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum NoteError {
    /// Longer than [`MAX_NOTE`], or with more signatures than [`MAX_SIGNATURES`].
    #[error("the note is too long")]
    TooLong,
    /// Not a text with signatures after it.
    #[error("not a signed note")]
    Malformed,
    /// None of the signatures is by a key that is known.
    #[error("no signature of a known key")]
    Unknown,
    /// A signature by a key that is known does not hold.
    #[error("the signature of {0} does not hold")]
    Invalid(KeyName),
}

/// A signature of a note.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Signature {
    name: KeyName,
    id: KeyId,
    bytes: Vec<u8>,
}

impl Signature {
    /// Reads a line, as [`Display`](std::fmt::Display) writes it.
    pub fn parse(line: &str) -> Option<Self> {
        let (name, bytes) = line.strip_prefix(SIGNED)?.split_once(' ')?;
        let bytes = base64::decode(bytes)?;
        let (id, bytes) = bytes.split_first_chunk()?;
        let is_empty = bytes.is_empty();
        let signature = Self { name: KeyName::new(name).ok()?, id: *id, bytes: bytes.to_vec() };
        (!is_empty).then_some(signature)
    }

    /// The name that it gives itself.
    pub const fn name(&self) -> &KeyName {
        &self.name
    }

    /// Whether it says that it is by this key; it proves nothing.
    pub fn is_of(&self, verifier: &Verifier) -> bool {
        self.name == *verifier.name() && self.id == verifier.id()
    }
}

impl std::fmt::Display for Signature {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let bytes = [self.id.as_slice(), &self.bytes].concat();
        write!(f, "{SIGNED}{} {}", self.name, base64::encode(&bytes))
    }
}

/// A note that was read and not verified.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Note {
    text: String,
    signatures: Vec<Signature>,
}

/// The text of a note whose signatures were verified. Only [`Note::open`] makes one.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Opened<'a> {
    text: &'a str,
    by: Vec<(&'a KeyName, Option<u64>)>,
}

impl<'a> Opened<'a> {
    /// The text, with the newline at its end.
    pub const fn text(&self) -> &'a str {
        self.text
    }

    /// Whose signatures hold: names, and of cosignatures the time in seconds since 1970.
    pub fn by(&self) -> &[(&'a KeyName, Option<u64>)] {
        &self.by
    }
}

impl Note {
    /// Reads a note.
    ///
    /// # Errors
    /// [`NoteError::TooLong`], [`NoteError::Malformed`].
    pub fn parse(bytes: &[u8]) -> Result<Self, NoteError> {
        if bytes.len() > MAX_NOTE {
            return Err(NoteError::TooLong);
        }
        let all = std::str::from_utf8(bytes).map_err(|_| NoteError::Malformed)?;
        if !is_plain(all) {
            return Err(NoteError::Malformed);
        }
        // The last empty line: a text may have some too.
        let end = all.rfind("\n\n").ok_or(NoteError::Malformed)?;
        let (text, rest) = all.split_at_checked(end + 1).ok_or(NoteError::Malformed)?;
        let lines = rest.strip_prefix('\n').and_then(|lines| lines.strip_suffix('\n'));
        let lines = lines.ok_or(NoteError::Malformed)?;
        if lines.split('\n').count() > MAX_SIGNATURES {
            return Err(NoteError::TooLong);
        }
        let signatures: Option<Vec<Signature>> = lines.split('\n').map(Signature::parse).collect();
        let signatures = signatures.ok_or(NoteError::Malformed)?;
        Ok(Self { text: text.to_owned(), signatures })
    }

    /// Signs a text, which ends with a newline.
    ///
    /// # Errors
    /// [`NoteError::Malformed`] when it does not, or has control characters.
    pub fn sign(text: &str, by: &Signer) -> Result<Self, NoteError> {
        if !text.ends_with('\n') || !is_plain(text) {
            return Err(NoteError::Malformed);
        }
        let key = by.verifier();
        let signature = Signature { name: key.name().clone(), id: key.id(), bytes: by.sign(text) };
        Ok(Self { text: text.to_owned(), signatures: vec![signature] })
    }

    /// Who says at which time, in seconds since 1970, to have seen no greater tree of this log than
    /// the one of the note.
    pub fn cosign(&self, by: &Cosigner, time: u64) -> Signature {
        let key = by.verifier();
        let bytes = by.sign(&self.text, time);
        Signature { name: key.name().clone(), id: key.id(), bytes }
    }

    /// Adds a signature. One by the same key gives way.
    pub fn add(&mut self, signature: Signature) {
        let is_same = |known: &Signature| known.name == signature.name && known.id == signature.id;
        self.signatures.retain(|known| !is_same(known));
        self.signatures.push(signature);
    }

    /// Its signatures, which nobody has verified.
    pub fn signatures(&self) -> &[Signature] {
        &self.signatures
    }

    /// The text, which nobody has verified.
    pub fn unverified(&self) -> &str {
        &self.text
    }

    /// Verifies the signatures of the keys that are known; those of others are passed over.
    ///
    /// # Errors
    /// [`NoteError::Invalid`] when one of them does not hold, [`NoteError::Unknown`] when there is
    /// none.
    pub fn open<'a>(&'a self, keys: &[Verifier]) -> Result<Opened<'a>, NoteError> {
        let mut by: Vec<(&KeyName, Option<u64>)> = Vec::new();
        for signature in &self.signatures {
            for key in keys.iter().filter(|key| signature.is_of(key)) {
                match key.verify(&self.text, &signature.bytes) {
                    Some(time) => by.push((&signature.name, time)),
                    None => return Err(NoteError::Invalid(signature.name.clone())),
                }
            }
        }
        if by.is_empty() { Err(NoteError::Unknown) } else { Ok(Opened { text: &self.text, by }) }
    }
}

impl std::fmt::Display for Note {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        writeln!(f, "{}", self.text)?;
        self.signatures.iter().try_for_each(|signature| writeln!(f, "{signature}"))
    }
}

/// Whether a text has no control characters but newlines.
fn is_plain(text: &str) -> bool {
    text.chars().all(|c| c == '\n' || c >= ' ')
}
