//! Security keys of people.

use jiff::tz::TimeZone;
use schemars::JsonSchema;
use serde::Serialize;
use wardkey_core::code::Code;
use wardkey_core::name::LoginName;
use wardkey_core::person::CredentialFlags;
use wardkey_core::texts;

use super::reach::Reach;
use super::{Listing, Operation};
use crate::error::{Error, Result};
use crate::store::credential::{self, Credential, CredentialStatus};
use crate::store::credential_list::{self, ListedCredential};
use crate::store::loan::{self, EndedBy, StoredLoan};
use crate::store::person::PersonRow;
use crate::store::{PageRequest, Tx, person, state, web_session};
use crate::texts::Text;
use crate::when::When;

/// A key.
#[derive(Debug, JsonSchema, Serialize)]
pub struct KeyView {
    /// Fingerprint, 64 hexadecimal digits.
    pub fingerprint: String,
    /// What it was called at enrollment.
    pub label: String,
    /// What the person calls it since, on a page of their own.
    pub own_name: Option<String>,
    /// `active`, `disabled` or `deleted`.
    pub status: &'static str,
    /// AAGUID of its model, hexadecimal digits.
    pub model: String,
    /// Whether its maker vouches for it.
    pub attested: bool,
    /// Whether it may be copied to other devices.
    pub backup_eligible: bool,
    /// credProtect level; 0 when the key did not say.
    pub cred_protect: u8,
    /// How many characters a PIN has at least, as the key said at enrollment; none: not known.
    pub min_pin_length: Option<u8>,
    /// When it was enrolled, Unix seconds.
    pub enrolled: u64,
    /// Greatest signature counter seen.
    pub counter: u32,
    /// When it last logged someone in, Unix seconds.
    pub last_used: Option<u64>,
    /// Id of the terminal where.
    pub last_terminal: Option<String>,
    /// When its counter last went backwards, Unix seconds.
    pub clone_suspected: Option<u64>,
    /// When it was switched off or deleted, Unix seconds; none also when that is not known.
    pub disabled: Option<u64>,
}

impl From<&Credential> for KeyView {
    fn from(key: &Credential) -> Self {
        Self {
            fingerprint: key.fingerprint().to_hex(),
            label: key.label.to_string(),
            own_name: key.own_name.as_ref().map(ToString::to_string),
            status: key.status.as_str(),
            model: key.aaguid.to_hex(),
            attested: key.flags.has(CredentialFlags::ATTESTED),
            backup_eligible: key.flags.has(CredentialFlags::BACKUP_ELIGIBLE),
            cred_protect: key.cred_protect,
            min_pin_length: key.min_pin_length,
            enrolled: key.enrolled.0,
            counter: key.counter,
            last_used: key.last_used.map(|time| time.0),
            last_terminal: key.last_terminal.map(|id| id.to_hex()),
            clone_suspected: key.clone_suspected.map(|time| time.0),
            disabled: key.disabled.map(|time| time.0),
        }
    }
}

/// A key that was switched on or off, or deleted.
#[derive(Debug, JsonSchema, Serialize)]
pub struct KeySwitched {
    /// Fingerprint, 64 hexadecimal digits.
    pub key: String,
    /// Login name of whose it is.
    pub person: String,
    /// What it is now.
    pub status: &'static str,
    /// Whether it was anything else before.
    pub changed: bool,
    /// Who has to hear of it.
    #[serde(skip)]
    pub reach: Reach,
}

/// A key with whose it is.
#[derive(Debug, JsonSchema, Serialize)]
pub struct KeyOfPerson {
    /// Login name.
    pub person: String,
    /// The person's name.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
    /// The key.
    #[serde(flatten)]
    pub key: KeyView,
}

/// Which key is meant.
#[derive(Debug)]
pub struct Which<'a> {
    /// Beginning of its fingerprint, hexadecimal digits.
    pub fingerprint: &'a str,
    /// Whose it must be, when that is known: a slip in the digits hits nobody else's then.
    pub of: Option<&'a LoginName>,
}

/// A page of keys, oldest first, deleted ones too.
pub async fn list(tx: &mut Tx, request: &PageRequest) -> Result<Listing<KeyOfPerson>> {
    let page = credential_list::page(tx, request).await?;
    Ok(Listing::new(page, of_listed))
}

/// A page of keys that were switched off or deleted since then and still are, the last one first;
/// days are those of the zone.
pub async fn list_disabled(
    tx: &mut Tx,
    (since, zone): (When, &TimeZone),
    request: &PageRequest,
) -> Result<Listing<KeyOfPerson>> {
    let since = since.begins(zone).ok_or_else(|| Error::usage(Text::NoSuchTime))?;
    let page = credential_list::page_of_disabled(tx, since, request).await?;
    Ok(Listing::new(page, of_listed))
}

fn of_listed(listed: ListedCredential) -> KeyOfPerson {
    KeyOfPerson { person: listed.login.to_string(), name: None, key: KeyView::from(&listed.key) }
}

/// A page of the keys of one person, oldest first, deleted ones too.
pub async fn list_of(
    tx: &mut Tx,
    login: &LoginName,
    request: &PageRequest,
) -> Result<Listing<KeyOfPerson>> {
    let person = person::get(tx, login).await?;
    let keys = credential::of_person(tx, person.id).await?;
    let of_person = |key: &Credential| KeyOfPerson {
        person: login.to_string(),
        name: None,
        key: KeyView::from(key),
    };

    // The number among the person's keys: ten digits, so that texts are in its order.
    let numbered = keys.iter().map(of_person).enumerate().collect();
    let cursor = |(number, _): &(usize, KeyOfPerson)| format!("{number:010}");
    let text = |(_, of): &(usize, KeyOfPerson)| format!("{} {}", of.key.fingerprint, of.key.label);
    let page = Listing::part_of(numbered, request, cursor, text);
    let items = page.items.into_iter().map(|(_, of)| of).collect();
    Ok(Listing { items, more: page.more, next: page.next })
}

/// One key, by the beginning of its fingerprint.
pub async fn show(tx: &mut Tx, fingerprint: &str) -> Result<KeyOfPerson> {
    let key = credential::by_fingerprint(tx, fingerprint).await?;
    let person = person::by_id(tx, key.person).await?;
    Ok(KeyOfPerson {
        person: person.login.to_string(),
        name: Some(person.display_name.to_string()),
        key: KeyView::from(&key),
    })
}

/// Switches a key on or off, or deletes it for ever.
///
/// # Errors
/// [`Code::KeyOfSomebodyElse`] when it is not that of the person who was named.
pub async fn switch(
    op: &mut Operation<'_>,
    which: &Which<'_>,
    status: CredentialStatus,
) -> Result<KeySwitched> {
    let (key, person) = meant(op, which).await?;
    let changed = credential::set_status(op.tx, &key, status, op.now).await?;
    if status != CredentialStatus::Active {
        web_session::end_of_key(op.tx, key.row).await?;
    }
    state::publish_person(op.tx, key.person).await?;
    let borrower = tell_borrower(op, &key, status).await?;

    let action = match status {
        CredentialStatus::Active => "key.enable",
        CredentialStatus::Disabled => "key.disable",
        CredentialStatus::Deleted => "key.delete",
    };
    let detail = format!("person {}{}", person.login, if changed { "" } else { ", no change" });
    op.record(action, &key.fingerprint().short(), Some(&detail)).await?;

    let reach = match status {
        CredentialStatus::Active => Reach::Nobody,
        CredentialStatus::Disabled | CredentialStatus::Deleted => {
            let whose = borrower.unwrap_or(key.person);
            Reach::TerminalsOf(person::scopes(op.tx, whose).await?)
        }
    };
    Ok(KeySwitched {
        key: key.fingerprint().to_hex(),
        person: person.login.to_string(),
        status: status.as_str(),
        changed,
        reach,
    })
}

/// A key on loan stands in its borrower's record: there it is switched too. A deleted one is lent
/// to nobody. Returns the row of the borrower.
async fn tell_borrower(
    op: &mut Operation<'_>,
    key: &Credential,
    status: CredentialStatus,
) -> Result<Option<i64>> {
    let out = loan::not_back(op.tx, key.row).await?;
    let Some(open) = out.filter(StoredLoan::is_open) else { return Ok(None) };
    if status == CredentialStatus::Deleted {
        loan::end(op.tx, &open, EndedBy::Administrator, op.now).await?;
    }
    state::publish_person(op.tx, open.person).await?;
    Ok(Some(open.person))
}

/// A key of which nothing is suspected any more.
#[derive(Debug, Serialize)]
pub struct SuspicionCleared {
    /// Fingerprint, 64 hexadecimal digits.
    pub key: String,
    /// Login name of whose it is.
    pub person: String,
    /// When its counter had gone backwards, Unix seconds; none when nothing was suspected.
    pub suspected: Option<u64>,
}

/// Takes back that a key may have been copied: somebody looked into it, and says what it was.
///
/// # Errors
/// As [`switch`]; [`Error::Usage`] without a reason.
pub async fn clear_suspicion(
    op: &mut Operation<'_>,
    which: &Which<'_>,
) -> Result<SuspicionCleared> {
    if op.reason.is_none_or(|reason| reason.trim().is_empty()) {
        return Err(Error::usage(Text::ClearingReason));
    }
    let (key, person) = meant(op, which).await?;
    if let Some(suspected) = key.clone_suspected {
        credential::clear_suspicion(op.tx, &key).await?;
        let detail = format!("person {}, suspected at {}", person.login, suspected.0);
        op.record("key.suspicion-cleared", &key.fingerprint().short(), Some(&detail)).await?;
    }
    Ok(SuspicionCleared {
        key: key.fingerprint().to_hex(),
        person: person.login.to_string(),
        suspected: key.clone_suspected.map(|time| time.0),
    })
}

/// The key that is meant, and whose it is.
async fn meant(op: &mut Operation<'_>, which: &Which<'_>) -> Result<(Credential, PersonRow)> {
    let key = credential::by_fingerprint(op.tx, which.fingerprint).await?;
    let person = person::by_id(op.tx, key.person).await?;
    if let Some(login) = which.of.filter(|login| **login != person.login) {
        let message =
            texts::phrase(Code::KeyOfSomebodyElse, vec![("value", login.as_str().into())]);
        return Err(Error::refused(Code::KeyOfSomebodyElse, message));
    }
    Ok((key, person))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::admin::testing::{Deployment, import_key, login};

    #[tokio::test]
    async fn a_key_of_somebody_else_is_not_touched_when_the_person_is_named() {
        let deployment = Deployment::new().await;
        let fingerprint = import_key(&deployment, "yamada").await;
        deployment.add("sato").await;
        let off = async |of: &str| {
            let (fingerprint, of) = (&fingerprint[..8], login(of));
            let which = Which { fingerprint, of: Some(&of) };
            deployment.act(async |op| switch(op, &which, CredentialStatus::Disabled).await).await
        };
        assert_eq!(off("sato").await.unwrap_err().code(), Code::KeyOfSomebodyElse);
        let shown = show(&mut deployment.store.read().await.unwrap(), &fingerprint).await.unwrap();
        assert_eq!((shown.person.as_str(), shown.key.status), ("yamada", "active"));
        assert!(off("yamada").await.unwrap().changed);
    }

    #[tokio::test]
    async fn keys_are_listed_of_everybody_and_of_one() {
        let deployment = Deployment::new().await;
        import_key(&deployment, "yamada").await;
        deployment.add("sato").await;
        let mut tx = deployment.store.read().await.unwrap();
        let all = list(&mut tx, &PageRequest::default()).await.unwrap();
        assert_eq!((all.items.len(), all.items[0].person.as_str(), all.more), (1, "yamada", false));
        let of = async |name: &str, tx: &mut Tx| {
            list_of(tx, &login(name), &PageRequest::default()).await.unwrap().items.len()
        };
        assert_eq!((of("sato", &mut tx).await, of("yamada", &mut tx).await), (0, 1));
    }
}
