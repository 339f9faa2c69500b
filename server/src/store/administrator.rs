//! Administrators: people who have a role, one at most, with the scopes that it is for and perhaps
//! an end.

use std::collections::{BTreeMap, BTreeSet};

use wardkey_core::name::{DisplayText, ScopeName};
use wardkey_core::time::UnixTime;

use super::api_key::Role;
use super::page::{Page, PageRequest};
use super::person::PersonRow;
use super::query::{Db, FromRow, LISTED_AT_ONCE, Row, is_taken, query};
use crate::error::{Error, Result};
use crate::texts::Text;

/// What somebody was given.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Given {
    /// As what the person administrates.
    pub role: Role,
    /// Scopes that it is for; all of them without.
    pub scopes: Option<BTreeSet<ScopeName>>,
    /// Since when it is so.
    pub since: UnixTime,
    /// Who gave it.
    pub by: DisplayText,
    /// Over from then on.
    pub until: Option<UnixTime>,
}

/// A person with a role, which may be over.
#[derive(Clone, Debug)]
pub struct Administrator {
    /// The person.
    pub person: PersonRow,
    /// What the person was given.
    pub given: Given,
}

impl FromRow for Administrator {
    fn from_row(row: &Row) -> Result<Self> {
        let everywhere = row.get::<i64>("everywhere")? == 1;
        let given = Given {
            role: row.get("role")?,
            scopes: (!everywhere).then(BTreeSet::new),
            since: row.get("since")?,
            by: row.get("given_by")?,
            until: row.get("until")?,
        };
        Ok(Self { person: PersonRow::from_row(row)?, given })
    }
}

const SELECT: &str = "SELECT person.id, person.login, person.display_name, person.latin_name, \
    person.language, person.user_handle, person.not_before, person.not_after, person.status, \
    person.kind, administrator.role, administrator.everywhere, administrator.since, \
    administrator.given_by, administrator.until \
    FROM administrator JOIN person ON person.id = administrator.person ";

/// Gives a person a role.
///
/// # Errors
/// [`Error::Refused`] when the person has one, or a scope is not known.
pub async fn add(db: &mut Db, person: &PersonRow, given: &Given) -> Result<()> {
    let added = query(
        "INSERT INTO administrator (person, role, everywhere, since, given_by, until)
         VALUES ($1, $2, $3, $4, $5, $6)",
    )
    .bind(person.id)
    .bind(given.role)
    .bind(i64::from(given.scopes.is_none()))
    .bind(given.since)
    .bind(&given.by)
    .bind(given.until)
    .execute(db)
    .await;
    match added {
        Err(error) if is_taken(&error) => {
            let name = ("name", person.login.as_str().into());
            return Err(Error::invalid(Text::AdministratorExists.with([name])));
        }
        added => added?,
    };
    add_scopes(db, person.id, given).await
}

/// Gives another role in place of the one before, or the same for other scopes or until another
/// time.
///
/// # Errors
/// [`Error::Refused`] when a scope is not known.
pub async fn change(db: &mut Db, person: i64, given: &Given) -> Result<()> {
    query(
        "UPDATE administrator
         SET role = $1, everywhere = $2, since = $3, given_by = $4, until = $5 WHERE person = $6",
    )
    .bind(given.role)
    .bind(i64::from(given.scopes.is_none()))
    .bind(given.since)
    .bind(&given.by)
    .bind(given.until)
    .bind(person)
    .execute(db)
    .await?;
    query("DELETE FROM administrator_scope WHERE person = $1").bind(person).execute(db).await?;
    add_scopes(db, person, given).await
}

async fn add_scopes(db: &mut Db, person: i64, given: &Given) -> Result<()> {
    for scope in given.scopes.iter().flatten() {
        let insert = query("INSERT INTO administrator_scope (person, scope) VALUES ($1, $2)")
            .bind(person)
            .bind(scope);
        super::scope::add_reference(db, scope, insert).await?;
    }
    Ok(())
}

/// Takes a person's role away; false when there was none.
pub async fn remove(db: &mut Db, person: i64) -> Result<bool> {
    query("DELETE FROM administrator_scope WHERE person = $1").bind(person).execute(db).await?;
    let removed =
        query("DELETE FROM administrator WHERE person = $1").bind(person).execute(db).await?;
    Ok(removed > 0)
}

/// The role of the person in a row, also one that is over.
pub async fn of_person(db: &mut Db, person: i64) -> Result<Option<Administrator>> {
    let found = query(SELECT).then("WHERE administrator.person = $1").bind(person).all(db).await?;
    Ok(with_scopes(db, found).await?.pop())
}

/// People with a role by login name, with this one when given; searched in login name and name.
pub async fn page(
    db: &mut Db,
    role: Option<Role>,
    request: &PageRequest,
) -> Result<Page<Administrator>> {
    let rows = query(SELECT)
        .then(
            "WHERE person.login > $1
                 AND (CAST($2 AS TEXT) IS NULL OR administrator.role = $2)
                 AND (CAST($3 AS TEXT) IS NULL OR lower(person.login) LIKE $3 ESCAPE '\\'
                     OR lower(person.display_name) LIKE $3 ESCAPE '\\')",
        )
        .bind(request.after.as_deref().unwrap_or(""))
        .bind(role)
        .bind(request.pattern())
        .bind(request.rows())
        .within(
            request.within.as_ref(),
            " AND person.id IN (SELECT person_scope.person FROM person_scope
                 WHERE person_scope.scope IN ",
        )
        .then(" ORDER BY person.login LIMIT $4")
        .all::<Administrator>(db)
        .await?;
    let page = Page::new(rows, request, |row: &Administrator| row.person.login.to_string());
    Ok(Page { rows: with_scopes(db, page.rows).await?, next: page.next })
}

struct ScopeOf {
    person: i64,
    scope: ScopeName,
}

impl FromRow for ScopeOf {
    fn from_row(row: &Row) -> Result<Self> {
        Ok(Self { person: row.get("person")?, scope: row.get("scope")? })
    }
}

/// Adds their scopes to administrators.
async fn with_scopes(db: &mut Db, mut all: Vec<Administrator>) -> Result<Vec<Administrator>> {
    for part in all.chunks_mut(LISTED_AT_ONCE) {
        let rows = query("SELECT person, scope FROM administrator_scope WHERE person IN ")
            .list(part.iter().map(|row| row.person.id))
            .all::<ScopeOf>(db)
            .await?;
        let mut scopes = BTreeMap::<_, BTreeSet<_>>::new();
        for row in rows {
            scopes.entry(row.person).or_default().insert(row.scope);
        }
        for row in part {
            if let Some(own) = &mut row.given.scopes {
                own.extend(scopes.remove(&row.person.id).unwrap_or_default());
            }
        }
    }
    Ok(all)
}
