//! Putting a restored deployment in its place.
//!
//! ```text
//!   keys in place ──> the old log folded in ──> the old database has a second name ──> renamed over it
//! ```
//! From the first step to the last there is a database in its place, the old one or the new one,
//! and it is whole: what is interrupted is done again, and reads the old trail again.

use std::path::{Path, PathBuf};

use wardkey_core::code::Code;
use wardkey_core::texts;
use wardkey_core::time::UnixTime;

use super::prepare::{DATABASE, KEYS, Prepared};
use crate::admin::init::{give_away, give_like, with_end};
use crate::backup::scratch::{folder_of, rename_new, sync};
use crate::config::Config;
use crate::error::{Error, Result};
use crate::keyring::Keyring;
use crate::store::{Alone, disturbed};

/// What SQLite has beside a database. A log that stays behind would be taken for the next
/// database's own.
const BESIDE: [&str; 2] = ["-wal", "-shm"];

/// A restored deployment in its place.
#[derive(Debug)]
pub struct Placed {
    /// Where the database is that was there before.
    pub aside: Option<PathBuf>,
}

/// What is done, in this order.
const STEPS: [fn(&mut Placing<'_>) -> Result<()>; 4] =
    [|now| now.keys(), |now| now.owner(), |now| now.aside(), |now| now.database()];

struct Placing<'a> {
    prepared: &'a Prepared,
    config: &'a Config,
    now: UnixTime,
    aside: Option<PathBuf>,
}

impl Prepared {
    /// Puts it in its place. Killed in between, it is done again.
    ///
    /// # Errors
    /// [`Code::RestoreRootUnknown`] when nobody knows whose it is; [`Code::RestoreDisturbed`] when
    /// the database that is there is used, or is no longer what was looked at. Nothing was changed
    /// then. [`Error::Io`].
    pub async fn place(self, config: &Config, now: UnixTime) -> Result<Placed> {
        self.place_until(config, now, STEPS.len()).await
    }

    async fn place_until(self, config: &Config, now: UnixTime, steps: usize) -> Result<Placed> {
        if self.needs_root() {
            let message = texts::phrase(Code::RestoreRootUnknown, vec![]);
            return Err(Error::refused(Code::RestoreRootUnknown, message));
        }
        if BESIDE.iter().any(|end| with_end(&self.scratch.file(DATABASE), end).exists()) {
            return Err(Error::damaged("the copy: its log was not folded in"));
        }
        let alone = Alone::take(&config.store).await?;
        if self.report.replaces != config.store.symlink_metadata().is_ok() {
            return Err(disturbed());
        }
        // What could be read is what it was, and is all in one file from now on.
        if let Some(seen) = &self.seen {
            if alone.last_row().await.as_ref() != Some(seen) {
                return Err(disturbed());
            }
            alone.fold_in().await?;
        }

        let mut placing = Placing { prepared: &self, config, now, aside: None };
        STEPS.iter().take(steps).try_for_each(|step| step(&mut placing))?;
        Ok(Placed { aside: placing.aside })
    }
}

impl Placing<'_> {
    fn keys(&mut self) -> Result<()> {
        let Some(files) = &self.prepared.keys else { return Ok(()) };
        let made = Keyring::at(self.prepared.scratch.file(KEYS));
        made.create_from(files)?;
        rename_new(made.folder(), &self.config.keys)
    }

    /// Before it is in its place: a server that cannot open it would be no restored one.
    fn owner(&mut self) -> Result<()> {
        give_away(self.config, &Keyring::at(&self.config.keys))?;
        give_like(&self.prepared.scratch.file(DATABASE), &folder_of(&self.config.store))
    }

    /// Gives the database that is there a second name.
    fn aside(&mut self) -> Result<()> {
        let store = &self.config.store;
        let is_there = |path: &Path| path.symlink_metadata().is_ok();
        if is_there(store) {
            let aside = name_aside(store, self.now);
            let what = || format!("putting {} aside", store.display());
            std::fs::hard_link(store, &aside).map_err(Error::io(what()))?;
            self.aside = Some(aside);
        }
        // One that could be read has none by now; one that could not, or that is gone, may have.
        let aside = self.aside.clone().unwrap_or_else(|| name_aside(store, self.now));
        for end in BESIDE {
            let from = with_end(store, end);
            if is_there(&from) {
                std::fs::rename(&from, with_end(&aside, end))
                    .map_err(Error::io(format!("putting {} aside", from.display())))?;
            }
        }
        sync(&folder_of(store))
    }

    fn database(&mut self) -> Result<()> {
        let (staged, store) = (self.prepared.scratch.file(DATABASE), &self.config.store);
        if !self.prepared.report.replaces {
            return rename_new(&staged, store);
        }
        std::fs::rename(&staged, store)
            .map_err(Error::io(format!("renaming to {}", store.display())))?;
        sync(&folder_of(store))
    }
}

/// A name beside the database that nothing has.
fn name_aside(store: &Path, now: UnixTime) -> PathBuf {
    let mut aside = with_end(store, &format!(".replaced-{}", now.0));
    for number in 1.. {
        let is_free = |end| with_end(&aside, end).symlink_metadata().is_err();
        if ["", "-wal", "-shm"].into_iter().all(is_free) {
            break;
        }
        aside = with_end(store, &format!(".replaced-{}-{number}", now.0));
    }
    aside
}

#[cfg(test)]
mod tests;
