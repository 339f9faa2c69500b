//! What stands beside events in a report: acts of administration, passes, people.

use std::collections::BTreeMap;

use wardkey_core::id::TerminalId;
use wardkey_core::name::{DisplayText, LoginName};
use wardkey_core::time::UnixTime;

use super::stretch::Stretch;
use crate::error::Result;
use crate::store::query::{Db, FromRow, LISTED_AT_ONCE, Row, query};

/// How often an act is in the trail, and when the last one was.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Acted {
    /// The act.
    pub action: String,
    /// How often.
    pub acts: u64,
    /// When last.
    pub last: UnixTime,
}

impl FromRow for Acted {
    fn from_row(row: &Row) -> Result<Self> {
        Ok(Self { action: row.get("action")?, acts: row.get("acts")?, last: row.get("last_time")? })
    }
}

/// Acts of administration in a stretch.
pub async fn acts(db: &mut Db, actions: &[&str], (from, to): Stretch) -> Result<Vec<Acted>> {
    query(
        "SELECT action, count(*) AS acts, max(time) AS last_time FROM audit
         WHERE time >= $1 AND time < $2 AND action IN ",
    )
    .bind(from)
    .bind(to)
    .list(actions.iter().copied())
    .then(" GROUP BY action")
    .all(db)
    .await
}

/// A pass, with the names that people know.
#[derive(Clone, Debug)]
pub struct IssuedPass {
    /// Login name of its person.
    pub login: LoginName,
    /// The person's name.
    pub name: DisplayText,
    /// From when.
    pub begins: UnixTime,
    /// Until before when.
    pub until: UnixTime,
    /// For the terminals of this scope.
    pub scope: Option<String>,
    /// For this terminal.
    pub terminal: Option<TerminalId>,
    /// Its name.
    pub terminal_name: Option<String>,
    /// Who issued it.
    pub issuer: String,
    /// Why.
    pub reason: String,
    /// When it was last used.
    pub used: Option<UnixTime>,
    /// When it ended before its time.
    pub ended: Option<UnixTime>,
}

impl FromRow for IssuedPass {
    fn from_row(row: &Row) -> Result<Self> {
        Ok(Self {
            login: row.get("login")?,
            name: row.get("display_name")?,
            begins: row.get("begins")?,
            until: row.get("until")?,
            scope: row.get("scope")?,
            terminal: row.get("terminal")?,
            terminal_name: row.get("terminal_name")?,
            issuer: row.get("issuer")?,
            reason: row.get("reason")?,
            used: row.get("used")?,
            ended: row.get("ended")?,
        })
    }
}

/// Passes that began in a stretch, the earliest first.
pub async fn passes(db: &mut Db, (from, to): Stretch) -> Result<Vec<IssuedPass>> {
    query(
        "SELECT person.login, person.display_name, pass.begins, pass.until, pass.scope,
             pass.terminal, terminal.name AS terminal_name, pass.issuer, pass.reason, pass.used,
             pass.ended
         FROM pass JOIN person ON person.id = pass.person
             LEFT JOIN terminal ON terminal.id = pass.terminal
         WHERE pass.begins >= $1 AND pass.begins < $2 ORDER BY pass.begins, pass.number",
    )
    .bind(from)
    .bind(to)
    .all(db)
    .await
}

struct When {
    person: i64,
    time: UnixTime,
}

impl FromRow for When {
    fn from_row(row: &Row) -> Result<Self> {
        Ok(Self { person: row.get("person")?, time: row.get("last_time")? })
    }
}

fn by_person(rows: Vec<When>) -> BTreeMap<i64, UnixTime> {
    rows.into_iter().map(|When { person, time }| (person, time)).collect()
}

/// When these people last logged in by a pass, those who ever did.
pub async fn passes_used(db: &mut Db, people: &[i64]) -> Result<BTreeMap<i64, UnixTime>> {
    let mut found = BTreeMap::new();
    for part in people.chunks(LISTED_AT_ONCE) {
        let rows = query(
            "SELECT person, max(used) AS last_time FROM pass
             WHERE used IS NOT NULL AND person IN ",
        )
        .list(part.iter().copied())
        .then(" GROUP BY person")
        .all(db)
        .await?;
        found.append(&mut by_person(rows));
    }
    Ok(found)
}

/// When these people were added.
pub async fn added(db: &mut Db, people: &[i64]) -> Result<BTreeMap<i64, UnixTime>> {
    let mut found = BTreeMap::new();
    for part in people.chunks(LISTED_AT_ONCE) {
        let rows = query("SELECT id AS person, created AS last_time FROM person WHERE id IN ")
            .list(part.iter().copied())
            .all(db)
            .await?;
        found.append(&mut by_person(rows));
    }
    Ok(found)
}

struct Named {
    login: LoginName,
    name: DisplayText,
}

impl FromRow for Named {
    fn from_row(row: &Row) -> Result<Self> {
        Ok(Self { login: row.get("login")?, name: row.get("display_name")? })
    }
}

/// The names of people by their login names; of deleted ones none.
pub async fn names(db: &mut Db, logins: &[LoginName]) -> Result<BTreeMap<LoginName, DisplayText>> {
    let mut found = BTreeMap::new();
    for part in logins.chunks(LISTED_AT_ONCE) {
        let rows =
            query("SELECT login, display_name FROM person WHERE status <> 'deleted' AND login IN ")
                .list(part)
                .all::<Named>(db)
                .await?;
        found.extend(rows.into_iter().map(|Named { login, name }| (login, name)));
    }
    Ok(found)
}
