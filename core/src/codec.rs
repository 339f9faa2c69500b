//! Deterministic CBOR (RFC 8949, section 4.2), strict on the way in.
//!
//! Everything that is signed or hashed is a [`Document`]: a two-element array of
//! its domain tag (`"wardkey/<kind>/1"`) and a map with integer keys. Decoding
//! encodes the result again and compares: unknown or duplicate keys, another
//! order, over-long integers, indefinite lengths and trailing bytes all differ
//! and are refused by that one comparison. Fields that an older reader may pass
//! over have keys from 100 on, in documents that say so ([`Document::GROWS`]).
//!
//! Messages between the rooms ([`to_message`], [`from_message`]) are not signed;
//! there unknown map keys are passed over so that two versions can talk.

use minicbor::decode::Error as DecodeError;
use minicbor::{Decode, Decoder, Encode, Encoder};

pub use crate::codec_error::CodecError;
use crate::growth;
use crate::id::Hash;

/// Something that is signed or hashed: the domain tag keeps one kind from being taken for another.
pub trait Document: Encode<()> + for<'b> Decode<'b, ()> {
    /// `"wardkey/<kind>/<version>"`.
    const DOMAIN: &'static str;
    /// The longest encoding in bytes that is looked at.
    const MAX_BYTES: usize;
    /// Whether fields may be added that an older reader passes over (docs/FORMATS.md). Not where
    /// the encoding of what was understood stands for the whole: in what is hashed or compared
    /// again.
    const GROWS: bool;
}

/// The deterministic encoding of a document.
pub fn to_bytes<T: Document>(document: &T) -> Vec<u8> {
    let mut out = Vec::new();
    // The same sink as for messages, so that the encoder of each type is in a program once.
    let mut sink = Sink { out: Some(&mut out), length: 0 };
    let mut encoder = Encoder::new(&mut sink);
    // Writing to a Vec cannot fail; our own Encode implementations return no errors.
    let written =
        encoder.array(2).and_then(|e| e.str(T::DOMAIN)).and_then(|e| document.encode(e, &mut ()));
    debug_assert!(written.is_ok());
    out
}

/// SHA-256 of the deterministic encoding.
pub fn hash_of<T: Document>(document: &T) -> Hash {
    sha256(&to_bytes(document))
}

/// SHA-256 of bytes.
pub fn sha256(bytes: &[u8]) -> Hash {
    Hash::of(bytes)
}

/// Decodes a document strictly.
///
/// # Errors
/// [`CodecError`] when the bytes are anything but the one encoding of a valid `T`.
pub fn from_bytes<T: Document>(bytes: &[u8]) -> Result<T, CodecError> {
    let document: T = body(bytes, T::MAX_BYTES, T::DOMAIN)?.decode().map_err(malformed)?;
    let known = to_bytes(&document);
    if known != bytes && !(T::GROWS && growth::adds_what_may_be_passed_over(bytes, &known)) {
        return Err(CodecError::NotDeterministic(T::DOMAIN));
    }
    Ok(document)
}

fn malformed(error: DecodeError) -> CodecError {
    CodecError::Malformed(error.to_string())
}

/// What stands behind the domain tag. Not generic, so that it is in the PAM module once.
#[inline(never)]
fn body<'b>(bytes: &'b [u8], max: usize, domain: &'static str) -> Result<Decoder<'b>, CodecError> {
    if bytes.len() > max {
        return Err(CodecError::TooLong { max, actual: bytes.len() });
    }
    let mut decoder = Decoder::new(bytes);
    if decoder.array().map_err(malformed)? != Some(2) {
        return Err(CodecError::NotDeterministic(domain));
    }
    if decoder.str().map_err(malformed)? != domain {
        return Err(CodecError::Domain { expected: domain });
    }
    Ok(decoder)
}

/// Encodes a message between rooms.
pub fn to_message<T: Encode<()>>(message: &T) -> Vec<u8> {
    let mut out = Vec::with_capacity(message_length(message));
    append_message(message, &mut out);
    out
}

/// The length in bytes that a message has when it is encoded. Known before there is a buffer, so
/// that one that will hold a PIN never grows: what it grows out of would not be wiped.
pub fn message_length<T: Encode<()>>(message: &T) -> usize {
    encode(message, None)
}

/// Encodes a message to the end of a buffer, which does not move when it has room for
/// [`message_length`] more bytes.
pub fn append_message<T: Encode<()>>(message: &T, out: &mut Vec<u8>) {
    encode(message, Some(out));
}

/// Encodes into a buffer, or into none, and says the length. One function for both, so that the
/// encoder of each message is in a program once.
fn encode<T: Encode<()>>(message: &T, out: Option<&mut Vec<u8>>) -> usize {
    let mut sink = Sink { out, length: 0 };
    let written = Encoder::new(&mut sink).encode(message).map(|_| ());
    debug_assert!(written.is_ok());
    sink.length
}

struct Sink<'a> {
    out: Option<&'a mut Vec<u8>>,
    length: usize,
}

impl minicbor::encode::Write for Sink<'_> {
    type Error = std::convert::Infallible;

    fn write_all(&mut self, bytes: &[u8]) -> Result<(), Self::Error> {
        self.length = self.length.saturating_add(bytes.len());
        if let Some(out) = &mut self.out {
            out.extend_from_slice(bytes);
        }
        Ok(())
    }
}

/// Decodes a message between rooms: unknown fields are passed over, trailing bytes are not.
///
/// # Errors
/// [`CodecError::Malformed`] when the bytes are not one whole `T`.
pub fn from_message<T: for<'b> Decode<'b, ()>>(bytes: &[u8]) -> Result<T, CodecError> {
    let mut decoder = Decoder::new(bytes);
    let message =
        decoder.decode().map_err(|e: DecodeError| CodecError::Malformed(e.to_string()))?;
    if decoder.position() != bytes.len() {
        return Err(CodecError::Malformed("trailing bytes".into()));
    }
    Ok(message)
}

// Not generic, so that they are in the PAM module once.

#[inline(never)]
fn bounded_bytes<'b>(d: &mut Decoder<'b>, max: usize) -> Result<&'b [u8], DecodeError> {
    let bytes = d.bytes()?;
    if bytes.len() > max {
        let actual = bytes.len();
        return Err(DecodeError::custom(CodecError::TooLong { max, actual }));
    }
    Ok(bytes)
}

#[inline(never)]
fn bounded_array(d: &mut Decoder<'_>, max: usize) -> Result<u64, DecodeError> {
    let length = d.array()?.ok_or_else(|| DecodeError::message("indefinite length"))?;
    if length > max as u64 {
        return Err(DecodeError::message("too many items"));
    }
    Ok(length)
}

/// A byte string of any length up to `MAX`, encoded as one CBOR byte string.
#[derive(Clone, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Bytes<const MAX: usize>(Vec<u8>);

impl<const MAX: usize> Bytes<MAX> {
    /// Takes bytes.
    ///
    /// # Errors
    /// [`CodecError::TooLong`] above `MAX` bytes.
    pub fn new(bytes: impl Into<Vec<u8>>) -> Result<Self, CodecError> {
        let bytes = bytes.into();
        if bytes.len() > MAX {
            return Err(CodecError::TooLong { max: MAX, actual: bytes.len() });
        }
        Ok(Self(bytes))
    }

    /// The bytes.
    pub fn as_slice(&self) -> &[u8] {
        &self.0
    }

    /// Gives the bytes away.
    pub fn into_vec(self) -> Vec<u8> {
        self.0
    }
}

impl<const MAX: usize> AsRef<[u8]> for Bytes<MAX> {
    fn as_ref(&self) -> &[u8] {
        &self.0
    }
}

impl<C, const MAX: usize> Encode<C> for Bytes<MAX> {
    fn encode<W: minicbor::encode::Write>(
        &self,
        e: &mut Encoder<W>,
        _: &mut C,
    ) -> Result<(), minicbor::encode::Error<W::Error>> {
        e.bytes(&self.0)?.ok()
    }
}

impl<'b, C, const MAX: usize> Decode<'b, C> for Bytes<MAX> {
    fn decode(d: &mut Decoder<'b>, _: &mut C) -> Result<Self, DecodeError> {
        bounded_bytes(d, MAX).map(|bytes| Self(bytes.to_vec()))
    }
}

/// A list of at most `MAX` items, so that hostile input cannot make us allocate without bound.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct List<T, const MAX: usize>(Vec<T>);

impl<T, const MAX: usize> Default for List<T, MAX> {
    fn default() -> Self {
        Self(Vec::new())
    }
}

impl<T, const MAX: usize> List<T, MAX> {
    /// Takes items.
    ///
    /// # Errors
    /// [`CodecError::TooLong`] above `MAX` items.
    pub fn new(items: Vec<T>) -> Result<Self, CodecError> {
        if items.len() > MAX {
            return Err(CodecError::TooLong { max: MAX, actual: items.len() });
        }
        Ok(Self(items))
    }

    /// Gives the items away.
    pub fn into_vec(self) -> Vec<T> {
        self.0
    }
}

impl<T, const MAX: usize> std::ops::Deref for List<T, MAX> {
    type Target = [T];
    fn deref(&self) -> &[T] {
        &self.0
    }
}

impl<C, T: Encode<C>, const MAX: usize> Encode<C> for List<T, MAX> {
    fn encode<W: minicbor::encode::Write>(
        &self,
        e: &mut Encoder<W>,
        ctx: &mut C,
    ) -> Result<(), minicbor::encode::Error<W::Error>> {
        e.array(self.0.len() as u64)?;
        for item in &self.0 {
            item.encode(e, ctx)?;
        }
        Ok(())
    }
}

impl<'b, C, T: Decode<'b, C>, const MAX: usize> Decode<'b, C> for List<T, MAX> {
    fn decode(d: &mut Decoder<'b>, ctx: &mut C) -> Result<Self, DecodeError> {
        let length = bounded_array(d, MAX)?;
        let mut items = Vec::new();
        for _ in 0..length {
            items.push(T::decode(d, ctx)?);
        }
        Ok(Self(items))
    }
}
