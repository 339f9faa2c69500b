//! Security keys of people.

use serde::Serialize;
use wardkey_core::name::LoginName;
use wardkey_core::person::CredentialFlags;

use super::Operation;
use super::reach::Reach;
use crate::error::Result;
use crate::store::credential::{self, Credential, CredentialStatus};
use crate::store::{Tx, person, state};

/// A key.
#[derive(Debug, Serialize)]
pub struct KeyView {
    /// Fingerprint, 64 hexadecimal digits.
    pub fingerprint: String,
    /// What the person calls it.
    pub label: String,
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
}

impl From<&Credential> for KeyView {
    fn from(key: &Credential) -> Self {
        Self {
            fingerprint: key.fingerprint().to_hex(),
            label: key.label.to_string(),
            status: key.status.as_str(),
            model: key.aaguid.to_hex(),
            attested: key.flags.has(CredentialFlags::ATTESTED),
            backup_eligible: key.flags.has(CredentialFlags::BACKUP_ELIGIBLE),
            cred_protect: key.cred_protect,
            enrolled: key.enrolled.0,
            counter: key.counter,
            last_used: key.last_used.map(|time| time.0),
            last_terminal: key.last_terminal.map(|id| id.to_hex()),
            clone_suspected: key.clone_suspected.map(|time| time.0),
        }
    }
}

/// A key that was switched on or off, or deleted.
#[derive(Debug, Serialize)]
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

/// Keys of a person, oldest first, deleted ones too.
pub async fn list(tx: &mut Tx, login: &LoginName) -> Result<Vec<KeyView>> {
    let person = person::get(tx, login).await?;
    Ok(credential::of_person(tx, person.id).await?.iter().map(KeyView::from).collect())
}

/// Switches a key on or off, or deletes it for ever; `fingerprint` is the beginning of one.
pub async fn switch(op: &mut Operation<'_>, fingerprint: &str, status: CredentialStatus) -> Result<KeySwitched> {
    let key = credential::by_fingerprint(op.tx, fingerprint).await?;
    let person = person::by_id(op.tx, key.person).await?;
    let changed = credential::set_status(op.tx, &key, status).await?;
    state::publish_person(op.tx, key.person).await?;

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
            Reach::TerminalsOf(person::scopes(op.tx, key.person).await?)
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
