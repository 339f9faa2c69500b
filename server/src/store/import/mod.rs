//! Many people at once, in the caller's transaction: the statements take many rows each, and the
//! published records are made here instead of being read back.
//!
//! ```text
//!   people_file ──> check (against the store) ──> Plan ──> write
//! ```

mod check;
mod key;
mod write;

use std::collections::{BTreeSet, HashMap};

use jiff::tz::TimeZone;
use serde::Serialize;
use wardkey_core::name::{GroupName, ScopeName};
use wardkey_core::person::CredentialRecord;
use wardkey_core::time::UnixTime;

use super::person::Person;
use crate::people_file::Problem;
pub use check::plan;

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
struct Newcomer {
    person: Person,
    groups: BTreeSet<GroupName>,
    scopes: BTreeSet<ScopeName>,
    keys: Vec<(CredentialRecord, u32)>,
}

/// Everyone of a file, checked against the store; what is wrong with them.
pub struct Plan {
    newcomers: Vec<Newcomer>,
    seqs: HashMap<ScopeName, u64>,
    /// Scopes in which somebody was published.
    touched: BTreeSet<ScopeName>,
    now: UnixTime,
    /// Everything that is wrong, in the order of the lines.
    pub problems: Vec<Problem>,
    /// What it comes to.
    pub done: Imported,
}
