//! A terminal, as its row has it.

use std::collections::BTreeSet;

use wardkey_core::id::{Hash, TerminalId};
use wardkey_core::name::{DisplayText, ScopeName};
use wardkey_core::time::UnixTime;

use crate::error::Result;
use crate::pki::{SERIAL_LEN, TerminalCertificate};
use crate::store::query::{FromRow, Row};
use crate::store::value::words;

/// Whether a terminal may come.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum TerminalStatus {
    /// Joined by a token for several machines; an administrator has yet to approve it.
    Pending,
    /// May come.
    Active,
    /// Refused for ever, unless it joins again by a token made later.
    Revoked,
}

words!(
    TerminalStatus,
    "a terminal's status",
    Pending = "pending",
    Active = "active",
    Revoked = "revoked"
);

/// A terminal, as stored.
#[derive(Clone, Debug)]
pub struct Terminal {
    /// Its id.
    pub id: TerminalId,
    /// Number of its document.
    pub number: u64,
    /// Its name.
    pub name: DisplayText,
    /// SHA-256 of its machine id.
    pub machine: Hash,
    /// Whether it may come.
    pub status: TerminalStatus,
    /// Serial number of its certificate.
    pub serial: [u8; SERIAL_LEN],
    /// Serial number of the certificate before, until the new one is used.
    pub previous_serial: Option<[u8; SERIAL_LEN]>,
    /// When its certificate begins; none for one of an earlier version.
    pub certificate_begin: Option<UnixTime>,
    /// When its certificate ends.
    pub certificate_end: UnixTime,
    /// When it joined (last).
    pub joined: UnixTime,
    /// When it was revoked.
    pub revoked: Option<UnixTime>,
    /// When it was last heard of.
    pub seen: Option<UnixTime>,
    /// From where.
    pub address: Option<String>,
    /// By which address of the server.
    pub came_by: Option<String>,
    /// SHA-256 of the public key of its certificate; none for one of an earlier version.
    pub key: Option<Hash>,
    /// Version of its programs, once it has said it.
    pub version: Option<String>,
    /// What they can, separated by commas.
    pub capabilities: Option<String>,
    /// The root document that it has, once it has said so.
    pub root_version: Option<u64>,
    /// Its scopes.
    pub scopes: BTreeSet<ScopeName>,
}

impl Terminal {
    /// Whether a certificate is the terminal's, of the key on record: the newest, or the one before
    /// until that is used. A terminal keeps its key until it joins again.
    pub fn takes(&self, certificate: &TerminalCertificate) -> bool {
        self.key.is_none_or(|key| key == certificate.key)
            && (self.serial == certificate.serial
                || self.previous_serial == Some(certificate.serial))
    }

    /// Whether a certificate is of the key on record and begins later than the one on record.
    /// Whoever issues one puts it on record, so the record is of before: it was restored. One of a
    /// version that put no begin there is of the first authority: `is_of_exchange` says that the
    /// certificate is of a later one.
    pub fn is_behind(&self, certificate: &TerminalCertificate, is_of_exchange: bool) -> bool {
        self.key == Some(certificate.key)
            && match self.certificate_begin {
                Some(begin) => begin < certificate.begins,
                None => is_of_exchange && self.serial != certificate.serial,
            }
    }
}

impl FromRow for Terminal {
    fn from_row(row: &Row) -> Result<Self> {
        Ok(Self {
            id: row.get("id")?,
            number: row.get("number")?,
            name: row.get("name")?,
            machine: row.get("machine")?,
            status: row.get("status")?,
            serial: row.get("serial")?,
            previous_serial: row.get("previous_serial")?,
            certificate_begin: row.get("certificate_begin")?,
            certificate_end: row.get("certificate_end")?,
            joined: row.get("joined")?,
            revoked: row.get("revoked")?,
            seen: row.get("seen")?,
            address: row.get("address")?,
            came_by: row.get("came_by")?,
            key: row.get("key")?,
            version: row.get("version")?,
            capabilities: row.get("capabilities")?,
            root_version: row.get("root_version")?,
            scopes: BTreeSet::new(),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_a_certificate_of_the_same_key_that_begins_later_is_newer_than_the_record() {
        let id = TerminalId::new([1; 16]);
        let terminal = |key, certificate_begin| Terminal {
            id,
            number: 1,
            name: DisplayText::new("ward-1").unwrap(),
            machine: Hash::new([2; 32]),
            status: TerminalStatus::Active,
            serial: [3; SERIAL_LEN],
            previous_serial: Some([4; SERIAL_LEN]),
            certificate_begin,
            certificate_end: UnixTime(1000),
            joined: UnixTime(1),
            revoked: None,
            seen: None,
            address: None,
            came_by: None,
            key,
            version: None,
            capabilities: None,
            root_version: None,
            scopes: BTreeSet::new(),
        };
        let (own, other) = (Hash::new([5; 32]), Hash::new([6; 32]));
        let certificate = |serial: u8, key, begins, expires| TerminalCertificate {
            terminal: id,
            serial: [serial; SERIAL_LEN],
            begins: UnixTime(begins),
            expires: UnixTime(expires),
            key,
            by: Hash::new([7; 32]),
        };
        let known = terminal(Some(own), Some(UnixTime(100)));
        for (one, is_newer) in [
            (certificate(8, own, 101, 500), true),
            (certificate(8, own, 100, 2000), false),
            // One of before that lives longer, as days were fewer since.
            (certificate(4, own, 50, 2000), false),
            (certificate(8, other, 101, 2000), false),
        ] {
            assert_eq!(known.is_behind(&one, true), is_newer, "{one:?}");
        }
        let newer = certificate(8, own, 101, 2000);
        assert!(!terminal(None, Some(UnixTime(100))).is_behind(&newer, true));
        let of_before = terminal(Some(own), None);
        assert!(of_before.is_behind(&newer, true) && !of_before.is_behind(&newer, false));
        assert!(!of_before.is_behind(&certificate(8, other, 101, 2000), true));
        assert!(!of_before.is_behind(&certificate(3, own, 101, 2000), true));

        for (one, is_taken) in [
            (certificate(3, own, 100, 1000), true),
            (certificate(3, other, 100, 1000), false),
            (certificate(4, own, 50, 900), true),
            (certificate(4, other, 50, 900), false),
            (certificate(8, own, 101, 2000), false),
        ] {
            assert_eq!(known.takes(&one), is_taken, "{one:?}");
        }
        assert!(terminal(None, None).takes(&certificate(3, other, 100, 1000)));
    }
}
