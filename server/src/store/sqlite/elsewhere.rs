//! What was moved elsewhere.

use sqlx::SqlitePool;
use wardkey_core::code::Code;
use wardkey_core::texts;

use crate::error::{Error, Result};
use crate::store::moved::{MOVED_TO, SETTLED};

/// How far a deployment was moved elsewhere.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Elsewhere {
    /// It is here.
    Here,
    /// It is about to be there, and nobody is served from there yet.
    Arriving(String),
    /// It is there.
    There(String),
}

impl Elsewhere {
    /// What a database says of that.
    pub(super) async fn of(writer: &SqlitePool) -> Result<Self> {
        // A new file has no settings yet.
        let tables: i64 = sqlx::query_scalar(
            "SELECT count(*) FROM sqlite_master WHERE type = 'table' AND name = 'setting'",
        )
        .fetch_one(writer)
        .await?;
        if tables == 0 {
            return Ok(Self::Here);
        }

        let settled = setting(writer, SETTLED).await?.is_some();
        Ok(match setting(writer, MOVED_TO).await? {
            None => Self::Here,
            Some(address) if settled => Self::There(address),
            Some(address) => Self::Arriving(address),
        })
    }

    /// Whether it is there for good.
    pub(super) const fn is_there(&self) -> bool {
        matches!(self, Self::There(_))
    }

    /// Refuses a database whose deployment was moved: two that go on from it would not be one.
    pub(super) fn refuse(&self) -> Result<()> {
        let (code, address) = match self {
            Self::Here => return Ok(()),
            Self::Arriving(address) => (Code::MoveUnfinished, address),
            Self::There(address) => (Code::StoreMoved, address),
        };
        Err(Error::refused(code, texts::phrase(code, vec![("address", address.as_str().into())])))
    }
}

async fn setting(writer: &SqlitePool, name: &str) -> Result<Option<String>> {
    let found = sqlx::query_scalar("SELECT value FROM setting WHERE name = $1").bind(name);
    Ok(found.fetch_optional(writer).await?)
}
