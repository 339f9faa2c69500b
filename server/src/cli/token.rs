//! `wardkey-server token`

use wardkey_core::time::UnixTime;

use super::args::{TokenAdd, TokenCommand};
use super::context::Context;
use crate::admin::token::{self, NewToken};
use crate::error::Result;
use crate::when::{shown, shown_utc};

pub async fn act(context: &Context, command: TokenCommand) -> Result<()> {
    match command {
        TokenCommand::Add(new) => add(context, new).await,
        TokenCommand::List(paging) => {
            let now = context.clock.now();
            let tokens = token::list(&mut context.read().await?, &paging.request(), now).await?;
            let head = ["ID", "STATUS", "USED", "SCOPES", "VALID UNTIL", "REPLACES"];
            context.output.list(&tokens, &head, |token| {
                vec![
                    token.id.clone(),
                    token.status.to_owned(),
                    format!("{}/{}", token.used, token.uses),
                    token.scopes.join(","),
                    shown_utc(UnixTime(token.expires)),
                    token.replaces.as_deref().map_or_else(|| "-".into(), |id| id.chars().take(8).collect()),
                ]
            })
        }
        TokenCommand::Delete { token, reason } => delete(context, &token, reason.as_deref()).await,
    }
}

pub async fn add(context: &Context, new: TokenAdd) -> Result<()> {
    let wanted = NewToken {
        scopes: new.scopes.into_iter().collect(),
        replaces: new.replace.as_deref(),
        seconds: new.expires,
        uses: new.uses,
    };
    let made = context.change(new.reason.as_deref(), async |op| token::add(op, wanted).await).await?;

    let until = shown(UnixTime(made.expires), &context.zone());
    let mut notes = vec![match made.uses {
        1 => format!("Valid for one machine, until {until}."),
        uses => format!("Valid for {uses} machines, until {until}."),
    }];
    notes.push(
        "Next: on the terminal, run \"wardkey join --server https://... --token-file -\" and paste this token."
            .to_owned(),
    );
    if made.uses > 1 {
        notes.push("Each machine then waits for \"wardkey-server terminal approve\".".to_owned());
    }
    context.output.hand_out(&made, &made.token, &notes)
}

pub async fn delete(context: &Context, token: &str, reason: Option<&str>) -> Result<()> {
    let done = context.change(reason, async |op| token::delete(op, token).await).await?;
    let already = if done.changed { "" } else { " already" };
    context.output.say(&done, || vec![format!("token {} withdrawn{already}", done.id)])
}
