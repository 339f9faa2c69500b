//! `wardkey-server terminal`

use wardkey_core::name::ScopeName;
use wardkey_core::time::UnixTime;

use super::args::{self, Paging, TerminalAct};
use super::context::Context;
use super::token;
use crate::admin::Edit;
use crate::admin::terminal::{self, TerminalSwitched, TerminalView};
use crate::error::Result;
use crate::when::shown_utc;

pub async fn act(context: &Context, command: args::Terminal) -> Result<()> {
    match command {
        args::Terminal::List { scope, paging } => list(context, scope.as_ref(), paging).await,
        args::Terminal::Show { terminal } => show(context, &terminal).await,
        args::Terminal::Set { terminal, add_scopes, remove_scopes, scopes, reason } => {
            let scopes = Edit { all: scopes, add: add_scopes, remove: remove_scopes };
            set(context, &terminal, scopes, reason.as_deref()).await
        }
        args::Terminal::SetScopes { terminal, scopes, reason } => {
            let scopes = Edit { all: Some(scopes), ..Edit::default() };
            set(context, &terminal, scopes, reason.as_deref()).await
        }
        args::Terminal::Approve(TerminalAct { terminal, reason }) => {
            let approve = context.change(reason.as_deref(), async |op| terminal::approve(op, &terminal).await);
            switched(context, &approve.await?, "approved").await
        }
        args::Terminal::Disable(TerminalAct { terminal, reason }) => {
            let disable = context.change(reason.as_deref(), async |op| terminal::disable(op, &terminal).await);
            let done = disable.await?;
            context.output.remark(&format!(
                "Within 24 hours this takes it back: wardkey-server terminal enable {}",
                done.id.chars().take(8).collect::<String>()
            ));
            switched(context, &done, "revoked").await
        }
        args::Terminal::Enable(TerminalAct { terminal, reason }) => {
            let enable = context.change(reason.as_deref(), async |op| terminal::enable(op, &terminal).await);
            switched(context, &enable.await?, "enabled").await
        }
        args::Terminal::Token(new) => token::add(context, new).await,
        args::Terminal::WithdrawToken { token, reason } => token::delete(context, &token, reason.as_deref()).await,
    }
}

async fn set(context: &Context, name: &str, scopes: Edit<ScopeName>, reason: Option<&str>) -> Result<()> {
    let done = context.change(reason, async |op| terminal::set(op, name, scopes).await).await?;
    context.output.warn(&done.warnings);
    context.output.say(&done, || vec![format!("terminal {}: scopes {}", done.name, done.scopes.join(","))])
}

async fn switched(context: &Context, done: &TerminalSwitched, word: &str) -> Result<()> {
    let already = if done.changed { "" } else { " already" };
    context.output.say(done, || vec![format!("terminal {} {word}{already}", done.name)])?;
    context.heard(&done.reach).await
}

async fn list(context: &Context, scope: Option<&ScopeName>, paging: Paging) -> Result<()> {
    let terminals = terminal::list(&mut context.read().await?, scope, &paging.request()).await?;
    let head = ["ID", "NAME", "STATUS", "SCOPES", "SEEN", "ADDRESS"];
    context.output.list(&terminals, &head, |terminal| {
        vec![
            short(terminal),
            terminal.name.clone(),
            status(terminal).to_owned(),
            terminal.scopes.join(","),
            time(terminal.seen, "never"),
            terminal.address.clone().unwrap_or_else(|| "-".into()),
        ]
    })?;
    if terminals.items.iter().any(|terminal| terminal.status == "pending") {
        context.output.remark("Approve a terminal with: wardkey-server terminal approve ID");
    }
    Ok(())
}

async fn show(context: &Context, name: &str) -> Result<()> {
    let terminal = terminal::show(&mut context.read().await?, name).await?;
    context.output.say(&terminal, || {
        let mut lines = vec![
            format!("id           {}", terminal.id),
            format!("name         {}", terminal.name),
            format!("status       {}", status(&terminal)),
            format!("scopes       {}", terminal.scopes.join(", ")),
            format!("machine      {}", terminal.machine),
            format!("joined       {}", time(Some(terminal.joined), "-")),
            format!("seen         {}", time(terminal.seen, "never")),
            format!("address      {}", terminal.address.as_deref().unwrap_or("-")),
            format!("certificate  until {}", time(Some(terminal.certificate_until), "-")),
            format!("version      {}", terminal.version.as_deref().unwrap_or("-")),
            format!("can          {}", terminal.capabilities.join(", ")),
        ];
        if let Some(revoked) = terminal.revoked {
            lines.push(format!("revoked      {}", time(Some(revoked), "-")));
        }
        if terminal.status == "pending" {
            lines.push(format!("next         wardkey-server terminal approve {}", short(&terminal)));
        }
        lines
    })
}

fn status(terminal: &TerminalView) -> &'static str {
    if terminal.status == "pending" { "awaits approval" } else { terminal.status }
}

fn short(terminal: &TerminalView) -> String {
    terminal.id.chars().take(8).collect()
}

fn time(time: Option<u64>, otherwise: &str) -> String {
    time.map_or_else(|| otherwise.to_owned(), |time| shown_utc(UnixTime(time)))
}
