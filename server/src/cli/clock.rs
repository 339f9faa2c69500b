//! `wardkey-server clock`: what the server thinks of the machine's clock, and the confirmation that
//! it is right after all.

use wardkey_core::time::UnixTime;

use super::args::ClockCommand;
use super::context::Context;
use super::value::when;
use crate::admin::clock;
use crate::error::{Error, Result};
use crate::when::shown_utc;

pub async fn act(context: &Context, command: ClockCommand) -> Result<()> {
    match command {
        ClockCommand::Show => show(context).await,
        ClockCommand::Confirm { now, reason } => confirm(context, &now, reason.as_deref()).await,
    }
}

async fn show(context: &Context) -> Result<()> {
    let view = clock::show(&mut context.read().await?, &context.clock).await?;
    context.output.say(&view, || {
        vec![
            format!("clock        {}", shown_utc(UnixTime(view.now))),
            format!("last signed  {}", shown_utc(UnixTime(view.signed))),
            format!("state        {}", view.problem.as_deref().unwrap_or("plausible")),
        ]
    })
}

async fn confirm(context: &Context, given: &str, reason: Option<&str>) -> Result<()> {
    let given = when(given).map_err(Error::Usage)?;
    let done = context.change(reason, async |op| clock::confirm(op, given).await).await?;
    context.output.say(&done, || {
        let mut lines = vec![format!("confirmed: it is {}", shown_utc(UnixTime(done.confirmed)))];
        if done.signed_before > done.confirmed {
            lines.push(after_going_back(UnixTime(done.signed_before)));
        }
        lines
    })
}

fn after_going_back(signed: UnixTime) -> String {
    format!(
        "Terminals that were connected have seen {} as signed and count as offline until then: see \"Clock\" in ADMIN.md.",
        shown_utc(signed)
    )
}
