//! Passes in a report.

use wardkey_core::id::TerminalId;
use wardkey_core::name::{DisplayText, LoginName, ScopeName};
use wardkey_core::time::UnixTime;

use super::stretch::Stretch;
use crate::error::Result;
use crate::store::query::{Db, FromRow, Row, query};

/// A pass, with the names that people know.
#[derive(Clone, Debug)]
pub struct IssuedPass {
    /// Login name of its person.
    pub login: LoginName,
    /// The person's name.
    pub name: DisplayText,
    /// From when.
    pub begins: UnixTime,
    /// Until before when.
    pub until: UnixTime,
    /// For the terminals of this scope.
    pub scope: Option<String>,
    /// For this terminal.
    pub terminal: Option<TerminalId>,
    /// Its name.
    pub terminal_name: Option<String>,
    /// Who issued it.
    pub issuer: String,
    /// Why.
    pub reason: String,
    /// When it was last used.
    pub used: Option<UnixTime>,
    /// When it ended before its time.
    pub ended: Option<UnixTime>,
}

impl FromRow for IssuedPass {
    fn from_row(row: &Row) -> Result<Self> {
        Ok(Self {
            login: row.get("login")?,
            name: row.get("display_name")?,
            begins: row.get("begins")?,
            until: row.get("until")?,
            scope: row.get("scope")?,
            terminal: row.get("terminal")?,
            terminal_name: row.get("terminal_name")?,
            issuer: row.get("issuer")?,
            reason: row.get("reason")?,
            used: row.get("used")?,
            ended: row.get("ended")?,
        })
    }
}

/// Passes that began in a stretch, the earliest first; of people of one scope when given.
pub async fn passes(
    db: &mut Db,
    (from, to): Stretch,
    people_of: Option<&ScopeName>,
) -> Result<Vec<IssuedPass>> {
    query(
        "SELECT person.login, person.display_name, pass.begins, pass.until, pass.scope,
             pass.terminal, terminal.name AS terminal_name, pass.issuer, pass.reason, pass.used,
             pass.ended
         FROM pass JOIN person ON person.id = pass.person
             LEFT JOIN terminal ON terminal.id = pass.terminal
         WHERE pass.begins >= $1 AND pass.begins < $2
             AND (CAST($3 AS TEXT) IS NULL OR EXISTS (SELECT 1 FROM person_scope
                 WHERE person_scope.person = pass.person AND person_scope.scope = $3))
         ORDER BY pass.begins, pass.number",
    )
    .bind(from)
    .bind(to)
    .bind(people_of)
    .all(db)
    .await
}
