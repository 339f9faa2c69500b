//! `wardkey-server person`

use serde::Serialize;
use wardkey_core::name::{LoginName, ScopeName};
use wardkey_core::time::UnixTime;

use super::administrator::role_and_place;
use super::args::{self, Paging, PersonAct};
use super::context::Context;
use super::import::{self, Asked};
use super::key;
use crate::admin::Edit;
use crate::admin::administrator::{self, AdministratorView};
use crate::admin::person::{self, Changes, NewPerson, PersonView};
use crate::error::Result;
use crate::store::person::PersonStatus;
use crate::texts::Text;
use crate::when;
use crate::words::{dash, state};

pub async fn act(context: &Context, command: args::PersonCommand) -> Result<()> {
    match command {
        args::PersonCommand::Add {
            login,
            name,
            latin_name,
            scopes,
            groups,
            language,
            valid_from,
            valid_until,
            reason,
        } => {
            let new = NewPerson {
                login,
                name,
                latin_name,
                language,
                valid_from,
                valid_until,
                scopes,
                groups,
            };
            let added =
                context.change(reason.as_deref(), async |op| person::add(op, new).await).await?;
            context.output.warn(&added.warnings);
            let said = Text::PersonAdded.with([("name", added.person.login.as_str().into())]);
            context.output.done(&added, said)
        }
        args::PersonCommand::Set {
            login,
            name,
            latin_name,
            no_latin_name,
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
            let latin_name = latin_name.map(Some).or(no_latin_name.then_some(None));
            let changes = Changes {
                name,
                latin_name,
                language,
                valid_from,
                valid_until,
                always_valid,
                scopes,
                groups,
            };
            set(context, &login, changes, reason.as_deref()).await
        }
        args::PersonCommand::Disable(act) => switch(context, &act, PersonStatus::Disabled).await,
        args::PersonCommand::Enable(act) => switch(context, &act, PersonStatus::Active).await,
        args::PersonCommand::Delete(act) => switch(context, &act, PersonStatus::Deleted).await,
        args::PersonCommand::List { scope, paging } => list(context, scope.as_ref(), paging).await,
        args::PersonCommand::Show { login } => show(context, &login).await,
        args::PersonCommand::Import { file, format, check, skip_existing, reason } => {
            let asked =
                Asked { file: &file, format, check, skip_existing, reason: reason.as_deref() };
            import::import(context, &asked).await
        }
    }
}

async fn set(
    context: &Context,
    login: &LoginName,
    changes: Changes,
    reason: Option<&str>,
) -> Result<()> {
    let done = context.change(reason, async |op| person::set(op, login, changes).await).await?;
    context.output.warn(&done.warnings);
    let said = Text::PersonChanged
        .with([("name", login.as_str().into()), ("count", (done.published as u64).into())]);
    context.output.done(&done, said)
}

async fn switch(context: &Context, act: &PersonAct, status: PersonStatus) -> Result<()> {
    let done = context
        .change(act.reason.as_deref(), async |op| person::switch(op, &act.login, status).await)
        .await?;

    let text = match status {
        PersonStatus::Active => Text::PersonIsEnabled,
        PersonStatus::Disabled => Text::PersonIsDisabled,
        PersonStatus::Deleted => Text::PersonIsDeleted,
    };
    let name = ("name", done.login.as_str().into());
    let said = match done.changed {
        true => text.with([name]),
        false => Text::PersonWas.with([name, ("state", state(done.status))]),
    };
    context.output.done(&done, said)?;
    context.heard(&done.reach).await
}

async fn list(context: &Context, scope: Option<&ScopeName>, paging: Paging) -> Result<()> {
    let people = person::list(&mut context.read().await?, scope, &paging.request()).await?;
    let head = [
        Text::HeadLogin,
        Text::HeadName,
        Text::HeadStatus,
        Text::HeadKeys,
        Text::HeadScopes,
        Text::HeadGroups,
    ];
    context.output.list(&people, &head, |person| {
        let active = person.keys.iter().filter(|key| key.status == "active").count();
        let kept = person.keys.iter().filter(|key| key.status != "deleted").count();
        vec![
            person.login.as_str().into(),
            person.name.as_str().into(),
            state(person.status),
            format!("{active}/{kept}").into(),
            person.scopes.join(",").into(),
            person.groups.join(",").into(),
        ]
    })
}

/// A person, and the role that the person has.
#[derive(Serialize)]
struct Shown {
    #[serde(flatten)]
    person: PersonView,
    administrator: Option<AdministratorView>,
}

async fn show(context: &Context, login: &LoginName) -> Result<()> {
    let mut tx = context.read().await?;
    let person = person::show(&mut tx, login).await?;
    let role = administrator::of(&mut tx, login, context.clock.now()).await?;
    let shown = Shown { person, administrator: role };
    let Shown { person, administrator: role } = &shown;
    let zone = context.zone();
    let from = person.valid_from.map(|time| when::shown(UnixTime(time), &zone));
    let until = person.valid_until.map(|time| when::shown_end(UnixTime(time), &zone));
    context.output.say(&shown, || {
        let valid =
            [("from", dash(from.as_deref())), ("until", until.unwrap_or_else(|| "-".into()))];
        let mut fields = vec![
            (Text::LabelLogin, person.login.as_str().into()),
            (Text::LabelName, person.name.as_str().into()),
            (Text::LabelLatinName, dash(person.latin_name.as_deref())),
            (Text::LabelStatus, state(person.status)),
            (Text::LabelLanguage, person.language.to_string().into()),
            (Text::LabelValid, Text::FromUntil.with(valid)),
            (Text::LabelScopes, person.scopes.join(", ").into()),
            (Text::LabelGroups, person.groups.join(", ").into()),
        ];
        fields.extend(role.as_ref().map(|role| (Text::LabelRole, role_and_place(role))));
        let mut lines = context.output.fields(fields);
        lines.extend(key::lines(context.output, &person.keys));
        lines
    })
}
