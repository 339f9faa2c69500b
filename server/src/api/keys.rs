//! Security keys.

use schemars::JsonSchema;
use serde::Deserialize;
use wardkey_core::id::Hash;
use wardkey_core::name::LoginName;

use super::call::{Call, Done};
use super::endpoint::{Asked, Endpoint, Fingerprint, Nothing, Touches, parsed, query, route};
use super::{people, tag};
use crate::admin::Listing;
use crate::admin::key::{self, KeyOfPerson, KeySwitched, Which};
use crate::error::{Error, Result};
use crate::store::credential::{self, CredentialStatus};
use crate::texts::Text;
use crate::when::When;

query! {
    /// Which keys.
    Wanted {
        /// Of this person.
        person: String,
        /// Switched off or deleted since this day or time, and still so: the last one first.
        disabled_since: String,
    }
}

route! {
    "Keys, oldest first, deleted ones too."
    List = Get "/v1/keys" as "keys.list" for ReadKeys
        (Nothing, Wanted, Nothing) -> Listing<KeyOfPerson>
}

impl Endpoint for List {
    async fn touches(call: &mut Call<'_>, asked: &Asked<Self>) -> Result<Touches> {
        match &asked.query.person {
            None => Ok(Touches::Rows),
            Some(login) => people::person_touched(call, &parsed("person", login)?).await,
        }
    }

    async fn run(call: &mut Call<'_>, asked: Asked<Self>) -> Result<Listing<KeyOfPerson>> {
        let page = call.page(&asked.query.paging())?;
        let keys = match (&asked.query.person, &asked.query.disabled_since) {
            (None, None) => key::list(&mut call.tx, &page).await?,
            (Some(login), None) => {
                let login: LoginName = parsed("person", login)?;
                key::list_of(&mut call.tx, &login, &page).await?
            }
            (None, Some(text)) => {
                let since = When::parse(text).ok_or_else(|| Error::invalid(Text::WriteTime))?;
                key::list_disabled(&mut call.tx, (since, &call.zone), &page).await?
            }
            (Some(_), Some(_)) => {
                return Err(Error::invalid("disabled_since: not with person"));
            }
        };
        let mut keys = call.listing(keys)?;
        call.mask_terminals(keys.items.iter_mut().map(|of| &mut of.key.last_terminal)).await?;
        Ok(keys)
    }
}

route! {
    "A key and whose it is."
    Show = Get "/v1/keys/{fingerprint}" as "keys.show" for ReadKeys
        (Fingerprint, Nothing, Nothing) -> KeyOfPerson
}

impl Endpoint for Show {
    async fn touches(call: &mut Call<'_>, asked: &Asked<Self>) -> Result<Touches> {
        keeper(call, &asked.target.0).await
    }

    async fn run(call: &mut Call<'_>, asked: Asked<Self>) -> Result<KeyOfPerson> {
        view(call, &asked.target.0).await
    }
}

/// What is said of a key that is switched.
#[derive(Debug, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct KeyAct {
    /// Whose key it is: anybody else's is not touched.
    pub person: Option<String>,
    /// Why, for the trail.
    pub reason: Option<String>,
}

route! {
    "Switches a key off. Connected terminals refuse it within about a second."
    Disable = Post "/v1/keys/{fingerprint}/disable" as "keys.disable" for DisableKeys
        (Fingerprint, Nothing, KeyAct) -> Done<KeySwitched>
}

impl Endpoint for Disable {
    async fn touches(call: &mut Call<'_>, asked: &Asked<Self>) -> Result<Touches> {
        keeper(call, &asked.target.0).await
    }

    const IS_MATCHED: bool = true;

    async fn before(call: &mut Call<'_>, asked: &Asked<Self>) -> Result<Vec<u8>> {
        tag::bytes(&view(call, &asked.target.0).await?)
    }

    async fn run(call: &mut Call<'_>, asked: Asked<Self>) -> Result<Done<KeySwitched>> {
        switch(call, &asked.target.0, CredentialStatus::Disabled, &asked.body).await
    }
}

route! {
    "Switches a key on again."
    Enable = Post "/v1/keys/{fingerprint}/enable" as "keys.enable" for EnableKeys
        (Fingerprint, Nothing, KeyAct) -> Done<KeySwitched>
}

impl Endpoint for Enable {
    async fn touches(call: &mut Call<'_>, asked: &Asked<Self>) -> Result<Touches> {
        keeper(call, &asked.target.0).await
    }

    const IS_MATCHED: bool = true;

    async fn before(call: &mut Call<'_>, asked: &Asked<Self>) -> Result<Vec<u8>> {
        tag::bytes(&view(call, &asked.target.0).await?)
    }

    async fn run(call: &mut Call<'_>, asked: Asked<Self>) -> Result<Done<KeySwitched>> {
        switch(call, &asked.target.0, CredentialStatus::Active, &asked.body).await
    }
}

async fn switch(
    call: &mut Call<'_>,
    key: &Hash,
    status: CredentialStatus,
    act: &KeyAct,
) -> Result<Done<KeySwitched>> {
    let fingerprint = key.to_hex();
    let person = act.person.as_deref().map(|login| parsed::<LoginName>("person", login));
    let person = person.transpose()?;
    let which = Which { fingerprint: &fingerprint, of: person.as_ref() };
    let mut operation = call.operation(act.reason.as_deref());
    let done = key::switch(&mut operation, &which, status).await?;
    let reach = done.reach.clone();
    call.done(done, reach).await
}

/// A key, as who asks may see it.
async fn view(call: &mut Call<'_>, key: &Hash) -> Result<KeyOfPerson> {
    let mut of = key::show(&mut call.tx, &key.to_hex()).await?;
    call.mask_terminals([&mut of.key.last_terminal]).await?;
    Ok(of)
}

/// Whose key it is.
async fn keeper(call: &mut Call<'_>, key: &Hash) -> Result<Touches> {
    let key = credential::by_fingerprint(&mut call.tx, &key.to_hex()).await?;
    Ok(Touches::Person(people::whom_of(call, key.person).await?))
}
