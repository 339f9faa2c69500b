//! What terminals are shown of the log: the checkpoint that was signed last, and that it goes on
//! from the one that each of them has seen.
//!
//! Many ask, and most have seen the same one: proofs are made once for each size.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};

use wardkey_core::code::Code;
use wardkey_core::id::{SigningPublicKey, TerminalId};
use wardkey_core::log_key::LogKey;
use wardkey_core::message::http::{Base64, CheckpointReply, witness_name};
use wardkey_core::time::UnixTime;
use wardkey_tlog::{Checkpoint, Hash, Kind, Note, Verifier};

use super::sign::{last, public, root};
use super::tiles::{self, Claim};
use crate::error::{Error, Result};
use crate::keyring::Keyring;
use crate::lock::lock;
use crate::store::log::{self as stored, State};
use crate::store::witness::Cosigned;
use crate::store::{Db, Store, setting};
use crate::texts::Text;

/// Sizes for which something is kept, of one checkpoint.
const MOST: usize = 4096;

/// The log as it is shown.
pub struct Shown {
    keyring: Keyring,
    /// By which key the log is signed, as the publish key of a root document says it.
    named: Mutex<Option<Named>>,
    latest: Mutex<Option<Latest>>,
}

/// A key of the log, and that the publish key of a root document names it.
#[derive(Clone)]
struct Named {
    root: u64,
    key: SigningPublicKey,
    signed: Vec<u8>,
}

/// The checkpoint that was signed last.
#[derive(Clone)]
struct Latest {
    state: State,
    origin: String,
    checkpoint: String,
    size: u64,
    proofs: Arc<Mutex<BTreeMap<u64, Vec<Hash>>>>,
    roots: Arc<Mutex<BTreeMap<u64, Hash>>>,
}

impl Shown {
    /// With these keys; nothing is read yet.
    pub fn new(keyring: Keyring) -> Self {
        Self { keyring, named: Mutex::default(), latest: Mutex::default() }
    }

    /// What a terminal is shown that has seen the log at a size.
    ///
    /// # Errors
    /// [`Code::NotFound`] before anything was signed; those of the store.
    pub async fn since(&self, store: &Store, size: u64) -> Result<CheckpointReply> {
        let mut tx = store.read().await?;
        let latest = self.latest(&mut tx).await?;
        let known = lock(&latest.proofs).get(&size).cloned();
        let proof = match known {
            Some(proof) => proof,
            // Nothing proves that a log goes on from one that is longer.
            None if size > latest.size => Vec::new(),
            None => {
                let claim = Claim::GoesOnFrom(size);
                let proof = tiles::prove(&mut tx, claim, latest.size).await?.unwrap_or_default();
                keep(&latest.proofs, size, proof.clone());
                proof
            }
        };
        Ok(CheckpointReply {
            key: Base64(self.named(&mut tx).await?),
            checkpoint: latest.checkpoint,
            proof: proof.iter().map(|hash| Base64(hash.as_bytes().to_vec())).collect(),
        })
    }

    /// Verifies that a terminal cosigned a checkpoint of this log.
    ///
    /// # Errors
    /// [`Code::CosignatureRefused`], [`Code::NotFound`] before anything was signed; those of the
    /// store.
    pub async fn cosigned(
        &self,
        store: &Store,
        terminal: &TerminalId,
        (key, checkpoint): (&str, &str),
        now: UnixTime,
    ) -> Result<Cosigned> {
        let mut tx = store.read().await?;
        let latest = self.latest(&mut tx).await?;
        let (_, roots) = setting::roots(&mut tx).await?;
        let (by, note) = parsed(key, checkpoint).ok_or_else(refused)?;
        let opened = note.open(std::slice::from_ref(&by)).map_err(|_| refused())?;
        let head = Checkpoint::parse(opened.text()).map_err(|_| refused())?;

        let is_own = by.kind() == Kind::Cosignature
            && by.name().as_str() == witness_name(&roots.rp_id, terminal);
        if !is_own || head.origin() != latest.origin || head.size() > latest.size {
            return Err(refused());
        }
        let known = lock(&latest.roots).get(&head.size()).copied();
        let made = match known {
            Some(root) => root,
            None => {
                let made = root(&mut tx, head.size()).await?;
                keep(&latest.roots, head.size(), made);
                made
            }
        };
        if made != *head.root() {
            return Err(refused());
        }
        let signature = note.signatures().iter().find(|signature| signature.is_of(&by));
        Ok(Cosigned {
            terminal: *terminal,
            key: *by.public(),
            origin: head.origin().to_owned(),
            size: head.size(),
            root: *head.root(),
            signature: signature.ok_or_else(refused)?.to_string(),
            received: now,
        })
    }

    /// The key of the log, named by the key that publishes now: it may have been exchanged.
    async fn named(&self, db: &mut Db) -> Result<Vec<u8>> {
        let (_, root) = setting::roots(db).await?;
        let key = SigningPublicKey::new(*public(&self.keyring, &root)?.public());
        let known = lock(&self.named).clone();
        if let Some(known) = known.filter(|known| known.root == root.version && known.key == key) {
            return Ok(known.signed);
        }
        let named = LogKey { deployment: root.deployment, key };
        let signed = self.keyring.publishing(&root)?.sign(&named);
        *lock(&self.named) = Some(Named { root: root.version, key, signed: signed.clone() });
        Ok(signed)
    }

    /// What was signed last, as the database says it now.
    async fn latest(&self, db: &mut Db) -> Result<Latest> {
        let state = stored::state(db).await?;
        let known = lock(&self.latest).clone().filter(|latest| latest.state == state);
        if let Some(latest) = known {
            return Ok(latest);
        }
        let signed = last(db, &self.keyring, &state).await?;
        let signed = signed.ok_or_else(|| Error::not_found(Text::LogNotSigned))?;
        let latest = Latest {
            state,
            origin: signed.origin,
            checkpoint: signed.checkpoint,
            size: signed.size,
            proofs: Arc::default(),
            roots: Arc::default(),
        };
        *lock(&self.latest) = Some(latest.clone());
        Ok(latest)
    }
}

fn parsed(key: &str, checkpoint: &str) -> Option<(Verifier, Note)> {
    Some((Verifier::parse(key).ok()?, Note::parse(checkpoint.as_bytes()).ok()?))
}

fn refused() -> Error {
    Error::refused(Code::CosignatureRefused, "not a cosignature of this log by this terminal's key")
}

fn keep<T>(known: &Mutex<BTreeMap<u64, T>>, size: u64, value: T) {
    let mut known = lock(known);
    if known.len() >= MOST {
        known.clear();
    }
    known.insert(size, value);
}
