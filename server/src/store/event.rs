//! Events of terminals, as they came, with what verifying their evidence found.

use serde::Serialize;
use sqlx::{Row, SqliteConnection};
use wardkey_core::code::Code;
use wardkey_core::codec;
use wardkey_core::event::{Event, Outcome};
use wardkey_core::id::{EventId, TerminalId, to_hex};
use wardkey_core::time::UnixTime;

use super::to_i64;
use crate::error::{Error, Result};

/// What verifying the evidence of an event found.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Verdict {
    /// Nothing to verify.
    None,
    /// The evidence holds.
    Valid,
    /// It does not: stored, reported, not counted as a login.
    Invalid(String),
}

impl Verdict {
    /// The word in the store.
    pub const fn as_str(&self) -> &'static str {
        match self {
            Self::None => "none",
            Self::Valid => "valid",
            Self::Invalid(_) => "invalid",
        }
    }
}

/// What became of an event.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Stored {
    /// Now.
    New,
    /// It was here before.
    Known,
    /// Another event has this id.
    Conflict,
}

/// Whether an event is here, with exactly this content.
///
/// # Errors
/// [`Error::Store`].
pub async fn known(db: &mut SqliteConnection, id: &EventId, document: &[u8]) -> Result<Option<Stored>> {
    let found: Option<Vec<u8>> = sqlx::query_scalar("SELECT document FROM event WHERE id = ?")
        .bind(id.as_bytes().as_slice())
        .fetch_optional(db)
        .await?;
    Ok(found.map(|found| if found == document { Stored::Known } else { Stored::Conflict }))
}

/// Adds an event, with the key and the counter that its evidence proves.
///
/// # Errors
/// [`Error::Store`].
pub async fn add(
    db: &mut SqliteConnection,
    event: &Event,
    terminal: &TerminalId,
    (credential, counter): (Option<i64>, Option<u32>),
    verdict: &Verdict,
    now: UnixTime,
) -> Result<()> {
    let finding = match verdict {
        Verdict::Invalid(finding) => Some(finding.as_str()),
        Verdict::None | Verdict::Valid => None,
    };
    sqlx::query(
        "INSERT INTO event (id, received, time, terminal, name, outcome, reason, person, account, service, credential,
             counter, verdict, finding, document) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
    )
    .bind(event.id.as_bytes().as_slice())
    .bind(to_i64(now.0))
    .bind(to_i64(event.time.0))
    .bind(terminal.as_bytes().as_slice())
    .bind(event.name.as_str())
    .bind(outcome(event.outcome))
    .bind(event.reason.map(Code::number))
    .bind(event.person.as_ref().map(wardkey_core::name::LoginName::as_str))
    .bind(event.account.as_ref().map(wardkey_core::name::LoginName::as_str))
    .bind(&event.service)
    .bind(credential)
    .bind(counter)
    .bind(verdict.as_str())
    .bind(finding)
    .bind(codec::to_bytes(event))
    .execute(db)
    .await?;
    Ok(())
}

/// Keeps what was sent as an event and is not taken; false when it is kept already.
///
/// # Errors
/// [`Error::Store`].
pub async fn set_aside(
    db: &mut SqliteConnection,
    document: &[u8],
    terminal: &TerminalId,
    (reason, now): (&str, UnixTime),
) -> Result<bool> {
    let done = sqlx::query(
        "INSERT INTO event_set_aside (hash, terminal, received, reason, document) VALUES (?, ?, ?, ?, ?)
         ON CONFLICT DO NOTHING",
    )
    .bind(codec::sha256(document).as_bytes().as_slice())
    .bind(terminal.as_bytes().as_slice())
    .bind(to_i64(now.0))
    .bind(reason)
    .bind(document)
    .execute(db)
    .await?;
    Ok(done.rows_affected() > 0)
}

/// Whether these bytes are set aside.
///
/// # Errors
/// [`Error::Store`].
pub async fn is_set_aside(db: &mut SqliteConnection, document: &[u8]) -> Result<bool> {
    let found: Option<i64> = sqlx::query_scalar("SELECT 1 FROM event_set_aside WHERE hash = ?")
        .bind(codec::sha256(document).as_bytes().as_slice())
        .fetch_optional(db)
        .await?;
    Ok(found.is_some())
}

/// A use of the same key that does not fit this one: earlier with a counter as great, or later with
/// one as small. Counters that are all zero say nothing.
///
/// # Errors
/// [`Error::Store`].
pub async fn counter_conflict(
    db: &mut SqliteConnection,
    credential: i64,
    (time, counter): (UnixTime, u32),
) -> Result<Option<String>> {
    // Clocks of two terminals differ by a little: what is closer than this is no order. The same
    // counter twice never happens on one key, whatever the clocks say.
    const SKEW: i64 = 30;
    let row = sqlx::query(
        "SELECT time, counter, terminal FROM event
         WHERE credential = ?1 AND verdict = 'valid' AND counter IS NOT NULL AND (counter > 0 OR ?3 > 0)
             AND ((counter = ?3) OR (time < ?2 - ?4 AND counter > ?3) OR (time > ?2 + ?4 AND counter < ?3))
         LIMIT 1",
    )
    .bind(credential)
    .bind(to_i64(time.0))
    .bind(counter)
    .bind(SKEW)
    .fetch_optional(db)
    .await?;
    row.map(|row| {
        let (other_time, other): (i64, i64) = (row.try_get(0)?, row.try_get(1)?);
        let terminal = to_hex(&row.try_get::<Vec<u8>, _>(2)?);
        Ok(format!("counter {counter} at {}, but {other} at {other_time} on terminal {terminal}", time.0))
    })
    .transpose()
}

/// Which events to list.
#[derive(Clone, Debug, Default)]
pub struct Filter {
    /// Of this person or account.
    pub person: Option<String>,
    /// Of this terminal.
    pub terminal: Option<TerminalId>,
    /// `login`, ...
    pub name: Option<String>,
    /// `success` or `failure`.
    pub outcome: Option<String>,
    /// Only those whose evidence does not hold.
    pub invalid: bool,
    /// Not before this.
    pub since: Option<UnixTime>,
    /// At most so many.
    pub limit: u32,
}

/// An event for people and programs.
#[derive(Clone, Debug, Serialize)]
pub struct Listed {
    /// Order of arrival.
    pub seq: i64,
    /// Event id.
    pub id: String,
    /// When it happened.
    pub time: i64,
    /// When it arrived.
    pub received: i64,
    /// Terminal id.
    pub terminal: String,
    /// Name of the terminal.
    pub terminal_name: String,
    /// What.
    pub event: String,
    /// How it ended.
    pub outcome: String,
    /// Stable code of the reason.
    pub reason: Option<String>,
    /// Who.
    pub person: Option<String>,
    /// Unix account.
    pub account: Option<String>,
    /// PAM service.
    pub service: Option<String>,
    /// Fingerprint of the key.
    pub key: Option<String>,
    /// Signature counter, when the evidence holds.
    pub counter: Option<i64>,
    /// `none`, `valid` or `invalid`.
    pub evidence: String,
    /// Why the evidence does not hold.
    pub finding: Option<String>,
    /// The line as it stands in the terminal's syslog.
    pub line: String,
}

/// Events, newest first.
///
/// # Errors
/// [`Error::Store`].
pub async fn list(db: &mut SqliteConnection, filter: &Filter) -> Result<Vec<Listed>> {
    let rows = sqlx::query(
        "SELECT event.seq, event.id, event.time, event.received, event.terminal, terminal.name, event.name,
             event.outcome, event.reason, event.person, event.account, event.service, credential.fingerprint,
             event.counter, event.verdict, event.finding, event.document
         FROM event JOIN terminal ON terminal.id = event.terminal
             LEFT JOIN credential ON credential.id = event.credential
         WHERE (?1 IS NULL OR event.person = ?1 OR event.account = ?1) AND (?2 IS NULL OR event.terminal = ?2)
             AND (?3 IS NULL OR event.name = ?3) AND (?4 IS NULL OR event.outcome = ?4)
             AND (NOT ?5 OR event.verdict = 'invalid') AND (?6 IS NULL OR event.time >= ?6)
         ORDER BY event.time DESC, event.seq DESC LIMIT ?7",
    )
    .bind(&filter.person)
    .bind(filter.terminal.map(|id| id.as_bytes().to_vec()))
    .bind(&filter.name)
    .bind(&filter.outcome)
    .bind(filter.invalid)
    .bind(filter.since.map(|time| to_i64(time.0)))
    .bind(filter.limit)
    .fetch_all(db)
    .await?;
    rows.iter().map(read).collect()
}

const fn outcome(outcome: Outcome) -> &'static str {
    match outcome {
        Outcome::Success => "success",
        Outcome::Failure => "failure",
    }
}

fn read(row: &sqlx::sqlite::SqliteRow) -> Result<Listed> {
    let hex = |column: usize| -> Result<String> { Ok(to_hex(&row.try_get::<Vec<u8>, _>(column)?)) };
    let event: Event = codec::from_bytes(&row.try_get::<Vec<u8>, _>(16)?).map_err(Error::damaged)?;
    let reason: Option<u16> = row.try_get(8)?;
    let key: Option<Vec<u8>> = row.try_get(12)?;
    Ok(Listed {
        seq: row.try_get(0)?,
        id: hex(1)?,
        time: row.try_get(2)?,
        received: row.try_get(3)?,
        terminal: hex(4)?,
        terminal_name: row.try_get(5)?,
        event: row.try_get(6)?,
        outcome: row.try_get(7)?,
        reason: reason.map(|number| format!("WK-{number}")),
        person: row.try_get(9)?,
        account: row.try_get(10)?,
        service: row.try_get(11)?,
        key: key.map(|key| to_hex(&key).chars().take(16).collect()).or_else(|| event.key.clone()),
        counter: row.try_get(13)?,
        evidence: row.try_get(14)?,
        finding: row.try_get(15)?,
        line: event.to_line(),
    })
}
