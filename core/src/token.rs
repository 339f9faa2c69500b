//! The join token: what an administrator carries from the server to a new terminal.
//!
//! `wkj1-` and base32 (Crockford's alphabet without I, L, O, U) of: token id (8 bytes), secret (16),
//! first 16 bytes of the SHA-256 of the first root key. Two bytes of the id are a checksum. The secret never travels: the terminal proves
//! it by an HMAC; the hash lets the terminal know its server before it trusts any certificate.

use zeroize::{Zeroize, ZeroizeOnDrop};

use crate::codec::{self, CodecError};
use crate::id::SigningPublicKey;

const PREFIX: &str = "wkj1-";
/// Bytes of the id that are random; the others are the checksum.
const CHECKED_ID: usize = 6;
/// What is hashed before the token, so that the hash means nothing elsewhere.
const CHECKSUM_DOMAIN: &[u8] = b"wardkey/token-checksum/1\0";
const ALPHABET: &[u8; 32] = b"0123456789ABCDEFGHJKMNPQRSTVWXYZ";

/// A join token.
#[derive(Clone, PartialEq, Eq, Zeroize, ZeroizeOnDrop)]
pub struct JoinToken {
    /// Names the token at the server.
    pub id: [u8; 8],
    /// Known to the server and whoever holds the token.
    pub secret: [u8; 16],
    /// Beginning of the SHA-256 of the deployment's first root key.
    pub root: [u8; 16],
}

impl JoinToken {
    /// A token for a deployment.
    pub fn new(id: [u8; 8], secret: [u8; 16], root_key: &SigningPublicKey) -> Self {
        Self { id, secret, root: root_hash(root_key) }
    }

    /// The same token with a checksum in the last two bytes of its id, which shows typing errors. Readers of
    /// before take it as any other token.
    #[must_use]
    pub fn with_checksum(mut self) -> Self {
        let sum = self.checksum();
        self.id.iter_mut().skip(CHECKED_ID).zip(sum).for_each(|(to, from)| *to = from);
        self
    }

    /// Whether the checksum is right. Tokens of servers from before 0.2 have none, so a wrong one is only a
    /// hint at why a server refuses the token.
    pub fn has_checksum(&self) -> bool {
        self.id.iter().skip(CHECKED_ID).copied().eq(self.checksum())
    }

    fn checksum(&self) -> impl Iterator<Item = u8> + use<> {
        let id = self.id.get(..CHECKED_ID).unwrap_or_default();
        let hash = codec::sha256(&[CHECKSUM_DOMAIN, id, &self.secret, &self.root].concat());
        hash.as_bytes().to_vec().into_iter().take(2)
    }

    /// Whether a root key is the deployment's.
    pub fn is_for(&self, root_key: &SigningPublicKey) -> bool {
        self.root == root_hash(root_key)
    }

    /// The text that people copy.
    pub fn to_text(&self) -> String {
        let bytes = [&self.id[..], &self.secret[..], &self.root[..]].concat();
        format!("{PREFIX}{}", base32(&bytes))
    }

    /// Reads the text; small letters, and O for 0, I or L for 1, are understood.
    ///
    /// # Errors
    /// [`CodecError::Malformed`] when it is no join token.
    pub fn from_text(text: &str) -> Result<Self, CodecError> {
        let bad = || CodecError::Malformed("not a join token".into());
        let digits = text.trim().strip_prefix(PREFIX).ok_or_else(bad)?;
        let bytes = from_base32(digits).ok_or_else(bad)?;
        let (id, rest) = bytes.split_first_chunk::<8>().ok_or_else(bad)?;
        let (secret, root) = rest.split_first_chunk::<16>().ok_or_else(bad)?;
        Ok(Self { id: *id, secret: *secret, root: root.try_into().map_err(|_| bad())? })
    }
}

impl std::fmt::Debug for JoinToken {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "JoinToken({}, secret redacted)", crate::id::to_hex(&self.id))
    }
}

fn root_hash(key: &SigningPublicKey) -> [u8; 16] {
    let mut out = [0; 16];
    out.iter_mut().zip(codec::sha256(key.as_bytes()).as_bytes()).for_each(|(to, from)| *to = *from);
    out
}

/// Bytes as base32 digits of Crockford's alphabet, most significant bit first.
pub fn base32(bytes: &[u8]) -> String {
    let mut out = String::with_capacity(bytes.len().div_ceil(5) * 8);
    let (mut held, mut bits) = (0u32, 0);
    let digit = |value: u32| ALPHABET.get((value & 31) as usize).map_or('0', |digit| char::from(*digit));
    for byte in bytes {
        held = (held << 8) | u32::from(*byte);
        bits += 8;
        while bits >= 5 {
            bits -= 5;
            out.push(digit(held >> bits));
        }
        held &= (1 << bits) - 1;
    }
    if bits > 0 {
        out.push(digit(held << (5 - bits)));
    }
    out
}

/// Bytes of base32 digits; `None` for another character or left-over bits that are not zero.
pub fn from_base32(text: &str) -> Option<Vec<u8>> {
    let mut out = Vec::with_capacity(text.len() * 5 / 8);
    let (mut held, mut bits) = (0u32, 0);
    for c in text.chars() {
        let c = match c.to_ascii_uppercase() {
            'O' => '0',
            'I' | 'L' => '1',
            c => c,
        };
        let value = ALPHABET.iter().position(|digit| char::from(*digit) == c)? as u32;
        held = (held << 5) | value;
        bits += 5;
        if bits >= 8 {
            bits -= 8;
            out.push((held >> bits) as u8);
            held &= (1 << bits) - 1;
        }
    }
    (held == 0 && bits < 5).then_some(out)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_token_survives_being_copied_by_hand() {
        let token = JoinToken::new([1; 8], [0xab; 16], &SigningPublicKey::new([7; 32]));
        let text = token.to_text();
        assert_eq!(JoinToken::from_text(&text).unwrap(), token);
        assert_eq!(JoinToken::from_text(&format!(" wkj1-{}\n", text[5..].to_lowercase())).unwrap(), token);
        assert!(token.is_for(&SigningPublicKey::new([7; 32])));
        assert!(!token.is_for(&SigningPublicKey::new([8; 32])));
        for wrong in ["", "wkj1-", "wkj1-zzzz", &text[5..], &format!("{text}0"), &text[..text.len() - 1]] {
            assert!(JoinToken::from_text(wrong).is_err(), "{wrong}");
        }
    }

    #[test]
    fn a_typing_error_shows() {
        let plain = JoinToken::new([1; 8], [0xab; 16], &SigningPublicKey::new([7; 32]));
        assert!(!plain.has_checksum());
        let token = plain.with_checksum();
        assert!(token.has_checksum());
        let text = token.to_text();
        for at in "wkj1-".len()..text.len() {
            let mut typed = text.clone().into_bytes();
            typed[at] = if typed[at] == b'7' { b'8' } else { b'7' };
            let typed = JoinToken::from_text(std::str::from_utf8(&typed).unwrap()).unwrap();
            assert!(!typed.has_checksum(), "{at}");
        }
    }
}
