//! Scopes and their policies.

use serde::Serialize;
use wardkey_core::codec::List;
use wardkey_core::name::{GroupName, ScopeName};
use wardkey_core::policy::document::{Lockout, OfflineLimits, PolicyDocument, SharedAccount};

use super::operation::names;
use super::{Listing, Operation, naming};
use crate::error::{Error, Result};
use crate::store::{PageRequest, Tx, scope};

/// A scope with its policy.
#[derive(Debug, Serialize)]
pub struct ScopeView {
    /// Its name.
    pub name: String,
    /// Epoch of what is published.
    pub epoch: u64,
    /// Sequence of the latest change.
    pub seq: u64,
    /// Why it is not published, when it is not.
    pub halted: Option<String>,
    /// Seconds offline until which everyone may log in.
    pub soft: u64,
    /// Seconds offline until which people seen at the terminal may.
    pub degraded: u64,
    /// Seconds offline until which emergency groups may.
    pub hard: u64,
    /// Groups that may log in at the last stage.
    pub emergency_groups: Vec<String>,
    /// Unix accounts that several people use.
    pub shared_accounts: Vec<SharingView>,
    /// Consecutive failures until the first delay.
    pub lockout_threshold: u32,
    /// The first delay in seconds.
    pub lockout_delay: u64,
    /// The longest delay in seconds.
    pub lockout_longest: u64,
}

/// A Unix account that several people use.
#[derive(Debug, Serialize)]
pub struct SharingView {
    /// The account.
    pub account: String,
    /// Groups whose people may use it.
    pub groups: Vec<String>,
}

/// Policies that were changed.
#[derive(Debug, Default, Serialize)]
pub struct ScopesChanged {
    /// The scopes.
    pub scopes: Vec<String>,
    /// Whether any policy is another one now.
    pub changed: bool,
    /// What was set, in words.
    #[serde(skip)]
    pub detail: String,
    /// What an administrator should look at.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub warnings: Vec<String>,
}

impl ScopesChanged {
    fn add(&mut self, other: Self) {
        let separator = if self.detail.is_empty() { "" } else { "; " };
        self.detail = format!("{}{separator}{}", self.detail, other.detail);
        self.changed |= other.changed;
        self.warnings.extend(other.warnings);
    }
}

/// Adds a scope with the default policy.
pub async fn add(op: &mut Operation<'_>, name: &ScopeName) -> Result<()> {
    scope::add(op.tx, name, op.now).await?;
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
}

/// Changes the rules of a scope: one row of the trail for the offline limits, one for the lock-out.
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

    if done.detail.is_empty() {
        return Err(Error::Usage("nothing to set: see --help for what a scope has".into()));
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
    let groups = emergency.map(List::new).transpose().map_err(|_| Error::invalid("more than 16 emergency groups"))?;
    let named: &[GroupName] = groups.as_ref().map_or(&[], |groups| groups);
    let warnings = naming::empty_groups(op.tx, named).await?;

    let detail = format!("offline {}/{}/{} s", limits.soft, limits.degraded, limits.hard);
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
async fn set_lockout(op: &mut Operation<'_>, scopes: &[ScopeName], lockout: Lockout) -> Result<ScopesChanged> {
    let lockout = Lockout { max_delay: lockout.max_delay.max(lockout.base_delay), ..lockout };
    let detail = format!("{} failures, then {} to {} s", lockout.threshold, lockout.base_delay, lockout.max_delay);
    change(op, scopes, ("scope.lockout", detail), |policy| {
        policy.lockout = lockout;
        Ok(())
    })
    .await
}

/// A page of scopes, by name.
pub async fn list(tx: &mut Tx, request: &PageRequest) -> Result<Listing<ScopeView>> {
    let all = all(tx).await?;
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
    let mut scopes = Vec::new();
    for row in scope::list(tx).await? {
        let policy = scope::policy(tx, &row).await?;
        scopes.push(view(&row, &policy));
    }
    Ok(scopes)
}

fn view(row: &scope::Scope, policy: &PolicyDocument) -> ScopeView {
    let sharing = |shared: &SharedAccount| SharingView {
        account: shared.account.to_string(),
        groups: names(shared.groups.iter()),
    };
    ScopeView {
        name: row.name.to_string(),
        epoch: row.position.epoch,
        seq: row.position.seq,
        halted: row.halted.clone(),
        soft: policy.offline.soft,
        degraded: policy.offline.degraded,
        hard: policy.offline.hard,
        emergency_groups: names(policy.emergency_groups.iter()),
        shared_accounts: policy.shared_accounts.iter().map(sharing).collect(),
        lockout_threshold: policy.lockout.threshold,
        lockout_delay: policy.lockout.base_delay,
        lockout_longest: policy.lockout.max_delay,
    }
}

/// Changes the policy of each scope, with a row of the trail for each.
pub(super) async fn change(
    op: &mut Operation<'_>,
    scopes: &[ScopeName],
    (action, detail): (&str, String),
    change: impl Fn(&mut PolicyDocument) -> Result<()>,
) -> Result<ScopesChanged> {
    let mut changed = false;
    for name in scopes {
        let row = scope::get(op.tx, name).await?;
        let mut policy = scope::policy(op.tx, &row).await?;
        change(&mut policy)?;
        changed |= scope::set_policy(op.tx, &policy).await?;
        op.record(action, name.as_str(), Some(&detail)).await?;
    }
    Ok(ScopesChanged { scopes: names(scopes), changed, detail, warnings: Vec::new() })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::admin::testing::{Deployment, scope as named};

    #[tokio::test]
    async fn what_is_not_given_stays_and_each_part_has_its_row() {
        let deployment = Deployment::new().await;
        let icu = named("icu");
        let before = show(&mut deployment.store.read().await.unwrap(), &icu).await.unwrap();
        let set = async |rules: Rules| deployment.act(async |op| set(op, &icu, rules).await).await;

        let done = set(Rules { soft: Some(60), lockout_threshold: Some(9), ..Rules::default() }).await.unwrap();
        assert!(done.changed);
        let after = show(&mut deployment.store.read().await.unwrap(), &icu).await.unwrap();
        assert_eq!((after.soft, after.degraded, after.hard), (60, before.degraded, before.hard));
        assert_eq!((after.lockout_threshold, after.lockout_delay), (9, before.lockout_delay));
        assert_eq!(deployment.actions().await[..2], ["scope.lockout", "scope.offline"]);

        // Not in order; an emergency group that nobody is in; nothing at all.
        set(Rules { soft: Some(before.hard + 1), ..Rules::default() }).await.unwrap_err();
        let groups = Some(vec![GroupName::new("nobody").unwrap()]);
        let done = set(Rules { emergency_groups: groups, ..Rules::default() }).await.unwrap();
        assert_eq!(done.warnings.len(), 1);
        set(Rules::default()).await.unwrap_err();
    }
}
