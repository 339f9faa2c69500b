//! `wardkey-server key`

use std::io::IsTerminal;

use wardkey_core::code::Code;
use wardkey_core::name::LoginName;
use wardkey_core::texts;

use super::args::{self, KeyAct, Paging};
use super::context::Context;
use super::output::Output;
use super::question;
use crate::admin::key::{self, KeyOfPerson, KeyView, Which};
use crate::error::{Error, Result};
use crate::store::credential::CredentialStatus;
use crate::texts::{Phrase, Text};
use crate::when::When;
use crate::words::{dash, short, state, time, time_or_never};

/// Digits of a fingerprint as "key list" shows it: nobody mistypes these into another key.
const SHOWN_DIGITS: usize = 16;

const HEAD: [Text; 7] = [
    Text::HeadKey,
    Text::HeadLabel,
    Text::HeadStatus,
    Text::HeadModel,
    Text::HeadPinLength,
    Text::HeadEnrolled,
    Text::HeadLastUsed,
];

pub async fn act(context: &Context, command: args::Key) -> Result<()> {
    match command {
        args::Key::List { login, disabled_since, paging } => {
            list(context, (login.as_ref(), disabled_since), paging).await
        }
        args::Key::Show { fingerprint } => show(context, &fingerprint).await,
        args::Key::Disable(act) => switch(context, &act, CredentialStatus::Disabled).await,
        args::Key::Enable(act) => switch(context, &act, CredentialStatus::Active).await,
        args::Key::Delete(act) => switch(context, &act, CredentialStatus::Deleted).await,
        args::Key::ClearSuspicion(act) => clear_suspicion(context, &act).await,
    }
}

async fn list(
    context: &Context,
    (login, disabled_since): (Option<&LoginName>, Option<When>),
    paging: Paging,
) -> Result<()> {
    let mut tx = context.read().await?;
    let request = paging.request();
    let keys = match (login, disabled_since) {
        (Some(login), _) => key::list_of(&mut tx, login, &request).await?,
        (None, None) => key::list(&mut tx, &request).await?,
        (None, Some(since)) => {
            key::list_disabled(&mut tx, (since, &context.zone()), &request).await?
        }
    };
    let mut head = HEAD.to_vec();
    head.insert(1, Text::HeadPerson);
    context.output.list(&keys, &head, |listed| {
        let mut cells = cells(&listed.key);
        cells.insert(1, listed.person.as_str().into());
        cells
    })
}

async fn show(context: &Context, fingerprint: &str) -> Result<()> {
    let shown = key::show(&mut context.read().await?, fingerprint).await?;
    context.output.say(&shown, || {
        let key = &shown.key;
        let model = Phrase::from(key.model.to_string());
        context.output.fields(vec![
            (Text::LabelKey, key.fingerprint.as_str().into()),
            (Text::LabelPerson, owner(&shown).into()),
            (Text::LabelLabel, key.label.as_str().into()),
            (Text::LabelStatus, status(key)),
            (
                Text::LabelModel,
                if key.attested { Text::ModelAttested.with([("model", model)]) } else { model },
            ),
            (
                Text::LabelPinLength,
                key.min_pin_length.map_or_else(
                    || Text::NotKnown.into(),
                    |least| Text::PinLength.with([("count", u64::from(least).into())]),
                ),
            ),
            (Text::LabelEnrolled, time(key.enrolled)),
            (Text::LabelLastUsed, time_or_never(key.last_used)),
            (Text::LabelCopySuspected, time_or_never(key.clone_suspected)),
        ])
    })
}

async fn switch(context: &Context, act: &KeyAct, status: CredentialStatus) -> Result<()> {
    let fingerprint = confirmed(context, act, status).await?;
    let which = Which { fingerprint: &fingerprint, of: act.person.as_ref() };
    let done = context
        .change(act.reason.as_deref(), async |op| key::switch(op, &which, status).await)
        .await?;

    let text = match status {
        CredentialStatus::Active => Text::KeyIsEnabled,
        CredentialStatus::Disabled => Text::KeyIsDisabled,
        CredentialStatus::Deleted => Text::KeyIsDeleted,
    };
    let key = ("key", short(&done.key, SHOWN_DIGITS).into());
    let person = ("person", done.person.as_str().into());
    let said = match done.changed {
        true => text.with([key, person]),
        false => Text::KeyWas.with([key, person, ("state", state(done.status))]),
    };
    context.output.done(&done, said)?;
    context.heard(&done.reach).await
}

async fn clear_suspicion(context: &Context, act: &KeyAct) -> Result<()> {
    let which = Which { fingerprint: &act.fingerprint, of: act.person.as_ref() };
    let done = context
        .change(act.reason.as_deref(), async |op| key::clear_suspicion(op, &which).await)
        .await?;
    let text = match done.suspected {
        Some(_) => Text::SuspicionCleared,
        None => Text::NothingSuspected,
    };
    let key = ("key", short(&done.key, SHOWN_DIGITS).into());
    context.output.done(&done, text.with([key, ("person", done.person.as_str().into())]))
}

/// The whole fingerprint of the key that is meant. A few digits may be those of somebody else's
/// key, and what is deleted does not come back: unless the person is named, whoever sits at a
/// terminal is asked, and a script with a few digits is refused.
async fn confirmed(context: &Context, act: &KeyAct, status: CredentialStatus) -> Result<String> {
    let found = key::show(&mut context.read().await?, &act.fingerprint).await?;
    let fingerprint = found.key.fingerprint.clone();
    if act.yes || act.person.is_some() {
        return Ok(fingerprint);
    }

    let is_exact = act.fingerprint.len() >= SHOWN_DIGITS;
    let at_terminal = std::io::stdin().is_terminal();
    if is_exact && (status != CredentialStatus::Deleted || !at_terminal) {
        return Ok(fingerprint);
    }

    let question = match status {
        CredentialStatus::Active => Text::AskEnable,
        CredentialStatus::Disabled => Text::AskDisable,
        CredentialStatus::Deleted => Text::AskDelete,
    };
    let which = Text::KeyOf.with([
        ("key", short(&fingerprint, SHOWN_DIGITS).into()),
        ("label", found.key.label.as_str().into()),
        ("person", owner(&found).into()),
    ]);
    let question = question.with([("which", which.clone())]);
    if at_terminal && asked(&question.say(context.output.language))? {
        return Ok(fingerprint);
    }
    let why = texts::phrase(Code::ActNotConfirmed, vec![]);
    let message = Text::NotAsked.with([("which", which), ("why", why)]);
    Err(Error::refused(Code::ActNotConfirmed, message))
}

fn asked(question: &str) -> Result<bool> {
    eprint!("{question}");
    let answer = question::answered()?;
    Ok(matches!(answer.trim().to_ascii_lowercase().as_str(), "y" | "yes"))
}

fn owner(found: &KeyOfPerson) -> String {
    match &found.name {
        Some(name) => format!("{} ({name})", found.person),
        None => found.person.clone(),
    }
}

/// A table of keys.
pub fn lines(output: Output, keys: &[KeyView]) -> Vec<String> {
    output.table(&HEAD, &keys.iter().map(cells).collect::<Vec<_>>())
}

fn cells(key: &KeyView) -> Vec<Phrase> {
    vec![
        short(&key.fingerprint, SHOWN_DIGITS).into(),
        key.label.as_str().into(),
        status(key),
        if key.attested { Text::Attested.into() } else { dash(None) },
        key.min_pin_length.map_or_else(|| dash(None), |least| least.to_string().into()),
        time(key.enrolled),
        time_or_never(key.last_used),
    ]
}

fn status(key: &KeyView) -> Phrase {
    match key.clone_suspected {
        Some(_) => Text::MayBeCopied.with([("state", state(key.status))]),
        None => state(key.status),
    }
}
