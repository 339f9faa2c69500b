//! What administration asks before it changes something.

use std::collections::{BTreeMap, BTreeSet};

use wardkey_core::name::{GroupName, LoginName, ScopeName};

use super::query::{Db, FromRow, LISTED_AT_ONCE, Only, Row, query};
use crate::error::Result;

/// A person whose login name differs from this one in upper and lower case only.
pub async fn login_alike(db: &mut Db, login: &LoginName) -> Result<Option<LoginName>> {
    let found = query(
        "SELECT login FROM person \
         WHERE lower(login) = $1 AND login <> $2 AND status <> 'deleted' LIMIT 1",
    )
    .bind(login.as_str().to_ascii_lowercase())
    .bind(login)
    .optional::<Only<LoginName>>(db)
    .await?;
    Ok(found.map(|Only(login)| login))
}

/// Every login name.
pub async fn logins(db: &mut Db) -> Result<Vec<LoginName>> {
    let all = query("SELECT login FROM person WHERE status <> 'deleted'")
        .all::<Only<LoginName>>(db)
        .await?;
    Ok(all.into_iter().map(|Only(login)| login).collect())
}

/// Those of these groups that anybody is in.
pub async fn with_people(db: &mut Db, groups: &[GroupName]) -> Result<BTreeSet<GroupName>> {
    let mut found = BTreeSet::new();
    for part in groups.chunks(LISTED_AT_ONCE) {
        // One person is enough: the others of the group are not read.
        let rows = query("WITH asked (name) AS (VALUES ")
            .rows(part.iter().map(|group| [group.into()]))
            .then(
                ") SELECT name FROM asked WHERE EXISTS (
                     SELECT 1 FROM person_group JOIN person ON person.id = person_group.person
                     WHERE person_group.name = asked.name AND person.status <> 'deleted')",
            )
            .all::<Only<GroupName>>(db)
            .await?;
        found.extend(rows.into_iter().map(|Only(name)| name));
    }
    Ok(found)
}

/// The scopes of people, by login name; of nobody else.
pub async fn scopes_of_people(
    db: &mut Db,
    logins: &[LoginName],
) -> Result<BTreeMap<LoginName, BTreeSet<ScopeName>>> {
    let mut found = BTreeMap::<_, BTreeSet<_>>::new();
    for part in logins.chunks(LISTED_AT_ONCE) {
        let rows = query(
            "SELECT person.login, person_scope.scope
             FROM person LEFT JOIN person_scope ON person_scope.person = person.id
             WHERE person.status <> 'deleted' AND person.kind = 'staff' AND person.login IN ",
        )
        .list(part)
        .all::<ScopeOf>(db)
        .await?;
        for row in rows {
            found.entry(row.login).or_default().extend(row.scope);
        }
    }
    Ok(found)
}

struct ScopeOf {
    login: LoginName,
    scope: Option<ScopeName>,
}

impl FromRow for ScopeOf {
    fn from_row(row: &Row) -> Result<Self> {
        Ok(Self { login: row.get("login")?, scope: row.get("scope")? })
    }
}
