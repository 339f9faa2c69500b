//! The sessions that keys opened, in `state.redb`: a table of its own.
//!
//! Errors of this module are [`AgentError`]: the store cannot be used.

use wardkey_core::codec;
use wardkey_core::id::EventId;

use crate::error::AgentError;
use crate::store::db::Rows;
use crate::store::rows::existing;
use crate::store::state::State;

const SESSIONS: Rows = Rows::new("sessions");

impl State {
    /// All that are kept. One that a later version wrote in a way that cannot be read is left out.
    pub fn sessions<T: for<'b> minicbor::Decode<'b, ()>>(&self) -> Result<Vec<T>, AgentError> {
        self.db.read(|transaction| {
            let Some(table) = existing(transaction.open_table(SESSIONS))? else {
                return Ok(Vec::new());
            };
            let mut rows = Vec::new();
            for row in table.range::<&[u8]>(..)? {
                rows.extend(codec::from_message(row?.1.value()).ok());
            }
            Ok(rows)
        })
    }

    /// Keeps one.
    pub fn keep_session<T: minicbor::Encode<()>>(
        &self,
        id: &EventId,
        row: &T,
    ) -> Result<(), AgentError> {
        self.db.write(|transaction| {
            transaction
                .open_table(SESSIONS)?
                .insert(id.as_bytes().as_slice(), codec::to_message(row).as_slice())?;
            Ok(())
        })
    }

    /// Keeps it no longer.
    pub fn forget_session(&self, id: &EventId) -> Result<(), AgentError> {
        self.db.write(|transaction| {
            transaction.open_table(SESSIONS)?.remove(id.as_bytes().as_slice())?;
            Ok(())
        })
    }
}
