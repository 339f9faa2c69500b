//! `wardkey-server terminal`

use wardkey_core::name::ScopeName;

use super::args::{self, Paging, TerminalAct, TerminalSet, TokenCommand};
use super::context::Context;
use super::token;
use super::words::{dash, short, state, time, time_or_never};
use crate::admin::Edit;
use crate::admin::terminal::{self, TerminalSwitched};
use crate::error::Result;
use crate::texts::{Phrase, Text};

/// Digits of an id that are shown where a person types them.
const SHOWN_DIGITS: usize = 8;

pub async fn act(context: &Context, command: args::Terminal) -> Result<()> {
    match command {
        args::Terminal::List { scope, paging } => list(context, scope.as_ref(), paging).await,
        args::Terminal::Show { terminal } => show(context, &terminal).await,
        args::Terminal::Set(new) => set(context, new).await,
        args::Terminal::SetScopes { terminal, scopes, reason } => {
            let (add_scopes, remove_scopes) = (Vec::new(), Vec::new());
            let scopes = Some(scopes);
            let new = TerminalSet { terminal, add_scopes, remove_scopes, scopes, reason };
            set(context, new).await
        }
        args::Terminal::Approve(TerminalAct { terminal, reason }) => {
            let approve = context
                .change(reason.as_deref(), async |op| terminal::approve(op, &terminal).await);
            switched(context, &approve.await?, Text::TerminalIsApproved).await
        }
        args::Terminal::Disable(TerminalAct { terminal, reason }) => {
            let disable = context
                .change(reason.as_deref(), async |op| terminal::disable(op, &terminal).await);
            let done = disable.await?;
            let id = short(&done.id, SHOWN_DIGITS).into();
            context.output.remark(Text::UndoRevocation.with([("id", id)]));
            switched(context, &done, Text::TerminalIsRevoked).await
        }
        args::Terminal::Enable(TerminalAct { terminal, reason }) => {
            let enable =
                context.change(reason.as_deref(), async |op| terminal::enable(op, &terminal).await);
            switched(context, &enable.await?, Text::TerminalIsEnabled).await
        }
        args::Terminal::Token(new) => token::act(context, TokenCommand::Add(new)).await,
        args::Terminal::WithdrawToken { token, reason } => {
            token::act(context, TokenCommand::Delete { token, reason }).await
        }
    }
}

async fn set(context: &Context, new: TerminalSet) -> Result<()> {
    let scopes = Edit { all: new.scopes, add: new.add_scopes, remove: new.remove_scopes };
    let done = context
        .change(new.reason.as_deref(), async |op| terminal::set(op, &new.terminal, scopes).await)
        .await?;
    context.output.warn(&done.warnings);
    let said = Text::TerminalChanged
        .with([("name", done.name.as_str().into()), ("scopes", done.scopes.join(",").into())]);
    context.output.done(&done, said)
}

async fn switched(context: &Context, done: &TerminalSwitched, text: Text) -> Result<()> {
    let name = ("name", done.name.as_str().into());
    let said = match done.changed {
        true => text.with([name]),
        false => Text::TerminalWas.with([name, ("state", state(done.status))]),
    };
    context.output.done(done, said)?;
    context.heard(&done.reach).await
}

async fn list(context: &Context, scope: Option<&ScopeName>, paging: Paging) -> Result<()> {
    let terminals = terminal::list(&mut context.read().await?, scope, &paging.request()).await?;
    let head = [
        Text::HeadId,
        Text::HeadName,
        Text::HeadStatus,
        Text::HeadScopes,
        Text::HeadSeen,
        Text::HeadAddress,
    ];
    context.output.list(&terminals, &head, |terminal| {
        vec![
            short(&terminal.id, SHOWN_DIGITS).into(),
            terminal.name.as_str().into(),
            state(terminal.status),
            terminal.scopes.join(",").into(),
            time_or_never(terminal.seen),
            dash(terminal.address.as_deref()),
        ]
    })?;
    if terminals.items.iter().any(|terminal| terminal.status == "pending") {
        context.output.remark(Text::ApproveWith);
    }
    Ok(())
}

async fn show(context: &Context, name: &str) -> Result<()> {
    let terminal = terminal::show(&mut context.read().await?, name).await?;
    context.output.say(&terminal, || {
        let until = Text::Until.with([("time", time(terminal.certificate_until))]);
        let mut fields: Vec<(Text, Phrase)> = vec![
            (Text::LabelId, terminal.id.as_str().into()),
            (Text::LabelName, terminal.name.as_str().into()),
            (Text::LabelStatus, state(terminal.status)),
            (Text::LabelScopes, terminal.scopes.join(", ").into()),
            (Text::LabelMachine, terminal.machine.as_str().into()),
            (Text::LabelJoined, time(terminal.joined)),
            (Text::LabelSeen, time_or_never(terminal.seen)),
            (Text::LabelAddress, dash(terminal.address.as_deref())),
            (Text::LabelCertificate, until),
            (Text::LabelVersion, dash(terminal.version.as_deref())),
            (Text::LabelCan, terminal.capabilities.join(", ").into()),
        ];
        if let Some(revoked) = terminal.revoked {
            fields.push((Text::LabelRevoked, time(revoked)));
        }
        if terminal.status == "pending" {
            let id = short(&terminal.id, SHOWN_DIGITS);
            let command = format!("wardkey-server terminal approve {id}");
            fields.push((Text::LabelNext, command.into()));
        }
        context.output.fields(fields)
    })
}
