//! The characters of a file: UTF-8, UTF-16 with its mark, or the Shift_JIS that Excel writes in
//! Japan.

use std::borrow::Cow;

use encoding_rs::{Encoding, SHIFT_JIS, UTF_8};

/// The text, without its mark.
///
/// Every file that is UTF-8 is taken for it: Japanese Shift_JIS never is by chance. Code page 932
/// is what the web calls Shift_JIS, with the letters of names that the older standard lacks (髙, 﨑).
///
/// # Errors
/// The line from which on it is neither.
pub fn decode(bytes: &[u8]) -> Result<Cow<'_, str>, u64> {
    if let Some((marked, length)) = Encoding::for_bom(bytes) {
        let rest = bytes.get(length..).unwrap_or_default();
        return marked
            .decode_without_bom_handling_and_without_replacement(rest)
            .ok_or_else(|| bad_line(rest));
    }
    let read = |encoding: &'static Encoding| {
        encoding.decode_without_bom_handling_and_without_replacement(bytes)
    };
    read(UTF_8).or_else(|| read(SHIFT_JIS)).ok_or_else(|| bad_line(bytes))
}

/// The first line that is no UTF-8.
fn bad_line(bytes: &[u8]) -> u64 {
    let good = std::str::from_utf8(bytes).map_or_else(|error| error.valid_up_to(), str::len);
    bytes.iter().take(good).filter(|byte| **byte == b'\n').count() as u64 + 1
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_encodings_of_spreadsheets_are_told_apart() {
        let text = "login,name\nhanako,髙橋 花子\n";
        let (shift_jis, _, lossy) = SHIFT_JIS.encode(text);
        assert!(!lossy);
        let utf_16 = |unit: fn(u16) -> [u8; 2], mark: [u8; 2]| {
            mark.into_iter().chain(text.encode_utf16().flat_map(unit)).collect::<Vec<u8>>()
        };
        for (what, bytes) in [
            ("UTF-8", text.as_bytes().to_vec()),
            ("UTF-8 with its mark", [b"\xef\xbb\xbf", text.as_bytes()].concat()),
            ("Shift_JIS", shift_jis.into_owned()),
            ("UTF-16, little endian", utf_16(u16::to_le_bytes, [0xff, 0xfe])),
            ("UTF-16, big endian", utf_16(u16::to_be_bytes, [0xfe, 0xff])),
        ] {
            assert_eq!(decode(&bytes).unwrap(), text, "{what}");
        }
        assert_eq!(decode(b"a\nb\n\xff\xff\xff"), Err(3));
        assert_eq!(decode(b"").unwrap(), "");
    }
}
