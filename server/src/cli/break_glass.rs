//! `wardkey-server break-glass`

use wardkey_core::time::UnixTime;

use super::args::{BreakGlassAdd, BreakGlassCommand};
use super::context::Context;
use crate::admin::break_glass::{self, SealedView};
use crate::error::Result;
use crate::texts::{Phrase, Text};
use crate::when::shown;
use crate::words::{dash, short, state, time, time_or_never};

pub async fn act(context: &Context, command: BreakGlassCommand) -> Result<()> {
    let now = context.clock.now();
    match command {
        BreakGlassCommand::Add(new) => add(context, new).await,
        BreakGlassCommand::List(paging) => {
            let request = paging.request();
            let all = break_glass::list(&mut context.read().await?, &request, now).await?;
            let head = [
                Text::HeadSealed,
                Text::HeadAccount,
                Text::HeadStatus,
                Text::HeadScope,
                Text::HeadValidUntil,
                Text::HeadUsed,
                Text::HeadReason,
            ];
            context.output.list(&all, &head, |sealed| {
                vec![
                    short(&sealed.id, 16).into(),
                    sealed.login.as_str().into(),
                    state(sealed.status),
                    dash(sealed.scope.as_deref()),
                    time(sealed.until),
                    sealed.used.map_or_else(|| dash(None), time),
                    sealed.reason.as_str().into(),
                ]
            })
        }
        BreakGlassCommand::Show { login } => {
            let sealed = break_glass::show(&mut context.read().await?, &login, now).await?;
            context.output.say(&sealed, || context.output.fields(fields(&sealed)))
        }
        BreakGlassCommand::Disable(act) => {
            let done = context
                .change(act.reason.as_deref(), async |op| {
                    break_glass::disable(op, &act.login).await
                })
                .await?;
            let said = Text::SealedDisabled.with([("login", done.login.as_str().into())]);
            context.output.done(&done, said)?;
            context.heard(&done.reach).await
        }
        BreakGlassCommand::ClearAlarm(act) => {
            let done = context
                .change(act.reason.as_deref(), async |op| {
                    break_glass::clear_alarm(op, &act.login).await
                })
                .await?;
            let said = if done.cleared > 0 { Text::SealedCleared } else { Text::SealedNoAlarm };
            let said = said.with([("login", done.login.as_str().into())]);
            context.output.done(&done, said)
        }
    }
}

async fn add(context: &Context, new: BreakGlassAdd) -> Result<()> {
    let (wanted, prepared) = ((new.scope.as_ref(), new.seconds), break_glass::prepare()?);
    let made = context
        .change(Some(&new.reason), async |op| {
            break_glass::add(op, &new.login, wanted, prepared).await
        })
        .await?;
    context.output.warn(&made.warnings);
    let until = shown(UnixTime(made.sealed.until), &context.zone());
    let notes = [
        Text::SealedValid.with([
            ("name", made.sealed.login.as_str().into()),
            ("time", until.into()),
            ("scope", dash(made.sealed.scope.as_deref())),
        ]),
        Text::SealedNext.into(),
        Text::SealedOnce.into(),
    ];
    context.output.hand_out(&made, &made.code, &notes)
}

fn ended(sealed: &SealedView) -> Phrase {
    let by = match sealed.ended_by {
        None => return Text::Never.into(),
        Some("use") => Text::ByUse.into(),
        Some("administrator") => Text::ByAdministrator.into(),
        Some("another") => Text::ByAnother.into(),
        Some("time") => Text::ByTime.into(),
        Some("restore") => Text::ByRestore.into(),
        Some(other) => other.into(),
    };
    Text::EndedBy.with([("state", time_or_never(sealed.ended)), ("by", by)])
}

fn fields(sealed: &SealedView) -> Vec<(Text, Phrase)> {
    let valid = [("from", time(sealed.from)), ("until", time(sealed.until))];
    vec![
        (Text::LabelSealed, sealed.id.as_str().into()),
        (Text::LabelAccount, sealed.login.as_str().into()),
        (Text::LabelStatus, state(sealed.status)),
        (Text::LabelScope, dash(sealed.scope.as_deref())),
        (Text::LabelValid, Text::FromUntil.with(valid)),
        (Text::LabelIssuedBy, sealed.issuer.as_str().into()),
        (Text::LabelReason, sealed.reason.as_str().into()),
        (Text::LabelFirstUsed, time_or_never(sealed.used)),
        (Text::LabelUsedAt, dash(sealed.used_at.as_deref())),
        (Text::LabelUses, sealed.uses.into()),
        (Text::LabelCleared, time_or_never(sealed.cleared)),
        (Text::LabelEnded, ended(sealed)),
    ]
}
