//! Counters of changes: who remembers a value can ask for what changed after it.

use super::query::{Db, Only, query};
use crate::error::Result;

/// What is counted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Counter {
    /// Changes of scopes.
    Scope,
    /// Changes of terminals.
    Terminal,
}

impl Counter {
    const fn as_str(self) -> &'static str {
        match self {
            Self::Scope => "scope",
            Self::Terminal => "terminal",
        }
    }

    /// Counts one change; its number.
    pub async fn next(self, db: &mut Db) -> Result<i64> {
        let Only(value) =
            query("UPDATE counter SET value = value + 1 WHERE name = $1 RETURNING value")
                .bind(self.as_str())
                .one(db)
                .await?;
        Ok(value)
    }

    /// The number of the latest change, and that after which a reader takes everything who has come
    /// to `seen`: lower than before means that another store stands in the place of this one.
    pub async fn since(self, db: &mut Db, seen: i64) -> Result<(i64, i64)> {
        let Only(now) =
            query("SELECT value FROM counter WHERE name = $1").bind(self.as_str()).one(db).await?;
        Ok((now, if now < seen { BEFORE_ALL } else { seen }))
    }
}

/// Before every change.
pub const BEFORE_ALL: i64 = -1;
