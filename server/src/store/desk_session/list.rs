//! Who is signed in, for people and programs.

use std::collections::BTreeSet;

use wardkey_core::id::TerminalId;
use wardkey_core::name::{DisplayText, LoginName, ScopeName};
use wardkey_core::time::UnixTime;

use super::screen::Screen;
use crate::error::Result;
use crate::store::page::{Page, PageRequest};
use crate::store::query::{Db, FromRow, Row, query};

/// A session that goes on, with the names that people know.
#[derive(Clone, Debug)]
pub struct DeskSession {
    /// Row.
    pub number: i64,
    /// Where.
    pub terminal: TerminalId,
    /// Name of the terminal.
    pub terminal_name: DisplayText,
    /// When the terminal was last heard of.
    pub heard: Option<UnixTime>,
    /// logind's session.
    pub session: Option<String>,
    /// The account.
    pub account: LoginName,
    /// Login name of who is signed in.
    pub person: LoginName,
    /// The person's name; none when no scope of the terminal has such a person, or none that
    /// whoever asks may see.
    pub name: Option<DisplayText>,
    /// The first digits of the key's fingerprint.
    pub key: Option<String>,
    /// PAM service.
    pub service: Option<String>,
    /// Terminal line.
    pub tty: Option<String>,
    /// logind's seat.
    pub seat: Option<String>,
    /// When the session began.
    pub began: UnixTime,
    /// When this person signed in to it.
    pub since: Option<UnixTime>,
    /// Its screen.
    pub screen: Screen,
    /// Since when, unless it is open.
    pub screen_since: Option<UnixTime>,
    /// Why it is so.
    pub screen_reason: Option<u16>,
    /// Whether records were lost since it was told: it may have ended.
    pub is_uncertain: bool,
}

impl FromRow for DeskSession {
    fn from_row(row: &Row) -> Result<Self> {
        let told: UnixTime = row.get("told")?;
        let doubt: Option<UnixTime> = row.get("doubt")?;
        Ok(Self {
            number: row.get("number")?,
            terminal: row.get("terminal")?,
            terminal_name: row.get("terminal_name")?,
            heard: row.get("seen")?,
            session: row.get("session")?,
            account: row.get("account")?,
            person: row.get("person")?,
            name: row.get("display_name")?,
            key: row.get("key")?,
            service: row.get("service")?,
            tty: row.get("tty")?,
            seat: row.get("seat")?,
            began: row.get("began")?,
            since: row.get("since")?,
            screen: row.get("screen")?,
            screen_since: row.get("screen_since")?,
            screen_reason: row.get("screen_reason")?,
            is_uncertain: doubt.is_some_and(|time| time >= told),
        })
    }
}

/// Which sessions to list.
#[derive(Clone, Debug, Default)]
pub struct Filter<'a> {
    /// At this terminal.
    pub terminal: Option<TerminalId>,
    /// Of this person.
    pub person: Option<&'a LoginName>,
    /// Names of people of these scopes alone; of all without.
    pub named: Option<&'a BTreeSet<ScopeName>>,
}

const SELECT: &str = "SELECT desk_session.number, desk_session.terminal, \
        terminal.name AS terminal_name, terminal.seen, desk_session.session, \
        desk_session.account, desk_session.person, person.display_name, desk_session.key, \
        desk_session.service, desk_session.tty, desk_session.seat, desk_session.began, \
        desk_session.since, desk_session.screen, desk_session.screen_since, \
        desk_session.screen_reason, desk_session.told, desk_doubt.time AS doubt
     FROM desk_session JOIN terminal ON terminal.id = desk_session.terminal
         LEFT JOIN desk_doubt ON desk_doubt.terminal = desk_session.terminal
         LEFT JOIN person ON person.login = desk_session.person
             AND person.status <> 'deleted'
             AND EXISTS (SELECT 1 FROM person_scope JOIN terminal_scope
                     ON terminal_scope.scope = person_scope.scope
                 WHERE person_scope.person = person.id
                     AND terminal_scope.terminal = desk_session.terminal) ";

/// Sessions that go on at active terminals, the one that came last first. Searched in the
/// person's login and name, the account and the terminal's name.
///
/// # Errors
/// [`Error::Refused`](crate::error::Error::Refused) when `after` is of no page.
pub async fn page(
    db: &mut Db,
    filter: &Filter<'_>,
    request: &PageRequest,
) -> Result<Page<DeskSession>> {
    let rows = query(SELECT)
        .bind(request.after_number(i64::MAX)?)
        .bind(request.pattern())
        .bind(request.rows())
        .bind(filter.person)
        .bind(filter.terminal.map_or("", |_| "one"))
        .bind(filter.terminal.as_ref())
        .within(
            filter.named,
            " AND EXISTS (SELECT 1 FROM person_scope
                 WHERE person_scope.person = person.id AND person_scope.scope IN ",
        )
        .then(
            " WHERE desk_session.number < $1 AND terminal.status = 'active'
                 AND (CAST($2 AS TEXT) IS NULL OR lower(desk_session.person) LIKE $2 ESCAPE '\\'
                     OR lower(person.display_name) LIKE $2 ESCAPE '\\'
                     OR lower(desk_session.account) LIKE $2 ESCAPE '\\'
                     OR lower(terminal.name) LIKE $2 ESCAPE '\\')
                 AND (CAST($4 AS TEXT) IS NULL OR desk_session.person = $4)
                 AND ($5 = '' OR desk_session.terminal = $6)",
        )
        .within(
            request.within.as_ref(),
            " AND EXISTS (SELECT 1 FROM terminal_scope
                 WHERE terminal_scope.terminal = desk_session.terminal
                     AND terminal_scope.scope IN ",
        )
        .then(" ORDER BY desk_session.number DESC LIMIT $3")
        .all(db)
        .await?;
    Ok(Page::new(rows, request, |session: &DeskSession| session.number.to_string()))
}
