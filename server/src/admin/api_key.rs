//! Keys of the interface for administration.

use std::collections::BTreeSet;

use aws_lc_rs::constant_time::verify_slices_are_equal;
use serde::Serialize;
use wardkey_core::code::Code;
use wardkey_core::codec::sha256;
use wardkey_core::id::{Hash, from_hex, to_hex};
use wardkey_core::name::{DisplayText, ScopeName};
use wardkey_core::texts;
use wardkey_core::time::UnixTime;
use zeroize::Zeroizing;

use super::known::{Known, SECRET_LEN};
use super::operation::{joined, names};
use super::role::{Grant, Role};
use super::{Listing, Operation};
use crate::error::{Error, Result};
use crate::secret;
use crate::store::api_key::{self, ApiKey, ID_LEN};
use crate::store::audit::Actor;
use crate::store::{PageRequest, Tx};
use crate::texts::Text;
use crate::when::shown_utc;

/// What every token begins with: those who look for secrets in files find it.
const BEGINS: &str = "wardkey_api_";
/// The longest that a key is valid, in seconds.
pub const MAX_SECONDS: u64 = 400 * 86_400;
/// Scopes that one key may be for: more than a site has wards, few enough for one statement.
const MAX_SCOPES: usize = 500;
/// Seconds within which a second use is not noted.
const NOTED: u64 = 3600;

/// What a key is made for.
#[derive(Debug)]
pub struct NewApiKey {
    /// What it is for, for people.
    pub name: DisplayText,
    /// As what it acts.
    pub role: Role,
    /// Scopes that it is for; none: for every one.
    pub scopes: Vec<ScopeName>,
    /// Seconds for which it is valid.
    pub seconds: u64,
}

/// A key that was made: the only time that its token can be seen.
#[derive(Debug, Serialize)]
pub struct ApiKeyMade {
    /// The token, which goes into `Authorization: Bearer`.
    pub token: String,
    /// The key.
    #[serde(flatten)]
    pub key: ApiKeyView,
}

/// A key; what its secret is, is known to nobody.
#[derive(Debug, Serialize)]
pub struct ApiKeyView {
    /// Its id, hexadecimal digits: its name in the trail.
    pub id: String,
    /// What it is for.
    pub name: String,
    /// As what it acts.
    pub role: &'static str,
    /// `active`, `disabled` or `expired`.
    pub status: &'static str,
    /// Scopes that it is for.
    pub scopes: Vec<String>,
    /// Whether it is for every scope instead.
    pub everywhere: bool,
    /// When it was made, Unix seconds.
    pub created: u64,
    /// Not valid from then on, Unix seconds.
    pub expires: u64,
    /// When it was last used, within an hour, Unix seconds.
    pub used: Option<u64>,
}

/// A key that was switched off or deleted.
#[derive(Debug, Serialize)]
pub struct ApiKeySwitched {
    /// Its id, hexadecimal digits.
    pub id: String,
    /// What it is for.
    pub name: String,
    /// What it is now.
    pub status: &'static str,
    /// Whether it was anything else before.
    pub changed: bool,
}

impl ApiKeyView {
    fn of(key: &ApiKey, now: UnixTime) -> Self {
        Self {
            id: to_hex(&key.id),
            name: key.name.to_string(),
            role: key.role.as_str(),
            status: match key.disabled {
                Some(_) => "disabled",
                None if now >= key.expires => "expired",
                None => "active",
            },
            scopes: names(key.scopes.iter().flatten()),
            everywhere: key.scopes.is_none(),
            created: key.created.0,
            expires: key.expires.0,
            used: key.used.map(|time| time.0),
        }
    }
}

/// A page of keys, newest first.
pub async fn list(
    tx: &mut Tx,
    request: &PageRequest,
    now: UnixTime,
) -> Result<Listing<ApiKeyView>> {
    Ok(Listing::new(api_key::page(tx, request).await?, |key| ApiKeyView::of(&key, now)))
}

/// One key, by its id.
///
/// # Errors
/// [`Error::Refused`] when it is not known.
pub async fn show(tx: &mut Tx, id: &str, now: UnixTime) -> Result<ApiKeyView> {
    Ok(ApiKeyView::of(&api_key::get(tx, &id_of(id)?).await?, now))
}

/// Makes a key.
///
/// # Errors
/// [`Error::Refused`] for scopes that there are not, and a role that needs some; one of usage when
/// it would be valid for longer than [`MAX_SECONDS`], or is for more than [`MAX_SCOPES`].
pub async fn add(op: &mut Operation<'_>, new: NewApiKey) -> Result<ApiKeyMade> {
    if new.seconds > MAX_SECONDS {
        let days = (MAX_SECONDS / 86_400).into();
        return Err(Error::usage(Text::ApiKeyTooLong.with([("days", days)])));
    }
    let scopes: BTreeSet<ScopeName> = new.scopes.into_iter().collect();
    if scopes.len() > MAX_SCOPES {
        let count = (MAX_SCOPES as u64).into();
        return Err(Error::usage(Text::ApiKeyScopes.with([("count", count)])));
    }
    let scopes = (!scopes.is_empty()).then_some(scopes);
    Grant::new(new.role, scopes.clone())?;

    let id = secret::random::<ID_LEN>()?;
    let secret = Zeroizing::new(secret::random::<SECRET_LEN>()?);
    let key = ApiKey {
        id,
        hash: hash(&id, secret.as_slice()),
        name: new.name,
        role: new.role,
        scopes,
        created: op.now,
        expires: op.now.plus(new.seconds),
        disabled: None,
        used: None,
    };
    api_key::add(op.tx, &key).await?;

    let place = key.scopes.as_ref().map_or_else(|| "all".to_owned(), joined);
    let until = shown_utc(key.expires);
    let detail = format!("\"{}\", {}, scopes {place}, until {until}", key.name, key.role.as_str());
    op.record("api-key.add", &to_hex(&id), Some(&detail)).await?;
    let token = format!("{BEGINS}{}_{}", to_hex(&id), to_hex(secret.as_slice()));
    Ok(ApiKeyMade { token, key: ApiKeyView::of(&key, op.now) })
}

/// Switches a key off. There is no way back: whoever needs one again gets another.
pub async fn disable(op: &mut Operation<'_>, id: &str) -> Result<ApiKeySwitched> {
    let key = api_key::get(op.tx, &id_of(id)?).await?;
    let changed = api_key::disable(op.tx, &key.id, op.now).await?;
    switched(op, &key, ("api-key.disable", "disabled"), changed).await
}

/// Deletes a key.
pub async fn delete(op: &mut Operation<'_>, id: &str) -> Result<ApiKeySwitched> {
    let key = api_key::get(op.tx, &id_of(id)?).await?;
    api_key::delete(op.tx, &key.id).await?;
    switched(op, &key, ("api-key.delete", "deleted"), true).await
}

async fn switched(
    op: &mut Operation<'_>,
    key: &ApiKey,
    (action, status): (&str, &'static str),
    changed: bool,
) -> Result<ApiKeySwitched> {
    let id = to_hex(&key.id);
    let detail = format!("\"{}\"{}", key.name, if changed { "" } else { ", no change" });
    op.record(action, &id, Some(&detail)).await?;
    Ok(ApiKeySwitched { id, name: key.name.to_string(), status, changed })
}

fn id_of(text: &str) -> Result<[u8; ID_LEN]> {
    let id = from_hex(text).ok().and_then(|bytes| bytes.try_into().ok());
    id.ok_or_else(|| Error::usage(Text::ApiKeyId))
}

fn hash(id: &[u8; ID_LEN], secret: &[u8]) -> Hash {
    sha256(&[&b"wardkey/api-key/1"[..], id, secret].concat())
}

/// Whether a text has the form of a token.
pub fn is_token(text: &str) -> bool {
    read(text).is_some()
}

/// Who a token is of.
///
/// # Errors
/// [`Code::ApiKeyInvalid`] for one that is none, not known, wrong, switched off or over.
pub async fn known(tx: &mut Tx, token: &str, now: UnixTime) -> Result<Known> {
    let (id, secret) = read(token).ok_or_else(invalid)?;
    let found = api_key::find(tx, &id).await?;

    // Compared also when there is none: the answer takes as long.
    let nobody = Hash::new([0; 32]);
    let kept = found.as_ref().map_or(&nobody, |key| &key.hash);
    let given = hash(&id, secret.as_slice());
    let is_right = verify_slices_are_equal(kept.as_bytes(), given.as_bytes()).is_ok();

    let holds = |key: &ApiKey| is_right && key.disabled.is_none() && now < key.expires;
    let key = found.filter(holds).ok_or_else(invalid)?;
    Ok(Known {
        id,
        actor: Actor::api_key(&key.id, key.name.as_str()),
        is_due: key.used.is_none_or(|used| now.since(used) >= NOTED),
        grant: Grant::new(key.role, key.scopes)?,
        secret,
    })
}

fn read(token: &str) -> Option<([u8; ID_LEN], Zeroizing<[u8; SECRET_LEN]>)> {
    let (id, secret) = token.strip_prefix(BEGINS)?.split_once('_')?;
    let id = from_hex(id).ok()?.try_into().ok()?;
    let secret = Zeroizing::new(from_hex(secret).ok()?);
    let secret: [u8; SECRET_LEN] = secret.as_slice().try_into().ok()?;
    Some((id, Zeroizing::new(secret)))
}

/// The one refusal of tokens.
pub fn invalid() -> Error {
    Error::refused(Code::ApiKeyInvalid, texts::phrase(Code::ApiKeyInvalid, vec![]))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::admin::testing::{Deployment, NOW, scope};

    fn help_desk(scopes: &[&str]) -> NewApiKey {
        NewApiKey {
            name: DisplayText::new("night shift").unwrap(),
            role: Role::HelpDesk,
            scopes: scopes.iter().map(|name| scope(name)).collect(),
            seconds: 3600,
        }
    }

    #[tokio::test]
    async fn a_token_holds_until_its_end_or_until_it_is_switched_off_and_as_it_was_made_only() {
        let deployment = Deployment::new().await;
        let made = deployment.act(async |op| add(op, help_desk(&["icu"])).await).await.unwrap();
        let ask = async |token: &str, after: u64| {
            let mut tx = deployment.store.read().await.unwrap();
            known(&mut tx, token, NOW.plus(after)).await.map_err(|error| error.code())
        };
        let known = ask(&made.token, 3599).await.unwrap();
        assert_eq!(known.actor.to_string(), format!("api-key:{} \"night shift\"", made.key.id));
        assert!(known.grant.covers("icu") && !known.grant.covers("er"));

        assert_eq!(ask(&made.token, 3600).await.unwrap_err(), Code::ApiKeyInvalid);
        let last = made.token.chars().last().unwrap();
        let other = if last == '0' { '1' } else { '0' };
        let wrong = format!("{}{other}", &made.token[..made.token.len() - 1]);
        let unknown = format!("{BEGINS}0000000000000000_{}", "0".repeat(64));
        for token in [wrong.as_str(), &unknown, "", BEGINS, &made.token[1..], &made.key.id] {
            assert_eq!(ask(token, 0).await.unwrap_err(), Code::ApiKeyInvalid, "{token}");
        }

        let id = made.key.id.clone();
        let off = async || deployment.act(async |op| disable(op, &id).await).await.unwrap();
        assert!(off().await.changed && !off().await.changed);
        assert_eq!(ask(&made.token, 0).await.unwrap_err(), Code::ApiKeyInvalid);
        deployment.act(async |op| delete(op, &id).await).await.unwrap();
        let gone = deployment.act(async |op| delete(op, &id).await).await;
        assert_eq!(gone.unwrap_err().code(), Code::NotFound);
        let said = ["api-key.delete", "api-key.disable", "api-key.disable", "api-key.add"];
        assert_eq!(deployment.actions().await[..4], said);
    }

    #[tokio::test]
    async fn the_store_has_no_secret() {
        let deployment = Deployment::new().await;
        let made = deployment.act(async |op| add(op, help_desk(&[])).await).await.unwrap();
        let secret = from_hex(made.token.rsplit('_').next().unwrap()).unwrap();
        let mut tx = deployment.store.read().await.unwrap();
        let id = id_of(&made.key.id).unwrap();
        let kept = api_key::get(&mut tx, &id).await.unwrap();
        assert_ne!(kept.hash.as_bytes().as_slice(), secret.as_slice());
        assert_eq!(kept.hash, hash(&id, &secret));
        let shown = show(&mut tx, &made.key.id, NOW).await.unwrap();
        assert!(!serde_json::to_string(&shown).unwrap().contains(&to_hex(&secret)));
    }

    #[tokio::test]
    async fn none_is_for_scopes_that_there_are_not_or_for_ever() {
        let deployment = Deployment::new().await;
        let nowhere = deployment.act(async |op| add(op, help_desk(&["nowhere"])).await).await;
        assert_eq!(nowhere.unwrap_err().code(), Code::NotFound);
        let long = NewApiKey { seconds: MAX_SECONDS + 1, ..help_desk(&[]) };
        let long = deployment.act(async |op| add(op, long).await).await;
        assert!(matches!(long.unwrap_err(), Error::Usage(_)));
        let names: Vec<String> = (0..=MAX_SCOPES).map(|number| format!("w{number}")).collect();
        let many = help_desk(&names.iter().map(String::as_str).collect::<Vec<_>>());
        let many = deployment.act(async |op| add(op, many).await).await;
        assert!(matches!(many.unwrap_err(), Error::Usage(_)));
    }
}
