//! Scopes and their policies.

mod break_glass;
mod change;
mod pin;
mod view;

use wardkey_core::codec::List;
use wardkey_core::name::{GroupName, ScopeName, ServiceName};
use wardkey_core::pass;
use wardkey_core::person::MAX_LOAN_SECONDS;
use wardkey_core::policy::document::{Lockout, OfflineLimits, PolicyDocument};
use wardkey_core::policy::session::{OnRemoval, SessionRules};
use wardkey_core::time::UnixTime;
use wardkey_core::vouch;

use super::operation::{joined, names};
use super::{Listing, Operation, naming};
use crate::error::{Error, Result};
use crate::store::{PageRequest, Tx, scope};
use crate::texts::Text;
pub(super) use change::change;
pub use pin::PinSet;
use view::view;
pub use view::{ScopeView, ScopesChanged, SharingView};

/// Shorter limits of sessions, in seconds, would lock people out of their work.
const LEAST_LIMIT: u64 = 60;

/// What a new scope says of sessions: they lock with the key, after 15 minutes without input, and
/// after twelve hours (NIST SP 800-63B-4, AAL3). Scopes of before say nothing until they are told.
const NEW_SCOPE: SessionRules =
    SessionRules { on_removal: OnRemoval::Lock, idle: Some(900), longest: Some(12 * 3600) };

/// What holds for vouches where groups are named and nothing else is said.
const VOUCH_SECONDS: u64 = 8 * 3600;
const VOUCHES_PER_MONTH: u32 = 3;

/// Begins a scope with the policy of new ones.
pub(super) async fn begin(tx: &mut Tx, name: &ScopeName, now: UnixTime) -> Result<()> {
    scope::add(tx, name, now).await?;
    let row = scope::get(tx, name).await?;
    let policy = scope::policy(tx, &row).await?;
    scope::set_policy(tx, &PolicyDocument { sessions: Some(NEW_SCOPE), ..policy }).await?;
    Ok(())
}

/// Adds a scope with the default policy.
pub async fn add(op: &mut Operation<'_>, name: &ScopeName) -> Result<()> {
    begin(op.tx, name, op.now).await?;
    op.record("scope.add", name.as_str(), None).await
}

/// What is changed of a scope's rules; what is not given stays.
#[derive(Debug, Default)]
pub struct Rules {
    /// Seconds offline until which everyone may log in.
    pub soft: Option<u64>,
    /// Seconds offline until which people seen at the terminal may.
    pub degraded: Option<u64>,
    /// Seconds offline until which emergency groups may.
    pub hard: Option<u64>,
    /// All emergency groups.
    pub emergency_groups: Option<Vec<GroupName>>,
    /// Consecutive failures until the first delay.
    pub lockout_threshold: Option<u32>,
    /// The first delay in seconds.
    pub lockout_delay: Option<u64>,
    /// The longest delay in seconds.
    pub lockout_longest: Option<u64>,
    /// What happens to a session when its key is pulled out.
    pub on_removal: Option<OnRemoval>,
    /// Seconds without input after which a session locks; 0: never.
    pub session_idle: Option<u64>,
    /// Seconds after the last login or unlocking after which a session locks; 0: never.
    pub session_longest: Option<u64>,
    /// The longest that a pass may be valid, in seconds; 0: none.
    pub passes: Option<u64>,
    /// All services that take no passes.
    pub pass_except: Option<Vec<ServiceName>>,
    /// Whether the name is always asked for.
    pub ask_name: Option<bool>,
    /// The longest that a key may be lent, in seconds; 0: none is.
    pub loans: Option<u64>,
    /// The longest that a sealed code may be valid, in seconds; 0: none is.
    pub break_glass: Option<u64>,
    /// Who may vouch for others.
    pub vouching: Vouching,
    /// What keys are told of PINs when they are enrolled.
    pub pin: PinSet,
}

/// What is changed of who may vouch for others; what is not given stays.
#[derive(Debug, Default)]
pub struct Vouching {
    /// All groups whose members may vouch; none: nobody may.
    pub groups: Option<Vec<GroupName>>,
    /// For how many seconds at most.
    pub seconds: Option<u64>,
    /// How often in thirty days for one person at one terminal.
    pub per_month: Option<u32>,
}

impl Vouching {
    /// Whether anything is.
    const fn is_given(&self) -> bool {
        self.groups.is_some() || self.seconds.is_some() || self.per_month.is_some()
    }
}

/// Changes the rules of a scope: one row of the trail for the offline limits, one for the lock-out,
/// one for sessions.
pub async fn set(op: &mut Operation<'_>, name: &ScopeName, rules: Rules) -> Result<ScopesChanged> {
    let row = scope::get(op.tx, name).await?;
    let before = scope::policy(op.tx, &row).await?;
    let scopes = std::slice::from_ref(name);
    let mut done = ScopesChanged { scopes: names(scopes), ..ScopesChanged::default() };

    let is_offline = [rules.soft, rules.degraded, rules.hard].iter().any(Option::is_some);
    if is_offline || rules.emergency_groups.is_some() {
        let limits = OfflineLimits {
            soft: rules.soft.unwrap_or(before.offline.soft),
            degraded: rules.degraded.unwrap_or(before.offline.degraded),
            hard: rules.hard.unwrap_or(before.offline.hard),
        };
        done.add(set_offline(op, scopes, limits, rules.emergency_groups).await?);
    }
    let is_lockout = rules.lockout_delay.or(rules.lockout_longest).is_some();
    if is_lockout || rules.lockout_threshold.is_some() {
        let lockout = Lockout {
            threshold: rules.lockout_threshold.unwrap_or(before.lockout.threshold),
            base_delay: rules.lockout_delay.unwrap_or(before.lockout.base_delay),
            max_delay: rules.lockout_longest.unwrap_or(before.lockout.max_delay),
        };
        done.add(set_lockout(op, scopes, lockout).await?);
    }
    let is_session = rules.session_idle.or(rules.session_longest).is_some();
    if is_session || rules.on_removal.is_some() {
        let before = before.sessions.unwrap_or_default();
        let limit = |given: Option<u64>, before| match given {
            None => before,
            Some(0) => None,
            Some(seconds) => Some(seconds.max(LEAST_LIMIT)),
        };
        let sessions = SessionRules {
            on_removal: rules.on_removal.unwrap_or(before.on_removal),
            idle: limit(rules.session_idle, before.idle),
            longest: limit(rules.session_longest, before.longest),
        };
        done.add(set_sessions(op, scopes, sessions).await?);
    }

    if let Some(seconds) = rules.passes {
        done.add(set_passes(op, scopes, seconds).await?);
    }
    if let Some(services) = rules.pass_except {
        done.add(set_pass_except(op, scopes, services).await?);
    }
    if let Some(always) = rules.ask_name {
        done.add(set_ask_name(op, scopes, always).await?);
    }
    if rules.vouching.is_given() {
        done.add(set_vouching(op, scopes, rules.vouching, &before).await?);
    }
    if let Some(seconds) = rules.loans {
        done.add(set_loans(op, scopes, seconds).await?);
    }
    if rules.pin.is_given() {
        done.add(pin::set(op, scopes, rules.pin, &before).await?);
    }
    if let Some(seconds) = rules.break_glass {
        let act = ("scope.break-glass", break_glass::detail(seconds)?);
        let allow = |policy: &mut PolicyDocument| {
            break_glass::allow(policy, seconds);
            Ok(())
        };
        done.add(change(op, scopes, act, allow).await?);
    }

    if done.details.is_empty() {
        return Err(Error::usage(Text::NothingToSet));
    }
    Ok(done)
}

/// Sets what is allowed how long without the server; emergency groups that are not given stay.
async fn set_offline(
    op: &mut Operation<'_>,
    scopes: &[ScopeName],
    limits: OfflineLimits,
    emergency: Option<Vec<GroupName>>,
) -> Result<ScopesChanged> {
    let groups =
        emergency.map(List::new).transpose().map_err(|_| Error::invalid(Text::EmergencyGroups))?;
    let named: &[GroupName] = groups.as_ref().map_or(&[], |groups| groups);
    let warnings = naming::empty_groups(op.tx, named).await?;

    let detail = Text::SetOffline.with([
        ("soft", limits.soft.into()),
        ("degraded", limits.degraded.into()),
        ("hard", limits.hard.into()),
    ]);
    let changed = change(op, scopes, ("scope.offline", detail), |policy| {
        policy.offline = limits;
        if let Some(groups) = &groups {
            policy.emergency_groups = groups.clone();
        }
        Ok(())
    })
    .await?;
    Ok(ScopesChanged { warnings, ..changed })
}

/// Sets when and how long refusals follow failures.
async fn set_lockout(
    op: &mut Operation<'_>,
    scopes: &[ScopeName],
    lockout: Lockout,
) -> Result<ScopesChanged> {
    let lockout = Lockout { max_delay: lockout.max_delay.max(lockout.base_delay), ..lockout };
    let detail = Text::SetLockout.with([
        ("threshold", u64::from(lockout.threshold).into()),
        ("delay", lockout.base_delay.into()),
        ("longest", lockout.max_delay.into()),
    ]);
    change(op, scopes, ("scope.lockout", detail), |policy| {
        policy.lockout = lockout;
        Ok(())
    })
    .await
}

/// Sets what holds for sessions that have begun.
async fn set_sessions(
    op: &mut Operation<'_>,
    scopes: &[ScopeName],
    sessions: SessionRules,
) -> Result<ScopesChanged> {
    let limit = |limit: Option<u64>| match limit {
        Some(seconds) => Text::SetSeconds.with([("count", seconds.into())]),
        None => Text::Never.into(),
    };
    let detail = Text::SetSessions.with([
        ("removal", sessions.on_removal.as_str().into()),
        ("idle", limit(sessions.idle)),
        ("longest", limit(sessions.longest)),
    ]);
    change(op, scopes, ("scope.sessions", detail), |policy| {
        policy.sessions = Some(sessions);
        Ok(())
    })
    .await
}

/// Allows passes for so long at most, or none.
async fn set_passes(
    op: &mut Operation<'_>,
    scopes: &[ScopeName],
    seconds: u64,
) -> Result<ScopesChanged> {
    if seconds > pass::MAX_SECONDS {
        return Err(Error::invalid(Text::PassesLongest));
    }
    let detail = match seconds {
        0 => Text::SetNoPasses.into(),
        seconds => Text::SetPasses.with([("count", (seconds / 60).into())]),
    };
    change(op, scopes, ("scope.passes", detail), |policy| {
        policy.pass_seconds = (seconds > 0).then_some(seconds);
        Ok(())
    })
    .await
}

/// Sets the services that take no passes, in place of those before.
async fn set_pass_except(
    op: &mut Operation<'_>,
    scopes: &[ScopeName],
    services: Vec<ServiceName>,
) -> Result<ScopesChanged> {
    let detail = Text::SetPassExcept.with([("services", joined(&services).into())]);
    let except = List::new(services).map_err(|_| Error::invalid(Text::PassServices))?;
    change(op, scopes, ("scope.pass-except", detail), |policy| {
        policy.pass_except = (!except.is_empty()).then(|| except.clone());
        Ok(())
    })
    .await
}

/// Has the name asked for always, or only where no key says it.
async fn set_ask_name(
    op: &mut Operation<'_>,
    scopes: &[ScopeName],
    always: bool,
) -> Result<ScopesChanged> {
    let detail = if always { Text::SetNameAsked } else { Text::SetNameByKey }.into();
    change(op, scopes, ("scope.ask-name", detail), |policy| {
        policy.ask_name = always.then_some(true);
        Ok(())
    })
    .await
}

/// Sets who may vouch, in scopes whose policy was `before`.
async fn set_vouching(
    op: &mut Operation<'_>,
    scopes: &[ScopeName],
    rules: Vouching,
    before: &PolicyDocument,
) -> Result<ScopesChanged> {
    let Vouching { groups, seconds, per_month } = rules;
    let groups = match groups {
        Some(groups) => List::new(groups).map_err(|_| Error::invalid(Text::VouchGroups))?,
        None => before.vouch_groups.clone().unwrap_or_default(),
    };
    let seconds = seconds.or(before.vouch_seconds).unwrap_or(VOUCH_SECONDS);
    if seconds == 0 || seconds > vouch::MAX_SECONDS {
        return Err(Error::invalid(Text::VouchLongest));
    }
    let per_month = per_month.or(before.vouch_per_month).unwrap_or(VOUCHES_PER_MONTH);
    let warnings = naming::empty_groups(op.tx, &groups).await?;

    let detail = if groups.is_empty() {
        Text::SetNoVouching.into()
    } else {
        Text::SetVouching.with([
            ("groups", joined(groups.iter()).into()),
            ("count", (seconds / 60).into()),
            ("times", u64::from(per_month).into()),
        ])
    };
    let changed = change(op, scopes, ("scope.vouching", detail), |policy| {
        policy.vouch_groups = (!groups.is_empty()).then(|| groups.clone());
        policy.vouch_seconds = Some(seconds);
        policy.vouch_per_month = Some(per_month);
        Ok(())
    })
    .await?;
    Ok(ScopesChanged { warnings, ..changed })
}

/// Allows loans of keys for so long at most, or none.
async fn set_loans(
    op: &mut Operation<'_>,
    scopes: &[ScopeName],
    seconds: u64,
) -> Result<ScopesChanged> {
    if seconds > MAX_LOAN_SECONDS {
        return Err(Error::invalid(Text::LoansLongest));
    }
    let detail = match seconds {
        0 => Text::SetNoLoans.into(),
        seconds => Text::SetLoans.with([("count", (seconds / 60).into())]),
    };
    change(op, scopes, ("scope.loans", detail), |policy| {
        policy.loan_seconds = (seconds > 0).then_some(seconds);
        Ok(())
    })
    .await
}

/// A page of scopes, by name.
pub async fn list(tx: &mut Tx, request: &PageRequest) -> Result<Listing<ScopeView>> {
    let mut all = all(tx).await?;
    if let Some(within) = &request.within {
        all.retain(|scope| within.iter().any(|own| own.as_str() == scope.name));
    }
    Ok(Listing::part_of(all, request, |scope| scope.name.clone(), |scope| scope.name.clone()))
}

/// One scope.
pub async fn show(tx: &mut Tx, name: &ScopeName) -> Result<ScopeView> {
    let row = scope::get(tx, name).await?;
    let policy = scope::policy(tx, &row).await?;
    Ok(view(&row, &policy))
}

/// All scopes, by name.
pub(super) async fn all(tx: &mut Tx) -> Result<Vec<ScopeView>> {
    let all = scope::with_policies(tx).await?;
    Ok(all.iter().map(|(row, policy)| view(row, policy)).collect())
}

#[cfg(test)]
mod tests;
