//! Tokens that were made before, which are read as long as they are valid: `wkj2-` with 40 digits,
//! and `wkj1-` of 0.1 with 64.
//!
//! ```text
//!   wkj2-  seed (13 bytes) ─┬─ id (8), secret (16)
//!                           └─ with the first root key ─> binding (10)
//!          binding, checksum (2): in the text beside the seed
//!   wkj1-  id, secret, beginning of the root key's SHA-256 (16)
//! ```

use zeroize::Zeroize;

use super::digits::from_base32;
use super::error::TokenError;
use crate::codec;
use crate::id::SigningPublicKey;

const PREFIX_2: &str = "wkj2-";
const PREFIX_1: &str = "wkj1-";
/// What is hashed before the parts of a token, so that each hash means nothing elsewhere.
const ID: &[u8] = b"wardkey/join-token/2/id\0";
const SECRET: &[u8] = b"wardkey/join-token/2/secret\0";
const BINDING: &[u8] = b"wardkey/join-token/2/root\0";
const CHECKSUM: &[u8] = b"wardkey/join-token/2/checksum\0";

/// The parts of such a token.
pub(super) struct Long {
    pub(super) id: [u8; 8],
    pub(super) secret: [u8; 16],
    pub(super) root: LongRoot,
}

/// What ties such a token to the deployment's first root key.
#[derive(Clone, PartialEq, Eq, Zeroize)]
pub(super) enum LongRoot {
    /// Keyed by the seed, of which id and secret are made too.
    Binding { seed: [u8; 13], binding: [u8; 10] },
    /// The beginning of the key's SHA-256.
    Hash([u8; 16]),
}

impl LongRoot {
    pub(super) fn is(&self, root_key: &SigningPublicKey) -> bool {
        match self {
            Self::Binding { seed, binding } => {
                *binding == hash::<10>(&[BINDING, seed, root_key.as_bytes()])
            }
            Self::Hash(root) => *root == hash::<16>(&[root_key.as_bytes()]),
        }
    }
}

/// Reads a text with one of the prefixes; `None` when it has none.
pub(super) fn read(text: &str) -> Option<Result<Long, TokenError>> {
    if let Some(digits) = after(text, PREFIX_1) {
        return Some(first(digits).ok_or(TokenError::Form));
    }
    after(text, PREFIX_2).map(second)
}

/// What follows a prefix, however it is spelt.
fn after<'t>(text: &'t str, prefix: &str) -> Option<&'t str> {
    let (begins, rest) = text.split_at_checked(prefix.len())?;
    begins.eq_ignore_ascii_case(prefix).then_some(rest)
}

fn first(digits: &str) -> Option<Long> {
    let bytes = from_base32(digits)?;
    let (id, rest) = bytes.split_first_chunk::<8>()?;
    let (secret, root) = rest.split_first_chunk::<16>()?;
    let root = LongRoot::Hash(root.try_into().ok()?);
    Some(Long { id: *id, secret: *secret, root })
}

fn second(digits: &str) -> Result<Long, TokenError> {
    let digits: String = digits.chars().filter(|c| !matches!(c, '-' | ' ')).collect();
    let bytes = from_base32(&digits).ok_or(TokenError::Form)?;
    let (seed, rest) = bytes.split_first_chunk::<13>().ok_or(TokenError::Form)?;
    let (binding, sum) = rest.split_first_chunk::<10>().ok_or(TokenError::Form)?;
    let sum: [u8; 2] = sum.try_into().map_err(|_| TokenError::Form)?;
    if hash::<2>(&[CHECKSUM, seed, binding]) != sum {
        return Err(TokenError::Mistyped);
    }
    Ok(Long {
        id: hash(&[ID, seed]),
        secret: hash(&[SECRET, seed]),
        root: LongRoot::Binding { seed: *seed, binding: *binding },
    })
}

/// The beginning of the SHA-256 of parts that each have one length.
fn hash<const N: usize>(parts: &[&[u8]]) -> [u8; N] {
    let mut out = [0; N];
    let whole = codec::sha256(&parts.concat());
    out.iter_mut().zip(whole.as_bytes()).for_each(|(to, from)| *to = *from);
    out
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::token::JoinToken;

    /// Made by the versions of before: seed 0xab, and id 1, secret 0xab; root key 7.
    const SECOND: &str = "wkj2-NENTQ-AXBNE-NTQAX-BNENT-Q8PG4-CNJ59-WTEAZ-RJT2Z";
    const FIRST: &str = "wkj1-040G2081040G3AXBNENTQAXBNENTQAXBNENTQATBP1QRWKHTEWAX40ENEF8AMGHQ";

    #[test]
    fn tokens_of_before_are_read() {
        let key = |byte| SigningPublicKey::new([byte; 32]);
        let spaced = SECOND.replace('-', " ").replacen(' ', "-", 1);
        for text in [SECOND, FIRST, &SECOND.to_lowercase(), &FIRST.to_lowercase(), &spaced] {
            let token = JoinToken::from_text(text).unwrap();
            assert_eq!(token.is_for(&key(7)), Ok(true), "{text}");
            assert_eq!(token.is_for(&key(8)), Ok(false), "{text}");
        }
        let first = JoinToken::from_text(FIRST).unwrap();
        assert_eq!((first.id, first.secret), ([1; 8], [0xab; 16]));
        let second = JoinToken::from_text(SECOND).unwrap();
        assert_eq!(second.id, hash::<8>(&[ID, &[0xab; 13]]));
        assert_eq!(second.secret, hash::<16>(&[SECRET, &[0xab; 13]]));
    }

    #[test]
    fn what_is_cut_off_or_mistyped_is_refused() {
        for at in (PREFIX_2.len()..SECOND.len()).filter(|at| SECOND.as_bytes()[*at] != b'-') {
            let mut typed = SECOND.as_bytes().to_vec();
            typed[at] = if typed[at] == b'7' { b'8' } else { b'7' };
            let typed = String::from_utf8(typed).unwrap();
            assert_eq!(JoinToken::from_text(&typed), Err(TokenError::Mistyped), "{at}");
        }
        let short = |text: &str| text[..text.len() - 2].to_owned();
        let no_token =
            [PREFIX_1.into(), PREFIX_2.into(), "wkj2-zzzz".into(), short(SECOND), short(FIRST)];
        for wrong in no_token {
            assert_eq!(JoinToken::from_text(&wrong), Err(TokenError::Form), "{wrong}");
        }
    }
}
