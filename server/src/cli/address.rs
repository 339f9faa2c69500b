//! `wardkey-server address`

use wardkey_core::name::ServerAddress;

use super::args::{AddressCommand, AddressSet};
use super::context::Context;
use crate::admin::address::{self, AddressesView, CameByView};
use crate::error::Result;
use crate::probe;
use crate::store::setting;
use crate::texts::{Phrase, Text};

pub async fn act(context: &Context, command: AddressCommand) -> Result<()> {
    match command {
        AddressCommand::Show => {
            let view = address::show(&mut context.read().await?).await?;
            context.output.say(&view, || context.output.fields(fields(&view)))
        }
        AddressCommand::Set(asked) => set(context, asked).await,
        AddressCommand::Retire { host, anyway, reason } => {
            let done = context
                .change(reason.as_deref(), async |op| address::retire(op, &host, anyway).await)
                .await?;
            let names = done.certificate.join(", ").into();
            context.output.done(&done, Text::AddressRetired.with([("names", names)]))
        }
    }
}

async fn set(context: &Context, asked: AddressSet) -> Result<()> {
    if !asked.anyway {
        look(context, &asked.addresses).await?;
    }
    let done = context
        .change(asked.reason.as_deref(), async |op| address::set(op, &asked.addresses).await)
        .await?;
    let said: Phrase = if done.addresses.is_empty() {
        Text::AddressesNoneSet.into()
    } else {
        Text::AddressesSet.with([("addresses", done.addresses.join(", ").into())])
    };
    context.output.done(&done, said)?;
    context.output.remark(Text::AddressesKeepOld);
    Ok(())
}

/// Whether the server is at each of them: who mistypes one hears it before terminals do.
async fn look(context: &Context, addresses: &[ServerAddress]) -> Result<()> {
    let (roots, root) = setting::roots(&mut *context.read().await?).await?;
    for address in addresses {
        probe::look(address, &roots, &root).await?;
    }
    Ok(())
}

fn fields(view: &AddressesView) -> Vec<(Text, Phrase)> {
    let told: Phrase = if view.addresses.is_empty() {
        Text::AddressesNone.into()
    } else {
        view.addresses.join(", ").into()
    };
    let mut fields = vec![
        (Text::LabelAddresses, told),
        (Text::LabelNumber, view.number.into()),
        (Text::LabelCertificate, view.certificate.join(", ").into()),
    ];
    fields.extend(view.came_by.iter().map(|came| (Text::LabelCameBy, came_by(came))));
    fields
}

fn came_by(came: &CameByView) -> Phrase {
    let count = ("count", came.terminals.into());
    match &came.address {
        None => Text::CameByUnknown.with([count]),
        Some(address) => {
            let text = if came.told { Text::CameByTold } else { Text::CameByOther };
            text.with([("address", address.as_str().into()), count])
        }
    }
}
