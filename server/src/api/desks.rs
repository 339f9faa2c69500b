//! Who is signed in at which terminal.

use wardkey_core::name::{LoginName, ScopeName};

use super::call::Call;
use super::endpoint::{Asked, Endpoint, Nothing, Terminal, Touches, parsed, query, route};
use super::terminals;
use crate::admin::Listing;
use crate::admin::desk::{self, DeskSessionView, Wanted};
use crate::error::{Error, Result};

query! {
    /// Which sessions.
    Which {
        /// At terminals of this scope.
        scope: String,
        /// At this terminal: its whole id.
        terminal: String,
        /// Of this person.
        person: String,
    }
}

route! {
    "Who is signed in at which terminal, as the records of the terminals say, the newest first."
    List = Get "/v1/sessions" as "sessions.list" for ReadSessions
        (Nothing, Which, Nothing) -> Listing<DeskSessionView>
}

impl Endpoint for List {
    async fn touches(call: &mut Call<'_>, asked: &Asked<Self>) -> Result<Touches> {
        match (&asked.query.terminal, &asked.query.scope) {
            (Some(_), Some(_)) => Err(Error::invalid("scope: not with terminal")),
            (Some(id), None) => terminals::scopes_of(call, parsed("terminal", id)?).await,
            (None, Some(scope)) => Ok(Touches::Scopes([parsed("scope", scope)?].into())),
            (None, None) => Ok(Touches::Rows),
        }
    }

    async fn run(call: &mut Call<'_>, asked: Asked<Self>) -> Result<Listing<DeskSessionView>> {
        let page = call.page(&asked.query.paging())?;
        let query = asked.query;
        let scope = query.scope.map(|scope| parsed::<ScopeName>("scope", &scope)).transpose()?;
        let person = query.person.map(|login| parsed::<LoginName>("person", &login)).transpose()?;
        let terminal = query.terminal.map(|id| parsed::<Terminal>("terminal", &id)).transpose()?;
        let terminal = terminal.map(|terminal| terminal.0.to_hex());
        let wanted = Wanted {
            scope: scope.as_ref(),
            terminal: terminal.as_deref(),
            person: person.as_ref(),
        };
        let sessions = desk::list(&mut call.tx, &wanted, &page).await?;
        call.listing(sessions)
    }
}
