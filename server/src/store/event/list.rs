//! Events for people and programs.

use schemars::JsonSchema;
use serde::Serialize;
use wardkey_core::codec;
use wardkey_core::event::Event;
use wardkey_core::id::{EventId, Hash, TerminalId};
use wardkey_core::time::UnixTime;

use crate::error::{Error, Result};
use crate::store::page::{Page, PageRequest};
use crate::store::query::{Db, FromRow, Only, Row, query};
use crate::store::value::Value;
use crate::texts::Text;

/// Which events to list.
#[derive(Clone, Debug, Default)]
pub struct Filter {
    /// Of this person or account.
    pub person: Option<String>,
    /// Of this terminal.
    pub terminal: Option<TerminalId>,
    /// `login`, ...
    pub name: Option<String>,
    /// `success` or `failure`.
    pub outcome: Option<String>,
    /// Only those whose evidence does not hold.
    pub invalid: bool,
    /// Not before this.
    pub since: Option<UnixTime>,
}

/// An event for people and programs.
#[derive(Clone, Debug, JsonSchema, Serialize)]
#[schemars(rename = "Event")]
pub struct Listed {
    /// Order of arrival.
    pub seq: i64,
    /// Event id.
    pub id: String,
    /// When it happened.
    pub time: i64,
    /// When it arrived.
    pub received: i64,
    /// Terminal id.
    pub terminal: String,
    /// Name of the terminal.
    pub terminal_name: String,
    /// What.
    pub event: String,
    /// How it ended.
    pub outcome: String,
    /// Stable code of the reason.
    pub reason: Option<String>,
    /// Who.
    pub person: Option<String>,
    /// Unix account.
    pub account: Option<String>,
    /// PAM service.
    pub service: Option<String>,
    /// Fingerprint of the key.
    pub key: Option<String>,
    /// Signature counter, when the evidence holds.
    pub counter: Option<i64>,
    /// `none`, `valid` or `invalid`.
    pub evidence: String,
    /// Why the evidence does not hold.
    pub finding: Option<String>,
    /// What the terminal says about it, for administrators.
    pub detail: Option<String>,
    /// The line as it stands in the terminal's syslog.
    pub line: String,
}

impl FromRow for Listed {
    fn from_row(row: &Row) -> Result<Self> {
        let event: Event =
            codec::from_bytes(&row.get::<Vec<u8>>("document")?).map_err(Error::damaged)?;
        let key: Option<Hash> = row.get("fingerprint")?;
        Ok(Self {
            seq: row.get("seq")?,
            id: row.get::<EventId>("id")?.to_hex(),
            time: row.get("time")?,
            received: row.get("received")?,
            terminal: row.get::<TerminalId>("terminal")?.to_hex(),
            terminal_name: row.get("terminal_name")?,
            event: row.get("name")?,
            outcome: row.get("outcome")?,
            reason: row.get::<Option<u16>>("reason")?.map(|number| format!("WK-{number}")),
            person: row.get("person")?,
            account: row.get("account")?,
            service: row.get("service")?,
            key: key.map(|key| key.short()).or_else(|| event.key.clone()),
            counter: row.get("counter")?,
            evidence: row.get("verdict")?,
            finding: row.get("finding")?,
            line: event.to_line(),
            detail: event.detail,
        })
    }
}

const SELECT: &str =
    "SELECT event.seq, event.id, event.time, event.received, event.terminal, terminal.name AS \
        terminal_name, event.name,
         event.outcome, event.reason, event.person, event.account, event.service, \
         credential.fingerprint,
         event.counter, event.verdict, event.finding, event.document
     FROM event JOIN terminal ON terminal.id = event.terminal
         LEFT JOIN credential ON credential.id = event.credential ";

/// What every statement asks: after a place in the list, and what else the filter says.
const FILTER: &str = "(event.time, event.seq) < ($1, $2) AND event.time >= $3
         AND (CAST($4 AS TEXT) IS NULL OR event.name = $4)
         AND (CAST($5 AS TEXT) IS NULL OR event.outcome = $5)
         AND (CAST($6 AS TEXT) IS NULL OR event.verdict = $6)
         AND (CAST($8 AS TEXT) IS NULL OR lower(event.name) LIKE $8 ESCAPE '\\'
             OR lower(event.person) LIKE $8 ESCAPE '\\'
             OR lower(event.account) LIKE $8 ESCAPE '\\'
             OR lower(event.service) LIKE $8 ESCAPE '\\'
             OR lower(event.finding) LIKE $8 ESCAPE '\\'
             OR 'wk-' || CAST(event.reason AS TEXT) LIKE $8 ESCAPE '\\'
             OR event.terminal IN
                 (SELECT id FROM terminal WHERE lower(name) LIKE $8 ESCAPE '\\')) ";
/// At one terminal or at all.
const AT: &str = " AND ($10 = '' OR event.terminal = $11) AND ";
/// At terminals of some scopes.
const IN: &str = "AND event.terminal IN (SELECT terminal_scope.terminal FROM terminal_scope
         WHERE terminal_scope.scope IN ";
const NEWEST: &str = " ORDER BY event.time DESC, event.seq DESC LIMIT $7";

/// Events, newest first; searched in what happened, person, account, service, code, finding and the
/// terminal's name. The terminal's own words are inside the signed record and are not searched.
///
/// Each kind of question has its own statement, so that its index is used: what is asked of one
/// person or terminal costs what that one has, not what all have.
///
/// # Errors
/// [`Error::Refused`] when `after` is of no page.
pub async fn page(db: &mut Db, filter: &Filter, request: &PageRequest) -> Result<Page<Listed>> {
    let (time, seq) = place(db, request).await?;
    let within = request.within.as_ref();
    let asked: [Value; 8] = [
        time.into(),
        seq.into(),
        filter.since.unwrap_or_default().into(),
        filter.name.as_ref().into(),
        filter.outcome.as_ref().into(),
        filter.invalid.then_some("invalid").into(),
        request.rows().into(),
        request.pattern().into(),
    ];
    let statement = if let Some(person) = &filter.person {
        query(SELECT)
            .bind_all(asked)
            .bind(person)
            .bind(filter.terminal.map_or("", |_| "one"))
            .bind(filter.terminal.as_ref())
            .then(
                "WHERE event.seq IN (SELECT seq FROM (\
                 SELECT seq FROM event WHERE event.person = $9",
            )
            .then(AT)
            .then(FILTER)
            .within(within, IN)
            .then(NEWEST)
            .then(
                ") AS by_person UNION SELECT seq FROM (\
                 SELECT seq FROM event WHERE event.account = $9",
            )
            .then(AT)
            .then(FILTER)
            .within(within, IN)
            .then(NEWEST)
            .then(") AS by_account) ")
            .then(NEWEST)
    } else if let Some(terminal) = &filter.terminal {
        query(SELECT)
            .bind_all(asked)
            .bind(terminal)
            .then("WHERE event.terminal = $9 AND ")
            .then(FILTER)
            .within(within, IN)
            .then(NEWEST)
    } else if filter.invalid {
        query(SELECT)
            .bind_all(asked)
            .then("WHERE event.verdict = 'invalid' AND ")
            .then(FILTER)
            .within(within, IN)
            .then(NEWEST)
    } else {
        query(SELECT).bind_all(asked).then("WHERE ").then(FILTER).within(within, IN).then(NEWEST)
    };
    let rows = statement.all(db).await?;
    Ok(Page::new(rows, request, |event: &Listed| event.seq.to_string()))
}

/// Where the page begins: the time and the number of the event before it. One that was pruned
/// since says no time, and a list that began anew would pass for its rest.
async fn place(db: &mut Db, request: &PageRequest) -> Result<(i64, i64)> {
    let seq = request.after_number(i64::MAX)?;
    if request.after.is_none() {
        return Ok((i64::MAX, seq));
    }
    let found = query("SELECT time FROM event WHERE seq = $1").bind(seq).optional(db).await?;
    let Only(time) = found.ok_or_else(|| Error::invalid(Text::NoSuchPage))?;
    Ok((time, seq))
}
