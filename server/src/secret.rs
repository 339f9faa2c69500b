//! Random values, and the texts and hashes of one-time codes.

use aws_lc_rs::hmac;
use wardkey_core::id::Hash;
use wardkey_core::token::{base32, from_base32};

use crate::error::{Error, Result};
use crate::texts::Text;

/// Random bytes of the kernel.
///
/// # Errors
/// [`Error::Io`] when the kernel has none.
pub fn random<const N: usize>() -> Result<[u8; N]> {
    let mut bytes = [0; N];
    getrandom::fill(&mut bytes).map_err(|error| Error::Io {
        what: Text::DoingRandom.into(),
        source: std::io::Error::other(error),
    })?;
    Ok(bytes)
}

/// HMAC-SHA-256.
pub fn mac(key: &[u8], message: &[u8]) -> Hash {
    let tag = hmac::sign(&hmac::Key::new(hmac::HMAC_SHA256, key), message);
    let mut out = [0; 32];
    out.iter_mut().zip(tag.as_ref()).for_each(|(to, from)| *to = *from);
    Hash::new(out)
}

/// Whether `tag` is the HMAC-SHA-256 of `message`, in constant time.
pub fn mac_holds(key: &[u8], message: &[u8], tag: &[u8]) -> bool {
    hmac::verify(&hmac::Key::new(hmac::HMAC_SHA256, key), message, tag).is_ok()
}

/// A new one-time code: twelve digits of Crockford's alphabet (60 bits) in three groups.
///
/// # Errors
/// [`Error::Io`] when the kernel has no random bytes.
pub fn new_code() -> Result<String> {
    let digits = base32(&random::<8>()?);
    let digits: Vec<char> = digits.chars().take(12).collect();
    Ok(digits.chunks(4).map(|group| group.iter().collect::<String>()).collect::<Vec<_>>().join("-"))
}

/// The keyed hash under which a code is stored; `None` when the text cannot be a code. Small
/// letters, O for 0, I or L for 1, spaces and missing dashes are understood.
pub fn code_hash(key: &[u8; 32], text: &str) -> Option<Hash> {
    if text.len() > 64 {
        return None;
    }
    let digits: String = text
        .chars()
        .filter(|c| !matches!(c, '-' | ' '))
        .map(|c| match c.to_ascii_uppercase() {
            'O' => '0',
            'I' | 'L' => '1',
            c => c,
        })
        .collect();
    // Four zero digits complete eight bytes, so that the alphabet is checked in one place.
    let whole = digits.len() == 12 && from_base32(&format!("{digits}0000")).is_some();
    whole.then(|| mac(key, digits.as_bytes()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_code_survives_being_read_aloud() {
        let code = new_code().unwrap();
        assert_eq!(code.len(), 14);
        let hash = code_hash(&[1; 32], &code).unwrap();
        for same in [
            code.to_lowercase(),
            code.replace('-', " "),
            code.replace('-', ""),
            code.replace('0', "o").replace('1', "l"),
        ] {
            assert_eq!(code_hash(&[1; 32], &same), Some(hash), "{same}");
        }
        assert_ne!(code_hash(&[2; 32], &code), Some(hash));
        for wrong in [
            "",
            "ABCD-EFGH",
            "ABCD-EFGH-JKM!",
            "ABCD-EFGH-JKMNP",
            "ABCD-EFGH-JKMU",
            &"A".repeat(65),
        ] {
            assert_eq!(code_hash(&[1; 32], wrong), None, "{wrong}");
        }
    }
}
