//! Enrollment codes.

use schemars::JsonSchema;
use serde::Deserialize;
use wardkey_core::name::LoginName;

use super::call::Call;
use super::endpoint::{Asked, Endpoint, Nothing, Part, Reason, Touches, route};
use super::people;
use crate::admin::Listing;
use crate::admin::code::{self, CodeMade, CodeView, CodesWithdrawn, MAX_SECONDS};
use crate::error::{Error, Result};

/// Seconds for which a code is valid, when nothing is said.
const SECONDS: u64 = 86_400;

route! {
    "Enrollment codes, newest first; what is typed is stored nowhere."
    List = Get "/v1/codes" as "codes.list" for ReadCodes
        (Nothing, Part, Nothing) -> Listing<CodeView>
}

impl Endpoint for List {
    async fn touches(_: &mut Call<'_>, _: &Asked<Self>) -> Result<Touches> {
        Ok(Touches::Rows)
    }

    async fn run(call: &mut Call<'_>, asked: Asked<Self>) -> Result<Listing<CodeView>> {
        let page = call.page(&asked.query.paging())?;
        let codes = code::list(&mut call.tx, &page, call.now).await?;
        call.listing(codes)
    }
}

/// A new code.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct CodeToMake {
    /// Seconds for which it is valid, 1 to 2592000; 86400 without.
    pub seconds: Option<u64>,
    /// Why, for the trail.
    pub reason: Option<String>,
}

route! {
    "Makes a one-time code with which a person enrolls a key: the only time that it can be seen."
    Add = Post "/v1/people/{login}/codes" as "codes.add" for IssueCodes
        (LoginName, Nothing, CodeToMake) -> CodeMade
}

impl Endpoint for Add {
    async fn touches(call: &mut Call<'_>, asked: &Asked<Self>) -> Result<Touches> {
        people::person_touched(call, &asked.target).await
    }

    async fn run(call: &mut Call<'_>, asked: Asked<Self>) -> Result<CodeMade> {
        let seconds = asked.body.seconds.unwrap_or(SECONDS);
        if !(1..=MAX_SECONDS).contains(&seconds) {
            return Err(Error::invalid(format!("seconds: 1 to {MAX_SECONDS}")));
        }
        let key = &call.api.app.code_key;
        let mut operation = call.operation(asked.body.reason.as_deref());
        code::add(&mut operation, &asked.target, seconds, key).await
    }
}

route! {
    "Withdraws every open code of a person."
    Withdraw = Delete "/v1/people/{login}/codes" as "codes.withdraw" for WithdrawCodes
        (LoginName, Reason, Nothing) -> CodesWithdrawn
}

impl Endpoint for Withdraw {
    async fn touches(call: &mut Call<'_>, asked: &Asked<Self>) -> Result<Touches> {
        people::person_touched(call, &asked.target).await
    }

    async fn run(call: &mut Call<'_>, asked: Asked<Self>) -> Result<CodesWithdrawn> {
        let mut operation = call.operation(asked.query.reason.as_deref());
        code::delete(&mut operation, &asked.target).await
    }
}
