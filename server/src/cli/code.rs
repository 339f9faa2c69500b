//! `wardkey-server code`

use wardkey_core::time::UnixTime;

use super::args::{CodeAdd, CodeCommand};
use super::context::Context;
use crate::admin::code;
use crate::error::Result;
use crate::keyring::Secret;
use crate::texts::Text;
use crate::when::shown;
use crate::words::{state, time, time_or_never};

pub async fn act(context: &Context, command: CodeCommand) -> Result<()> {
    match command {
        CodeCommand::Add(new) => add(context, new).await,
        CodeCommand::List(paging) => {
            let now = context.clock.now();
            let codes = code::list(&mut context.read().await?, &paging.request(), now).await?;
            let head = [Text::HeadLogin, Text::HeadStatus, Text::HeadMade, Text::HeadValidUntil];
            context.output.list(&codes, &head, |code| {
                vec![
                    code.login.as_str().into(),
                    state(code.status),
                    time(code.created),
                    time(code.expires),
                ]
            })
        }
        CodeCommand::Show { login } => {
            let now = context.clock.now();
            let code = code::show(&mut context.read().await?, &login, now).await?;
            context.output.say(&code, || {
                context.output.fields(vec![
                    (Text::LabelPerson, code.login.as_str().into()),
                    (Text::LabelStatus, state(code.status)),
                    (Text::LabelMade, time(code.created)),
                    (Text::LabelValid, Text::Until.with([("time", time(code.expires))])),
                    (Text::LabelUsed, time_or_never(code.used)),
                ])
            })
        }
        CodeCommand::Delete(act) => {
            let done = context
                .change(act.reason.as_deref(), async |op| code::delete(op, &act.login).await)
                .await?;
            let said = Text::CodesWithdrawn
                .with([("count", done.withdrawn.into()), ("login", done.login.as_str().into())]);
            context.output.done(&done, said)
        }
    }
}

pub async fn add(context: &Context, new: CodeAdd) -> Result<()> {
    let key = context.keyring().secret(Secret::Code)?;
    let made = context
        .change(new.reason.as_deref(), async |op| {
            code::add(op, &new.login, new.expires, &key).await
        })
        .await?;
    let until = shown(UnixTime(made.expires), &context.zone());
    let login = made.login.as_str().into();
    let notes =
        [Text::CodeValid.with([("time", until.into()), ("login", login)]), Text::CodeNext.into()];
    context.output.hand_out(&made, &made.code, &notes)
}
