//! People.

use std::collections::BTreeSet;

use schemars::JsonSchema;
use serde::Deserialize;
use wardkey_core::name::{GroupName, Language, LatinName, LoginName, ScopeName};

use super::call::{Call, Done};
use super::endpoint::{
    Asked, Endpoint, Nothing, Reason, Touches, Whom, all_parsed, parsed, query, route,
};
use super::tag;
use crate::admin::person::{
    self, Changes, NewPerson, PersonAdded, PersonChanged, PersonSwitched, PersonView,
};
use crate::admin::{Edit, Listing};
use crate::error::{Error, Result};
use crate::store::administrator;
use crate::store::person::{self as stored, PersonStatus};
use crate::texts::Text;
use crate::when::When;

query! {
    /// Which people.
    Which {
        /// Of this scope.
        scope: String,
    }
}

route! {
    "People, by login name."
    List = Get "/v1/people" as "people.list" for ReadPeople
        (Nothing, Which, Nothing) -> Listing<PersonView>
}

impl Endpoint for List {
    async fn touches(_: &mut Call<'_>, asked: &Asked<Self>) -> Result<Touches> {
        match &asked.query.scope {
            None => Ok(Touches::Rows),
            Some(scope) => Ok(Touches::Scopes([parsed("scope", scope)?].into())),
        }
    }

    async fn run(call: &mut Call<'_>, asked: Asked<Self>) -> Result<Listing<PersonView>> {
        let page = call.page(&asked.query.paging())?;
        let scope = asked.query.scope.map(|scope| parsed::<ScopeName>("scope", &scope));
        let people = person::list(&mut call.tx, scope.transpose()?.as_ref(), &page).await?;
        let mut people = call.listing(people)?;
        people.items.iter_mut().for_each(|view| mask(call, view));
        let keys = people.items.iter_mut().flat_map(|view| view.keys.iter_mut());
        call.mask_terminals(keys.map(|key| &mut key.last_terminal)).await?;
        Ok(people)
    }
}

route! {
    "A person with all keys."
    Show = Get "/v1/people/{login}" as "people.show" for ReadPeople
        (LoginName, Nothing, Nothing) -> PersonView
}

impl Endpoint for Show {
    async fn touches(call: &mut Call<'_>, asked: &Asked<Self>) -> Result<Touches> {
        person_touched(call, &asked.target).await
    }

    async fn run(call: &mut Call<'_>, asked: Asked<Self>) -> Result<PersonView> {
        view(call, &asked.target).await
    }
}

/// A new person.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct PersonToAdd {
    /// Login name: the name of the Unix account, too.
    pub login: String,
    /// The person's name.
    pub name: String,
    /// The name in Latin letters, which consoles show.
    pub latin_name: Option<String>,
    /// `ja` or `en`; `ja` without.
    pub language: Option<String>,
    /// The first day, or not valid before this moment.
    pub valid_from: Option<String>,
    /// The last day, or not valid from this moment on.
    pub valid_until: Option<String>,
    /// Scopes in which the person may log in; at least one.
    pub scopes: Vec<String>,
    /// Groups.
    #[serde(default)]
    pub groups: Vec<String>,
    /// Why, for the trail.
    pub reason: Option<String>,
}

route! {
    "Adds a person."
    Add = Post "/v1/people" as "people.add" for WritePeople
        (Nothing, Nothing, PersonToAdd) -> PersonAdded
}

impl Endpoint for Add {
    async fn touches(_: &mut Call<'_>, asked: &Asked<Self>) -> Result<Touches> {
        let scopes: Vec<ScopeName> = all_parsed("scopes", &asked.body.scopes)?;
        if scopes.is_empty() {
            return Err(Error::invalid("scopes: at least one"));
        }
        let groups: Vec<GroupName> = all_parsed("groups", &asked.body.groups)?;
        let (scopes, groups) = (scopes.into_iter().collect(), groups.into_iter().collect());
        Ok(Touches::Person(Whom { scopes, groups, administrates: false }))
    }

    async fn run(call: &mut Call<'_>, asked: Asked<Self>) -> Result<PersonAdded> {
        let body = asked.body;
        let new = NewPerson {
            login: parsed("login", &body.login)?,
            name: parsed("name", &body.name)?,
            latin_name: body.latin_name.as_deref().map(latin_name).transpose()?.flatten(),
            language: language(body.language.as_deref())?.unwrap_or_default(),
            valid_from: moment("valid_from", body.valid_from.as_deref())?,
            valid_until: moment("valid_until", body.valid_until.as_deref())?,
            scopes: all_parsed("scopes", &body.scopes)?,
            groups: all_parsed("groups", &body.groups)?,
        };
        person::add(&mut call.operation(body.reason.as_deref()), new).await
    }
}

/// What is changed of a person; what is not given stays.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct PersonToSet {
    /// The person's name.
    pub name: Option<String>,
    /// The name in Latin letters, which consoles show; empty: none any longer.
    pub latin_name: Option<String>,
    /// `ja` or `en`.
    pub language: Option<String>,
    /// The first day, or not valid before this moment.
    pub valid_from: Option<String>,
    /// The last day, or not valid from this moment on.
    pub valid_until: Option<String>,
    /// Without limit, where no other one is given.
    #[serde(default)]
    pub always_valid: bool,
    /// All scopes.
    pub scopes: Option<Vec<String>>,
    /// Scopes that are added.
    #[serde(default)]
    pub add_scopes: Vec<String>,
    /// Scopes that are taken away.
    #[serde(default)]
    pub remove_scopes: Vec<String>,
    /// All groups.
    pub groups: Option<Vec<String>>,
    /// Groups that are added.
    #[serde(default)]
    pub add_groups: Vec<String>,
    /// Groups that are taken away.
    #[serde(default)]
    pub remove_groups: Vec<String>,
    /// Why, for the trail.
    pub reason: Option<String>,
}

route! {
    "Changes what is said of a person."
    Set = Patch "/v1/people/{login}" as "people.set" for WritePeople
        (LoginName, Nothing, PersonToSet) -> PersonChanged
}

impl Endpoint for Set {
    /// Also the scopes and groups that they would get or lose.
    async fn touches(call: &mut Call<'_>, asked: &Asked<Self>) -> Result<Touches> {
        // First: what cannot be is said of nobody as of anybody.
        let body = &asked.body;
        let mut others = BTreeSet::new();
        let given = body.scopes.iter().flatten().chain(&body.add_scopes);
        for scope in given.chain(&body.remove_scopes) {
            others.insert(parsed("scopes", scope)?);
        }
        let given = body.groups.iter().flatten().chain(&body.add_groups);
        let groups = given.map(|group| parsed("groups", group));
        let groups = groups.collect::<Result<Vec<GroupName>>>()?;
        let mut whom = whom(call, &asked.target).await?;
        whom.groups.extend(groups);
        Ok(Touches::Moves(whom, others))
    }

    const IS_MATCHED: bool = true;

    async fn before(call: &mut Call<'_>, asked: &Asked<Self>) -> Result<Vec<u8>> {
        tag::bytes(&view(call, &asked.target).await?)
    }

    async fn run(call: &mut Call<'_>, asked: Asked<Self>) -> Result<PersonChanged> {
        let login = asked.target;
        let body = asked.body;
        let all = |texts: Option<Vec<String>>| texts.map(|texts| all_parsed("scopes", &texts));
        let groups = body.groups.map(|texts| all_parsed("groups", &texts));
        let changes = Changes {
            name: body.name.map(|name| parsed("name", &name)).transpose()?,
            latin_name: body.latin_name.as_deref().map(latin_name).transpose()?,
            language: language(body.language.as_deref())?,
            valid_from: moment("valid_from", body.valid_from.as_deref())?,
            valid_until: moment("valid_until", body.valid_until.as_deref())?,
            always_valid: body.always_valid,
            scopes: Edit {
                all: all(body.scopes).transpose()?,
                add: all_parsed("add_scopes", &body.add_scopes)?,
                remove: all_parsed("remove_scopes", &body.remove_scopes)?,
            },
            groups: Edit {
                all: groups.transpose()?,
                add: all_parsed("add_groups", &body.add_groups)?,
                remove: all_parsed("remove_groups", &body.remove_groups)?,
            },
        };
        let mut operation = call.operation(body.reason.as_deref());
        let mut done = person::set(&mut operation, &login, changes).await?;
        let keys = done.person.keys.iter_mut();
        call.mask_terminals(keys.map(|key| &mut key.last_terminal)).await?;
        Ok(done)
    }
}

route! {
    "Switches a person off: no login at any terminal, and no open code or pass."
    Disable = Post "/v1/people/{login}/disable" as "people.disable" for DisablePeople
        (LoginName, Nothing, Reason) -> Done<PersonSwitched>
}

impl Endpoint for Disable {
    async fn touches(call: &mut Call<'_>, asked: &Asked<Self>) -> Result<Touches> {
        person_touched(call, &asked.target).await
    }

    const IS_MATCHED: bool = true;

    async fn before(call: &mut Call<'_>, asked: &Asked<Self>) -> Result<Vec<u8>> {
        tag::bytes(&view(call, &asked.target).await?)
    }

    async fn run(call: &mut Call<'_>, asked: Asked<Self>) -> Result<Done<PersonSwitched>> {
        switch(call, &asked.target, PersonStatus::Disabled, &asked.body).await
    }
}

route! {
    "Switches a person on again."
    Enable = Post "/v1/people/{login}/enable" as "people.enable" for EnablePeople
        (LoginName, Nothing, Reason) -> Done<PersonSwitched>
}

impl Endpoint for Enable {
    async fn touches(call: &mut Call<'_>, asked: &Asked<Self>) -> Result<Touches> {
        person_touched(call, &asked.target).await
    }

    const IS_MATCHED: bool = true;

    async fn before(call: &mut Call<'_>, asked: &Asked<Self>) -> Result<Vec<u8>> {
        tag::bytes(&view(call, &asked.target).await?)
    }

    async fn run(call: &mut Call<'_>, asked: Asked<Self>) -> Result<Done<PersonSwitched>> {
        switch(call, &asked.target, PersonStatus::Active, &asked.body).await
    }
}

async fn switch(
    call: &mut Call<'_>,
    login: &LoginName,
    status: PersonStatus,
    why: &Reason,
) -> Result<Done<PersonSwitched>> {
    let reason = why.reason.as_deref();
    let done = person::switch(&mut call.operation(reason), login, status).await?;
    let reach = done.reach.clone();
    call.done(done, reach).await
}

/// Somebody, by login name.
pub async fn person_touched(call: &mut Call<'_>, login: &LoginName) -> Result<Touches> {
    Ok(Touches::Person(whom(call, login).await?))
}

async fn whom(call: &mut Call<'_>, login: &LoginName) -> Result<Whom> {
    let person = stored::get(&mut call.tx, login).await?;
    whom_of(call, person.id).await
}

/// Somebody, by the row of the person.
pub async fn whom_of(call: &mut Call<'_>, id: i64) -> Result<Whom> {
    let scopes = stored::scopes(&mut call.tx, id).await?;
    let groups = stored::groups(&mut call.tx, id).await?;
    let administrates = administrator::of_person(&mut call.tx, id).await?.is_some();
    Ok(Whom { scopes, groups, administrates })
}

/// A person, as who asks may see them.
async fn view(call: &mut Call<'_>, login: &LoginName) -> Result<PersonView> {
    let mut view = person::show(&mut call.tx, login).await?;
    mask(call, &mut view);
    call.mask_terminals(view.keys.iter_mut().map(|key| &mut key.last_terminal)).await?;
    Ok(view)
}

/// Leaves out the names of other scopes.
fn mask(call: &Call<'_>, view: &mut PersonView) {
    view.scopes.retain(|scope| call.grant().covers(scope));
}

/// Empty: none.
fn latin_name(text: &str) -> Result<Option<LatinName>> {
    if text.is_empty() { Ok(None) } else { parsed("latin_name", text).map(Some) }
}

fn language(text: Option<&str>) -> Result<Option<Language>> {
    text.map(|text| parsed("language", text)).transpose()
}

fn moment(field: &str, text: Option<&str>) -> Result<Option<When>> {
    let Some(text) = text else { return Ok(None) };
    let unread = || {
        let why = Text::WriteTime.into();
        Error::invalid(Text::At.with([("place", field.into()), ("why", why)]))
    };
    When::parse(text).map(Some).ok_or_else(unread)
}
