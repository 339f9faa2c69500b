//! `wardkey-server pass`

use wardkey_core::time::UnixTime;

use super::args::{PassAdd, PassCommand};
use super::context::Context;
use crate::admin::pass::{self, PassView, Prepared, Where};
use crate::error::Result;
use crate::texts::{Phrase, Text};
use crate::when::shown;
use crate::words::{dash, short, state, time, time_or_never};

pub async fn act(context: &Context, command: PassCommand) -> Result<()> {
    let now = context.clock.now();
    match command {
        PassCommand::Add(new) => add(context, new).await,
        PassCommand::List(paging) => {
            let passes = pass::list(&mut context.read().await?, &paging.request(), now).await?;
            let head = [
                Text::HeadPass,
                Text::HeadLogin,
                Text::HeadStatus,
                Text::HeadWhere,
                Text::HeadValidUntil,
                Text::HeadUsed,
                Text::HeadReason,
            ];
            context.output.list(&passes, &head, |pass| {
                vec![
                    short(&pass.id, 16).into(),
                    pass.login.as_str().into(),
                    status(pass),
                    place(pass).into(),
                    time(pass.until),
                    pass.used.map_or_else(|| dash(None), time),
                    pass.reason.as_str().into(),
                ]
            })
        }
        PassCommand::Show { login } => {
            let pass = pass::show(&mut context.read().await?, &login, now).await?;
            context.output.say(&pass, || context.output.fields(fields(&pass)))
        }
        PassCommand::Disable(act) => {
            let done = context
                .change(act.reason.as_deref(), async |op| pass::disable(op, &act.login).await)
                .await?;
            let said = Text::PassEnded.with([("login", done.login.as_str().into())]);
            context.output.done(&done, said)?;
            context.heard(&done.reach).await
        }
    }
}

async fn add(context: &Context, new: PassAdd) -> Result<()> {
    let place = match (new.scope, new.terminal) {
        (_, Some(terminal)) => Where::Terminal(terminal),
        (Some(scope), None) => Where::Scope(scope),
        (None, None) => Where::Unsaid,
    };
    let (wanted, prepared) = ((&place, new.seconds), Prepared::new()?);
    let made = context
        .change(Some(&new.reason), async |op| pass::add(op, &new.login, wanted, prepared).await)
        .await?;
    context.output.warn(&made.warnings);
    let until = shown(UnixTime(made.pass.until), &context.zone());
    let notes = [
        Text::PassValid.with([
            ("name", made.pass.login.as_str().into()),
            ("time", until.into()),
            ("place", place_in_words(&made.pass)),
        ]),
        Text::PassNext.into(),
        Text::PassEnds.into(),
    ];
    context.output.hand_out(&made, &made.code, &notes)
}

fn status(pass: &PassView) -> Phrase {
    let by = match pass.ended_by {
        None => return state(pass.status),
        Some("key") => Text::ByKey.into(),
        Some("administrator") => Text::ByAdministrator.into(),
        Some("another-pass") => Text::ByAnotherPass.into(),
        Some("time") => Text::ByTime.into(),
        Some(other) => other.into(),
    };
    Text::EndedBy.with([("state", state(pass.status)), ("by", by)])
}

fn place(pass: &PassView) -> String {
    let terminal = pass.terminal.as_ref().map(|id| short(id, 16));
    pass.scope.clone().or(terminal).unwrap_or_default()
}

fn place_in_words(pass: &PassView) -> Phrase {
    let text = if pass.scope.is_some() { Text::PlaceScope } else { Text::PlaceTerminal };
    text.with([("name", place(pass).into())])
}

fn fields(pass: &PassView) -> Vec<(Text, Phrase)> {
    let valid = [("from", time(pass.from)), ("until", time(pass.until))];
    vec![
        (Text::LabelPass, pass.id.as_str().into()),
        (Text::LabelPerson, pass.login.as_str().into()),
        (Text::LabelStatus, status(pass)),
        (Text::LabelWhere, place_in_words(pass)),
        (Text::LabelValid, Text::FromUntil.with(valid)),
        (Text::LabelIssuedBy, pass.issuer.as_str().into()),
        (Text::LabelReason, pass.reason.as_str().into()),
        (Text::LabelLastUsed, time_or_never(pass.used)),
        (Text::LabelEnded, time_or_never(pass.ended)),
    ]
}
