//! What happened: records of terminals, and the trail of administration.

use wardkey_core::name::LoginName;

use super::call::Call;
use super::endpoint::{Asked, Endpoint, Nothing, Terminal, Touches, parsed, query, route};
use super::terminals;
use crate::admin::Listing;
use crate::admin::event::{self, EventView, Wanted};
use crate::admin::trail;
use crate::error::{Error, Result};
use crate::store::audit::Entry;
use crate::texts::Text;
use crate::when::When;

query! {
    /// Which records.
    Which {
        /// Of this person or account.
        person: String,
        /// Of this terminal: its whole id.
        terminal: String,
        /// `login`, ...
        event: String,
        /// `success` or `failure`.
        outcome: String,
        /// Only those whose evidence does not hold.
        invalid: bool,
        /// Not before this day or time.
        since: String,
    }
}

route! {
    "Records of terminals, newest first."
    Events = Get "/v1/events" as "events.list" for ReadEvents
        (Nothing, Which, Nothing) -> Listing<EventView>
}

impl Endpoint for Events {
    async fn touches(call: &mut Call<'_>, asked: &Asked<Self>) -> Result<Touches> {
        match &asked.query.terminal {
            None => Ok(Touches::Rows),
            Some(id) => terminals::scopes_of(call, parsed("terminal", id)?).await,
        }
    }

    async fn run(call: &mut Call<'_>, asked: Asked<Self>) -> Result<Listing<EventView>> {
        let page = call.page(&asked.query.paging())?;
        let query = asked.query;
        let is_bounded =
            query.person.is_some() || query.terminal.is_some() || query.since.is_some();
        if query.search.is_some() && !is_bounded {
            return Err(Error::invalid("search: with person, terminal or since"));
        }
        let person = query.person.map(|login| parsed::<LoginName>("person", &login)).transpose()?;
        let terminal = query.terminal.map(|id| parsed::<Terminal>("terminal", &id)).transpose()?;
        let terminal = terminal.map(|terminal| terminal.0.to_hex());
        let unread = || Error::invalid(Text::WriteTime);
        let since = match query.since {
            None => None,
            Some(text) => Some(When::parse(&text).ok_or_else(unread)?),
        };
        let wanted = Wanted {
            person: person.as_ref(),
            terminal: terminal.as_deref(),
            name: query.event,
            outcome: query.outcome,
            invalid: query.invalid.unwrap_or_default(),
            since,
        };
        let events = event::list(&mut call.tx, wanted, &call.zone, &page).await?;

        let mut listing = call.listing(events)?;
        if !call.grant().is_everywhere() {
            // It names the scopes of a person who may be of elsewhere.
            listing.items.iter_mut().for_each(|row| row.explanation = None);
        }
        Ok(listing)
    }
}

query! {
    /// Which rows of the trail.
    Rows {
        /// On this object: a login name, a fingerprint, an id, a scope.
        object: String,
    }
}

route! {
    "The trail of administration, newest first: who changed what, and why."
    Trail = Get "/v1/audit" as "audit.list" for ReadTrail
        (Nothing, Rows, Nothing) -> Listing<Entry>
}

impl Endpoint for Trail {
    async fn touches(_: &mut Call<'_>, _: &Asked<Self>) -> Result<Touches> {
        Ok(Touches::Everything)
    }

    async fn run(call: &mut Call<'_>, asked: Asked<Self>) -> Result<Listing<Entry>> {
        let page = call.page(&asked.query.paging())?;
        let rows = trail::list(&mut call.tx, asked.query.object.as_deref(), &page).await?;
        call.listing(rows)
    }
}
