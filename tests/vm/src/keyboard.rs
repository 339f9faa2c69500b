//! Letters as key presses of a keyboard with the layout of the United States, which is the kernel's
//! and X's own.

use crate::Failure;

/// The keys that are pressed together for a letter.
pub fn keys(letter: char) -> Result<Vec<&'static str>, Failure> {
    const PLAIN: &str = "abcdefghijklmnopqrstuvwxyz0123456789 \n-=[];'`\\,./\t";
    const SHIFTED: &str = "ABCDEFGHIJKLMNOPQRSTUVWXYZ)!@#$%^&*(\0\0_+{}:\"~|<>?\0";
    const NAMES: [&str; 50] = [
        "a",
        "b",
        "c",
        "d",
        "e",
        "f",
        "g",
        "h",
        "i",
        "j",
        "k",
        "l",
        "m",
        "n",
        "o",
        "p",
        "q",
        "r",
        "s",
        "t",
        "u",
        "v",
        "w",
        "x",
        "y",
        "z",
        "0",
        "1",
        "2",
        "3",
        "4",
        "5",
        "6",
        "7",
        "8",
        "9",
        "spc",
        "ret",
        "minus",
        "equal",
        "bracket_left",
        "bracket_right",
        "semicolon",
        "apostrophe",
        "grave_accent",
        "backslash",
        "comma",
        "dot",
        "slash",
        "tab",
    ];
    // NUL stands where a key has nothing.
    if letter == '\0' {
        return Err(Failure::Otherwise("no key for NUL".into()));
    }
    let find =
        |row: &str| row.chars().position(|key| key == letter).and_then(|at| NAMES.get(at).copied());
    match (find(PLAIN), find(SHIFTED)) {
        (Some(name), _) => Ok(vec![name]),
        (None, Some(name)) => Ok(vec!["shift", name]),
        (None, None) => Err(Failure::Otherwise(format!("no key for {letter:?}"))),
    }
}

#[cfg(test)]
mod tests {
    use super::keys;

    #[test]
    fn every_letter_of_an_order_has_its_keys() {
        assert_eq!(keys('a').expect("a"), ["a"]);
        assert_eq!(keys('A').expect("A"), ["shift", "a"]);
        assert_eq!(keys('\n').expect("Enter"), ["ret"]);
        assert_eq!(keys('?').expect("?"), ["shift", "slash"]);
        assert_eq!(keys('(').expect("("), ["shift", "9"]);
        assert_eq!(keys('_').expect("_"), ["shift", "minus"]);
        assert_eq!(keys('"').expect("quote"), ["shift", "apostrophe"]);
        assert!(keys('é').is_err());
        assert!(keys('\0').is_err());
    }
}
