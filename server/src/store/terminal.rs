//! Terminals.

use std::collections::{BTreeMap, BTreeSet};

use wardkey_core::document::MAX_SCOPES;
use wardkey_core::id::{Hash, TerminalId};
use wardkey_core::name::{DisplayText, ScopeName};
use wardkey_core::time::UnixTime;

use super::counter::Counter;
use super::page::{Page, PageRequest};
use super::query::{Db, FromRow, LISTED_AT_ONCE, Row, is_missing_reference, query};
use super::value::{with_prefix, words};
use crate::error::{Error, Result};
use crate::pki::{Issued, SERIAL_LEN};

/// Whether a terminal may come.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum TerminalStatus {
    /// Joined by a token for several machines; an administrator has yet to approve it.
    Pending,
    /// May come.
    Active,
    /// Refused for ever, unless it joins again by a token made later.
    Revoked,
}

words!(TerminalStatus, "a terminal's status", Pending = "pending", Active = "active", Revoked = "revoked");

/// A terminal, as stored.
#[derive(Clone, Debug)]
pub struct Terminal {
    /// Its id.
    pub id: TerminalId,
    /// Number of its document.
    pub number: u64,
    /// Its name.
    pub name: DisplayText,
    /// SHA-256 of its machine id.
    pub machine: Hash,
    /// Whether it may come.
    pub status: TerminalStatus,
    /// Serial number of its certificate.
    pub serial: [u8; SERIAL_LEN],
    /// Serial number of the certificate before, until the new one is used.
    pub previous_serial: Option<[u8; SERIAL_LEN]>,
    /// When its certificate ends.
    pub certificate_end: UnixTime,
    /// When it joined (last).
    pub joined: UnixTime,
    /// When it was revoked.
    pub revoked: Option<UnixTime>,
    /// When it was last heard of.
    pub seen: Option<UnixTime>,
    /// From where.
    pub address: Option<String>,
    /// SHA-256 of the public key of its certificate; none for one of an earlier version.
    pub key: Option<Hash>,
    /// Version of its programs, once it has said it.
    pub version: Option<String>,
    /// What they can, separated by commas.
    pub capabilities: Option<String>,
    /// Its scopes.
    pub scopes: BTreeSet<ScopeName>,
}

impl Terminal {
    /// Whether a certificate is the terminal's: the newest, or the one before until that is used.
    pub fn takes(&self, serial: &[u8; SERIAL_LEN]) -> bool {
        self.serial == *serial || self.previous_serial.as_ref() == Some(serial)
    }
}

impl FromRow for Terminal {
    fn from_row(row: &Row) -> Result<Self> {
        Ok(Self {
            id: row.get("id")?,
            number: row.get("number")?,
            name: row.get("name")?,
            machine: row.get("machine")?,
            status: row.get("status")?,
            serial: row.get("serial")?,
            previous_serial: row.get("previous_serial")?,
            certificate_end: row.get("certificate_end")?,
            joined: row.get("joined")?,
            revoked: row.get("revoked")?,
            seen: row.get("seen")?,
            address: row.get("address")?,
            key: row.get("key")?,
            version: row.get("version")?,
            capabilities: row.get("capabilities")?,
            scopes: BTreeSet::new(),
        })
    }
}

const SELECT: &str = "SELECT id, number, name, machine, status, serial, previous_serial, certificate_end, joined, \
                      revoked, seen, address, key, version, capabilities FROM terminal ";

/// What a machine that joins becomes.
#[derive(Debug)]
pub struct Joining<'a> {
    /// Its id: new, or that of the terminal in whose place it comes.
    pub id: TerminalId,
    /// Its name.
    pub name: &'a DisplayText,
    /// SHA-256 of its machine id.
    pub machine: Hash,
    /// Active, or pending until approved.
    pub status: TerminalStatus,
    /// Its certificate.
    pub issued: &'a Issued,
    /// Its scopes.
    pub scopes: &'a BTreeSet<ScopeName>,
}

/// Writes a machine that joins, for the first time or again.
///
/// # Errors
/// [`Error::Refused`] for no scope, too many, or one that is not known.
pub async fn put(db: &mut Db, joining: &Joining<'_>, now: UnixTime) -> Result<()> {
    check_scopes(joining.scopes)?;
    let changed = Counter::Terminal.next(db).await?;
    query(
        "INSERT INTO terminal (id, number, name, machine, status, serial, certificate_end, joined, changed, key)
         VALUES ($1, 1, $2, $3, $4, $5, $6, $7, $8, $9)
         ON CONFLICT (id) DO UPDATE SET number = terminal.number + 1, name = excluded.name,
             machine = excluded.machine, status = excluded.status, serial = excluded.serial, previous_serial = NULL,
             certificate_end = excluded.certificate_end, joined = excluded.joined, revoked = NULL,
             changed = excluded.changed, key = excluded.key",
    )
    .bind(&joining.id)
    .bind(joining.name)
    .bind(&joining.machine)
    .bind(joining.status)
    .bind(&joining.issued.serial)
    .bind(joining.issued.expires)
    .bind(now)
    .bind(changed)
    .bind(&joining.issued.key)
    .execute(db)
    .await?;
    write_scopes(db, &joining.id, joining.scopes).await
}

/// Gives a terminal its next certificate; the one before counts until the new one is used.
pub async fn renew(db: &mut Db, id: &TerminalId, used: &[u8; SERIAL_LEN], issued: &Issued) -> Result<()> {
    let changed = Counter::Terminal.next(db).await?;
    query(
        "UPDATE terminal SET serial = $1, previous_serial = $2, certificate_end = $3, changed = $4, key = $5
         WHERE id = $6",
    )
    .bind(&issued.serial)
    .bind(used)
    .bind(issued.expires)
    .bind(changed)
    .bind(&issued.key)
    .bind(id)
    .execute(db)
    .await?;
    Ok(())
}

/// The new certificate was used: the one before counts no longer.
pub async fn forget_previous_serial(db: &mut Db, id: &TerminalId, used: &[u8; SERIAL_LEN]) -> Result<()> {
    let changed = Counter::Terminal.next(db).await?;
    // Only while the one that was used is still the newest: else the one before is this very one.
    query(
        "UPDATE terminal SET previous_serial = NULL, changed = $1
         WHERE id = $2 AND serial = $3 AND previous_serial IS NOT NULL",
    )
    .bind(changed)
    .bind(id)
    .bind(used)
    .execute(db)
    .await?;
    Ok(())
}

/// Approves or revokes a terminal; false when nothing changed.
///
/// # Errors
/// [`Error::Refused`] when a revoked terminal is approved.
pub async fn set_status(db: &mut Db, terminal: &Terminal, status: TerminalStatus, now: UnixTime) -> Result<bool> {
    if terminal.status == status {
        return Ok(false);
    }
    if terminal.status == TerminalStatus::Revoked {
        return Err(Error::invalid(format!("terminal {} is revoked; it may join again with a new token", terminal.id)));
    }
    let changed = Counter::Terminal.next(db).await?;
    query("UPDATE terminal SET status = $1, number = number + 1, revoked = $2, changed = $3 WHERE id = $4")
        .bind(status)
        .bind((status == TerminalStatus::Revoked).then_some(now))
        .bind(changed)
        .bind(&terminal.id)
        .execute(db)
        .await?;
    Ok(true)
}

/// Takes a revocation back.
pub async fn bring_back(db: &mut Db, id: &TerminalId) -> Result<()> {
    let changed = Counter::Terminal.next(db).await?;
    query(
        "UPDATE terminal SET status = 'active', number = number + 1, revoked = NULL, changed = $1
         WHERE id = $2 AND status = 'revoked'",
    )
    .bind(changed)
    .bind(id)
    .execute(db)
    .await?;
    Ok(())
}

/// Gives a terminal other scopes.
///
/// # Errors
/// [`Error::Refused`] for none, more than eight, or one that is not known.
pub async fn set_scopes(db: &mut Db, terminal: &Terminal, scopes: &BTreeSet<ScopeName>) -> Result<()> {
    check_scopes(scopes)?;
    let changed = Counter::Terminal.next(db).await?;
    query("UPDATE terminal SET number = number + 1, changed = $1 WHERE id = $2")
        .bind(changed)
        .bind(&terminal.id)
        .execute(db)
        .await?;
    write_scopes(db, &terminal.id, scopes).await
}

/// A terminal that was heard of.
#[derive(Clone, Debug)]
pub struct SignOfLife {
    /// The terminal.
    pub id: TerminalId,
    /// When.
    pub time: UnixTime,
    /// From where.
    pub address: String,
    /// Version and capabilities of its programs, if it said them.
    pub program: Option<(String, String)>,
}

/// Remembers when and from where terminals were heard of, and what they said of their programs.
pub async fn seen(db: &mut Db, signs: &[SignOfLife]) -> Result<()> {
    for sign in signs {
        let (version, capabilities) = sign.program.clone().unzip();
        query(
            "UPDATE terminal SET seen = $1, address = $2, version = COALESCE($4, version),
                    capabilities = COALESCE($5, capabilities) WHERE id = $3",
        )
        .bind(sign.time)
        .bind(&sign.address)
        .bind(&sign.id)
        .bind(version)
        .bind(capabilities)
        .execute(db)
        .await?;
    }
    Ok(())
}

/// Terminals that changed after a value of the counter, and its value now.
pub async fn changed_after(db: &mut Db, counter: i64) -> Result<(Vec<Terminal>, i64)> {
    let (now, after) = Counter::Terminal.since(db, counter).await?;
    if now == after {
        return Ok((Vec::new(), now));
    }
    let changed = query(SELECT).then("WHERE changed > $1").bind(after).all(db).await?;
    Ok((with_scopes(db, changed).await?, now))
}

/// All terminals, by name.
pub async fn list(db: &mut Db) -> Result<Vec<Terminal>> {
    let all = query(SELECT).then("ORDER BY name, id").all(db).await?;
    with_scopes(db, all).await
}

/// Terminals by name, of one scope when given; searched in the name and the address, and by the first
/// digits of the id.
pub async fn page(db: &mut Db, scope: Option<&ScopeName>, request: &PageRequest) -> Result<Page<Terminal>> {
    let (low, high) = request.search.as_deref().and_then(|text| with_prefix(text, TerminalId::LEN)).unzip();
    let after = request.after.as_deref().and_then(|after| TerminalId::from_hex(after).ok());
    let found = query(SELECT)
        .then(
            "WHERE ($1 = '' OR (name, id) > (SELECT name, id FROM terminal WHERE id = $2))
                 AND (CAST($3 AS TEXT) IS NULL OR EXISTS (
                     SELECT 1 FROM terminal_scope WHERE terminal_scope.terminal = terminal.id AND scope = $3))
                 AND (CAST($4 AS TEXT) IS NULL OR lower(name) LIKE $4 ESCAPE '\\' OR address LIKE $4 ESCAPE '\\'
                     OR id BETWEEN $5 AND $6)
             ORDER BY name, id LIMIT $7",
        )
        .bind(request.after.as_deref().unwrap_or(""))
        .bind(after.as_ref())
        .bind(scope)
        .bind(request.pattern())
        .bind(low)
        .bind(high)
        .bind(request.rows())
        .all::<Terminal>(db)
        .await?;
    let page = Page::new(found, request, |terminal| terminal.id.to_hex());
    Ok(Page { rows: with_scopes(db, page.rows).await?, next: page.next })
}

/// The terminal of a machine.
pub async fn of_machine(db: &mut Db, machine: &Hash) -> Result<Option<Terminal>> {
    let found = query(SELECT).then("WHERE machine = $1").bind(machine).all(db).await?;
    Ok(with_scopes(db, found).await?.pop())
}

/// The terminal with an id.
///
/// # Errors
/// [`Error::Refused`] when there is none.
pub async fn by_id(db: &mut Db, id: &TerminalId) -> Result<Terminal> {
    let found = query(SELECT).then("WHERE id = $1").bind(id).all(db).await?;
    with_scopes(db, found).await?.pop().ok_or_else(|| Error::not_found(format!("terminal {id}")))
}

/// The one terminal that has this name, or whose id begins with these hexadecimal digits.
///
/// # Errors
/// [`Error::Refused`] when there is none or more than one.
pub async fn by_name(db: &mut Db, name: &str) -> Result<Terminal> {
    let range = if name.len() < 4 { None } else { with_prefix(name, TerminalId::LEN) };
    let (low, high) = range.unzip();
    let found = query(SELECT)
        .then("WHERE name = $1 OR id BETWEEN $2 AND $3 LIMIT 2")
        .bind(name)
        .bind(low)
        .bind(high)
        .all(db)
        .await?;
    let mut found = with_scopes(db, found).await?;
    match (found.pop(), found.pop()) {
        (Some(terminal), None) => Ok(terminal),
        (None, _) => Err(Error::not_found(format!("terminal {name}"))),
        _ => Err(Error::invalid(format!("more than one terminal is called {name}; give its id"))),
    }
}

fn check_scopes(scopes: &BTreeSet<ScopeName>) -> Result<()> {
    if scopes.is_empty() || scopes.len() > MAX_SCOPES {
        return Err(Error::invalid(format!("a terminal has 1 to {MAX_SCOPES} scopes")));
    }
    Ok(())
}

async fn write_scopes(db: &mut Db, id: &TerminalId, scopes: &BTreeSet<ScopeName>) -> Result<()> {
    query("DELETE FROM terminal_scope WHERE terminal = $1").bind(id).execute(db).await?;
    for scope in scopes {
        let insert = query("INSERT INTO terminal_scope (terminal, scope) VALUES ($1, $2)").bind(id).bind(scope);
        match insert.execute(db).await {
            Err(error) if is_missing_reference(&error) => return Err(Error::not_found(format!("scope {scope}"))),
            done => done?,
        };
    }
    Ok(())
}

struct ScopeOf {
    terminal: TerminalId,
    scope: ScopeName,
}

impl FromRow for ScopeOf {
    fn from_row(row: &Row) -> Result<Self> {
        Ok(Self { terminal: row.get("terminal")?, scope: row.get("scope")? })
    }
}

/// Adds their scopes to terminals.
async fn with_scopes(db: &mut Db, mut terminals: Vec<Terminal>) -> Result<Vec<Terminal>> {
    for part in terminals.chunks_mut(LISTED_AT_ONCE) {
        let ids = part.iter().map(|terminal| &terminal.id);
        let rows =
            query("SELECT terminal, scope FROM terminal_scope WHERE terminal IN ").list(ids).all::<ScopeOf>(db).await?;
        let mut scopes = BTreeMap::<_, BTreeSet<_>>::new();
        for row in rows {
            scopes.entry(row.terminal).or_default().insert(row.scope);
        }
        for terminal in part {
            terminal.scopes = scopes.remove(&terminal.id).unwrap_or_default();
        }
    }
    Ok(terminals)
}
