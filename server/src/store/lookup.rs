//! What administration asks before it changes something.

use wardkey_core::name::{GroupName, LoginName};

use super::query::{Db, Only, query};
use crate::error::Result;

/// A person whose login name differs from this one in upper and lower case only.
pub async fn login_alike(db: &mut Db, login: &LoginName) -> Result<Option<LoginName>> {
    let found =
        query("SELECT login FROM person WHERE lower(login) = $1 AND login <> $2 AND status <> 'deleted' LIMIT 1")
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

/// Whether anybody is in a group.
pub async fn has_people(db: &mut Db, group: &GroupName) -> Result<bool> {
    let found = query(
        "SELECT 1 FROM person_group JOIN person ON person.id = person_group.person
         WHERE person_group.name = $1 AND person.status <> 'deleted' LIMIT 1",
    )
    .bind(group)
    .optional::<Only<i64>>(db)
    .await?;
    Ok(found.is_some())
}
