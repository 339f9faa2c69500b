//! `wardkey-server key`

use std::io::{BufRead, IsTerminal};

use wardkey_core::code::Code;
use wardkey_core::name::LoginName;
use wardkey_core::texts;
use wardkey_core::time::UnixTime;

use super::args::{self, KeyAct, Paging};
use super::context::Context;
use super::value::{language, table};
use crate::admin::key::{self, KeyOfPerson, KeyView, Which};
use crate::error::{Error, Result};
use crate::store::credential::CredentialStatus;
use crate::when::shown_utc;

/// Digits of a fingerprint as "key list" shows it: nobody mistypes these into another key.
const SHOWN_DIGITS: usize = 16;

const HEAD: [&str; 6] = ["KEY", "LABEL", "STATUS", "MODEL", "ENROLLED", "LAST USED"];

pub async fn act(context: &Context, command: args::Key) -> Result<()> {
    match command {
        args::Key::List { login, paging } => list(context, login.as_ref(), paging).await,
        args::Key::Show { fingerprint } => show(context, &fingerprint).await,
        args::Key::Disable(act) => switch(context, &act, CredentialStatus::Disabled).await,
        args::Key::Enable(act) => switch(context, &act, CredentialStatus::Active).await,
        args::Key::Delete(act) => switch(context, &act, CredentialStatus::Deleted).await,
    }
}

async fn list(context: &Context, login: Option<&LoginName>, paging: Paging) -> Result<()> {
    let mut tx = context.read().await?;
    let request = paging.request();
    let keys = match login {
        Some(login) => key::list_of(&mut tx, login, &request).await?,
        None => key::list(&mut tx, &request).await?,
    };
    let head: Vec<&str> = HEAD.iter().take(1).chain(&["PERSON"]).chain(HEAD.iter().skip(1)).copied().collect();
    context.output.list(&keys, &head, |listed| {
        let mut cells = cells(&listed.key);
        cells.insert(1, listed.person.clone());
        cells
    })
}

async fn show(context: &Context, fingerprint: &str) -> Result<()> {
    let shown = key::show(&mut context.read().await?, fingerprint).await?;
    let time = |time: Option<u64>| time.map_or_else(|| "never".into(), |time| shown_utc(UnixTime(time)));
    context.output.say(&shown, || {
        let key = &shown.key;
        vec![
            format!("key        {}", key.fingerprint),
            format!("person     {}", whose(&shown)),
            format!("label      {}", key.label),
            format!("status     {}", status(key)),
            format!("model      {}{}", key.model, if key.attested { ", attested" } else { "" }),
            format!("enrolled   {}", time(Some(key.enrolled))),
            format!("last used  {}", time(key.last_used)),
        ]
    })
}

async fn switch(context: &Context, act: &KeyAct, status: CredentialStatus) -> Result<()> {
    let fingerprint = confirmed(context, act, status).await?;
    let which = Which { fingerprint: &fingerprint, of: act.person.as_ref() };
    let done = context.change(act.reason.as_deref(), async |op| key::switch(op, &which, status).await).await?;

    let word = match status {
        CredentialStatus::Active => "enabled",
        CredentialStatus::Disabled => "disabled",
        CredentialStatus::Deleted => "deleted",
    };
    let short: String = done.key.chars().take(SHOWN_DIGITS).collect();
    let already = if done.changed { "" } else { " already" };
    context.output.say(&done, || vec![format!("key {short} of {} {word}{already}", done.person)])?;
    context.heard(&done.reach).await
}

/// The whole fingerprint of the key that is meant. A few digits may be those of somebody else's key, and
/// what is deleted does not come back: unless the person is named, whoever sits at a terminal is asked,
/// and a script with a few digits is refused.
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
        CredentialStatus::Active => "Enable it?",
        CredentialStatus::Disabled => "Disable it?",
        CredentialStatus::Deleted => "Delete it for ever?",
    };
    let short: String = fingerprint.chars().take(SHOWN_DIGITS).collect();
    let described = format!("key {short} (\"{}\") is that of {}", found.key.label, whose(&found));
    if at_terminal && asked(&format!("{described}. {question} [y/N] "))? {
        return Ok(fingerprint);
    }
    let why = texts::message(Code::ActNotConfirmed, language(), &[]);
    Err(Error::refused(Code::ActNotConfirmed, format!("{described}. {why}")))
}

fn asked(question: &str) -> Result<bool> {
    eprint!("{question}");
    let mut answer = String::new();
    std::io::stdin().lock().read_line(&mut answer).map_err(Error::io("reading the answer"))?;
    Ok(matches!(answer.trim().to_ascii_lowercase().as_str(), "y" | "yes"))
}

fn whose(found: &KeyOfPerson) -> String {
    match &found.name {
        Some(name) => format!("{} ({name})", found.person),
        None => found.person.clone(),
    }
}

/// A table of keys.
pub fn lines(keys: &[KeyView]) -> Vec<String> {
    table(&HEAD, &keys.iter().map(cells).collect::<Vec<_>>())
}

fn cells(key: &KeyView) -> Vec<String> {
    vec![
        key.fingerprint.chars().take(SHOWN_DIGITS).collect(),
        key.label.clone(),
        status(key),
        if key.attested { "attested".into() } else { "-".into() },
        shown_utc(UnixTime(key.enrolled)),
        key.last_used.map_or_else(|| "never".into(), |time| shown_utc(UnixTime(time))),
    ]
}

fn status(key: &KeyView) -> String {
    let copied = if key.clone_suspected.is_some() { ", may have been copied" } else { "" };
    format!("{}{copied}", key.status)
}
