//! What trails say that are newer than a backup: that of the database that is there, and one that
//! was given. Each can have rows that the other lacks.

use std::path::Path;

use wardkey_core::code::Code;
use wardkey_core::id::SigningPublicKey;

use super::present::{is_there, unreadable};
use crate::backup::{Backup, Newer};
use crate::config::Config;
use crate::error::Result;
use crate::store::audit::Entry;
use crate::store::is_damage;
use crate::store::restored::Seen;
use crate::texts::Phrase;

/// Newer trails.
#[derive(Debug, Default)]
pub struct Trails {
    /// The one whose rows are kept.
    pub kept: Option<Newer>,
    /// One that parts from it: two servers went on from one state. What it disabled counts too.
    pub parted: Option<Newer>,
    /// How many rows both have.
    common: usize,
    /// Whether that of the database that is there was read.
    pub of_here: bool,
    /// What terminals can have seen by any of them.
    pub seen: Vec<Seen>,
    /// Why the trail of the database that is there says nothing.
    pub silent: Option<Phrase>,
}

impl Trails {
    /// Reads them.
    ///
    /// # Errors
    /// Those of [`Newer::given`], for the one that was given; [`Code::RestoreUnreadable`] when that
    /// of a database cannot be read that is not damaged.
    pub async fn read(
        config: &Config,
        given: Option<&Path>,
        backup: &Backup,
        own: &SigningPublicKey,
    ) -> Result<Self> {
        let end = &backup.manifest.contents.trail;
        let given = match given {
            Some(path) => Some(Newer::given(path, end, own).await?),
            None => None,
        };
        if !is_there(&config.store)? {
            return Ok(Self::of_one(given));
        }
        match Newer::of_database(&config.store, end).await {
            Ok(here) => Ok(Self { of_here: true, ..Self::of(here, given) }),
            // What cannot be read is why somebody restores.
            Err(error) if is_damage(&error) || error.code() == Code::RestoreTrailUnfit => {
                Ok(Self { silent: Some(error.phrase()), ..Self::of_one(given) })
            }
            Err(error) => Err(unreadable(&config.store, error)),
        }
    }

    fn of_one(newer: Option<Newer>) -> Self {
        let seen = newer.iter().flat_map(|newer| newer.seen.clone()).collect();
        Self { kept: newer, seen, ..Self::default() }
    }

    fn of(here: Newer, given: Option<Newer>) -> Self {
        let Some(given) = given else { return Self::of_one(Some(here)) };
        // What terminals saw of a trail counts whether its rows are kept or not.
        let seen = here.seen.iter().chain(&given.seen).copied().collect();
        let common = here.rows.iter().zip(&given.rows).take_while(|(a, b)| a == b).count();
        if common == here.rows.len() {
            return Self { kept: Some(given), seen, ..Self::default() };
        }
        let parted = (common < given.rows.len()).then_some(given);
        Self { kept: Some(here), parted, common, seen, ..Self::default() }
    }

    /// Every trail, from the end of the backup on.
    pub fn all(&self) -> impl Iterator<Item = &[Entry]> {
        self.kept.iter().chain(&self.parted).map(|newer| newer.rows.as_slice())
    }

    /// Every row, once.
    pub fn rows(&self) -> impl Iterator<Item = &Entry> {
        self.kept_rows().chain(self.parted_rows())
    }

    /// The rows that are kept.
    pub fn kept_rows(&self) -> impl Iterator<Item = &Entry> {
        self.kept.iter().flat_map(|newer| &newer.rows)
    }

    /// Those that only the other trail has.
    pub fn parted_rows(&self) -> impl Iterator<Item = &Entry> {
        self.parted.iter().flat_map(|newer| newer.rows.iter().skip(self.common))
    }
}
