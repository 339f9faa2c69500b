//! One-time enrollment codes.

use schemars::JsonSchema;
use serde::Serialize;
use wardkey_core::name::LoginName;
use wardkey_core::time::{DAY, UnixTime};

use super::{Listing, Operation};
use crate::error::{Error, Result};
use crate::secret;
use crate::store::code::ListedCode;
use crate::store::person::{self, PersonStatus};
use crate::store::{PageRequest, Tx, code};
use crate::texts::Text;
use crate::when::shown_utc;

/// The longest for which a code is valid, in seconds: whoever finds one that nobody used can
/// register a key in that person's name.
pub const MAX_SECONDS: u64 = 30 * DAY;

/// A code that was made: the only time that it can be seen.
#[derive(Debug, JsonSchema, Serialize)]
pub struct CodeMade {
    /// The code, as the person types it.
    pub code: String,
    /// Login name of the person.
    pub login: String,
    /// Not valid from then on, Unix seconds.
    pub expires: u64,
    /// By which the trail names it, here and where it is redeemed.
    #[serde(skip)]
    pub number: i64,
}

/// Codes that were withdrawn.
#[derive(Debug, JsonSchema, Serialize)]
pub struct CodesWithdrawn {
    /// Login name of the person.
    pub login: String,
    /// How many.
    pub withdrawn: u64,
}

/// A code as it stands in a list; what the person types is known to nobody.
#[derive(Debug, JsonSchema, Serialize)]
pub struct CodeView {
    /// Login name of the person.
    pub login: String,
    /// `open`, `used` (also one that was withdrawn) or `expired`.
    pub status: &'static str,
    /// When it was made, Unix seconds.
    pub created: u64,
    /// Not valid from then on, Unix seconds.
    pub expires: u64,
    /// When it was used or withdrawn, Unix seconds.
    pub used: Option<u64>,
}

/// A page of codes, newest first.
pub async fn list(tx: &mut Tx, request: &PageRequest, now: UnixTime) -> Result<Listing<CodeView>> {
    Ok(Listing::new(code::page(tx, request).await?, |listed| CodeView::of(&listed, now)))
}

/// The latest code of a person.
///
/// # Errors
/// [`Error::Refused`] when the person has none.
pub async fn show(tx: &mut Tx, login: &LoginName, now: UnixTime) -> Result<CodeView> {
    let person = person::get(tx, login).await?;
    let latest = code::latest_of(tx, person.id).await?;
    let unknown = || Text::CodeUnknown.with([("name", login.to_string().into())]);
    Ok(CodeView::of(&latest.ok_or_else(|| Error::not_found(unknown()))?, now))
}

impl CodeView {
    fn of(listed: &ListedCode, now: UnixTime) -> Self {
        Self {
            status: match listed.used {
                Some(_) => "used",
                None if now >= listed.expires => "expired",
                None => "open",
            },
            login: listed.login.to_string(),
            created: listed.created.0,
            expires: listed.expires.0,
            used: listed.used.map(|time| time.0),
        }
    }
}

/// Makes a code with which a person enrolls a key, valid for so many seconds. `key` is the
/// deployment's secret for the hash of codes.
pub async fn add(
    op: &mut Operation<'_>,
    login: &LoginName,
    seconds: u64,
    key: &[u8; 32],
) -> Result<CodeMade> {
    let person = person::get(op.tx, login).await?;
    if person.status != PersonStatus::Active {
        let name = login.to_string().into();
        return Err(Error::invalid(Text::PersonDisabled.with([("name", name)])));
    }

    let made = make(op, (login, person.id), seconds, key).await?;
    let detail = format!("code {}, until {}", made.number, shown_utc(UnixTime(made.expires)));
    op.record("code.issue", login.as_str(), Some(&detail)).await?;
    Ok(made)
}

/// Makes a code for whoever stands in a row.
///
/// # Errors
/// One of usage when it would be valid for longer than [`MAX_SECONDS`].
pub(super) async fn make(
    op: &mut Operation<'_>,
    (login, person): (&LoginName, i64),
    seconds: u64,
    key: &[u8; 32],
) -> Result<CodeMade> {
    if seconds > MAX_SECONDS {
        return Err(Error::usage(Text::CodeTooLong.with([("days", (MAX_SECONDS / DAY).into())])));
    }
    let text = secret::new_code()?;
    let hash = secret::code_hash(key, &text)
        .ok_or("could not be made")
        .map_err(Error::crypto("enrollment code"))?;
    let until = op.now.plus(seconds);
    code::add(op.tx, &hash, person, (op.now, until)).await?;
    let number = code::open(op.tx, &hash, op.now).await?.id;
    Ok(CodeMade { code: text, login: login.to_string(), expires: until.0, number })
}

/// Withdraws every open code of a person.
pub async fn delete(op: &mut Operation<'_>, login: &LoginName) -> Result<CodesWithdrawn> {
    let person = person::get(op.tx, login).await?;
    let withdrawn = code::withdraw(op.tx, person.id, op.now).await?;
    op.record("code.withdraw", login.as_str(), Some(&format!("{withdrawn} open codes"))).await?;
    Ok(CodesWithdrawn { login: login.to_string(), withdrawn })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::admin::person as people;
    use crate::admin::testing::{Deployment, NOW, login};

    #[tokio::test]
    async fn a_person_who_is_switched_off_gets_no_code() {
        let deployment = Deployment::new().await;
        deployment.add("yamada").await;
        let off = async |op: &mut Operation<'_>| {
            people::switch(op, &login("yamada"), PersonStatus::Disabled).await
        };
        deployment.act(off).await.unwrap();
        let refused =
            deployment.act(async |op| add(op, &login("yamada"), 60, &[7; 32]).await).await;
        assert!(refused.unwrap_err().to_string().contains("disabled"));
    }

    #[tokio::test]
    async fn no_code_lies_about_for_longer_than_a_month() {
        let deployment = Deployment::new().await;
        deployment.add("yamada").await;
        let add = async |op: &mut Operation<'_>, seconds| {
            add(op, &login("yamada"), seconds, &[7; 32]).await
        };
        let made = deployment.act(async |op| add(op, MAX_SECONDS).await).await.unwrap();
        assert_eq!(made.expires, NOW.plus(30 * DAY).0);
        let longer = deployment.act(async |op| add(op, MAX_SECONDS + 1).await).await;
        assert!(longer.unwrap_err().to_string().contains("30 days"));
    }

    #[tokio::test]
    async fn every_open_code_is_withdrawn() {
        let deployment = Deployment::new().await;
        deployment.add("yamada").await;
        for _ in 0..2 {
            deployment.act(async |op| add(op, &login("yamada"), 60, &[7; 32]).await).await.unwrap();
        }
        let withdrawn =
            deployment.act(async |op| delete(op, &login("yamada")).await).await.unwrap();
        assert_eq!(withdrawn.withdrawn, 2);
        deployment.act(async |op| add(op, &login("yamada"), 60, &[7; 32]).await).await.unwrap();
        let mut tx = deployment.store.read().await.unwrap();
        for (after, expected) in [(0, ["open", "used", "used"]), (60, ["expired", "used", "used"])]
        {
            let codes = list(&mut tx, &PageRequest::default(), NOW.plus(after)).await.unwrap();
            assert_eq!(codes.items.iter().map(|code| code.status).collect::<Vec<_>>(), expected);
        }
        assert_eq!(show(&mut tx, &login("yamada"), NOW).await.unwrap().status, "open");
        drop(tx);
        deployment.add("sato").await;
        let mut tx = deployment.store.read().await.unwrap();
        let none = show(&mut tx, &login("sato"), NOW).await.unwrap_err();
        assert_eq!(none.code(), wardkey_core::code::Code::NotFound);
        drop(tx);
        assert_eq!(deployment.actions().await[1..4], ["code.issue", "code.withdraw", "code.issue"]);
    }
}
