//! What of the directory is in memory: everything but the people.

use std::sync::Arc;

use redb::{ReadTransaction, ReadableTable};
use wardkey_core::codec::{self, Bytes, List};
use wardkey_core::document::{Head, MAX_ROOTS, RootDocument, SignedRoot, TerminalDocument};
use wardkey_core::marks::Marks;
use wardkey_core::name::{LoginName, ScopeName};
use wardkey_core::policy::document::PolicyDocument;
use wardkey_core::sign::Verified;
use wardkey_core::snapshot::{Anchor, verify_head, verify_policy, verify_terminal};
use wardkey_core::time::UnixTime;

use crate::error::AgentError;
use crate::store::rows::{META, SCOPES, ScopeRow, existing};

/// A scope in memory.
#[derive(Clone, Debug)]
pub struct ScopeView {
    pub(crate) row: Arc<ScopeRow>,
    /// The head.
    pub head: Verified<Head>,
    /// The policy.
    pub policy: Arc<PolicyDocument>,
}

/// Everything of the directory but the people.
#[derive(Clone, Debug, Default)]
pub struct View {
    /// Root documents, from the anchor's to the current one.
    pub roots: List<SignedRoot, MAX_ROOTS>,
    /// The current root document.
    pub root: Option<Verified<RootDocument>>,
    /// The signed terminal document.
    pub terminal_signed: Bytes<4096>,
    /// The terminal document.
    pub terminal: Option<Verified<TerminalDocument>>,
    /// The scopes that are here; all of the terminal's once it is synchronised.
    pub scopes: Vec<ScopeView>,
}

impl View {
    /// The scope of this name.
    pub fn scope(&self, name: &ScopeName) -> Option<&ScopeView> {
        self.scopes.iter().find(|scope| scope.head.scope == *name)
    }

    /// Whether every scope of the terminal is here.
    pub fn is_complete(&self) -> bool {
        self.root.is_some()
            && self.terminal.as_ref().is_some_and(|terminal| {
                terminal.scopes.iter().all(|name| self.scope(name).is_some())
            })
    }

    /// The terminal's scopes in its document's order, as far as they are here.
    pub fn terminal_scopes(&self) -> impl Iterator<Item = &ScopeView> {
        self.terminal
            .iter()
            .flat_map(|terminal| terminal.scopes.iter())
            .filter_map(|name| self.scope(name))
    }

    /// The greatest signed time in it; 0 before there is any.
    pub fn signed_time(&self) -> UnixTime {
        let root = self.root.iter().map(|root| root.issued);
        let terminal = self.terminal.iter().map(|terminal| terminal.issued);
        let heads = self.scopes.iter().map(|scope| scope.head.issued);
        root.chain(terminal).chain(heads).max().unwrap_or_default()
    }

    /// When the first of the signed documents expires; `None` before there are any.
    pub fn expires(&self) -> Option<UnixTime> {
        let terminal = self.terminal.as_ref()?.expires;
        Some(self.terminal_scopes().map(|scope| scope.head.expires).fold(terminal, Ord::min))
    }

    /// Seconds offline after which nobody is let in, by the strictest scope.
    pub fn offline_limit(&self) -> u64 {
        self.terminal_scopes().map(|scope| scope.policy.offline.hard).min().unwrap_or(0)
    }

    /// Whether any scope shares the account.
    pub fn is_shared(&self, account: &LoginName) -> bool {
        self.terminal_scopes().any(|scope| scope.policy.shared_account(account).is_some())
    }
}

/// Reads and verifies it, from the anchor down.
pub(crate) fn read_view(
    transaction: &ReadTransaction,
    anchor: &Anchor,
) -> Result<View, AgentError> {
    let Some(meta) = existing(transaction.open_table(META))? else { return Ok(View::default()) };
    let value = |name: &str| -> Result<Option<Vec<u8>>, AgentError> {
        Ok(meta.get(name.as_bytes())?.map(|value| value.value().to_vec()))
    };
    let mut view = View::default();
    let Some(roots) = value("roots")? else { return Ok(view) };
    view.roots = codec::from_message(&roots)?;
    let root = SignedRoot::verify_chain(&view.roots, &anchor.root_key)?;
    // The marks were applied when this was written, and the module applies its own.
    let marks = Marks::default();
    if let Some(signed) = value("terminal")? {
        view.terminal = Some(verify_terminal(&signed, &root, anchor, &marks)?);
        view.terminal_signed = Bytes::new(signed)?;
    }
    if let Some(scopes) = existing(transaction.open_table(SCOPES))? {
        for entry in scopes.iter()? {
            let (_, row) = entry?;
            let row: ScopeRow = codec::from_message(row.value())?;
            let head = verify_head(row.head.as_slice(), &root, &marks)?;
            let policy = Arc::new(verify_policy(row.policy.as_slice(), &head)?);
            view.scopes.push(ScopeView { row: Arc::new(row), head, policy });
        }
    }
    view.root = Some(root);
    Ok(view)
}
