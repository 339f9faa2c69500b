//! A terminal, as its row has it.

use std::collections::BTreeSet;

use wardkey_core::id::{Hash, TerminalId};
use wardkey_core::name::{DisplayText, ScopeName};
use wardkey_core::time::UnixTime;

use crate::error::Result;
use crate::pki::SERIAL_LEN;
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
    /// Whether a certificate is the terminal's: the newest, or the one before until that is used.
    pub fn takes(&self, serial: &[u8; SERIAL_LEN]) -> bool {
        self.serial == *serial || self.previous_serial.as_ref() == Some(serial)
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
