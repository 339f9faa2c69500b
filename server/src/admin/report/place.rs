//! Where terminals are.

use std::collections::{BTreeMap, BTreeSet};

use wardkey_core::id::TerminalId;
use wardkey_core::name::ScopeName;

use crate::error::Result;
use crate::store::{Tx, terminal};

/// The scopes of terminals, as they are now.
pub(super) struct Places<'a> {
    scopes: BTreeMap<TerminalId, BTreeSet<ScopeName>>,
    only: Option<&'a ScopeName>,
}

impl<'a> Places<'a> {
    /// Of these terminals; of one scope only when given.
    pub async fn read(
        tx: &mut Tx,
        terminals: BTreeSet<TerminalId>,
        only: Option<&'a ScopeName>,
    ) -> Result<Self> {
        let ids: Vec<TerminalId> = terminals.into_iter().collect();
        Ok(Self { scopes: terminal::scopes_of(tx, &ids).await?, only })
    }

    /// Whether what happened there is in the report.
    pub fn counts(&self, id: &TerminalId) -> bool {
        self.only.is_none_or(|only| self.has(id, only))
    }

    /// The scopes under which what happened there is counted: of one without scopes a `None`.
    pub fn of(&self, id: &TerminalId) -> Vec<Option<&ScopeName>> {
        let scopes = self.scopes.get(id).into_iter().flatten();
        let wanted = scopes.filter(|scope| self.only.is_none_or(|only| only == *scope));
        let mut found: Vec<Option<&ScopeName>> = wanted.map(Some).collect();
        if found.is_empty() && self.only.is_none() {
            found.push(None);
        }
        found
    }

    /// Whether a terminal has a scope.
    pub fn has(&self, id: &TerminalId, scope: &ScopeName) -> bool {
        self.scopes.get(id).is_some_and(|scopes| scopes.contains(scope))
    }
}
