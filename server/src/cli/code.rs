//! `wardkey-server code`

use super::Context;
use super::args::CodeCommand;
use super::value::shown;
use crate::error::{Error, Result};
use crate::keyring::Secret;
use crate::secret;
use crate::store::audit::{self, Act};
use crate::store::code;
use crate::store::person::{self, PersonStatus};

pub async fn act(context: &Context, command: CodeCommand) -> Result<()> {
    let now = context.clock.now();
    match command {
        CodeCommand::Issue { login, expires, reason } => {
            let key = context.keyring().secret(Secret::Code)?;
            let mut tx = context.store.write().await?;
            let person = person::get(&mut tx, &login).await?;
            if person.status != PersonStatus::Active {
                return Err(Error::invalid(format!("person {login} is disabled")));
            }
            let text = secret::new_code()?;
            let hash =
                secret::code_hash(&key, &text).ok_or_else(|| Error::Crypto("a code could not be made".into()))?;
            let until = now.plus(expires);
            code::add(&mut tx, &hash, person.id, (now, until)).await?;
            let detail = format!("until {}", shown(until));
            let act = Act::new("code.issue", login.as_str()).because(reason.as_deref()).with(&detail);
            audit::record(&mut tx, now, &context.actor, act).await?;
            context.commit(tx).await?;
            let answer = serde_json::json!({ "code": text, "login": login.as_str(), "expires": until.0 });
            context.output.say(&answer, || vec![text.clone()])
        }
        CodeCommand::Withdraw(act) => {
            let mut tx = context.store.write().await?;
            let person = person::get(&mut tx, &act.login).await?;
            let count = code::withdraw(&mut tx, person.id, now).await?;
            let detail = format!("{count} open codes");
            let row = Act::new("code.withdraw", act.login.as_str()).because(act.reason.as_deref()).with(&detail);
            audit::record(&mut tx, now, &context.actor, row).await?;
            context.commit(tx).await?;
            let answer = serde_json::json!({ "login": act.login.as_str(), "withdrawn": count });
            context.output.say(&answer, || vec![format!("{count} open codes of {} withdrawn", act.login)])
        }
    }
}
