//! `wardkey-server ca`

use super::args::{ByRootKey, CaCommand};
use super::context::Context;
use super::root_key;
use crate::admin::ca::{self, CaView};
use crate::admin::publish_key::By;
use crate::admin::reach::Reach;
use crate::error::Result;
use crate::texts::{Phrase, Text};
use crate::words::time;

pub async fn act(context: &Context, command: CaCommand) -> Result<()> {
    match command {
        CaCommand::Show => show(context).await,
        CaCommand::Prepare { reason } => prepare(context, reason.as_deref()).await,
        CaCommand::Rotate { stolen, by } => rotate(context, stolen, by).await,
        CaCommand::Retire { anyway, reason } => {
            let done =
                context.change(reason.as_deref(), async |op| ca::retire(op, anyway).await).await?;
            let said = Text::CaRetired.with([("count", done.terminals.into())]);
            context.output.done(&done, said)?;
            context.heard(&Reach::Terminals).await
        }
    }
}

async fn prepare(context: &Context, reason: Option<&str>) -> Result<()> {
    let (keyring, clock) = (context.keyring(), &context.clock);
    let done = context.change(reason, async |op| ca::prepare(op, &keyring, clock).await).await?;
    let path = done.path.display().to_string().into();
    let said = Text::CaPrepared.with([("ca", done.ca.clone().into()), ("path", path)]);
    context.output.done(&done, said)
}

async fn rotate(context: &Context, stolen: bool, given: ByRootKey) -> Result<()> {
    let keyring = context.keyring();
    let root_key = root_key::read(context, &given).await?;
    let by = By { root_key: &root_key, keyring: &keyring, clock: &context.clock };
    let done = context
        .change(given.reason.as_deref(), async |op| match stolen {
            true => ca::rotate_stolen(op, by).await,
            false => ca::rotate(op, by).await,
        })
        .await?;
    // It is done; a folder that is tidied later is usable too.
    if let Err(error) = keyring.settle_authority(&done.root) {
        context.output.warn(&[error.phrase()]);
    }

    let said = [("version", done.root_version.into()), ("terminals", done.terminals.into())];
    let sentence = if stolen { Text::CaReplaced } else { Text::CaRotated };
    context.output.done(&done, sentence.with(said))?;
    if done.lost > 0 {
        context.output.remark(Text::CaLost.with([("count", done.lost.into())]));
    }
    context.output.remark(Text::CaToOthers);
    context.output.remark(Text::BackupAfterKeys);
    context.heard(&Reach::Terminals).await
}

async fn show(context: &Context) -> Result<()> {
    let view = ca::show(&mut context.read().await?, &context.keyring()).await?;
    context.output.say(&view, || context.output.fields(fields(&view)))
}

fn fields(view: &CaView) -> Vec<(Text, Phrase)> {
    let root = Text::RootDocumentOf
        .with([("version", view.root_version.into()), ("time", time(view.issued))]);
    let ends = Text::CaEnds.with([("ca", view.ca.clone().into()), ("time", time(view.ends))]);
    let mut fields: Vec<(Text, Phrase)> = vec![(Text::LabelCa, ends)];
    let before = if view.stolen { Text::CaStolen } else { Text::CaFormer };
    for ca in &view.former {
        fields.push((Text::LabelCaBefore, before.with([("ca", ca.clone().into())])));
    }
    if let Some(ca) = &view.prepared {
        let ends = ("time", time(view.prepared_ends.unwrap_or_default()));
        fields.push((Text::LabelCaPrepared, Text::CaEnds.with([("ca", ca.clone().into()), ends])));
    }
    let count = ("count", view.terminals.into());
    fields.push((Text::LabelTerminals, Text::CaHave.with([("have", view.have.into()), count])));
    if !view.former.is_empty() && view.older > 0 {
        let older = Text::CaOlder.with([("count", view.older.into())]);
        fields.push((Text::LabelTerminals, older));
    }
    let place = if view.root_key_here { Text::RootKeyHere } else { Text::RootKeyElsewhere };
    fields.extend([
        (Text::LabelRootDocument, root),
        (Text::LabelRootsLeft, view.left.into()),
        (Text::LabelRootKey, place.into()),
    ]);
    fields
}
