//! `wardkey-server publish-key`

use super::args::{ByRootKey, PublishKey};
use super::context::Context;
use super::root_key;
use crate::admin::Operation;
use crate::admin::publish_key::{self, By, KeyExchanged, PublishKeyView};
use crate::admin::reach::Reach;
use crate::error::Result;
use crate::texts::{Phrase, Text};
use crate::words::time;

pub async fn act(context: &Context, command: PublishKey) -> Result<()> {
    match command {
        PublishKey::Show => show(context).await,
        PublishKey::Rotate { stolen: false, anyway, by } => {
            exchange(context, by, Text::PublishKeyRotated, async |op, by| {
                publish_key::rotate(op, by, anyway).await
            })
            .await
        }
        PublishKey::Rotate { stolen: true, by, .. } => {
            exchange(context, by, Text::PublishKeyReplaced, async |op, by| {
                publish_key::rotate_stolen(op, by).await
            })
            .await
        }
        PublishKey::Retire { anyway, by } => {
            exchange(context, by, Text::PublishKeyRetired, async |op, by| {
                publish_key::retire(op, by, anyway).await
            })
            .await
        }
    }
}

async fn exchange(
    context: &Context,
    given: ByRootKey,
    said: Text,
    act: impl AsyncFnOnce(&mut Operation<'_>, By<'_>) -> Result<KeyExchanged>,
) -> Result<()> {
    let keyring = context.keyring();
    let root_key = root_key::read(context, &given).await?;
    let by = By { root_key: &root_key, keyring: &keyring, clock: &context.clock };
    let done = context.change(given.reason.as_deref(), async |op| act(op, by).await).await?;
    // It is done; a folder that is tidied later is usable too.
    if let Err(error) = keyring.settle(&done.root) {
        context.output.warn(&[error.phrase()]);
    }

    let version = done.root_version.into();
    let said = said.with([("version", version), ("terminals", done.terminals.into())]);
    context.output.done(&done, said)?;
    context.output.remark(Text::BackupAfterKeys);
    context.heard(&Reach::Terminals).await
}

async fn show(context: &Context) -> Result<()> {
    let view = publish_key::show(&mut context.read().await?, &context.keyring()).await?;
    context.output.say(&view, || context.output.fields(fields(&view)))
}

fn fields(view: &PublishKeyView) -> Vec<(Text, Phrase)> {
    let root = Text::RootDocumentOf
        .with([("version", view.root_version.into()), ("time", time(view.issued))]);
    let mut fields: Vec<(Text, Phrase)> = vec![(Text::LabelRootDocument, root)];
    for key in &view.keys {
        let text = if key.signs { Text::KeySigns } else { Text::KeyHasSigned };
        fields.push((Text::LabelPublishKey, text.with([("id", key.id.as_str().into())])));
    }
    let have =
        Text::TerminalsHave.with([("have", view.have.into()), ("count", view.terminals.into())]);
    let place = if view.root_key_here { Text::RootKeyHere } else { Text::RootKeyElsewhere };
    fields.extend([
        (Text::LabelTerminals, have),
        (Text::LabelRootsLeft, view.left.into()),
        (Text::LabelRootKey, place.into()),
    ]);
    fields
}
