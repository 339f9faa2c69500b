//! Events of terminals.

use std::collections::{BTreeMap, BTreeSet};

use jiff::tz::TimeZone;
use schemars::JsonSchema;
use serde::Serialize;
use wardkey_core::code::Code;
use wardkey_core::id::TerminalId;
use wardkey_core::name::{LoginName, ScopeName};

use super::Listing;
use super::operation::joined;
use crate::error::{Error, Result};
use crate::store::event::{self, Filter, Listed};
use crate::store::{PageRequest, Tx, lookup, terminal};
use crate::texts::{Phrase, Text};
use crate::when::When;

/// An event, with what a help desk needs to know about a refusal.
#[derive(Debug, JsonSchema, Serialize)]
pub struct EventView {
    /// The event.
    #[serde(flatten)]
    pub event: Listed,
    /// Why name and key did not match ([`Code::KeyAndNameDoNotMatch`]), by what the server knows
    /// now: the person at the terminal was told the same words for all of it.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(with = "Option<String>")]
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

    let looked_up = LookedUp::for_page(tx, &page.rows).await?;
    let explained = |event: Listed| EventView { explanation: looked_up.explain(&event), event };
    Ok(Listing::new(page, explained))
}

/// What is known now of the people and the terminals of a page.
struct LookedUp {
    people: BTreeMap<LoginName, BTreeSet<ScopeName>>,
    terminals: BTreeMap<String, BTreeSet<ScopeName>>,
}

impl LookedUp {
    async fn for_page(tx: &mut Tx, events: &[Listed]) -> Result<Self> {
        let mut people = BTreeSet::new();
        let mut terminals = BTreeSet::new();
        for event in events.iter().filter(|event| is_unexplained(event)) {
            people.extend(claimed_name(event).and_then(|name| LoginName::new(name).ok()));
            terminals.insert(TerminalId::from_hex(&event.terminal).map_err(Error::damaged)?);
        }
        let people: Vec<LoginName> = people.into_iter().collect();
        let terminals: Vec<TerminalId> = terminals.into_iter().collect();
        let of_terminals = terminal::scopes_of(tx, &terminals).await?;
        Ok(Self {
            people: lookup::scopes_of_people(tx, &people).await?,
            terminals: of_terminals.into_iter().map(|(id, own)| (id.to_hex(), own)).collect(),
        })
    }

    fn explain(&self, event: &Listed) -> Option<Phrase> {
        if !is_unexplained(event) {
            return None;
        }
        let Some(name) = claimed_name(event) else {
            // What was typed is recorded only when somebody has that name.
            return Some(Text::NameOfNobody.into());
        };
        let own = LoginName::new(name).ok().and_then(|login| self.people.get(&login));
        let Some(own) = own else {
            return Some(Text::NoSuchPerson.with([("name", name.into())]));
        };
        let nowhere = BTreeSet::new();
        let here = self.terminals.get(&event.terminal).unwrap_or(&nowhere);
        Some(if own.is_disjoint(here) {
            Text::OtherScope.with([
                ("name", name.into()),
                ("own", joined(own).into()),
                ("here", joined(here).into()),
            ])
        } else {
            Text::OtherKey.with([("name", name.into())])
        })
    }
}

fn is_unexplained(event: &Listed) -> bool {
    event.reason.as_deref() == Some(Code::KeyAndNameDoNotMatch.to_string().as_str())
}

/// The name that was given at the terminal.
fn claimed_name(event: &Listed) -> Option<&str> {
    event.account.as_deref().or(event.person.as_deref())
}
