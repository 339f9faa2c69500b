//! The join token: what an administrator carries from the server to a new terminal.
//!
//! ```text
//!   wkj2-  seed (13 bytes) ─┬─ id (8): names the token at the server
//!                           ├─ secret (16): never travels, an HMAC proves it
//!                           └─ with the first root key ─> binding (10)
//!          binding, checksum (2): in the text beside the seed
//! ```
//! The text is 40 digits of Crockford's base32 (no I, L, O, U) in groups of five. By the binding a
//! terminal knows its server before it trusts any certificate. It is keyed by the seed: without the
//! token nobody can look for another root key that fits, and with it nobody can begin before the
//! token was made, so 80 bits are enough where a plain hash, the same in every token of a
//! deployment, had 128. `wkj1-` is the longer form of 0.1: id, secret, plain hash, no
//! checksum.

use zeroize::{Zeroize, ZeroizeOnDrop};

use crate::code::Code;
use crate::codec;
use crate::id::SigningPublicKey;

const PREFIX: &str = "wkj2-";
const PREFIX_OF_BEFORE: &str = "wkj1-";
/// Digits that stand together.
const GROUP: usize = 5;
/// What is hashed before the parts of a token, so that each hash means nothing elsewhere.
const ID: &[u8] = b"wardkey/join-token/2/id\0";
const SECRET: &[u8] = b"wardkey/join-token/2/secret\0";
const BINDING: &[u8] = b"wardkey/join-token/2/root\0";
const CHECKSUM: &[u8] = b"wardkey/join-token/2/checksum\0";
const ALPHABET: &[u8; 32] = b"0123456789ABCDEFGHJKMNPQRSTVWXYZ";

/// Why a text is no join token.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum TokenError {
    /// It has not the form of one: copy it from its beginning to its end.
    #[error("not a join token")]
    Form,
    /// It has the form, and its parts do not fit together: it was mistyped.
    #[error("the parts of the join token do not fit together")]
    Mistyped,
}

impl TokenError {
    /// The code under which people are told.
    pub const fn code(self) -> Code {
        match self {
            Self::Form => Code::JoinTokenInvalid,
            Self::Mistyped => Code::JoinTokenMistyped,
        }
    }
}

/// A join token.
#[derive(Clone, PartialEq, Eq, Zeroize, ZeroizeOnDrop)]
pub struct JoinToken {
    /// Names the token at the server.
    pub id: [u8; 8],
    /// Known to the server and whoever holds the token.
    pub secret: [u8; 16],
    root: Root,
}

/// What ties a token to the deployment's first root key.
#[derive(Clone, PartialEq, Eq, Zeroize)]
enum Root {
    /// Keyed by the seed, of which id and secret are made too.
    Binding { seed: [u8; 13], binding: [u8; 10] },
    /// Of before: the beginning of the key's SHA-256.
    Hash([u8; 16]),
}

impl JoinToken {
    /// The token of a random seed for a deployment.
    pub fn new(seed: [u8; 13], root_key: &SigningPublicKey) -> Self {
        Self::of(seed, binding(&seed, root_key))
    }

    fn of(seed: [u8; 13], binding: [u8; 10]) -> Self {
        Self {
            id: hash(&[ID, &seed]),
            secret: hash(&[SECRET, &seed]),
            root: Root::Binding { seed, binding },
        }
    }

    /// Whether a root key is the deployment's.
    pub fn is_for(&self, root_key: &SigningPublicKey) -> bool {
        match &self.root {
            Root::Binding { seed, binding: bound } => *bound == binding(seed, root_key),
            Root::Hash(root) => *root == hash(&[root_key.as_bytes()]),
        }
    }

    /// The text that people copy.
    pub fn to_text(&self) -> String {
        match &self.root {
            Root::Binding { seed, binding } => {
                let sum = checksum(seed, binding);
                let digits = base32(&[&seed[..], &binding[..], &sum[..]].concat());
                let digits: Vec<char> = digits.chars().collect();
                let groups: Vec<String> =
                    digits.chunks(GROUP).map(|group| group.iter().collect()).collect();
                format!("{PREFIX}{}", groups.join("-"))
            }
            Root::Hash(root) => {
                let bytes = [&self.id[..], &self.secret[..], &root[..]].concat();
                format!("{PREFIX_OF_BEFORE}{}", base32(&bytes))
            }
        }
    }

    /// Reads the text. Small letters, O for 0, I or L for 1, blanks and missing dashes are
    /// understood.
    ///
    /// # Errors
    /// [`TokenError`].
    pub fn from_text(text: &str) -> Result<Self, TokenError> {
        let text = text.trim();
        if let Some(digits) = after(text, PREFIX_OF_BEFORE) {
            return Self::from_digits_of_before(digits).ok_or(TokenError::Form);
        }
        let digits = after(text, PREFIX).ok_or(TokenError::Form)?;
        let digits: String = digits.chars().filter(|c| !matches!(c, '-' | ' ')).collect();
        let bytes = from_base32(&digits).ok_or(TokenError::Form)?;
        let (seed, rest) = bytes.split_first_chunk::<13>().ok_or(TokenError::Form)?;
        let (binding, sum) = rest.split_first_chunk::<10>().ok_or(TokenError::Form)?;
        match sum {
            [_, _] if checksum(seed, binding) == sum => Ok(Self::of(*seed, *binding)),
            [_, _] => Err(TokenError::Mistyped),
            _ => Err(TokenError::Form),
        }
    }

    fn from_digits_of_before(digits: &str) -> Option<Self> {
        let bytes = from_base32(digits)?;
        let (id, rest) = bytes.split_first_chunk::<8>()?;
        let (secret, root) = rest.split_first_chunk::<16>()?;
        Some(Self { id: *id, secret: *secret, root: Root::Hash(root.try_into().ok()?) })
    }
}

/// What follows a prefix, however it is spelt.
fn after<'t>(text: &'t str, prefix: &str) -> Option<&'t str> {
    let (begins, rest) = text.split_at_checked(prefix.len())?;
    begins.eq_ignore_ascii_case(prefix).then_some(rest)
}

fn binding(seed: &[u8; 13], root_key: &SigningPublicKey) -> [u8; 10] {
    hash(&[BINDING, seed, root_key.as_bytes()])
}

fn checksum(seed: &[u8; 13], binding: &[u8; 10]) -> [u8; 2] {
    hash(&[CHECKSUM, seed, binding])
}

/// The beginning of the SHA-256 of parts that each have one length.
fn hash<const N: usize>(parts: &[&[u8]]) -> [u8; N] {
    let mut out = [0; N];
    let whole = codec::sha256(&parts.concat());
    out.iter_mut().zip(whole.as_bytes()).for_each(|(to, from)| *to = *from);
    out
}

impl std::fmt::Debug for JoinToken {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "JoinToken({}, secret redacted)", crate::id::to_hex(&self.id))
    }
}

/// Bytes as base32 digits of Crockford's alphabet, most significant bit first.
pub fn base32(bytes: &[u8]) -> String {
    let mut out = String::with_capacity(bytes.len().div_ceil(5) * 8);
    let (mut held, mut bits) = (0u32, 0);
    let digit =
        |value: u32| ALPHABET.get((value & 31) as usize).map_or('0', |digit| char::from(*digit));
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

    fn key(byte: u8) -> SigningPublicKey {
        SigningPublicKey::new([byte; 32])
    }

    #[test]
    fn a_token_survives_being_copied_by_hand() {
        let token = JoinToken::new([0xab; 13], &key(7));
        let text = token.to_text();
        assert_eq!(text.len(), 52, "{text}");
        for copied in [
            text.clone(),
            format!(" {}\n", text.to_lowercase()),
            text.replace('-', " ").replacen(' ', "-", 1),
            format!("{PREFIX}{}", text[PREFIX.len()..].replace('-', "")),
            text.replace('0', "o").replace('1', "l"),
        ] {
            assert_eq!(JoinToken::from_text(&copied).unwrap(), token, "{copied}");
        }
        assert!(token.is_for(&key(7)) && !token.is_for(&key(8)));
        assert_ne!(JoinToken::new([0xac; 13], &key(7)).to_text()[..20], text[..20]);
        let no_token = [
            "",
            "wkj1-",
            "wkj2-",
            "wkj3-0",
            "wkj2-zzzz",
            "日本語日本語",
            &text[5..],
            &format!("{text}00"),
            &text[..text.len() - 2],
        ];
        for wrong in no_token {
            assert_eq!(JoinToken::from_text(wrong), Err(TokenError::Form), "{wrong}");
        }
    }

    /// Parts, each of which another program can make: the text never changes its meaning.
    #[test]
    fn the_text_says_for_ever_what_it_says_now() {
        let token = JoinToken::new([0x11; 13], &key(0x22));
        let sha256 = |parts: &[&[u8]]| codec::sha256(&parts.concat()).as_bytes().to_vec();
        let seed = [0x11; 13];
        assert_eq!(token.id, sha256(&[b"wardkey/join-token/2/id\0", &seed])[..8]);
        assert_eq!(token.secret, sha256(&[b"wardkey/join-token/2/secret\0", &seed])[..16]);
        let binding = &sha256(&[b"wardkey/join-token/2/root\0", &seed, &[0x22; 32]])[..10];
        let sum = &sha256(&[b"wardkey/join-token/2/checksum\0", &seed, binding])[..2];
        let digits = base32(&[&seed[..], binding, sum].concat());
        assert_eq!(token.to_text().replace('-', ""), format!("wkj2{digits}"));
    }

    #[test]
    fn a_typing_error_shows() {
        let text = JoinToken::new([0xab; 13], &key(7)).to_text();
        for at in (PREFIX.len()..text.len()).filter(|at| text.as_bytes()[*at] != b'-') {
            let mut typed = text.clone().into_bytes();
            typed[at] = if typed[at] == b'7' { b'8' } else { b'7' };
            let typed = String::from_utf8(typed).unwrap();
            assert_eq!(JoinToken::from_text(&typed), Err(TokenError::Mistyped), "{at}");
        }
    }

    #[test]
    fn a_token_of_before_is_read() {
        let (secret, root) = ([0xab; 16], hash(&[&[7; 32]]));
        let token = JoinToken { id: [1; 8], secret, root: Root::Hash(root) };
        let text = token.to_text();
        assert!(text.starts_with("wkj1-") && text.len() == 69, "{text}");
        let read = JoinToken::from_text(&text.to_lowercase()).unwrap();
        assert!(read == token && read.is_for(&key(7)));
        assert!(!read.is_for(&key(8)));
    }
}
