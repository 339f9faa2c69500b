//! Making a backup.

use std::path::{Path, PathBuf};
use std::time::Duration;

use age::x25519::Recipient;
use serde::Serialize;
use wardkey_core::code::Code;
use wardkey_core::codec;
use wardkey_core::document::RootDocument;
use wardkey_core::texts;
use wardkey_core::time::UnixTime;

use super::contents::{Contents, examine};
use super::manifest::{DATABASE, KEYS, MANIFEST, Manifest, SIGNATURE, TRAIL};
use super::opened::Backup;
use super::scratch::{Scratch, sync, there, write_new};
use super::seal::Seal;
use super::{keys, trail};
use crate::error::{Error, Result};
use crate::keyring::{Keyring, Secret, publish_key};
use crate::store::audit::{self, Act, Actor};
use crate::store::{Opening, Store, create_file};
use crate::texts::Text;

/// How often it is said how far the copy is.
const SAID_EVERY: Duration = Duration::from_millis(250);

/// Who can open the keys.
#[derive(Debug)]
pub enum KeysFor {
    /// These; never nobody.
    Recipients(Vec<Recipient>),
    /// Nobody: they are left out, because somebody said so.
    Nobody,
}

/// What a backup is made of, and by whom.
#[derive(Debug)]
pub struct Making<'a> {
    /// The open store.
    pub store: &'a Store,
    /// The deployment's keys.
    pub keyring: &'a Keyring,
    /// Who can open the keys.
    pub keys: KeysFor,
    /// Who acts.
    pub actor: &'a Actor,
    /// When.
    pub now: UnixTime,
}

/// A backup that was made and read again.
#[derive(Debug, Serialize)]
pub struct Made {
    /// Its folder.
    pub path: PathBuf,
    /// Length of its files.
    pub bytes: u64,
    /// Whether the keys are in it.
    pub keys: bool,
    /// When, seconds since 1970.
    pub made: u64,
    /// What is in it.
    pub contents: Contents,
}

/// Makes a backup under a name that nothing has. `said` is told how many bytes of how many are
/// copied.
///
/// # Errors
/// [`Code::BackupThere`]; [`Code::BackupUnfit`] when what was written does not pass; the errors of
/// files and of the store. Then there is no backup.
pub async fn make(making: &Making<'_>, to: &Path, said: impl Fn(u64, u64)) -> Result<Made> {
    if to.symlink_metadata().is_ok() {
        return Err(there(to));
    }
    // Before an hour's work: the keys that it needs.
    making.keyring.signing(Secret::Publish)?;
    let scratch = Scratch::sibling_of(to)?;
    let mut names = vec![DATABASE, TRAIL];
    copy(making.store, &scratch.file(DATABASE), said).await?;
    let (contents, root) = read_back(&scratch).await.map_err(unfit)?;
    // Those of the copy: they may have been exchanged while it was made.
    let publish = making.keyring.publishing(&root).map_err(unfit)?;
    if let KeysFor::Recipients(recipients) = &making.keys {
        let files = making.keyring.files()?;
        if publish_key(&files, &root) != Some(publish.public()) {
            return Err(unfit(Error::invalid(Text::OtherPublishKey)));
        }
        write_new(&scratch.file(KEYS), &keys::seal(&files, recipients)?)?;
        names.push(KEYS);
    }

    let manifest = Manifest::of(scratch.path(), contents, making.now.0, &names)?;
    let bytes = serde_json::to_vec_pretty(&manifest).map_err(Error::crypto("JSON"))?;
    let seal = publish.sign(&Seal { manifest: codec::sha256(&bytes) });
    write_new(&scratch.file(MANIFEST), &bytes)?;
    write_new(&scratch.file(SIGNATURE), &seal)?;
    // As a restore will read it.
    let backup = Backup::open(scratch.path()).await.map_err(unfit)?;

    record(making, to).await?;
    scratch.rename(to)?;
    Ok(Made {
        path: to.to_owned(),
        bytes: manifest.bytes(),
        keys: manifest.has_keys(),
        made: manifest.made,
        contents: backup.manifest.contents,
    })
}

/// Copies one state of the store. Whoever writes meanwhile waits for nothing.
async fn copy(store: &Store, to: &Path, said: impl Fn(u64, u64)) -> Result<()> {
    // Made here and not by SQLite: never readable by others, not even for a moment.
    create_file(to)?;
    let total = length(store.path());
    let copying = store.copy_into(to);
    tokio::pin!(copying);
    let mut tick = tokio::time::interval(SAID_EVERY);
    loop {
        tokio::select! {
            done = &mut copying => {
                done?;
                said(total, total);
                return sync(to);
            }
            _ = tick.tick() => said(length(to).min(total), total),
        }
    }
}

fn length(path: &Path) -> u64 {
    path.metadata().map_or(0, |meta| meta.len())
}

/// Reads the copy, and writes its trail beside it.
async fn read_back(scratch: &Scratch) -> Result<(Contents, RootDocument)> {
    let store = Store::open_as_it_is(&scratch.file(DATABASE), Opening::Copy).await?;
    let read = async {
        let examined = examine(&store).await?;
        trail::write(&store, &scratch.file(TRAIL)).await?;
        Ok(examined)
    };
    let read = read.await;
    store.close().await;
    read
}

async fn record(making: &Making<'_>, to: &Path) -> Result<()> {
    let detail = match &making.keys {
        KeysFor::Recipients(recipients) => format!("keys for {} recipients", recipients.len()),
        KeysFor::Nobody => "without keys".to_owned(),
    };
    let path = to.display().to_string();
    let mut tx = making.store.write().await?;
    let act = Act::new("backup.make", &path).with(&detail);
    audit::record(&mut tx, making.now, making.actor, act).await?;
    Ok(tx.commit().await?)
}

fn unfit(error: Error) -> Error {
    // A disk that is full says nothing about the database.
    if let Error::Io { .. } = error {
        return error;
    }
    let message = texts::phrase(Code::BackupUnfit, vec![("what", error.phrase())]);
    Error::refused(Code::BackupUnfit, message)
}
