//! `/etc/login.defs`: where this machine's people begin (UID_MIN). An account below is the
//! system's.

use std::path::Path;

use crate::files::{FileError, Owner};
use crate::table::{Source, TableError};
use crate::texts::Text;

/// Where the file is.
pub const PATH: &str = "/etc/login.defs";
/// Where people begin on Debian, and at the latest here: a greater UID_MIN makes nobody a system
/// account.
const LATEST: u32 = 1000;

/// The greatest uid of a system account: below UID_MIN, and below 1000.
///
/// # Errors
/// [`TableError`] when the file is not to be believed, or its UID_MIN is no number. Without the
/// file, and without the key, it is Debian's default.
pub fn system_uid_max(path: &Path, owner: Owner) -> Result<u32, TableError> {
    let source = match Source::read(path, owner) {
        Ok(source) => source,
        Err(TableError::File(FileError::Missing { .. })) => return Ok(LATEST - 1),
        Err(error) => return Err(error),
    };
    let mut people = LATEST;
    for (at, line) in source.text.lines().enumerate() {
        let mut words = line.split_whitespace();
        if words.next() != Some("UID_MIN") {
            continue;
        }
        // The last one counts, as for useradd.
        let number = words.next().and_then(number);
        people = number.ok_or_else(|| source.complain(at + 1, Text::UidMin.into()))?.min(LATEST);
    }
    Ok(people.saturating_sub(1))
}

/// As strtoul(3) with base 0, which shadow uses.
fn number(word: &str) -> Option<u32> {
    let (digits, radix) = match (word.strip_prefix("0x"), word.strip_prefix('0')) {
        (Some(digits), _) => (digits, 16),
        (None, Some(digits)) if !digits.is_empty() => (digits, 8),
        _ => (word, 10),
    };
    if digits.starts_with('+') { None } else { u32::from_str_radix(digits, radix).ok() }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn people_begin_where_login_defs_says_and_at_1000_at_the_latest() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("login.defs");
        let read = || system_uid_max(&path, Owner::current());
        assert_eq!(read().unwrap(), 999, "no file");
        for (text, expected) in [
            ("", Some(999)),
            ("UID_MAX 60000\n#UID_MIN 100\n", Some(999)),
            ("UID_MIN\t\t\t 1000\n", Some(999)),
            ("UID_MIN 500\n", Some(499)),
            ("  UID_MIN 500 # old\nUID_MIN 300\n", Some(299)),
            ("UID_MIN 0x1f4\n", Some(499)),
            ("UID_MIN 0764\n", Some(499)),
            ("UID_MIN 0\n", Some(0)),
            ("UID_MIN 1\n", Some(0)),
            // Who would like more system accounts does not get them here.
            ("UID_MIN 100000\n", Some(999)),
            ("SYS_UID_MIN 5\n", Some(999)),
            ("UID_MIN\n", None),
            ("UID_MIN -1\n", None),
            ("UID_MIN +5\n", None),
            ("UID_MIN 99999999999\n", None),
            ("UID_MIN many\n", None),
        ] {
            std::fs::write(&path, text).unwrap();
            assert_eq!(read().ok(), expected, "{text:?}");
        }
        std::fs::write(&path, "UID_MIN 500\n").unwrap();
        std::fs::set_permissions(&path, std::os::unix::fs::PermissionsExt::from_mode(0o666))
            .unwrap();
        assert!(read().is_err(), "a file that others can write decides nothing");
    }
}
