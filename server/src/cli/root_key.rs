//! `wardkey-server root-key`

use super::args::{RootKey, RootKeyExport};
use super::context::Context;
use crate::admin::publish_key::{self, RootKeyExported};
use crate::backup::keys;
use crate::error::Result;
use crate::keyring::Secret;
use crate::root_key;
use crate::texts::Text;

pub async fn act(context: &Context, command: RootKey) -> Result<()> {
    let RootKey::Export(asked) = command;
    export(context, asked).await
}

async fn export(context: &Context, asked: RootKeyExport) -> Result<()> {
    let mut recipients = asked.recipients;
    if let Some(path) = &asked.recipients_file {
        recipients.extend(keys::recipients(path)?);
    }
    let keyring = context.keyring();
    root_key::export(&keyring, &asked.to, &recipients)?;
    let done = RootKeyExported {
        path: asked.to,
        recipients: recipients.len() as u64,
        removed: asked.remove,
    };
    context
        .change(asked.reason.as_deref(), async |op| publish_key::record_export(op, &done).await)
        .await?;
    // Last: what is not recorded is not removed.
    if done.removed {
        keyring.take_away(Secret::Root)?;
    }

    let text = if done.removed { Text::RootKeyTaken } else { Text::RootKeyCopied };
    let path = done.path.display().to_string().into();
    context.output.done(&done, text.with([("path", path), ("count", done.recipients.into())]))
}
