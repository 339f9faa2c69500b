//! `wardkey-server person`

use wardkey_core::name::{LoginName, ScopeName};
use wardkey_core::time::UnixTime;

use super::args::{self, Paging, PersonAct};
use super::context::Context;
use super::import::{self, Asked};
use super::key;
use crate::admin::Edit;
use crate::admin::person::{self, Changes, NewPerson};
use crate::error::Result;
use crate::store::person::PersonStatus;
use crate::when;

pub async fn act(context: &Context, command: args::Person) -> Result<()> {
    match command {
        args::Person::Add { login, name, scopes, groups, language, valid_from, valid_until, reason } => {
            let new = NewPerson { login, name, language, valid_from, valid_until, scopes, groups };
            let added = context.change(reason.as_deref(), async |op| person::add(op, new).await).await?;
            context.output.say(&added, || vec![format!("person {} added", added.login)])
        }
        args::Person::Set {
            login,
            name,
            add_scopes,
            remove_scopes,
            add_groups,
            remove_groups,
            scopes,
            groups,
            language,
            valid_from,
            valid_until,
            always_valid,
            reason,
        } => {
            let scopes = Edit { all: scopes, add: add_scopes, remove: remove_scopes };
            let groups = Edit { all: groups, add: add_groups, remove: remove_groups };
            let changes = Changes { name, language, valid_from, valid_until, always_valid, scopes, groups };
            set(context, &login, changes, reason.as_deref()).await
        }
        args::Person::Disable(act) => switch(context, &act, PersonStatus::Disabled).await,
        args::Person::Enable(act) => switch(context, &act, PersonStatus::Active).await,
        args::Person::Delete(act) => switch(context, &act, PersonStatus::Deleted).await,
        args::Person::List { scope, paging } => list(context, scope.as_ref(), paging).await,
        args::Person::Show { login } => show(context, &login).await,
        args::Person::Import { file, format, check, skip_existing, reason } => {
            let asked = Asked { file: &file, format, check, skip_existing, reason: reason.as_deref() };
            import::import(context, &asked).await
        }
    }
}

async fn set(context: &Context, login: &LoginName, changes: Changes, reason: Option<&str>) -> Result<()> {
    let done = context.change(reason, async |op| person::set(op, login, changes).await).await?;
    context.output.warn(&done.warnings);
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

async fn list(context: &Context, scope: Option<&ScopeName>, paging: Paging) -> Result<()> {
    let people = person::list(&mut context.read().await?, scope, &paging.request()).await?;
    let head = ["LOGIN", "NAME", "STATUS", "KEYS", "SCOPES", "GROUPS"];
    context.output.list(&people, &head, |person| {
        let active = person.keys.iter().filter(|key| key.status == "active").count();
        let kept = person.keys.iter().filter(|key| key.status != "deleted").count();
        vec![
            person.login.clone(),
            person.name.clone(),
            person.status.to_owned(),
            format!("{active}/{kept}"),
            person.scopes.join(","),
            person.groups.join(","),
        ]
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
