//! Records that may be pruned, and what stays of those that were.

use wardkey_core::codec;
use wardkey_core::id::{EventId, Hash as Sha256};
use wardkey_tlog::Hash;

use super::log::Recorded;
use super::query::{Db, FromRow, LISTED_AT_ONCE, Only, Row, query};
use super::value::Value;
use crate::error::Result;

/// A record that may be pruned.
#[derive(Clone, Debug)]
pub struct Candidate {
    /// Its place in the log.
    pub place: u64,
    /// The event's id.
    pub id: EventId,
    /// The record.
    pub recorded: Recorded,
    /// Its hash in the log.
    pub hash: Hash,
    /// Whether later records are compared with it: the newest use of a key, and every use of one
    /// that may have been copied.
    pub is_compared: bool,
}

impl FromRow for Candidate {
    fn from_row(row: &Row) -> Result<Self> {
        Ok(Self {
            place: row.get("position")?,
            id: row.get("id")?,
            recorded: Recorded::from_row(row)?,
            hash: Hash::new(row.get("hash")?),
            is_compared: row.get::<i64>("compared")? != 0,
        })
    }
}

/// The records between two places, in their order.
pub async fn candidates(db: &mut Db, from: u64, until: u64) -> Result<Vec<Candidate>> {
    query(
        "SELECT entry.position, entry.hash, event.id, event.seq, event.received, event.terminal,
             event.verdict, event.document,
             CASE WHEN event.counter IS NULL THEN 0
                 WHEN credential.clone_suspected IS NOT NULL THEN 1
                 WHEN credential.status = 'deleted' THEN 0
                 WHEN NOT EXISTS (SELECT 1 FROM event AS later
                     WHERE later.credential = event.credential AND later.counter IS NOT NULL
                         AND later.time > event.time) THEN 1
                 WHEN event.counter > 0 AND NOT EXISTS (SELECT 1 FROM event AS later
                     WHERE later.credential = event.credential AND later.counter IS NOT NULL
                         AND later.counter > event.counter) THEN 1
                 ELSE 0 END AS compared
         FROM event_log_entry AS entry JOIN event ON event.seq = entry.event
             LEFT JOIN credential ON credential.id = event.credential
         WHERE entry.position >= $1 AND entry.position < $2 ORDER BY entry.position",
    )
    .bind(from)
    .bind(until)
    .all(db)
    .await
}

/// Takes records out of the database. Their places, hashes, ids and what their documents are
/// recognized by stay, as part of an act.
pub async fn prune(db: &mut Db, act: u64, records: &[&Candidate]) -> Result<()> {
    for part in records.chunks(LISTED_AT_ONCE / 6) {
        let rows = part.iter().map(|record| -> [Value; 6] {
            [
                record.place.into(),
                record.recorded.number.into(),
                (&record.id).into(),
                record.hash.as_bytes().into(),
                (&codec::sha256(&record.recorded.document)).into(),
                act.into(),
            ]
        });
        query("INSERT INTO event_log_pruned (position, event, id, hash, document, prune) VALUES ")
            .rows(rows)
            .execute(db)
            .await?;
    }
    for part in records.chunks(LISTED_AT_ONCE) {
        query("DELETE FROM event_log_entry WHERE position IN ")
            .list(part.iter().map(|record| record.place))
            .execute(db)
            .await?;
        query("DELETE FROM event WHERE seq IN ")
            .list(part.iter().map(|record| record.recorded.number))
            .execute(db)
            .await?;
    }
    Ok(())
}

/// What stays of a record that was pruned.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Gap {
    /// Its place in the log.
    pub place: u64,
    /// Its hash there.
    pub hash: Hash,
    /// By which act.
    pub act: u64,
}

impl FromRow for Gap {
    fn from_row(row: &Row) -> Result<Self> {
        Ok(Self {
            place: row.get("position")?,
            hash: Hash::new(row.get("hash")?),
            act: row.get("prune")?,
        })
    }
}

/// The records between two places that were pruned, in their order: so many of them at most.
pub async fn between(db: &mut Db, from: u64, until: u64, most: u64) -> Result<Vec<Gap>> {
    query(
        "SELECT position, hash, prune FROM event_log_pruned
         WHERE position >= $1 AND position < $2 ORDER BY position LIMIT $3",
    )
    .bind(from)
    .bind(until)
    .bind(most)
    .all(db)
    .await
}

/// The last place before another one of which the record was pruned.
pub async fn last(db: &mut Db, from: u64, until: u64) -> Result<Option<u64>> {
    let last = query(
        "SELECT position FROM event_log_pruned
         WHERE position >= $1 AND position < $2 ORDER BY position DESC LIMIT 1",
    );
    Ok(last.bind(from).bind(until).optional(db).await?.map(|Only(place)| place))
}

/// What stays of the record with this id, if it was pruned.
pub async fn of(db: &mut Db, id: &EventId) -> Result<Option<Gap>> {
    query("SELECT position, hash, prune FROM event_log_pruned WHERE id = $1")
        .bind(id)
        .optional(db)
        .await
}

/// SHA-256 of the document of the record with this id, if it was pruned.
pub async fn document_of(db: &mut Db, id: &EventId) -> Result<Option<Sha256>> {
    let found = query("SELECT document FROM event_log_pruned WHERE id = $1").bind(id);
    Ok(found.optional(db).await?.map(|Only(document)| document))
}
