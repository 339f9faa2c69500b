//! Terminals: which may come, and which scopes they have.

use serde::Serialize;
use wardkey_core::code::Code;
use wardkey_core::name::ScopeName;
use wardkey_core::texts;

use super::operation::{joined, names};
use super::reach::Reach;
use super::{Edit, Listing, Operation};
use crate::error::{Error, Result};
use crate::store::terminal::{self, Terminal, TerminalStatus};
use crate::store::{PageRequest, Tx, scope};
use crate::texts::{Phrase, Text};

/// Seconds within which a revocation can be taken back.
pub const UNDONE_WITHIN: u64 = 86_400;

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
    /// When it was revoked, Unix seconds.
    pub revoked: Option<u64>,
    /// When it was last heard of, Unix seconds.
    pub seen: Option<u64>,
    /// From where.
    pub address: Option<String>,
    /// When its certificate ends, Unix seconds.
    pub certificate_until: u64,
    /// Version of its programs; none before it has said it.
    pub version: Option<String>,
    /// What they can (docs/FORMATS.md).
    pub capabilities: Vec<String>,
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
            revoked: terminal.revoked.map(|time| time.0),
            seen: terminal.seen.map(|time| time.0),
            address: terminal.address,
            certificate_until: terminal.certificate_end.0,
            version: terminal.version,
            capabilities: terminal
                .capabilities
                .iter()
                .flat_map(|all| all.split(','))
                .filter(|word| !word.is_empty())
                .map(str::to_owned)
                .collect(),
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
    /// What an administrator should look at.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub warnings: Vec<Phrase>,
}

/// A page of terminals by name, of one scope when given.
pub async fn list(
    tx: &mut Tx,
    scope: Option<&ScopeName>,
    request: &PageRequest,
) -> Result<Listing<TerminalView>> {
    if let Some(scope) = scope {
        scope::get(tx, scope).await?;
    }
    Ok(Listing::new(terminal::page(tx, scope, request).await?, TerminalView::from))
}

/// One terminal, by its name or the beginning of its id.
pub async fn show(tx: &mut Tx, name: &str) -> Result<TerminalView> {
    Ok(TerminalView::from(terminal::by_name(tx, name).await?))
}

/// Approves a terminal that joined by a token for several.
pub async fn approve(op: &mut Operation<'_>, name: &str) -> Result<TerminalSwitched> {
    switch(op, name, TerminalStatus::Active).await
}

/// Takes a revocation back, within [`UNDONE_WITHIN`] of it. Later the terminal has to join again:
/// by then it may stand elsewhere.
///
/// # Errors
/// [`Code::RevokedTooLong`]; [`Error::Refused`] also for one that awaits approval.
pub async fn enable(op: &mut Operation<'_>, name: &str) -> Result<TerminalSwitched> {
    let terminal = terminal::by_name(op.tx, name).await?;
    let changed = match (terminal.status, terminal.revoked) {
        (TerminalStatus::Active, _) => false,
        (TerminalStatus::Pending, _) => {
            return Err(Error::invalid(Text::TerminalPending.with([
                ("name", terminal.name.to_string().into()),
                ("id", terminal.id.to_string().into()),
            ])));
        }
        (TerminalStatus::Revoked, Some(revoked)) if op.now.since(revoked) <= UNDONE_WITHIN => {
            terminal::bring_back(op.tx, &terminal.id).await?;
            true
        }
        (TerminalStatus::Revoked, _) => {
            let message = texts::phrase(Code::RevokedTooLong, vec![]);
            return Err(Error::refused(Code::RevokedTooLong, message));
        }
    };

    let detail = format!("\"{}\"{}", terminal.name, if changed { "" } else { ", no change" });
    op.record("terminal.enable", &terminal.id.to_hex(), Some(&detail)).await?;
    Ok(TerminalSwitched {
        id: terminal.id.to_hex(),
        name: terminal.name.to_string(),
        status: TerminalStatus::Active.as_str(),
        changed,
        reach: Reach::Nobody,
    })
}

/// Revokes a terminal: nobody logs in there any longer.
pub async fn disable(op: &mut Operation<'_>, name: &str) -> Result<TerminalSwitched> {
    switch(op, name, TerminalStatus::Revoked).await
}

async fn switch(
    op: &mut Operation<'_>,
    name: &str,
    status: TerminalStatus,
) -> Result<TerminalSwitched> {
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
pub async fn set(
    op: &mut Operation<'_>,
    name: &str,
    scopes: Edit<ScopeName>,
) -> Result<TerminalChanged> {
    let terminal = terminal::by_name(op.tx, name).await?;
    let mut warnings = Vec::new();
    let scopes = scopes.apply(terminal.scopes.clone(), (Text::ScopeWasNot, &mut warnings));
    terminal::set_scopes(op.tx, &terminal, &scopes).await?;

    let detail = format!("scopes {}", joined(&scopes));
    op.record("terminal.scopes", &terminal.id.to_hex(), Some(&detail)).await?;
    Ok(TerminalChanged {
        id: terminal.id.to_hex(),
        name: terminal.name.to_string(),
        scopes: names(&scopes),
        warnings,
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::admin::testing::{Deployment, NOW, joined_terminal};

    #[tokio::test]
    async fn a_revocation_is_taken_back_within_a_day_and_not_later() {
        let deployment = Deployment::new().await;
        let id = joined_terminal(&deployment).await;
        deployment.act(async |op| disable(op, &id).await).await.unwrap();
        let back = async |after: u64| {
            deployment.act_at(NOW.plus(after), async |op| enable(op, &id).await).await
        };
        assert_eq!(back(UNDONE_WITHIN + 1).await.unwrap_err().code(), Code::RevokedTooLong);
        assert!(back(UNDONE_WITHIN).await.unwrap().changed);
        let shown = show(&mut deployment.store.read().await.unwrap(), &id).await.unwrap();
        assert_eq!((shown.status, shown.revoked), ("active", None));
        assert!(!back(0).await.unwrap().changed);
        assert_eq!(deployment.actions().await[..2], ["terminal.enable", "terminal.enable"]);
    }
}
