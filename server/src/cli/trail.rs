//! `wardkey-server events`, `audit` and `epoch`

use super::args::{Audit, Epoch, Events};
use super::context::Context;
use crate::admin::event::{self, Wanted};
use crate::admin::{epoch, trail};
use crate::error::Result;
use crate::store::to_time;
use crate::texts::{Phrase, Text};
use crate::when::shown_utc;
use crate::words::{dash, state};

/// Rows of one page by default.
const RECORDS: u32 = 100;

pub async fn events(context: &Context, command: Events) -> Result<()> {
    let Events::List { person, terminal, name, outcome, invalid, since, paging } = command;
    let wanted = Wanted {
        person: person.as_ref(),
        terminal: terminal.as_deref(),
        name,
        outcome,
        invalid,
        since,
    };
    let request = paging.at_most(RECORDS);
    let events = event::list(&mut context.read().await?, wanted, &context.zone(), &request).await?;
    let head = [
        Text::HeadTime,
        Text::HeadEvent,
        Text::HeadOutcome,
        Text::HeadPerson,
        Text::HeadAccount,
        Text::HeadTerminal,
        Text::HeadReason,
        Text::HeadEvidence,
        Text::HeadDetail,
    ];
    context.output.list(&events, &head, |view| {
        let event = &view.event;
        vec![
            stored_time(event.time),
            event.event.as_str().into(),
            state(&event.outcome),
            dash(event.person.as_deref()),
            dash(event.account.as_deref()),
            event.terminal_name.as_str().into(),
            dash(event.reason.as_deref()),
            event.finding.as_deref().map_or_else(|| state(&event.evidence), Phrase::from),
            view.explanation.clone().unwrap_or_else(|| dash(event.detail.as_deref())),
        ]
    })
}

pub async fn audit(context: &Context, command: Audit) -> Result<()> {
    let mut tx = context.read().await?;
    match command {
        Audit::List { object, paging } => {
            let entries = trail::list(&mut tx, object.as_deref(), &paging.at_most(RECORDS)).await?;
            let head = [
                Text::HeadTime,
                Text::HeadActor,
                Text::HeadAction,
                Text::HeadObject,
                Text::HeadReason,
                Text::HeadDetail,
            ];
            context.output.list(&entries, &head, |entry| {
                vec![
                    stored_time(entry.time),
                    entry.actor.as_str().into(),
                    entry.action.as_str().into(),
                    entry.object.as_str().into(),
                    dash(entry.reason.as_deref()),
                    dash(entry.detail.as_deref()),
                ]
            })
        }
        Audit::Verify => {
            let verified = trail::verify(&mut tx).await?;
            let said = Text::TrailVerified.with([("rows", verified.rows.into())]);
            context.output.done(&verified, said)
        }
    }
}

pub async fn epoch(context: &Context, command: Epoch) -> Result<()> {
    let Epoch::Raise { at_least, reason } = command;
    let raised =
        context.change(reason.as_deref(), async |op| epoch::raise(op, at_least).await).await?;
    context.output.done(&raised, Text::EpochRaised.with([("epoch", raised.epoch.into())]))
}

fn stored_time(stored: i64) -> Phrase {
    to_time(stored).map_or_else(|_| "?".into(), |time| shown_utc(time).into())
}
