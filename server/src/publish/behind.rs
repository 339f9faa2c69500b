//! A server that is behind its terminals: its store was restored without raising the epoch.

use wardkey_core::document::{Head, Position};
use wardkey_core::id::{Hash, TerminalId};
use wardkey_core::name::ScopeName;
use wardkey_core::sign;

use super::publisher::Publisher;
use crate::error::Result;
use crate::store::audit::{self, Act, Actor};
use crate::store::scope;

impl Publisher {
    /// Takes note of what a terminal claims to have, and proves by a signed head. Ahead of the
    /// server, or the same position with another root: the store was restored without raising the
    /// epoch, so this scope is published no more. Only a head that this deployment signed proves
    /// it: a terminal's word alone would let one taken-over terminal silence a scope for all.
    ///
    /// # Errors
    /// [`Error::Store`](crate::error::Error::Store).
    pub async fn compare(
        &self,
        terminal: &TerminalId,
        name: &ScopeName,
        (claimed, claimed_root): (Position, Hash),
        signed: &[u8],
    ) -> Result<()> {
        // Nearly all terminals claim what is shown here, or what was before: that proves nothing,
        // so its signature is not looked at either.
        let Some(here) = self.board.get(name).filter(|shown| shown.halted.is_none()) else {
            return Ok(());
        };
        let now = here.head.position();
        let is_known = claimed.epoch == now.epoch
            && (claimed.seq < now.seq || (claimed == now && claimed_root == here.head.root));
        if is_known {
            return Ok(());
        }
        let Ok(head) = sign::verify::<Head>(signed, &self.keys().root().publish_keys) else {
            return Ok(());
        };
        if head.scope != *name {
            return Ok(());
        }
        let (position, root) = (head.position(), &head.root);
        self.note_ahead(terminal, &head, now).await?;
        let ahead = position > now;
        let fork = position == now && *root != here.head.root;
        if !ahead && !fork {
            return Ok(());
        }
        // What is shown may be a moment behind the store.
        self.refresh().await?;
        let Some(here) = self.board.get(name).filter(|shown| shown.halted.is_none()) else {
            return Ok(());
        };
        let why = if position > here.head.position() {
            format!("terminal {terminal} has {position}, the server {}", here.head.position())
        } else if position == here.head.position() && *root != here.head.root {
            format!("terminal {terminal} has another state at {position}")
        } else {
            return Ok(());
        };
        let mut tx = self.store.write().await?;
        if scope::halt(&mut tx, name, &why).await? {
            let act = Act::new("scope.halt", name.as_str()).with(&why);
            audit::record(&mut tx, self.clock.now(), &Actor::server(), act).await?;
        }
        tx.commit().await?;
        tracing::error!(
            code = "WK-1111",
            scope = %name,
            why,
            "publishing of this scope stopped; see \"epoch raise\""
        );
        self.refresh().await
    }

    /// Records a terminal that was ahead of the backup. The head was verified.
    async fn note_ahead(&self, terminal: &TerminalId, head: &Head, now: Position) -> Result<()> {
        let Some(kept) = self.ahead.kept(terminal, head, now) else { return Ok(()) };
        let detail = format!("{} {}, the backup {kept}", head.scope, head.position());
        let mut tx = self.store.write().await?;
        let id = terminal.to_hex();
        let act = Act::new("restore.terminal-ahead", &id).with(&detail);
        audit::record(&mut tx, self.clock.now(), &Actor::server(), act).await?;
        tx.commit().await?;
        tracing::warn!(%terminal, detail, "this terminal was ahead of the restored backup");
        Ok(())
    }
}
