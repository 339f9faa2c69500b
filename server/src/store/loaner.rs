//! The pool of loaner keys. Each key has a holder: a row beside those of people, in no scope, which
//! no command for people finds.

use std::collections::BTreeSet;

use wardkey_core::id::CredentialId;
use wardkey_core::name::{DisplayText, Language, LoginName};
use wardkey_core::person::MAX_POOL;
use wardkey_core::time::UnixTime;

use super::page::{Page, PageRequest};
use super::person::{Details, PersonRow, details};
use super::query::{Db, LISTED_AT_ONCE, Only, is_taken, query};
use crate::error::{Error, Result};
use crate::secret;
use crate::texts::Text;

const SELECT: &str = "SELECT id, login, display_name, latin_name, language, user_handle, \
    not_before, not_after, status, kind FROM person ";

/// Adds a holder. Returns the row.
///
/// # Errors
/// [`Error::Refused`] when a person or a holder has the name.
pub async fn add(db: &mut Db, name: &LoginName, now: UnixTime) -> Result<i64> {
    let shown = DisplayText::new(name.as_str()).map_err(Error::damaged)?;
    let added = query(
        "INSERT INTO person (login, display_name, language, user_handle, status, created, \
            changed, kind)
         VALUES ($1, $2, $3, $4, 'active', $5, $5, 'loaner') RETURNING id",
    )
    .bind(name)
    .bind(&shown)
    .bind(Language::En)
    .bind(&secret::random::<32>()?)
    .bind(now)
    .one(db)
    .await;
    match added {
        Err(error) if is_taken(&error) => {
            Err(Error::invalid(Text::LoanerNameTaken.with([("name", name.as_str().into())])))
        }
        added => added.map(|Only(id)| id),
    }
}

/// The holder with a name.
pub async fn find(db: &mut Db, name: &LoginName) -> Result<Option<PersonRow>> {
    query(SELECT)
        .then("WHERE login = $1 AND status <> 'deleted' AND kind = 'loaner'")
        .bind(name)
        .optional(db)
        .await
}

/// How many keys the pool has, enrolled or not.
pub async fn count(db: &mut Db) -> Result<usize> {
    let holders = query("SELECT id FROM person WHERE kind = 'loaner' AND status <> 'deleted'")
        .then(" ORDER BY login LIMIT $1")
        .bind(MAX_POOL as u64)
        .all::<Only<i64>>(db)
        .await?;
    Ok(holders.len())
}

/// The credentials of the pool, also of keys that are out or off: somebody has them in hand.
pub async fn credentials(db: &mut Db) -> Result<Vec<CredentialId>> {
    let found = query(
        "SELECT credential.credential_id
         FROM person JOIN credential ON credential.person = person.id
         WHERE person.kind = 'loaner' AND person.status <> 'deleted'
             AND credential.status <> 'deleted' ORDER BY person.login LIMIT $1",
    )
    .bind(MAX_POOL as u64)
    .all::<Only<CredentialId>>(db)
    .await?;
    Ok(found.into_iter().map(|Only(id)| id).collect())
}

/// Those of these rows that are holders', the deleted ones too: their keys are still verified.
pub async fn among(db: &mut Db, people: &[i64]) -> Result<BTreeSet<i64>> {
    let mut found = BTreeSet::new();
    for part in people.chunks(LISTED_AT_ONCE) {
        let rows = query("SELECT id FROM person WHERE kind = 'loaner' AND id IN ")
            .list(part.iter().copied())
            .all::<Only<i64>>(db)
            .await?;
        found.extend(rows.into_iter().map(|Only(row)| row));
    }
    Ok(found)
}

/// Holders by name, with their keys.
pub async fn page(db: &mut Db, request: &PageRequest) -> Result<Page<Details>> {
    let holders = query(SELECT)
        .then(
            "WHERE kind = 'loaner' AND status <> 'deleted' AND login > $1
                 AND (CAST($2 AS TEXT) IS NULL OR lower(login) LIKE $2 ESCAPE '\\')
             ORDER BY login LIMIT $3",
        )
        .bind(request.after.as_deref().unwrap_or(""))
        .bind(request.pattern())
        .bind(request.rows())
        .all::<PersonRow>(db)
        .await?;
    let page = Page::new(holders, request, |holder| holder.login.to_string());
    Ok(Page { rows: details(db, page.rows).await?, next: page.next })
}
