//! What those who run the server look at. Each look reads terminals, and of events, keys and the
//! trail a few rows by an index.

use std::collections::{BTreeMap, BTreeSet};

use wardkey_core::id::TerminalId;
use wardkey_core::name::ScopeName;
use wardkey_core::time::UnixTime;

use super::query::{Db, FromRow, Only, Row, query};
use super::terminal::TerminalStatus;
use crate::error::Result;

/// A terminal, for counting.
#[derive(Clone, Debug)]
pub struct Heard {
    /// Whether it may come.
    pub status: TerminalStatus,
    /// When it was last heard of; when it joined, before that.
    pub seen: UnixTime,
    /// Its scopes.
    pub scopes: BTreeSet<ScopeName>,
}

struct HeardIn {
    id: TerminalId,
    status: TerminalStatus,
    seen: UnixTime,
    scope: Option<ScopeName>,
}

impl FromRow for HeardIn {
    fn from_row(row: &Row) -> Result<Self> {
        Ok(Self {
            id: row.get("id")?,
            status: row.get("status")?,
            seen: row.get("seen")?,
            scope: row.get("scope")?,
        })
    }
}

/// All terminals but deleted ones.
pub async fn terminals(db: &mut Db) -> Result<Vec<Heard>> {
    let rows = query(
        "SELECT terminal.id, terminal.status, COALESCE(terminal.seen, terminal.joined) AS seen,
             terminal_scope.scope
         FROM terminal LEFT JOIN terminal_scope ON terminal_scope.terminal = terminal.id
         WHERE terminal.deleted IS NULL",
    )
    .all::<HeardIn>(db)
    .await?;
    let mut all = BTreeMap::new();
    for HeardIn { id, status, seen, scope } in rows {
        let heard =
            all.entry(id).or_insert_with(|| Heard { status, seen, scopes: BTreeSet::new() });
        heard.scopes.extend(scope);
    }
    Ok(all.into_values().collect())
}

/// When the last backup was made, as the trail has it.
pub async fn last_backup(db: &mut Db) -> Result<Option<UnixTime>> {
    let Only(time) = query("SELECT max(time) FROM audit WHERE action = 'backup.make'")
        .one::<Only<Option<u64>>>(db)
        .await?;
    Ok(time.map(UnixTime))
}

/// When the deployment was made: the first row of the trail.
pub async fn made(db: &mut Db) -> Result<Option<UnixTime>> {
    let first = query("SELECT time FROM audit ORDER BY seq LIMIT 1").optional(db).await?;
    Ok(first.map(|Only(time)| time))
}

/// Terminals that have stored the records of a day.
pub async fn at_quota(db: &mut Db, day: i64) -> Result<u64> {
    let Only(count) =
        query("SELECT count(*) FROM intake WHERE day = $1 AND noted = 1").bind(day).one(db).await?;
    Ok(count)
}

/// Active keys that may have been copied.
pub async fn suspected_keys(db: &mut Db) -> Result<u64> {
    // A time is above zero, so the index serves.
    let Only(count) =
        query("SELECT count(*) FROM credential WHERE clone_suspected > 0 AND status = 'active'")
            .one(db)
            .await?;
    Ok(count)
}

/// How often an act is in the trail.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Acts {
    /// The act.
    pub action: String,
    /// How often.
    pub count: u64,
}

impl FromRow for Acts {
    fn from_row(row: &Row) -> Result<Self> {
        Ok(Self { action: row.get("action")?, count: row.get("acts")? })
    }
}

/// The acts that are worth an alarm (docs/ADMIN.md), since a time.
pub async fn alarms(db: &mut Db, since: UnixTime) -> Result<Vec<Acts>> {
    query(
        "SELECT action, count(*) AS acts FROM audit
         WHERE action IN ('address.retire', 'address.set', 'break-glass.used', 'ca.prepare',
             'ca.retire', 'ca.rotate', 'ca.stolen', 'clock.refused',
             'event.evidence-invalid',
             'event.set-aside', 'key.clone-suspected', 'publish-key.rotate', 'publish-key.stolen',
             'records.not-taken', 'records.pruned-unsent', 'records.to-ended',
             'root-key.export', 'root-key.lost', 'root-key.rotate', 'scope.halt',
             'terminal.conflict', 'terminal.quota', 'terminal.replace',
             'terminal.replace-refused', 'token.reused')
             AND time >= $1
         GROUP BY action",
    )
    .bind(since)
    .all(db)
    .await
}
