//! What `init` fixed: the deployment, its names, and the chain of root documents.

use wardkey_core::codec::Bytes;
use wardkey_core::document::{RootDocument, SignedRoot};
use wardkey_core::sign;

use super::query::{Db, FromRow, Only, Row, query};
use crate::error::{Error, Result};

/// Writes a setting.
pub async fn put(db: &mut Db, name: &str, value: &str) -> Result<()> {
    query(
        "INSERT INTO setting (name, value) VALUES ($1, $2)
         ON CONFLICT (name) DO UPDATE SET value = excluded.value",
    )
    .bind(name)
    .bind(value)
    .execute(db)
    .await?;
    Ok(())
}

/// Reads a setting.
pub async fn find(db: &mut Db, name: &str) -> Result<Option<String>> {
    let found = query("SELECT value FROM setting WHERE name = $1").bind(name).optional(db).await?;
    Ok(found.map(|Only(value)| value))
}

/// The names and addresses of the server's certificate.
///
/// # Errors
/// [`Error::Damaged`] when there are none.
pub async fn server_names(db: &mut Db) -> Result<Vec<String>> {
    let text = find(db, "server_names")
        .await?
        .ok_or_else(|| Error::damaged("the list of server names"))?;
    serde_json::from_str(&text).map_err(Error::damaged)
}

/// Adds a signed root document.
///
/// # Errors
/// [`Error::Store`], also when the version is there.
pub async fn put_root(db: &mut Db, version: u64, root: &SignedRoot) -> Result<()> {
    query("INSERT INTO root (version, by_itself, by_previous) VALUES ($1, $2, $3)")
        .bind(version)
        .bind(&root.by_itself)
        .bind(root.by_previous.as_ref())
        .execute(db)
        .await?;
    Ok(())
}

/// The version of the newest root document.
///
/// # Errors
/// [`Error::Store`], [`Error::Damaged`].
pub async fn root_version(db: &mut Db) -> Result<u64> {
    let Only(version) = query("SELECT max(version) FROM root").one::<Only<Option<u64>>>(db).await?;
    Ok(version.unwrap_or(0))
}

/// The documents of a chain that follow on a version: all for who has none, and none for who has
/// one of before the chain, and cannot follow to it.
pub fn after(chain: &[SignedRoot], newest: u64, version: u64) -> &[SignedRoot] {
    if version == 0 {
        return chain;
    }
    let known = version
        .checked_sub(first_version(chain, newest))
        .and_then(|known| usize::try_from(known).ok());
    known.and_then(|known| chain.get(known + 1..)).unwrap_or_default()
}

/// With which version a chain begins: the first of the deployment, or that of the root key which
/// took the place of a lost one.
pub fn first_version(chain: &[SignedRoot], newest: u64) -> u64 {
    (newest + 1).saturating_sub(chain.len() as u64)
}

/// Since which version a chain has the root key of its newest document.
pub fn since_version(chain: &[SignedRoot], newest: &RootDocument) -> u64 {
    let keys = chain.iter().rev().map_while(|signed| {
        let root: RootDocument = sign::peek(Bytes::as_slice(&signed.by_itself)).ok()?;
        (root.root_key == newest.root_key).then_some(root.version)
    });
    keys.last().unwrap_or(newest.version)
}

struct Root(SignedRoot);

impl FromRow for Root {
    fn from_row(row: &Row) -> Result<Self> {
        Ok(Self(SignedRoot {
            by_itself: row.get("by_itself")?,
            by_previous: row.get("by_previous")?,
        }))
    }
}

/// The chain of root documents, and the current one. Where the root key was lost, the chain begins
/// anew with a document that no other signed; those before it are kept, and lead nowhere.
///
/// # Errors
/// [`Error::Damaged`] when the chain does not hold.
pub async fn roots(db: &mut Db) -> Result<(Vec<SignedRoot>, RootDocument)> {
    let rows =
        query("SELECT by_itself, by_previous FROM root ORDER BY version").all::<Root>(db).await?;
    let mut all: Vec<SignedRoot> = rows.into_iter().map(|Root(signed)| signed).collect();
    let begin = all.iter().rposition(|signed| signed.by_previous.is_none()).unwrap_or(0);
    let chain = all.split_off(begin.min(all.len()));
    let first = chain.first().ok_or_else(|| Error::damaged("the root document (run init)"))?;
    let first: RootDocument =
        sign::peek(Bytes::as_slice(&first.by_itself)).map_err(Error::damaged)?;
    let current = SignedRoot::verify_chain(&chain, &first.root_key).map_err(Error::damaged)?;
    Ok((chain, current.into_inner()))
}
