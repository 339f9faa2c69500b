//! Terminals that are looked up: one, a page, or those that changed.

use std::collections::{BTreeMap, BTreeSet};

use wardkey_core::id::{Hash, TerminalId};
use wardkey_core::name::ScopeName;
use wardkey_core::time::UnixTime;

use super::row::Terminal;
use super::tag::Tag;
use crate::error::{Error, Result};
use crate::store::counter::Counter;
use crate::store::page::{Page, PageRequest};
use crate::store::query::{Db, FromRow, LISTED_AT_ONCE, Row, query};
use crate::store::value::with_prefix;
use crate::texts::Text;

const SELECT: &str = "SELECT id, number, name, machine, status, serial, previous_serial, \
    certificate_begin, certificate_end, joined, \
                      revoked, seen, address, came_by, key, version, capabilities, \
                      root_version FROM terminal ";

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

/// Which terminals are listed: those that fit everything that is given.
#[derive(Clone, Debug, Default)]
pub struct Filter<'a> {
    /// Of this scope.
    pub scope: Option<&'a ScopeName>,
    /// With this tag.
    pub tag: Option<&'a Tag>,
    /// Whose programs are of this version.
    pub version: Option<&'a str>,
    /// Not revoked, and not heard of since.
    pub silent_since: Option<UnixTime>,
    /// Active, and at least so many positions behind what is published, in the scope that is given
    /// or in any; also those that have not said where they are.
    pub behind: Option<u64>,
    /// Not revoked, and without this root document or a newer one.
    pub root_below: Option<u64>,
    /// Not revoked, and with a certificate of another authority than this one (SHA-256 of its
    /// certificate), or that has not used the one of this authority yet.
    pub certified_besides: Option<&'a Hash>,
    /// The authority of those certificates of which it is not on record.
    pub of_unknown: Option<&'a Hash>,
    /// That came last by this address of the server.
    pub came_by: Option<&'a str>,
}

/// Terminals by name; searched in the name and the address, and by the first digits of the id.
pub async fn page(
    db: &mut Db,
    filter: &Filter<'_>,
    request: &PageRequest,
) -> Result<Page<Terminal>> {
    let (low, high) =
        request.search.as_deref().and_then(|text| with_prefix(text, TerminalId::LEN)).unzip();
    let after = request.after.as_deref().and_then(|after| TerminalId::from_hex(after).ok());
    let found = query(SELECT)
        .then(
            "WHERE ($1 = '' OR (name, id) > (SELECT name, id FROM terminal WHERE id = $2))
                 AND (CAST($3 AS TEXT) IS NULL OR EXISTS (
                     SELECT 1 FROM terminal_scope
                     WHERE terminal_scope.terminal = terminal.id AND scope = $3))
                 AND (CAST($4 AS TEXT) IS NULL OR lower(name) LIKE $4 ESCAPE '\\'
                     OR address LIKE $4 ESCAPE '\\'
                     OR id BETWEEN $5 AND $6)
                 AND deleted IS NULL
                 AND (CAST($8 AS TEXT) IS NULL OR version = $8)
                 AND (CAST($9 AS TEXT) IS NULL OR EXISTS (
                     SELECT 1 FROM terminal_tag
                     WHERE terminal_tag.terminal = terminal.id AND terminal_tag.name = $9))
                 AND (CAST($10 AS BIGINT) IS NULL
                     OR (status <> 'revoked' AND COALESCE(seen, joined) < $10))
                 AND (CAST($11 AS BIGINT) IS NULL OR (status = 'active' AND EXISTS (
                     SELECT 1 FROM terminal_scope
                     JOIN scope ON scope.name = terminal_scope.scope
                     LEFT JOIN terminal_position ON terminal_position.terminal = terminal.id
                         AND terminal_position.scope = scope.name
                     WHERE terminal_scope.terminal = terminal.id
                         AND (CAST($3 AS TEXT) IS NULL OR scope.name = $3)
                         AND (terminal_position.seq IS NULL
                             OR terminal_position.epoch < scope.epoch
                             OR scope.seq - terminal_position.seq >= $11))))
                 AND (CAST($12 AS BIGINT) IS NULL
                     OR (status <> 'revoked' AND COALESCE(root_version, 0) < $12))
                 AND (CAST($13 AS TEXT) IS NULL OR came_by = $13)
                 AND (CAST($14 AS BIGINT) IS NULL
                     OR (status <> 'revoked' AND (COALESCE(issuer, $16) IS NULL
                         OR COALESCE(issuer, $16) <> $15 OR previous_serial IS NOT NULL)))",
        )
        .bind(request.after.as_deref().unwrap_or(""))
        .bind(after.as_ref())
        .bind(filter.scope)
        .bind(request.pattern())
        .bind(low)
        .bind(high)
        .bind(request.rows())
        .bind(filter.version)
        .bind(filter.tag)
        .bind(filter.silent_since)
        .bind(filter.behind)
        .bind(filter.root_below)
        .bind(filter.came_by)
        .bind(filter.certified_besides.map(|_| 1_u64))
        .bind(filter.certified_besides)
        .bind(filter.of_unknown)
        .within(
            request.within.as_ref(),
            " AND EXISTS (SELECT 1 FROM terminal_scope
                 WHERE terminal_scope.terminal = terminal.id AND terminal_scope.scope IN ",
        )
        .then(" ORDER BY name, id LIMIT $7")
        .all::<Terminal>(db)
        .await?;
    let page = Page::new(found, request, |terminal| terminal.id.to_hex());
    Ok(Page { rows: with_scopes(db, page.rows).await?, next: page.next })
}

/// How many terminals have a root document.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct WithRoot {
    /// That have it or a newer one.
    pub have: u64,
    /// All that are neither revoked nor deleted.
    pub of: u64,
}

impl FromRow for WithRoot {
    fn from_row(row: &Row) -> Result<Self> {
        Ok(Self { have: row.get("have")?, of: row.get("all_of_them")? })
    }
}

/// How many terminals say that they have this root document or a newer one.
pub async fn with_root(db: &mut Db, version: u64) -> Result<WithRoot> {
    query(
        "SELECT count(CASE WHEN root_version >= $1 THEN 1 END) AS have,
             count(*) AS all_of_them
         FROM terminal WHERE status <> 'revoked' AND deleted IS NULL",
    )
    .bind(version)
    .one(db)
    .await
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
    with_scopes(db, found).await?.pop().ok_or_else(|| unknown(&id.to_string()))
}

/// The one terminal that has this name, or whose id begins with these hexadecimal digits. All of
/// them are an id, whatever somebody has called another terminal.
///
/// # Errors
/// [`Error::Refused`] when there is none or more than one.
pub async fn by_name(db: &mut Db, name: &str) -> Result<Terminal> {
    if let Ok(id) = TerminalId::from_hex(name) {
        let found =
            query(SELECT).then("WHERE id = $1 AND deleted IS NULL").bind(&id).all(db).await?;
        return with_scopes(db, found).await?.pop().ok_or_else(|| unknown(name));
    }
    let range = if name.len() < 4 { None } else { with_prefix(name, TerminalId::LEN) };
    let (low, high) = range.unzip();
    let found = query(SELECT)
        .then("WHERE (name = $1 OR id BETWEEN $2 AND $3) AND deleted IS NULL LIMIT 2")
        .bind(name)
        .bind(low)
        .bind(high)
        .all(db)
        .await?;
    let mut found = with_scopes(db, found).await?;
    match (found.pop(), found.pop()) {
        (Some(terminal), None) => Ok(terminal),
        (None, _) => Err(unknown(name)),
        _ => Err(Error::invalid(Text::TerminalAmbiguous.with([("name", name.into())]))),
    }
}

fn unknown(name: &str) -> Error {
    Error::not_found(Text::UnknownTerminal.with([("name", name.into())]))
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

/// The scopes of terminals; one that has none is left out.
pub async fn scopes_of(
    db: &mut Db,
    ids: &[TerminalId],
) -> Result<BTreeMap<TerminalId, BTreeSet<ScopeName>>> {
    let mut scopes = BTreeMap::<_, BTreeSet<_>>::new();
    for part in ids.chunks(LISTED_AT_ONCE) {
        let rows = query("SELECT terminal, scope FROM terminal_scope WHERE terminal IN ")
            .list(part)
            .all::<ScopeOf>(db)
            .await?;
        for row in rows {
            scopes.entry(row.terminal).or_default().insert(row.scope);
        }
    }
    Ok(scopes)
}

struct Named {
    id: TerminalId,
    name: String,
}

impl FromRow for Named {
    fn from_row(row: &Row) -> Result<Self> {
        Ok(Self { id: row.get("id")?, name: row.get("name")? })
    }
}

/// The names of terminals, deleted ones too.
pub async fn names_of(db: &mut Db, ids: &[TerminalId]) -> Result<BTreeMap<TerminalId, String>> {
    let mut names = BTreeMap::new();
    for part in ids.chunks(LISTED_AT_ONCE) {
        let rows =
            query("SELECT id, name FROM terminal WHERE id IN ").list(part).all::<Named>(db).await?;
        names.extend(rows.into_iter().map(|Named { id, name }| (id, name)));
    }
    Ok(names)
}

/// Adds their scopes to terminals.
async fn with_scopes(db: &mut Db, mut terminals: Vec<Terminal>) -> Result<Vec<Terminal>> {
    let ids: Vec<TerminalId> = terminals.iter().map(|terminal| terminal.id).collect();
    let mut scopes = scopes_of(db, &ids).await?;
    for terminal in &mut terminals {
        terminal.scopes = scopes.remove(&terminal.id).unwrap_or_default();
    }
    Ok(terminals)
}
