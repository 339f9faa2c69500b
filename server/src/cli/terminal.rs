//! `wardkey-server terminal`

use wardkey_core::time::UnixTime;

use super::args::{self, TerminalAct};
use super::context::Context;
use super::value::table;
use crate::admin::terminal::{self, TerminalSwitched, TerminalView};
use crate::admin::token::{self, NewToken};
use crate::error::Result;
use crate::when::shown_utc;

pub async fn act(context: &Context, command: args::Terminal) -> Result<()> {
    match command {
        args::Terminal::Token { scopes, replace, expires, uses } => {
            let scopes = scopes.into_iter().collect();
            let new = NewToken { scopes, replaces: replace.as_deref(), seconds: expires, uses };
            let made = context.change(None, async |op| token::add(op, new).await).await?;
            context.output.say(&made, || vec![made.token.clone()])
        }
        args::Terminal::WithdrawToken { token, reason } => {
            let done = context.change(reason.as_deref(), async |op| token::delete(op, &token).await).await?;
            context.output.say(&done, || vec![format!("token {} withdrawn", done.id)])
        }
        args::Terminal::List => list(context).await,
        args::Terminal::Approve(TerminalAct { terminal, reason }) => {
            let done = context.change(reason.as_deref(), async |op| terminal::approve(op, &terminal).await).await?;
            switched(context, &done, "approved").await
        }
        args::Terminal::Revoke(TerminalAct { terminal, reason }) => {
            let done = context.change(reason.as_deref(), async |op| terminal::disable(op, &terminal).await).await?;
            switched(context, &done, "revoked").await
        }
        args::Terminal::SetScopes { terminal, scopes, reason } => {
            let scopes = scopes.into_iter().collect();
            let done =
                context.change(reason.as_deref(), async |op| terminal::set_scopes(op, &terminal, scopes).await).await?;
            context.output.say(&done, || vec![format!("terminal {}: scopes {}", done.name, done.scopes.join(","))])
        }
    }
}

async fn switched(context: &Context, done: &TerminalSwitched, word: &str) -> Result<()> {
    let already = if done.changed { "" } else { " already" };
    context.output.say(done, || vec![format!("terminal {} {word}{already}", done.name)])?;
    context.heard(&done.reach).await
}

async fn list(context: &Context) -> Result<()> {
    let terminals = terminal::list(&mut context.read().await?).await?;
    let row = |terminal: &TerminalView| {
        vec![
            terminal.id.chars().take(8).collect(),
            terminal.name.clone(),
            terminal.status.to_owned(),
            terminal.scopes.join(","),
            terminal.seen.map_or_else(|| "never".into(), |time| shown_utc(UnixTime(time))),
            terminal.address.clone().unwrap_or_else(|| "-".into()),
        ]
    };
    context.output.say(&terminals, || {
        let head = ["ID", "NAME", "STATUS", "SCOPES", "SEEN", "ADDRESS"];
        table(&head, &terminals.iter().map(row).collect::<Vec<_>>())
    })
}
