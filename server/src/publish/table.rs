//! The leaves of one scope in memory: 256 buckets, of which only those that changed are hashed
//! again.

use std::collections::BTreeMap;

use wardkey_core::codec;
use wardkey_core::directory::{BUCKETS, Bucket, Leaf, bucket_of, state_root};
use wardkey_core::document::Position;
use wardkey_core::id::Hash;

use super::recent::Recent;
use crate::error::{Error, Result};
use crate::store::Tx;
use crate::store::scope::Scope;
use crate::store::state;

/// One bucket, with its hash while that is true.
#[derive(Default)]
struct Slot {
    leaves: BTreeMap<Hash, Hash>,
    hash: Option<Hash>,
}

/// The leaves of a scope.
pub struct Table {
    position: Position,
    slots: Vec<Slot>,
    root: Option<Hash>,
    recent: Recent,
}

impl Table {
    /// An empty one, that follows from the beginning.
    pub fn new() -> Self {
        Self {
            position: Position::default(),
            slots: std::iter::repeat_with(Slot::default).take(BUCKETS).collect(),
            root: None,
            recent: Recent::default(),
        }
    }

    /// Takes what is new in the store; everything again when the epoch changed or the sequence
    /// sank.
    ///
    /// # Errors
    /// [`Error::Store`], [`Error::Damaged`].
    pub async fn follow(&mut self, tx: &mut Tx, scope: &Scope) -> Result<()> {
        if self.position == scope.position {
            return Ok(());
        }
        if self.position.epoch != scope.position.epoch || self.position.seq > scope.position.seq {
            *self = Self::new();
        }
        // Until it is through, the table is of no position: a failure in between starts anew.
        let since = std::mem::take(&mut self.position).seq;
        // From the beginning it is everybody, and no change.
        if since == 0 {
            self.recent = Recent::after(scope.position.seq);
        }
        state::each_after(tx, &scope.name, since, |row| {
            self.put(&row.login, row.record.as_deref());
            if since > 0 {
                self.recent.push(row);
            }
            Ok(())
        })
        .await?;
        self.position = scope.position;
        Ok(())
    }

    /// Sets or removes one person.
    pub fn put(&mut self, login: &str, record: Option<&[u8]>) {
        let key = codec::sha256(login.as_bytes());
        let Some(slot) = self.slots.get_mut(usize::from(bucket_of(&key))) else { return };
        match record {
            Some(record) => slot.leaves.insert(key, codec::sha256(record)),
            None => slot.leaves.remove(&key),
        };
        slot.hash = None;
        self.root = None;
    }

    /// The latest changes.
    pub const fn recent(&self) -> &Recent {
        &self.recent
    }

    /// People in it.
    pub fn count(&self) -> u64 {
        self.slots.iter().map(|slot| slot.leaves.len() as u64).sum()
    }

    /// The state root.
    ///
    /// # Errors
    /// [`Error::Damaged`] when a bucket is over full: more people than a scope can hold.
    pub fn root(&mut self) -> Result<Hash> {
        if let Some(root) = self.root {
            return Ok(root);
        }
        let hashes: Vec<Hash> = self.slots.iter_mut().map(Slot::hash).collect::<Result<_>>()?;
        let root = state_root(&hashes).map_err(Error::damaged)?;
        self.root = Some(root);
        Ok(root)
    }
}

impl Slot {
    fn hash(&mut self) -> Result<Hash> {
        if let Some(hash) = self.hash {
            return Ok(hash);
        }
        let leaves =
            self.leaves.iter().map(|(key, value)| Leaf { key: *key, value: *value }).collect();
        let hash = Bucket::new(leaves).map_err(Error::damaged)?.hash();
        self.hash = Some(hash);
        Ok(hash)
    }
}
