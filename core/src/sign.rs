//! COSE_Sign1 (RFC 9052) with EdDSA over documents.
//!
//! One shape only, so that there is one encoding: protected header `{1: -8}`, unprotected header
//! `{4: key id}`, the document as payload, no external data. The domain tag inside the payload
//! keeps kinds apart.

use ed25519_dalek::{Signature, VerifyingKey};
use minicbor::{Decoder, Encoder};

use crate::codec::{self, CodecError, Document};
use crate::id::{Hash, SigningPublicKey};

/// `{1: -8}`: alg EdDSA.
const PROTECTED: &[u8] = &[0xa1, 0x01, 0x27];
/// Bytes that the envelope adds to the payload, at most.
const ENVELOPE: usize = 128;
/// Length in bytes of a key id: the beginning of the SHA-256 of the public key.
pub const KEY_ID_LEN: usize = 8;

/// Why a signature does not hold.
#[derive(Debug, thiserror::Error, PartialEq, Eq)]
pub enum SignatureError {
    /// The envelope or the payload is not what it should be.
    #[error(transparent)]
    Codec(#[from] CodecError),
    /// None of the keys that may sign this has the key id named in the envelope.
    #[error("signed by a key that is not named for it")]
    UnknownKey,
    /// The signature is wrong.
    #[error("the signature does not verify")]
    Invalid,
}

/// A value whose signature was verified. Only this module makes one.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Verified<T>(T);

impl<T> std::ops::Deref for Verified<T> {
    type Target = T;
    fn deref(&self) -> &T {
        &self.0
    }
}

impl<T> Verified<T> {
    /// Gives the value away.
    pub fn into_inner(self) -> T {
        self.0
    }
}

/// The key id of a public key.
pub fn key_id(key: &SigningPublicKey) -> [u8; KEY_ID_LEN] {
    let hash: Hash = codec::sha256(key.as_bytes());
    let mut id = [0; KEY_ID_LEN];
    id.iter_mut().zip(hash.as_bytes()).for_each(|(to, from)| *to = *from);
    id
}

/// Verifies a signed document against the keys that may sign it.
///
/// # Errors
/// [`SignatureError`] when the envelope is not exactly ours, the key is not among `keys`, the
/// signature is wrong, or the payload is not strictly a `T`.
pub fn verify<T: Document>(
    signed: &[u8],
    keys: &[SigningPublicKey],
) -> Result<Verified<T>, SignatureError> {
    Ok(Verified(codec::from_bytes(payload_of(
        signed,
        keys,
        T::MAX_BYTES.saturating_add(ENVELOPE),
    )?)?))
}

/// The payload, whose signature was verified. Not generic, so that it is in the PAM module once.
#[inline(never)]
fn payload_of<'b>(
    signed: &'b [u8],
    keys: &[SigningPublicKey],
    max: usize,
) -> Result<&'b [u8], SignatureError> {
    if signed.len() > max {
        return Err(CodecError::TooLong { max, actual: signed.len() }.into());
    }
    let envelope = Envelope::decode(signed)?;

    let key =
        keys.iter().find(|key| key_id(key) == envelope.key_id).ok_or(SignatureError::UnknownKey)?;
    let key = VerifyingKey::from_bytes(key.as_bytes()).map_err(|_| SignatureError::Invalid)?;
    key.verify_strict(&to_be_signed(envelope.payload), &Signature::from_bytes(&envelope.signature))
        .map_err(|_| SignatureError::Invalid)?;
    Ok(envelope.payload)
}

/// Reads a signed document without believing it: to learn which keys a root document names before
/// its own signature can be checked, or to show it to a person.
///
/// # Errors
/// [`SignatureError::Codec`] when it is not strictly a signed `T`.
pub fn peek<T: Document>(signed: &[u8]) -> Result<T, SignatureError> {
    if signed.len() > T::MAX_BYTES.saturating_add(ENVELOPE) {
        return Err(CodecError::TooLong { max: T::MAX_BYTES, actual: signed.len() }.into());
    }
    Ok(codec::from_bytes(Envelope::decode(signed)?.payload)?)
}

struct Envelope<'a> {
    key_id: [u8; KEY_ID_LEN],
    payload: &'a [u8],
    signature: [u8; 64],
}

impl<'a> Envelope<'a> {
    fn decode(bytes: &'a [u8]) -> Result<Self, CodecError> {
        let envelope = Self::read(bytes).map_err(|e| CodecError::Malformed(e.to_string()))?;
        // The same strictness as for documents: there is one encoding.
        if encode_envelope(&envelope.key_id, envelope.payload, &envelope.signature) != bytes {
            return Err(CodecError::NotDeterministic("COSE_Sign1"));
        }
        Ok(envelope)
    }

    fn read(bytes: &'a [u8]) -> Result<Self, minicbor::decode::Error> {
        let wrong = || minicbor::decode::Error::message("not a COSE_Sign1 of this kind");
        let mut d = Decoder::new(bytes);
        d.array()?;
        if d.bytes()? != PROTECTED {
            return Err(wrong());
        }
        if d.map()? != Some(1) || d.u8()? != 4 {
            return Err(wrong());
        }
        let key_id = d.bytes()?.try_into().map_err(|_| wrong())?;
        let payload = d.bytes()?;
        let signature = d.bytes()?.try_into().map_err(|_| wrong())?;
        Ok(Self { key_id, payload, signature })
    }
}

fn encode_envelope(key_id: &[u8], payload: &[u8], signature: &[u8]) -> Vec<u8> {
    let mut out = Vec::with_capacity(payload.len() + ENVELOPE);
    // Writing to a Vec cannot fail.
    let _ = Encoder::new(&mut out).array(4).and_then(|e| {
        e.bytes(PROTECTED)?.map(1)?.u8(4)?.bytes(key_id)?.bytes(payload)?.bytes(signature)?.ok()
    });
    out
}

/// Sig_structure of RFC 9052, 4.4.
fn to_be_signed(payload: &[u8]) -> Vec<u8> {
    let mut out = Vec::with_capacity(payload.len() + 32);
    let _ = Encoder::new(&mut out)
        .array(4)
        .and_then(|e| e.str("Signature1")?.bytes(PROTECTED)?.bytes(&[])?.bytes(payload)?.ok());
    out
}

/// A private key that signs documents.
#[cfg(feature = "signing")]
pub struct SigningKey(ed25519_dalek::SigningKey);

#[cfg(feature = "signing")]
impl SigningKey {
    /// Takes a secret of 32 random bytes.
    pub fn from_secret(secret: &[u8; 32]) -> Self {
        Self(ed25519_dalek::SigningKey::from_bytes(secret))
    }

    /// The public key.
    pub fn public(&self) -> SigningPublicKey {
        SigningPublicKey::new(self.0.verifying_key().to_bytes())
    }

    /// Signs a document: the bytes of a COSE_Sign1.
    pub fn sign<T: Document>(&self, document: &T) -> Vec<u8> {
        use ed25519_dalek::Signer;
        let payload = codec::to_bytes(document);
        let signature = self.0.sign(&to_be_signed(&payload)).to_bytes();
        encode_envelope(&key_id(&self.public()), &payload, &signature)
    }
}

#[cfg(feature = "signing")]
impl std::fmt::Debug for SigningKey {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "SigningKey(public {})", self.public())
    }
}
