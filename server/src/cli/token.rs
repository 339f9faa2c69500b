//! `wardkey-server token`

use wardkey_core::time::UnixTime;

use super::args::{TokenAdd, TokenCommand};
use super::context::Context;
use crate::admin::token::{self, NewToken, TokenView};
use crate::error::Result;
use crate::texts::{Phrase, Text};
use crate::when::shown;
use crate::words::{dash, short, state, time, time_or_never};

pub async fn act(context: &Context, command: TokenCommand) -> Result<()> {
    match command {
        TokenCommand::Add(new) => add(context, new).await,
        TokenCommand::List(paging) => {
            let now = context.clock.now();
            let tokens = token::list(&mut context.read().await?, &paging.request(), now).await?;
            let head = [
                Text::HeadId,
                Text::HeadStatus,
                Text::HeadUsed,
                Text::HeadScopes,
                Text::HeadValidUntil,
                Text::HeadReplaces,
            ];
            context.output.list(&tokens, &head, |token| {
                let replaces = token.replaces.as_deref().map(|id| short(id, 8));
                vec![
                    token.id.as_str().into(),
                    state(token.status),
                    format!("{}/{}", token.used, token.uses).into(),
                    token.scopes.join(",").into(),
                    time(token.expires),
                    dash(replaces.as_deref()),
                ]
            })
        }
        TokenCommand::Show { token } => {
            let now = context.clock.now();
            let token = token::show(&mut context.read().await?, &token, now).await?;
            context.output.say(&token, || context.output.fields(fields(&token)))
        }
        TokenCommand::Delete { token, reason } => delete(context, &token, reason.as_deref()).await,
    }
}

async fn add(context: &Context, new: TokenAdd) -> Result<()> {
    let wanted = NewToken {
        scopes: new.scopes.into_iter().collect(),
        replaces: new.replace.as_deref(),
        seconds: new.expires,
        uses: new.uses,
    };
    let made =
        context.change(new.reason.as_deref(), async |op| token::add(op, wanted).await).await?;

    let until = shown(UnixTime(made.expires), &context.zone());
    let until = ("time", until.into());
    let mut notes = vec![match made.uses {
        1 => Text::TokenOne.with([until]),
        uses => Text::TokenSeveral.with([("count", u64::from(uses).into()), until]),
    }];
    notes.push(Text::TokenNext.into());
    if made.uses > 1 {
        notes.push(Text::TokenApprove.into());
    }
    context.output.hand_out(&made, &made.token, &notes)
}

async fn delete(context: &Context, token: &str, reason: Option<&str>) -> Result<()> {
    let done = context.change(reason, async |op| token::delete(op, token).await).await?;
    let text = if done.changed { Text::TokenWithdrawn } else { Text::TokenWasWithdrawn };
    context.output.done(&done, text.with([("id", done.id.as_str().into())]))
}

fn fields(token: &TokenView) -> Vec<(Text, Phrase)> {
    let replaces = token.replaces.as_deref().map(|id| short(id, 8));
    vec![
        (Text::LabelId, token.id.as_str().into()),
        (Text::LabelStatus, state(token.status)),
        (Text::LabelScopes, token.scopes.join(", ").into()),
        (Text::LabelUsed, format!("{}/{}", token.used, token.uses).into()),
        (Text::LabelMade, time(token.created)),
        (Text::LabelValid, Text::Until.with([("time", time(token.expires))])),
        (Text::LabelWithdrawn, time_or_never(token.withdrawn)),
        (Text::LabelReplaces, dash(replaces.as_deref())),
    ]
}
