//! What an import is judged by, and what it comes to.

use std::collections::{BTreeSet, HashMap};

use jiff::tz::TimeZone;
use serde::Serialize;
use wardkey_core::name::{GroupName, ScopeName};
use wardkey_core::person::CredentialRecord;
use wardkey_core::time::UnixTime;

use crate::people_file::Problem;
use crate::store::person::PersonRow;

/// What an import did, or would do.
#[derive(Clone, Copy, Debug, Default, Serialize)]
pub struct Imported {
    /// People added.
    pub people: u64,
    /// Their keys.
    pub keys: u64,
    /// People who were there already.
    pub skipped: u64,
}

/// By what a file is judged.
#[derive(Debug)]
pub struct Rules {
    /// Keys that one person may have.
    pub keys_per_person: u32,
    /// Whether people who are there already are left as they are, instead of refusing the file.
    pub skip_existing: bool,
    /// Where a day is one.
    pub zone: TimeZone,
    /// The time.
    pub now: UnixTime,
}

/// Someone who is to be added.
pub(super) struct Newcomer {
    pub(super) person: PersonRow,
    pub(super) groups: BTreeSet<GroupName>,
    pub(super) scopes: BTreeSet<ScopeName>,
    pub(super) keys: Vec<(CredentialRecord, u32)>,
}

/// Everyone of a file, checked against the store; what is wrong with them.
pub struct Plan {
    pub(super) newcomers: Vec<Newcomer>,
    pub(super) seqs: HashMap<ScopeName, u64>,
    /// Scopes in which somebody was published.
    pub(super) touched: BTreeSet<ScopeName>,
    pub(super) now: UnixTime,
    /// Everything that is wrong, in the order of the lines.
    pub problems: Vec<Problem>,
    /// What it comes to.
    pub done: Imported,
}
