//! `wardkey-server person`

use wardkey_core::name::{LoginName, ScopeName};
use wardkey_core::time::UnixTime;

use super::args::{self, PersonAct};
use super::context::Context;
use super::import::{self, Asked};
use super::key;
use super::value::table;
use crate::admin::person::{self, Changes, NewPerson, PersonView};
use crate::error::Result;
use crate::store::PageRequest;
use crate::store::person::PersonStatus;
use crate::when;

pub async fn act(context: &Context, command: args::Person) -> Result<()> {
    match command {
        args::Person::Add { login, name, scopes, groups, language, valid_from, valid_until, reason } => {
            let new = NewPerson { login, name, language, valid_from, valid_until, scopes, groups };
            let added = context.change(reason.as_deref(), async |op| person::add(op, new).await).await?;
            context.output.say(&added, || vec![format!("person {} added", added.login)])
        }
        args::Person::Set { login, name, scopes, groups, language, valid_from, valid_until, always_valid, reason } => {
            let changes = Changes { name, language, valid_from, valid_until, always_valid, scopes, groups };
            set(context, &login, changes, reason.as_deref()).await
        }
        args::Person::Disable(act) => switch(context, &act, PersonStatus::Disabled).await,
        args::Person::Enable(act) => switch(context, &act, PersonStatus::Active).await,
        args::Person::Delete(act) => switch(context, &act, PersonStatus::Deleted).await,
        args::Person::List { scope, limit } => list(context, scope.as_ref(), limit).await,
        args::Person::Show { login } => show(context, &login).await,
        args::Person::Import { file, format, check, skip_existing, reason } => {
            let asked = Asked { file: &file, format, check, skip_existing, reason: reason.as_deref() };
            import::import(context, &asked).await
        }
    }
}

async fn set(context: &Context, login: &LoginName, changes: Changes, reason: Option<&str>) -> Result<()> {
    let done = context.change(reason, async |op| person::set(op, login, changes).await).await?;
    context.output.say(&done, || vec![format!("person {login} changed in {} scopes", done.published)])
}

async fn switch(context: &Context, act: &PersonAct, status: PersonStatus) -> Result<()> {
    let done = context.change(act.reason.as_deref(), async |op| person::switch(op, &act.login, status).await).await?;

    let word = match status {
        PersonStatus::Active => "enabled",
        PersonStatus::Disabled => "disabled",
        PersonStatus::Deleted => "deleted",
    };
    let already = if done.changed { "" } else { " already" };
    context.output.say(&done, || vec![format!("person {} {word}{already}", done.login)])?;
    context.heard(&done.reach).await
}

async fn list(context: &Context, scope: Option<&ScopeName>, limit: u32) -> Result<()> {
    let request = PageRequest { limit, ..PageRequest::default() };
    let people = person::list(&mut context.read().await?, scope, &request).await?.items;
    let row = |person: &PersonView| {
        let active = person.keys.iter().filter(|key| key.status == "active").count();
        vec![
            person.login.clone(),
            person.name.clone(),
            person.status.to_owned(),
            format!("{active}/{}", person.keys.iter().filter(|key| key.status != "deleted").count()),
            person.scopes.join(","),
            person.groups.join(","),
        ]
    };
    context.output.say(&people, || {
        let head = ["LOGIN", "NAME", "STATUS", "KEYS", "SCOPES", "GROUPS"];
        table(&head, &people.iter().map(row).collect::<Vec<_>>())
    })
}

async fn show(context: &Context, login: &LoginName) -> Result<()> {
    let person = person::show(&mut context.read().await?, login).await?;
    let zone = context.zone();
    let from = person.valid_from.map_or_else(|| "-".into(), |time| when::shown(UnixTime(time), &zone));
    let until = person.valid_until.map_or_else(|| "-".into(), |time| when::shown_end(UnixTime(time), &zone));
    context.output.say(&person, || {
        let mut lines = vec![
            format!("login     {}", person.login),
            format!("name      {}", person.name),
            format!("status    {}", person.status),
            format!("language  {}", person.language),
            format!("valid     {from} to {until}"),
            format!("scopes    {}", person.scopes.join(", ")),
            format!("groups    {}", person.groups.join(", ")),
        ];
        lines.extend(key::lines(&person.keys));
        lines
    })
}
