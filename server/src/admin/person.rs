//! People: who may log in, in which scopes, with which groups.

use schemars::JsonSchema;
use serde::Serialize;
use wardkey_core::name::{DisplayText, GroupName, Language, LatinName, LoginName, ScopeName};

use super::edit::Edit;
use super::key::KeyView;
use super::operation::{joined, names};
use super::reach::Reach;
use super::{Listing, Operation, naming};
use crate::error::{Error, Result};
use crate::store::credential::{self, CredentialStatus};
use crate::store::pass::{self, EndedBy};
use crate::store::person::{self, Details, PersonStatus};
use crate::store::profile::Profile;
use crate::store::{
    PageRequest, Tx, administrator, break_glass, code, loan, scope, state, web_session,
};
use crate::texts::{Phrase, Text};
use crate::when::When;

/// A person with all keys.
#[derive(Debug, JsonSchema, Serialize)]
pub struct PersonView {
    /// Login name.
    pub login: String,
    /// The person's name.
    pub name: String,
    /// The name in Latin letters, which consoles show.
    pub latin_name: Option<String>,
    /// `ja` or `en`.
    pub language: String,
    /// `active` or `disabled`.
    pub status: &'static str,
    /// Not valid before this, Unix seconds.
    pub valid_from: Option<u64>,
    /// Not valid from this on, Unix seconds.
    pub valid_until: Option<u64>,
    /// Scopes in which the person may log in.
    pub scopes: Vec<String>,
    /// Groups.
    pub groups: Vec<String>,
    /// Keys, oldest first, deleted ones too.
    pub keys: Vec<KeyView>,
}

/// What is known of a person who is added.
#[derive(Debug)]
pub struct NewPerson {
    /// Login name.
    pub login: LoginName,
    /// The person's name.
    pub name: DisplayText,
    /// The name in Latin letters, for consoles.
    pub latin_name: Option<LatinName>,
    /// Language of the person's messages.
    pub language: Language,
    /// The first day, or not valid before this moment.
    pub valid_from: Option<When>,
    /// The last day, or not valid from this moment on.
    pub valid_until: Option<When>,
    /// Scopes.
    pub scopes: Vec<ScopeName>,
    /// Groups.
    pub groups: Vec<GroupName>,
}

/// What is changed of a person; what is not given stays.
#[derive(Debug, Default)]
pub struct Changes {
    /// The person's name.
    pub name: Option<DisplayText>,
    /// The name in Latin letters, for consoles; `Some(None)`: no longer any.
    pub latin_name: Option<Option<LatinName>>,
    /// Language of the person's messages.
    pub language: Option<Language>,
    /// The first day, or not valid before this moment.
    pub valid_from: Option<When>,
    /// The last day, or not valid from this moment on.
    pub valid_until: Option<When>,
    /// Without limit, where no other one is given.
    pub always_valid: bool,
    /// Scopes.
    pub scopes: Edit<ScopeName>,
    /// Groups.
    pub groups: Edit<GroupName>,
}

/// A person who was added.
#[derive(Debug, JsonSchema, Serialize)]
pub struct PersonAdded {
    /// As the person is now.
    #[serde(flatten)]
    pub person: PersonView,
    /// What an administrator should look at.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    #[schemars(with = "Vec<String>")]
    pub warnings: Vec<Phrase>,
}

/// A person who was changed.
#[derive(Debug, JsonSchema, Serialize)]
pub struct PersonChanged {
    /// As the person is now.
    #[serde(flatten)]
    pub person: PersonView,
    /// Scopes in which that was published.
    #[serde(skip)]
    pub published: usize,
    /// What an administrator should look at.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    #[schemars(with = "Vec<String>")]
    pub warnings: Vec<Phrase>,
}

/// A person who was switched on or off, or deleted.
#[derive(Debug, JsonSchema, Serialize)]
pub struct PersonSwitched {
    /// Login name.
    pub login: String,
    /// What the person is now.
    pub status: &'static str,
    /// Whether it was anything else before.
    pub changed: bool,
    /// Who has to hear of it.
    #[serde(skip)]
    pub reach: Reach,
}

/// Adds a person, and publishes it.
pub async fn add(op: &mut Operation<'_>, new: NewPerson) -> Result<PersonAdded> {
    let profile = Profile {
        login: new.login,
        display_name: new.name,
        latin_name: new.latin_name,
        language: new.language,
        not_before: op.moment(new.valid_from, When::begins)?,
        not_after: op.moment(new.valid_until, When::ends)?,
        groups: new.groups.into_iter().collect(),
        scopes: new.scopes.into_iter().collect(),
    };
    naming::check_login(op.tx, &profile.login).await?;
    let warnings = naming::new_groups(op.tx, &profile.groups).await?;
    let id = person::add(op.tx, &profile, op.now).await?;
    state::publish_person(op.tx, id).await?;

    op.record("person.add", profile.login.as_str(), Some(&in_the_trail(&profile))).await?;
    Ok(PersonAdded { person: show(op.tx, &profile.login).await?, warnings })
}

/// Changes a person, and publishes that.
pub async fn set(
    op: &mut Operation<'_>,
    login: &LoginName,
    changes: Changes,
) -> Result<PersonChanged> {
    let before = person::get(op.tx, login).await?;
    let mut warnings = Vec::new();
    let had = person::groups(op.tx, before.id).await?;
    let groups = changes.groups.apply(had.clone(), (Text::GroupWasNot, &mut warnings));
    warnings.extend(naming::new_groups(op.tx, groups.difference(&had)).await?);
    let scopes = changes
        .scopes
        .apply(person::scopes(op.tx, before.id).await?, (Text::ScopeWasNot, &mut warnings));
    if scopes.is_empty() {
        let name = login.to_string().into();
        return Err(Error::invalid(Text::PersonNoScope.with([("name", name)])));
    }

    let kept = |time| if changes.always_valid { None } else { time };
    let profile = Profile {
        login: login.clone(),
        display_name: changes.name.unwrap_or(before.display_name),
        latin_name: changes.latin_name.unwrap_or(before.latin_name),
        language: changes.language.unwrap_or(before.language),
        not_before: op.moment(changes.valid_from, When::begins)?.or(kept(before.not_before)),
        not_after: op.moment(changes.valid_until, When::ends)?.or(kept(before.not_after)),
        groups,
        scopes,
    };
    person::change(op.tx, before.id, &profile, op.now).await?;
    let published = state::publish_person(op.tx, before.id).await?;

    op.record("person.set", login.as_str(), Some(&in_the_trail(&profile))).await?;
    Ok(PersonChanged { person: show(op.tx, login).await?, published, warnings })
}

/// Switches a person on or off, or deletes the person for ever. Whoever is not active loses every
/// open code; whoever is deleted loses every key, and the role of an administrator.
pub async fn switch(
    op: &mut Operation<'_>,
    login: &LoginName,
    status: PersonStatus,
) -> Result<PersonSwitched> {
    let person = person::get(op.tx, login).await?;
    let changed = person::set_status(op.tx, person.id, status, op.now).await?;

    if status != PersonStatus::Active {
        web_session::end_of_person(op.tx, person.id).await?;
        code::withdraw(op.tx, person.id, op.now).await?;
        pass::end(op.tx, person.id, EndedBy::Administrator, op.now).await?;
        let by = break_glass::EndedBy::Administrator;
        break_glass::end(op.tx, person.id, by, op.now).await?;
        if let Some(open) = loan::open_of_person(op.tx, person.id).await? {
            loan::end(op.tx, &open, loan::EndedBy::Administrator, op.now).await?;
        }
    }
    if status == PersonStatus::Deleted {
        administrator::remove(op.tx, person.id).await?;
        for key in credential::of_person(op.tx, person.id).await? {
            if key.status != CredentialStatus::Deleted {
                credential::set_status(op.tx, &key, CredentialStatus::Deleted, op.now).await?;
            }
        }
    }
    state::publish_person(op.tx, person.id).await?;

    let action = match status {
        PersonStatus::Active => "person.enable",
        PersonStatus::Disabled => "person.disable",
        PersonStatus::Deleted => "person.delete",
    };
    // Also when nothing changed: that somebody wanted it is worth a row.
    op.record(action, login.as_str(), if changed { None } else { Some("no change") }).await?;

    let reach = match status {
        PersonStatus::Active => Reach::Nobody,
        PersonStatus::Disabled | PersonStatus::Deleted => {
            Reach::TerminalsOf(person::scopes(op.tx, person.id).await?)
        }
    };
    Ok(PersonSwitched { login: login.to_string(), status: status.as_str(), changed, reach })
}

/// A page of people by login name, of one scope when given.
pub async fn list(
    tx: &mut Tx,
    scope: Option<&ScopeName>,
    request: &PageRequest,
) -> Result<Listing<PersonView>> {
    if let Some(scope) = scope {
        scope::get(tx, scope).await?;
    }
    Ok(Listing::new(person::page(tx, scope, request).await?, |details| PersonView::from(&details)))
}

/// A person with all keys.
pub async fn show(tx: &mut Tx, login: &LoginName) -> Result<PersonView> {
    let person = person::get(tx, login).await?;
    let details = person::details(tx, vec![person]).await?;
    let details = details.first().ok_or_else(|| person::unknown(login))?;
    Ok(PersonView::from(details))
}

impl From<&Details> for PersonView {
    fn from(details: &Details) -> Self {
        let person = &details.person;
        Self {
            login: person.login.to_string(),
            name: person.display_name.to_string(),
            latin_name: person.latin_name.as_ref().map(ToString::to_string),
            language: person.language.to_string(),
            status: person.status.as_str(),
            valid_from: person.not_before.map(|time| time.0),
            valid_until: person.not_after.map(|time| time.0),
            scopes: names(&details.scopes),
            groups: names(&details.groups),
            keys: details.keys.iter().map(KeyView::from).collect(),
        }
    }
}

fn in_the_trail(profile: &Profile) -> String {
    let latin =
        profile.latin_name.as_ref().map(|name| format!(" (\"{name}\")")).unwrap_or_default();
    format!(
        "\"{}\"{latin}, scopes {}, groups {}",
        profile.display_name,
        joined(&profile.scopes),
        joined(&profile.groups)
    )
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::admin::code as codes;
    use crate::admin::testing::{Deployment, NOW, login, someone};

    #[tokio::test]
    async fn whoever_is_switched_off_loses_the_open_codes_and_is_heard_of_in_every_scope() {
        let deployment = Deployment::new().await;
        deployment.add("yamada").await;
        let made = deployment
            .act(async |op| codes::add(op, &login("yamada"), 3600, &[7; 32]).await)
            .await
            .unwrap();
        let off = deployment
            .act(async |op| switch(op, &login("yamada"), PersonStatus::Disabled).await)
            .await
            .unwrap();
        assert!(off.changed);
        assert_eq!(off.reach, Reach::TerminalsOf([ScopeName::new("icu").unwrap()].into()));

        let hash = crate::secret::code_hash(&[7; 32], &made.code).unwrap();
        let mut tx = deployment.store.read().await.unwrap();
        code::open(&mut tx, &hash, NOW).await.unwrap_err();
        drop(tx);

        // Once more: nothing changes, and there is a row all the same.
        let again = deployment
            .act(async |op| switch(op, &login("yamada"), PersonStatus::Disabled).await)
            .await
            .unwrap();
        assert!(!again.changed);
        assert_eq!(deployment.actions().await[..2], ["person.disable", "person.disable"]);
    }

    #[tokio::test]
    async fn groups_and_scopes_are_added_and_removed_one_by_one() {
        let deployment = Deployment::new().await;
        deployment.add("yamada").await;
        let set = async |changes: Changes| {
            deployment.act(async |op| set(op, &login("yamada"), changes).await).await
        };
        let group = |name: &str| GroupName::new(name).unwrap();
        let scope = |name: &str| ScopeName::new(name).unwrap();

        deployment
            .act(async |op| {
                add(op, NewPerson { groups: vec![group("a"), group("c")], ..someone("sato") }).await
            })
            .await
            .unwrap();
        let groups = Edit { add: vec![group("a"), group("b")], ..Edit::default() };
        let done = set(Changes { groups, ..Changes::default() }).await.unwrap();
        assert_eq!(done.person.groups, ["a", "b"]);
        assert_eq!(
            done.warnings.iter().map(ToString::to_string).collect::<Vec<_>>(),
            ["nobody else is in group b: is the name right?"]
        );

        let groups =
            Edit { add: vec![group("c")], remove: vec![group("a"), group("x")], all: None };
        let scopes = Edit { add: vec![scope("er")], remove: vec![scope("icu")], all: None };
        let done = set(Changes { groups, scopes, ..Changes::default() }).await.unwrap();
        assert_eq!(
            (done.person.groups, done.person.scopes),
            (vec!["b".into(), "c".into()], vec!["er".into()])
        );
        assert_eq!(
            done.warnings.iter().map(ToString::to_string).collect::<Vec<_>>(),
            ["group x was not there"]
        );

        let scopes = Edit { remove: vec![scope("er")], ..Edit::default() };
        let refused = set(Changes { scopes, ..Changes::default() }).await.unwrap_err();
        assert!(refused.to_string().contains("no scope"), "{refused}");
    }

    #[tokio::test]
    async fn a_group_that_nobody_else_is_in_is_pointed_out() {
        let deployment = Deployment::new().await;
        let added = async |name: &str| {
            let groups = vec![GroupName::new("nurse").unwrap()];
            let new = NewPerson { groups, ..someone(name) };
            deployment.act(async |op| add(op, new).await).await.unwrap().warnings.len()
        };
        assert_eq!((added("yamada").await, added("sato").await), (1, 0));
    }

    #[tokio::test]
    async fn what_fails_leaves_no_row() {
        let deployment = Deployment::new().await;
        let before = deployment.actions().await;
        let unknown =
            deployment.act(async |op| switch(op, &login("nobody"), PersonStatus::Deleted).await);
        assert_eq!(unknown.await.unwrap_err().code(), wardkey_core::code::Code::NotFound);
        assert_eq!(deployment.actions().await, before);
    }
}
