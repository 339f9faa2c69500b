//! The audit trail of administration: who did what to whom, and why. Rows are only ever added; each
//! carries the hash of all before it.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use wardkey_core::codec::sha256;
use wardkey_core::id::{Hash, TerminalId, to_hex};
use wardkey_core::name::{LoginName, printable};
use wardkey_core::time::UnixTime;

use super::number::to_i64;
use super::page::{Page, PageRequest};
use super::query::{Db, FromRow, Only, Row, query};
use crate::error::{Error, Result};
use crate::texts::{PhraseError, Text};

/// Who acts.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Actor(String);

impl Actor {
    /// The Unix user of this process, with the one who logged in first (sudo does not change that).
    pub fn process() -> Self {
        let uid = nix::unistd::getuid();
        let user = user_name(uid.as_raw());
        let login = std::fs::read_to_string("/proc/self/loginuid")
            .ok()
            .and_then(|text| text.trim().parse::<u32>().ok());
        match login {
            // u32::MAX: no login session, as in a service.
            Some(login) if login != u32::MAX && login != uid.as_raw() => {
                Self(format!("unix:{user} login:{}", user_name(login)))
            }
            _ => Self(format!("unix:{user}")),
        }
    }

    /// A terminal, by its certificate.
    pub fn terminal(terminal: &TerminalId) -> Self {
        Self(format!("terminal:{terminal}"))
    }

    /// An API key: its id, and what it is called.
    pub fn api_key(id: &[u8], name: &str) -> Self {
        Self(format!("api-key:{} \"{name}\"", to_hex(id)))
    }

    /// A person of the directory, who has a role.
    pub fn person(login: &LoginName) -> Self {
        Self(format!("person:{login}"))
    }

    /// The server itself.
    pub fn server() -> Self {
        Self("server".into())
    }

    /// A peer that is not known.
    pub fn address(address: std::net::IpAddr) -> Self {
        Self(format!("address:{address}"))
    }
}

impl std::fmt::Display for Actor {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&self.0)
    }
}

fn user_name(uid: u32) -> String {
    nix::unistd::User::from_uid(uid.into())
        .ok()
        .flatten()
        .map_or_else(|| uid.to_string(), |user| user.name)
}

/// One act.
#[derive(Clone, Debug)]
pub struct Act<'a> {
    /// `person.disable`
    pub action: &'a str,
    /// Login name, fingerprint, terminal or scope.
    pub object: &'a str,
    /// Why, in the words of whoever did it.
    pub reason: Option<&'a str>,
    /// What changed.
    pub detail: Option<&'a str>,
}

impl<'a> Act<'a> {
    /// An act on an object.
    pub const fn new(action: &'a str, object: &'a str) -> Self {
        Self { action, object, reason: None, detail: None }
    }

    /// With the reason given.
    #[must_use]
    pub const fn because(mut self, reason: Option<&'a str>) -> Self {
        self.reason = reason;
        self
    }

    /// With a detail.
    #[must_use]
    pub const fn with(mut self, detail: &'a str) -> Self {
        self.detail = Some(detail);
        self
    }
}

/// A row of the trail.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize, JsonSchema, Serialize)]
#[schemars(rename = "TrailRow")]
pub struct Entry {
    /// Counts up without gaps.
    pub seq: i64,
    /// When.
    pub time: i64,
    /// Who.
    pub actor: String,
    /// What.
    pub action: String,
    /// To whom or what.
    pub object: String,
    /// Why.
    pub reason: Option<String>,
    /// What changed.
    pub detail: Option<String>,
    /// SHA-256 of the row before it and of this one, in hexadecimal digits.
    pub chain: String,
}

/// The longest text of a row in characters; what is longer is cut.
pub const TEXT_CHARS: usize = 512;

/// Adds a row, in the transaction of what it records.
pub async fn record(db: &mut Db, now: UnixTime, actor: &Actor, act: Act<'_>) -> Result<()> {
    let before = query("SELECT chain FROM audit ORDER BY seq DESC LIMIT 1")
        .optional::<Only<Hash>>(db)
        .await?;
    let text = |value: &str| printable(value, TEXT_CHARS);
    let mut entry = Entry {
        seq: 0,
        time: to_i64(now.0),
        actor: text(&actor.0),
        action: text(act.action),
        object: text(act.object),
        reason: act.reason.map(text),
        detail: act.detail.map(text),
        chain: String::new(),
    };
    let chain = entry.link(before.map(|Only(hash)| hash).as_ref());
    entry.chain = chain.to_hex();

    query(
        "INSERT INTO audit (time, actor, action, object, reason, detail, chain)
         VALUES ($1, $2, $3, $4, $5, $6, $7)",
    )
    .bind(entry.time)
    .bind(&entry.actor)
    .bind(&entry.action)
    .bind(&entry.object)
    .bind(entry.reason.as_ref())
    .bind(entry.detail.as_ref())
    .bind(&chain)
    .execute(db)
    .await?;
    tracing::info!(
        actor = entry.actor,
        action = entry.action,
        object = entry.object,
        "administration"
    );
    Ok(())
}

impl FromRow for Entry {
    fn from_row(row: &Row) -> Result<Self> {
        Ok(Self {
            seq: row.get("seq")?,
            time: row.get("time")?,
            actor: row.get("actor")?,
            action: row.get("action")?,
            object: row.get("object")?,
            reason: row.get("reason")?,
            detail: row.get("detail")?,
            chain: row.get::<Hash>("chain")?.to_hex(),
        })
    }
}

impl Entry {
    /// Whether this row is the next one after another.
    pub fn follows(&self, before: &Self) -> bool {
        Hash::from_hex(&before.chain).is_ok_and(|chain| {
            self.seq == before.seq + 1 && self.link(Some(&chain)).to_hex() == self.chain
        })
    }

    /// What the row says of itself and of the one before.
    pub(crate) fn link(&self, before: Option<&Hash>) -> Hash {
        let before = before.map_or(&[][..], |hash| hash.as_bytes());
        let mut input = b"wardkey/audit/1".to_vec();
        let time = self.time.to_be_bytes();
        let parts: [&[u8]; 7] = [
            before,
            &time,
            self.actor.as_bytes(),
            self.action.as_bytes(),
            self.object.as_bytes(),
            self.reason.as_deref().unwrap_or("").as_bytes(),
            self.detail.as_deref().unwrap_or("").as_bytes(),
        ];
        for part in parts {
            // Each part with its length, so that none runs into the next.
            input.extend_from_slice(&(part.len() as u64).to_be_bytes());
            input.extend_from_slice(part);
        }
        sha256(&input)
    }
}

const SELECT: &str = "SELECT seq, time, actor, action, object, reason, detail, chain FROM audit ";

/// Who signed in to the pages as a person, and was refused there; the newest first. Not as somebody
/// who had the login name before.
pub async fn sign_ins(db: &mut Db, login: &LoginName, limit: u32) -> Result<Vec<Entry>> {
    query(SELECT)
        .then(
            "WHERE object = $1 AND actor = $2 AND action IN ('session.begin', 'session.refuse')
                 AND EXISTS (SELECT 1 FROM person
                     WHERE person.login = $1 AND person.status <> 'deleted'
                         AND person.created <= audit.time)
             ORDER BY seq DESC LIMIT $3",
        )
        .bind(login)
        .bind(&Actor::person(login).0)
        .bind(limit)
        .all(db)
        .await
}

/// Rows of one object, or of all with the text that is searched; the newest first.
///
/// # Errors
/// [`Error::Refused`] when `after` is of no page.
pub async fn page(db: &mut Db, object: Option<&str>, request: &PageRequest) -> Result<Page<Entry>> {
    let after = request.after_number(i64::MAX)?;
    let rows = match object {
        Some(object) => {
            query(SELECT)
                .then("WHERE object = $1 AND seq < $2 ORDER BY seq DESC LIMIT $3")
                .bind(object)
                .bind(after)
                .bind(request.rows())
                .all(db)
                .await?
        }
        None => query(SELECT)
            .then(
                "WHERE seq < $1 AND (CAST($2 AS TEXT) IS NULL OR lower(actor) LIKE $2 ESCAPE '\\'
                         OR lower(action) LIKE $2 ESCAPE '\\' OR lower(object) LIKE $2 ESCAPE '\\'
                         OR lower(reason) LIKE $2 ESCAPE '\\' OR lower(detail) LIKE $2 ESCAPE '\\')
                     ORDER BY seq DESC LIMIT $3",
            )
            .bind(after)
            .bind(request.pattern())
            .bind(request.rows())
            .all(db)
            .await?,
    };
    Ok(Page::new(rows, request, |entry: &Entry| entry.seq.to_string()))
}

/// Rows after one, in their order; at most [`VERIFIED_AT_ONCE`].
pub async fn after(db: &mut Db, seq: i64) -> Result<Vec<Entry>> {
    query(SELECT)
        .then("WHERE seq > $1 ORDER BY seq LIMIT $2")
        .bind(seq)
        .bind(VERIFIED_AT_ONCE)
        .all(db)
        .await
}

struct Size {
    rows: u64,
    characters: u64,
}

impl FromRow for Size {
    fn from_row(row: &Row) -> Result<Self> {
        let characters: Option<u64> = row.get("characters")?;
        Ok(Self { rows: row.get("rows_after")?, characters: characters.unwrap_or(0) })
    }
}

/// How many rows there are after one, and the characters in them.
pub async fn size_after(db: &mut Db, seq: i64) -> Result<(u64, u64)> {
    let size: Size = query(
        "SELECT count(*) AS rows_after, sum(length(actor) + length(action) + length(object) \
            + length(coalesce(reason, '')) + length(coalesce(detail, ''))) AS characters \
         FROM audit WHERE seq > $1",
    )
    .bind(seq)
    .one(db)
    .await?;
    Ok((size.rows, size.characters))
}

/// The last row.
pub async fn last(db: &mut Db) -> Result<Option<Entry>> {
    query(SELECT).then("ORDER BY seq DESC LIMIT 1").optional(db).await
}

/// Adds a row of a newer copy of this trail as it is. It must follow the last one.
///
/// # Errors
/// [`Error::Damaged`] when it does not.
pub async fn append(db: &mut Db, before: &Entry, entry: &Entry) -> Result<()> {
    if !entry.follows(before) {
        return Err(broken(entry));
    }
    let chain = Hash::from_hex(&entry.chain).map_err(Error::damaged)?;
    query(
        "INSERT INTO audit (seq, time, actor, action, object, reason, detail, chain)
         VALUES ($1, $2, $3, $4, $5, $6, $7, $8)",
    )
    .bind(entry.seq)
    .bind(entry.time)
    .bind(&entry.actor)
    .bind(&entry.action)
    .bind(&entry.object)
    .bind(entry.reason.as_ref())
    .bind(entry.detail.as_ref())
    .bind(&chain)
    .execute(db)
    .await?;
    Ok(())
}

fn broken(entry: &Entry) -> Error {
    let row = entry.seq.unsigned_abs().into();
    Error::damaged(PhraseError(Text::TrailFrom.with([("row", row)])))
}

/// Rows that are in memory at a time while the chain is followed.
const VERIFIED_AT_ONCE: i64 = 1000;

/// Follows the chain from the first row; the number of rows when it holds.
///
/// # Errors
/// [`Error::Damaged`] names the first row that does not follow.
pub async fn verify(db: &mut Db) -> Result<u64> {
    let mut before = None;
    let mut last = 0;
    let mut count = 0;
    loop {
        let rows: Vec<Entry> = query(SELECT)
            .then("WHERE seq > $1 ORDER BY seq LIMIT $2")
            .bind(last)
            .bind(VERIFIED_AT_ONCE)
            .all(db)
            .await?;
        let Some(end) = rows.last() else { return Ok(count) };
        last = end.seq;
        count += rows.len() as u64;

        for entry in &rows {
            let link = entry.link(before.as_ref());
            if link.to_hex() != entry.chain {
                return Err(broken(entry));
            }
            before = Some(link);
        }
    }
}
