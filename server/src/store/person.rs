//! People.

use std::collections::{BTreeMap, BTreeSet};

use wardkey_core::codec::List;
use wardkey_core::id::UserHandle;
use wardkey_core::name::{DisplayText, GroupName, Language, LatinName, LoginName, ScopeName};
use wardkey_core::person::{CredentialRecord, PersonRecord, Status};
use wardkey_core::time::UnixTime;

use super::credential::{self, Credential};
use super::page::{Page, PageRequest};
use super::profile::Profile;
use super::query::{Db, FromRow, LISTED_AT_ONCE, Only, Row, is_taken, query};
use super::value::words;
use crate::error::{Error, Result};
use crate::secret;
use crate::texts::Text;

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
words!(
    PersonStatus,
    "a person's status",
    Active = "active",
    Disabled = "disabled",
    Deleted = "deleted"
);

/// Whose row it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum PersonKind {
    /// Somebody who may log in.
    Staff,
    /// The holder of a loaner key: nobody, in no scope.
    Loaner,
}
words!(PersonKind, "a person's kind", Staff = "staff", Loaner = "loaner");

/// A person, as stored.
#[derive(Clone, Debug)]
pub struct PersonRow {
    /// Row.
    pub id: i64,
    /// Login name.
    pub login: LoginName,
    /// The person's name.
    pub display_name: DisplayText,
    /// The name in Latin letters, for consoles.
    pub latin_name: Option<LatinName>,
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
    /// Whose row it is.
    pub kind: PersonKind,
}

impl PersonRow {
    /// The record that is published.
    ///
    /// # Errors
    /// [`Error::Damaged`] for more groups or credentials than a record can hold.
    pub fn record(
        &self,
        groups: BTreeSet<GroupName>,
        credentials: Vec<CredentialRecord>,
    ) -> Result<PersonRecord> {
        Ok(PersonRecord {
            login: self.login.clone(),
            display_name: self.display_name.clone(),
            language: self.language,
            user_handle: self.user_handle,
            groups: List::new(groups.into_iter().collect()).map_err(Error::damaged)?,
            not_before: self.not_before,
            not_after: self.not_after,
            status: if self.status == PersonStatus::Active {
                Status::Active
            } else {
                Status::Disabled
            },
            credentials: List::new(credentials).map_err(Error::damaged)?,
            pass: None,
            loan: None,
            break_glass: None,
            latin_name: self.latin_name.clone().map(Into::into),
        })
    }
}

impl FromRow for PersonRow {
    fn from_row(row: &Row) -> Result<Self> {
        Ok(Self {
            id: row.get("id")?,
            login: row.get("login")?,
            display_name: row.get("display_name")?,
            latin_name: row.get("latin_name")?,
            language: row.get("language")?,
            user_handle: row.get("user_handle")?,
            not_before: row.get("not_before")?,
            not_after: row.get("not_after")?,
            status: row.get("status")?,
            kind: row.get("kind")?,
        })
    }
}

const SELECT: &str = "SELECT id, login, display_name, latin_name, language, user_handle, \
    not_before, not_after, status, kind FROM person ";

/// Adds a person; publishing is the caller's next step. Returns the row.
///
/// # Errors
/// [`Error::Refused`] when the login name is taken or a scope is not known.
pub async fn add(db: &mut Db, profile: &Profile, now: UnixTime) -> Result<i64> {
    profile.check()?;
    let added = query(
        "INSERT INTO person (login, display_name, language, user_handle, not_before, not_after, \
            status, created, changed, latin_name)
         VALUES ($1, $2, $3, $4, $5, $6, 'active', $7, $7, $8) RETURNING id",
    )
    .bind(&profile.login)
    .bind(&profile.display_name)
    .bind(profile.language)
    .bind(&secret::random::<32>()?)
    .bind(profile.not_before)
    .bind(profile.not_after)
    .bind(now)
    .bind(profile.latin_name.as_ref())
    .one(db)
    .await;
    let Only(id) = match added {
        Err(error) if is_taken(&error) => {
            return Err(Error::invalid(Text::PersonExists.with([("name", profile.name())])));
        }
        added => added?,
    };
    set_groups(db, id, &profile.groups).await?;
    set_scopes(db, id, &profile.scopes).await?;
    Ok(id)
}

/// Changes what an administrator says about a person; login name, user handle and status stay.
///
/// # Errors
/// [`Error::Refused`] when a scope is not known or the validity is not one.
pub async fn change(db: &mut Db, id: i64, profile: &Profile, now: UnixTime) -> Result<()> {
    profile.check()?;
    query(
        "UPDATE person
         SET display_name = $1, language = $2, not_before = $3, not_after = $4, changed = $5,
             latin_name = $6
         WHERE id = $7",
    )
    .bind(&profile.display_name)
    .bind(profile.language)
    .bind(profile.not_before)
    .bind(profile.not_after)
    .bind(now)
    .bind(profile.latin_name.as_ref())
    .bind(id)
    .execute(db)
    .await?;
    set_groups(db, id, &profile.groups).await?;
    set_scopes(db, id, &profile.scopes).await
}

/// Switches a person on or off, or deletes; false when nothing changed.
pub async fn set_status(db: &mut Db, id: i64, status: PersonStatus, now: UnixTime) -> Result<bool> {
    let changed =
        query("UPDATE person SET status = $1, changed = $2 WHERE id = $3 AND status <> $1")
            .bind(status)
            .bind(now)
            .bind(id)
            .execute(db)
            .await?;
    Ok(changed > 0)
}

/// The person with a login name; deleted ones are not found, nor are holders of loaner keys.
pub async fn find(db: &mut Db, login: &LoginName) -> Result<Option<PersonRow>> {
    query(SELECT)
        .then("WHERE login = $1 AND status <> 'deleted' AND kind = 'staff'")
        .bind(login)
        .optional(db)
        .await
}

/// The refusal of a login name that nobody has.
pub fn unknown(login: &LoginName) -> Error {
    Error::not_found(Text::UnknownPerson.with([("name", login.as_str().into())]))
}

/// The person with a login name, who must be there.
///
/// # Errors
/// [`Error::Refused`] when there is none.
pub async fn get(db: &mut Db, login: &LoginName) -> Result<PersonRow> {
    find(db, login).await?.ok_or_else(|| unknown(login))
}

/// The person in a row, deleted or not.
pub async fn by_id(db: &mut Db, id: i64) -> Result<PersonRow> {
    query(SELECT).then("WHERE id = $1").bind(id).one(db).await
}

/// A person with all that belongs to the person.
#[derive(Clone, Debug)]
pub struct Details {
    /// The person.
    pub person: PersonRow,
    /// Groups.
    pub groups: BTreeSet<GroupName>,
    /// Scopes.
    pub scopes: BTreeSet<ScopeName>,
    /// Keys, oldest first, deleted ones too.
    pub keys: Vec<Credential>,
}

/// People by login name, of one scope when given; searched in login name and names. Deleted ones
/// are left out.
pub async fn page(
    db: &mut Db,
    scope: Option<&ScopeName>,
    request: &PageRequest,
) -> Result<Page<Details>> {
    let people = query(SELECT)
        .then(
            "WHERE status <> 'deleted' AND kind = 'staff' AND login > $1
                 AND (CAST($2 AS TEXT) IS NULL OR EXISTS (
                     SELECT 1 FROM person_scope
                     WHERE person_scope.person = person.id AND person_scope.scope = $2))
                 AND (CAST($3 AS TEXT) IS NULL OR lower(login) LIKE $3 ESCAPE '\\'
                     OR lower(display_name) LIKE $3 ESCAPE '\\'
                     OR lower(latin_name) LIKE $3 ESCAPE '\\')",
        )
        .bind(request.after.as_deref().unwrap_or(""))
        .bind(scope)
        .bind(request.pattern())
        .bind(request.rows())
        .within(
            request.within.as_ref(),
            " AND person.id IN (SELECT person_scope.person FROM person_scope
                 WHERE person_scope.scope IN ",
        )
        .then(" ORDER BY login LIMIT $4")
        .all::<PersonRow>(db)
        .await?;
    let page = Page::new(people, request, |person| person.login.to_string());
    Ok(Page { rows: details(db, page.rows).await?, next: page.next })
}

/// Groups, scopes and keys of these people, in as many statements for a hundred as for one.
pub async fn details(db: &mut Db, people: Vec<PersonRow>) -> Result<Vec<Details>> {
    let mut groups: BTreeMap<i64, BTreeSet<GroupName>> = BTreeMap::new();
    let mut scopes: BTreeMap<i64, BTreeSet<ScopeName>> = BTreeMap::new();
    let mut keys: BTreeMap<i64, Vec<Credential>> = BTreeMap::new();
    for part in people.chunks(LISTED_AT_ONCE) {
        let ids: Vec<i64> = part.iter().map(|person| person.id).collect();
        let of = query("SELECT person, name FROM person_group WHERE person IN ")
            .list(ids.iter().copied());
        for row in of.all::<GroupOf>(db).await? {
            groups.entry(row.person).or_default().insert(row.name);
        }

        let of = query("SELECT person, scope FROM person_scope WHERE person IN ")
            .list(ids.iter().copied());
        for row in of.all::<ScopeOf>(db).await? {
            scopes.entry(row.person).or_default().insert(row.scope);
        }

        for key in credential::of_people(db, &ids).await? {
            keys.entry(key.person).or_default().push(key);
        }
    }

    let whole = |person: PersonRow| Details {
        groups: groups.remove(&person.id).unwrap_or_default(),
        scopes: scopes.remove(&person.id).unwrap_or_default(),
        keys: keys.remove(&person.id).unwrap_or_default(),
        person,
    };
    Ok(people.into_iter().map(whole).collect())
}

struct GroupOf {
    person: i64,
    name: GroupName,
}

impl FromRow for GroupOf {
    fn from_row(row: &Row) -> Result<Self> {
        Ok(Self { person: row.get("person")?, name: row.get("name")? })
    }
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

/// Groups of a person.
pub async fn groups(db: &mut Db, id: i64) -> Result<BTreeSet<GroupName>> {
    let found = query("SELECT name FROM person_group WHERE person = $1").bind(id).all(db).await?;
    Ok(found.into_iter().map(|Only(name)| name).collect())
}

/// Scopes of a person.
pub async fn scopes(db: &mut Db, id: i64) -> Result<BTreeSet<ScopeName>> {
    let found = query("SELECT scope FROM person_scope WHERE person = $1").bind(id).all(db).await?;
    Ok(found.into_iter().map(|Only(scope)| scope).collect())
}

async fn set_groups(db: &mut Db, id: i64, groups: &BTreeSet<GroupName>) -> Result<()> {
    query("DELETE FROM person_group WHERE person = $1").bind(id).execute(db).await?;
    for group in groups {
        query("INSERT INTO person_group (person, name) VALUES ($1, $2)")
            .bind(id)
            .bind(group)
            .execute(db)
            .await?;
    }
    Ok(())
}

async fn set_scopes(db: &mut Db, id: i64, scopes: &BTreeSet<ScopeName>) -> Result<()> {
    query("DELETE FROM person_scope WHERE person = $1").bind(id).execute(db).await?;
    for scope in scopes {
        let insert =
            query("INSERT INTO person_scope (person, scope) VALUES ($1, $2)").bind(id).bind(scope);
        super::scope::add_reference(db, scope, insert).await?;
    }
    Ok(())
}
