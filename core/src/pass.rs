//! Passes: for somebody whose key is at home, a code that lets them in for some hours.
//!
//! ```text
//!   code ── Argon2id, salt ──> secret ──> Ed25519 key pair
//!   typed                      nowhere    its public key stands in the person's record
//! ```
//! Neither code nor secret is in the directory, in a message to the agent, or in a record. Who
//! types the right code can sign a login with it; everybody can verify that, and nobody can make
//! it from what is published.

use minicbor::{Decode, Encode};
use zeroize::Zeroizing;

use crate::id::{PassId, Salt, SigningPublicKey, TerminalId};
use crate::name::{DisplayText, ScopeName};
use crate::text_codec::text_codec;
use crate::time::UnixTime;

/// Characters of a code; five bits each.
pub const CODE_CHARS: usize = 10;
/// Characters of a sealed code (break-glass), which is valid for long: eighty bits.
pub const SEALED_CHARS: usize = 16;
/// Digits of a code that a person chooses for a vouch: never the shape of a pass's.
pub const CHOSEN_LEAST: usize = 6;
/// The most of them.
pub const CHOSEN_MOST: usize = CODE_CHARS - 1;
/// Wrong codes until a pass is void at a terminal.
pub const MAX_TRIES: u8 = 5;
/// The longest that any policy may let a pass be, in seconds.
pub const MAX_SECONDS: u64 = 72 * 3600;
/// The longest that any policy may let a sealed code be, in seconds.
pub const MAX_SEALED_SECONDS: u64 = 400 * 24 * 3600;
/// Argon2id (RFC 9106), 64 MiB, three passes, one lane: the second recommendation of its section
/// 4, in one lane.
pub const HASH: u8 = 1;
/// Digits and letters without I, L, O and U, which look like others.
const ALPHABET: &[u8; 32] = b"0123456789ABCDEFGHJKMNPQRSTVWXYZ";

/// A pass, as the server publishes it in the person's record.
#[derive(Clone, Debug, PartialEq, Eq, Encode, Decode)]
#[cbor(map)]
pub struct Pass {
    /// Names it in records.
    #[n(0)]
    pub id: PassId,
    /// What the code is hashed with.
    #[n(1)]
    pub salt: Salt,
    /// How it is hashed: [`HASH`], or in a way that this version does not know.
    #[n(2)]
    pub hash: u8,
    /// The public key that is made of the code.
    #[n(3)]
    pub key: SigningPublicKey,
    /// Not valid before this.
    #[n(4)]
    pub from: UnixTime,
    /// Not valid from this on.
    #[n(5)]
    pub until: UnixTime,
    /// At the terminals of this scope. Of scope and terminal at least one is there, and what is
    /// there narrows.
    #[n(6)]
    pub scope: Option<ScopeName>,
    /// At this terminal.
    #[n(7)]
    pub terminal: Option<TerminalId>,
    /// Who issued it.
    #[n(8)]
    pub issuer: DisplayText,
    /// Why.
    #[n(9)]
    pub reason: DisplayText,
}

/// A code as it is hashed: ten characters of the alphabet, sixteen of a sealed one, or the digits
/// that a person chose. Wiped when dropped, never shown by Debug.
#[derive(Clone, PartialEq, Eq)]
pub struct PassCode(Zeroizing<String>);

impl PassCode {
    /// What was typed: small letters, O for 0, I or L for 1, spaces, dashes and the full-width
    /// letters of an input method are understood. `None` when it cannot be a code: no try is
    /// spent then.
    pub fn read(typed: &str) -> Option<Self> {
        Self::read_of(typed, CODE_CHARS)
    }

    /// The same of a sealed code.
    pub fn read_sealed(typed: &str) -> Option<Self> {
        Self::read_of(typed, SEALED_CHARS)
    }

    fn read_of(typed: &str, chars: usize) -> Option<Self> {
        if typed.len() > 128 {
            return None;
        }
        let mut code = Zeroizing::new(String::with_capacity(SEALED_CHARS + 4));
        for c in typed.chars() {
            let c = half_width(c).to_ascii_uppercase();
            let c = match c {
                '-' | ' ' => continue,
                'O' => '0',
                'I' | 'L' => '1',
                c => c,
            };
            if code.len() == chars || !ALPHABET.iter().any(|digit| char::from(*digit) == c) {
                return None;
            }
            code.push(c);
        }
        (code.len() == chars).then_some(Self(code))
    }

    /// The same of a code that somebody chose: six to nine digits.
    pub fn read_chosen(typed: &str) -> Option<Self> {
        if typed.len() > 128 {
            return None;
        }
        let mut code = Zeroizing::new(String::with_capacity(CODE_CHARS + 4));
        for c in typed.chars() {
            match half_width(c) {
                '-' | ' ' => {}
                c if c.is_ascii_digit() && code.len() < CHOSEN_MOST => code.push(c),
                _ => return None,
            }
        }
        (code.len() >= CHOSEN_LEAST).then_some(Self(code))
    }

    /// Whether it stands somewhere in what was typed, in whatever width and grouping.
    pub fn stands_in(&self, typed: &str) -> bool {
        let plain = typed.chars().map(half_width).filter(|c| !matches!(c, '-' | ' '));
        let plain: Zeroizing<String> = Zeroizing::new(plain.collect());
        plain.contains(self.0.as_str())
    }

    /// Whether a person chose it.
    pub fn is_chosen(&self) -> bool {
        self.0.len() <= CHOSEN_MOST
    }

    /// Whether it is a sealed code.
    pub fn is_sealed(&self) -> bool {
        self.0.len() == SEALED_CHARS
    }

    /// Whether others would try it first: digits that repeat, one by one or in twos or threes, or
    /// that count up or down.
    pub fn is_easy(&self) -> bool {
        let digits = self.0.as_bytes();
        let repeats = |every: usize| {
            digits.iter().zip(digits.iter().skip(every)).all(|(one, next)| one == next)
        };
        let counts = |step: u8| {
            let follows = |(one, next): (&u8, &u8)| (one - b'0' + step) % 10 == next - b'0';
            digits.iter().zip(digits.iter().skip(1)).all(follows)
        };
        self.is_chosen() && ((1..=3).any(repeats) || counts(1) || counts(9))
    }

    /// A code of random bytes: the first fifty bits.
    pub fn of_random(bytes: &[u8; 7]) -> Self {
        Self::of_bits(bytes, CODE_CHARS)
    }

    /// A sealed code of random bytes: every bit of them.
    pub fn sealed_of_random(bytes: &[u8; 10]) -> Self {
        Self::of_bits(bytes, SEALED_CHARS)
    }

    fn of_bits(bytes: &[u8], chars: usize) -> Self {
        let mut value = bytes.iter().fold(0u128, |value, byte| value << 8 | u128::from(*byte));
        let mut code = Zeroizing::new(String::with_capacity(SEALED_CHARS + 4));
        for _ in 0..chars {
            let digit = ALPHABET.get((value & 31) as usize).map_or('0', |digit| char::from(*digit));
            code.push(digit);
            value >>= 5;
        }
        Self(code)
    }

    /// The characters, for the hash only.
    pub fn expose(&self) -> &str {
        &self.0
    }

    /// As it is handed out: two groups of five, or four of four.
    pub fn in_groups(&self) -> Zeroizing<String> {
        let group = if self.is_sealed() { 4 } else { CODE_CHARS / 2 };
        let mut shown = Zeroizing::new(String::with_capacity(self.0.len() + 4));
        for (at, c) in self.0.chars().enumerate() {
            if at > 0 && at % group == 0 {
                shown.push('-');
            }
            shown.push(c);
        }
        shown
    }
}

impl std::fmt::Debug for PassCode {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("PassCode(redacted)")
    }
}

/// What an input method writes for a character of ASCII.
fn half_width(c: char) -> char {
    match c {
        '\u{3000}' => ' ',
        '\u{30fc}' | '\u{2010}'..='\u{2015}' | '\u{2212}' => '-',
        '\u{ff01}'..='\u{ff5e}' => char::from_u32(c as u32 - 0xfee0).unwrap_or(c),
        c => c,
    }
}

text_codec!(PassCode, |text| {
    Self::read(text)
        .or_else(|| Self::read_chosen(text))
        .or_else(|| Self::read_sealed(text))
        .ok_or_else(|| minicbor::decode::Error::message("not a code"))
});

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_code_survives_being_read_aloud_and_typed_with_an_input_method() {
        let code = PassCode::of_random(&[0xff, 0x12, 0x34, 0x56, 0x78, 0x9a, 0xbc]);
        let shown = code.in_groups();
        assert_eq!(shown.len(), CODE_CHARS + 1);
        let full: String =
            shown.chars().map(|c| char::from_u32(c as u32 + 0xfee0).unwrap()).collect();
        for same in [
            shown.to_string(),
            shown.to_lowercase(),
            shown.replace('-', " "),
            shown.replace('-', ""),
            shown.replace('0', "o").replace('1', "l"),
            full,
            format!(" {} ", shown.replace('-', "ー")),
        ] {
            assert_eq!(PassCode::read(&same), Some(code.clone()), "{same}");
        }
        for wrong in ["", "ABCDE", "ABCDE-FGHJ", "ABCDE-FGHJKM", "ABCDE-FGHJU", "135790", "ＡＢ"]
        {
            assert_eq!(PassCode::read(wrong), None, "{wrong}");
        }
        assert_eq!(PassCode::read(&" ".repeat(200)), None);
        assert_eq!(format!("{code:?}"), "PassCode(redacted)");
    }

    #[test]
    fn a_chosen_code_is_of_digits_and_never_of_the_shape_of_a_pass_s() {
        for same in ["246813", " 2468-13 ", "２４６８１３", "246 813"] {
            let code = PassCode::read_chosen(same).unwrap();
            assert_eq!((code.expose(), code.is_chosen()), ("246813", true), "{same}");
            assert_eq!(PassCode::read(same), None);
        }
        assert!(PassCode::read_chosen("246813579").is_some());
        for wrong in ["", "24681", "2468135790", "24681a", "ABCDE-FGHJK", "٢٤٦٨١٣"] {
            assert_eq!(PassCode::read_chosen(wrong), None, "{wrong}");
        }
        let code = PassCode::read_chosen("246813").unwrap();
        let bytes = crate::codec::to_message(&code);
        assert_eq!(crate::codec::from_message::<PassCode>(&bytes).unwrap(), code);
        assert!(!PassCode::of_random(&[1; 7]).is_chosen());
    }

    #[test]
    fn a_sealed_code_has_eighty_bits_and_the_shape_of_no_other_code() {
        let code = PassCode::sealed_of_random(&[0xff, 1, 2, 3, 4, 5, 6, 7, 8, 9]);
        let shown = code.in_groups();
        assert_eq!((shown.len(), shown.matches('-').count()), (SEALED_CHARS + 3, 3));
        for same in [shown.to_string(), shown.to_lowercase(), shown.replace('-', " ")] {
            assert_eq!(PassCode::read_sealed(&same), Some(code.clone()), "{same}");
            assert_eq!(PassCode::read(&same), None);
            assert_eq!(PassCode::read_chosen(&same), None);
        }
        assert!(code.is_sealed() && !code.is_chosen() && !PassCode::of_random(&[1; 7]).is_sealed());
        assert_eq!(PassCode::read_sealed("ABCDE-FGHJK"), None);
        let bytes = crate::codec::to_message(&code);
        assert_eq!(crate::codec::from_message::<PassCode>(&bytes).unwrap(), code);

        let mut codes = std::collections::BTreeSet::new();
        codes.insert(PassCode::sealed_of_random(&[0; 10]).expose().to_owned());
        for bit in 0..80u32 {
            let bytes = (1u128 << bit).to_be_bytes();
            let bytes: [u8; 10] = bytes[6..].try_into().unwrap();
            codes.insert(PassCode::sealed_of_random(&bytes).expose().to_owned());
        }
        assert_eq!(codes.len(), 1 + 80);
    }

    #[test]
    fn what_others_would_try_first_is_easy() {
        for (code, easy) in [
            ("111111", true),
            ("121212", true),
            ("1212121", true),
            ("123123", true),
            ("123123123", true),
            ("123456", true),
            ("890123", true),
            ("987654", true),
            ("321098", true),
            ("123457", false),
            ("111112", false),
            ("135790", false),
            ("246813", false),
        ] {
            assert_eq!(PassCode::read_chosen(code).unwrap().is_easy(), easy, "{code}");
        }
        assert!(!PassCode::read("1111111111").unwrap().is_easy(), "nobody chose it");
    }

    #[test]
    fn every_bit_of_a_code_counts() {
        let mut codes = std::collections::BTreeSet::new();
        codes.insert(PassCode::of_random(&[0; 7]).expose().to_owned());
        for bit in 0..56 {
            let bytes = (1u64 << bit).to_be_bytes();
            let bytes: [u8; 7] = bytes[1..].try_into().unwrap();
            codes.insert(PassCode::of_random(&bytes).expose().to_owned());
        }
        // Of 56 bits the upper six are not used.
        assert_eq!(codes.len(), 1 + 50);
    }
}
