//! Terminals: which may come, what they are called, and which scopes they have.

mod list;
mod view;

use std::collections::BTreeSet;

use wardkey_core::code::Code;
use wardkey_core::id::Hash;
use wardkey_core::name::{DisplayText, ScopeName};
use wardkey_core::texts;

use super::operation::{joined, names};
use super::reach::Reach;
use super::{Edit, Operation};
use crate::error::{Error, Result};
use crate::secret;
use crate::store::terminal::{self, Tag, TerminalStatus};
use crate::store::token;
use crate::texts::Text;
pub use list::{Reckoning, Wanted, list, show};
pub use view::{PositionView, TerminalChanged, TerminalDetails, TerminalSwitched, TerminalView};

/// Seconds within which a revocation can be taken back.
pub const UNDONE_WITHIN: u64 = 86_400;

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

/// What is changed of a terminal; what is not given stays.
#[derive(Debug, Default)]
pub struct Changes {
    /// Its name.
    pub name: Option<DisplayText>,
    /// Its scopes; none when they stay.
    pub scopes: Option<Edit<ScopeName>>,
    /// Tags that it gets.
    pub add_tags: BTreeSet<Tag>,
    /// Tags that it loses.
    pub remove_tags: BTreeSet<Tag>,
}

/// Changes a terminal: a row of the trail for the name, one for the scopes, one for the tags.
pub async fn set(op: &mut Operation<'_>, name: &str, changes: Changes) -> Result<TerminalChanged> {
    let terminal = terminal::by_name(op.tx, name).await?;
    let id = terminal.id.to_hex();
    let mut warnings = Vec::new();

    if let Some(name) = &changes.name {
        terminal::rename(op.tx, &terminal.id, name).await?;
        let detail = format!("\"{name}\" instead of \"{}\"", terminal.name);
        op.record("terminal.rename", &id, Some(&detail)).await?;
    }
    let mut scopes = terminal.scopes.clone();
    if let Some(edit) = changes.scopes {
        scopes = edit.apply(scopes, (Text::ScopeWasNot, &mut warnings));
        terminal::set_scopes(op.tx, &terminal, &scopes).await?;
        let detail = format!("scopes {}", joined(&scopes));
        op.record("terminal.scopes", &id, Some(&detail)).await?;
    }
    let mut all = terminal::tags_of(op.tx, &[terminal.id]).await?;
    let mut tags = all.remove(&terminal.id).unwrap_or_default();
    if !changes.add_tags.is_empty() || !changes.remove_tags.is_empty() {
        terminal::remove_tags(op.tx, &terminal.id, &changes.remove_tags).await?;
        terminal::add_tags(op.tx, &terminal.id, &changes.add_tags).await?;
        let (add, remove) = (changes.add_tags.into_iter(), changes.remove_tags.into_iter());
        let edit = Edit { all: None, add: add.collect(), remove: remove.collect() };
        tags = edit.apply(tags, (Text::TagWasNot, &mut warnings));
        let detail = format!("tags {}", joined(&tags));
        op.record("terminal.tags", &id, Some(&detail)).await?;
    }

    let name = changes.name.unwrap_or(terminal.name);
    Ok(TerminalChanged {
        id,
        name: name.to_string(),
        scopes: names(&scopes),
        tags: names(&tags),
        warnings,
    })
}

/// Deletes a revoked terminal: it is in no list any longer, and its machine may join as another
/// one. Its records stay.
///
/// # Errors
/// [`Code::TerminalNotRevoked`].
pub async fn delete(op: &mut Operation<'_>, name: &str) -> Result<TerminalSwitched> {
    let terminal = terminal::by_name(op.tx, name).await?;
    // Nobody's: the hash of a machine's id is never a random one.
    let machine = Hash::new(secret::random()?);
    if !terminal::delete(op.tx, &terminal.id, &machine, op.now).await? {
        let message = texts::phrase(Code::TerminalNotRevoked, vec![]);
        return Err(Error::refused(Code::TerminalNotRevoked, message));
    }
    // One that is open would bring it back.
    token::revoke_replacing(op.tx, &terminal.id, op.now).await?;
    let id = terminal.id.to_hex();
    let detail = format!("\"{}\", machine {}", terminal.name, terminal.machine.short());
    op.record("terminal.delete", &id, Some(&detail)).await?;
    Ok(TerminalSwitched {
        id,
        name: terminal.name.to_string(),
        status: "deleted",
        changed: true,
        reach: Reach::Nobody,
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
        let by = Reckoning { now: NOW, head_seconds: 900 };
        let mut tx = deployment.store.read().await.unwrap();
        let shown = show(&mut tx, &id, by).await.unwrap().terminal;
        assert_eq!((shown.status, shown.revoked), ("active", None));
        assert!(!back(0).await.unwrap().changed);
        assert_eq!(deployment.actions().await[..2], ["terminal.enable", "terminal.enable"]);
    }

    #[tokio::test]
    async fn a_terminal_is_renamed_tagged_and_deleted_when_it_is_revoked() {
        let deployment = Deployment::new().await;
        let id = joined_terminal(&deployment).await;
        let tag = |name: &str| name.parse::<Tag>().unwrap();
        let changes = || Changes {
            name: Some(DisplayText::new("desk 2").unwrap()),
            add_tags: [tag("east"), tag("rollout-2")].into(),
            remove_tags: [tag("west")].into(),
            ..Changes::default()
        };
        let done = deployment.act(async |op| set(op, "desk 1", changes()).await).await.unwrap();
        assert_eq!((done.name.as_str(), done.warnings.len()), ("desk 2", 1));
        assert_eq!(done.scopes, ["icu"]);
        assert_eq!(done.tags, ["east", "rollout-2"]);
        assert_eq!(deployment.actions().await[..2], ["terminal.tags", "terminal.rename"]);
        let east = Changes { remove_tags: [tag("east")].into(), ..Changes::default() };
        let done = deployment.act(async |op| set(op, &id, east).await).await.unwrap();
        assert_eq!(done.tags, ["rollout-2"]);

        let gone = async || deployment.act(async |op| delete(op, "desk 2").await).await;
        assert_eq!(gone().await.unwrap_err().code(), Code::TerminalNotRevoked);
        deployment.act(async |op| disable(op, "desk 2").await).await.unwrap();
        assert_eq!(gone().await.unwrap().status, "deleted");
        assert_eq!(gone().await.unwrap_err().code(), Code::NotFound);
        let by = Reckoning { now: NOW, head_seconds: 900 };
        let mut tx = deployment.store.read().await.unwrap();
        let all = list(&mut tx, &Wanted::default(), by, &Default::default()).await.unwrap();
        assert_eq!(all.items.len(), 0);
        drop(tx);
        // The machine may come as another terminal, and its records keep their terminal.
        let mut tx = deployment.store.read().await.unwrap();
        let machine = Hash::new([4; 32]);
        assert!(terminal::of_machine(&mut tx, &machine).await.unwrap().is_none());
        let id = wardkey_core::id::TerminalId::from_hex(&id).unwrap();
        let kept = terminal::by_id(&mut tx, &id).await.unwrap();
        assert_eq!(kept.status, TerminalStatus::Revoked);
    }
}
