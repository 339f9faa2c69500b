//! What trails say that are newer than a backup: that of the database that is there, and one that
//! was given. Each can have rows that the other lacks.

use std::path::Path;

use wardkey_core::id::SigningPublicKey;

use crate::backup::{Backup, Newer};
use crate::config::Config;
use crate::error::Result;
use crate::store::audit::Entry;
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
    /// Why the trail of the database that is there says nothing.
    pub silent: Option<Phrase>,
}

impl Trails {
    /// Reads them.
    ///
    /// # Errors
    /// Those of [`Newer::given`], for the one that was given.
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
        if config.store.symlink_metadata().is_err() {
            return Ok(Self { kept: given, ..Self::default() });
        }
        Ok(match Newer::read(&config.store, end).await {
            Ok(here) => Self::of(here, given),
            // What cannot be read is why somebody restores.
            Err(error) => Self { kept: given, silent: Some(error.phrase()), ..Self::default() },
        })
    }

    fn of(here: Newer, given: Option<Newer>) -> Self {
        let Some(given) = given else { return Self { kept: Some(here), ..Self::default() } };
        let common = here.rows.iter().zip(&given.rows).take_while(|(a, b)| a == b).count();
        if common == here.rows.len() {
            return Self { kept: Some(given), ..Self::default() };
        }
        let parted = (common < given.rows.len()).then_some(given);
        Self { kept: Some(here), parted, common, silent: None }
    }

    /// Every trail, from the end of the backup on.
    pub fn all(&self) -> impl Iterator<Item = &[Entry]> {
        self.kept.iter().chain(&self.parted).map(|newer| newer.rows.as_slice())
    }

    /// Every row, once.
    pub fn rows(&self) -> impl Iterator<Item = &Entry> {
        let parted = self.parted.iter().flat_map(|newer| newer.rows.iter().skip(self.common));
        self.kept.iter().flat_map(|newer| &newer.rows).chain(parted)
    }
}
