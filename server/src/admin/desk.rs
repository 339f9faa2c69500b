//! Who is signed in at which terminal.

use schemars::JsonSchema;
use serde::Serialize;
use wardkey_core::id::TerminalId;
use wardkey_core::name::{LoginName, ScopeName};

use super::Listing;
use crate::error::Result;
use crate::store::desk_session::{self, DeskSession, Filter};
use crate::store::{PageRequest, Tx, scope, terminal};

/// Which sessions are listed: those that fit everything that is given.
#[derive(Clone, Debug, Default)]
pub struct Wanted<'a> {
    /// At terminals of this scope.
    pub scope: Option<&'a ScopeName>,
    /// At this terminal (name, or beginning of the id).
    pub terminal: Option<&'a str>,
    /// Of this person.
    pub person: Option<&'a LoginName>,
}

/// Somebody who is signed in at a terminal, as its records say.
#[derive(Debug, JsonSchema, Serialize)]
#[schemars(rename = "DeskSession")]
pub struct DeskSessionView {
    /// Id of the terminal, hexadecimal digits.
    pub terminal: String,
    /// Name of the terminal.
    pub terminal_name: String,
    /// When the terminal was last heard of, Unix seconds: what came to pass there since is not
    /// known here.
    pub heard: Option<u64>,
    /// logind's session, when a record said it.
    pub session: Option<String>,
    /// logind's seat.
    pub seat: Option<String>,
    /// Terminal line.
    pub tty: Option<String>,
    /// PAM service.
    pub service: Option<String>,
    /// Unix account.
    pub account: String,
    /// Login name of the person.
    pub person: String,
    /// The person's name; none when no scope of the terminal has such a person, or none that
    /// whoever asks may see.
    pub name: Option<String>,
    /// The first digits of the key's fingerprint; none without a key.
    pub key: Option<String>,
    /// When the session began, Unix seconds.
    pub began: u64,
    /// When this person signed in to it, Unix seconds; none when no record said it.
    pub since: Option<u64>,
    /// Its screen: `open` by a login, `locked`, or `opened` without a login.
    pub screen: &'static str,
    /// Since when it is locked or opened, Unix seconds.
    pub screen_since: Option<u64>,
    /// Stable code of why it is.
    pub screen_reason: Option<String>,
    /// Whether records of the terminal were lost since it was told, or the terminal was revoked
    /// meanwhile: the session may have ended.
    pub uncertain: bool,
}

impl From<DeskSession> for DeskSessionView {
    fn from(session: DeskSession) -> Self {
        Self {
            terminal: session.terminal.to_hex(),
            terminal_name: session.terminal_name.to_string(),
            heard: session.heard.map(|time| time.0),
            session: session.session,
            seat: session.seat,
            tty: session.tty,
            service: session.service,
            account: session.account.to_string(),
            person: session.person.to_string(),
            name: session.name.map(|name| name.to_string()),
            key: session.key,
            began: session.began.0,
            since: session.since.map(|time| time.0),
            screen: session.screen.as_str(),
            screen_since: session.screen_since.map(|time| time.0),
            screen_reason: session.screen_reason.map(|number| format!("WK-{number}")),
            uncertain: session.is_uncertain,
        }
    }
}

/// A page of who is signed in, the newest session first.
pub async fn list(
    tx: &mut Tx,
    wanted: &Wanted<'_>,
    request: &PageRequest,
) -> Result<Listing<DeskSessionView>> {
    let mut request = request.clone();
    let named = request.within.clone();
    if let Some(scope) = wanted.scope {
        scope::get(tx, scope).await?;
        // Of what may be seen only this one.
        let is_seen = request.within.as_ref().is_none_or(|within| within.contains(scope));
        request.within = Some(is_seen.then(|| scope.clone()).into_iter().collect());
    }
    let terminal: Option<TerminalId> = match wanted.terminal {
        Some(name) => Some(terminal::by_name(tx, name).await?.id),
        None => None,
    };
    let filter = Filter { terminal, person: wanted.person, named: named.as_ref() };
    let page = desk_session::page(tx, &filter, &request).await?;
    Ok(Listing::new(page, DeskSessionView::from))
}
