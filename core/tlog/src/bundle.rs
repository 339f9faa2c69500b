//! Bundles: the entries of a tile of the lowest level, each after its length (tlog-tiles, "Log
//! entries").

use std::io::{ErrorKind, Read, Result};

/// The longest entry in bytes.
pub const MAX_ENTRY: usize = u16::MAX as usize;

/// Appends an entry to a bundle; false, and nothing is appended, when it is too long.
#[must_use]
pub fn append(bundle: &mut Vec<u8>, entry: &[u8]) -> bool {
    let Ok(length) = u16::try_from(entry.len()) else { return false };
    bundle.extend_from_slice(&length.to_be_bytes());
    bundle.extend_from_slice(entry);
    true
}

/// The entries of a bundle; none when the last one is not whole.
pub fn entries(mut bundle: &[u8]) -> Option<Vec<&[u8]>> {
    let mut entries = Vec::new();
    while let Some((length, rest)) = bundle.split_first_chunk() {
        let (entry, rest) = rest.split_at_checked(u16::from_be_bytes(*length).into())?;
        entries.push(entry);
        bundle = rest;
    }
    bundle.is_empty().then_some(entries)
}

/// Reads the next entry of a bundle of any length; none at its end.
///
/// # Errors
/// [`ErrorKind::UnexpectedEof`] when the entry is not whole, and whatever reading fails with.
pub fn next_entry(from: &mut impl Read) -> Result<Option<Vec<u8>>> {
    let mut length = [0; 2];
    let mut read = 0;
    while let Some(rest) = length.get_mut(read..).filter(|rest| !rest.is_empty()) {
        match from.read(rest) {
            Ok(0) if read == 0 => return Ok(None),
            Ok(0) => return Err(ErrorKind::UnexpectedEof.into()),
            Ok(more) => read += more,
            Err(error) if error.kind() == ErrorKind::Interrupted => {}
            Err(error) => return Err(error),
        }
    }
    let mut entry = vec![0; u16::from_be_bytes(length).into()];
    from.read_exact(&mut entry)?;
    Ok(Some(entry))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn entries_come_out_as_they_went_in_and_nothing_else_is_a_bundle() {
        let mut bundle = Vec::new();
        let longest = vec![7; MAX_ENTRY];
        for entry in [&b""[..], b"one", &longest] {
            assert!(append(&mut bundle, entry));
        }
        assert_eq!(bundle[..7], [0, 0, 0, 3, b'o', b'n', b'e']);
        assert_eq!(entries(&bundle).unwrap(), [&b""[..], b"one", &longest]);
        assert!(!append(&mut bundle, &vec![7; MAX_ENTRY + 1]));
        assert_eq!(entries(&bundle).unwrap().len(), 3);
        assert_eq!(entries(b""), Some(vec![]));
        for wrong in [&b"\0"[..], b"\0\x02x", b"\0\x01xy", b"\0\0\0"] {
            assert_eq!(entries(wrong), None, "{wrong:?}");
            let mut from = wrong;
            let last = std::iter::from_fn(|| next_entry(&mut from).transpose()).last();
            assert!(last.unwrap().is_err(), "{wrong:?}");
        }
        let mut from = bundle.as_slice();
        let read = std::iter::from_fn(|| next_entry(&mut from).unwrap());
        assert_eq!(read.collect::<Vec<_>>(), entries(&bundle).unwrap());
    }
}
