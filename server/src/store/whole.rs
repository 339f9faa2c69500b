//! The store as a whole: whether its file is sound, and how much is in it.

use serde::{Deserialize, Serialize};

use super::query::{Db, FromRow, Only, Row, query};
use crate::error::{Error, Result};

/// How many rows there are of what people know.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize, Serialize)]
pub struct Counts {
    /// People, the deleted ones too.
    pub people: u64,
    /// Security keys, the deleted ones too.
    pub keys: u64,
    /// Terminals, the revoked ones too.
    pub terminals: u64,
    /// Records of terminals.
    pub events: u64,
    /// Rows of the trail.
    pub trail: u64,
}

impl FromRow for Counts {
    fn from_row(row: &Row) -> Result<Self> {
        Ok(Self {
            people: row.get("people")?,
            keys: row.get("keys")?,
            terminals: row.get("terminals")?,
            events: row.get("events")?,
            trail: row.get("trail")?,
        })
    }
}

/// Counts them.
pub async fn counts(db: &mut Db) -> Result<Counts> {
    query(
        "SELECT (SELECT count(*) FROM person) AS people, \
             (SELECT count(*) FROM credential) AS keys, \
             (SELECT count(*) FROM terminal) AS terminals, \
             (SELECT count(*) FROM event) AS events, \
             (SELECT count(*) FROM audit) AS trail",
    )
    .one(db)
    .await
}

/// The number of the newest step of its schema.
pub async fn schema(db: &mut Db) -> Result<i64> {
    let Only(version) = query("SELECT max(version) FROM _sqlx_migrations").one(db).await?;
    Ok(version)
}

/// Reads every page and index, and every reference between rows.
///
/// # Errors
/// [`Error::Damaged`] with the first thing that is not as it should be.
pub async fn check(db: &mut Db) -> Result<()> {
    match db.driver.fault().await? {
        None => Ok(()),
        Some(what) => Err(Error::damaged(what)),
    }
}
