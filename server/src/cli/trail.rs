//! `wardkey-server events`, `audit` and `epoch`

use super::Context;
use super::args::{Audit, Epoch, Events};
use super::value::{shown, table};
use crate::error::{Error, Result};
use crate::store::audit::{self, Act};
use crate::store::event::{self, Filter};
use crate::store::{PageRequest, scope, terminal, to_time};

pub async fn events(context: &Context, command: Events) -> Result<()> {
    let Events::List { person, terminal, name, outcome, invalid, since, limit } = command;
    let since = match since {
        Some(when) => {
            let begins = when.begins(&context.config.zone());
            Some(begins.ok_or_else(|| Error::Usage("--since: a time that there is not".into()))?)
        }
        None => None,
    };
    let mut tx = context.store.read().await?;
    let terminal = match terminal {
        Some(name) => Some(terminal::by_name(&mut tx, &name).await?.id),
        None => None,
    };
    let filter = Filter { person: person.map(|login| login.to_string()), terminal, name, outcome, invalid, since };
    let request = PageRequest { limit, ..PageRequest::default() };
    let events = event::page(&mut tx, &filter, &request).await?.rows;
    let row = |event: &event::Listed| {
        let dash = |text: &Option<String>| text.clone().unwrap_or_else(|| "-".into());
        vec![
            to_time(event.time).map(shown).unwrap_or_else(|_| "?".into()),
            event.event.clone(),
            event.outcome.clone(),
            dash(&event.person),
            dash(&event.account),
            event.terminal_name.clone(),
            dash(&event.reason),
            event.finding.clone().unwrap_or_else(|| event.evidence.clone()),
        ]
    };
    context.output.say(&events, || {
        let head = ["TIME", "EVENT", "OUTCOME", "PERSON", "ACCOUNT", "TERMINAL", "REASON", "EVIDENCE"];
        table(&head, &events.iter().map(row).collect::<Vec<_>>())
    })
}

pub async fn audit(context: &Context, command: Audit) -> Result<()> {
    let mut tx = context.store.read().await?;
    match command {
        Audit::List { object, limit } => {
            let request = PageRequest { limit, ..PageRequest::default() };
            let entries = audit::page(&mut tx, object.as_deref(), &request).await?.rows;
            let row = |entry: &audit::Entry| {
                let dash = |text: &Option<String>| text.clone().unwrap_or_else(|| "-".into());
                vec![
                    to_time(entry.time).map(shown).unwrap_or_else(|_| "?".into()),
                    entry.actor.clone(),
                    entry.action.clone(),
                    entry.object.clone(),
                    dash(&entry.reason),
                    dash(&entry.detail),
                ]
            };
            context.output.say(&entries, || {
                let head = ["TIME", "ACTOR", "ACTION", "OBJECT", "REASON", "DETAIL"];
                table(&head, &entries.iter().map(row).collect::<Vec<_>>())
            })
        }
        Audit::Verify => {
            let rows = audit::verify(&mut tx).await?;
            context.output.say(&serde_json::json!({ "rows": rows, "intact": true }), || {
                vec![format!("{rows} rows, none changed")]
            })
        }
    }
}

pub async fn epoch(context: &Context, command: Epoch) -> Result<()> {
    let Epoch::Raise { at_least, reason } = command;
    if at_least > i64::MAX as u64 / 2 {
        return Err(Error::Usage("this epoch is too high".into()));
    }
    let now = context.clock.now();
    let mut tx = context.store.write().await?;
    let epoch = scope::raise_epoch(&mut tx, at_least).await?;
    let text = epoch.to_string();
    audit::record(&mut tx, now, &context.actor, Act::new("epoch.raise", &text).because(reason.as_deref())).await?;
    context.commit(tx).await?;
    context.output.say(&serde_json::json!({ "epoch": epoch }), || vec![format!("every scope is now of epoch {epoch}")])
}
