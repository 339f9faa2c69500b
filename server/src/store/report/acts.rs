//! Acts of administration in a report.

use wardkey_core::time::UnixTime;

use super::stretch::Stretch;
use crate::error::Result;
use crate::store::query::{Db, FromRow, Row, query};

/// How often an act is in the trail, and when the last one was.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Acted {
    /// The act.
    pub action: String,
    /// How often.
    pub acts: u64,
    /// When last.
    pub last: UnixTime,
}

impl FromRow for Acted {
    fn from_row(row: &Row) -> Result<Self> {
        Ok(Self { action: row.get("action")?, acts: row.get("acts")?, last: row.get("last_time")? })
    }
}

/// Acts of administration in a stretch.
pub async fn acts(db: &mut Db, actions: &[&str], (from, to): Stretch) -> Result<Vec<Acted>> {
    query(
        "SELECT action, count(*) AS acts, max(time) AS last_time FROM audit
         WHERE time >= $1 AND time < $2 AND action IN ",
    )
    .bind(from)
    .bind(to)
    .list(actions.iter().copied())
    .then(" GROUP BY action")
    .all(db)
    .await
}
