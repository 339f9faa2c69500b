//! `wardkey-server clock`: what the server thinks of the machine's clock, and the confirmation that
//! it is right after all.

use super::args::ClockCommand;
use super::context::Context;
use super::value::when;
use crate::admin::clock;
use crate::error::{Error, Result};
use crate::texts::Text;
use crate::words::time;

pub async fn act(context: &Context, command: ClockCommand) -> Result<()> {
    match command {
        ClockCommand::Show => show(context).await,
        ClockCommand::Confirm { now, reason } => confirm(context, &now, reason.as_deref()).await,
    }
}

async fn show(context: &Context) -> Result<()> {
    let view = clock::show(&mut context.read().await?, &context.clock).await?;
    context.output.say(&view, || {
        context.output.fields(vec![
            (Text::LabelClock, time(view.now)),
            (Text::LabelLastSigned, time(view.signed)),
            (Text::LabelState, view.problem.clone().unwrap_or_else(|| Text::Plausible.into())),
        ])
    })
}

async fn confirm(context: &Context, given: &str, reason: Option<&str>) -> Result<()> {
    let given = when(given).map_err(|wrong| Error::usage(wrong.into_phrase()))?;
    let done = context.change(reason, async |op| clock::confirm(op, given).await).await?;
    context.output.say(&done, || {
        let mut lines = vec![Text::ClockConfirmed.with([("time", time(done.confirmed))])];
        if done.signed_before > done.confirmed {
            lines.push(Text::ClockWentBack.with([("time", time(done.signed_before))]));
        }
        lines.iter().map(|line| line.say(context.output.language)).collect()
    })
}
