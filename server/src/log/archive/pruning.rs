//! By what records are pruned, and what became of them.

use std::collections::BTreeMap;
use std::path::PathBuf;

use serde::Serialize;
use wardkey_core::code::Code;
use wardkey_core::name::printable;
use wardkey_core::texts;

use super::super::verify::changed;
use crate::clock::Clock;
use crate::config::Retention;
use crate::error::{Error, Result};
use crate::keyring::Keyring;
use crate::store::Store;
use crate::store::audit::Actor;
use crate::store::destination::Destination;

/// Characters of a destination's name that are said.
const NAME_CHARS: usize = 256;

/// By what is pruned, and by whom.
pub struct Pruning<'a> {
    /// The open store.
    pub store: &'a Store,
    /// The deployment's keys.
    pub keyring: &'a Keyring,
    /// Who acts.
    pub actor: &'a Actor,
    /// The clock.
    pub clock: &'a Clock,
    /// For how long records are kept.
    pub retention: &'a Retention,
    /// Why, in the words of whoever acts.
    pub reason: Option<&'a str>,
    /// Whether nothing is changed: only said what would be.
    pub is_rehearsal: bool,
    /// Whether records go that destinations have not been sent.
    pub anyway: bool,
}

/// What was pruned.
#[derive(Debug, Serialize)]
pub struct PrunedRecords {
    /// The archive's file.
    pub path: PathBuf,
    /// Its number; none in a rehearsal of one that is not listed.
    pub archive: Option<i64>,
    /// The act; none when nothing was pruned.
    pub act: Option<u64>,
    /// How many records, of each class.
    pub classes: BTreeMap<&'static str, u64>,
    /// How many in all.
    pub records: u64,
    /// What stayed of what the archive has.
    pub kept: Kept,
    /// Destinations that have not been sent some of them, by name.
    pub unsent: Vec<Unsent>,
    /// Whether nothing was changed.
    pub rehearsal: bool,
    /// The number of a record that somebody changed in the database.
    #[serde(skip)]
    pub changed: Option<i64>,
}

impl PrunedRecords {
    /// Whether every destination has what goes.
    ///
    /// # Errors
    /// [`Code::RecordsUnsent`].
    pub fn sent(&self) -> Result<()> {
        let Some(most) = self.unsent.iter().map(|to| to.records).max() else { return Ok(()) };
        let names: Vec<&str> = self.unsent.iter().map(|to| to.destination.as_str()).collect();
        let code = Code::RecordsUnsent;
        let said = vec![("names", names.join(", ").into()), ("count", most.into())];
        Err(Error::refused(code, texts::phrase(code, said)))
    }

    /// Whether every record was what the log took in.
    ///
    /// # Errors
    /// [`Code::LogEntryChanged`].
    pub fn verdict(&self) -> Result<()> {
        match self.changed {
            None => Ok(()),
            Some(number) => Err(changed(number)),
        }
    }
}

/// A destination that has not been sent some of the records that go.
#[derive(Clone, Debug, Serialize)]
pub struct Unsent {
    /// The way and the place.
    pub destination: String,
    /// How many.
    pub records: u64,
    /// The place in the log of the first record that it may lack.
    #[serde(skip)]
    pub(super) from: u64,
}

impl Unsent {
    /// A destination, before anything was looked at.
    pub(super) fn by(destination: &Destination) -> Self {
        let name = printable(&destination.name, NAME_CHARS);
        Self { destination: name, records: 0, from: destination.position }
    }
}

/// Records that stayed, and why.
#[derive(Debug, Default, Serialize)]
pub struct Kept {
    /// They are not past their time, or their class is kept for ever.
    pub not_due: u64,
    /// Later records are compared with them: the newest use of a key, and all of one that may have
    /// been copied.
    pub compared: u64,
    /// No terminal has cosigned them yet; or it is the newest record of all.
    pub not_witnessed: u64,
    /// They are not what the log took in: evidence.
    pub changed: u64,
}
