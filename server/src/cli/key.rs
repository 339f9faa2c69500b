//! `wardkey-server key`

use serde::Serialize;
use wardkey_core::person::CredentialFlags;
use wardkey_core::time::UnixTime;

use super::Context;
use super::args::{self, KeyAct};
use super::heard;
use super::value::{shown, table};
use crate::error::Result;
use crate::store::audit::{self, Act};
use crate::store::credential::{self, Credential, CredentialStatus};
use crate::store::{person, state};

/// A key for people and programs.
#[derive(Serialize)]
pub struct ShownKey {
    /// Fingerprint, 64 hexadecimal digits.
    pub fingerprint: String,
    /// What the person calls it.
    pub label: String,
    /// `active`, `disabled` or `deleted`.
    pub status: &'static str,
    model: String,
    attested: bool,
    backup_eligible: bool,
    cred_protect: u8,
    enrolled: u64,
    counter: u32,
    last_used: Option<u64>,
    last_terminal: Option<String>,
    clone_suspected: Option<u64>,
}

impl From<&Credential> for ShownKey {
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

/// A table of keys.
pub fn lines(keys: &[ShownKey]) -> Vec<String> {
    let row = |key: &ShownKey| {
        let mut status = key.status.to_owned();
        if key.clone_suspected.is_some() {
            status.push_str(", may have been copied");
        }
        vec![
            key.fingerprint.chars().take(16).collect(),
            key.label.clone(),
            status,
            if key.attested { "attested".into() } else { "-".into() },
            shown(UnixTime(key.enrolled)),
            key.last_used.map_or_else(|| "never".into(), |time| shown(UnixTime(time))),
        ]
    };
    table(&["KEY", "LABEL", "STATUS", "MODEL", "ENROLLED", "LAST USED"], &keys.iter().map(row).collect::<Vec<_>>())
}

pub async fn act(context: &Context, command: args::Key) -> Result<()> {
    match command {
        args::Key::List { login } => {
            let mut tx = context.store.read().await?;
            let person = person::get(&mut tx, &login).await?;
            let keys: Vec<ShownKey> =
                credential::of_person(&mut tx, person.id).await?.iter().map(ShownKey::from).collect();
            context.output.say(&keys, || lines(&keys))
        }
        args::Key::Disable(act) => switch(context, &act, CredentialStatus::Disabled).await,
        args::Key::Enable(act) => switch(context, &act, CredentialStatus::Active).await,
        args::Key::Delete(act) => switch(context, &act, CredentialStatus::Deleted).await,
    }
}

async fn switch(context: &Context, act: &KeyAct, status: CredentialStatus) -> Result<()> {
    let now = context.clock.now();
    let mut tx = context.store.write().await?;
    let key = credential::by_fingerprint(&mut tx, &act.fingerprint).await?;
    let person = person::by_id(&mut tx, key.person).await?;
    let changed = credential::set_status(&mut tx, &key, status).await?;
    state::publish_person(&mut tx, key.person).await?;
    let (action, word) = match status {
        CredentialStatus::Active => ("key.enable", "enabled"),
        CredentialStatus::Disabled => ("key.disable", "disabled"),
        CredentialStatus::Deleted => ("key.delete", "deleted"),
    };
    let fingerprint = key.fingerprint().short();
    let detail = format!("person {}{}", person.login, if changed { "" } else { ", no change" });
    let row = Act::new(action, &fingerprint).because(act.reason.as_deref()).with(&detail);
    audit::record(&mut tx, now, &context.actor, row).await?;
    let scopes = person::scopes(&mut tx, key.person).await?;
    context.commit(tx).await?;
    let answer = serde_json::json!({
        "key": key.fingerprint().to_hex(), "person": person.login.as_str(), "status": status.as_str(), "changed": changed,
    });
    context.output.say(&answer, || {
        vec![format!("key {fingerprint} of {} {word}{}", person.login, if changed { "" } else { " already" })]
    })?;
    if status == CredentialStatus::Active { Ok(()) } else { heard::by_terminals_of(context, &scopes).await }
}
