//! Who is signed in to the pages of administration, and which challenges were signed.

use wardkey_core::id::Hash;
use wardkey_core::name::{DisplayText, LoginName};
use wardkey_core::time::UnixTime;

use super::query::{Db, FromRow, Row, query};
use crate::error::Result;

/// A session, as stored.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct WebSession {
    /// SHA-256 of what the browser keeps.
    pub hash: Hash,
    /// Row of the person.
    pub person: i64,
    /// Row of the key that signed.
    pub credential: i64,
    /// When it signed.
    pub began: UnixTime,
    /// When the session was last used, within a minute.
    pub seen: UnixTime,
}

impl FromRow for WebSession {
    fn from_row(row: &Row) -> Result<Self> {
        Ok(Self {
            hash: row.get("hash")?,
            person: row.get("person")?,
            credential: row.get("credential")?,
            began: row.get("began")?,
            seen: row.get("seen")?,
        })
    }
}

/// A session that is listed, with the names that people know.
#[derive(Clone, Debug)]
pub struct Listed {
    /// The session.
    pub session: WebSession,
    /// Login name of its person.
    pub login: LoginName,
    /// The person's name.
    pub name: DisplayText,
    /// What the person calls the key.
    pub label: DisplayText,
    /// The key's fingerprint.
    pub key: Hash,
}

impl FromRow for Listed {
    fn from_row(row: &Row) -> Result<Self> {
        Ok(Self {
            session: WebSession::from_row(row)?,
            login: row.get("login")?,
            name: row.get("display_name")?,
            label: row.get("label")?,
            key: row.get("fingerprint")?,
        })
    }
}

/// Sessions that were last used and began after these moments, the newest first; of one person when
/// given.
pub async fn list(
    db: &mut Db,
    person: Option<&LoginName>,
    (seen, began): (UnixTime, UnixTime),
    limit: u32,
) -> Result<Vec<Listed>> {
    query(
        "SELECT web_session.hash, web_session.person, web_session.credential, web_session.began,
             web_session.seen, person.login, person.display_name, credential.label,
             credential.fingerprint
         FROM web_session JOIN person ON person.id = web_session.person
             JOIN credential ON credential.id = web_session.credential
         WHERE web_session.seen > $1 AND web_session.began > $2
             AND (CAST($3 AS TEXT) IS NULL OR person.login = $3)
         ORDER BY web_session.began DESC, web_session.hash LIMIT $4",
    )
    .bind(seen)
    .bind(began)
    .bind(person)
    .bind(limit)
    .all(db)
    .await
}

/// Adds a session.
pub async fn add(db: &mut Db, session: &WebSession) -> Result<()> {
    query(
        "INSERT INTO web_session (hash, person, credential, began, seen)
         VALUES ($1, $2, $3, $4, $5)",
    )
    .bind(&session.hash)
    .bind(session.person)
    .bind(session.credential)
    .bind(session.began)
    .bind(session.seen)
    .execute(db)
    .await?;
    Ok(())
}

/// The session of this hash.
pub async fn find(db: &mut Db, hash: &Hash) -> Result<Option<WebSession>> {
    query("SELECT hash, person, credential, began, seen FROM web_session WHERE hash = $1")
        .bind(hash)
        .optional(db)
        .await
}

/// Notes that a session was used.
pub async fn saw(db: &mut Db, hash: &Hash, now: UnixTime) -> Result<()> {
    query("UPDATE web_session SET seen = $1 WHERE hash = $2 AND seen < $1")
        .bind(now)
        .bind(hash)
        .execute(db)
        .await?;
    Ok(())
}

/// Ends a session; whether there was one.
pub async fn end(db: &mut Db, hash: &Hash) -> Result<bool> {
    let ended = query("DELETE FROM web_session WHERE hash = $1").bind(hash).execute(db).await?;
    Ok(ended > 0)
}

/// Ends every session of a person.
pub async fn end_of_person(db: &mut Db, person: i64) -> Result<()> {
    query("DELETE FROM web_session WHERE person = $1").bind(person).execute(db).await?;
    Ok(())
}

/// Ends every session that a key began.
pub async fn end_of_key(db: &mut Db, key: i64) -> Result<()> {
    query("DELETE FROM web_session WHERE credential = $1").bind(key).execute(db).await?;
    Ok(())
}

/// Throws away sessions that were last used before a moment, and challenges that are over.
pub async fn forget(db: &mut Db, idle_since: UnixTime, now: UnixTime) -> Result<()> {
    query("DELETE FROM web_session WHERE seen < $1").bind(idle_since).execute(db).await?;
    query("DELETE FROM web_challenge WHERE until <= $1").bind(now).execute(db).await?;
    Ok(())
}

/// Takes a challenge; whether it was the first time.
pub async fn take_challenge(db: &mut Db, challenge: &Hash, until: UnixTime) -> Result<bool> {
    let taken = query(
        "INSERT INTO web_challenge (challenge, until) VALUES ($1, $2)
         ON CONFLICT (challenge) DO NOTHING",
    )
    .bind(challenge)
    .bind(until)
    .execute(db)
    .await?;
    Ok(taken > 0)
}
