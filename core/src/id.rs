//! Identifiers: fixed-size byte strings that are types, so that none is taken for another.

use minicbor::decode::Error as DecodeError;
use minicbor::{Decode, Decoder, Encode, Encoder};
use sha2::{Digest, Sha256};

use crate::codec_error::CodecError;

macro_rules! byte_id {
    ($(#[$doc:meta])* $name:ident, $len:literal) => {
        $(#[$doc])*
        #[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub struct $name([u8; $len]);

        impl $name {
            /// Length in bytes.
            pub const LEN: usize = $len;

            /// Takes the bytes.
            pub const fn new(bytes: [u8; $len]) -> Self {
                Self(bytes)
            }

            /// Takes the bytes of a slice.
            ///
            /// # Errors
            /// [`CodecError::Malformed`] when the length differs.
            pub fn from_slice(bytes: &[u8]) -> Result<Self, CodecError> {
                bytes.try_into().map(Self).map_err(|_| {
                    CodecError::Malformed(format!(
                        "{} takes {} bytes, got {}",
                        stringify!($name),
                        $len,
                        bytes.len()
                    ))
                })
            }

            /// Reads lower- or upper-case hexadecimal digits.
            ///
            /// # Errors
            /// [`CodecError::Malformed`] when it is not exactly the right number of digits.
            pub fn from_hex(text: &str) -> Result<Self, CodecError> {
                Self::from_slice(&from_hex(text)?)
            }

            /// The bytes.
            pub const fn as_bytes(&self) -> &[u8; $len] {
                &self.0
            }

            /// Lower-case hexadecimal digits.
            pub fn to_hex(&self) -> String {
                to_hex(&self.0)
            }
        }

        impl std::fmt::Debug for $name {
            fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                write!(f, "{}({})", stringify!($name), self.to_hex())
            }
        }

        impl std::fmt::Display for $name {
            fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                f.write_str(&self.to_hex())
            }
        }

        impl AsRef<[u8]> for $name {
            fn as_ref(&self) -> &[u8] {
                &self.0
            }
        }

        impl<C> Encode<C> for $name {
            fn encode<W: minicbor::encode::Write>(
                &self,
                e: &mut Encoder<W>,
                _: &mut C,
            ) -> Result<(), minicbor::encode::Error<W::Error>> {
                e.bytes(&self.0)?.ok()
            }
        }

        impl<'b, C> Decode<'b, C> for $name {
            fn decode(d: &mut Decoder<'b>, _: &mut C) -> Result<Self, DecodeError> {
                let bytes = exactly(d, $len)?;
                bytes.try_into().map(Self).map_err(|_| DecodeError::message("an id"))
            }
        }
    };
}

byte_id!(
    /// A SHA-256 hash.
    Hash, 32
);
byte_id!(
    /// A terminal, given by the server when it joins.
    TerminalId, 16
);
byte_id!(
    /// A deployment: one root of trust.
    DeploymentId, 16
);
byte_id!(
    /// An audit event; the same in every copy of it.
    EventId, 16
);
byte_id!(
    /// The fresh challenge of one login, made by the PAM module.
    Nonce, 32
);
byte_id!(
    /// WebAuthn user handle: random, says nothing about the person.
    UserHandle, 32
);
byte_id!(
    /// The model of a security key (meaningful only when its attestation was verified).
    Aaguid, 16
);
byte_id!(
    /// An Ed25519 public key.
    SigningPublicKey, 32
);
byte_id!(
    /// A pass: names it in records.
    PassId, 16
);
byte_id!(
    /// Names a loan of a key: random.
    LoanId, 16
);
byte_id!(
    /// What the code of a pass is hashed with.
    Salt, 16
);

impl Hash {
    /// SHA-256 of bytes.
    pub fn of(bytes: &[u8]) -> Self {
        Self(Sha256::digest(bytes).into())
    }

    /// The first eight bytes in hexadecimal digits: a fingerprint for people and logs.
    pub fn short(&self) -> String {
        self.to_hex().chars().take(16).collect()
    }
}

/// Not generic, so that it is in the PAM module once.
#[inline(never)]
fn exactly<'b>(d: &mut Decoder<'b>, length: usize) -> Result<&'b [u8], DecodeError> {
    let bytes = d.bytes()?;
    if bytes.len() != length {
        return Err(DecodeError::message("an id of another length"));
    }
    Ok(bytes)
}

/// A WebAuthn credential id, 16 to 1023 bytes.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct CredentialId(Vec<u8>);

impl CredentialId {
    /// Takes the bytes.
    ///
    /// # Errors
    /// [`CodecError::Malformed`] below 16 or above 1023 bytes (WebAuthn level 3, 4 "credential
    /// id").
    pub fn new(bytes: impl Into<Vec<u8>>) -> Result<Self, CodecError> {
        let bytes = bytes.into();
        if !(16..=1023).contains(&bytes.len()) {
            return Err(CodecError::Malformed(format!("credential id of {} bytes", bytes.len())));
        }
        Ok(Self(bytes))
    }

    /// The bytes.
    pub fn as_slice(&self) -> &[u8] {
        &self.0
    }

    /// SHA-256 of the id; its [`Hash::short`] form names the key in logs.
    pub fn fingerprint(&self) -> Hash {
        Hash::of(&self.0)
    }
}

impl std::fmt::Debug for CredentialId {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "CredentialId({})", self.fingerprint().short())
    }
}

impl<C> Encode<C> for CredentialId {
    fn encode<W: minicbor::encode::Write>(
        &self,
        e: &mut Encoder<W>,
        _: &mut C,
    ) -> Result<(), minicbor::encode::Error<W::Error>> {
        e.bytes(&self.0)?.ok()
    }
}

impl<'b, C> Decode<'b, C> for CredentialId {
    fn decode(d: &mut Decoder<'b>, _: &mut C) -> Result<Self, DecodeError> {
        Self::new(d.bytes()?).map_err(DecodeError::custom)
    }
}

/// Lower-case hexadecimal digits of bytes.
pub fn to_hex(bytes: &[u8]) -> String {
    use std::fmt::Write;
    bytes.iter().fold(String::with_capacity(bytes.len() * 2), |mut out, byte| {
        // Writing to a String cannot fail.
        let _ = write!(out, "{byte:02x}");
        out
    })
}

/// Bytes of hexadecimal digits.
///
/// # Errors
/// [`CodecError::Malformed`] for an odd number of digits or any other character.
pub fn from_hex(text: &str) -> Result<Vec<u8>, CodecError> {
    let bad = || CodecError::Malformed("not hexadecimal digits".into());
    let digits: Vec<u8> = text
        .chars()
        .map(|c| c.to_digit(16).map(|d| d as u8))
        .collect::<Option<_>>()
        .ok_or_else(bad)?;
    if !digits.len().is_multiple_of(2) {
        return Err(bad());
    }
    Ok(digits
        .chunks_exact(2)
        .map(|pair| pair.iter().fold(0u8, |byte, digit| (byte << 4) | digit))
        .collect())
}
