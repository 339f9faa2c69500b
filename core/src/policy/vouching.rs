//! Whether a vouch holds: for this person, by this colleague, here and now.
//!
//! Judged when it is made and again at each use, by the directory of that moment: a colleague whom
//! a scope has disabled since, or taken out of the groups, vouches for nobody any longer.

use super::rule::is_member;
use crate::code::{Code, Denial};
use crate::codec;
use crate::name::GroupName;
use crate::person::Status;
use crate::proof::ProofKind;
use crate::proof::assertion::Assertion;
use crate::snapshot::Snapshot;
use crate::time::UnixTime;
use crate::vouch::{MAX_SECONDS, Vouch};

/// The longest that somebody may vouch for the snapshot's person, in seconds: the least that a
/// scope of theirs allows. 0: nobody may.
pub fn longest(person: &Snapshot) -> u64 {
    let showing = person.scopes().iter().filter(|scope| scope.record.is_some());
    let least = showing.map(|scope| scope.policy.longest(ProofKind::Vouch).unwrap_or(0)).min();
    least.unwrap_or(0).min(MAX_SECONDS)
}

/// For how long colleagues vouch at this terminal, in seconds: what is said before anybody knows
/// whether the person may be vouched for. Never longer than [`longest`] where that is not 0.
pub fn offered(anybody: &Snapshot) -> u64 {
    let least = anybody.policies().filter_map(|policy| policy.longest(ProofKind::Vouch)).min();
    least.unwrap_or(0).min(MAX_SECONDS)
}

/// How often within a month somebody may vouch for the snapshot's person, at one terminal.
pub fn per_month(person: &Snapshot) -> u32 {
    let showing = person.scopes().iter().filter(|scope| scope.record.is_some());
    showing.map(|scope| scope.policy.vouch_per_month.unwrap_or(0)).min().unwrap_or(0)
}

/// The groups that scopes of the snapshot's person name: a colleague needs one of each scope.
pub fn groups(person: &Snapshot) -> impl Iterator<Item = &GroupName> {
    let showing = person.scopes().iter().filter(|scope| scope.record.is_some());
    showing.filter_map(|scope| scope.policy.vouch_groups.as_ref()).flat_map(|all| all.iter())
}

/// Whether the colleague's key signed this vouch, and the colleague may still vouch for the person.
///
/// # Errors
/// [`Code::VouchLapsed`] for all about the colleague; [`Code::PassNotYet`], [`Code::PassExpired`]
/// or [`Code::PassElsewhere`].
pub fn holds(
    person: &Snapshot,
    voucher: &Snapshot,
    vouch: &Vouch,
    assertion: &Assertion,
    now: UnixTime,
) -> Result<(), Denial> {
    if codec::to_bytes(vouch) != assertion.client_data.as_slice() {
        return Err(lapsed("the key signed something else"));
    }
    if vouch.person != *person.login() || vouch.voucher != *voucher.login() {
        return Err(lapsed("other people's"));
    }
    if vouch.person == vouch.voucher {
        return Err(lapsed("nobody vouches for themselves"));
    }
    is_signed(voucher, vouch, assertion, now)?;
    is_as_new(person, voucher)?;
    may_vouch(person, voucher)?;

    if vouch.terminal != person.terminal().terminal {
        return Err(Denial::new(Code::PassElsewhere, "vouched at another terminal"));
    }
    if now < vouch.from {
        return Err(Denial::new(Code::PassNotYet, "vouched later than it is now"));
    }
    if now >= vouch.until || now.since(vouch.from) >= longest(person) {
        return Err(Denial::new(Code::PassExpired, "what was vouched for is over"));
    }
    Ok(())
}

/// By an active key of an active colleague's own, in every scope that shows the colleague.
fn is_signed(
    voucher: &Snapshot,
    vouch: &Vouch,
    assertion: &Assertion,
    now: UnixTime,
) -> Result<(), Denial> {
    let mut is_known = false;
    for record in voucher.records() {
        let is_valid = record.not_before.is_none_or(|from| now >= from)
            && record.not_after.is_none_or(|until| now < until);
        if record.status != Status::Active || !is_valid {
            return Err(lapsed("the colleague may not log in"));
        }
        let credential = record
            .credential(&assertion.credential_id)
            .filter(|credential| credential.rp_id == voucher.root().rp_id)
            .ok_or_else(|| lapsed("the colleague has no such key"))?;
        // It is lent for the person's own logins: others have had it, and will have it.
        if record.loan_of(&assertion.credential_id).is_some() {
            return Err(lapsed("a key on loan vouches for nobody"));
        }
        if credential.status != Status::Active || credential.fingerprint() != vouch.credential {
            return Err(lapsed("the colleague's key is disabled, or another one"));
        }
        let is_theirs = |handle: &[u8]| handle == record.user_handle.as_bytes();
        if !assertion.user_handle.as_ref().is_none_or(|handle| is_theirs(handle.as_slice())) {
            return Err(lapsed("the user handle is not the colleague's"));
        }
        assertion.verify(credential).map_err(|denial| lapsed(&denial.detail))?;
        is_known = true;
    }
    if is_known { Ok(()) } else { Err(lapsed("no such colleague in any scope")) }
}

/// What is shown of the colleague is no older than what is shown of the person: else somebody could
/// vouch who has been disabled since.
fn is_as_new(person: &Snapshot, voucher: &Snapshot) -> Result<(), Denial> {
    let mut pairs = person.heads().zip(voucher.heads());
    let is_as_new = person.heads().count() == voucher.heads().count()
        && pairs.all(|(theirs, ours)| {
            theirs.scope == ours.scope && theirs.position() <= ours.position()
        });
    if is_as_new { Ok(()) } else { Err(lapsed("the colleague is shown as of before")) }
}

/// In a group that every scope of the person names.
fn may_vouch(person: &Snapshot, voucher: &Snapshot) -> Result<(), Denial> {
    let mut showing = person.scopes().iter().filter(|scope| scope.record.is_some()).peekable();
    let names_a_group = showing.peek().is_some()
        && showing.all(|scope| {
            let groups = scope.policy.vouch_groups.as_ref();
            groups.is_some_and(|groups| is_member(voucher, groups))
        });
    if names_a_group {
        return Ok(());
    }
    Err(lapsed("in none of the groups that may vouch for the person"))
}

fn lapsed(why: &str) -> Denial {
    Denial::new(Code::VouchLapsed, why)
}
