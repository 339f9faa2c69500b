//! Passes: temporary codes in place of a key.

use schemars::JsonSchema;
use serde::Deserialize;
use tokio::sync::Semaphore;
use wardkey_core::name::{LoginName, ScopeName};

use super::call::{Call, Done};
use super::endpoint::{Asked, Endpoint, Nothing, Part, Reason, Terminal, Touches, parsed, route};
use super::people;
use crate::admin::Listing;
use crate::admin::pass::{self, PassEnded, PassIssued, PassView, Prepared, Where};
use crate::error::{Error, Result};
use crate::store::terminal as stored;
use crate::texts::Text;

/// Seconds for which a pass is valid, when nothing is said.
const SECONDS: u64 = 8 * 3600;

/// How many codes are made at once: each takes 64 MiB.
static DERIVING: Semaphore = Semaphore::const_new(1);

route! {
    "Passes, newest first; what is typed is stored nowhere."
    List = Get "/v1/passes" as "passes.list" for ReadPasses
        (Nothing, Part, Nothing) -> Listing<PassView>
}

impl Endpoint for List {
    async fn touches(_: &mut Call<'_>, _: &Asked<Self>) -> Result<Touches> {
        Ok(Touches::Rows)
    }

    async fn run(call: &mut Call<'_>, asked: Asked<Self>) -> Result<Listing<PassView>> {
        let page = call.page(&asked.query.paging())?;
        let passes = pass::list(&mut call.tx, &page, call.now).await?;
        let mut listing = call.listing(passes)?;
        for pass in &mut listing.items {
            pass.scope = pass.scope.take().filter(|scope| call.grant().covers(scope));
        }
        call.mask_terminals(listing.items.iter_mut().map(|pass| &mut pass.terminal)).await?;
        Ok(listing)
    }
}

/// A new pass.
#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct PassToIssue {
    /// Seconds for which it is valid, within what the scopes of the person allow; 28800 without.
    pub seconds: Option<u64>,
    /// At the terminals of this scope; needed for somebody in several.
    pub scope: Option<String>,
    /// At this terminal only: its whole id.
    pub terminal: Option<String>,
    /// Why, for the trail and the records of every use.
    pub reason: String,
    /// Its code.
    #[serde(skip)]
    prepared: Option<Prepared>,
}

impl PassToIssue {
    /// At every terminal of the person's scope.
    pub fn new(seconds: Option<u64>, scope: Option<String>, reason: String) -> Self {
        Self { seconds, scope, terminal: None, reason, prepared: None }
    }
}

route! {
    "Issues a pass to somebody who has forgotten the key: the only time that its code can be seen."
    Add = Post "/v1/people/{login}/pass" as "passes.add" for IssuePasses
        (LoginName, Nothing, PassToIssue) -> PassIssued
}

impl Endpoint for Add {
    /// A terminal that is elsewhere is not there.
    async fn touches(call: &mut Call<'_>, asked: &Asked<Self>) -> Result<Touches> {
        if let Some(id) = &asked.body.terminal {
            let terminal = parsed::<Terminal>("terminal", id)?.0.to_hex();
            let terminal = stored::by_name(&mut call.tx, &terminal).await?;
            if !call.grant().sees(terminal.scopes.iter().map(ScopeName::as_str)) {
                return Err(Error::not_found(
                    Text::UnknownTerminal.with([("name", id.as_str().into())]),
                ));
            }
        }
        people::person_touched(call, &asked.target).await
    }

    async fn prepare(asked: &mut Asked<Self>) -> Result<()> {
        // It never closes.
        let _turn = DERIVING.acquire().await.ok();
        let made = tokio::task::spawn_blocking(Prepared::new).await;
        asked.body.prepared = Some(made.map_err(Error::damaged)??);
        Ok(())
    }

    async fn run(call: &mut Call<'_>, asked: Asked<Self>) -> Result<PassIssued> {
        let body = asked.body;
        let place = match (&body.scope, &body.terminal) {
            (None, None) => Where::Unsaid,
            (Some(scope), None) => Where::Scope(parsed("scope", scope)?),
            (None, Some(id)) => Where::Terminal(parsed::<Terminal>("terminal", id)?.0.to_hex()),
            (Some(_), Some(_)) => return Err(Error::invalid("scope or terminal, and not both")),
        };
        let seconds = body.seconds.unwrap_or(SECONDS);
        if seconds == 0 {
            return Err(Error::invalid("seconds: at least 1"));
        }
        let prepared = body.prepared.map_or_else(Prepared::new, Ok)?;
        let mut operation = call.operation(Some(&body.reason));
        pass::add(&mut operation, &asked.target, (&place, seconds), prepared).await
    }
}

route! {
    "Ends the pass of a person."
    Disable = Post "/v1/people/{login}/pass/disable" as "passes.disable" for EndPasses
        (LoginName, Nothing, Reason) -> Done<PassEnded>
}

impl Endpoint for Disable {
    async fn touches(call: &mut Call<'_>, asked: &Asked<Self>) -> Result<Touches> {
        people::person_touched(call, &asked.target).await
    }

    async fn run(call: &mut Call<'_>, asked: Asked<Self>) -> Result<Done<PassEnded>> {
        let mut operation = call.operation(asked.body.reason.as_deref());
        let done = pass::disable(&mut operation, &asked.target).await?;
        let reach = done.reach.clone();
        call.done(done, reach).await
    }
}
