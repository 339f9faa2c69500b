//! Who is signed in to the pages: by a signature of a key of the directory, for a while.
//!
//! ```text
//!   challenge ─ key signs ─> sign_in: key, person, role ─> session ─> known: all of it once more
//! ```
//! Nothing of what let somebody in is believed later: a key, a person or a role that is switched
//! off is out with the next request.

use std::net::IpAddr;

use wardkey_core::code::Code;
use wardkey_core::codec::sha256;
use wardkey_core::id::{Hash, from_hex, to_hex};
use wardkey_core::name::RpId;
use wardkey_core::person::{CredentialRecord, Status};
use wardkey_core::proof::assertion::Assertion;
use wardkey_core::time::UnixTime;
use zeroize::Zeroizing;

use super::administrator;
pub use super::holder::{Audience, Holder, SignedIn, refused};
use super::known::SECRET_LEN;
use crate::error::{Error, Result};
use crate::secret;
use crate::store::Tx;
use crate::store::api_key::ID_LEN;
use crate::store::audit::{self, Act, Actor};
use crate::store::credential::{self, Credential, CredentialStatus};
use crate::store::person::{self, PersonKind, PersonRow, PersonStatus};
use crate::store::web_session::{self, WebSession};

pub mod list;

/// Seconds without a request after which a session is over.
pub const IDLE: u64 = 900;
/// Seconds after a signature after which its session is over: those of a long shift (NIST SP
/// 800-63B, AAL3).
pub const LONGEST: u64 = 12 * 3600;
/// The same of whoever has no role: at a terminal that many share, the browser is not theirs.
pub const OWN_IDLE: u64 = 600;
/// The same of whoever has no role.
pub const OWN_LONGEST: u64 = 3600;
/// Seconds within which a second use is not noted.
const NOTED: u64 = 60;

/// What the browser keeps of a session: 64 hexadecimal digits.
pub type Secret = Zeroizing<String>;

/// What a key signed.
#[derive(Debug)]
pub struct SignIn {
    /// The key's answer.
    pub assertion: Assertion,
    /// SHA-256 of the challenge that it signed, which was one of ours.
    pub challenge: Hash,
    /// When that challenge is over.
    pub until: UnixTime,
    /// From where.
    pub address: IpAddr,
}

/// What came of it.
#[derive(Debug)]
pub enum Entered {
    /// A session.
    Yes(Secret),
    /// None. What was found is to be kept, so this is no error: the caller commits.
    No(Error),
}

/// Whether a signature is one of a key of the directory: looked at before anything is written,
/// since anybody can send one.
///
/// # Errors
/// [`Code::SignInRefused`].
pub async fn verified(tx: &mut Tx, rp_id: &RpId, asked: &SignIn) -> Result<()> {
    checked(tx, rp_id, asked).await.map(|_| ())
}

async fn checked(tx: &mut Tx, rp_id: &RpId, asked: &SignIn) -> Result<(Credential, u32)> {
    let no = || refused(Code::SignInRefused);
    let key = credential::find(tx, &asked.assertion.credential_id).await?.ok_or_else(no)?;
    let facts = asked.assertion.verify(&signing(&key)).map_err(|_| no())?;
    if key.rp_id == *rp_id { Ok((key, facts.counter)) } else { Err(no()) }
}

/// Signs somebody in, in place of the session that the browser has, if any.
///
/// # Errors
/// Those of the store, and of [`verified`].
pub async fn sign_in(
    tx: &mut Tx,
    (rp_id, audience): (&RpId, Audience),
    asked: &SignIn,
    now: UnixTime,
) -> Result<Entered> {
    let no = |code| Ok(Entered::No(refused(code)));
    let (key, counter) = checked(tx, rp_id, asked).await?;
    if now >= asked.until || !web_session::take_challenge(tx, &asked.challenge, asked.until).await?
    {
        return no(Code::SignInRefused);
    }

    // From here on it is the key that asks: with its PIN, and touched.
    let person = person::by_id(tx, key.person).await?;
    let from = format!("key {}, from {}", key.fingerprint().short(), asked.address);
    if !counts(&key) {
        refuse(tx, &person, &format!("{from}: the key is disabled or suspected"), now).await?;
        return no(Code::SignInRefused);
    }
    if (counter, key.counter) != (0, 0) && counter <= key.counter {
        let why = format!("{from}: its counter went from {} to {counter}", key.counter);
        suspect(tx, &key, &why, now).await?;
        refuse(tx, &person, &why, now).await?;
        return no(Code::SignInRefused);
    }
    credential::counted(tx, &key, counter).await?;
    let is_theirs = asked
        .assertion
        .user_handle
        .as_ref()
        .is_none_or(|handle| handle.as_slice() == person.user_handle.as_bytes());
    if person.kind != PersonKind::Staff || !is_theirs {
        refuse(tx, &person, &format!("{from}: not a key of that person"), now).await?;
        return no(Code::SignInRefused);
    }
    let grant = administrator::grant_of(tx, person.id, now).await?;
    if grant.is_none() {
        if audience == Audience::Administrators {
            refuse(tx, &person, &format!("{from}: no role"), now).await?;
            return no(Code::SignInWithoutRole);
        }
        if !stands(&person, now) {
            refuse(tx, &person, &format!("{from}: disabled or not valid now"), now).await?;
            return no(Code::SignInRefused);
        }
    }

    let secret = Zeroizing::new(secret::random::<SECRET_LEN>()?);
    let session = WebSession {
        hash: hash(&secret),
        person: person.id,
        credential: key.row,
        began: now,
        seen: now,
    };
    web_session::add(tx, &session).await?;
    let role = grant.map_or("none", |grant| grant.role().as_str());
    record(tx, &person, ("session.begin", &format!("{from}, role {role}")), now).await?;
    Ok(Entered::Yes(Zeroizing::new(to_hex(secret.as_slice()))))
}

/// The key's record, as if it were enabled: that it is not is told apart, and recorded.
fn signing(key: &Credential) -> CredentialRecord {
    CredentialRecord { status: Status::Active, ..key.record() }
}

async fn suspect(tx: &mut Tx, key: &Credential, finding: &str, now: UnixTime) -> Result<()> {
    let (code, fingerprint) = (Code::CounterRegressed, key.fingerprint().short());
    tracing::error!(
        %code,
        key = fingerprint,
        finding,
        "a signature counter went backwards: the key may have been copied"
    );
    credential::suspect_clone(tx, key, now).await?;
    web_session::end_of_key(tx, key.row).await?;
    let act = Act::new("key.clone-suspected", &fingerprint).with(finding);
    audit::record(tx, now, &Actor::server(), act).await
}

/// Who is signed in and has a role, by what the browser keeps.
///
/// # Errors
/// [`Code::NotSignedIn`] for what is none, not known, or over; also when key, person or role no
/// longer hold.
pub async fn known(tx: &mut Tx, secret: &str, now: UnixTime) -> Result<SignedIn> {
    held(tx, secret, Audience::Administrators, now).await?.with_role()
}

/// Who is signed in, by what the browser keeps.
///
/// # Errors
/// Those of [`known`]; without a role only where the pages are for people with one.
pub async fn held(tx: &mut Tx, secret: &str, audience: Audience, now: UnixTime) -> Result<Holder> {
    let secret = read(secret).ok_or_else(not_signed_in)?;
    let session = web_session::find(tx, &hash(&secret)).await?.ok_or_else(not_signed_in)?;
    // What began in time to come, by a clock that was ahead, would never be over.
    let is_of_now = now >= session.began && now >= session.seen;
    let is_over =
        |idle, longest| now.since(session.seen) >= idle || now.since(session.began) >= longest;
    if !is_of_now || is_over(IDLE, LONGEST) {
        return Err(not_signed_in());
    }
    let key = credential::by_row(tx, session.credential).await?;
    let person = person::by_id(tx, session.person).await?;
    let grant = administrator::grant_of(tx, person.id, now).await?;
    let is_for_them =
        grant.is_some() || (audience == Audience::Staff && !is_over(OWN_IDLE, OWN_LONGEST));
    if !is_for_them || !counts(&key) || !stands(&person, now) {
        return Err(not_signed_in());
    }

    let mut id = [0; ID_LEN];
    id.iter_mut().zip(session.hash.as_bytes()).for_each(|(to, from)| *to = *from);
    Ok(Holder {
        id,
        actor: Actor::person(&person.login),
        grant,
        key: key.row,
        login: person.login,
        name: person.display_name,
        language: person.language,
        began: session.began,
        is_due: now.since(session.seen) >= NOTED,
        secret,
        hash: session.hash,
    })
}

/// Notes a use: what is not used is over before long.
pub async fn saw(tx: &mut Tx, holder: &Holder, now: UnixTime) -> Result<()> {
    web_session::saw(tx, &holder.hash, now).await
}

/// Whether a text has the form of what a browser keeps of a session.
pub fn is_secret(text: &str) -> bool {
    read(text).is_some()
}

/// Ends the session that a browser keeps, if there is one.
pub async fn end(tx: &mut Tx, secret: &str, now: UnixTime) -> Result<()> {
    let Some(secret) = read(secret) else { return Ok(()) };
    let hash = hash(&secret);
    let Some(session) = web_session::find(tx, &hash).await? else { return Ok(()) };
    web_session::end(tx, &hash).await?;
    let person = person::by_id(tx, session.person).await?;
    record(tx, &person, ("session.end", ""), now).await
}

/// Takes a form that does something once: the second time it does nothing. It is remembered for as
/// long as its session can last.
///
/// # Errors
/// [`Code::FormSentBefore`].
pub async fn take_form(tx: &mut Tx, who: &SignedIn, once: &str) -> Result<()> {
    let parts = [&b"wardkey/form-once/1"[..], who.hash.as_bytes(), once.as_bytes()];
    let until = who.began.plus(LONGEST);
    let is_first = web_session::take_challenge(tx, &sha256(&parts.concat()), until).await?;
    if is_first { Ok(()) } else { Err(refused(Code::FormSentBefore)) }
}

/// Records that somebody who is signed in was refused what they asked for.
pub async fn refuse_page(
    tx: &mut Tx,
    who: &Holder,
    (asked, code): (&str, &str),
    now: UnixTime,
) -> Result<()> {
    audit::record(tx, now, &who.actor, Act::new("page.refuse", asked).with(code)).await
}

/// Records that somebody takes a whole list away as a file: with what was asked of the list.
pub async fn take_away(
    tx: &mut Tx,
    who: &SignedIn,
    (list, asked): (&str, &str),
    now: UnixTime,
) -> Result<()> {
    let act = Act::new("page.download", list);
    let act = if asked.is_empty() { act } else { act.with(asked) };
    audit::record(tx, now, &who.known.actor, act).await
}

/// Throws away what is over.
pub async fn forget(tx: &mut Tx, now: UnixTime) -> Result<()> {
    web_session::forget(tx, UnixTime(now.0.saturating_sub(IDLE)), now).await
}

/// Whether a key signs anybody in.
fn counts(key: &Credential) -> bool {
    key.status == CredentialStatus::Active && key.clone_suspected.is_none()
}

/// Whether somebody is there now: of the staff, not disabled, and within their time.
fn stands(person: &PersonRow, now: UnixTime) -> bool {
    person.kind == PersonKind::Staff
        && person.status == PersonStatus::Active
        && person.not_before.is_none_or(|from| now >= from)
        && person.not_after.is_none_or(|end| now < end)
}

async fn refuse(tx: &mut Tx, person: &PersonRow, why: &str, now: UnixTime) -> Result<()> {
    record(tx, person, ("session.refuse", why), now).await
}

async fn record(
    tx: &mut Tx,
    person: &PersonRow,
    (action, detail): (&str, &str),
    now: UnixTime,
) -> Result<()> {
    let login = person.login.as_str();
    let act = Act { action, object: login, reason: None, detail: Some(detail) };
    let act = Act { detail: act.detail.filter(|detail| !detail.is_empty()), ..act };
    audit::record(tx, now, &Actor::person(&person.login), act).await
}

fn hash(secret: &[u8; SECRET_LEN]) -> Hash {
    sha256(&[&b"wardkey/web-session/1"[..], secret].concat())
}

fn read(text: &str) -> Option<Zeroizing<[u8; SECRET_LEN]>> {
    let bytes = Zeroizing::new(from_hex(text).ok()?);
    Some(Zeroizing::new(bytes.as_slice().try_into().ok()?))
}

/// The one refusal of sessions.
pub fn not_signed_in() -> Error {
    refused(Code::NotSignedIn)
}

#[cfg(test)]
mod tests;
