//! Terminals: how they come, change and go.

mod found;
mod row;
mod tag;
mod tags_and_positions;

use std::collections::BTreeSet;

use wardkey_core::document::{MAX_SCOPES, Position};
use wardkey_core::id::{Hash, TerminalId};
use wardkey_core::name::{DisplayText, ScopeName};
use wardkey_core::time::UnixTime;

use super::counter::Counter;
use super::desk_session;
use super::query::{Db, query};
use crate::error::{Error, Result};
use crate::pki::{Issued, SERIAL_LEN, TerminalCertificate};
use crate::texts::{Phrase, Text};

pub use found::{
    Filter, WithRoot, by_id, by_name, changed_after, list, names_of, of_machine, page, scopes_of,
    with_root,
};
pub use row::{Terminal, TerminalStatus};
pub use tag::{Tag, add_tags, remove_tags};
pub use tags_and_positions::{Behind, positions_of, tags_of};

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
        "INSERT INTO terminal (id, number, name, machine, status, serial, certificate_end, joined, \
            changed, key, issuer, certificate_begin)
         VALUES ($1, 1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11)
         ON CONFLICT (id) DO UPDATE SET number = terminal.number + 1, name = excluded.name,
             machine = excluded.machine, status = excluded.status, serial = excluded.serial, \
             previous_serial = NULL,
             certificate_end = excluded.certificate_end, joined = excluded.joined, revoked = NULL,
             deleted = NULL, changed = excluded.changed, key = excluded.key, root_version = NULL,
             came_by = NULL, issuer = excluded.issuer,
             certificate_begin = excluded.certificate_begin",
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
    .bind(&joining.issued.by)
    .bind(joining.issued.begins)
    .execute(db)
    .await?;
    desk_session::end_all(db, &joining.id).await?;
    write_scopes(db, &joining.id, joining.scopes).await
}

/// Gives a terminal its next certificate; the one before counts until the new one is used.
pub async fn renew(
    db: &mut Db,
    id: &TerminalId,
    used: &[u8; SERIAL_LEN],
    issued: &Issued,
) -> Result<()> {
    let changed = Counter::Terminal.next(db).await?;
    query(
        "UPDATE terminal
         SET serial = $1, previous_serial = $2, certificate_end = $3, changed = $4, key = $5,
             issuer = $6, certificate_begin = $7
         WHERE id = $8",
    )
    .bind(&issued.serial)
    .bind(used)
    .bind(issued.expires)
    .bind(changed)
    .bind(&issued.key)
    .bind(&issued.by)
    .bind(issued.begins)
    .bind(id)
    .execute(db)
    .await?;
    Ok(())
}

/// Takes a certificate of the key on record that is newer than the one on record, as
/// [`Terminal::is_behind`] says. False where the record is another one by now.
pub async fn take_newer(
    db: &mut Db,
    terminal: &Terminal,
    certificate: &TerminalCertificate,
) -> Result<bool> {
    let changed = Counter::Terminal.next(db).await?;
    let taken = query(
        "UPDATE terminal
         SET serial = $1, previous_serial = NULL, certificate_end = $2, issuer = $3, changed = $4,
             certificate_begin = $7
         WHERE id = $5 AND key = $6 AND serial = $8
             AND (certificate_begin IS NULL OR certificate_begin < $7)",
    )
    .bind(&certificate.serial)
    .bind(certificate.expires)
    .bind(&certificate.by)
    .bind(changed)
    .bind(&certificate.terminal)
    .bind(&certificate.key)
    .bind(certificate.begins)
    .bind(&terminal.serial)
    .execute(db)
    .await?;
    Ok(taken > 0)
}

/// The new certificate was used: the one before counts no longer.
pub async fn forget_previous_serial(
    db: &mut Db,
    id: &TerminalId,
    used: &[u8; SERIAL_LEN],
) -> Result<()> {
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
pub async fn set_status(
    db: &mut Db,
    terminal: &Terminal,
    status: TerminalStatus,
    now: UnixTime,
) -> Result<bool> {
    if terminal.status == status {
        return Ok(false);
    }
    if terminal.status == TerminalStatus::Revoked {
        let name = terminal.id.to_string().into();
        return Err(Error::invalid(Text::TerminalRevoked.with([("name", name)])));
    }
    let changed = Counter::Terminal.next(db).await?;
    query(
        "UPDATE terminal \
         SET status = $1, number = number + 1, revoked = $2, changed = $3 WHERE id = $4",
    )
    .bind(status)
    .bind((status == TerminalStatus::Revoked).then_some(now))
    .bind(changed)
    .bind(&terminal.id)
    .execute(db)
    .await?;
    if status == TerminalStatus::Revoked {
        // When it comes back, what it said before may be over.
        desk_session::doubt(db, &terminal.id, now).await?;
    }
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
pub async fn set_scopes(
    db: &mut Db,
    terminal: &Terminal,
    scopes: &BTreeSet<ScopeName>,
) -> Result<()> {
    check_scopes(scopes)?;
    let changed = Counter::Terminal.next(db).await?;
    query("UPDATE terminal SET number = number + 1, changed = $1 WHERE id = $2")
        .bind(changed)
        .bind(&terminal.id)
        .execute(db)
        .await?;
    write_scopes(db, &terminal.id, scopes).await
}

/// Gives a terminal another name.
pub async fn rename(db: &mut Db, id: &TerminalId, name: &DisplayText) -> Result<()> {
    let changed = Counter::Terminal.next(db).await?;
    query("UPDATE terminal SET name = $1, number = number + 1, changed = $2 WHERE id = $3")
        .bind(name)
        .bind(changed)
        .bind(id)
        .execute(db)
        .await?;
    Ok(())
}

/// Takes a revoked terminal out of every list. Its row stays for its records; `machine` takes the
/// place of its machine's id, so that the machine may join as another terminal. False when it is
/// not revoked.
pub async fn delete(db: &mut Db, id: &TerminalId, machine: &Hash, now: UnixTime) -> Result<bool> {
    let changed = Counter::Terminal.next(db).await?;
    let deleted = query(
        "UPDATE terminal SET deleted = $1, machine = $2, changed = $3
         WHERE id = $4 AND status = 'revoked'",
    )
    .bind(now)
    .bind(machine)
    .bind(changed)
    .bind(id)
    .execute(db)
    .await?;
    Ok(deleted > 0)
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
    /// By which address of the server, if it said it.
    pub came_by: Option<String>,
    /// Version and capabilities of its programs, if it said them.
    pub program: Option<(String, String)>,
    /// Where it says that it is in its scopes; only what is new.
    pub positions: Vec<(ScopeName, Position)>,
    /// The root document that it says that it has.
    pub root: Option<u64>,
}

/// Remembers when and from where terminals were heard of, and what they said of their programs and
/// of their scopes.
pub async fn seen(db: &mut Db, signs: &[SignOfLife]) -> Result<()> {
    for sign in signs {
        let (version, capabilities) = sign.program.clone().unzip();
        query(
            "UPDATE terminal SET seen = $1, address = $2, version = COALESCE($4, version),
                    capabilities = COALESCE($5, capabilities),
                    root_version = COALESCE($6, root_version),
                    came_by = COALESCE($7, came_by) WHERE id = $3",
        )
        .bind(sign.time)
        .bind(&sign.address)
        .bind(&sign.id)
        .bind(version)
        .bind(capabilities)
        .bind(sign.root)
        .bind(sign.came_by.as_deref())
        .execute(db)
        .await?;
        for (scope, position) in &sign.positions {
            query(
                "INSERT INTO terminal_position (terminal, scope, epoch, seq)
                 VALUES ($1, $2, $3, $4)
                 ON CONFLICT (terminal, scope)
                     DO UPDATE SET epoch = excluded.epoch, seq = excluded.seq",
            )
            .bind(&sign.id)
            .bind(scope)
            .bind(position.epoch)
            .bind(position.seq)
            .execute(db)
            .await?;
        }
    }
    Ok(())
}

/// How many scopes a terminal has.
pub fn scopes_wrong() -> Phrase {
    Text::TerminalScopes.with([("count", (MAX_SCOPES as u64).into())])
}

fn check_scopes(scopes: &BTreeSet<ScopeName>) -> Result<()> {
    if scopes.is_empty() || scopes.len() > MAX_SCOPES {
        return Err(Error::invalid(scopes_wrong()));
    }
    Ok(())
}

async fn write_scopes(db: &mut Db, id: &TerminalId, scopes: &BTreeSet<ScopeName>) -> Result<()> {
    query("DELETE FROM terminal_scope WHERE terminal = $1").bind(id).execute(db).await?;
    for scope in scopes {
        let insert = query("INSERT INTO terminal_scope (terminal, scope) VALUES ($1, $2)")
            .bind(id)
            .bind(scope);
        super::scope::add_reference(db, scope, insert).await?;
    }
    Ok(())
}
