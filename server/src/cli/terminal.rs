//! `wardkey-server terminal`

use wardkey_core::name::ServerAddress;

use super::args::{self, TerminalAct, TerminalList, TerminalSet, TokenCommand};
use super::context::Context;
use super::token;
use crate::admin::Edit;
use crate::admin::terminal::{self, Changes, Reckoning, TerminalDetails, TerminalSwitched, Wanted};
use crate::error::Result;
use crate::fleet::Reckoned;
use crate::texts::{Phrase, Text};
use crate::words::{dash, names_or_none, short, state, time, time_or_never};

/// Digits of an id that are shown where a person types them.
const SHOWN_DIGITS: usize = 8;

pub async fn act(context: &Context, command: args::Terminal) -> Result<()> {
    match command {
        args::Terminal::List(asked) => list(context, asked).await,
        args::Terminal::Show { terminal } => show(context, &terminal).await,
        args::Terminal::Set(new) => set(context, new).await,
        args::Terminal::SetScopes { terminal, scopes, reason } => {
            let scopes = Some(scopes);
            set(context, TerminalSet { terminal, scopes, reason, ..TerminalSet::default() }).await
        }
        args::Terminal::Rename { terminal, to, reason } => {
            let name = Some(to);
            set(context, TerminalSet { terminal, name, reason, ..TerminalSet::default() }).await
        }
        args::Terminal::Delete(TerminalAct { terminal, reason }) => {
            let delete =
                context.change(reason.as_deref(), async |op| terminal::delete(op, &terminal).await);
            switched(context, &delete.await?, Text::TerminalIsDeleted).await
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
    let changes = Changes {
        name: new.name,
        scopes: (scopes != Edit::default()).then_some(scopes),
        add_tags: new.add_tags.into_iter().collect(),
        remove_tags: new.remove_tags.into_iter().collect(),
    };
    let done = context
        .change(new.reason.as_deref(), async |op| terminal::set(op, &new.terminal, changes).await)
        .await?;
    context.output.warn(&done.warnings);
    let said = Text::TerminalChanged.with([
        ("name", done.name.as_str().into()),
        ("scopes", done.scopes.join(",").into()),
        ("tags", names_or_none(&done.tags)),
    ]);
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

async fn list(context: &Context, asked: TerminalList) -> Result<()> {
    let stage =
        Reckoned::ALL.into_iter().find(|stage| asked.stage.as_deref() == Some(stage.as_str()));
    let wanted = Wanted {
        scope: asked.scope.as_ref(),
        tag: asked.tag.as_ref(),
        version: asked.runs.as_deref(),
        silent: asked.silent,
        behind: asked.behind,
        old_root: asked.old_root,
        old_certificate: asked.old_certificate,
        came_by: asked.came_by.as_ref().map(ServerAddress::as_str),
        stage,
    };
    let request = asked.paging.request();
    let by = reckoning(context);
    let terminals = terminal::list(&mut context.read().await?, &wanted, by, &request).await?;
    let head = [
        Text::HeadId,
        Text::HeadName,
        Text::HeadStatus,
        Text::HeadScopes,
        Text::HeadSeen,
        Text::HeadStage,
        Text::HeadBehind,
        Text::HeadAddress,
    ];
    context.output.list(&terminals, &head, |terminal| {
        vec![
            short(&terminal.id, SHOWN_DIGITS).into(),
            terminal.name.as_str().into(),
            state(terminal.status),
            terminal.scopes.join(",").into(),
            time_or_never(terminal.seen),
            terminal.stage.map_or_else(|| dash(None), state),
            terminal.behind.map_or_else(|| dash(None), Phrase::from),
            dash(terminal.address.as_deref()),
        ]
    })?;
    if terminals.items.iter().any(|terminal| terminal.status == "pending") {
        context.output.remark(Text::ApproveWith);
    }
    Ok(())
}

/// By what stages are reckoned.
fn reckoning(context: &Context) -> Reckoning {
    Reckoning { now: context.clock.now(), head_seconds: context.config.head_seconds }
}

async fn show(context: &Context, name: &str) -> Result<()> {
    let by = reckoning(context);
    let details = terminal::show(&mut context.read().await?, name, by).await?;
    context.output.say(&details, || context.output.fields(fields(&details)))
}

fn fields(details: &TerminalDetails) -> Vec<(Text, Phrase)> {
    let terminal = &details.terminal;
    let until = Text::Until.with([("time", time(terminal.certificate_until))]);
    let mut fields: Vec<(Text, Phrase)> = vec![
        (Text::LabelId, terminal.id.as_str().into()),
        (Text::LabelName, terminal.name.as_str().into()),
        (Text::LabelStatus, state(terminal.status)),
        (Text::LabelScopes, terminal.scopes.join(", ").into()),
        (Text::LabelTags, names_or_none(&terminal.tags)),
        (Text::LabelMachine, terminal.machine.as_str().into()),
        (Text::LabelJoined, time(terminal.joined)),
        (Text::LabelSeen, time_or_never(terminal.seen)),
        (Text::LabelAddress, dash(terminal.address.as_deref())),
        (Text::LabelCameBy, dash(terminal.came_by.as_deref())),
        (Text::LabelCertificate, until),
        (Text::LabelVersion, dash(terminal.version.as_deref())),
        (Text::LabelCan, terminal.capabilities.join(", ").into()),
    ];
    if let Some(stage) = terminal.stage {
        fields.push((Text::LabelStage, state(stage)));
    }
    for position in &details.positions {
        let has = dash(position.has.as_deref());
        let published = position.published.as_str().into();
        let scope = position.scope.as_str().into();
        let line = Text::PositionIn.with([("scope", scope), ("has", has), ("of", published)]);
        fields.push((Text::LabelPosition, line));
    }
    if let Some(revoked) = terminal.revoked {
        fields.push((Text::LabelRevoked, time(revoked)));
    }
    if terminal.status == "pending" {
        let id = short(&terminal.id, SHOWN_DIGITS);
        let command = format!("wardkey-server terminal approve {id}");
        fields.push((Text::LabelNext, command.into()));
    }
    fields
}
