//! Terminals: which may come, and which scopes they have.

use std::collections::BTreeSet;

use serde::Serialize;
use wardkey_core::name::ScopeName;

use super::Operation;
use super::operation::{joined, names};
use super::reach::Reach;
use crate::error::Result;
use crate::store::Tx;
use crate::store::terminal::{self, Terminal, TerminalStatus};

/// A terminal.
#[derive(Debug, Serialize)]
pub struct TerminalView {
    /// Its id, hexadecimal digits.
    pub id: String,
    /// Its name.
    pub name: String,
    /// `pending`, `active` or `revoked`.
    pub status: &'static str,
    /// Its scopes.
    pub scopes: Vec<String>,
    /// Beginning of the hash of its machine id.
    pub machine: String,
    /// When it joined (last), Unix seconds.
    pub joined: u64,
    /// When it was last heard of, Unix seconds.
    pub seen: Option<u64>,
    /// From where.
    pub address: Option<String>,
    /// When its certificate ends, Unix seconds.
    pub certificate_until: u64,
}

impl From<Terminal> for TerminalView {
    fn from(terminal: Terminal) -> Self {
        Self {
            id: terminal.id.to_hex(),
            name: terminal.name.to_string(),
            status: terminal.status.as_str(),
            scopes: names(&terminal.scopes),
            machine: terminal.machine.short(),
            joined: terminal.joined.0,
            seen: terminal.seen.map(|time| time.0),
            address: terminal.address,
            certificate_until: terminal.certificate_end.0,
        }
    }
}

/// A terminal that was approved or revoked.
#[derive(Debug, Serialize)]
pub struct TerminalSwitched {
    /// Its id, hexadecimal digits.
    pub id: String,
    /// Its name.
    #[serde(skip)]
    pub name: String,
    /// What it is now.
    pub status: &'static str,
    /// Whether it was anything else before.
    pub changed: bool,
    /// Who has to hear of it.
    #[serde(skip)]
    pub reach: Reach,
}

/// A terminal that was given other scopes.
#[derive(Debug, Serialize)]
pub struct TerminalChanged {
    /// Its id, hexadecimal digits.
    pub id: String,
    /// Its name.
    #[serde(skip)]
    pub name: String,
    /// Its scopes now.
    pub scopes: Vec<String>,
}

/// All terminals, by name.
pub async fn list(tx: &mut Tx) -> Result<Vec<TerminalView>> {
    Ok(terminal::list(tx).await?.into_iter().map(TerminalView::from).collect())
}

/// Approves a terminal that joined by a token for several.
pub async fn approve(op: &mut Operation<'_>, name: &str) -> Result<TerminalSwitched> {
    switch(op, name, TerminalStatus::Active).await
}

/// Revokes a terminal: nobody logs in there any longer.
pub async fn disable(op: &mut Operation<'_>, name: &str) -> Result<TerminalSwitched> {
    switch(op, name, TerminalStatus::Revoked).await
}

async fn switch(op: &mut Operation<'_>, name: &str, status: TerminalStatus) -> Result<TerminalSwitched> {
    let terminal = terminal::by_name(op.tx, name).await?;
    let changed = terminal::set_status(op.tx, &terminal, status, op.now).await?;

    // A terminal hears of its own end whatever becomes of its scopes.
    let (action, reach) = match status {
        TerminalStatus::Revoked => ("terminal.revoke", Reach::Terminals),
        TerminalStatus::Active | TerminalStatus::Pending => ("terminal.approve", Reach::Nobody),
    };
    let detail = format!("\"{}\"", terminal.name);
    op.record(action, &terminal.id.to_hex(), Some(&detail)).await?;
    Ok(TerminalSwitched {
        id: terminal.id.to_hex(),
        name: terminal.name.to_string(),
        status: status.as_str(),
        changed,
        reach,
    })
}

/// Gives a terminal other scopes.
pub async fn set_scopes(op: &mut Operation<'_>, name: &str, scopes: BTreeSet<ScopeName>) -> Result<TerminalChanged> {
    let terminal = terminal::by_name(op.tx, name).await?;
    terminal::set_scopes(op.tx, &terminal, &scopes).await?;

    let detail = format!("scopes {}", joined(&scopes));
    op.record("terminal.scopes", &terminal.id.to_hex(), Some(&detail)).await?;
    Ok(TerminalChanged { id: terminal.id.to_hex(), name: terminal.name.to_string(), scopes: names(&scopes) })
}
