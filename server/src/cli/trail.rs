//! `wardkey-server events`, `audit` and `epoch`

use super::args::{Audit, Epoch, Events};
use super::context::Context;
use crate::admin::event::{self, Wanted};
use crate::admin::{epoch, trail};
use crate::error::Result;
use crate::store::to_time;
use crate::when::shown_utc;

/// Rows of one page by default.
const RECORDS: u32 = 100;

pub async fn events(context: &Context, command: Events) -> Result<()> {
    let Events::List { person, terminal, name, outcome, invalid, since, part } = command;
    let wanted = Wanted { person: person.as_ref(), terminal: terminal.as_deref(), name, outcome, invalid, since };
    let request = part.request(RECORDS);
    let events = event::list(&mut context.read().await?, wanted, &context.zone(), &request).await?;
    let head = ["TIME", "EVENT", "OUTCOME", "PERSON", "ACCOUNT", "TERMINAL", "REASON", "EVIDENCE", "DETAIL"];
    context.output.list(&events, &head, |view| {
        let event = &view.event;
        vec![
            time(event.time),
            event.event.clone(),
            event.outcome.clone(),
            dash(event.person.as_deref()),
            dash(event.account.as_deref()),
            event.terminal_name.clone(),
            dash(event.reason.as_deref()),
            event.finding.clone().unwrap_or_else(|| event.evidence.clone()),
            dash(view.explanation.as_deref().or(event.detail.as_deref())),
        ]
    })
}

pub async fn audit(context: &Context, command: Audit) -> Result<()> {
    let mut tx = context.read().await?;
    match command {
        Audit::List { object, part } => {
            let entries = trail::list(&mut tx, object.as_deref(), &part.request(RECORDS)).await?;
            let head = ["TIME", "ACTOR", "ACTION", "OBJECT", "REASON", "DETAIL"];
            context.output.list(&entries, &head, |entry| {
                vec![
                    time(entry.time),
                    entry.actor.clone(),
                    entry.action.clone(),
                    entry.object.clone(),
                    dash(entry.reason.as_deref()),
                    dash(entry.detail.as_deref()),
                ]
            })
        }
        Audit::Verify => {
            let verified = trail::verify(&mut tx).await?;
            context.output.say(&verified, || vec![format!("{} rows, none changed", verified.rows)])
        }
    }
}

pub async fn epoch(context: &Context, command: Epoch) -> Result<()> {
    let Epoch::Raise { at_least, reason } = command;
    let raised = context.change(reason.as_deref(), async |op| epoch::raise(op, at_least).await).await?;
    context.output.say(&raised, || vec![format!("every scope is now of epoch {}", raised.epoch)])
}

fn dash(text: Option<&str>) -> String {
    text.unwrap_or("-").to_owned()
}

fn time(stored: i64) -> String {
    to_time(stored).map(shown_utc).unwrap_or_else(|_| "?".into())
}
