//! Sessions, for those whose they are, and for owners of the whole deployment.

use wardkey_core::id::{Hash, to_hex};
use wardkey_core::time::UnixTime;

use super::{Holder, IDLE, LONGEST};
use crate::admin::role::Grant;
use crate::error::{Error, Result};
use crate::store::Tx;
use crate::store::audit::{self, Act};
use crate::store::web_session::{self, Listed};
use crate::texts::Text;

/// The most sessions of a list.
const MOST: u32 = 500;

/// A session.
#[derive(Debug)]
pub struct SessionView {
    /// By what it is named: the beginning of the hash.
    pub id: String,
    /// Login name.
    pub login: String,
    /// The person's name.
    pub name: String,
    /// What the person calls the key that signed.
    pub label: String,
    /// Its fingerprint, as records have it.
    pub key: String,
    /// When it signed, Unix seconds.
    pub began: u64,
    /// When the session was last used, within a minute, Unix seconds.
    pub seen: u64,
    /// Whether it is of whoever looks.
    pub is_own: bool,
    /// Whether it is the one in which they look.
    pub is_this: bool,
    hash: Hash,
}

/// The sessions that somebody may see, the newest first: their own; all, for an owner of the whole
/// deployment.
pub async fn visible(tx: &mut Tx, who: &Holder, now: UnixTime) -> Result<Vec<SessionView>> {
    let is_whole = who.grant.as_ref().is_some_and(Grant::is_whole);
    let person = Some(&who.login).filter(|_| !is_whole);
    let before = |seconds| UnixTime(now.0.saturating_sub(seconds));
    let after = (before(IDLE), before(LONGEST));
    let found = web_session::list(tx, person, after, MOST).await?;
    Ok(found.into_iter().map(|listed| view(listed, who)).collect())
}

fn view(listed: Listed, who: &Holder) -> SessionView {
    let Listed { session, login, name, label, key } = listed;
    let id = session.hash.as_bytes().get(..8).unwrap_or_default();
    SessionView {
        id: to_hex(id),
        is_own: login == who.login,
        is_this: session.hash == who.hash,
        login: login.to_string(),
        name: name.to_string(),
        label: label.to_string(),
        key: key.short(),
        began: session.began.0,
        seen: session.seen.0,
        hash: session.hash,
    }
}

/// Ends one of the sessions that somebody may see.
///
/// # Errors
/// [`Code::NotFound`](wardkey_core::code::Code::NotFound) for any other one; of an invalid request
/// without a reason, where it is somebody else's.
pub async fn end_one(
    tx: &mut Tx,
    who: &Holder,
    (id, reason): (&str, Option<&str>),
    now: UnixTime,
) -> Result<SessionView> {
    let all = visible(tx, who, now).await?;
    let found = all.into_iter().find(|session| session.id == id);
    let session = found.ok_or_else(|| Error::not_found(Text::NotYours))?;
    if !session.is_own && reason.is_none() {
        return Err(Error::invalid(Text::ReasonMissing));
    }
    web_session::end(tx, &session.hash).await?;

    let detail =
        format!("key {}, begun {}", session.key, crate::when::shown_utc(UnixTime(session.began)));
    let act = Act::new("session.end", &session.login).because(reason).with(&detail);
    audit::record(tx, now, &who.actor, act).await?;
    Ok(session)
}
