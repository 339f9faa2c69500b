//! Digits of Crockford's base32: no I, L, O and U, which look like others. Five bits each.

const ALPHABET: &[u8; 32] = b"0123456789ABCDEFGHJKMNPQRSTVWXYZ";
/// x^5 + x^2 + 1, by which a digit is multiplied with the others as an element of GF(32).
const POLYNOMIAL: u8 = 0b10_0101;

/// A digit of a value below 32.
pub(super) fn digit(value: u8) -> char {
    ALPHABET.get(usize::from(value & 31)).map_or('0', |digit| char::from(*digit))
}

/// The value of a digit as people write it: small letters, O for 0, I or L for 1.
pub(super) fn value(digit: char) -> Option<u8> {
    let digit = match digit.to_ascii_uppercase() {
        'O' => '0',
        'I' | 'L' => '1',
        digit => digit,
    };
    ALPHABET.iter().position(|known| char::from(*known) == digit).map(|at| at as u8)
}

/// The digit that follows others, so that people notice what they have mistyped: one wrong digit,
/// or two that changed places, however far apart (of up to 31 digits); of other errors all but one
/// of 32.
///
/// Each place has a factor of its own, a power of x that is not 1.
pub(super) fn check(values: &[u8]) -> u8 {
    values.iter().fold(0, |sum, value| times_x(sum ^ (value & 31)))
}

const fn times_x(value: u8) -> u8 {
    let doubled = value << 1;
    if doubled & 32 == 0 { doubled } else { doubled ^ POLYNOMIAL }
}

/// Bytes as base32 digits of Crockford's alphabet, most significant bit first.
pub fn base32(bytes: &[u8]) -> String {
    let mut out = String::with_capacity(bytes.len().div_ceil(5) * 8);
    let (mut held, mut bits) = (0u32, 0);
    let low = |held: u32| digit((held & 31) as u8);
    for byte in bytes {
        held = (held << 8) | u32::from(*byte);
        bits += 8;
        while bits >= 5 {
            bits -= 5;
            out.push(low(held >> bits));
        }
        held &= (1 << bits) - 1;
    }
    if bits > 0 {
        out.push(low(held << (5 - bits)));
    }
    out
}

/// Bytes of base32 digits; `None` for another character or left-over bits that are not zero.
pub fn from_base32(text: &str) -> Option<Vec<u8>> {
    let mut out = Vec::with_capacity(text.len() * 5 / 8);
    let (mut held, mut bits) = (0u32, 0);
    for c in text.chars() {
        held = (held << 5) | u32::from(value(c)?);
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
    fn the_check_digit_shows_every_wrong_digit_and_every_exchange() {
        let mut whole: Vec<u8> = (0..19).map(|at| (at * 7 + 3) % 32).collect();
        whole.push(check(&whole));
        let holds = |digits: &[u8]| check(&digits[..19]) == digits[19];
        assert!(holds(&whole));

        for at in 0..20 {
            for wrong in (0..32).filter(|wrong| *wrong != whole[at]) {
                let mut typed = whole.clone();
                typed[at] = wrong;
                assert!(!holds(&typed), "{at}: {wrong}");
            }
            for other in (0..at).filter(|other| whole[*other] != whole[at]) {
                let mut typed = whole.clone();
                typed.swap(at, other);
                assert!(!holds(&typed), "{at} and {other}");
            }
        }
    }
}
