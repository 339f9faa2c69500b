//! A PIN, and what refuses one before a try of the key is spent.

use zeroize::Zeroizing;

use crate::code::Code;
use crate::text_codec::text_codec;

/// A PIN: at most 63 bytes of UTF-8, wiped when dropped, never shown.
#[derive(Clone, PartialEq, Eq)]
pub struct Pin(Zeroizing<String>);

impl Pin {
    /// Takes what can be the PIN of a key at all.
    ///
    /// # Errors
    /// [`Code::PinEmpty`] when it is nothing, [`Code::PinLength`] below 4 characters or above 63
    /// bytes (CTAP 2.1, 6.5.1): the key is not asked and no try is spent.
    pub fn new(typed: Zeroizing<String>) -> Result<Self, Code> {
        if typed.is_empty() {
            return Err(Code::PinEmpty);
        }
        if typed.chars().count() < 4 || typed.len() > 63 || typed.contains('\0') {
            return Err(Code::PinLength);
        }
        Ok(Self(typed))
    }

    /// The same of what a person typed at a question.
    ///
    /// # Errors
    /// As [`Self::new`], and [`Code::PinInputMethod`] for letters that an input method or a kana
    /// keyboard makes: they are no mistake that should cost a try. Other scripts are taken, as a
    /// PIN is any text.
    pub fn typed(typed: Zeroizing<String>) -> Result<Self, Code> {
        if typed.chars().any(is_of_input_method) {
            return Err(Code::PinInputMethod);
        }
        Self::new(typed)
    }

    /// The same of a new PIN, for a key that takes so many characters at least, in place of `old`.
    ///
    /// # Errors
    /// As [`Self::typed`], and [`Code::PinPolicy`] when it is too short, [`Code::PinSame`] when it
    /// is the old one.
    pub fn chosen(typed: Zeroizing<String>, least: u8, old: Option<&Self>) -> Result<Self, Code> {
        let pin = Self::typed(typed)?;
        if pin.0.chars().count() < usize::from(least) {
            return Err(Code::PinPolicy);
        }
        if old == Some(&pin) {
            return Err(Code::PinSame);
        }
        Ok(pin)
    }

    /// The PIN itself, for the key only.
    pub fn expose(&self) -> &str {
        &self.0
    }
}

/// Full-width forms, kana in both widths, and the space, marks and signs that go with them.
const fn is_of_input_method(c: char) -> bool {
    matches!(
        c,
        // Space, marks and brackets, kana; then full-width forms and half-width kana; then
        // full-width signs of currencies and others.
        '\u{3000}'..='\u{30ff}' | '\u{ff01}'..='\u{ff9f}' | '\u{ffe0}'..='\u{ffe6}'
    )
}

impl std::fmt::Debug for Pin {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Pin(redacted)")
    }
}

text_codec!(Pin, |text: &str| {
    Self::new(Zeroizing::new(text.to_owned()))
        .map_err(|_| minicbor::decode::Error::message("not a PIN"))
});

#[cfg(test)]
mod tests {
    use super::*;

    fn text(text: &str) -> Zeroizing<String> {
        Zeroizing::new(text.to_owned())
    }

    #[test]
    fn what_an_input_method_makes_is_refused_and_other_scripts_are_not() {
        for typed in [
            "１２３４",
            "12３4",
            "１",
            "パスワード",
            "ぱすわーど",
            "ﾊﾟｽﾜｰﾄﾞ",
            "12　34",
            "ａｂｃｄ",
            "！！！！",
            "1234。",
            "、234",
            "「12」",
            "12〜34",
            "￥1234",
            "￠￡￢￣￤￥￦",
        ] {
            assert_eq!(Pin::typed(text(typed)), Err(Code::PinInputMethod), "{typed}");
        }
        let keys = "\u{1f511}\u{1f512}\u{1f513}42";
        for typed in ["1234", "暗証番号", "пароль", "café", "    ", "¥123", "…—→☆", keys]
        {
            assert_eq!(Pin::typed(text(typed)), Pin::new(text(typed)), "{typed}");
            assert!(Pin::typed(text(typed)).is_ok(), "{typed}");
        }
        // What is on a key already is carried to it, as whoever sends it has asked a person.
        assert!(Pin::new(text("パスワード")).is_ok());
        for (typed, code) in
            [("", Code::PinEmpty), ("123", Code::PinLength), (&"1".repeat(64), Code::PinLength)]
        {
            assert_eq!(Pin::typed(text(typed)), Err(code), "{typed}");
        }
    }

    #[test]
    fn a_new_pin_is_long_enough_for_the_key_and_another_one() {
        let old = Pin::new(text("135790")).unwrap();
        for (typed, least, code) in [
            ("", 4, Code::PinEmpty),
            ("123", 4, Code::PinLength),
            ("24680", 6, Code::PinPolicy),
            ("暗証番号", 5, Code::PinPolicy),
            ("２４６８００", 6, Code::PinInputMethod),
            ("135790", 6, Code::PinSame),
        ] {
            assert_eq!(Pin::chosen(text(typed), least, Some(&old)), Err(code), "{typed}");
        }
        for (typed, least, old) in
            [("246800", 6, Some(&old)), ("135790", 6, None), ("2468", 0, Some(&old))]
        {
            assert_eq!(Pin::chosen(text(typed), least, old).unwrap().expose(), typed);
        }
    }
}
