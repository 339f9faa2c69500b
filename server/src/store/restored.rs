//! What becomes of a store that comes out of a backup. Terminals have seen more than it knows, so
//! everything that has a number is raised above what they can have seen; and what was handed out
//! before, and perhaps used since, is void.

use std::collections::BTreeMap;

use wardkey_core::document::Position;
use wardkey_core::name::ScopeName;
use wardkey_core::time::UnixTime;

use super::counter::Counter;
use super::pass::{self, EndedBy};
use super::query::{Db, FromRow, Only, Row, query};
use super::{clock, scope, state};
use crate::error::Result;

/// What was raised.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Raised {
    /// The epoch of every scope.
    pub epoch: u64,
    /// Terminals whose document has a new number.
    pub terminals: u64,
}

/// Raises the epoch of every scope and the number of every terminal's document to at least this:
/// seconds that no number that was given before reaches, whatever was lost since the backup, and
/// more than is known of. Remembers where the scopes stood.
pub async fn raise(db: &mut Db, at_least: u64) -> Result<Raised> {
    query("DELETE FROM restored_scope").execute(db).await?;
    query("INSERT INTO restored_scope (scope, epoch, seq) SELECT name, epoch, seq FROM scope")
        .execute(db)
        .await?;
    let epoch = scope::raise_epoch(db, at_least).await?;

    let changed = Counter::Terminal.next(db).await?;
    let terminals = query(
        "UPDATE terminal SET number = CASE WHEN number < $1 THEN $1 ELSE number + 1 END, changed = $2",
    )
    .bind(at_least)
    .bind(changed)
    .execute(db)
    .await?;
    Ok(Raised { epoch, terminals })
}

/// The highest number that terminals can have seen of a store: an epoch, the number of a document,
/// a second that was signed.
pub async fn highest(db: &mut Db) -> Result<u64> {
    let Only(epoch) = query("SELECT max(epoch) FROM scope").one::<Only<Option<u64>>>(db).await?;
    let Only(number) =
        query("SELECT max(number) FROM terminal").one::<Only<Option<u64>>>(db).await?;
    let signed = clock::read(db).await?.signed.0;
    Ok(signed.max(epoch.unwrap_or(0)).max(number.unwrap_or(0)))
}

/// What is void now.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Voided {
    /// Enrollment codes that were open.
    pub codes: u64,
    /// Join tokens that were open.
    pub tokens: u64,
    /// Passes that were open.
    pub passes: u64,
}

/// Voids every open code, token and pass: the backup does not know which were used since, and
/// whoever has one that was can use it again.
pub async fn void(db: &mut Db, now: UnixTime) -> Result<Voided> {
    let codes = query("UPDATE enrollment_code SET used = $1 WHERE used IS NULL")
        .bind(now)
        .execute(db)
        .await?;
    let tokens = query("UPDATE join_token SET revoked = $1 WHERE revoked IS NULL")
        .bind(now)
        .execute(db)
        .await?;
    let people = query("SELECT person FROM pass WHERE ended IS NULL").all::<Only<i64>>(db).await?;
    let passes = people.len() as u64;
    for Only(person) in people {
        pass::end(db, person, EndedBy::Administrator, now).await?;
        state::publish_person(db, person).await?;
    }
    Ok(Voided { codes, tokens, passes })
}

struct Kept {
    scope: ScopeName,
    position: Position,
}

impl FromRow for Kept {
    fn from_row(row: &Row) -> Result<Self> {
        let position = Position { epoch: row.get("epoch")?, seq: row.get("seq")? };
        Ok(Self { scope: row.get("scope")?, position })
    }
}

/// Where the scopes stood in the backup; empty for a store that comes out of none.
pub async fn positions(db: &mut Db) -> Result<BTreeMap<ScopeName, Position>> {
    let kept = query("SELECT scope, epoch, seq FROM restored_scope").all::<Kept>(db).await?;
    Ok(kept.into_iter().map(|kept| (kept.scope, kept.position)).collect())
}
