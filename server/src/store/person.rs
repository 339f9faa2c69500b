//! People.

use std::collections::BTreeSet;

use sqlx::{Row, SqliteConnection};
use wardkey_core::codec::List;
use wardkey_core::id::UserHandle;
use wardkey_core::name::{DisplayText, GroupName, Language, LoginName, ScopeName};
use wardkey_core::person::{CredentialRecord, PersonRecord, Status};
use wardkey_core::time::UnixTime;

use super::{to_i64, to_some_time};
use crate::error::{Error, Result};
use crate::secret;

/// Scopes that one person may be in: more than a site has wards, few enough that a change is quick.
pub const MAX_PERSON_SCOPES: usize = 64;

/// Whether a person may log in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum PersonStatus {
    /// May log in.
    Active,
    /// Switched off.
    Disabled,
    /// Gone; the row stays for the records that name the person.
    Deleted,
}

impl PersonStatus {
    /// The word in the store.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Active => "active",
            Self::Disabled => "disabled",
            Self::Deleted => "deleted",
        }
    }

    fn read(text: &str) -> Result<Self> {
        match text {
            "active" => Ok(Self::Active),
            "disabled" => Ok(Self::Disabled),
            "deleted" => Ok(Self::Deleted),
            _ => Err(Error::damaged("a person's status")),
        }
    }
}

/// What an administrator says about a person.
#[derive(Clone, Debug)]
pub struct Profile {
    /// Login name.
    pub login: LoginName,
    /// The person's name.
    pub display_name: DisplayText,
    /// Language of the person's messages.
    pub language: Language,
    /// Not valid before this.
    pub not_before: Option<UnixTime>,
    /// Not valid from this on.
    pub not_after: Option<UnixTime>,
    /// Groups.
    pub groups: BTreeSet<GroupName>,
    /// Scopes.
    pub scopes: BTreeSet<ScopeName>,
}

impl Profile {
    /// Checks what the types do not.
    ///
    /// # Errors
    /// [`Error::Refused`] for too many groups or scopes, or a validity that ends before it begins.
    pub fn check(&self) -> Result<()> {
        if self.groups.len() > wardkey_core::person::MAX_GROUPS {
            return Err(Error::invalid(format!("{}: more than 64 groups", self.login)));
        }
        if self.scopes.len() > MAX_PERSON_SCOPES {
            return Err(Error::invalid(format!("{}: more than {MAX_PERSON_SCOPES} scopes", self.login)));
        }
        match (self.not_before, self.not_after) {
            (Some(from), Some(until)) if until <= from => {
                Err(Error::invalid(format!("{}: the validity ends before it begins", self.login)))
            }
            _ => Ok(()),
        }
    }
}

/// A person, as stored.
#[derive(Clone, Debug)]
pub struct Person {
    /// Row.
    pub id: i64,
    /// Login name.
    pub login: LoginName,
    /// The person's name.
    pub display_name: DisplayText,
    /// Language of the person's messages.
    pub language: Language,
    /// WebAuthn user handle.
    pub user_handle: UserHandle,
    /// Not valid before this.
    pub not_before: Option<UnixTime>,
    /// Not valid from this on.
    pub not_after: Option<UnixTime>,
    /// Whether the person may log in.
    pub status: PersonStatus,
}

impl Person {
    /// The record that is published.
    ///
    /// # Errors
    /// [`Error::Damaged`] for more groups or credentials than a record can hold.
    pub fn record(&self, groups: BTreeSet<GroupName>, credentials: Vec<CredentialRecord>) -> Result<PersonRecord> {
        Ok(PersonRecord {
            login: self.login.clone(),
            display_name: self.display_name.clone(),
            language: self.language,
            user_handle: self.user_handle,
            groups: List::new(groups.into_iter().collect()).map_err(Error::damaged)?,
            not_before: self.not_before,
            not_after: self.not_after,
            status: if self.status == PersonStatus::Active { Status::Active } else { Status::Disabled },
            credentials: List::new(credentials).map_err(Error::damaged)?,
        })
    }
}

const COLUMNS: &str = "id, login, display_name, language, user_handle, not_before, not_after, status";

/// Adds a person; publishing is the caller's next step. Returns the row.
///
/// # Errors
/// [`Error::Refused`] when the login name is taken or a scope is not known.
pub async fn add(db: &mut SqliteConnection, profile: &Profile, now: UnixTime) -> Result<i64> {
    profile.check()?;
    if find(db, &profile.login).await?.is_some() {
        return Err(Error::invalid(format!("person {} exists already", profile.login)));
    }
    let id: i64 = sqlx::query_scalar(
        "INSERT INTO person (login, display_name, language, user_handle, not_before, not_after, status, created, changed)
         VALUES (?1, ?2, ?3, ?4, ?5, ?6, 'active', ?7, ?7) RETURNING id",
    )
    .bind(profile.login.as_str())
    .bind(profile.display_name.as_str())
    .bind(profile.language.to_string())
    .bind(secret::random::<32>()?.as_slice())
    .bind(profile.not_before.map(|time| to_i64(time.0)))
    .bind(profile.not_after.map(|time| to_i64(time.0)))
    .bind(to_i64(now.0))
    .fetch_one(&mut *db)
    .await?;
    set_groups(db, id, &profile.groups).await?;
    set_scopes(db, id, &profile.scopes).await?;
    Ok(id)
}

/// Changes what an administrator says about a person; login name, user handle and status stay.
///
/// # Errors
/// [`Error::Refused`] when a scope is not known or the validity is not one.
pub async fn change(db: &mut SqliteConnection, id: i64, profile: &Profile, now: UnixTime) -> Result<()> {
    profile.check()?;
    sqlx::query(
        "UPDATE person SET display_name = ?, language = ?, not_before = ?, not_after = ?, changed = ? WHERE id = ?",
    )
    .bind(profile.display_name.as_str())
    .bind(profile.language.to_string())
    .bind(profile.not_before.map(|time| to_i64(time.0)))
    .bind(profile.not_after.map(|time| to_i64(time.0)))
    .bind(to_i64(now.0))
    .bind(id)
    .execute(&mut *db)
    .await?;
    set_groups(db, id, &profile.groups).await?;
    set_scopes(db, id, &profile.scopes).await
}

/// Switches a person on or off, or deletes; false when nothing changed.
///
/// # Errors
/// [`Error::Store`].
pub async fn set_status(db: &mut SqliteConnection, id: i64, status: PersonStatus, now: UnixTime) -> Result<bool> {
    let done = sqlx::query("UPDATE person SET status = ?1, changed = ?2 WHERE id = ?3 AND status <> ?1")
        .bind(status.as_str())
        .bind(to_i64(now.0))
        .bind(id)
        .execute(db)
        .await?;
    Ok(done.rows_affected() > 0)
}

/// The person with a login name; deleted ones are not found.
///
/// # Errors
/// [`Error::Store`].
pub async fn find(db: &mut SqliteConnection, login: &LoginName) -> Result<Option<Person>> {
    let sql = format!("SELECT {COLUMNS} FROM person WHERE login = ? AND status <> 'deleted'");
    let row = sqlx::query(sqlx::AssertSqlSafe(sql)).bind(login.as_str()).fetch_optional(db).await?;
    row.as_ref().map(read).transpose()
}

/// The person with a login name, who must be there.
///
/// # Errors
/// [`Error::Refused`] when there is none.
pub async fn get(db: &mut SqliteConnection, login: &LoginName) -> Result<Person> {
    find(db, login).await?.ok_or_else(|| Error::not_found(format!("person {login}")))
}

/// The person in a row, deleted or not.
///
/// # Errors
/// [`Error::Store`].
pub async fn by_id(db: &mut SqliteConnection, id: i64) -> Result<Person> {
    let sql = format!("SELECT {COLUMNS} FROM person WHERE id = ?");
    read(&sqlx::query(sqlx::AssertSqlSafe(sql)).bind(id).fetch_one(db).await?)
}

/// People by login name, after one and at most so many; of one scope when given.
///
/// # Errors
/// [`Error::Store`].
pub async fn list(db: &mut SqliteConnection, scope: Option<&ScopeName>, limit: u32) -> Result<Vec<Person>> {
    let sql = format!(
        "SELECT {COLUMNS} FROM person WHERE status <> 'deleted' AND (?1 IS NULL OR EXISTS (
             SELECT 1 FROM person_scope WHERE person_scope.person = person.id AND person_scope.scope = ?1))
         ORDER BY login LIMIT ?2"
    );
    let rows =
        sqlx::query(sqlx::AssertSqlSafe(sql)).bind(scope.map(ScopeName::as_str)).bind(limit).fetch_all(db).await?;
    rows.iter().map(read).collect()
}

/// Groups of a person.
///
/// # Errors
/// [`Error::Store`].
pub async fn groups(db: &mut SqliteConnection, id: i64) -> Result<BTreeSet<GroupName>> {
    let names: Vec<String> =
        sqlx::query_scalar("SELECT name FROM person_group WHERE person = ?").bind(id).fetch_all(db).await?;
    names.into_iter().map(|name| GroupName::new(name).map_err(Error::damaged)).collect()
}

/// Scopes of a person.
///
/// # Errors
/// [`Error::Store`].
pub async fn scopes(db: &mut SqliteConnection, id: i64) -> Result<BTreeSet<ScopeName>> {
    let names: Vec<String> =
        sqlx::query_scalar("SELECT scope FROM person_scope WHERE person = ?").bind(id).fetch_all(db).await?;
    names.into_iter().map(|name| ScopeName::new(name).map_err(Error::damaged)).collect()
}

async fn set_groups(db: &mut SqliteConnection, id: i64, groups: &BTreeSet<GroupName>) -> Result<()> {
    sqlx::query("DELETE FROM person_group WHERE person = ?").bind(id).execute(&mut *db).await?;
    for group in groups {
        sqlx::query("INSERT INTO person_group (person, name) VALUES (?, ?)")
            .bind(id)
            .bind(group.as_str())
            .execute(&mut *db)
            .await?;
    }
    Ok(())
}

async fn set_scopes(db: &mut SqliteConnection, id: i64, scopes: &BTreeSet<ScopeName>) -> Result<()> {
    sqlx::query("DELETE FROM person_scope WHERE person = ?").bind(id).execute(&mut *db).await?;
    for scope in scopes {
        super::scope::get(db, scope).await?;
        sqlx::query("INSERT INTO person_scope (person, scope) VALUES (?, ?)")
            .bind(id)
            .bind(scope.as_str())
            .execute(&mut *db)
            .await?;
    }
    Ok(())
}

fn read(row: &sqlx::sqlite::SqliteRow) -> Result<Person> {
    Ok(Person {
        id: row.try_get(0)?,
        login: LoginName::new(row.try_get::<String, _>(1)?).map_err(Error::damaged)?,
        display_name: DisplayText::new(row.try_get::<String, _>(2)?).map_err(Error::damaged)?,
        language: row.try_get::<String, _>(3)?.parse().map_err(Error::damaged)?,
        user_handle: UserHandle::from_slice(&row.try_get::<Vec<u8>, _>(4)?).map_err(Error::damaged)?,
        not_before: to_some_time(row.try_get(5)?)?,
        not_after: to_some_time(row.try_get(6)?)?,
        status: PersonStatus::read(row.try_get(7)?)?,
    })
}
