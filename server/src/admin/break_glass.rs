//! Break-glass: a sealed code for an account that is nobody's, for the day on which nothing else
//! lets anybody in.
//!
//! ```text
//!   add ─ code on paper, in an envelope ─ sealed ─┬─ used at a terminal ─> used, void everywhere
//!                                                 ├─ disable, another one ─> void
//!                                                 └─ time ─> ended
//! ```

use std::collections::BTreeSet;

use serde::Serialize;
use wardkey_core::name::{GroupName, LoginName, ScopeName};
use wardkey_core::pass::{MAX_SEALED_SECONDS, PassCode};
use wardkey_core::policy::document::PolicyDocument;
use wardkey_core::time::UnixTime;

use super::pass::Prepared;
use super::reach::Reach;
use super::terms::{self, Terms};
use super::{Listing, Operation};
use crate::error::{Error, Result};
use crate::secret;
use crate::store::break_glass::{self, EndedBy, StoredSealed};
use crate::store::credential::{self, CredentialStatus};
use crate::store::person::{self, PersonStatus};
use crate::store::{PageRequest, Tx, code, scope, state};
use crate::texts::{Phrase, Text};
use crate::when::shown_utc;

const DAY: u64 = 24 * 3600;
const TERMS: Terms = Terms {
    longest: |policy| policy.break_glass_seconds,
    none: Text::SealedNotAllowed,
    too_long: Text::SealedTooLong,
    unit: DAY,
};

/// A sealed code that was made: the only time that it can be seen.
#[derive(Debug, Serialize)]
pub struct SealedMade {
    /// The code, for the envelope.
    pub code: String,
    /// What is known of it from then on.
    #[serde(flatten)]
    pub sealed: SealedView,
    /// What an administrator should look at.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub warnings: Vec<Phrase>,
}

/// A sealed code; what stands in the envelope is known to nobody.
#[derive(Debug, Serialize)]
pub struct SealedView {
    /// Its id, as in records.
    pub id: String,
    /// Login name of the account.
    pub login: String,
    /// `sealed`, `used`, `void` (by an administrator, another one or a restore) or `ended` (its
    /// time is over).
    pub status: &'static str,
    /// Not valid before this, Unix seconds.
    pub from: u64,
    /// Not valid from then on, Unix seconds.
    pub until: u64,
    /// The scope at whose terminals it is valid.
    pub scope: Option<String>,
    /// Who made it.
    pub issuer: String,
    /// Why.
    pub reason: String,
    /// When it was used first, Unix seconds.
    pub used: Option<u64>,
    /// The name of the terminal where that was.
    pub used_at: Option<String>,
    /// How often it was used: at terminals that were offline more than once.
    pub uses: u64,
    /// When somebody said that its use was looked into, Unix seconds.
    pub cleared: Option<u64>,
    /// When it became void before its time, Unix seconds.
    pub ended: Option<u64>,
    /// By what: `use`, `administrator`, `another`, `time` or `restore`.
    pub ended_by: Option<&'static str>,
}

impl SealedView {
    fn of(stored: &StoredSealed, now: UnixTime) -> Self {
        let StoredSealed { pass, login, used, used_at, uses, cleared, ended, ended_by, .. } =
            stored;
        Self {
            id: pass.id.to_hex(),
            login: login.to_string(),
            status: match (used, ended_by) {
                (Some(_), _) => "used",
                (None, Some(EndedBy::Time)) => "ended",
                (None, Some(_)) => "void",
                (None, None) if now >= pass.until => "ended",
                (None, None) => "sealed",
            },
            from: pass.from.0,
            until: pass.until.0,
            scope: pass.scope.as_ref().map(ToString::to_string),
            issuer: pass.issuer.to_string(),
            reason: pass.reason.to_string(),
            used: used.map(|time| time.0),
            used_at: used_at.clone(),
            uses: *uses,
            cleared: cleared.map(|time| time.0),
            ended: ended.map(|time| time.0),
            ended_by: ended_by.map(EndedBy::as_str),
        }
    }
}

/// A sealed code that was made void.
#[derive(Debug, Serialize)]
pub struct SealedVoid {
    /// Login name of the account.
    pub login: String,
    /// Its id.
    pub id: String,
    /// Who has to hear of it.
    #[serde(skip)]
    pub reach: Reach,
}

/// Uses that were looked into.
#[derive(Debug, Serialize)]
pub struct AlarmCleared {
    /// Login name of the account.
    pub login: String,
    /// How many sealed codes; 0 where there was no alarm.
    pub cleared: u64,
}

/// A new code and what is made of it, before the transaction.
///
/// # Errors
/// [`Error::Crypto`].
pub fn prepare() -> Result<Prepared> {
    Prepared::of(PassCode::sealed_of_random(&secret::random()?))
}

/// A page of sealed codes, newest first.
pub async fn list(
    tx: &mut Tx,
    request: &PageRequest,
    now: UnixTime,
) -> Result<Listing<SealedView>> {
    let page = break_glass::page(tx, request).await?;
    Ok(Listing::new(page, |stored| SealedView::of(&stored, now)))
}

/// The latest sealed code of an account.
pub async fn show(tx: &mut Tx, login: &LoginName, now: UnixTime) -> Result<SealedView> {
    let person = person::get(tx, login).await?;
    let latest = break_glass::latest_of(tx, person.id).await?;
    let latest = latest
        .ok_or_else(|| Error::not_found(Text::SealedUnknown.with([("name", name(login))])))?;
    Ok(SealedView::of(&latest, now))
}

/// Makes a sealed code for an account, valid for so many seconds at the terminals of one scope,
/// and publishes it. The one before is void.
///
/// # Errors
/// [`Error::Refused`] where the account has a key, a scope of it allows none, or none for so long;
/// [`Error::Usage`] without a reason.
pub async fn add(
    op: &mut Operation<'_>,
    login: &LoginName,
    (place, seconds): (Option<&ScopeName>, u64),
    prepared: Prepared,
) -> Result<SealedMade> {
    let reason = terms::reason(op, Text::SealedReason)?;
    let person = person::get(op.tx, login).await?;
    if person.status != PersonStatus::Active {
        return Err(Error::invalid(Text::PersonDisabled.with([("name", name(login))])));
    }
    let keys = credential::of_person(op.tx, person.id).await?;
    if keys.iter().any(|key| key.status != CredentialStatus::Deleted) {
        return Err(Error::invalid(Text::SealedHasKey.with([("name", name(login))])));
    }
    if seconds > MAX_SEALED_SECONDS {
        return Err(Error::invalid(Text::SealedLongest));
    }
    let scopes = person::scopes(op.tx, person.id).await?;
    let scope = terms::scope_of(&scopes, login, place, Text::SealedWhere)?;
    let policies = scope::policies_of(op.tx, person.id).await?;
    TERMS.allow(&policies, seconds)?;
    let groups = person::groups(op.tx, person.id).await?;
    let warnings = not_for_long_offline(&policies, &groups, login);

    let before = break_glass::open_of(op.tx, person.id).await?;
    let is_over = before.as_ref().is_some_and(|open| open.pass.until <= op.now);
    let by = if is_over { EndedBy::Time } else { EndedBy::Another };
    break_glass::end(op.tx, person.id, by, op.now).await?;
    // Nobody is to make the account their own.
    code::withdraw(op.tx, person.id, op.now).await?;

    let (made, code) = prepared.issued(op, (Some(scope.clone()), None), seconds, reason)?;
    break_glass::add(op.tx, person.id, &made).await?;
    state::publish_person(op.tx, person.id).await?;

    let (id, until) = (made.id.to_hex(), shown_utc(made.until));
    let detail = format!("sealed code {id} at scope {scope} until {until}");
    op.record("break-glass.add", login.as_str(), Some(&detail)).await?;
    Ok(SealedMade {
        code,
        sealed: show(op.tx, login, op.now).await?,
        warnings: before
            .filter(|_| !is_over)
            .map(|_| Text::SealedReplaced.with([("name", name(login))]))
            .into_iter()
            .chain(warnings)
            .collect(),
    })
}

/// Makes the sealed code of an account void.
pub async fn disable(op: &mut Operation<'_>, login: &LoginName) -> Result<SealedVoid> {
    let person = person::get(op.tx, login).await?;
    let ended = break_glass::end(op.tx, person.id, EndedBy::Administrator, op.now).await?;
    let ended =
        ended.ok_or_else(|| Error::not_found(Text::SealedNone.with([("name", name(login))])))?;
    state::publish_person(op.tx, person.id).await?;
    let id = ended.pass.id.to_hex();
    op.record("break-glass.disable", login.as_str(), Some(&format!("sealed code {id}"))).await?;
    let scopes = person::scopes(op.tx, person.id).await?;
    Ok(SealedVoid { login: login.to_string(), id, reach: Reach::TerminalsOf(scopes) })
}

/// Says that the use of an account's sealed codes was looked into: the alarm ends.
///
/// # Errors
/// [`Error::Usage`] without a reason.
pub async fn clear_alarm(op: &mut Operation<'_>, login: &LoginName) -> Result<AlarmCleared> {
    if op.reason.is_none_or(|reason| reason.trim().is_empty()) {
        return Err(Error::usage(Text::SealedClearReason));
    }
    let person = person::get(op.tx, login).await?;
    let cleared = break_glass::clear(op.tx, person.id, op.now).await?;
    let detail = if cleared > 0 { None } else { Some("no change") };
    op.record("break-glass.clear-alarm", login.as_str(), detail).await?;
    Ok(AlarmCleared { login: login.to_string(), cleared })
}

fn name(login: &LoginName) -> Phrase {
    login.as_str().into()
}

/// The scopes whose emergency groups the account is not in: there, after some days without the
/// server, the code lets nobody in, like everybody else.
fn not_for_long_offline(
    policies: &[PolicyDocument],
    groups: &BTreeSet<GroupName>,
    login: &LoginName,
) -> Vec<Phrase> {
    let is_in = |policy: &&PolicyDocument| {
        policy.emergency_groups.iter().any(|group| groups.contains(group))
    };
    let warning = |policy: &PolicyDocument| {
        Text::SealedNotEmergency.with([
            ("name", name(login)),
            ("scope", policy.scope.as_str().into()),
            ("hours", (policy.offline.soft / 3600).into()),
        ])
    };
    policies.iter().filter(|policy| !is_in(policy)).map(warning).collect()
}

#[cfg(test)]
mod tests;
