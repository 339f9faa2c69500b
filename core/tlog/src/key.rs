//! Keys of signed notes: their names, their ids, and the texts by which they are given to whoever
//! verifies (signed-note, "Verifier keys").

use ed25519_dalek::{Signer as _, VerifyingKey};
use sha2::{Digest, Sha256};

use crate::base64;

/// Length of a key id in bytes.
const ID_LEN: usize = 4;
/// Length of an Ed25519 public key in bytes.
const PUBLIC_LEN: usize = 32;

/// Why something is no key.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum KeyError {
    /// A name is empty, or has spaces, plus signs or control characters.
    #[error("not the name of a key")]
    Name,
    /// Not three parts: name, id and key.
    #[error("not a verifier key")]
    Text,
    /// The id is not that of name and key.
    #[error("the id is not that of the key")]
    Id,
    /// A kind of key that is not known here.
    #[error("a kind of key that is not known")]
    Kind,
    /// No point of the curve.
    #[error("not an Ed25519 public key")]
    Public,
}

/// The name of a key: for a log, its origin.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct KeyName(String);

impl KeyName {
    /// Takes a name.
    ///
    /// # Errors
    /// [`KeyError::Name`].
    pub fn new(name: impl Into<String>) -> Result<Self, KeyError> {
        let name = name.into();
        let wrong = |c: char| c.is_whitespace() || c < ' ' || c == '+';
        if name.is_empty() || name.contains(wrong) {
            return Err(KeyError::Name);
        }
        Ok(Self(name))
    }

    /// The text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl std::fmt::Display for KeyName {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&self.0)
    }
}

/// What a signature of a key says.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Kind {
    /// The text of the note.
    Ed25519,
    /// That this is the greatest tree of the log that the signer had seen at a time
    /// (`cosignature/v1`).
    Cosignature,
}

impl Kind {
    const fn byte(self) -> u8 {
        match self {
            Self::Ed25519 => 0x01,
            Self::Cosignature => 0x04,
        }
    }

    const fn of(byte: u8) -> Option<Self> {
        match byte {
            0x01 => Some(Self::Ed25519),
            0x04 => Some(Self::Cosignature),
            _ => None,
        }
    }
}

/// The id of a key: the beginning of a hash, to tell keys apart. It proves nothing.
pub(crate) type KeyId = [u8; ID_LEN];

/// A public key by which notes are verified.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Verifier {
    name: KeyName,
    kind: Kind,
    public: VerifyingKey,
    id: KeyId,
}

impl Verifier {
    /// A key of 32 bytes.
    ///
    /// # Errors
    /// [`KeyError::Public`].
    pub fn new(name: KeyName, kind: Kind, public: &[u8; PUBLIC_LEN]) -> Result<Self, KeyError> {
        let public = VerifyingKey::from_bytes(public).map_err(|_| KeyError::Public)?;
        Ok(Self::of(name, kind, public))
    }

    fn of(name: KeyName, kind: Kind, public: VerifyingKey) -> Self {
        let hash = Sha256::new()
            .chain_update(name.as_str())
            .chain_update([b'\n', kind.byte()])
            .chain_update(public.as_bytes())
            .finalize();
        let mut id = [0; ID_LEN];
        id.iter_mut().zip(hash).for_each(|(to, from)| *to = from);
        Self { name, kind, public, id }
    }

    /// Reads `name+id+key`, as [`Display`](std::fmt::Display) writes it.
    ///
    /// # Errors
    /// [`KeyError`].
    pub fn parse(text: &str) -> Result<Self, KeyError> {
        let mut parts = text.splitn(3, '+');
        let mut part = || parts.next().ok_or(KeyError::Text);
        let (name, id, key) = (KeyName::new(part()?)?, part()?, part()?);
        let key = base64::decode(key).ok_or(KeyError::Text)?;
        let (kind, public) = key.split_first().ok_or(KeyError::Text)?;
        let kind = Kind::of(*kind).ok_or(KeyError::Kind)?;
        let public = public.try_into().map_err(|_| KeyError::Public)?;
        let verifier = Self::new(name, kind, public)?;
        if verifier.id_text() == id { Ok(verifier) } else { Err(KeyError::Id) }
    }

    /// Its name.
    pub const fn name(&self) -> &KeyName {
        &self.name
    }

    /// What its signatures say.
    pub const fn kind(&self) -> Kind {
        self.kind
    }

    /// The public key.
    pub fn public(&self) -> &[u8; PUBLIC_LEN] {
        self.public.as_bytes()
    }

    /// The same key under another name.
    #[must_use]
    pub fn named(&self, name: KeyName) -> Self {
        Self::of(name, self.kind, self.public)
    }

    pub(crate) const fn id(&self) -> KeyId {
        self.id
    }

    fn id_text(&self) -> String {
        self.id.iter().map(|byte| format!("{byte:02x}")).collect()
    }

    /// Whether a signature without its key id is of this text: of a cosignature its time in seconds
    /// since 1970. None when it is not.
    pub(crate) fn verify(&self, text: &str, signature: &[u8]) -> Option<Option<u64>> {
        let (time, signature) = match self.kind {
            Kind::Ed25519 => (None, signature),
            Kind::Cosignature => {
                let (time, signature) = signature.split_first_chunk()?;
                (Some(u64::from_be_bytes(*time)), signature)
            }
        };
        let message = match time {
            None => text.to_owned(),
            Some(time) if i64::try_from(time).is_ok() => cosigned(time, text),
            Some(_) => return None,
        };
        let signature = ed25519_dalek::Signature::from_slice(signature).ok()?;
        self.public.verify_strict(message.as_bytes(), &signature).ok()?;
        Some(time)
    }
}

impl std::fmt::Display for Verifier {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let key = [&[self.kind.byte()], self.public.as_bytes().as_slice()].concat();
        write!(f, "{}+{}+{}", self.name, self.id_text(), base64::encode(&key))
    }
}

/// A private key that signs notes; wiped when dropped.
pub struct Signer {
    verifier: Verifier,
    key: ed25519_dalek::SigningKey,
}

impl Signer {
    /// Takes a secret of 32 random bytes.
    pub fn new(name: KeyName, secret: &[u8; 32]) -> Self {
        let key = ed25519_dalek::SigningKey::from_bytes(secret);
        Self { verifier: Verifier::of(name, Kind::Ed25519, key.verifying_key()), key }
    }

    /// By which its notes are verified.
    pub const fn verifier(&self) -> &Verifier {
        &self.verifier
    }

    pub(crate) fn sign(&self, text: &str) -> Vec<u8> {
        self.key.sign(text.as_bytes()).to_bytes().to_vec()
    }
}

impl std::fmt::Debug for Signer {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Signer({})", self.verifier)
    }
}

/// A private key that cosigns checkpoints of others; wiped when dropped.
pub struct Cosigner {
    verifier: Verifier,
    key: ed25519_dalek::SigningKey,
}

impl Cosigner {
    /// Takes a secret of 32 random bytes.
    pub fn new(name: KeyName, secret: &[u8; 32]) -> Self {
        let key = ed25519_dalek::SigningKey::from_bytes(secret);
        Self { verifier: Verifier::of(name, Kind::Cosignature, key.verifying_key()), key }
    }

    /// By which its cosignatures are verified.
    pub const fn verifier(&self) -> &Verifier {
        &self.verifier
    }

    /// The time, and the signature over it and the text.
    pub(crate) fn sign(&self, text: &str, time: u64) -> Vec<u8> {
        let signature = self.key.sign(cosigned(time, text).as_bytes());
        [time.to_be_bytes().as_slice(), &signature.to_bytes()].concat()
    }
}

impl std::fmt::Debug for Cosigner {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Cosigner({})", self.verifier)
    }
}

/// What a cosignature of a text signs.
fn cosigned(time: u64, text: &str) -> String {
    format!("cosignature/v1\ntime {time}\n{text}")
}
