//! `wardkey-server api-key`

use wardkey_core::time::UnixTime;

use super::args::{ApiKeyAct, ApiKeyAdd, ApiKeyCommand};
use super::context::Context;
use crate::admin::api_key::{self, ApiKeyView, NewApiKey};
use crate::error::Result;
use crate::texts::{Phrase, Text};
use crate::when::shown;
use crate::words::{state, time, time_or_never};

pub async fn act(context: &Context, command: ApiKeyCommand) -> Result<()> {
    let now = context.clock.now();
    match command {
        ApiKeyCommand::Add(new) => add(context, new).await,
        ApiKeyCommand::List(paging) => {
            let keys = api_key::list(&mut context.read().await?, &paging.request(), now).await?;
            let head = [
                Text::HeadId,
                Text::HeadName,
                Text::HeadStatus,
                Text::HeadRole,
                Text::HeadScopes,
                Text::HeadValidUntil,
                Text::HeadLastUsed,
            ];
            context.output.list(&keys, &head, |key| {
                vec![
                    key.id.as_str().into(),
                    key.name.as_str().into(),
                    state(key.status),
                    key.role.into(),
                    scopes(key),
                    time(key.expires),
                    time_or_never(key.used),
                ]
            })
        }
        ApiKeyCommand::Show { key } => {
            let key = api_key::show(&mut context.read().await?, &key, now).await?;
            context.output.say(&key, || {
                context.output.fields(vec![
                    (Text::LabelId, key.id.as_str().into()),
                    (Text::LabelName, key.name.as_str().into()),
                    (Text::LabelStatus, state(key.status)),
                    (Text::LabelRole, key.role.into()),
                    (Text::LabelScopes, scopes(&key)),
                    (Text::LabelMade, time(key.created)),
                    (Text::LabelValid, Text::Until.with([("time", time(key.expires))])),
                    (Text::LabelLastUsed, time_or_never(key.used)),
                ])
            })
        }
        ApiKeyCommand::Disable(act) => disable(context, &act).await,
        ApiKeyCommand::Delete(act) => delete(context, &act).await,
    }
}

async fn add(context: &Context, new: ApiKeyAdd) -> Result<()> {
    let wanted =
        NewApiKey { name: new.name, role: new.role, scopes: new.scopes, seconds: new.expires };
    let made =
        context.change(new.reason.as_deref(), async |op| api_key::add(op, wanted).await).await?;

    let until = shown(UnixTime(made.key.expires), &context.zone());
    let notes = [Text::ApiKeyValid.with([("time", until.into())]), Text::ApiKeyNext.into()];
    context.output.hand_out(&made, &made.token, &notes)
}

async fn disable(context: &Context, act: &ApiKeyAct) -> Result<()> {
    let reason = act.reason.as_deref();
    let done = context.change(reason, async |op| api_key::disable(op, &act.key).await).await?;
    let text = if done.changed { Text::ApiKeyIsDisabled } else { Text::ApiKeyWasDisabled };
    context.output.done(&done, text.with([("name", done.name.as_str().into())]))
}

async fn delete(context: &Context, act: &ApiKeyAct) -> Result<()> {
    let reason = act.reason.as_deref();
    let done = context.change(reason, async |op| api_key::delete(op, &act.key).await).await?;
    context.output.done(&done, Text::ApiKeyIsDeleted.with([("name", done.name.as_str().into())]))
}

fn scopes(key: &ApiKeyView) -> Phrase {
    if key.everywhere { Text::AllScopes.into() } else { key.scopes.join(", ").into() }
}
