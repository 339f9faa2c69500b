//! Scopes and their policies.

use serde::Serialize;
use wardkey_core::codec::List;
use wardkey_core::document::{Lockout, OfflineLimits, PolicyDocument, SharedAccount};
use wardkey_core::name::{GroupName, LoginName, ScopeName};

use super::Operation;
use super::operation::{joined, names};
use crate::error::{Error, Result};
use crate::store::{Tx, scope};

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
#[derive(Debug, Serialize)]
pub struct ScopesChanged {
    /// The scopes.
    pub scopes: Vec<String>,
    /// Whether any policy is another one now.
    pub changed: bool,
    /// What was set, in words.
    #[serde(skip)]
    pub detail: String,
}

/// Adds a scope with the default policy.
pub async fn add(op: &mut Operation<'_>, name: &ScopeName) -> Result<()> {
    scope::add(op.tx, name, op.now).await?;
    op.record("scope.add", name.as_str(), None).await
}

/// Sets what is allowed how long without the server; emergency groups that are not given stay.
pub async fn set_offline(
    op: &mut Operation<'_>,
    name: ScopeName,
    limits: OfflineLimits,
    emergency: Option<Vec<GroupName>>,
) -> Result<ScopesChanged> {
    let groups = emergency.map(List::new).transpose().map_err(|_| Error::invalid("more than 16 emergency groups"))?;
    let detail = format!("offline {}/{}/{} s", limits.soft, limits.degraded, limits.hard);
    change(op, &[name], ("scope.offline", detail), |policy| {
        policy.offline = limits;
        if let Some(groups) = &groups {
            policy.emergency_groups = groups.clone();
        }
        Ok(())
    })
    .await
}

/// Sets when and how long refusals follow failures.
pub async fn set_lockout(op: &mut Operation<'_>, name: ScopeName, lockout: Lockout) -> Result<ScopesChanged> {
    let lockout = Lockout { max_delay: lockout.max_delay.max(lockout.base_delay), ..lockout };
    let detail = format!("{} failures, then {} to {} s", lockout.threshold, lockout.base_delay, lockout.max_delay);
    change(op, &[name], ("scope.lockout", detail), |policy| {
        policy.lockout = lockout;
        Ok(())
    })
    .await
}

/// Lets people of these groups use a Unix account; no group ends the sharing.
pub async fn share(
    op: &mut Operation<'_>,
    account: &LoginName,
    scopes: &[ScopeName],
    groups: &[GroupName],
) -> Result<ScopesChanged> {
    let detail = format!("account {account}, groups {}", joined(groups));
    change(op, scopes, ("scope.share", detail), |policy| set_groups(policy, account, groups)).await
}

/// All scopes, by name.
pub async fn list(tx: &mut Tx) -> Result<Vec<ScopeView>> {
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

fn set_groups(policy: &mut PolicyDocument, account: &LoginName, groups: &[GroupName]) -> Result<()> {
    let mut accounts = policy.shared_accounts.to_vec();
    accounts.retain(|shared| shared.account != *account);

    if !groups.is_empty() {
        let groups = List::new(groups.to_vec()).map_err(|_| Error::invalid("more than 32 groups"))?;
        accounts.push(SharedAccount { account: account.clone(), groups });
        accounts.sort_by(|a, b| a.account.cmp(&b.account));
    }

    policy.shared_accounts = List::new(accounts).map_err(|_| Error::invalid("more than 64 shared accounts"))?;
    Ok(())
}

async fn change(
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
    Ok(ScopesChanged { scopes: names(scopes), changed, detail })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::admin::testing::{Deployment, login, scope as named};

    #[tokio::test]
    async fn sharing_is_set_and_ended_in_each_scope() {
        let deployment = Deployment::new().await;
        let (account, nurses) = (login("ward"), GroupName::new("nurses").unwrap());
        let both = [named("icu"), named("er")];
        let set = async |groups: &[GroupName]| {
            deployment.act(async |op| share(op, &account, &both, groups).await).await.unwrap()
        };
        assert!(set(&[nurses]).await.changed);
        let scopes = list(&mut deployment.store.read().await.unwrap()).await.unwrap();
        assert!(scopes.iter().all(|scope| scope.shared_accounts[0].groups == ["nurses"]));
        assert!(set(&[]).await.changed);
        let scopes = list(&mut deployment.store.read().await.unwrap()).await.unwrap();
        assert!(scopes.iter().all(|scope| scope.shared_accounts.is_empty()));
        assert_eq!(deployment.actions().await[..4], ["scope.share"; 4]);
    }

    #[tokio::test]
    async fn offline_limits_that_are_not_in_order_are_refused() {
        let deployment = Deployment::new().await;
        let limits = OfflineLimits { soft: 2, degraded: 1, hard: 3 };
        deployment.act(async |op| set_offline(op, named("icu"), limits, None).await).await.unwrap_err();
    }
}
