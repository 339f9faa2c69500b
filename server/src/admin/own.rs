//! What people do with their own keys: look, name them, switch one off that is lost, and choose
//! their language. Nothing here lets anybody in: who gets hold of somebody's session here can read
//! and switch off.

use wardkey_core::code::Code;
use wardkey_core::name::{DisplayText, Language, LoginName};
use wardkey_core::time::UnixTime;

use super::key::{self, KeySwitched, KeyView, Which};
use super::{Operation, code, pass};
use crate::error::{Error, Result};
use crate::store::audit::{self, Entry};
use crate::store::credential::{self, Credential, CredentialStatus};
use crate::store::event::{self, OwnLogin};
use crate::store::profile::Profile;
use crate::store::{Tx, loan, person, state, terminal};
use crate::texts::Text;

/// A key of one's own.
#[derive(Debug)]
pub struct OwnKey {
    /// The key.
    pub key: KeyView,
    /// The name of the terminal where it was last used.
    pub last_terminal: Option<String>,
}

/// A key that is lent to somebody.
#[derive(Debug)]
pub struct OwnLoan {
    /// What the loaner key is called.
    pub name: String,
    /// Until when, Unix seconds.
    pub until: u64,
}

/// What somebody has.
#[derive(Debug)]
pub struct Own {
    /// Keys, oldest first, without those that are deleted.
    pub keys: Vec<OwnKey>,
    /// A loaner key that is out and not over.
    pub loan: Option<OwnLoan>,
    /// Until when an enrollment code is open, Unix seconds.
    pub code: Option<u64>,
    /// Until when a pass is open, Unix seconds.
    pub pass: Option<u64>,
}

/// Where a list of one's own logins goes on: time and number of the row before.
pub type Place = (i64, i64);

/// What somebody has.
pub async fn show(tx: &mut Tx, login: &LoginName, now: UnixTime) -> Result<Own> {
    let row = person::get(tx, login).await?;
    let stored = credential::of_person(tx, row.id).await?;
    let shown: Vec<Credential> =
        stored.into_iter().filter(|key| key.status != CredentialStatus::Deleted).collect();
    let places: Vec<_> = shown.iter().filter_map(|key| key.last_terminal).collect();
    let names = terminal::names_of(tx, &places).await?;
    let own = |key: &Credential| OwnKey {
        key: KeyView::from(key),
        last_terminal: key.last_terminal.and_then(|id| names.get(&id).cloned()),
    };
    let keys = shown.iter().map(own).collect();

    let lent = loan::open_of_person(tx, row.id).await?.filter(|loan| now < loan.until);
    let loan = match lent {
        None => None,
        Some(lent) => {
            let key = credential::by_row(tx, lent.key).await?;
            let keeper = person::by_id(tx, key.person).await?;
            Some(OwnLoan { name: keeper.display_name.to_string(), until: lent.until.0 })
        }
    };
    let code = open(code::show(tx, login, now).await)?.filter(|code| code.status == "open");
    let pass = open(pass::show(tx, login, now).await)?.filter(|pass| pass.status == "open");
    Ok(Own { keys, loan, code: code.map(|code| code.expires), pass: pass.map(|pass| pass.until) })
}

/// The latest one, if there ever was one.
fn open<T>(shown: Result<T>) -> Result<Option<T>> {
    match shown {
        Err(error) if error.code() == Code::NotFound => Ok(None),
        shown => shown.map(Some),
    }
}

/// Logins of somebody at terminals, the newest first, and where the list goes on.
pub async fn logins(
    tx: &mut Tx,
    login: &LoginName,
    after: Option<Place>,
    rows: u32,
) -> Result<(Vec<OwnLogin>, Option<Place>)> {
    let after = after.unwrap_or((i64::MAX, i64::MAX));
    let mut found = event::logins_of(tx, login, after, rows.saturating_add(1)).await?;
    let is_more = found.len() > rows as usize;
    found.truncate(rows as usize);
    let next = found.last().filter(|_| is_more).map(|last| (last.time, last.seq));
    Ok((found, next))
}

/// Who signed in to the pages as somebody, and was refused there: the newest first.
pub async fn sign_ins(tx: &mut Tx, login: &LoginName, rows: u32) -> Result<Vec<Entry>> {
    audit::sign_ins(tx, login, rows).await
}

/// A key of somebody's own, by its whole fingerprint.
///
/// # Errors
/// [`Code::NotFound`], the same for somebody else's, a deleted one, and one that is not.
pub async fn key_of(tx: &mut Tx, login: &LoginName, fingerprint: &str) -> Result<Credential> {
    let row = person::get(tx, login).await?;
    let keys = credential::of_person(tx, row.id).await?;
    let is_meant = |key: &Credential| {
        key.status != CredentialStatus::Deleted && key.fingerprint().to_hex() == fingerprint
    };
    keys.into_iter().find(is_meant).ok_or_else(|| Error::not_found(Text::NotYours))
}

/// Calls a key of somebody's own something, or nothing any more. What, the trail does not say: it
/// goes where records go.
///
/// # Errors
/// Those of [`key_of`].
pub async fn name_key(
    op: &mut Operation<'_>,
    login: &LoginName,
    (fingerprint, name): (&str, Option<&DisplayText>),
) -> Result<()> {
    let key = key_of(op.tx, login, fingerprint).await?;
    if key.own_name.as_ref() == name {
        return Ok(());
    }
    credential::set_own_name(op.tx, key.row, name).await?;
    let detail = format!("person {login}{}", if name.is_none() { ", no name" } else { "" });
    op.record("key.name", &key.fingerprint().short(), Some(&detail)).await
}

/// Switches a key of somebody's own off, at every terminal: what an administrator's disabling does.
///
/// # Errors
/// Those of [`key_of`].
pub async fn report_lost(
    op: &mut Operation<'_>,
    login: &LoginName,
    fingerprint: &str,
) -> Result<KeySwitched> {
    let key = key_of(op.tx, login, fingerprint).await?;
    let fingerprint = key.fingerprint().to_hex();
    let which = Which { fingerprint: &fingerprint, of: Some(login) };
    key::switch(op, &which, CredentialStatus::Disabled).await
}

/// Chooses the language in which terminals speak to somebody. The trail says that, and no scopes
/// and groups, as if they had given themselves some.
pub async fn set_language(
    op: &mut Operation<'_>,
    login: &LoginName,
    language: Language,
) -> Result<()> {
    let row = person::get(op.tx, login).await?;
    if row.language == language {
        return Ok(());
    }
    let id = row.id;
    let profile = Profile {
        login: row.login,
        display_name: row.display_name,
        latin_name: row.latin_name,
        language,
        not_before: row.not_before,
        not_after: row.not_after,
        groups: person::groups(op.tx, id).await?,
        scopes: person::scopes(op.tx, id).await?,
    };
    person::change(op.tx, id, &profile, op.now).await?;
    state::publish_person(op.tx, id).await?;
    op.record("person.set", login.as_str(), Some(&format!("language {language}"))).await
}
