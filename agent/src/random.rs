//! Randomness of the kernel.

use std::time::{Instant, SystemTime};

use wardkey_core::codec::sha256;
use wardkey_core::id::EventId;

use crate::error::AgentError;

/// Random bytes of the kernel.
///
/// # Errors
/// [`AgentError::Io`] when the kernel has none.
pub fn random<const N: usize>() -> Result<[u8; N], AgentError> {
    let mut bytes = [0; N];
    getrandom::fill(&mut bytes).map_err(std::io::Error::other)?;
    Ok(bytes)
}

/// A fresh event id.
pub fn fresh_id() -> EventId {
    // Without the kernel's randomness the id is still unique, which is all that it must be.
    EventId::new(random().unwrap_or_else(|_| {
        let time = format!("{:?} {:?}", SystemTime::now(), Instant::now());
        let mut id = [0; EventId::LEN];
        id.iter_mut().zip(sha256(time.as_bytes()).as_bytes()).for_each(|(to, from)| *to = *from);
        id
    }))
}
