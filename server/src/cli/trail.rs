//! `wardkey-server events`, `audit` and `epoch`

use super::args::{Audit, Epoch, Events};
use super::context::Context;
use super::value::table;
use crate::admin::event::{self, Wanted};
use crate::admin::{epoch, trail};
use crate::error::Result;
use crate::store::audit::Entry;
use crate::store::event::Listed;
use crate::store::{PageRequest, to_time};
use crate::when::shown_utc;

pub async fn events(context: &Context, command: Events) -> Result<()> {
    let Events::List { person, terminal, name, outcome, invalid, since, limit } = command;
    let wanted = Wanted { person: person.as_ref(), terminal: terminal.as_deref(), name, outcome, invalid, since };
    let request = PageRequest { limit, ..PageRequest::default() };
    let events = event::list(&mut context.read().await?, wanted, &context.zone(), &request).await?.items;
    let row = |event: &Listed| {
        vec![
            time(event.time),
            event.event.clone(),
            event.outcome.clone(),
            dash(event.person.as_deref()),
            dash(event.account.as_deref()),
            event.terminal_name.clone(),
            dash(event.reason.as_deref()),
            event.finding.clone().unwrap_or_else(|| event.evidence.clone()),
        ]
    };
    context.output.say(&events, || {
        let head = ["TIME", "EVENT", "OUTCOME", "PERSON", "ACCOUNT", "TERMINAL", "REASON", "EVIDENCE"];
        table(&head, &events.iter().map(row).collect::<Vec<_>>())
    })
}

pub async fn audit(context: &Context, command: Audit) -> Result<()> {
    let mut tx = context.read().await?;
    match command {
        Audit::List { object, limit } => {
            let request = PageRequest { limit, ..PageRequest::default() };
            let entries = trail::list(&mut tx, object.as_deref(), &request).await?.items;
            let row = |entry: &Entry| {
                vec![
                    time(entry.time),
                    entry.actor.clone(),
                    entry.action.clone(),
                    entry.object.clone(),
                    dash(entry.reason.as_deref()),
                    dash(entry.detail.as_deref()),
                ]
            };
            context.output.say(&entries, || {
                let head = ["TIME", "ACTOR", "ACTION", "OBJECT", "REASON", "DETAIL"];
                table(&head, &entries.iter().map(row).collect::<Vec<_>>())
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
