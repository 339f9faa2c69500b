//! API keys: who may ask over the interface for administration, as what, for which scopes, until
//! when. Of a key's secret there is a hash only.

use std::collections::{BTreeMap, BTreeSet};

use wardkey_core::id::{Hash, to_hex};
use wardkey_core::name::{DisplayText, ScopeName};
use wardkey_core::time::UnixTime;

use super::page::{Page, PageRequest};
use super::query::{Db, FromRow, LISTED_AT_ONCE, Row, query};
use super::value::words;
use crate::error::{Error, Result};
use crate::texts::Text;

/// Length of a key's id in bytes.
pub const ID_LEN: usize = 8;

/// As what somebody administrates; what each may is in `admin::role`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Role {
    /// Answers for the deployment.
    Owner,
    /// Administrates some scopes.
    SiteAdministrator,
    /// Helps people who cannot log in.
    HelpDesk,
    /// Approves what others ask for.
    Approver,
    /// Reads all and writes nothing.
    Auditor,
}
words!(
    Role,
    "a role",
    Owner = "owner",
    SiteAdministrator = "site-administrator",
    HelpDesk = "help-desk",
    Approver = "approver",
    Auditor = "auditor"
);

impl Role {
    /// All of them.
    pub const ALL: [Self; 5] =
        [Self::Owner, Self::SiteAdministrator, Self::HelpDesk, Self::Approver, Self::Auditor];

    /// The one of this word.
    pub fn of_word(word: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|role| role.as_str() == word)
    }
}

/// A key, as stored.
#[derive(Clone, Debug)]
pub struct ApiKey {
    /// Names it.
    pub id: [u8; ID_LEN],
    /// Of id and secret.
    pub hash: Hash,
    /// What it is for, in the words of whoever made it.
    pub name: DisplayText,
    /// As what it acts.
    pub role: Role,
    /// Scopes that it is for; all of them without.
    pub scopes: Option<BTreeSet<ScopeName>>,
    /// When it was made.
    pub created: UnixTime,
    /// Not valid from then on.
    pub expires: UnixTime,
    /// When it was switched off.
    pub disabled: Option<UnixTime>,
    /// When it was last used, within an hour.
    pub used: Option<UnixTime>,
}

impl FromRow for ApiKey {
    fn from_row(row: &Row) -> Result<Self> {
        let everywhere = row.get::<i64>("everywhere")? == 1;
        Ok(Self {
            id: row.get("id")?,
            hash: row.get("hash")?,
            name: row.get("name")?,
            role: row.get("role")?,
            scopes: (!everywhere).then(BTreeSet::new),
            created: row.get("created")?,
            expires: row.get("expires")?,
            disabled: row.get("disabled")?,
            used: row.get("used")?,
        })
    }
}

const SELECT: &str = "SELECT id, hash, name, role, everywhere, created, expires, disabled, used
    FROM api_key ";

/// Adds a key.
///
/// # Errors
/// [`Error::Refused`] when a scope is not known.
pub async fn add(db: &mut Db, key: &ApiKey) -> Result<()> {
    query(
        "INSERT INTO api_key (id, hash, name, role, everywhere, created, expires)
         VALUES ($1, $2, $3, $4, $5, $6, $7)",
    )
    .bind(&key.id)
    .bind(&key.hash)
    .bind(&key.name)
    .bind(key.role)
    .bind(i64::from(key.scopes.is_none()))
    .bind(key.created)
    .bind(key.expires)
    .execute(db)
    .await?;

    for scope in key.scopes.iter().flatten() {
        let insert = query("INSERT INTO api_key_scope (api_key, scope) VALUES ($1, $2)")
            .bind(&key.id)
            .bind(scope);
        super::scope::add_reference(db, scope, insert).await?;
    }
    Ok(())
}

/// A key by its id.
pub async fn find(db: &mut Db, id: &[u8; ID_LEN]) -> Result<Option<ApiKey>> {
    let found = query(SELECT).then("WHERE id = $1").bind(id).all(db).await?;
    Ok(with_scopes(db, found).await?.pop())
}

/// The same of one that must be there.
///
/// # Errors
/// [`Error::Refused`] when it is not known.
pub async fn get(db: &mut Db, id: &[u8; ID_LEN]) -> Result<ApiKey> {
    find(db, id).await?.ok_or_else(|| Error::not_found(Text::UnknownApiKey))
}

/// Keys, the newest first; searched in their names.
pub async fn page(db: &mut Db, request: &PageRequest) -> Result<Page<ApiKey>> {
    let after = request.after.as_deref().and_then(|after| wardkey_core::id::from_hex(after).ok());
    let rows = query(SELECT)
        .then(
            "WHERE (CAST($1 AS TEXT) IS NULL OR lower(name) LIKE $1 ESCAPE '\\')
             AND ($2 = '' OR (created, id) < (SELECT created, id FROM api_key WHERE id = $3))
         ORDER BY created DESC, id DESC LIMIT $4",
        )
        .bind(request.pattern())
        .bind(request.after.as_deref().unwrap_or(""))
        .bind(after)
        .bind(request.rows())
        .all::<ApiKey>(db)
        .await?;
    let page = Page::new(rows, request, |key| to_hex(&key.id));
    Ok(Page { rows: with_scopes(db, page.rows).await?, next: page.next })
}

/// Switches a key off; false when it was off already.
pub async fn disable(db: &mut Db, id: &[u8; ID_LEN], now: UnixTime) -> Result<bool> {
    let done = query("UPDATE api_key SET disabled = $1 WHERE id = $2 AND disabled IS NULL")
        .bind(now)
        .bind(id)
        .execute(db)
        .await?;
    Ok(done > 0)
}

/// Takes a key away, with the answers that were kept for it.
pub async fn delete(db: &mut Db, id: &[u8; ID_LEN]) -> Result<()> {
    query("DELETE FROM api_answer WHERE api_key = $1").bind(id).execute(db).await?;
    query("DELETE FROM api_key_scope WHERE api_key = $1").bind(id).execute(db).await?;
    query("DELETE FROM api_key WHERE id = $1").bind(id).execute(db).await?;
    Ok(())
}

/// Notes that a key was used.
pub async fn used(db: &mut Db, id: &[u8; ID_LEN], now: UnixTime) -> Result<()> {
    query("UPDATE api_key SET used = $1 WHERE id = $2").bind(now).bind(id).execute(db).await?;
    Ok(())
}

struct ScopeOf {
    key: [u8; ID_LEN],
    scope: ScopeName,
}

impl FromRow for ScopeOf {
    fn from_row(row: &Row) -> Result<Self> {
        Ok(Self { key: row.get("api_key")?, scope: row.get("scope")? })
    }
}

/// Adds their scopes to keys.
async fn with_scopes(db: &mut Db, mut keys: Vec<ApiKey>) -> Result<Vec<ApiKey>> {
    for part in keys.chunks_mut(LISTED_AT_ONCE) {
        let rows = query("SELECT api_key, scope FROM api_key_scope WHERE api_key IN ")
            .list(part.iter().map(|key| &key.id))
            .all::<ScopeOf>(db)
            .await?;
        let mut scopes = BTreeMap::<_, BTreeSet<_>>::new();
        for row in rows {
            scopes.entry(row.key).or_default().insert(row.scope);
        }
        for key in part {
            if let Some(own) = &mut key.scopes {
                own.extend(scopes.remove(&key.id).unwrap_or_default());
            }
        }
    }
    Ok(keys)
}
