//! Terminals.

use std::collections::BTreeSet;

use sqlx::{Row, SqliteConnection};
use wardkey_core::document::MAX_SCOPES;
use wardkey_core::id::{Hash, TerminalId};
use wardkey_core::name::{DisplayText, ScopeName};
use wardkey_core::time::UnixTime;

use super::{to_i64, to_some_time, to_u64};
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

impl TerminalStatus {
    /// The word in the store.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Pending => "pending",
            Self::Active => "active",
            Self::Revoked => "revoked",
        }
    }
}

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
    /// Its scopes.
    pub scopes: BTreeSet<ScopeName>,
}

impl Terminal {
    /// Whether a certificate is the terminal's: the newest, or the one before until that is used.
    pub fn takes(&self, serial: &[u8; SERIAL_LEN]) -> bool {
        self.serial == *serial || self.previous_serial.as_ref() == Some(serial)
    }
}

const COLUMNS: &str = "id, number, name, machine, status, serial, previous_serial, certificate_end, joined, revoked, \
                       seen, address, key";

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
/// [`Error::Store`].
pub async fn put(db: &mut SqliteConnection, joining: &Joining<'_>, now: UnixTime) -> Result<()> {
    check_scopes(joining.scopes)?;
    let changed = next_change(db).await?;
    sqlx::query(
        "INSERT INTO terminal (id, number, name, machine, status, serial, certificate_end, joined, changed, key)
         VALUES (?, 1, ?, ?, ?, ?, ?, ?, ?, ?)
         ON CONFLICT (id) DO UPDATE SET number = number + 1, name = excluded.name, machine = excluded.machine,
             status = excluded.status, serial = excluded.serial, previous_serial = NULL,
             certificate_end = excluded.certificate_end, joined = excluded.joined, revoked = NULL,
             changed = excluded.changed, key = excluded.key",
    )
    .bind(joining.id.as_bytes().as_slice())
    .bind(joining.name.as_str())
    .bind(joining.machine.as_bytes().as_slice())
    .bind(joining.status.as_str())
    .bind(joining.issued.serial.as_slice())
    .bind(to_i64(joining.issued.expires.0))
    .bind(to_i64(now.0))
    .bind(changed)
    .bind(joining.issued.key.as_bytes().as_slice())
    .execute(&mut *db)
    .await?;
    write_scopes(db, &joining.id, joining.scopes).await
}

/// Gives a terminal its next certificate; the one before counts until the new one is used.
///
/// # Errors
/// [`Error::Store`].
pub async fn renew(db: &mut SqliteConnection, id: &TerminalId, used: &[u8; SERIAL_LEN], issued: &Issued) -> Result<()> {
    let changed = next_change(db).await?;
    sqlx::query(
        "UPDATE terminal SET serial = ?, previous_serial = ?, certificate_end = ?, changed = ?, key = ? WHERE id = ?",
    )
    .bind(issued.serial.as_slice())
    .bind(used.as_slice())
    .bind(to_i64(issued.expires.0))
    .bind(changed)
    .bind(issued.key.as_bytes().as_slice())
    .bind(id.as_bytes().as_slice())
    .execute(db)
    .await?;
    Ok(())
}

/// The new certificate was used: the one before counts no longer.
///
/// # Errors
/// [`Error::Store`].
pub async fn forget_previous_serial(db: &mut SqliteConnection, id: &TerminalId, used: &[u8; SERIAL_LEN]) -> Result<()> {
    let changed = next_change(db).await?;
    // Only while the one that was used is still the newest: else the one before is this very one.
    sqlx::query(
        "UPDATE terminal SET previous_serial = NULL, changed = ?
         WHERE id = ? AND serial = ? AND previous_serial IS NOT NULL",
    )
    .bind(changed)
    .bind(id.as_bytes().as_slice())
    .bind(used.as_slice())
    .execute(db)
    .await?;
    Ok(())
}

/// Approves or revokes a terminal; false when nothing changed.
///
/// # Errors
/// [`Error::Refused`] when a revoked terminal is approved.
pub async fn set_status(
    db: &mut SqliteConnection,
    terminal: &Terminal,
    status: TerminalStatus,
    now: UnixTime,
) -> Result<bool> {
    if terminal.status == status {
        return Ok(false);
    }
    if terminal.status == TerminalStatus::Revoked {
        return Err(Error::invalid(format!("terminal {} is revoked; it may join again with a new token", terminal.id)));
    }
    let changed = next_change(db).await?;
    let revoked = (status == TerminalStatus::Revoked).then_some(to_i64(now.0));
    sqlx::query("UPDATE terminal SET status = ?, number = number + 1, revoked = ?, changed = ? WHERE id = ?")
        .bind(status.as_str())
        .bind(revoked)
        .bind(changed)
        .bind(terminal.id.as_bytes().as_slice())
        .execute(db)
        .await?;
    Ok(true)
}

/// Gives a terminal other scopes.
///
/// # Errors
/// [`Error::Refused`] for none, more than eight, or one that is not known.
pub async fn set_scopes(db: &mut SqliteConnection, terminal: &Terminal, scopes: &BTreeSet<ScopeName>) -> Result<()> {
    check_scopes(scopes)?;
    let changed = next_change(db).await?;
    sqlx::query("UPDATE terminal SET number = number + 1, changed = ? WHERE id = ?")
        .bind(changed)
        .bind(terminal.id.as_bytes().as_slice())
        .execute(&mut *db)
        .await?;
    write_scopes(db, &terminal.id, scopes).await
}

/// Remembers when and from where terminals were heard of.
///
/// # Errors
/// [`Error::Store`].
pub async fn seen(db: &mut SqliteConnection, seen: &[(TerminalId, UnixTime, String)]) -> Result<()> {
    for (id, time, address) in seen {
        sqlx::query("UPDATE terminal SET seen = ?, address = ? WHERE id = ?")
            .bind(to_i64(time.0))
            .bind(address)
            .bind(id.as_bytes().as_slice())
            .execute(&mut *db)
            .await?;
    }
    Ok(())
}

/// Terminals that changed after a value of the counter, and its value now.
///
/// # Errors
/// [`Error::Store`].
pub async fn changed_after(db: &mut SqliteConnection, counter: i64) -> Result<(Vec<Terminal>, i64)> {
    let now: i64 = sqlx::query_scalar("SELECT value FROM counter WHERE name = 'terminal'").fetch_one(&mut *db).await?;
    if now == counter {
        return Ok((Vec::new(), now));
    }
    let sql = format!("SELECT {COLUMNS} FROM terminal WHERE changed > ?");
    let rows = sqlx::query(sqlx::AssertSqlSafe(sql)).bind(counter).fetch_all(&mut *db).await?;
    Ok((with_scopes(db, rows).await?, now))
}

/// All terminals, by name.
///
/// # Errors
/// [`Error::Store`].
pub async fn list(db: &mut SqliteConnection) -> Result<Vec<Terminal>> {
    let sql = format!("SELECT {COLUMNS} FROM terminal ORDER BY name, id");
    let rows = sqlx::query(sqlx::AssertSqlSafe(sql)).fetch_all(&mut *db).await?;
    with_scopes(db, rows).await
}

/// The terminal of a machine.
///
/// # Errors
/// [`Error::Store`].
pub async fn of_machine(db: &mut SqliteConnection, machine: &Hash) -> Result<Option<Terminal>> {
    let sql = format!("SELECT {COLUMNS} FROM terminal WHERE machine = ?");
    let row =
        sqlx::query(sqlx::AssertSqlSafe(sql)).bind(machine.as_bytes().as_slice()).fetch_optional(&mut *db).await?;
    Ok(with_scopes(db, row.into_iter().collect()).await?.pop())
}

/// The terminal with an id.
///
/// # Errors
/// [`Error::Refused`] when there is none.
pub async fn by_id(db: &mut SqliteConnection, id: &TerminalId) -> Result<Terminal> {
    let sql = format!("SELECT {COLUMNS} FROM terminal WHERE id = ?");
    let row = sqlx::query(sqlx::AssertSqlSafe(sql)).bind(id.as_bytes().as_slice()).fetch_optional(&mut *db).await?;
    let found = with_scopes(db, row.into_iter().collect()).await?.pop();
    found.ok_or_else(|| Error::not_found(format!("terminal {id}")))
}

/// The one terminal that has this name, or whose id begins with these hexadecimal digits.
///
/// # Errors
/// [`Error::Refused`] when there is none or more than one.
pub async fn by_name(db: &mut SqliteConnection, name: &str) -> Result<Terminal> {
    let sql = format!(
        "SELECT {COLUMNS} FROM terminal WHERE name = ?1 OR (length(?2) >= 4 AND lower(hex(id)) LIKE ?2 || '%') LIMIT 2"
    );
    let prefix = if name.chars().all(|c| c.is_ascii_hexdigit()) { name.to_ascii_lowercase() } else { String::new() };
    let rows = sqlx::query(sqlx::AssertSqlSafe(sql)).bind(name).bind(prefix).fetch_all(&mut *db).await?;
    let mut found = with_scopes(db, rows).await?;
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

async fn write_scopes(db: &mut SqliteConnection, id: &TerminalId, scopes: &BTreeSet<ScopeName>) -> Result<()> {
    sqlx::query("DELETE FROM terminal_scope WHERE terminal = ?")
        .bind(id.as_bytes().as_slice())
        .execute(&mut *db)
        .await?;
    for scope in scopes {
        super::scope::get(db, scope).await?;
        sqlx::query("INSERT INTO terminal_scope (terminal, scope) VALUES (?, ?)")
            .bind(id.as_bytes().as_slice())
            .bind(scope.as_str())
            .execute(&mut *db)
            .await?;
    }
    Ok(())
}

async fn next_change(db: &mut SqliteConnection) -> Result<i64> {
    let sql = "UPDATE counter SET value = value + 1 WHERE name = 'terminal' RETURNING value";
    Ok(sqlx::query_scalar(sql).fetch_one(db).await?)
}

async fn with_scopes(db: &mut SqliteConnection, rows: Vec<sqlx::sqlite::SqliteRow>) -> Result<Vec<Terminal>> {
    let mut found = Vec::with_capacity(rows.len());
    for row in &rows {
        let mut terminal = read(row)?;
        let names: Vec<String> = sqlx::query_scalar("SELECT scope FROM terminal_scope WHERE terminal = ?")
            .bind(terminal.id.as_bytes().as_slice())
            .fetch_all(&mut *db)
            .await?;
        for name in names {
            terminal.scopes.insert(ScopeName::new(name).map_err(Error::damaged)?);
        }
        found.push(terminal);
    }
    Ok(found)
}

fn read(row: &sqlx::sqlite::SqliteRow) -> Result<Terminal> {
    let status = match row.try_get::<&str, _>(4)? {
        "pending" => TerminalStatus::Pending,
        "active" => TerminalStatus::Active,
        "revoked" => TerminalStatus::Revoked,
        _ => return Err(Error::damaged("a terminal's status")),
    };
    let serial = |bytes: Vec<u8>| bytes.try_into().map_err(|_| Error::damaged("a serial number"));
    Ok(Terminal {
        id: TerminalId::from_slice(&row.try_get::<Vec<u8>, _>(0)?).map_err(Error::damaged)?,
        number: to_u64(row.try_get(1)?)?,
        name: DisplayText::new(row.try_get::<String, _>(2)?).map_err(Error::damaged)?,
        machine: Hash::from_slice(&row.try_get::<Vec<u8>, _>(3)?).map_err(Error::damaged)?,
        status,
        serial: serial(row.try_get(5)?)?,
        previous_serial: row.try_get::<Option<Vec<u8>>, _>(6)?.map(serial).transpose()?,
        certificate_end: super::to_time(row.try_get(7)?)?,
        joined: super::to_time(row.try_get(8)?)?,
        revoked: to_some_time(row.try_get(9)?)?,
        seen: to_some_time(row.try_get(10)?)?,
        address: row.try_get(11)?,
        key: row
            .try_get::<Option<Vec<u8>>, _>(12)?
            .map(|key| Hash::from_slice(&key))
            .transpose()
            .map_err(Error::damaged)?,
        scopes: BTreeSet::new(),
    })
}
