//! `wardkey-server loaner`

use wardkey_core::name::LoginName;
use wardkey_core::time::UnixTime;

use super::args::{LoanerAdd, LoanerCommand, LoanerLend};
use super::context::Context;
use crate::admin::loaner::{self, LoanView, LoanerView};
use crate::error::Result;
use crate::keyring::Secret;
use crate::store::credential::CredentialStatus;
use crate::texts::{Phrase, Text};
use crate::when::shown;
use crate::words::{dash, short, state, time, time_or_never};

/// Digits of a fingerprint.
const SHOWN_DIGITS: usize = 16;

pub async fn act(context: &Context, command: LoanerCommand) -> Result<()> {
    let now = context.clock.now();
    match command {
        LoanerCommand::Add(new) => add(context, new).await,
        LoanerCommand::List(paging) => {
            let pool = loaner::list(&mut context.read().await?, &paging.request(), now).await?;
            let head = [
                Text::HeadLoaner,
                Text::HeadKey,
                Text::HeadStatus,
                Text::HeadBorrower,
                Text::HeadValidUntil,
                Text::HeadLastUsed,
            ];
            context.output.list(&pool, &head, |key| {
                let loan = key.loan.as_ref();
                vec![
                    key.name.as_str().into(),
                    key.key.as_ref().map_or_else(|| dash(None), |key| digits(key)),
                    status(key),
                    dash(loan.map(|loan| loan.login.as_str())),
                    loan.map_or_else(|| dash(None), |loan| time(end(loan))),
                    time_or_never(key.last_used),
                ]
            })
        }
        LoanerCommand::Show { name } => {
            let key = loaner::show(&mut context.read().await?, &name, now).await?;
            context.output.say(&key, || context.output.fields(fields(&key)))
        }
        LoanerCommand::Lend(new) => lend(context, new).await,
        LoanerCommand::Return(act) => {
            let done = context
                .change(act.reason.as_deref(), async |op| loaner::give_back(op, &act.name).await)
                .await?;
            let args = [("name", done.name.as_str().into()), ("login", done.login.as_str().into())];
            context.output.done(&done, Text::LoanerReturned.with(args))?;
            context.heard(&done.reach).await
        }
        LoanerCommand::Disable(act) => switch(context, &act.name, act.reason, OFF).await,
        LoanerCommand::Enable(act) => switch(context, &act.name, act.reason, ON).await,
        LoanerCommand::Delete(act) => switch(context, &act.name, act.reason, OUT).await,
    }
}

const ON: (CredentialStatus, Text) = (CredentialStatus::Active, Text::LoanerIsEnabled);
const OFF: (CredentialStatus, Text) = (CredentialStatus::Disabled, Text::LoanerIsDisabled);
const OUT: (CredentialStatus, Text) = (CredentialStatus::Deleted, Text::LoanerIsDeleted);

async fn add(context: &Context, new: LoanerAdd) -> Result<()> {
    let secret = context.keyring().secret(Secret::Code)?;
    let made = context
        .change(new.reason.as_deref(), async |op| {
            loaner::add(op, &new.name, new.expires, &secret).await
        })
        .await?;
    let until = shown(UnixTime(made.expires), &context.zone());
    let name: Phrase = made.login.as_str().into();
    let notes =
        [Text::CodeValid.with([("time", until.into()), ("login", name)]), Text::LoanerNext.into()];
    context.output.hand_out(&made, &made.code, &notes)
}

async fn lend(context: &Context, new: LoanerLend) -> Result<()> {
    let done = context
        .change(Some(&new.reason), async |op| {
            loaner::lend(op, &new.name, &new.login, new.seconds, new.pin_changed).await
        })
        .await?;
    let until = done.loaner.loan.as_ref().map_or(0, |loan| loan.until);
    let said = Text::LoanerLent.with([
        ("name", done.loaner.name.as_str().into()),
        ("login", new.login.as_str().into()),
        ("time", shown(UnixTime(until), &context.zone()).into()),
    ]);
    context.output.done(&done, said)?;
    context.output.warn(&done.warnings);
    Ok(())
}

async fn switch(
    context: &Context,
    name: &LoginName,
    reason: Option<String>,
    (status, said): (CredentialStatus, Text),
) -> Result<()> {
    let done = context
        .change(reason.as_deref(), async |op| loaner::switch(op, name, status).await)
        .await?;
    context.output.done(&done, said.with([("name", name.as_str().into())]))?;
    context.heard(&done.reach).await
}

fn digits(fingerprint: &str) -> Phrase {
    short(fingerprint, SHOWN_DIGITS).into()
}

/// What it is; of a key that is out, with why its loan ended.
fn status(key: &LoanerView) -> Phrase {
    let why = key.loan.as_ref().and_then(ended_by).filter(|_| key.status == "out");
    match why {
        Some(by) => Text::EndedBy.with([("state", state(key.status)), ("by", by)]),
        None => state(key.status),
    }
}

/// From when on the borrower could not use it.
fn end(loan: &LoanView) -> u64 {
    loan.ended.map_or(loan.until, |ended| ended.min(loan.until))
}

fn ended(loan: &LoanView) -> Phrase {
    match ended_by(loan) {
        None => Text::Never.into(),
        Some(by) => Text::EndedBy.with([("state", time_or_never(loan.ended)), ("by", by)]),
    }
}

fn ended_by(loan: &LoanView) -> Option<Phrase> {
    Some(match loan.ended_by? {
        "return" => Text::ByReturn.into(),
        "key" => Text::ByKey.into(),
        "administrator" => Text::ByAdministrator.into(),
        "time" => Text::ByTime.into(),
        other => other.into(),
    })
}

fn fields(key: &LoanerView) -> Vec<(Text, Phrase)> {
    let mut fields = vec![
        (Text::LabelLoaner, key.name.as_str().into()),
        (Text::LabelKey, key.key.as_ref().map_or_else(|| dash(None), |key| digits(key))),
        (Text::LabelStatus, status(key)),
        (Text::LabelLastUsed, time_or_never(key.last_used)),
    ];
    if let Some(loan) = &key.loan {
        let valid = [("from", time(loan.from)), ("until", time(loan.until))];
        fields.extend([
            (Text::LabelLoan, loan.id.as_str().into()),
            (Text::LabelBorrower, loan.login.as_str().into()),
            (Text::LabelValid, Text::FromUntil.with(valid)),
            (Text::LabelLender, loan.lender.as_str().into()),
            (Text::LabelReason, loan.reason.as_str().into()),
            (Text::LabelEnded, ended(loan)),
            (Text::LabelReturned, time_or_never(loan.returned)),
        ]);
    }
    fields
}
