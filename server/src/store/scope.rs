//! Scopes: what terminals subscribe to, each with its position and policy.

use wardkey_core::codec;
use wardkey_core::document::Position;
use wardkey_core::id::Hash;
use wardkey_core::name::ScopeName;
use wardkey_core::policy::document::PolicyDocument;
use wardkey_core::time::UnixTime;

use super::counter::Counter;
use super::query::{Db, FromRow, Only, Query, Row, is_missing_reference, is_taken, query};
use crate::error::{Error, Result};
use crate::texts::Text;

/// A scope.
#[derive(Clone, Debug)]
pub struct Scope {
    /// Its name.
    pub name: ScopeName,
    /// Where it stands.
    pub position: Position,
    /// Hash of its policy.
    pub policy: Hash,
    /// Why it is not published, when it is not.
    pub halted: Option<String>,
}

impl FromRow for Scope {
    fn from_row(row: &Row) -> Result<Self> {
        Ok(Self {
            name: row.get("name")?,
            position: Position { epoch: row.get("epoch")?, seq: row.get("seq")? },
            policy: row.get("policy")?,
            halted: row.get("halted")?,
        })
    }
}

/// Adds a scope with the default policy.
///
/// # Errors
/// [`Error::Refused`] when there is one of this name.
pub async fn add(db: &mut Db, name: &ScopeName, now: UnixTime) -> Result<()> {
    // A scope that is made anew after a restore must not repeat positions: it takes the highest
    // epoch.
    let epoch = highest_epoch(db).await?.unwrap_or(1);
    let hash = put_policy(db, &PolicyDocument::default_for(name.clone())).await?;
    let changed = Counter::Scope.next(db).await?;
    let added = query(
        "INSERT INTO scope (name, epoch, seq, policy, halted, created, changed) \
         VALUES ($1, $2, 1, $3, NULL, $4, $5)",
    )
    .bind(name)
    .bind(epoch)
    .bind(&hash)
    .bind(now)
    .bind(changed)
    .execute(db)
    .await;
    match added {
        Err(error) if is_taken(&error) => {
            Err(Error::invalid(Text::ScopeExists.with([("name", name.as_str().into())])))
        }
        done => done.map(drop),
    }
}

async fn highest_epoch(db: &mut Db) -> Result<Option<u64>> {
    let Only(epoch) = query("SELECT max(epoch) FROM scope").one(db).await?;
    Ok(epoch)
}

/// All scopes, by name.
pub async fn list(db: &mut Db) -> Result<Vec<Scope>> {
    query("SELECT name, epoch, seq, policy, halted FROM scope ORDER BY name").all(db).await
}

/// All scopes with their policies, by name.
///
/// # Errors
/// [`Error::Damaged`] when a policy is not there or does not decode.
pub async fn with_policies(db: &mut Db) -> Result<Vec<(Scope, PolicyDocument)>> {
    let found = query(
        "SELECT scope.name, scope.epoch, scope.seq, scope.policy, scope.halted, policy.document
         FROM scope LEFT JOIN policy ON policy.hash = scope.policy ORDER BY scope.name",
    )
    .all::<WithPolicy>(db)
    .await?;
    Ok(found.into_iter().map(|WithPolicy(scope, policy)| (scope, policy)).collect())
}

struct WithPolicy(Scope, PolicyDocument);

impl FromRow for WithPolicy {
    fn from_row(row: &Row) -> Result<Self> {
        let document: Option<Vec<u8>> = row.get("document")?;
        Ok(Self(Scope::from_row(row)?, decoded(document)?))
    }
}

/// The policies of a person's scopes, by scope name.
///
/// # Errors
/// As [`with_policies`].
pub async fn policies_of(db: &mut Db, person: i64) -> Result<Vec<PolicyDocument>> {
    let found = query(
        "SELECT scope.name, scope.epoch, scope.seq, scope.policy, scope.halted, policy.document
         FROM person_scope JOIN scope ON scope.name = person_scope.scope
             LEFT JOIN policy ON policy.hash = scope.policy
         WHERE person_scope.person = $1 ORDER BY scope.name",
    )
    .bind(person)
    .all::<WithPolicy>(db)
    .await?;
    Ok(found.into_iter().map(|WithPolicy(_, policy)| policy).collect())
}

/// Scopes that changed after a value of the counter, and its value now.
pub async fn changed_after(db: &mut Db, seen: i64) -> Result<(Vec<Scope>, i64)> {
    let (now, after) = Counter::Scope.since(db, seen).await?;
    if now == after {
        return Ok((Vec::new(), now));
    }
    let changed = query(
        "SELECT name, epoch, seq, policy, halted FROM scope WHERE changed > $1 ORDER BY name",
    )
    .bind(after)
    .all(db)
    .await?;
    Ok((changed, now))
}

/// One scope.
pub async fn find(db: &mut Db, name: &ScopeName) -> Result<Option<Scope>> {
    query("SELECT name, epoch, seq, policy, halted FROM scope WHERE name = $1")
        .bind(name)
        .optional(db)
        .await
}

/// The refusal of a scope that there is not.
pub fn unknown(name: &ScopeName) -> Error {
    Error::not_found(Text::UnknownScope.with([("name", name.as_str().into())]))
}

/// Adds a row that refers to a scope.
///
/// # Errors
/// [`Error::Refused`] when there is no such scope.
pub async fn add_reference(db: &mut Db, scope: &ScopeName, insert: Query) -> Result<()> {
    match insert.execute(db).await {
        Err(error) if is_missing_reference(&error) => Err(unknown(scope)),
        done => done.map(|_| ()),
    }
}

/// One scope that must be there.
///
/// # Errors
/// [`Error::Refused`] when it is not.
pub async fn get(db: &mut Db, name: &ScopeName) -> Result<Scope> {
    find(db, name).await?.ok_or_else(|| unknown(name))
}

/// The next sequence number of a scope, taken.
pub async fn next_seq(db: &mut Db, name: &ScopeName) -> Result<u64> {
    let changed = Counter::Scope.next(db).await?;
    let Only(seq) =
        query("UPDATE scope SET seq = seq + 1, changed = $1 WHERE name = $2 RETURNING seq")
            .bind(changed)
            .bind(name)
            .one(db)
            .await?;
    Ok(seq)
}

/// Takes all sequence numbers up to this one.
pub async fn set_seq(db: &mut Db, name: &ScopeName, seq: u64) -> Result<()> {
    let changed = Counter::Scope.next(db).await?;
    query("UPDATE scope SET seq = $1, changed = $2 WHERE name = $3")
        .bind(seq)
        .bind(changed)
        .bind(name)
        .execute(db)
        .await?;
    Ok(())
}

/// The policy of a scope.
///
/// # Errors
/// [`Error::Damaged`] when it does not decode.
pub async fn policy(db: &mut Db, scope: &Scope) -> Result<PolicyDocument> {
    decoded(policy_bytes(db, &scope.policy).await?.map(|(_, document)| document))
}

fn decoded(document: Option<Vec<u8>>) -> Result<PolicyDocument> {
    let document = document.ok_or_else(|| Error::damaged("a policy"))?;
    codec::from_bytes(&document).map_err(Error::damaged)
}

struct StoredPolicy {
    scope: String,
    document: Vec<u8>,
}

impl FromRow for StoredPolicy {
    fn from_row(row: &Row) -> Result<Self> {
        Ok(Self { scope: row.get("scope")?, document: row.get("document")? })
    }
}

/// A policy document by its hash, with the scope that it is of.
pub async fn policy_bytes(db: &mut Db, hash: &Hash) -> Result<Option<(String, Vec<u8>)>> {
    let found = query("SELECT scope, document FROM policy WHERE hash = $1")
        .bind(hash)
        .optional::<StoredPolicy>(db)
        .await?;
    Ok(found.map(|policy| (policy.scope, policy.document)))
}

/// Gives a scope another policy; false when it is the one that it has.
///
/// # Errors
/// [`Error::Refused`] when the offline limits are not in order.
pub async fn set_policy(db: &mut Db, policy: &PolicyDocument) -> Result<bool> {
    if !policy.offline.is_ordered() {
        return Err(Error::invalid(Text::OfflineOrder));
    }
    let scope = get(db, &policy.scope).await?;
    let hash = put_policy(db, policy).await?;
    if hash == scope.policy {
        return Ok(false);
    }

    let changed = Counter::Scope.next(db).await?;
    query("UPDATE scope SET policy = $1, seq = seq + 1, changed = $2 WHERE name = $3")
        .bind(&hash)
        .bind(changed)
        .bind(&policy.scope)
        .execute(db)
        .await?;
    Ok(true)
}

/// Stops publishing a scope; false when it was stopped already.
pub async fn halt(db: &mut Db, name: &ScopeName, why: &str) -> Result<bool> {
    let changed = Counter::Scope.next(db).await?;
    let halted =
        query("UPDATE scope SET halted = $1, changed = $2 WHERE name = $3 AND halted IS NULL")
            .bind(why)
            .bind(changed)
            .bind(name)
            .execute(db)
            .await?;
    Ok(halted > 0)
}

/// Raises the epoch of every scope above all that were, and publishes all again. Returns it.
pub async fn raise_epoch(db: &mut Db, at_least: u64) -> Result<u64> {
    let epoch = highest_epoch(db).await?.unwrap_or(0).saturating_add(1).max(at_least);
    let changed = Counter::Scope.next(db).await?;
    query("UPDATE scope SET epoch = $1, halted = NULL, changed = $2")
        .bind(epoch)
        .bind(changed)
        .execute(db)
        .await?;
    Ok(epoch)
}

async fn put_policy(db: &mut Db, policy: &PolicyDocument) -> Result<Hash> {
    let bytes = codec::to_bytes(policy);
    let hash = codec::sha256(&bytes);
    query(
        "INSERT INTO policy (hash, scope, document) VALUES ($1, $2, $3) \
         ON CONFLICT (hash) DO NOTHING",
    )
    .bind(&hash)
    .bind(&policy.scope)
    .bind(bytes)
    .execute(db)
    .await?;
    Ok(hash)
}
