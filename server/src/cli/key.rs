//! `wardkey-server key`

use wardkey_core::time::UnixTime;

use super::args::{self, KeyAct};
use super::context::Context;
use super::value::table;
use crate::admin::key::{self, KeyView};
use crate::error::Result;
use crate::store::credential::CredentialStatus;
use crate::when::shown_utc;

pub async fn act(context: &Context, command: args::Key) -> Result<()> {
    match command {
        args::Key::List { login } => {
            let keys = key::list(&mut context.read().await?, &login).await?;
            context.output.say(&keys, || lines(&keys))
        }
        args::Key::Disable(act) => switch(context, &act, CredentialStatus::Disabled).await,
        args::Key::Enable(act) => switch(context, &act, CredentialStatus::Active).await,
        args::Key::Delete(act) => switch(context, &act, CredentialStatus::Deleted).await,
    }
}

async fn switch(context: &Context, act: &KeyAct, status: CredentialStatus) -> Result<()> {
    let done =
        context.change(act.reason.as_deref(), async |op| key::switch(op, &act.fingerprint, status).await).await?;

    let word = match status {
        CredentialStatus::Active => "enabled",
        CredentialStatus::Disabled => "disabled",
        CredentialStatus::Deleted => "deleted",
    };
    let short: String = done.key.chars().take(16).collect();
    let already = if done.changed { "" } else { " already" };
    context.output.say(&done, || vec![format!("key {short} of {} {word}{already}", done.person)])?;
    context.heard(&done.reach).await
}

/// A table of keys.
pub fn lines(keys: &[KeyView]) -> Vec<String> {
    let row = |key: &KeyView| {
        let mut status = key.status.to_owned();
        if key.clone_suspected.is_some() {
            status.push_str(", may have been copied");
        }
        vec![
            key.fingerprint.chars().take(16).collect(),
            key.label.clone(),
            status,
            if key.attested { "attested".into() } else { "-".into() },
            shown_utc(UnixTime(key.enrolled)),
            key.last_used.map_or_else(|| "never".into(), |time| shown_utc(UnixTime(time))),
        ]
    };
    let head = ["KEY", "LABEL", "STATUS", "MODEL", "ENROLLED", "LAST USED"];
    table(&head, &keys.iter().map(row).collect::<Vec<_>>())
}
