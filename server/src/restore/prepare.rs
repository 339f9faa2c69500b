//! A backup as it will stand in its place, made beside it.

use std::fs::File;
use std::io::Read;
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};

use jiff::tz::TimeZone;
use serde::Serialize;
use wardkey_core::code::Code;
use wardkey_core::id::SigningPublicKey;
use wardkey_core::texts;
use wardkey_core::time::UnixTime;

use super::addresses;
use super::present::{Looked, Present, is_there, look_for_link};
use super::provenance::{Provenance, check_root, provenance};
use super::replay::{Replayed, replay};
use super::trails::Trails;
use crate::admin::Operation;
use crate::backup::keys::KeyFiles;
use crate::backup::scratch::{Scratch, sync};
use crate::backup::{Backup, Contents, damaged, examine, keys, same};
use crate::config::Config;
use crate::error::{Error, Result};
use crate::files;
use crate::keyring::{self, Keyring};
use crate::secret;
use crate::store::audit::{self, Act, Actor, Entry};
use crate::store::restored::{self, Raised, Seen, Voided};
use crate::store::{Store, Tx, clock, log};
use crate::texts::{Phrase, Text, doing};

/// The database in the scratch folder.
pub(super) const DATABASE: &str = "wardkey.db";
/// The keys in it.
pub(super) const KEYS: &str = "keys";
/// Seconds after which a server that was off does not believe the clock (docs/ADMIN.md).
const OFF_TOO_LONG: u64 = 30 * 86_400;

/// Where the copy is made.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Where {
    /// Next to the store, to be put there.
    NextToStore,
    /// Among temporary files: a rehearsal.
    TempDir,
}

/// What is to be restored, and how.
#[derive(Debug)]
pub struct Asked<'a> {
    /// The backup.
    pub from: &'a Path,
    /// The file with the identity that opens its keys.
    pub identity: Option<&'a Path>,
    /// A newer copy of the trail.
    pub trail: Option<&'a Path>,
    /// The root key of the deployment, as somebody knows it.
    pub root: Option<&'a SigningPublicKey>,
    /// Whether a database that is there may be put aside.
    pub replace: bool,
    /// Who acts.
    pub actor: &'a Actor,
    /// When.
    pub now: UnixTime,
    /// Why.
    pub reason: Option<&'a str>,
    /// The deployment's time zone.
    pub zone: &'a TimeZone,
}

/// Where the keys come from.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum KeysFrom {
    /// Those that are on the machine stay.
    Machine,
    /// Those of the backup.
    Backup,
}

/// What comes of a restore.
#[derive(Debug, Serialize)]
pub struct Report {
    /// The backup.
    pub backup: PathBuf,
    /// When it was made, seconds since 1970.
    pub made: u64,
    /// The version that made it.
    pub program: String,
    /// What is in it.
    pub contents: Contents,
    /// The epoch that every scope has now.
    pub epoch: u64,
    /// Terminals whose document has a new number.
    pub terminals: u64,
    /// Open enrollment codes that are void.
    pub codes: u64,
    /// Open join tokens that are void.
    pub tokens: u64,
    /// Open passes that are void.
    pub passes: u64,
    /// Open loans of keys that are void.
    pub loans: u64,
    /// Sealed codes (break-glass) that are void.
    pub sealed: u64,
    /// Where the keys come from.
    pub keys: KeysFrom,
    /// The newer trail, and what was done by it.
    pub trail: Option<PathBuf>,
    /// Another newer trail, which parts from that one.
    pub parted: Option<PathBuf>,
    /// What was disabled again.
    pub replayed: Option<Replayed>,
    /// The addresses of the server that terminals are told.
    pub addresses: Vec<String>,
    /// Whether a database is put aside.
    pub replaces: bool,
    /// Whether the server will ask for "clock confirm".
    pub clock: bool,
    /// Until when the newer trail goes, seconds since 1970.
    pub trail_ends: Option<i64>,
    /// Whether that of the database that is there is in it.
    pub trail_is_of_here: bool,
    /// Why the trail of the database that is there says nothing.
    pub silent: Option<Phrase>,
}

/// What was found in the place.
#[derive(Debug)]
pub(super) enum Before {
    /// A database whose trail ends with this row.
    Read(Box<Entry>),
    /// A file that cannot be read, or nothing.
    Unread(Option<Looked>),
}

/// A restore that needs only to be put in its place.
#[derive(Debug)]
pub struct Prepared {
    pub(super) scratch: Scratch,
    pub(super) backup: Backup,
    /// Those that the machine lacks.
    pub(super) keys: Option<KeyFiles>,
    provenance: Provenance,
    /// What was found in its place.
    pub(super) seen: Before,
    /// What comes of it.
    pub report: Report,
}

impl Prepared {
    /// Checks everything and makes the copy.
    ///
    /// # Errors
    /// The refusals WK-1853 to WK-1860, WK-1862, WK-1864 and WK-1867 to WK-1873; the errors of
    /// files and of the store. Nothing was changed then.
    pub async fn make(config: &Config, asked: &Asked<'_>, place: Where) -> Result<Self> {
        look_for_link(&config.store)?;
        Store::put_back(&config.store).await?;
        let replaces = is_there(&config.store)?;
        if replaces && !asked.replace && place == Where::NextToStore {
            return Err(refused(Code::RestorePlaceTaken, &config.store));
        }
        let backup = Backup::open(asked.from).await?;
        let scratch = match place {
            Where::NextToStore => Scratch::sibling_of(&config.store)?,
            Where::TempDir => Scratch::in_temp_dir()?,
        };
        let (keys, own) = take_keys(config, asked, &backup)?;
        // Read before the trail: what comes after it is noticed before anything is placed.
        let looked = Looked::at(&config.store)?;
        let present = Present::read(config).await?;
        let provenance = provenance(config, &backup, present.as_ref(), asked.root)?;
        let trails = Trails::read(config, asked.trail, &backup, &own).await?;

        let staged = scratch.file(DATABASE);
        let bytes = backup.manifest.bytes_of(DATABASE);
        copy(&backup.database(), &staged, bytes)?;
        backup.manifest.check_copy(scratch.path(), asked.from)?;
        let store = Store::open(&staged).await?;
        let seen = present.as_ref().map(|present| present.seen);
        let done = bring_up(&store, asked, &backup, (&trails, seen)).await;
        store.close().await;
        let done = done?;
        sync(&staged)?;

        let manifest = &backup.manifest;
        let report = Report {
            backup: asked.from.to_owned(),
            made: manifest.made,
            program: manifest.program.clone(),
            contents: manifest.contents.clone(),
            epoch: done.raised.epoch,
            terminals: done.raised.terminals,
            codes: done.voided.codes,
            tokens: done.voided.tokens,
            passes: done.voided.passes,
            loans: done.voided.loans,
            sealed: done.voided.sealed,
            keys: if keys.is_some() { KeysFrom::Backup } else { KeysFrom::Machine },
            trail_ends: trails.kept.as_ref().map(|newer| newer.end),
            trail_is_of_here: trails.of_here,
            trail: trails.kept.map(|newer| newer.path),
            parted: trails.parted.map(|newer| newer.path),
            replayed: done.replayed,
            addresses: done.addresses,
            replaces,
            clock: asked.now.since(done.signed) > OFF_TOO_LONG,
            silent: trails.silent,
        };
        let seen = match present {
            Some(present) => Before::Read(Box::new(present.end)),
            None => Before::Unread(looked),
        };
        Ok(Self { scratch, backup, keys, provenance, seen, report })
    }

    /// Whether somebody has to say the root key before it can be put in its place.
    pub fn needs_root(&self) -> bool {
        self.provenance == Provenance::Unknown
    }

    /// Takes somebody's word for whose backup it is.
    ///
    /// # Errors
    /// [`Code::RestoreRootOther`] when the key is another one.
    pub fn of_root(&mut self, given: &SigningPublicKey) -> Result<()> {
        check_root(&self.backup, given)?;
        self.provenance = Provenance::Given;
        Ok(())
    }
}

/// The keys, where they come from the backup, and the public key by which the deployment seals.
/// They stay in memory: none lies on a disk before somebody said that it is to be restored.
fn take_keys(
    config: &Config,
    asked: &Asked<'_>,
    backup: &Backup,
) -> Result<(Option<KeyFiles>, SigningPublicKey)> {
    if config.keys.symlink_metadata().is_ok() {
        let keyring = Keyring::at(&config.keys);
        let files = keyring.files()?;
        let own = keyring::publish_key(&files, &backup.root);
        return match own.filter(|own| backup.is_sealed_by(own)) {
            Some(own) if keyring::fit(&files, &backup.root) => Ok((None, own)),
            _ => Err(refused(Code::RestoreKeysUnfit, &config.keys)),
        };
    }
    let (Some(sealed), Some(identity)) = (backup.keys(), asked.identity) else {
        let message = texts::phrase(Code::RestoreKeysMissing, vec![]);
        return Err(Error::refused(Code::RestoreKeysMissing, message));
    };
    let files = keys::open(&sealed, identity)?;
    let own = keyring::publish_key(&files, &backup.root).filter(|own| backup.is_sealed_by(own));
    match own {
        Some(own) if keyring::fit(&files, &backup.root) => Ok((Some(files), own)),
        _ => Err(refused(Code::RestoreKeysUnfit, &sealed)),
    }
}

struct Done {
    raised: Raised,
    voided: Voided,
    replayed: Option<Replayed>,
    addresses: Vec<String>,
    signed: UnixTime,
}

/// Everything that happens to the copy, in one transaction.
async fn bring_up(
    store: &Store,
    asked: &Asked<'_>,
    backup: &Backup,
    (trails, present): (&Trails, Option<Seen>),
) -> Result<Done> {
    let contents = &backup.manifest.contents;
    if contents.schema < Store::newest_schema() {
        let examined = async { same(&examine(store).await?.0, contents) }.await;
        examined.map_err(|error| damaged(asked.from, error.phrase()))?;
    }

    let mut tx = store.write().await?;
    let signed = clock::read(&mut tx).await?.signed;
    if let Some(newer) = &trails.kept {
        let mut before = &contents.trail;
        for row in &newer.rows {
            audit::append(&mut tx, before, row).await?;
            before = row;
        }
    }
    // The clock of a new machine can be years behind: every time and number that is known counts.
    let mut own = restored::seen(&mut tx).await?.until(backup.manifest.made);
    own.number = own.number.saturating_add(trails.rows().count() as u64);
    if !own.is_possible() {
        return Err(refused(Code::RestoreNumberTooHigh, asked.from));
    }
    let all = || trails.seen.iter().copied().chain(present).chain([own]);
    let latest = all().map(|seen| seen.time).fold(asked.now.0, u64::max);
    let at_least = all().map(|seen| seen.above(latest)).fold(latest, u64::max);
    let raised = restored::raise(&mut tx, at_least).await?;
    // What was signed since the backup is not in it: this is another log from here on.
    log::begin(&mut tx, raised.epoch, &secret::random()?).await?;
    let voided = restored::void(&mut tx, asked.now).await?;
    record(&mut tx, asked, backup, &raised).await?;
    let replayed = match trails.kept {
        None => None,
        Some(_) => {
            let mut op = Operation {
                tx: &mut tx,
                actor: asked.actor,
                now: asked.now,
                reason: asked.reason,
                zone: asked.zone,
            };
            Some(replay(&mut op, trails).await?)
        }
    };
    let addresses = addresses::follow(&mut tx, trails).await?;
    tx.commit().await?;
    Ok(Done { raised, voided, replayed, addresses, signed })
}

async fn record(tx: &mut Tx, asked: &Asked<'_>, backup: &Backup, raised: &Raised) -> Result<()> {
    let manifest = &backup.manifest;
    let detail = format!(
        "backup of {}, trail row {}, epoch {}",
        manifest.made, manifest.contents.trail.seq, raised.epoch
    );
    let object = asked.from.display().to_string();
    let act = Act::new("restore", &object).because(asked.reason).with(&detail);
    audit::record(tx, asked.now, asked.actor, act).await
}

/// Copies a file; one that has grown since it was found whole no further than to where that shows.
fn copy(from: &Path, to: &Path, bytes: u64) -> Result<()> {
    let what = || doing(Text::Copying, from);
    let mut source = files::open(from).map_err(Error::io(what()))?.take(bytes.saturating_add(1));
    let mut options = File::options();
    let mut copy =
        options.write(true).create_new(true).mode(0o600).open(to).map_err(Error::io(what()))?;
    std::io::copy(&mut source, &mut copy).map(drop).map_err(Error::io(what()))
}

/// A refusal that names a path.
pub(super) fn refused(code: Code, path: &Path) -> Error {
    let path = path.display().to_string().into();
    Error::refused(code, texts::phrase(code, vec![("path", path)]))
}
