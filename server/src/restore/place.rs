//! Putting a restored deployment in its place.
//!
//! ```text
//!   keys in place ──> the old log folded in ──> the old database and its log have a second name
//!                 ──> the log loses its first one ──> the new database is renamed over the old one
//! ```
//! From the first step to the last there is a database in its place, the old one or the new one,
//! and it is whole: what is interrupted is done again, and reads the old trail again. Where the
//! log could not be folded in, whoever opens the old database next puts it back.

use std::path::{Path, PathBuf};

use wardkey_core::code::Code;
use wardkey_core::texts;
use wardkey_core::time::UnixTime;

use super::prepare::{Before, DATABASE, KEYS, Prepared};
use super::present::{Looked, is_there};
use crate::admin::init::{give_away, give_like};
use crate::backup::damaged;
use crate::backup::scratch::{rename_new, sync};
use crate::config::Config;
use crate::error::{Error, Result};
use crate::files::folder_of;
use crate::keyring::Keyring;
use crate::store::{Alone, SIDECARS, disturbed, name_aside, with_end};
use crate::texts::{Text, doing};

/// A restored deployment in its place.
#[derive(Debug)]
pub struct Placed {
    /// Where the database is that was there before.
    pub aside: Option<PathBuf>,
}

/// What is done, in this order.
const STEPS: [fn(&mut Placing<'_>) -> Result<()>; 5] = [
    |now| now.keys(),
    |now| now.owner(),
    |now| now.aside(),
    |now| now.without_log(),
    |now| now.database(),
];

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
        if SIDECARS.iter().any(|end| with_end(&self.scratch.file(DATABASE), end).exists()) {
            return Err(damaged(self.backup.folder(), Text::CopyNotFolded));
        }
        let alone = Alone::take(&config.store).await?;
        if self.report.replaces != is_there(&config.store)? || !self.keys_are_as_said(config) {
            return Err(disturbed());
        }
        match &self.seen {
            // What could be read is what it was, and is all in one file from now on.
            Before::Read(seen) => {
                if alone.last_row().await.as_ref() != Some(&**seen) {
                    return Err(disturbed());
                }
                alone.fold_in().await?;
            }
            Before::Unread(looked) => {
                if Looked::at(&config.store)? != *looked {
                    return Err(disturbed());
                }
            }
        }

        let mut placing = Placing { prepared: &self, config, now, aside: None };
        STEPS.iter().take(steps).try_for_each(|step| step(&mut placing))?;
        Ok(Placed { aside: placing.aside })
    }

    /// Those of the machine can have been exchanged while the question waited.
    fn keys_are_as_said(&self, config: &Config) -> bool {
        self.keys.is_some()
            || Keyring::at(&config.keys).fits(&self.backup.root).is_ok_and(|fits| fits)
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

    /// Gives the database that is there a second name, and its log. All of it has one before any of
    /// it loses the first: see `put_back` of the store.
    fn aside(&mut self) -> Result<()> {
        let store = &self.config.store;
        let aside = name_aside(store, self.now);
        let link = |from: &Path, to: &Path| {
            std::fs::hard_link(from, to).map_err(Error::at_file(Text::PuttingAside, from))
        };
        if is_there(store)? {
            link(store, &aside)?;
            self.aside = Some(aside.clone());
        }
        // One that could be read has none by now; one that could not, or that is gone, may have.
        for end in SIDECARS {
            let log = with_end(store, end);
            if is_there(&log)? {
                link(&log, &with_end(&aside, end))?;
            }
        }
        sync(&folder_of(store))
    }

    fn without_log(&mut self) -> Result<()> {
        let store = &self.config.store;
        for log in SIDECARS.map(|end| with_end(store, end)) {
            if is_there(&log)? {
                let what = doing(Text::PuttingAside, &log);
                std::fs::remove_file(&log).map_err(Error::io(what))?;
            }
        }
        sync(&folder_of(store))
    }

    fn database(&mut self) -> Result<()> {
        let (staged, store) = (self.prepared.scratch.file(DATABASE), &self.config.store);
        if !self.prepared.report.replaces {
            return rename_new(&staged, store);
        }
        std::fs::rename(&staged, store).map_err(Error::at_file(Text::RenamingTo, store))?;
        sync(&folder_of(store))
    }
}

#[cfg(test)]
mod tests;
