//! `wardkey-server administrator`

use wardkey_core::time::UnixTime;

use super::args::{AdministratorAdd, AdministratorCommand, AdministratorSet};
use super::context::Context;
use crate::admin::administrator::{self, AdministratorView, Changes, End, NewAdministrator};
use crate::error::Result;
use crate::texts::{Phrase, Text};
use crate::when::{When, shown_end};
use crate::words::{state, time};

pub async fn act(context: &Context, command: AdministratorCommand) -> Result<()> {
    let now = context.clock.now();
    match command {
        AdministratorCommand::Add(new) => add(context, new).await,
        AdministratorCommand::List { role, paging } => {
            let (mut tx, request) = (context.read().await?, paging.request());
            let all = administrator::list(&mut tx, role, &request, now).await?;
            let head = [
                Text::HeadLogin,
                Text::HeadName,
                Text::HeadStatus,
                Text::HeadRole,
                Text::HeadScopes,
                Text::HeadValidUntil,
            ];
            context.output.list(&all, &head, |row| {
                vec![
                    row.login.as_str().into(),
                    row.name.as_str().into(),
                    state(row.status),
                    row.role.into(),
                    place(row),
                    end(context, row),
                ]
            })
        }
        AdministratorCommand::Show { login } => {
            let mut tx = context.read().await?;
            let shown = administrator::show(&mut tx, &login, now).await?;
            context.output.warn(&shown.warnings);
            context.output.say(&shown, || {
                context.output.fields(vec![
                    (Text::LabelLogin, shown.login.as_str().into()),
                    (Text::LabelName, shown.name.as_str().into()),
                    (Text::LabelStatus, state(shown.status)),
                    (Text::LabelRole, shown.role.into()),
                    (Text::LabelScopes, place(&shown)),
                    (Text::LabelGiven, time(shown.since)),
                    (Text::LabelGivenBy, shown.by.as_str().into()),
                    (Text::LabelValidUntil, end(context, &shown)),
                ])
            })
        }
        AdministratorCommand::Set(changes) => set(context, changes).await,
        AdministratorCommand::Remove(act) => {
            let reason = act.reason.as_deref();
            let done = context
                .change(reason, async |op| administrator::remove(op, &act.login).await)
                .await?;
            let said = [("name", done.login.as_str().into()), ("role", done.role.into())];
            context.output.done(&done, Text::AdministratorRemoved.with(said))
        }
    }
}

async fn add(context: &Context, new: AdministratorAdd) -> Result<()> {
    let reason = new.reason.as_deref();
    let wanted = NewAdministrator {
        login: new.login,
        role: new.role,
        scopes: new.scopes,
        end: given_end(new.until, new.seconds).unwrap_or(End::Never),
    };
    let added = context.change(reason, async |op| administrator::add(op, wanted).await).await?;
    context.output.warn(&added.warnings);
    context.output.done(&added, is_now(context, &added, Text::AdministratorAdded))
}

async fn set(context: &Context, given: AdministratorSet) -> Result<()> {
    let changes = Changes {
        role: given.role,
        scopes: if given.all_scopes { Some(Vec::new()) } else { given.scopes },
        end: match given.without_end {
            true => Some(End::Never),
            false => given_end(given.until, given.seconds),
        },
    };
    let login = given.login;
    let done = context
        .change(given.reason.as_deref(), async |op| administrator::set(op, &login, changes).await)
        .await?;
    let role = &done.administrator;
    context.output.warn(&role.warnings);
    let text = if done.changed { Text::AdministratorChanged } else { Text::AdministratorWas };
    context.output.done(&done, is_now(context, role, text))
}

fn given_end(until: Option<When>, seconds: Option<u64>) -> Option<End> {
    until.map(End::At).or(seconds.map(End::After))
}

fn is_now(context: &Context, role: &AdministratorView, text: Text) -> Phrase {
    text.with([
        ("name", role.login.as_str().into()),
        ("role", role.role.into()),
        ("scopes", place(role)),
        ("end", end(context, role)),
    ])
}

fn place(role: &AdministratorView) -> Phrase {
    if role.everywhere { Text::AllScopes.into() } else { role.scopes.join(", ").into() }
}

fn end(context: &Context, role: &AdministratorView) -> Phrase {
    role.until.map_or_else(|| Text::Never.into(), |end| shown_end(UnixTime(end), &context.zone()))
}

/// A role in a line: what, where, and why it does not count when it does not.
pub fn role_and_place(role: &AdministratorView) -> Phrase {
    let said = [("role", role.role.into()), ("scopes", place(role)), ("state", state(role.status))];
    Text::RoleAndPlace.with(said)
}
