//! `wardkey-server code`

use wardkey_core::time::UnixTime;

use super::args::{CodeAdd, CodeCommand};
use super::context::Context;
use crate::admin::code;
use crate::error::Result;
use crate::keyring::Secret;
use crate::when::{shown, shown_utc};

pub async fn act(context: &Context, command: CodeCommand) -> Result<()> {
    match command {
        CodeCommand::Add(new) => add(context, new).await,
        CodeCommand::List(paging) => {
            let now = context.clock.now();
            let codes = code::list(&mut context.read().await?, &paging.request(), now).await?;
            context.output.list(&codes, &["LOGIN", "STATUS", "MADE", "VALID UNTIL"], |code| {
                let times = [code.created, code.expires].map(|time| shown_utc(UnixTime(time)));
                let [made, until] = times;
                vec![code.login.clone(), code.status.to_owned(), made, until]
            })
        }
        CodeCommand::Delete(act) => {
            let done = context.change(act.reason.as_deref(), async |op| code::delete(op, &act.login).await).await?;
            context.output.say(&done, || vec![format!("{} open codes of {} withdrawn", done.withdrawn, done.login)])
        }
    }
}

pub async fn add(context: &Context, new: CodeAdd) -> Result<()> {
    let key = context.keyring().secret(Secret::Code)?;
    let made =
        context.change(new.reason.as_deref(), async |op| code::add(op, &new.login, new.expires, &key).await).await?;
    let until = shown(UnixTime(made.expires), &context.zone());
    let notes = [
        format!("Valid once, until {until}, for {} only.", made.login),
        "Next: at a terminal, run \"wardkey enroll\" and type this code.".to_owned(),
    ];
    context.output.hand_out(&made, &made.code, &notes)
}
