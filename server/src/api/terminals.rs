//! Terminals.

use wardkey_core::name::ScopeName;

use super::call::{Call, Done};
use super::endpoint::{Asked, Endpoint, Nothing, Reason, Terminal, Touches, parsed, query, route};
use crate::admin::Listing;
use crate::admin::terminal::{
    self, Reckoning, TerminalDetails, TerminalSwitched, TerminalView, Wanted,
};
use crate::error::Result;
use crate::store::terminal::{self as stored, Tag};

query! {
    /// Which terminals.
    Which {
        /// Of this scope.
        scope: String,
        /// With this tag.
        tag: String,
        /// Not revoked, and not heard of for so many seconds.
        silent: u64,
        /// Active, and at least so many positions behind.
        behind: u64,
    }
}

route! {
    "Terminals, by name."
    List = Get "/v1/terminals" as "terminals.list" for ReadTerminals
        (Nothing, Which, Nothing) -> Listing<TerminalView>
}

impl Endpoint for List {
    async fn touches(_: &mut Call<'_>, asked: &Asked<Self>) -> Result<Touches> {
        match &asked.query.scope {
            None => Ok(Touches::Rows),
            Some(scope) => Ok(Touches::Scopes([parsed("scope", scope)?].into())),
        }
    }

    async fn run(call: &mut Call<'_>, asked: Asked<Self>) -> Result<Listing<TerminalView>> {
        let page = call.page(&asked.query.paging())?;
        let query = asked.query;
        let scope = query.scope.map(|scope| parsed::<ScopeName>("scope", &scope)).transpose()?;
        let tag = query.tag.map(|tag| parsed::<Tag>("tag", &tag)).transpose()?;
        let wanted = Wanted {
            scope: scope.as_ref(),
            tag: tag.as_ref(),
            silent: query.silent,
            behind: query.behind,
            ..Wanted::default()
        };
        let by = reckoning(call);
        let terminals = terminal::list(&mut call.tx, &wanted, by, &page).await?;
        let mut terminals = call.listing(terminals)?;
        terminals.items.iter_mut().for_each(|view| mask(call, view));
        Ok(terminals)
    }
}

route! {
    "A terminal, and where it is in its scopes."
    Show = Get "/v1/terminals/{terminal}" as "terminals.show" for ReadTerminals
        (Terminal, Nothing, Nothing) -> TerminalDetails
}

impl Endpoint for Show {
    async fn touches(call: &mut Call<'_>, asked: &Asked<Self>) -> Result<Touches> {
        scopes_of(call, asked.target).await
    }

    async fn run(call: &mut Call<'_>, asked: Asked<Self>) -> Result<TerminalDetails> {
        let by = reckoning(call);
        let mut details = terminal::show(&mut call.tx, &asked.target.0.to_hex(), by).await?;
        mask(call, &mut details.terminal);
        details.positions.retain(|position| call.grant().covers(&position.scope));
        Ok(details)
    }
}

route! {
    "Approves a terminal that joined by a token for several."
    Approve = Post "/v1/terminals/{terminal}/approve" as "terminals.approve" for ApproveTerminals
        (Terminal, Nothing, Reason) -> Done<TerminalSwitched>
}

impl Endpoint for Approve {
    async fn touches(call: &mut Call<'_>, asked: &Asked<Self>) -> Result<Touches> {
        scopes_of(call, asked.target).await
    }

    async fn run(call: &mut Call<'_>, asked: Asked<Self>) -> Result<Done<TerminalSwitched>> {
        let mut operation = call.operation(asked.body.reason.as_deref());
        let done = terminal::approve(&mut operation, &asked.target.0.to_hex()).await?;
        let reach = done.reach.clone();
        call.done(done, reach).await
    }
}

route! {
    "Revokes a terminal: nobody logs in there any longer."
    Disable = Post "/v1/terminals/{terminal}/disable" as "terminals.disable" for DisableTerminals
        (Terminal, Nothing, Reason) -> Done<TerminalSwitched>
}

impl Endpoint for Disable {
    async fn touches(call: &mut Call<'_>, asked: &Asked<Self>) -> Result<Touches> {
        scopes_of(call, asked.target).await
    }

    async fn run(call: &mut Call<'_>, asked: Asked<Self>) -> Result<Done<TerminalSwitched>> {
        let mut operation = call.operation(asked.body.reason.as_deref());
        let done = terminal::disable(&mut operation, &asked.target.0.to_hex()).await?;
        let reach = done.reach.clone();
        call.done(done, reach).await
    }
}

/// The scopes of a terminal.
pub async fn scopes_of(call: &mut Call<'_>, terminal: Terminal) -> Result<Touches> {
    let terminal = stored::by_name(&mut call.tx, &terminal.0.to_hex()).await?;
    Ok(Touches::Scopes(terminal.scopes.iter().cloned().collect()))
}

/// Leaves out the names of other scopes.
fn mask(call: &Call<'_>, view: &mut TerminalView) {
    view.scopes.retain(|scope| call.grant().covers(scope));
}

fn reckoning(call: &Call<'_>) -> Reckoning {
    Reckoning { now: call.now, head_seconds: call.api.app.config.head_seconds }
}
