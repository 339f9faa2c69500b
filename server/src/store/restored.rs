//! What becomes of a store that comes out of a backup. Terminals have seen more than it knows, so
//! everything that has a number is raised above what they can have seen; and what was handed out
//! before, and perhaps used since, is void.

use std::collections::BTreeMap;

use wardkey_core::document::Position;
use wardkey_core::name::ScopeName;
use wardkey_core::time::UnixTime;

use super::audit::Entry;
use super::break_glass;
use super::counter::Counter;
use super::loan;
use super::pass::{self, EndedBy};
use super::query::{Db, FromRow, Only, Row, query};
use super::{address, clock, scope, state};
use crate::error::{Error, Result};
use crate::texts::{PhraseError, Text};

/// What was raised.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Raised {
    /// The epoch of every scope.
    pub epoch: u64,
    /// Terminals whose document has a new number.
    pub terminals: u64,
}

/// Raises the epoch of every scope and the numbers of every terminal's document and of the list of
/// addresses to at least this:
/// seconds that no number that was given before reaches, whatever was lost since the backup, and
/// more than is known of. Remembers where the scopes stood.
pub async fn raise(db: &mut Db, at_least: u64) -> Result<Raised> {
    query("DELETE FROM restored_scope").execute(db).await?;
    query("INSERT INTO restored_scope (scope, epoch, seq) SELECT name, epoch, seq FROM scope")
        .execute(db)
        .await?;
    let epoch = scope::raise_epoch(db, at_least).await?;

    let terminals = raise_terminals(db, at_least).await?;
    address::raise(db, at_least).await?;
    Ok(Raised { epoch, terminals })
}

/// Raises the number of every terminal's document to at least this; how many there are.
pub async fn raise_terminals(db: &mut Db, at_least: u64) -> Result<u64> {
    let changed = Counter::Terminal.next(db).await?;
    query(
        "UPDATE terminal \
         SET number = CASE WHEN number < $1 THEN $1 ELSE number + 1 END, changed = $2",
    )
    .bind(at_least)
    .bind(changed)
    .execute(db)
    .await
}

/// The highest number that leaves room for those to come.
const HIGHEST: u64 = i64::MAX as u64 / 4 * 3;
/// Seconds since 1970 from which on nobody believes a time (the year 3058).
const NO_TIME: u64 = 1 << 35;

/// What terminals can have seen of a store.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Seen {
    /// The highest epoch or number of a document.
    pub number: u64,
    /// Until when that holds, seconds since 1970.
    pub time: u64,
}

impl Seen {
    /// The same until a later time.
    #[must_use]
    pub fn until(self, time: u64) -> Self {
        Self { time: self.time.max(time), ..self }
    }

    /// Whether there are numbers above it.
    pub fn is_possible(self) -> bool {
        self.number <= HIGHEST && self.time < NO_TIME
    }

    /// A number that nothing reaches that was done until a time, at an act each second.
    pub fn above(self, latest: u64) -> u64 {
        if self.number == 0 {
            return self.time;
        }
        let lost = latest.saturating_sub(self.time);
        self.number.saturating_add(lost).saturating_add(1).max(self.time)
    }
}

/// What terminals can have seen of a store: epochs, numbers of documents and of addresses, the
/// second that was signed last.
pub async fn seen(db: &mut Db) -> Result<Seen> {
    let Only(epoch) = query("SELECT max(epoch) FROM scope").one::<Only<Option<u64>>>(db).await?;
    let Only(number) =
        query("SELECT max(number) FROM terminal").one::<Only<Option<u64>>>(db).await?;
    let addresses = address::get(db).await?.number;
    let time = clock::read(db).await?.signed.0;
    Ok(Seen { number: epoch.unwrap_or(0).max(number.unwrap_or(0)).max(addresses), time })
}

/// The epoch that a row of the trail names: raised by hand or by a restore, or had by a terminal.
///
/// # Errors
/// [`Error::Damaged`] when its act gives an epoch, and it names none that can be.
pub fn epoch_in(row: &Entry) -> Result<Option<u64>> {
    let detail = row.detail.as_deref().unwrap_or_default();
    let after = |word: &str| {
        let mut words = detail.split([' ', ',']);
        words.find(|found| *found == word)?;
        words.next()
    };
    let position = |text: &str| text.split_once('.')?.0.parse().ok();
    let (epoch, must) = match row.action.as_str() {
        "epoch.raise" => (row.object.parse().ok(), true),
        "restore" => (after("epoch").and_then(|epoch| epoch.parse().ok()), true),
        "restore.terminal-ahead" => (detail.split(' ').nth(1).and_then(position), false),
        "scope.halt" => (after("at").or_else(|| after("has")).and_then(position), false),
        _ => (None, false),
    };
    match epoch {
        Some(epoch) if epoch <= HIGHEST => Ok(Some(epoch)),
        None if !must => Ok(None),
        _ => {
            let row = row.seq.unsigned_abs().into();
            Err(Error::damaged(PhraseError(Text::TrailFrom.with([("row", row)]))))
        }
    }
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
    /// Loans of keys that were open.
    pub loans: u64,
    /// Sealed codes (break-glass) that were open.
    pub sealed: u64,
}

/// Voids every open code, token, pass, loan and sealed code, switches API keys off and ends
/// sessions: the backup does not know which were used or taken away since, and whoever has one that
/// was can use it again.
pub async fn void(db: &mut Db, now: UnixTime) -> Result<Voided> {
    let codes = query("UPDATE enrollment_code SET used = $1 WHERE used IS NULL")
        .bind(now)
        .execute(db)
        .await?;
    let tokens = query("UPDATE join_token SET revoked = $1 WHERE revoked IS NULL")
        .bind(now)
        .execute(db)
        .await?;
    query("UPDATE api_key SET disabled = $1 WHERE disabled IS NULL").bind(now).execute(db).await?;
    query("DELETE FROM api_answer").execute(db).await?;
    query("DELETE FROM desk_session").execute(db).await?;
    query("DELETE FROM desk_doubt").execute(db).await?;
    query("DELETE FROM web_session").execute(db).await?;
    let people = query("SELECT person FROM pass WHERE ended IS NULL").all::<Only<i64>>(db).await?;
    let passes = people.len() as u64;
    for Only(person) in people {
        pass::end(db, person, EndedBy::Administrator, now).await?;
        state::publish_person(db, person).await?;
    }
    // Who had which key back since, and who knows its PIN now, the backup does not know either.
    let people = query("SELECT person FROM loan WHERE ended IS NULL").all::<Only<i64>>(db).await?;
    let loans = people.len() as u64;
    for Only(person) in people {
        if let Some(open) = loan::open_of_person(db, person).await? {
            loan::end(db, &open, loan::EndedBy::Administrator, now).await?;
            state::publish_person(db, person).await?;
        }
    }
    let people =
        query("SELECT person FROM break_glass WHERE ended IS NULL").all::<Only<i64>>(db).await?;
    let sealed = people.len() as u64;
    for Only(person) in people {
        break_glass::end(db, person, break_glass::EndedBy::Restore, now).await?;
        state::publish_person(db, person).await?;
    }
    Ok(Voided { codes, tokens, passes, loans, sealed })
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
