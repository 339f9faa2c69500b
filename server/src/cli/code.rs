//! `wardkey-server code`

use super::args::CodeCommand;
use super::context::Context;
use crate::admin::code;
use crate::error::Result;
use crate::keyring::Secret;

pub async fn act(context: &Context, command: CodeCommand) -> Result<()> {
    match command {
        CodeCommand::Issue { login, expires, reason } => {
            let key = context.keyring().secret(Secret::Code)?;
            let made = context.change(reason.as_deref(), async |op| code::add(op, &login, expires, &key).await).await?;
            context.output.say(&made, || vec![made.code.clone()])
        }
        CodeCommand::Withdraw(act) => {
            let done = context.change(act.reason.as_deref(), async |op| code::delete(op, &act.login).await).await?;
            context.output.say(&done, || vec![format!("{} open codes of {} withdrawn", done.withdrawn, done.login)])
        }
    }
}
