//! Making a backup.

use std::path::{Path, PathBuf};
use std::time::Duration;

use age::x25519::Recipient;
use serde::Serialize;
use wardkey_core::code::Code;
use wardkey_core::codec;
use wardkey_core::document::RootDocument;
use wardkey_core::sign::SigningKey;
use wardkey_core::texts;
use wardkey_core::time::UnixTime;

use super::contents::{Contents, examine};
use super::manifest::{DATABASE, KEYS, MANIFEST, Manifest, SIGNATURE, TRAIL};
use super::opened::Backup;
use super::scratch::{Scratch, sync, there, write_new};
use super::seal::Seal;
use super::{keys, trail};
use crate::error::{Error, Result};
use crate::keyring::{Keyring, Secret, fit, publish_key};
use crate::store::audit::{self, Act, Actor};
use crate::store::{Opening, Store, create_file, setting};
use crate::texts::Text;

/// How often it is said how far the copy is.
const SAID_EVERY: Duration = Duration::from_millis(250);
/// How often the store is copied, and how often keys are read, until they fit each other.
const COPIES: u32 = 3;
const LOOKS: u32 = 5;
const BETWEEN_LOOKS: Duration = Duration::from_millis(20);

/// The publish key, and the files for the backup, if any.
type Keys = (SigningKey, Option<keys::KeyFiles>);

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
    let (contents, (publish, files)) = copy_with_keys(making, &scratch, said).await?;
    if let (KeysFor::Recipients(recipients), Some(files)) = (&making.keys, files) {
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

/// Copies the store, and reads the keys that fit the copy. Where one was exchanged meanwhile, the
/// one before is gone, and it is copied again.
async fn copy_with_keys(
    making: &Making<'_>,
    scratch: &Scratch,
    said: impl Fn(u64, u64),
) -> Result<(Contents, Keys)> {
    let mut copies = 0;
    loop {
        copies += 1;
        copy(making.store, &scratch.file(DATABASE), &said).await?;
        let (contents, root) = read_back(scratch).await.map_err(unfit)?;
        match keys_of(making, &root).await {
            Ok(keys) => return Ok((contents, keys)),
            Err(error) => {
                let mut tx = making.store.read().await?;
                let newest = setting::root_version(&mut tx).await?;
                drop(tx);
                if newest == root.version || copies == COPIES {
                    return Err(error);
                }
                scratch.empty()?;
            }
        }
    }
}

/// Those of a root document. They are read again where somebody tidies at that moment.
async fn keys_of(making: &Making<'_>, root: &RootDocument) -> Result<Keys> {
    let publish = making.keyring.publishing(root).map_err(unfit)?;
    if let KeysFor::Nobody = making.keys {
        return Ok((publish, None));
    }
    let mut looks = 0;
    loop {
        looks += 1;
        let error = match making.keyring.files() {
            Ok(files) if fit(&files, root) => return Ok((publish, Some(files))),
            Ok(files) if publish_key(&files, root).is_none() => {
                unfit(Error::invalid(Text::OtherPublishKey))
            }
            Ok(_) => unfit(Error::invalid(Text::OtherAuthority)),
            Err(error) => error,
        };
        if looks == LOOKS {
            return Err(error);
        }
        tokio::time::sleep(BETWEEN_LOOKS).await;
    }
}

/// Copies one state of the store. Whoever writes meanwhile waits for nothing.
async fn copy(store: &Store, to: &Path, said: &impl Fn(u64, u64)) -> Result<()> {
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
