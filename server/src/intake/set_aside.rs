//! What a batch held that is not taken: kept as it came, and recorded once for the batch. A server
//! that is older than its agents would else lose what it cannot read, or be sent it for ever.

use wardkey_core::codec::{Document as _, sha256};
use wardkey_core::event::Event;
use wardkey_core::id::TerminalId;
use wardkey_core::time::UnixTime;

use super::quota::Quota;
use crate::error::Result;
use crate::store::audit::{self, Act, Actor};
use crate::store::{Tx, event};

/// What of one batch was set aside.
#[derive(Default)]
pub struct SetAside {
    count: usize,
    first: Option<String>,
}

impl SetAside {
    /// Keeps the bytes; false when there is no room for them today, so that they come again.
    pub async fn take(
        &mut self,
        tx: &mut Tx,
        bytes: &[u8],
        terminal: &TerminalId,
        (reason, quota): (&str, &mut Quota),
    ) -> Result<bool> {
        // Longer than any event of any version: nothing to keep.
        let is_kept = bytes.len() <= Event::MAX_BYTES;
        let room = if is_kept { bytes.len() } else { 0 };
        if is_kept && quota.has_room(room) {
            // What is kept already takes no room.
            if !event::set_aside(tx, bytes, terminal, (reason, quota.now)).await? {
                return Ok(true);
            }
        } else if is_kept && event::is_set_aside(tx, bytes).await? {
            return Ok(true);
        }
        if !quota.take(room) {
            return Ok(false);
        }
        self.count += 1;
        let kept = if is_kept { "" } else { ", too long to be kept" };
        self.first.get_or_insert_with(|| format!("{} ({reason}{kept})", sha256(bytes).short()));
        Ok(true)
    }

    /// Adds the row of the trail, when anything was.
    pub async fn record(&self, tx: &mut Tx, terminal: &TerminalId, now: UnixTime) -> Result<()> {
        let Some(first) = &self.first else { return Ok(()) };
        let id = terminal.to_hex();
        tracing::warn!(%terminal, count = self.count, first, "events were set aside");
        let detail = format!(
            "records that this version does not take: {}; the first is {first}",
            self.count
        );
        let act = Act::new("event.set-aside", &id).with(&detail);
        audit::record(tx, now, &Actor::terminal(terminal), act).await
    }
}
