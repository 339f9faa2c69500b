//! `wardkey-server person`

use jiff::tz::TimeZone;
use serde::Serialize;
use wardkey_core::name::LoginName;
use wardkey_core::time::UnixTime;

use super::Context;
use super::args::{self, PersonAct};
use super::heard;
use super::import::Asked;
use super::key::{self, ShownKey};
use super::value::table;
use crate::error::{Error, Result};
use crate::store::audit::{self, Act};
use crate::store::credential::{self, CredentialStatus};
use crate::store::person::{self, Details, PersonStatus, Profile};
use crate::store::{PageRequest, Tx, code, state};
use crate::when::{self, When};

/// A person for people and programs.
#[derive(Serialize)]
struct ShownPerson {
    login: String,
    name: String,
    language: String,
    status: &'static str,
    valid_from: Option<u64>,
    valid_until: Option<u64>,
    scopes: Vec<String>,
    groups: Vec<String>,
    keys: Vec<ShownKey>,
}

pub async fn act(context: &Context, command: args::Person) -> Result<()> {
    match command {
        args::Person::Add { login, name, scopes, groups, language, valid_from, valid_until, reason } => {
            let profile = Profile {
                login,
                display_name: name,
                language,
                not_before: edge(context, valid_from, When::begins)?,
                not_after: edge(context, valid_until, When::ends)?,
                groups: groups.into_iter().collect(),
                scopes: scopes.into_iter().collect(),
            };
            add(context, &profile, reason.as_deref()).await
        }
        command @ args::Person::Set { .. } => set(context, command).await,
        args::Person::Disable(act) => switch(context, &act, PersonStatus::Disabled).await,
        args::Person::Enable(act) => switch(context, &act, PersonStatus::Active).await,
        args::Person::Delete(act) => switch(context, &act, PersonStatus::Deleted).await,
        args::Person::List { scope, limit } => list(context, scope.as_ref(), limit).await,
        args::Person::Show { login } => show(context, &login).await,
        args::Person::Import { file, format, check, skip_existing, reason } => {
            let asked = Asked { file: &file, format, check, skip_existing, reason: reason.as_deref() };
            super::import::import(context, &asked).await
        }
    }
}

/// The moment at which something that was given begins, or is over, in the deployment's time zone.
fn edge(
    context: &Context,
    given: Option<When>,
    edge: fn(When, &TimeZone) -> Option<UnixTime>,
) -> Result<Option<UnixTime>> {
    let Some(when) = given else { return Ok(None) };
    let moment = edge(when, &context.config.zone());
    moment.map(Some).ok_or_else(|| Error::Usage("a time that there is not in this time zone".into()))
}

async fn add(context: &Context, profile: &Profile, reason: Option<&str>) -> Result<()> {
    let now = context.clock.now();
    let mut tx = context.store.write().await?;
    let id = person::add(&mut tx, profile, now).await?;
    state::publish_person(&mut tx, id).await?;
    let detail =
        format!("\"{}\", scopes {}, groups {}", profile.display_name, joined(&profile.scopes), joined(&profile.groups));
    let act = Act::new("person.add", profile.login.as_str()).because(reason).with(&detail);
    audit::record(&mut tx, now, &context.actor, act).await?;
    let answer = shown_person(&mut tx, &profile.login).await?;
    context.commit(tx).await?;
    context.output.say(&answer, || vec![format!("person {} added", profile.login)])
}

async fn set(context: &Context, command: args::Person) -> Result<()> {
    let args::Person::Set { login, name, scopes, groups, language, valid_from, valid_until, always_valid, reason } =
        command
    else {
        return Ok(());
    };
    let now = context.clock.now();
    let mut tx = context.store.write().await?;
    let before = person::get(&mut tx, &login).await?;
    let kept = |time| if always_valid { None } else { time };
    let profile = Profile {
        login: login.clone(),
        display_name: name.unwrap_or(before.display_name),
        language: language.unwrap_or(before.language),
        not_before: edge(context, valid_from, When::begins)?.or(kept(before.not_before)),
        not_after: edge(context, valid_until, When::ends)?.or(kept(before.not_after)),
        groups: match groups {
            Some(groups) => groups.into_iter().collect(),
            None => person::groups(&mut tx, before.id).await?,
        },
        scopes: match scopes {
            Some(scopes) => scopes.into_iter().collect(),
            None => person::scopes(&mut tx, before.id).await?,
        },
    };
    person::change(&mut tx, before.id, &profile, now).await?;
    let changed = state::publish_person(&mut tx, before.id).await?;
    let detail =
        format!("\"{}\", scopes {}, groups {}", profile.display_name, joined(&profile.scopes), joined(&profile.groups));
    let act = Act::new("person.set", login.as_str()).because(reason.as_deref()).with(&detail);
    audit::record(&mut tx, now, &context.actor, act).await?;
    let answer = shown_person(&mut tx, &login).await?;
    context.commit(tx).await?;
    context.output.say(&answer, || vec![format!("person {login} changed in {changed} scopes")])
}

async fn switch(context: &Context, act: &PersonAct, status: PersonStatus) -> Result<()> {
    let now = context.clock.now();
    let mut tx = context.store.write().await?;
    let person = person::get(&mut tx, &act.login).await?;
    let (action, word) = match status {
        PersonStatus::Active => ("person.enable", "enabled"),
        PersonStatus::Disabled => ("person.disable", "disabled"),
        PersonStatus::Deleted => ("person.delete", "deleted"),
    };
    let changed = person::set_status(&mut tx, person.id, status, now).await?;
    if status != PersonStatus::Active {
        code::withdraw(&mut tx, person.id, now).await?;
    }
    if status == PersonStatus::Deleted {
        for key in credential::of_person(&mut tx, person.id).await? {
            if key.status != CredentialStatus::Deleted {
                credential::set_status(&mut tx, &key, CredentialStatus::Deleted).await?;
            }
        }
    }
    state::publish_person(&mut tx, person.id).await?;
    // Also when nothing changed: that somebody wanted it is worth a row.
    let detail = if changed { None } else { Some("no change") };
    let mut row = Act::new(action, act.login.as_str()).because(act.reason.as_deref());
    row.detail = detail;
    audit::record(&mut tx, now, &context.actor, row).await?;
    let scopes = person::scopes(&mut tx, person.id).await?;
    context.commit(tx).await?;
    let answer = serde_json::json!({ "login": act.login.as_str(), "status": status.as_str(), "changed": changed });
    context
        .output
        .say(&answer, || vec![format!("person {} {word}{}", act.login, if changed { "" } else { " already" })])?;
    if status == PersonStatus::Active { Ok(()) } else { heard::by_terminals_of(context, &scopes).await }
}

async fn list(context: &Context, scope: Option<&wardkey_core::name::ScopeName>, limit: u32) -> Result<()> {
    let mut tx = context.store.read().await?;
    if let Some(scope) = scope {
        crate::store::scope::get(&mut tx, scope).await?;
    }
    let request = PageRequest { limit, ..PageRequest::default() };
    let page = person::page(&mut tx, scope, &request).await?;
    let people: Vec<ShownPerson> = page.rows.iter().map(ShownPerson::from).collect();
    let row = |person: &ShownPerson| {
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
        table(&["LOGIN", "NAME", "STATUS", "KEYS", "SCOPES", "GROUPS"], &people.iter().map(row).collect::<Vec<_>>())
    })
}

async fn show(context: &Context, login: &LoginName) -> Result<()> {
    let mut tx = context.store.read().await?;
    let person = shown_person(&mut tx, login).await?;
    let zone = context.config.zone();
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

async fn shown_person(tx: &mut Tx, login: &LoginName) -> Result<ShownPerson> {
    let person = person::get(tx, login).await?;
    let details = person::details(tx, vec![person]).await?;
    details.first().map(ShownPerson::from).ok_or_else(|| Error::not_found(format!("person {login}")))
}

impl From<&Details> for ShownPerson {
    fn from(details: &Details) -> Self {
        let person = &details.person;
        Self {
            login: person.login.to_string(),
            name: person.display_name.to_string(),
            language: person.language.to_string(),
            status: person.status.as_str(),
            valid_from: person.not_before.map(|time| time.0),
            valid_until: person.not_after.map(|time| time.0),
            scopes: details.scopes.iter().map(ToString::to_string).collect(),
            groups: details.groups.iter().map(ToString::to_string).collect(),
            keys: details.keys.iter().map(ShownKey::from).collect(),
        }
    }
}

/// Names for the trail.
pub fn joined<'a, T: ToString + 'a>(names: impl IntoIterator<Item = &'a T>) -> String {
    let names: Vec<String> = names.into_iter().map(ToString::to_string).collect();
    if names.is_empty() { "none".into() } else { names.join(",") }
}
