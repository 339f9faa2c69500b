//! Scopes.

use wardkey_core::name::ScopeName;

use super::call::Call;
use super::endpoint::{Asked, Endpoint, Nothing, Part, Touches, route};
use crate::admin::Listing;
use crate::admin::scope::{self, ScopeView};
use crate::error::Result;

route! {
    "Scopes and their rules, by name."
    List = Get "/v1/scopes" as "scopes.list" for ReadScopes
        (Nothing, Part, Nothing) -> Listing<ScopeView>
}

impl Endpoint for List {
    async fn touches(_: &mut Call<'_>, _: &Asked<Self>) -> Result<Touches> {
        Ok(Touches::Rows)
    }

    async fn run(call: &mut Call<'_>, asked: Asked<Self>) -> Result<Listing<ScopeView>> {
        let page = call.page(&asked.query.paging())?;
        let scopes = scope::list(&mut call.tx, &page).await?;
        call.listing(scopes)
    }
}

route! {
    "A scope and its rules."
    Show = Get "/v1/scopes/{scope}" as "scopes.show" for ReadScopes
        (ScopeName, Nothing, Nothing) -> ScopeView
}

impl Endpoint for Show {
    async fn touches(_: &mut Call<'_>, asked: &Asked<Self>) -> Result<Touches> {
        Ok(Touches::Scopes([asked.target.clone()].into()))
    }

    async fn run(call: &mut Call<'_>, asked: Asked<Self>) -> Result<ScopeView> {
        scope::show(&mut call.tx, &asked.target).await
    }
}
