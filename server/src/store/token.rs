//! Join tokens: for how many machines, until when, and which have used them.

use std::collections::{BTreeMap, BTreeSet};

use wardkey_core::id::{Hash, TerminalId, to_hex};
use wardkey_core::name::ScopeName;
use wardkey_core::time::UnixTime;
use zeroize::Zeroizing;

use super::page::{Page, PageRequest};
use super::query::{Db, FromRow, LISTED_AT_ONCE, Only, Row, query};
use super::value::with_prefix;
use crate::error::{Error, Result};
use crate::texts::Text;

/// Length of a token's id in bytes.
const ID_LEN: usize = 8;

/// A token, as stored.
pub struct Token {
    /// Names it.
    pub id: [u8; ID_LEN],
    /// Keys the HMAC of a join.
    pub secret: Zeroizing<Vec<u8>>,
    /// Machines that it is for; above one, each has to be approved.
    pub uses: i64,
    /// When it was made.
    pub created: UnixTime,
    /// Not valid after this.
    pub expires: UnixTime,
    /// When it was withdrawn.
    pub revoked: Option<UnixTime>,
    /// Machines that have used it.
    pub used: i64,
    /// The terminal in whose place a machine comes by it.
    pub replaces: Option<TerminalId>,
}

impl FromRow for Token {
    fn from_row(row: &Row) -> Result<Self> {
        Ok(Self {
            id: row.get("id")?,
            secret: Zeroizing::new(row.get("secret")?),
            uses: row.get("uses")?,
            created: row.get("created")?,
            expires: row.get("expires")?,
            revoked: row.get("revoked")?,
            used: row.get("used")?,
            replaces: row.get("replaces")?,
        })
    }
}

/// A token as it stands in a list: without its secret.
#[derive(Clone, Debug)]
pub struct ListedToken {
    /// Names it.
    pub id: [u8; ID_LEN],
    /// Machines that it is for.
    pub uses: i64,
    /// Machines that have used it.
    pub used: i64,
    /// When it was made.
    pub created: UnixTime,
    /// Not valid after this.
    pub expires: UnixTime,
    /// When it was withdrawn.
    pub revoked: Option<UnixTime>,
    /// The terminal in whose place a machine comes by it.
    pub replaces: Option<TerminalId>,
    /// Scopes that it gives.
    pub scopes: BTreeSet<ScopeName>,
}

impl FromRow for ListedToken {
    fn from_row(row: &Row) -> Result<Self> {
        Ok(Self {
            id: row.get("id")?,
            uses: row.get("uses")?,
            used: row.get("used")?,
            created: row.get("created")?,
            expires: row.get("expires")?,
            revoked: row.get("revoked")?,
            replaces: row.get("replaces")?,
            scopes: BTreeSet::new(),
        })
    }
}

const LISTED: &str = "SELECT id, uses, created, expires, revoked, replaces,
    (SELECT count(DISTINCT machine) FROM join_use WHERE join_use.token = join_token.id) AS used
    FROM join_token ";

/// Tokens, the newest first; searched by the first digits of the id, or by a scope's whole name.
pub async fn page(db: &mut Db, request: &PageRequest) -> Result<Page<ListedToken>> {
    let searched = request.search.as_deref().filter(|text| !text.is_empty());
    let (low, high) = searched.and_then(|text| with_prefix(text, ID_LEN)).unzip();
    let after = request.after.as_deref().and_then(|after| wardkey_core::id::from_hex(after).ok());
    let rows = query(LISTED)
        .then(
            "WHERE (CAST($1 AS TEXT) IS NULL OR id BETWEEN $2 AND $3 OR EXISTS (
                 SELECT 1 FROM join_token_scope WHERE token = join_token.id AND scope = $1))
             AND ($4 = '' OR (created, id) < (SELECT created, id FROM join_token WHERE id = $5))
         ORDER BY created DESC, id DESC LIMIT $6",
        )
        .bind(searched)
        .bind(low)
        .bind(high)
        .bind(request.after.as_deref().unwrap_or(""))
        .bind(after)
        .bind(request.rows())
        .all::<ListedToken>(db)
        .await?;
    let page = Page::new(rows, request, |token| to_hex(&token.id));
    Ok(Page { rows: with_scopes(db, page.rows).await?, next: page.next })
}

/// A token as it stands in a list.
///
/// # Errors
/// [`Error::Refused`] when it is not known.
pub async fn get(db: &mut Db, id: &[u8; ID_LEN]) -> Result<ListedToken> {
    let found = query(LISTED).then("WHERE id = $1").bind(id).all(db).await?;
    with_scopes(db, found).await?.pop().ok_or_else(unknown)
}

fn unknown() -> Error {
    Error::not_found(Text::UnknownToken)
}

/// Adds their scopes to tokens.
async fn with_scopes(db: &mut Db, mut tokens: Vec<ListedToken>) -> Result<Vec<ListedToken>> {
    for part in tokens.chunks_mut(LISTED_AT_ONCE) {
        let mut scopes = scopes_of(db, part.iter().map(|token| &token.id)).await?;
        for token in part {
            token.scopes = scopes.remove(&token.id).unwrap_or_default();
        }
    }
    Ok(tokens)
}

struct ScopeOf {
    token: [u8; ID_LEN],
    scope: ScopeName,
}

impl FromRow for ScopeOf {
    fn from_row(row: &Row) -> Result<Self> {
        Ok(Self { token: row.get("token")?, scope: row.get("scope")? })
    }
}

async fn scopes_of(
    db: &mut Db,
    ids: impl Iterator<Item = &[u8; ID_LEN]>,
) -> Result<BTreeMap<[u8; ID_LEN], BTreeSet<ScopeName>>> {
    let rows = query("SELECT token, scope FROM join_token_scope WHERE token IN ")
        .list(ids)
        .all::<ScopeOf>(db)
        .await?;
    let mut scopes = BTreeMap::<_, BTreeSet<_>>::new();
    for row in rows {
        scopes.entry(row.token).or_default().insert(row.scope);
    }
    Ok(scopes)
}

/// What a new token is for.
#[derive(Debug)]
pub struct Purpose<'a> {
    /// Scopes that it gives.
    pub scopes: &'a BTreeSet<ScopeName>,
    /// Machines that may use it.
    pub uses: u32,
    /// The terminal in whose place the machine comes.
    pub replaces: Option<TerminalId>,
}

/// Adds a token.
///
/// # Errors
/// [`Error::Refused`] when a scope is not known.
pub async fn add(
    db: &mut Db,
    (id, secret): (&[u8; ID_LEN], &[u8; 16]),
    purpose: &Purpose<'_>,
    (created, expires): (UnixTime, UnixTime),
) -> Result<()> {
    query(
        "INSERT INTO join_token (id, secret, uses, created, expires, replaces)
         VALUES ($1, $2, $3, $4, $5, $6)",
    )
    .bind(id)
    .bind(secret)
    .bind(purpose.uses)
    .bind(created)
    .bind(expires)
    .bind(purpose.replaces.as_ref())
    .execute(db)
    .await?;

    for scope in purpose.scopes {
        let insert = query("INSERT INTO join_token_scope (token, scope) VALUES ($1, $2)")
            .bind(id)
            .bind(scope);
        super::scope::add_reference(db, scope, insert).await?;
    }
    Ok(())
}

/// A token by its id.
pub async fn find(db: &mut Db, id: &[u8; ID_LEN]) -> Result<Option<Token>> {
    query(
        "SELECT id, secret, uses, created, expires, revoked, replaces,
             (SELECT count(DISTINCT machine) FROM join_use
                 WHERE join_use.token = join_token.id) AS used
         FROM join_token WHERE id = $1",
    )
    .bind(id)
    .optional(db)
    .await
}

/// Scopes that a token gives.
pub async fn scopes(db: &mut Db, id: &[u8; ID_LEN]) -> Result<BTreeSet<ScopeName>> {
    let found =
        query("SELECT scope FROM join_token_scope WHERE token = $1").bind(id).all(db).await?;
    Ok(found.into_iter().map(|Only(scope)| scope).collect())
}

/// One use of a token.
#[derive(Debug)]
pub struct Use<'a> {
    /// The token.
    pub token: &'a [u8; ID_LEN],
    /// SHA-256 of the machine id.
    pub machine: &'a Hash,
    /// SHA-256 of the public key.
    pub key: &'a Hash,
}

/// The certificate (DER) that exactly this use was given before.
pub async fn given(db: &mut Db, a_use: &Use<'_>) -> Result<Option<Vec<u8>>> {
    let found = query(
        "SELECT certificate FROM join_use
         WHERE token = $1 AND machine = $2 AND key = $3 AND certificate IS NOT NULL",
    )
    .bind(a_use.token)
    .bind(a_use.machine)
    .bind(a_use.key)
    .optional(db)
    .await?;
    Ok(found.map(|Only(certificate)| certificate))
}

/// Spends a use; false when this very request came before.
pub async fn spend(
    db: &mut Db,
    a_use: &Use<'_>,
    nonce: &[u8],
    certificate: &[u8],
    now: UnixTime,
) -> Result<bool> {
    let spent = query(
        "INSERT INTO join_use (token, machine, nonce, time, key, certificate)
         VALUES ($1, $2, $3, $4, $5, $6) ON CONFLICT DO NOTHING",
    )
    .bind(a_use.token)
    .bind(a_use.machine)
    .bind(nonce)
    .bind(now)
    .bind(a_use.key)
    .bind(certificate)
    .execute(db)
    .await?;
    Ok(spent > 0)
}

/// Withdraws a token; false when it was withdrawn already.
///
/// # Errors
/// [`Error::Refused`] when it is not known.
pub async fn revoke(db: &mut Db, id: &[u8; ID_LEN], now: UnixTime) -> Result<bool> {
    let revoked = query("UPDATE join_token SET revoked = $1 WHERE id = $2 AND revoked IS NULL")
        .bind(now)
        .bind(id)
        .execute(db)
        .await?;
    if revoked == 0 && find(db, id).await?.is_none() {
        return Err(unknown());
    }
    Ok(revoked > 0)
}

/// Withdraws the tokens by which a machine would come in the place of a terminal; how many.
pub async fn revoke_replacing(db: &mut Db, terminal: &TerminalId, now: UnixTime) -> Result<u64> {
    query("UPDATE join_token SET revoked = $1 WHERE replaces = $2 AND revoked IS NULL")
        .bind(now)
        .bind(terminal)
        .execute(db)
        .await
}

/// Withdraws every token by which a machine could still join; how many.
pub async fn revoke_open(db: &mut Db, now: UnixTime) -> Result<u64> {
    query(
        "UPDATE join_token SET revoked = $1 WHERE revoked IS NULL AND expires > $1 AND uses >
             (SELECT count(DISTINCT machine) FROM join_use WHERE join_use.token = join_token.id)",
    )
    .bind(now)
    .execute(db)
    .await
}
