//! Terminals that were ahead of the backup that this store was restored from: they come with heads
//! that it does not know. They take the new epoch by themselves; what they had is worth a row of
//! the trail, as it says which changes are lost.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Mutex;

use wardkey_core::document::{Head, Position};
use wardkey_core::id::TerminalId;
use wardkey_core::name::ScopeName;

use crate::lock::lock;

/// Where the scopes stood in the backup, and who was ahead of that.
#[derive(Debug, Default)]
pub(super) struct Ahead {
    restored: BTreeMap<ScopeName, Position>,
    /// Each is recorded once while the server runs.
    told: Mutex<BTreeSet<(TerminalId, ScopeName)>>,
}

impl Ahead {
    /// Where the scopes stood; empty for a store that comes out of no backup.
    pub fn of(restored: BTreeMap<ScopeName, Position>) -> Self {
        Self { restored, told: Mutex::default() }
    }

    /// Where the scope stood, when a head of before the restore is newer than that and its terminal
    /// has not been told of.
    pub fn kept(&self, terminal: &TerminalId, head: &Head, now: Position) -> Option<Position> {
        let kept = *self.restored.get(&head.scope)?;
        if head.epoch >= now.epoch || head.position() <= kept {
            return None;
        }
        let mut told = lock(&self.told);
        told.insert((*terminal, head.scope.clone())).then_some(kept)
    }
}
