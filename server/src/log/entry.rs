//! The entry of the log that a row of the database makes.

use wardkey_core::codec::{self, Bytes};
use wardkey_core::log_entry::{Finding, LogEntry};
use wardkey_tlog::Hash;

use crate::error::{Error, Result};
use crate::store::log::Recorded;

/// The entry of an event.
///
/// # Errors
/// [`Error::Damaged`] when the row is none that the server writes.
pub fn of(recorded: &Recorded) -> Result<LogEntry> {
    let finding = match recorded.verdict.as_str() {
        "none" => Finding::None,
        "valid" => Finding::Valid,
        "invalid" => Finding::Invalid,
        word => return Err(Error::damaged(format!("\"{word}\" as a verdict"))),
    };
    Ok(LogEntry {
        number: u64::try_from(recorded.number).map_err(Error::damaged)?,
        received: recorded.received,
        terminal: recorded.terminal,
        finding,
        event: Bytes::new(recorded.document.as_slice()).map_err(Error::damaged)?,
    })
}

/// The bytes of the entry of an event.
///
/// # Errors
/// [`Error::Damaged`].
pub fn bytes(recorded: &Recorded) -> Result<Vec<u8>> {
    Ok(codec::to_bytes(&of(recorded)?))
}

/// The hash of the entry of an event.
///
/// # Errors
/// [`Error::Damaged`].
pub fn hash(recorded: &Recorded) -> Result<Hash> {
    Ok(Hash::of_entry(&bytes(recorded)?))
}

#[cfg(test)]
mod tests {
    use wardkey_core::id::TerminalId;
    use wardkey_core::time::UnixTime;

    use super::*;

    #[test]
    fn the_bytes_of_an_entry_are_those_that_the_documentation_describes() {
        let recorded = Recorded {
            number: 300,
            received: UnixTime(1_800_000_000),
            terminal: TerminalId::new([5; 16]),
            verdict: "valid".into(),
            document: vec![0x82, 0x60, 0xa0],
        };
        let mut wanted = vec![0x82, 0x73];
        wanted.extend(b"wardkey/log-entry/1");
        wanted.extend([0xa5, 0, 0x19, 0x01, 0x2c, 1, 0x1a, 0x6b, 0x49, 0xd2, 0x00, 2, 0x50]);
        wanted.extend([5; 16]);
        wanted.extend([3, 1, 4, 0x43, 0x82, 0x60, 0xa0]);
        let made = bytes(&recorded).unwrap();
        assert_eq!(made, wanted);
        let read: LogEntry = codec::from_bytes(&made).unwrap();
        assert_eq!(read, of(&recorded).unwrap());

        // Every part of it counts.
        let hashed = hash(&recorded).unwrap();
        for changed in [
            Recorded { number: 301, ..recorded.clone() },
            Recorded { received: UnixTime(1), ..recorded.clone() },
            Recorded { terminal: TerminalId::new([6; 16]), ..recorded.clone() },
            Recorded { verdict: "none".into(), ..recorded.clone() },
            Recorded { document: vec![0x82, 0x60, 0xa1], ..recorded.clone() },
        ] {
            assert_ne!(hash(&changed).unwrap(), hashed, "{changed:?}");
        }
        assert!(hash(&Recorded { verdict: "no".into(), ..recorded }).is_err());
    }
}
