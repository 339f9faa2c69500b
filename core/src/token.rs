//! The join token: what an administrator carries from the server to a new terminal, also by typing
//! it.
//!
//! ```text
//!   seed (10 digits) ─┬─ Argon2id ──> id (8 bytes): names the token at the server
//!                     │               secret (16): never travels, an HMAC proves it
//!                     └─ Argon2id with the first root key ──> binding (9 digits)
//!   text: seed, binding, check digit
//! ```
//! The text is 20 digits of Crockford's base32 in groups of five.
//!
//! By the binding a terminal knows its server before it trusts any certificate. 45 bits are enough
//! because nobody can try them alone. Who is in the middle and has no token guesses once for each
//! join that an administrator begins. Who has read the token could look for another root key that
//! fits: each try costs an Argon2id, which makes more than ten thousand years of a processor, for a
//! token that lives a day and never longer than [`MAX_SECONDS`], and nobody can begin before it is
//! made.
//!
//! The seed has 50 bits, as the code of a pass. At the server it is guessed as often as the server
//! answers. Who knows the id (lists and files show it), or the secret (the server's database),
//! pays an Argon2id for each try, too.

mod digits;
mod error;
mod long;

use zeroize::{Zeroize, ZeroizeOnDrop, Zeroizing};

use crate::id::SigningPublicKey;
use crate::stretch::{Cost, stretch};
pub use digits::{base32, from_base32};
pub use error::TokenError;
use long::{Long, LongRoot};

/// The longest that a token may be valid, in seconds: 30 days. Whoever has read one has no longer
/// to look for a root key that fits its binding, which takes some hundred thousand processors then.
pub const MAX_SECONDS: u64 = 30 * 86_400;
/// Digits that stand together.
const GROUP: usize = 5;
const SEED: usize = 10;
const BINDING: usize = 9;
const DIGITS: usize = SEED + BINDING + 1;
/// What a try costs: some 25 ms of a processor, and 19 MiB.
const COST: Cost = Cost { memory_kib: 19 * 1024, passes: 2 };
/// What is mixed in, so that each hash means nothing elsewhere.
const FOR_SERVER: &[u8] = b"wardkey/join-token/3/server";
const FOR_ROOT: &[u8] = b"wardkey/join-token/3/root";

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
    /// Digits of the text.
    Binding { seed: [u8; SEED], binding: [u8; BINDING] },
    /// Of before.
    Long(LongRoot),
}

impl JoinToken {
    /// The token of a random seed for a deployment, and the text that people copy.
    ///
    /// # Errors
    /// [`TokenError::Memory`].
    pub fn make(
        seed: [u8; SEED],
        root_key: &SigningPublicKey,
    ) -> Result<(Self, String), TokenError> {
        // Five bits of each.
        let seed = seed.map(|byte| byte & 31);
        let binding = binding_of(COST, &seed, root_key)?;
        Ok((Self::of(seed, binding)?, text_of(&seed, &binding)))
    }

    fn of(seed: [u8; SEED], binding: [u8; BINDING]) -> Result<Self, TokenError> {
        let mut both = Zeroizing::new([0; 24]);
        stretch(COST, &seed, FOR_SERVER, both.as_mut_slice())?;
        let (mut id, mut secret) = ([0; 8], [0; 16]);
        id.iter_mut().chain(&mut secret).zip(both.iter()).for_each(|(to, from)| *to = *from);
        Ok(Self { id, secret, root: Root::Binding { seed, binding } })
    }

    /// Whether a root key is the deployment's.
    ///
    /// # Errors
    /// [`TokenError::Memory`]: then nobody knows.
    pub fn is_for(&self, root_key: &SigningPublicKey) -> Result<bool, TokenError> {
        self.is_for_at(COST, root_key)
    }

    fn is_for_at(&self, cost: Cost, root_key: &SigningPublicKey) -> Result<bool, TokenError> {
        match &self.root {
            Root::Binding { seed, binding } => Ok(binding_of(cost, seed, root_key)? == *binding),
            Root::Long(root) => Ok(root.is(root_key)),
        }
    }

    /// Reads the text. Small letters, O for 0, I or L for 1, blanks and missing dashes are
    /// understood.
    ///
    /// # Errors
    /// [`TokenError`].
    pub fn from_text(text: &str) -> Result<Self, TokenError> {
        let text = text.trim();
        if let Some(read) = long::read(text) {
            let Long { id, secret, root } = read?;
            return Ok(Self { id, secret, root: Root::Long(root) });
        }
        let typed = text.chars().filter(|c| !matches!(c, '-' | ' '));
        let values: Option<Vec<u8>> = typed.map(digits::value).collect();
        let values = Zeroizing::new(values.ok_or(TokenError::Form)?);
        if values.len() != DIGITS {
            // A digit or two too many or too few are a slip; another text is something else.
            let is_near = values.len().abs_diff(DIGITS) <= 2;
            return Err(if is_near { TokenError::Mistyped } else { TokenError::Form });
        }

        let (seed, rest) = values.split_first_chunk::<SEED>().ok_or(TokenError::Form)?;
        let (binding, last) = rest.split_first_chunk::<BINDING>().ok_or(TokenError::Form)?;
        if *last != [check_of(seed, binding)] {
            return Err(TokenError::Mistyped);
        }
        Self::of(*seed, *binding)
    }
}

fn binding_of(
    cost: Cost,
    seed: &[u8],
    root_key: &SigningPublicKey,
) -> Result<[u8; BINDING], TokenError> {
    let mut binding = [0; BINDING];
    let both = Zeroizing::new([seed, root_key.as_bytes()].concat());
    stretch(cost, &both, FOR_ROOT, &mut binding)?;
    Ok(binding.map(|byte| byte & 31))
}

fn check_of(seed: &[u8; SEED], binding: &[u8; BINDING]) -> u8 {
    digits::check(&[&seed[..], &binding[..]].concat())
}

fn text_of(seed: &[u8; SEED], binding: &[u8; BINDING]) -> String {
    let values = seed.iter().chain(binding).copied().chain([check_of(seed, binding)]);
    let digits: Vec<char> = values.map(digits::digit).collect();
    digits.chunks(GROUP).map(String::from_iter).collect::<Vec<_>>().join("-")
}

impl std::fmt::Debug for JoinToken {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "JoinToken({}, secret redacted)", crate::id::to_hex(&self.id))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn key(byte: u8) -> SigningPublicKey {
        SigningPublicKey::new([byte; 32])
    }

    fn made() -> (JoinToken, String) {
        JoinToken::make([0, 1, 2, 3, 40, 5, 6, 7, 8, 31], &key(7)).unwrap()
    }

    #[test]
    fn a_token_of_twenty_digits_survives_being_copied_by_hand() {
        let (token, text) = made();
        assert_eq!(text.len(), 23, "{text}");
        assert!(text.starts_with("01238-5678Z-"), "{text}");
        for copied in [
            text.clone(),
            format!(" {}\n", text.to_lowercase()),
            text.replace('-', " "),
            text.replace('-', ""),
            text.replace('0', "o").replace('1', "l"),
        ] {
            assert_eq!(JoinToken::from_text(&copied).unwrap(), token, "{copied}");
        }
        assert_eq!((token.is_for(&key(7)), token.is_for(&key(8))), (Ok(true), Ok(false)));

        let other = JoinToken::make([9; 10], &key(7)).unwrap();
        assert!(other.0.id != token.id && other.0.secret != token.secret);
        assert_ne!(other.1[12..], text[12..], "the binding is keyed by the seed");
    }

    #[test]
    fn a_hash_that_could_not_be_made_says_nothing_of_the_deployment() {
        let (token, _) = made();
        // Less than Argon2 takes at the least.
        let none = Cost { memory_kib: 1, passes: 1 };
        assert_eq!(token.is_for_at(none, &key(7)), Err(TokenError::Memory));
        assert_eq!(TokenError::Memory.code(), crate::code::Code::Internal);
    }

    #[test]
    fn a_slip_shows_and_another_text_is_no_token() {
        let (_, text) = made();
        for at in (0..text.len()).filter(|at| text.as_bytes()[*at] != b'-') {
            let mut typed = text.clone().into_bytes();
            typed[at] = if typed[at] == b'7' { b'8' } else { b'7' };
            let typed = String::from_utf8(typed).unwrap();
            assert_eq!(JoinToken::from_text(&typed), Err(TokenError::Mistyped), "{at}");
        }
        for slip in [&text[1..], &text[..22], &format!("{text}0")] {
            assert_eq!(JoinToken::from_text(slip), Err(TokenError::Mistyped), "{slip}");
        }
        let code = "ABCD-EFGH-JKMN";
        for wrong in ["", "-", code, "wkj3-", "日本語日本語", &text.replace('-', "_"), &text[6..]]
        {
            assert_eq!(JoinToken::from_text(wrong), Err(TokenError::Form), "{wrong}");
        }
    }

    /// Parts, each of which another program can make: the text never changes its meaning.
    #[test]
    fn the_text_says_for_ever_what_it_says_now() {
        use argon2::{Algorithm, Argon2, Params, Version};

        let seed = [0x11; 10];
        let (token, text) = JoinToken::make(seed, &key(0x22)).unwrap();
        let hashed = |typed: &[u8], salt: &[u8], length| {
            let params = Params::new(19 * 1024, 2, 1, Some(length)).unwrap();
            let mut out = vec![0; length];
            Argon2::new(Algorithm::Argon2id, Version::V0x13, params)
                .hash_password_into(typed, salt, &mut out)
                .unwrap();
            out
        };
        let both = hashed(&seed, b"wardkey/join-token/3/server", 24);
        assert_eq!([&token.id[..], &token.secret[..]].concat(), both);

        let typed = [&seed[..], &[0x22; 32]].concat();
        let binding = hashed(&typed, b"wardkey/join-token/3/root", 9);
        let alphabet = b"0123456789ABCDEFGHJKMNPQRSTVWXYZ";
        let digits: String =
            binding.iter().map(|byte| char::from(alphabet[usize::from(byte & 31)])).collect();
        let typed = text.replace('-', "");
        assert_eq!(typed[..19], format!("HHHHHHHHHH{digits}"));
        assert_eq!(text, "HHHHH-HHHHH-KS6F9-CZN28");
    }
}
