//! `wardkey-server session`

use super::args::Session;
use super::context::Context;
use crate::admin::desk::{self, DeskSessionView, Wanted};
use crate::error::Result;
use crate::texts::{Phrase, Text};
use crate::words::{dash, time, time_or_never};

pub async fn act(context: &Context, command: Session) -> Result<()> {
    let Session::List { scope, terminal, person, paging } = command;
    let wanted =
        Wanted { scope: scope.as_ref(), terminal: terminal.as_deref(), person: person.as_ref() };
    let request = paging.request();
    let sessions = desk::list(&mut context.read().await?, &wanted, &request).await?;
    let head = [
        Text::HeadTerminal,
        Text::HeadPerson,
        Text::HeadName,
        Text::HeadAccount,
        Text::HeadSince,
        Text::HeadStatus,
        Text::HeadKey,
        Text::HeadSeen,
    ];
    context.output.list(&sessions, &head, |session| {
        vec![
            session.terminal_name.as_str().into(),
            session.person.as_str().into(),
            dash(session.name.as_deref()),
            session.account.as_str().into(),
            time_or_never(session.since),
            state_of(session),
            dash(session.key.as_deref()),
            time_or_never(session.heard),
        ]
    })
}

/// Whether its screen is locked, and whether it may be over.
fn state_of(session: &DeskSessionView) -> Phrase {
    let since = [("since", session.screen_since.map_or_else(|| "?".into(), time))];
    let screen = match session.screen {
        "locked" => Text::DeskLocked.with(since),
        "opened" => Text::DeskOpened.with(since),
        _ => Text::DeskOpen.into(),
    };
    if session.uncertain { Text::DeskUncertain.with([("screen", screen)]) } else { screen }
}
