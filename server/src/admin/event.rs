//! Events of terminals.

use std::collections::{BTreeSet, HashMap};

use jiff::tz::TimeZone;
use serde::Serialize;
use wardkey_core::code::Code;
use wardkey_core::id::TerminalId;
use wardkey_core::name::{LoginName, ScopeName};

use super::Listing;
use super::operation::joined;
use crate::error::{Error, Result};
use crate::store::event::{self, Filter, Listed};
use crate::store::{PageRequest, Tx, person, terminal};
use crate::texts::{Phrase, Text};
use crate::when::When;

/// An event, with what a help desk needs to know about a refusal.
#[derive(Debug, Serialize)]
pub struct EventView {
    /// The event.
    #[serde(flatten)]
    pub event: Listed,
    /// Why name and key did not match ([`Code::KeyAndNameDoNotMatch`]), by what the server knows
    /// now: the person at the terminal was told the same words for all of it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub explanation: Option<Phrase>,
}

/// Which events are listed.
#[derive(Debug, Default)]
pub struct Wanted<'a> {
    /// Of this person or account.
    pub person: Option<&'a LoginName>,
    /// Of this terminal (name, or beginning of the id).
    pub terminal: Option<&'a str>,
    /// `login`, ...
    pub name: Option<String>,
    /// `success` or `failure`.
    pub outcome: Option<String>,
    /// Only those whose evidence does not hold.
    pub invalid: bool,
    /// Not before this.
    pub since: Option<When>,
}

/// Events, newest first; days are those of the zone.
pub async fn list(
    tx: &mut Tx,
    wanted: Wanted<'_>,
    zone: &TimeZone,
    request: &PageRequest,
) -> Result<Listing<EventView>> {
    let since = match wanted.since {
        Some(when) => {
            let begins = when.begins(zone);
            Some(begins.ok_or_else(|| Error::usage(Text::NoSuchTime))?)
        }
        None => None,
    };
    let terminal = match wanted.terminal {
        Some(name) => Some(terminal::by_name(tx, name).await?.id),
        None => None,
    };
    let filter = Filter {
        person: wanted.person.map(ToString::to_string),
        terminal,
        name: wanted.name,
        outcome: wanted.outcome,
        invalid: wanted.invalid,
        since,
    };
    let page = event::page(tx, &filter, request).await?;

    let mut explaining = Explaining::default();
    let mut items = Vec::with_capacity(page.rows.len());
    for event in page.rows {
        let explanation = explaining.explain(tx, &event).await?;
        items.push(EventView { event, explanation });
    }
    Ok(Listing { items, more: page.next.is_some(), next: page.next })
}

/// What was looked up for one page.
#[derive(Default)]
struct Explaining {
    people: HashMap<String, Option<BTreeSet<ScopeName>>>,
    terminals: HashMap<String, BTreeSet<ScopeName>>,
}

impl Explaining {
    async fn explain(&mut self, tx: &mut Tx, event: &Listed) -> Result<Option<Phrase>> {
        if event.reason.as_deref() != Some(Code::KeyAndNameDoNotMatch.to_string().as_str()) {
            return Ok(None);
        }
        let Some(name) = event.account.as_ref().or(event.person.as_ref()) else {
            // What was typed is recorded only when somebody has that name.
            return Ok(Some(Text::NameOfNobody.into()));
        };

        let Some(scopes) = self.scopes_of_person(tx, name).await? else {
            return Ok(Some(Text::NoSuchPerson.with([("name", name.as_str().into())])));
        };
        let here = self.scopes_of_terminal(tx, &event.terminal).await?;
        if scopes.is_disjoint(here) {
            return Ok(Some(Text::OtherScope.with([
                ("name", name.as_str().into()),
                ("own", joined(&scopes).into()),
                ("here", joined(here).into()),
            ])));
        }
        Ok(Some(Text::OtherKey.with([("name", name.as_str().into())])))
    }

    async fn scopes_of_person(
        &mut self,
        tx: &mut Tx,
        name: &str,
    ) -> Result<Option<BTreeSet<ScopeName>>> {
        if let Some(known) = self.people.get(name) {
            return Ok(known.clone());
        }
        let found = match LoginName::new(name) {
            Ok(login) => person::find(tx, &login).await?,
            Err(_) => None,
        };
        let scopes = match found {
            Some(person) => Some(person::scopes(tx, person.id).await?),
            None => None,
        };
        self.people.insert(name.to_owned(), scopes.clone());
        Ok(scopes)
    }

    async fn scopes_of_terminal(&mut self, tx: &mut Tx, id: &str) -> Result<&BTreeSet<ScopeName>> {
        if !self.terminals.contains_key(id) {
            let id = TerminalId::from_hex(id).map_err(Error::damaged)?;
            let terminal = terminal::by_id(tx, &id).await?;
            self.terminals.insert(id.to_hex(), terminal.scopes);
        }
        self.terminals.get(id).ok_or_else(|| Error::damaged("a terminal's id"))
    }
}
