//! People in a report: their names, since when they are there, and their last pass.

use std::collections::BTreeMap;

use wardkey_core::name::{DisplayText, LoginName, ScopeName};
use wardkey_core::time::UnixTime;

use crate::error::Result;
use crate::store::query::{Db, FromRow, LISTED_AT_ONCE, Row, query};

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

/// The names of people by their login names; of deleted ones none, and of people of one scope alone
/// when given.
pub async fn names(
    db: &mut Db,
    logins: &[LoginName],
    people_of: Option<&ScopeName>,
) -> Result<BTreeMap<LoginName, DisplayText>> {
    let mut found = BTreeMap::new();
    for part in logins.chunks(LISTED_AT_ONCE) {
        let rows = query(
            "SELECT login, display_name FROM person WHERE status <> 'deleted'
                 AND (CAST($1 AS TEXT) IS NULL OR EXISTS (SELECT 1 FROM person_scope
                     WHERE person_scope.person = person.id AND person_scope.scope = $1))
                 AND login IN ",
        )
        .bind(people_of)
        .list(part)
        .all::<Named>(db)
        .await?;
        found.extend(rows.into_iter().map(|Named { login, name }| (login, name)));
    }
    Ok(found)
}
