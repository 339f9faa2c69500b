//! `wardkey-server root-key`

use std::path::Path;

use age::x25519::Recipient;
use wardkey_core::sign::SigningKey;

use super::args::{ByRootKey, RootKey, RootKeyExport, RootKeyRotate};
use super::context::Context;
use crate::admin::publish_key::By;
use crate::admin::reach::Reach;
use crate::admin::root_key::{self as admin, NewPlace, RootKeyExported, RootKeyView};
use crate::backup::keys;
use crate::error::Result;
use crate::keyring::Secret;
use crate::root_key::{self, Kept};
use crate::store::setting;
use crate::texts::{Phrase, Text};
use crate::words::time;

pub async fn act(context: &Context, command: RootKey) -> Result<()> {
    match command {
        RootKey::Show => show(context).await,
        RootKey::Export(asked) => export(context, asked).await,
        RootKey::Rotate(asked) => rotate(context, asked).await,
    }
}

/// The root key, wherever somebody says that it is. The folder of the keys is tidied before: what
/// lies there is the key that the newest root document names.
pub(super) async fn read(context: &Context, given: &ByRootKey) -> Result<SigningKey> {
    tidy(context).await?;
    let kept = Kept { file: given.root_key.as_deref(), identity: given.identity.as_deref() };
    root_key::read(&context.keyring(), kept)
}

async fn tidy(context: &Context) -> Result<()> {
    let mut tx = context.read().await?;
    let (roots, root) = setting::roots(&mut tx).await?;
    drop(tx);
    context.keyring().settle_root(&roots, &root)
}

async fn show(context: &Context) -> Result<()> {
    let view = admin::show(&mut context.read().await?, &context.keyring()).await?;
    context.output.say(&view, || context.output.fields(fields(&view)))
}

fn fields(view: &RootKeyView) -> Vec<(Text, Phrase)> {
    let root = Text::RootDocumentOf
        .with([("version", view.root_version.into()), ("time", time(view.issued))]);
    let have =
        Text::TerminalsHave.with([("have", view.have.into()), ("count", view.terminals.into())]);
    let place = if view.here { Text::RootKeyHere } else { Text::RootKeyElsewhere };
    let since = Text::RootKeySince.with([("version", view.since_version.into())]);
    vec![
        (Text::LabelRootKey, view.root_key.clone().into()),
        (Text::LabelSince, since),
        (Text::LabelPlace, place.into()),
        (Text::LabelRootDocument, root),
        (Text::LabelTerminals, have),
        (Text::LabelRootsLeft, view.left.into()),
    ]
}

async fn export(context: &Context, asked: RootKeyExport) -> Result<()> {
    let recipients = all(asked.recipients, asked.recipients_file.as_deref())?;
    tidy(context).await?;
    let keyring = context.keyring();
    root_key::export(&keyring, &asked.to, &recipients)?;
    let done = RootKeyExported {
        path: asked.to,
        recipients: recipients.len() as u64,
        removed: asked.remove,
    };
    context
        .change(asked.reason.as_deref(), async |op| admin::record_export(op, &done).await)
        .await?;
    // Last: what is not recorded is not removed.
    if done.removed {
        keyring.take_away(Secret::Root)?;
    }

    let text = if done.removed { Text::RootKeyTaken } else { Text::RootKeyCopied };
    let path = done.path.display().to_string().into();
    context.output.done(&done, text.with([("path", path), ("count", done.recipients.into())]))
}

async fn rotate(context: &Context, asked: RootKeyRotate) -> Result<()> {
    let recipients = all(asked.recipients, asked.recipients_file.as_deref())?;
    let keyring = context.keyring();
    let place = match &asked.to {
        Some(path) => NewPlace::Sealed(path, &recipients),
        None => NewPlace::Here,
    };
    let reason = asked.by.reason.as_deref();
    let done = if asked.lost {
        let by = (&keyring, &context.clock);
        context.change(reason, async |op| admin::replace_lost(op, by, place).await).await?
    } else {
        let before = read(context, &asked.by).await?;
        let by = By { root_key: &before, keyring: &keyring, clock: &context.clock };
        context.change(reason, async |op| admin::rotate(op, by, place).await).await?
    };
    // It is done; a folder that is tidied later is usable too.
    let (roots, root) = &done.chain;
    if let Err(error) = keyring.settle_root(roots, root) {
        context.output.warn(&[error.phrase()]);
    }

    let said = [("version", done.root_version.into()), ("terminals", done.terminals.into())];
    let sentence = if asked.lost { Text::RootKeyReplaced } else { Text::RootKeyRotated };
    context.output.done(&done, sentence.with(said))?;
    let key = done.root_key.clone().into();
    context.output.remark(Text::RootKeyIntoPapers.with([("key", key)]));
    context.output.remark(match &done.path {
        Some(path) => Text::RootKeyInFile.with([("path", path.display().to_string().into())]),
        None => Text::RootKeyToExport.into(),
    });
    context.output.remark(Text::BackupAfterKeys);
    context.heard(&Reach::Terminals).await
}

fn all(mut recipients: Vec<Recipient>, file: Option<&Path>) -> Result<Vec<Recipient>> {
    if let Some(path) = file {
        recipients.extend(keys::recipients(path)?);
    }
    Ok(recipients)
}
