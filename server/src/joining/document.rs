//! The document of a terminal that has just joined or renewed.

use std::sync::Arc;

use wardkey_core::id::TerminalId;

use crate::error::{Error, Result};
use crate::publish::Publisher;

/// The signed document of a terminal whose transaction is committed. What that changed is published
/// first: an older document would tell the terminal of scopes and a status that it no longer has.
///
/// # Errors
/// [`Error::Store`]; [`Error::Damaged`] when it is not there.
pub async fn document(publisher: &Publisher, id: &TerminalId) -> Result<Arc<[u8]>> {
    publisher.refresh().await?;
    let terminal = publisher
        .terminal(id)
        .ok_or_else(|| Error::damaged("the terminal that has just joined"))?;
    Ok(publisher.terminal_document(&terminal)?.0)
}
