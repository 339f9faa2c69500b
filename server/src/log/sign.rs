//! Checkpoints of the log, and the key that signs them.
//!
//! The key is made from the publish key by HMAC-SHA-256 under a name of its own. So it is another
//! key: who is given its public part, and what it signs, says nothing about the directory by which
//! people get in. And it is there wherever the publish key is: after an upgrade, in every backup,
//! and after a restore of one that is older than the log.

use std::path::Path;

use serde::Serialize;
use wardkey_core::code::Code;
use wardkey_core::document::RootDocument;
use wardkey_core::id::to_hex;
use wardkey_core::texts;
use wardkey_core::time::UnixTime;
use wardkey_tlog::{Checkpoint, Frontier, Hash, KeyName, Signer, Verifier};

use super::last_checkpoint;
use crate::error::{Error, Result};
use crate::keyring::Keyring;
use crate::store::log::{self as stored, Signed, State};
use crate::store::{Db, setting};

/// The log as it is signed now.
#[derive(Debug, Serialize)]
pub struct SignedLog {
    /// Its name.
    pub origin: String,
    /// Entries in it.
    pub size: u64,
    /// The root over them, in base64.
    pub root: String,
    /// When this root was first signed, seconds since 1970.
    pub signed: u64,
    /// By which others verify it.
    pub verifier: String,
    /// The checkpoint: a signed note.
    pub checkpoint: String,
}

/// The key of the log under the name that it has, both by the root document that is in force.
async fn signer(db: &mut Db, keyring: &Keyring, state: &State) -> Result<Signer> {
    let (_, root) = setting::roots(db).await?;
    Ok(Signer::new(name(&root, state)?, &*keyring.log_secret(&root)?))
}

/// The name of the log.
///
/// # Errors
/// Those of the store.
pub async fn origin(db: &mut Db, state: &State) -> Result<KeyName> {
    let (_, root) = setting::roots(db).await?;
    name(&root, state)
}

/// The name of the log. A mark of random bytes keeps names apart that have one generation.
fn name(root: &RootDocument, state: &State) -> Result<KeyName> {
    let deployment: String = root.deployment.to_hex().chars().take(16).collect();
    let mark = state.mark.map(|mark| format!("-{}", to_hex(&mark))).unwrap_or_default();
    let name = format!("{}/wardkey-log/{deployment}/{}{mark}", root.rp_id, state.generation);
    KeyName::new(name).map_err(Error::damaged)
}

/// The root of the first entries.
///
/// # Errors
/// [`Error::Damaged`] when hashes are missing.
pub async fn root(db: &mut Db, size: u64) -> Result<Hash> {
    let mut edge = Vec::new();
    for (level, width) in Frontier::widths(size) {
        let first = level.hashes(size) - u64::from(width);
        edge.push(match width {
            0 => Vec::new(),
            width => stored::hashes(db, level, first, width).await?,
        });
    }
    let frontier = Frontier::of(size, edge);
    Ok(frontier.ok_or_else(|| Error::damaged("the log of records"))?.root())
}

/// The root of the first entries; none when there are not so many.
///
/// # Errors
/// Those of [`root`].
pub async fn root_at(db: &mut Db, size: u64) -> Result<Option<Hash>> {
    if stored::end(db).await?.size < size {
        return Ok(None);
    }
    root(db, size).await.map(Some)
}

/// Signs the log as it is, in the transaction that remembers it: never what contradicts a
/// checkpoint that was signed before, by what this database remembers or the file beside it. After
/// the commit the caller [keeps](last_checkpoint::keep) the checkpoint there.
///
/// # Errors
/// [`Code::LogForked`], [`Code::LogPutBack`], [`Code::LogBeside`]; those of [`root`] and of the
/// keys.
pub async fn sign(
    db: &mut Db,
    database: &Path,
    keyring: &Keyring,
    now: UnixTime,
) -> Result<SignedLog> {
    let state = stored::state(db).await?;
    let origin = origin(db, &state).await?;
    let size = stored::end(db).await?.size;
    let root = root(db, size).await?;
    let signed = match &state.signed {
        Some(before) if before.size == size && before.root == root => before.clone(),
        Some(before) => {
            goes_on(db, size, before).await?;
            remember(db, Signed { size, root, time: now }).await?
        }
        None => remember(db, Signed { size, root, time: now }).await?,
    };

    not_put_back(db, database, &origin).await?;

    signed_log(db, keyring, &state, &signed).await
}

/// What was signed last, signed as it was then; none before that.
///
/// # Errors
/// Those of the store and of the keys.
pub async fn last(db: &mut Db, keyring: &Keyring, state: &State) -> Result<Option<SignedLog>> {
    match &state.signed {
        Some(signed) => signed_log(db, keyring, state, signed).await.map(Some),
        None => Ok(None),
    }
}

/// The checkpoint of what was signed.
///
/// # Errors
/// Those of the store and of the keys.
pub async fn signed_log(
    db: &mut Db,
    keyring: &Keyring,
    state: &State,
    signed: &Signed,
) -> Result<SignedLog> {
    let signer = signer(db, keyring, state).await?;
    let origin = signer.verifier().name();
    let checkpoint = Checkpoint::new(origin.as_str(), signed.size, signed.root)
        .map_err(Error::crypto("the log"))?;
    let note = checkpoint.sign(&signer).map_err(Error::crypto("the log"))?;
    Ok(SignedLog {
        origin: origin.to_string(),
        size: signed.size,
        root: signed.root.to_string(),
        signed: signed.time.0,
        verifier: signer.verifier().to_string(),
        checkpoint: note.to_string(),
    })
}

async fn remember(db: &mut Db, signed: Signed) -> Result<Signed> {
    stored::put_signed(db, &signed).await?;
    Ok(signed)
}

async fn goes_on(db: &mut Db, size: u64, before: &Signed) -> Result<()> {
    if before.size < size && root(db, before.size).await? == before.root {
        return Ok(());
    }
    Err(forked(before.size))
}

/// Whether the log goes on from the checkpoint in the file beside the database.
///
/// # Errors
/// [`Code::LogPutBack`] when it does not; [`Code::LogBeside`], [`Error::Store`].
pub async fn is_newest(db: &mut Db, database: &Path) -> Result<()> {
    let state = stored::state(db).await?;
    let origin = origin(db, &state).await?;
    not_put_back(db, database, &origin).await
}

async fn not_put_back(db: &mut Db, database: &Path, origin: &KeyName) -> Result<()> {
    let Some(last) = last_checkpoint::read(database)? else { return Ok(()) };
    let is_kept = if last.origin() == origin.as_str() {
        has(db, last.size(), last.root()).await?
    } else {
        // Of another name: a restore has begun this log since. One from before the last restore
        // was put back.
        generation_of(last.origin()) <= generation_of(origin.as_str())
    };
    if is_kept { Ok(()) } else { Err(last_checkpoint::put_back(last.size())) }
}

/// The generation in the name of a log; none where that is no name of ours.
fn generation_of(origin: &str) -> Option<u64> {
    let last = origin.rsplit('/').next()?;
    last.split('-').next()?.parse().ok()
}

/// Whether the log still is what was signed last, here and beside the database.
///
/// # Errors
/// [`Error::Store`].
pub async fn holds(db: &mut Db, database: &Path) -> Result<bool> {
    if let Some(before) = stored::state(db).await?.signed
        && !has(db, before.size, &before.root).await?
    {
        return Ok(false);
    }
    match is_newest(db, database).await {
        // Nothing is signed then; "log verify" says which it is.
        Err(error) if matches!(error.code(), Code::LogPutBack | Code::LogBeside) => Ok(false),
        done => done.map(|()| true),
    }
}

/// Whether the log has so many entries at least, and over them this root.
async fn has(db: &mut Db, size: u64, wanted: &Hash) -> Result<bool> {
    if stored::end(db).await?.size < size {
        return Ok(false);
    }
    match root(db, size).await {
        Ok(root) => Ok(root == *wanted),
        // Some of its hashes are missing.
        Err(Error::Damaged(_)) => Ok(false),
        Err(error) => Err(error),
    }
}

/// The refusal of a log that is not what was signed.
pub fn forked(size: u64) -> Error {
    let message = texts::phrase(Code::LogForked, vec![("size", size.into())]);
    Error::refused(Code::LogForked, message)
}

/// The public key by which every log of this server is signed under a root document, whatever its
/// name.
///
/// # Errors
/// Those of [`Keyring::log_secret`].
pub fn public(keyring: &Keyring, root: &RootDocument) -> Result<Verifier> {
    let any = KeyName::new("wardkey-log").map_err(Error::damaged)?;
    Ok(Signer::new(any, &*keyring.log_secret(root)?).verifier().clone())
}
