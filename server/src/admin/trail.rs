//! The trail of administration.

use serde::Serialize;

use super::Listing;
use crate::error::Result;
use crate::store::audit::{self, Entry};
use crate::store::{PageRequest, Tx};

/// A trail that holds.
#[derive(Debug, Serialize)]
pub struct TrailVerified {
    /// Rows in it.
    pub rows: u64,
    /// True: one that does not hold is an error.
    pub intact: bool,
}

/// Rows, newest first; on one object when given.
pub async fn list(
    tx: &mut Tx,
    object: Option<&str>,
    request: &PageRequest,
) -> Result<Listing<Entry>> {
    Ok(Listing::new(audit::page(tx, object, request).await?, |entry| entry))
}

/// Follows the chain from the first row; an error names the first row that does not follow.
pub async fn verify(tx: &mut Tx) -> Result<TrailVerified> {
    Ok(TrailVerified { rows: audit::verify(tx).await?, intact: true })
}
