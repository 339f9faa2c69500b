//! Administrators: people of the directory who have a role.

use std::collections::BTreeSet;

use schemars::JsonSchema;
use serde::Serialize;
use wardkey_core::name::{LoginName, ScopeName};
use wardkey_core::time::UnixTime;

use super::operation::{joined, names};
use super::role::{Grant, Role};
use super::{Listing, Operation, terms};
use crate::error::{Error, Result};
use crate::store::administrator::{self, Administrator, Given};
use crate::store::credential::CredentialStatus;
use crate::store::person::{self, Details, PersonKind, PersonRow, PersonStatus};
use crate::store::{Page, PageRequest, Tx, code, web_session};
use crate::texts::{Phrase, Text};
use crate::when::{When, shown_utc};

/// Scopes that one role may be for: as many as an API key's.
const MAX_SCOPES: usize = 500;

/// When a role ends.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum End {
    /// With this day, or at this moment.
    At(When),
    /// After so many seconds.
    After(u64),
    /// Never.
    Never,
}

/// A role that is given.
#[derive(Debug)]
pub struct NewAdministrator {
    /// Who gets it.
    pub login: LoginName,
    /// As what the person administrates.
    pub role: Role,
    /// Scopes that it is for; none: for every one.
    pub scopes: Vec<ScopeName>,
    /// When it ends.
    pub end: End,
}

/// What is changed of a role; what is not given stays.
#[derive(Debug, Default)]
pub struct Changes {
    /// As what the person administrates.
    pub role: Option<Role>,
    /// Scopes that it is for; none of them: for every one.
    pub scopes: Option<Vec<ScopeName>>,
    /// When it ends.
    pub end: Option<End>,
}

/// A person with a role.
#[derive(Debug, JsonSchema, Serialize)]
pub struct AdministratorView {
    /// Login name.
    pub login: String,
    /// The person's name.
    pub name: String,
    /// `active`; `over`, the role; `disabled` or `not-valid`, the person.
    pub status: &'static str,
    /// As what the person administrates.
    pub role: &'static str,
    /// Scopes that it is for.
    pub scopes: Vec<String>,
    /// Whether it is for every scope instead.
    pub everywhere: bool,
    /// Since when it is so, Unix seconds.
    pub since: u64,
    /// Who gave it.
    pub by: String,
    /// Over from then on, Unix seconds.
    pub until: Option<u64>,
    /// What an administrator should look at.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    #[schemars(with = "Vec<String>")]
    pub warnings: Vec<Phrase>,
}

/// A role that was changed.
#[derive(Debug, JsonSchema, Serialize)]
pub struct AdministratorChanged {
    /// As it is now.
    #[serde(flatten)]
    pub administrator: AdministratorView,
    /// Whether it was anything else before.
    pub changed: bool,
}

/// A role that was taken away.
#[derive(Debug, JsonSchema, Serialize)]
pub struct AdministratorRemoved {
    /// Login name.
    pub login: String,
    /// The role that the person had.
    pub role: &'static str,
}

/// Gives a person a role.
///
/// # Errors
/// [`Error::Refused`] when there is no such person, the person has a role already, a scope is not
/// known, or a role that needs scopes has none; one of usage for an end that is past, and for more
/// than [`MAX_SCOPES`].
pub async fn add(op: &mut Operation<'_>, new: NewAdministrator) -> Result<AdministratorView> {
    let person = person::get(op.tx, &new.login).await?;
    let given = Given {
        role: new.role,
        scopes: scopes_of(new.scopes)?,
        since: op.now,
        by: terms::giver(op)?,
        until: until(op, new.end)?,
    };
    Grant::new(given.role, given.scopes.clone())?;
    administrator::add(op.tx, &person, &given).await?;
    // What was signed for less does not become more.
    web_session::end_of_person(op.tx, person.id).await?;
    withdraw_codes(op, &person).await?;

    op.record("administrator.add", new.login.as_str(), Some(&in_the_trail(&given))).await?;
    show(op.tx, &new.login, op.now).await
}

/// Changes the role of a person.
///
/// # Errors
/// As [`add`]; [`Error::Refused`] when the person has no role.
pub async fn set(
    op: &mut Operation<'_>,
    login: &LoginName,
    changes: Changes,
) -> Result<AdministratorChanged> {
    let Administrator { person, given: before } = get(op.tx, login).await?;
    let after = Given {
        role: changes.role.unwrap_or(before.role),
        scopes: changes.scopes.map_or_else(|| Ok(before.scopes.clone()), scopes_of)?,
        since: op.now,
        by: terms::giver(op)?,
        until: match changes.end {
            Some(end) => until(op, end)?,
            None => before.until,
        },
    };
    Grant::new(after.role, after.scopes.clone())?;

    let says = |given: &Given| (given.role, given.scopes.clone(), given.until);
    let changed = says(&before) != says(&after);
    if changed {
        administrator::change(op.tx, person.id, &after).await?;
        web_session::end_of_person(op.tx, person.id).await?;
        withdraw_codes(op, &person).await?;
    }
    let detail = match changed {
        true => format!("{}; before: {}", in_the_trail(&after), in_the_trail(&before)),
        false => "no change".into(),
    };
    op.record("administrator.set", login.as_str(), Some(&detail)).await?;
    let administrator = show(op.tx, login, op.now).await?;
    Ok(AdministratorChanged { administrator, changed })
}

/// Takes the role of a person away.
///
/// # Errors
/// [`Error::Refused`] when the person has no role.
pub async fn remove(op: &mut Operation<'_>, login: &LoginName) -> Result<AdministratorRemoved> {
    let Administrator { person, given } = get(op.tx, login).await?;
    administrator::remove(op.tx, person.id).await?;
    web_session::end_of_person(op.tx, person.id).await?;
    op.record("administrator.remove", login.as_str(), Some(&in_the_trail(&given))).await?;
    Ok(AdministratorRemoved { login: login.to_string(), role: given.role.as_str() })
}

/// Withdraws the codes that are open: whoever made one when the person had no role yet, or a lesser
/// one, would enroll a key with it that has the new one.
async fn withdraw_codes(op: &mut Operation<'_>, person: &PersonRow) -> Result<()> {
    if code::withdraw(op.tx, person.id, op.now).await? > 0 {
        let why = Some("open codes of before the role");
        op.record("code.withdraw", person.login.as_str(), why).await?;
    }
    Ok(())
}

/// A page of administrators by login name, of one role when given.
pub async fn list(
    tx: &mut Tx,
    role: Option<Role>,
    request: &PageRequest,
    now: UnixTime,
) -> Result<Listing<AdministratorView>> {
    let Page { rows, next } = administrator::page(tx, role, request).await?;
    let (people, given): (Vec<_>, Vec<_>) =
        rows.into_iter().map(|row| (row.person, row.given)).unzip();
    let details = person::details(tx, people).await?;
    let rows = details.into_iter().zip(given).collect();
    Ok(Listing::new(Page { rows, next }, |(details, given): (Details, Given)| {
        AdministratorView::of(&details, &given, now)
    }))
}

/// The role of a person.
///
/// # Errors
/// [`Error::Refused`] when there is no such person, or the person has none.
pub async fn show(tx: &mut Tx, login: &LoginName, now: UnixTime) -> Result<AdministratorView> {
    of(tx, login, now).await?.ok_or_else(|| without(login))
}

/// The role of a person, if the person has one.
///
/// # Errors
/// [`Error::Refused`] when there is no such person.
pub async fn of(
    tx: &mut Tx,
    login: &LoginName,
    now: UnixTime,
) -> Result<Option<AdministratorView>> {
    let person = person::get(tx, login).await?;
    let Some(found) = administrator::of_person(tx, person.id).await? else { return Ok(None) };
    let details = person::details(tx, vec![person]).await?;
    Ok(details.first().map(|of| AdministratorView::of(of, &found.given, now)))
}

/// What the person in a row may do now, and where: nothing when the person is disabled or not valid
/// now, or has no role, or one that is over.
pub async fn grant_of(tx: &mut Tx, person: i64, now: UnixTime) -> Result<Option<Grant>> {
    let found = administrator::of_person(tx, person).await?;
    match found {
        Some(Administrator { person, given })
            if Standing::of(&person, &given, now) == Standing::Active =>
        {
            Grant::new(given.role, given.scopes).map(Some)
        }
        _ => Ok(None),
    }
}

/// Whether a role counts now; if not, why.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Standing {
    Active,
    Over,
    Disabled,
    NotValid,
}

impl Standing {
    fn of(person: &PersonRow, given: &Given, now: UnixTime) -> Self {
        let has_begun = person.not_before.is_none_or(|from| now >= from);
        let is_over = |end: Option<UnixTime>| end.is_some_and(|end| now >= end);
        if person.status != PersonStatus::Active || person.kind != PersonKind::Staff {
            Self::Disabled
        } else if !has_begun || is_over(person.not_after) {
            Self::NotValid
        } else if is_over(given.until) {
            Self::Over
        } else {
            Self::Active
        }
    }

    const fn as_str(self) -> &'static str {
        match self {
            Self::Active => "active",
            Self::Over => "over",
            Self::Disabled => "disabled",
            Self::NotValid => "not-valid",
        }
    }
}

impl AdministratorView {
    fn of(details: &Details, given: &Given, now: UnixTime) -> Self {
        let person = &details.person;
        Self {
            login: person.login.to_string(),
            name: person.display_name.to_string(),
            status: Standing::of(person, given, now).as_str(),
            role: given.role.as_str(),
            scopes: names(given.scopes.iter().flatten()),
            everywhere: given.scopes.is_none(),
            since: given.since.0,
            by: given.by.to_string(),
            until: given.until.map(|time| time.0),
            warnings: warnings(details),
        }
    }
}

/// Who cannot sign in as an administrator.
fn warnings(details: &Details) -> Vec<Phrase> {
    let name = || ("name", details.person.login.as_str().into());
    let mut warnings = Vec::new();
    let active = details.keys.iter().filter(|key| key.status == CredentialStatus::Active);
    let keys: Vec<String> = active.map(|key| key.fingerprint().short()).collect();
    if keys.is_empty() {
        warnings.push(Text::AdministratorWithoutKey.with([name()]));
    } else {
        // Enrolled with codes that others made, perhaps.
        let keys = ("keys", keys.join(", ").into());
        warnings.push(Text::AdministratorKeys.with([name(), keys]));
    }
    warnings
}

fn scopes_of(scopes: Vec<ScopeName>) -> Result<Option<BTreeSet<ScopeName>>> {
    let scopes: BTreeSet<ScopeName> = scopes.into_iter().collect();
    if scopes.len() > MAX_SCOPES {
        let count = (MAX_SCOPES as u64).into();
        return Err(Error::usage(Text::AdministratorScopes.with([("count", count)])));
    }
    Ok((!scopes.is_empty()).then_some(scopes))
}

fn until(op: &Operation<'_>, end: End) -> Result<Option<UnixTime>> {
    let until = match end {
        End::At(when) => op.moment(Some(when), When::ends)?,
        End::After(seconds) => Some(op.now.plus(seconds)),
        End::Never => None,
    };
    match until {
        Some(until) if until <= op.now => Err(Error::usage(Text::RoleEndIsPast)),
        until => Ok(until),
    }
}

async fn get(tx: &mut Tx, login: &LoginName) -> Result<Administrator> {
    let person = person::get(tx, login).await?;
    administrator::of_person(tx, person.id).await?.ok_or_else(|| without(login))
}

/// The refusal of a person who has no role.
fn without(login: &LoginName) -> Error {
    Error::not_found(Text::NoAdministrator.with([("name", login.as_str().into())]))
}

fn in_the_trail(given: &Given) -> String {
    let place = given.scopes.as_ref().map_or_else(|| "all".to_owned(), joined);
    let end =
        given.until.map_or_else(|| "no end".into(), |end| format!("until {}", shown_utc(end)));
    format!("{}, scopes {place}, {end}", given.role.as_str())
}

#[cfg(test)]
mod tests;
