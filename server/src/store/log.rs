//! The log of events: hashes of entries and of full tiles, and what was signed last.
//!
//! An entry is the row of an event; here is only its hash, under its place in the log. Of a record
//! that was pruned the hash stands elsewhere ([`super::archive`]).

use wardkey_core::code::Code;
use wardkey_core::codec;
use wardkey_core::event::Event;
use wardkey_core::id::{EventId, TerminalId};
use wardkey_core::name::LoginName;
use wardkey_core::time::UnixTime;
use wardkey_tlog::{Hash, Level};

use super::number::to_i64;
use super::query::{Db, FromRow, LISTED_AT_ONCE, Only, Row, query};
use super::value::Value;
use crate::error::Result;

/// Where the log ends.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct End {
    /// Entries in it.
    pub size: u64,
    /// The number of the last event in it; 0 when there is none.
    pub event: i64,
}

/// Length of a log's mark in bytes.
pub const MARK_LEN: usize = 8;

/// Which log it is, and what was signed of it last.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct State {
    /// Another one after a restore.
    pub generation: u64,
    /// Random, and another one after a restore; none of a log that began before there were any.
    pub mark: Option<[u8; MARK_LEN]>,
    /// What was signed last of this generation.
    pub signed: Option<Signed>,
}

/// What was signed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Signed {
    /// Entries.
    pub size: u64,
    /// The root over them.
    pub root: Hash,
    /// When that was first signed.
    pub time: UnixTime,
}

/// What the log says of an event.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Recorded {
    /// Its number at the server.
    pub number: i64,
    /// When it arrived.
    pub received: UnixTime,
    /// The terminal that sent it, by its certificate.
    pub terminal: TerminalId,
    /// What verifying its evidence found: `none`, `valid` or `invalid`.
    pub verdict: String,
    /// The event as it was sent.
    pub document: Vec<u8>,
}

impl FromRow for Recorded {
    fn from_row(row: &Row) -> Result<Self> {
        Ok(Self {
            number: row.get("seq")?,
            received: row.get("received")?,
            terminal: row.get("terminal")?,
            verdict: row.get("verdict")?,
            document: row.get("document")?,
        })
    }
}

/// An event that is in the log, with its place and its hash there.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Logged {
    /// Its place in the log.
    pub place: u64,
    /// The event.
    pub recorded: Recorded,
    /// Its hash, as the log has it.
    pub hash: Hash,
}

impl FromRow for Logged {
    fn from_row(row: &Row) -> Result<Self> {
        let recorded = Recorded::from_row(row)?;
        Ok(Self { place: row.get("position")?, recorded, hash: Hash::new(row.get("hash")?) })
    }
}

/// An event that may be in the log.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Held {
    /// The event.
    pub recorded: Recorded,
    /// Its place in the log, and its hash there.
    pub logged: Option<(u64, Hash)>,
    /// Whether the columns by which events are listed say what the event says.
    pub is_listed_right: bool,
}

impl FromRow for Held {
    fn from_row(row: &Row) -> Result<Self> {
        let recorded = Recorded::from_row(row)?;
        let place: Option<u64> = row.get("position")?;
        let hash: Option<[u8; 32]> = row.get("hash")?;
        let is_listed_right = is_listed_right(row, &recorded.document)?;
        Ok(Self { recorded, logged: place.zip(hash.map(Hash::new)), is_listed_right })
    }
}

fn is_listed_right(row: &Row, document: &[u8]) -> Result<bool> {
    let Ok(event) = codec::from_bytes::<Event>(document) else { return Ok(false) };
    let text = |name| row.get::<Option<String>>(name);
    let login = |name: &Option<LoginName>| name.as_ref().map(|name| name.as_str().to_owned());
    Ok(row.get::<EventId>("id")? == event.id
        && row.get::<i64>("time")? == to_i64(event.time.0)
        && text("name")?.as_deref() == Some(event.name.as_str())
        && text("outcome")?.as_deref() == Some(event.outcome.as_str())
        && row.get::<Option<u16>>("reason")? == event.reason.map(Code::number)
        && text("person")? == login(&event.person)
        && text("account")? == login(&event.account)
        && text("service")? == event.service)
}

impl FromRow for End {
    fn from_row(row: &Row) -> Result<Self> {
        let last: u64 = row.get("position")?;
        Ok(Self { size: last.saturating_add(1), event: row.get("event")? })
    }
}

impl FromRow for State {
    fn from_row(row: &Row) -> Result<Self> {
        let size: Option<u64> = row.get("size")?;
        let root: Option<[u8; 32]> = row.get("root")?;
        let time: Option<UnixTime> = row.get("signed")?;
        let signed = size.zip(root).zip(time);
        let signed =
            signed.map(|((size, root), time)| Signed { size, root: Hash::new(root), time });
        Ok(Self { generation: row.get("generation")?, mark: row.get("mark")?, signed })
    }
}

/// Where it ends.
pub async fn end(db: &mut Db) -> Result<End> {
    let last = query("SELECT position, event FROM event_log_entry ORDER BY position DESC LIMIT 1");
    Ok(last.optional(db).await?.unwrap_or_default())
}

/// Which log it is.
pub async fn state(db: &mut Db) -> Result<State> {
    query("SELECT generation, mark, size, root, signed FROM event_log WHERE id = 1").one(db).await
}

/// Remembers what was signed.
pub async fn put_signed(db: &mut Db, signed: &Signed) -> Result<()> {
    query("UPDATE event_log SET size = $1, root = $2, signed = $3 WHERE id = 1")
        .bind(signed.size)
        .bind(signed.root.as_bytes())
        .bind(signed.time)
        .execute(db)
        .await?;
    Ok(())
}

/// Begins another generation, of this number or the next one, with a mark of its own: entries may
/// have been lost that were signed.
pub async fn begin(db: &mut Db, at_least: u64, mark: &[u8; MARK_LEN]) -> Result<()> {
    query(
        "UPDATE event_log SET size = NULL, root = NULL, signed = NULL, mark = $2,
             generation = CASE WHEN generation < $1 THEN $1 ELSE generation + 1 END
         WHERE id = 1",
    )
    .bind(at_least)
    .bind(mark)
    .execute(db)
    .await?;
    Ok(())
}

/// Events after a number, in the order of their numbers.
pub async fn after(db: &mut Db, number: i64, most: u64) -> Result<Vec<Recorded>> {
    query(
        "SELECT seq, received, terminal, verdict, document FROM event
         WHERE seq > $1 ORDER BY seq LIMIT $2",
    )
    .bind(number)
    .bind(most)
    .all(db)
    .await
}

/// The place of an event in the log.
pub async fn place_of(db: &mut Db, event: &EventId) -> Result<Option<u64>> {
    let place = query(
        "SELECT entry.position FROM event JOIN event_log_entry AS entry ON entry.event = event.seq
         WHERE event.id = $1",
    )
    .bind(event)
    .optional(db)
    .await?;
    Ok(place.map(|Only(place)| place))
}

/// Adds entries from a place on: numbers of events, and hashes.
pub async fn add(db: &mut Db, from: u64, entries: &[(i64, Hash)]) -> Result<()> {
    let mut place = from;
    for part in entries.chunks(LISTED_AT_ONCE / 3) {
        let mut rows: Vec<[Value; 3]> = Vec::with_capacity(part.len());
        for (event, hash) in part {
            rows.push([place.into(), (*event).into(), hash.as_bytes().into()]);
            place += 1;
        }
        query("INSERT INTO event_log_entry (position, event, hash) VALUES ")
            .rows(rows)
            .execute(db)
            .await?;
    }
    Ok(())
}

/// Adds the hash over a full tile of the level below.
pub async fn add_node(db: &mut Db, level: Level, place: u64, hash: &Hash) -> Result<()> {
    query("INSERT INTO event_log_node (level, position, hash) VALUES ($1, $2, $3)")
        .bind(level.number())
        .bind(place)
        .bind(hash.as_bytes())
        .execute(db)
        .await?;
    Ok(())
}

/// Hashes of a level from a place on: those that are there of so many.
pub async fn hashes(db: &mut Db, level: Level, from: u64, count: u16) -> Result<Vec<Hash>> {
    let until = from.saturating_add(count.into());
    let found = if level == Level::ENTRIES {
        query(
            "SELECT hash FROM (
                 SELECT position, hash FROM event_log_entry WHERE position >= $1 AND position < $2
                 UNION ALL SELECT position, hash FROM event_log_pruned
                     WHERE position >= $1 AND position < $2
             ) AS entry ORDER BY position LIMIT $3",
        )
        .bind(from)
        .bind(until)
        .bind(u64::from(count))
        .all::<Only<[u8; 32]>>(db)
        .await?
    } else {
        query(
            "SELECT hash FROM event_log_node WHERE level = $3 AND position >= $1 AND position < $2
             ORDER BY position",
        )
        .bind(from)
        .bind(until)
        .bind(level.number())
        .all::<Only<[u8; 32]>>(db)
        .await?
    };
    Ok(found.into_iter().map(|Only(hash)| Hash::new(hash)).collect())
}

/// The events of entries from a place on: those that are there of so many. Those that were pruned
/// are not.
pub async fn entries(db: &mut Db, from: u64, count: u16) -> Result<Vec<Logged>> {
    query(
        "SELECT event.seq, event.received, event.terminal, event.verdict, event.document,
             entry.position, entry.hash
         FROM event_log_entry AS entry JOIN event ON event.seq = entry.event
         WHERE entry.position >= $1 AND entry.position < $2 ORDER BY entry.position",
    )
    .bind(from)
    .bind(from.saturating_add(count.into()))
    .all(db)
    .await
}

/// All events after a number, in the order of their numbers, with what the log has of each.
pub async fn held_after(db: &mut Db, number: i64, most: u64) -> Result<Vec<Held>> {
    query(
        "SELECT event.seq, event.received, event.terminal, event.verdict, event.document,
             event.id, event.time, event.name, event.outcome, event.reason, event.person,
             event.account, event.service, entry.position, entry.hash
         FROM event LEFT JOIN event_log_entry AS entry ON entry.event = event.seq
         WHERE event.seq > $1 ORDER BY event.seq LIMIT $2",
    )
    .bind(number)
    .bind(most)
    .all(db)
    .await
}
