//! Where records go besides this database, and how far each destination has come in the log.

use std::collections::BTreeMap;

use wardkey_core::id::TerminalId;
use wardkey_core::name::{DisplayText, ScopeName};
use wardkey_core::time::UnixTime;

use super::audit::{self, Act, Actor};
use super::log;
use super::query::{Db, FromRow, LISTED_AT_ONCE, Only, Row, query};
use crate::error::Result;
use crate::secret::random;

/// Characters of what a system said that are kept: a certificate may name hundreds of hosts.
pub const SAID_CHARS: usize = 200;
/// Bytes of a destination's secret.
const SECRET: usize = 16;

/// A destination as the list has it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Wanted {
    /// The place alone.
    pub place: String,
    /// The way and the place.
    pub name: String,
}

/// How far a destination has come.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Destination {
    /// The place alone, by which it is known whatever the way.
    pub place: String,
    /// The way and the place.
    pub name: String,
    /// What makes the ids of records of its losses its own.
    pub secret: Vec<u8>,
    /// The place in the log of the first record that it may lack.
    pub position: u64,
    /// Records that it did not take, now or later.
    pub refused: u64,
    /// Records that were pruned before it had them.
    pub pruned: u64,
    /// Of those that it did not take, how many are in no record of the loss yet.
    pub untold: u64,
    /// Why nothing arrives.
    pub failed: Option<Failed>,
}

/// Why nothing arrives.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Failed {
    /// Since when.
    pub since: UnixTime,
    /// The code for people.
    pub code: u16,
    /// What the system said.
    pub said: Option<String>,
}

impl FromRow for Destination {
    fn from_row(row: &Row) -> Result<Self> {
        let (since, code) = (row.get::<Option<UnixTime>>("failed")?, row.get("code")?);
        let said = row.get("said")?;
        let failed = since.zip(code).map(|(since, code)| Failed { since, code, said });
        Ok(Self {
            place: row.get("place")?,
            name: row.get("name")?,
            secret: row.get("secret")?,
            position: row.get("position")?,
            refused: row.get("refused")?,
            pruned: row.get("pruned")?,
            untold: row.get("untold")?,
            failed,
        })
    }
}

/// Takes the list of destinations, and notes in the trail what is another one than before. A new
/// one begins with the next record; one that was there before, by whatever way, goes on where it
/// was; one that is in no list any more keeps its place.
pub async fn list(db: &mut Db, now: UnixTime, wanted: &[Wanted]) -> Result<()> {
    let before = listed(db).await?;
    for Wanted { place, name } in wanted {
        if before.iter().any(|known| known.place == *place && known.name == *name) {
            continue;
        }
        let detail = match find(db, place).await? {
            Some(known) => {
                query(
                    "UPDATE record_destination SET listed = 1, name = $2, failed = NULL,
                         code = NULL, said = NULL
                     WHERE place = $1",
                )
                .bind(place.as_str())
                .bind(name.as_str())
                .execute(db)
                .await?;
                let (waiting, ..) = waiting(db, known.position).await?;
                format!("{waiting} records waiting; before: {}", known.name)
            }
            None => {
                let from = log::end(db).await?.size;
                query(
                    "INSERT INTO record_destination (place, name, secret, listed, position)
                     VALUES ($1, $2, $3, 1, $4)",
                )
                .bind(place.as_str())
                .bind(name.as_str())
                .bind(random::<SECRET>()?.as_slice())
                .bind(from)
                .execute(db)
                .await?;
                format!("new, from place {from} on")
            }
        };
        let act = Act::new("records.to", name).with(&detail);
        audit::record(db, now, &Actor::server(), act).await?;
    }
    for known in &before {
        if wanted.iter().any(|one| one.place == known.place) {
            continue;
        }
        query("UPDATE record_destination SET listed = 0 WHERE place = $1")
            .bind(known.place.as_str())
            .execute(db)
            .await?;
        let (waiting, ..) = waiting(db, known.position).await?;
        if waiting > 0 {
            let to = &known.name;
            tracing::warn!(to, waiting, "a destination gets no more records, and lacks some");
        }
        let detail = format!("{waiting} records waiting");
        let act = Act::new("records.to-ended", &known.name).with(&detail);
        audit::record(db, now, &Actor::server(), act).await?;
    }
    Ok(())
}

/// One of them, by its place.
pub async fn find(db: &mut Db, place: &str) -> Result<Option<Destination>> {
    query(
        "SELECT place, name, secret, position, refused, pruned, untold, failed, code, said
         FROM record_destination WHERE place = $1",
    )
    .bind(place)
    .optional(db)
    .await
}

/// Those that are in the list, by name.
pub async fn listed(db: &mut Db) -> Result<Vec<Destination>> {
    query(
        "SELECT place, name, secret, position, refused, pruned, untold, failed, code, said
         FROM record_destination WHERE listed = 1 ORDER BY name",
    )
    .all(db)
    .await
}

/// How far a batch has taken a destination.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Moved {
    /// The place of the first record that it may lack now.
    pub position: u64,
    /// Records of the batch that it takes never.
    pub refused: u64,
    /// Records before the position that were pruned before they were sent.
    pub pruned: u64,
    /// How many of those that it did not take are in a record of the loss now.
    pub told: u64,
}

/// Something has arrived.
pub async fn moved(db: &mut Db, place: &str, to: &Moved) -> Result<()> {
    query(
        "UPDATE record_destination SET position = $2, refused = refused + $3,
             pruned = pruned + $4, untold = untold + $3 - $5, failed = NULL, code = NULL,
             said = NULL
         WHERE place = $1",
    )
    .bind(place)
    .bind(to.position)
    .bind(to.refused)
    .bind(to.pruned)
    .bind(to.told)
    .execute(db)
    .await?;
    Ok(())
}

/// Nothing arrives, now for this reason.
pub async fn failed(db: &mut Db, place: &str, why: &Failed) -> Result<()> {
    query(
        "UPDATE record_destination SET failed = COALESCE(failed, $2), code = $3, said = $4
         WHERE place = $1",
    )
    .bind(place)
    .bind(why.since)
    .bind(why.code)
    .bind(why.said.as_deref())
    .execute(db)
    .await?;
    Ok(())
}

/// A record of the log on its way.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Due {
    /// Its place in the log.
    pub place: u64,
    /// The event.
    pub document: Vec<u8>,
    /// When it arrived here.
    pub received: UnixTime,
    /// What verifying its evidence found.
    pub verdict: String,
    /// The terminal.
    pub terminal: TerminalId,
}

impl FromRow for Due {
    fn from_row(row: &Row) -> Result<Self> {
        Ok(Self {
            place: row.get("position")?,
            document: row.get("document")?,
            received: row.get("received")?,
            verdict: row.get("verdict")?,
            terminal: row.get("terminal")?,
        })
    }
}

/// Records from a place on that are there: so many at most.
pub async fn due(db: &mut Db, from: u64, most: u64) -> Result<Vec<Due>> {
    query(
        "SELECT entry.position, event.document, event.received, event.verdict, event.terminal
         FROM event_log_entry AS entry JOIN event ON event.seq = entry.event
         WHERE entry.position >= $1 ORDER BY entry.position LIMIT $2",
    )
    .bind(from)
    .bind(most)
    .all(db)
    .await
}

/// Records from a place on that are there, those that were pruned, and when the first of those that
/// are there arrived here.
pub async fn waiting(db: &mut Db, from: u64) -> Result<(u64, u64, Option<UnixTime>)> {
    let size = log::end(db).await?.size;
    if from >= size {
        return Ok((0, 0, None));
    }
    let Only(pruned) = query("SELECT count(*) FROM event_log_pruned WHERE position >= $1")
        .bind(from)
        .one::<Only<u64>>(db)
        .await?;
    let first = due(db, from, 1).await?;
    let count = size.saturating_sub(from).saturating_sub(pruned);
    Ok((count, pruned, first.first().map(|first| first.received)))
}

/// What is known of a terminal now.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Known {
    /// Its name.
    pub name: String,
    /// Version of its programs, once it has said it.
    pub version: Option<String>,
    /// Its scopes, in their order.
    pub scopes: Vec<String>,
}

struct KnownIn {
    id: TerminalId,
    name: DisplayText,
    version: Option<String>,
    scope: Option<ScopeName>,
}

impl FromRow for KnownIn {
    fn from_row(row: &Row) -> Result<Self> {
        Ok(Self {
            id: row.get("id")?,
            name: row.get("name")?,
            version: row.get("version")?,
            scope: row.get("scope")?,
        })
    }
}

/// What is known of these terminals.
pub async fn terminals(db: &mut Db, ids: &[TerminalId]) -> Result<BTreeMap<TerminalId, Known>> {
    let mut all = BTreeMap::<TerminalId, Known>::new();
    for part in ids.chunks(LISTED_AT_ONCE) {
        let rows = query(
            "SELECT terminal.id, terminal.name, terminal.version, of_one.scope
             FROM terminal LEFT JOIN terminal_scope AS of_one ON of_one.terminal = terminal.id
             WHERE terminal.id IN ",
        )
        .list(part.iter())
        .then(" ORDER BY of_one.scope")
        .all::<KnownIn>(db)
        .await?;
        for KnownIn { id, name, version, scope } in rows {
            let known = all.entry(id).or_default();
            (known.name, known.version) = (name.to_string(), version);
            known.scopes.extend(scope.map(|scope| scope.to_string()));
        }
    }
    Ok(all)
}
