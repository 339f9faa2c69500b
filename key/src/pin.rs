//! The PIN as keys take it: in Normalization Form C (CTAP 2.1, 6.5.1), whatever form the keyboard
//! gave.

use unicode_normalization::UnicodeNormalization;
use wardkey_core::message::key::Pin;
use zeroize::Zeroizing;

use crate::error::KeyError;

/// Longest PIN in bytes that a key takes.
const MAX: usize = 63;
/// Normalization Form C of a text is at most three times as long in UTF-8.
const GROWTH: usize = 3;

/// The PIN in Normalization Form C; no copy of it is left behind.
pub(crate) fn normalised(pin: &Pin) -> Result<Zeroizing<String>, KeyError> {
    let typed = pin.expose();
    // Room for all of it at once: a string that grows leaves its former self in memory.
    let mut normal = Zeroizing::new(String::with_capacity(typed.len() * GROWTH));
    normal.extend(typed.nfc());
    if normal.len() > MAX {
        return Err(KeyError::PinPolicy);
    }
    Ok(normal)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_pin_is_one_pin_however_it_was_typed() {
        // typed -> as the key takes it
        for (typed, expected) in [
            ("1234", "1234"),
            ("caf\u{e9}", "caf\u{e9}"),
            ("cafe\u{301}", "caf\u{e9}"),
            ("\u{30cf}\u{309a}\u{30b9}12", "\u{30d1}\u{30b9}12"),
            ("\u{212b}ngstrom", "\u{c5}ngstrom"),
            // Compatibility forms stay what they are.
            ("\u{ff11}\u{ff12}\u{ff13}\u{ff14}", "\u{ff11}\u{ff12}\u{ff13}\u{ff14}"),
        ] {
            let pin = Pin::new(typed.to_owned().into()).unwrap();
            assert_eq!(normalised(&pin).unwrap().as_str(), expected, "{typed:?}");
        }
    }

    #[test]
    fn what_becomes_too_long_is_no_pin() {
        // Musical notes decompose in this form: 4 bytes become 8.
        let notes = "\u{1d15e}".repeat(10);
        let pin = Pin::new(notes.into()).unwrap();
        assert_eq!(normalised(&pin).unwrap_err(), KeyError::PinPolicy);
    }

    #[test]
    fn nothing_is_copied_on_the_way() {
        let pin = Pin::new("\u{390}".repeat(31).into()).unwrap();
        let normal = normalised(&pin).unwrap();
        assert!(normal.capacity() >= pin.expose().len() * GROWTH && normal.capacity() < 4 * MAX);
    }
}
