//! `wardkey-server scope`

use serde::Serialize;
use wardkey_core::codec::List;
use wardkey_core::name::{GroupName, LoginName, ScopeName};
use wardkey_core::policy::document::{Lockout, OfflineLimits, PolicyDocument, SharedAccount};

use super::Context;
use super::args;
use super::person::joined;
use super::value::table;
use crate::error::{Error, Result};
use crate::store::audit::{self, Act};
use crate::store::scope;

#[derive(Serialize)]
struct ShownScope {
    name: String,
    epoch: u64,
    seq: u64,
    halted: Option<String>,
    soft: u64,
    degraded: u64,
    hard: u64,
    emergency_groups: Vec<String>,
    shared_accounts: Vec<ShownSharing>,
    lockout_threshold: u32,
    lockout_delay: u64,
    lockout_longest: u64,
}

#[derive(Serialize)]
struct ShownSharing {
    account: String,
    groups: Vec<String>,
}

fn names<T: ToString>(names: &[T]) -> Vec<String> {
    names.iter().map(ToString::to_string).collect()
}

pub async fn act(context: &Context, command: args::Scope) -> Result<()> {
    match command {
        args::Scope::Add { name } => add(context, &name).await,
        args::Scope::List => list(context).await,
        args::Scope::SetOffline { name, soft, degraded, hard, emergency_groups, reason } => {
            let limits = OfflineLimits { soft, degraded, hard };
            let groups = emergency_groups
                .map(List::new)
                .transpose()
                .map_err(|_| Error::invalid("more than 16 emergency groups"))?;
            let detail = format!("offline {soft}/{degraded}/{hard} s");
            change(context, &[name], ("scope.offline", &detail, reason.as_deref()), |policy| {
                policy.offline = limits;
                if let Some(groups) = &groups {
                    policy.emergency_groups = groups.clone();
                }
                Ok(())
            })
            .await
        }
        args::Scope::SetLockout { name, threshold, delay, longest, reason } => {
            let detail = format!("{threshold} failures, then {delay} to {longest} s");
            change(context, &[name], ("scope.lockout", &detail, reason.as_deref()), |policy| {
                policy.lockout = Lockout { threshold, base_delay: delay, max_delay: longest.max(delay) };
                Ok(())
            })
            .await
        }
        args::Scope::Share { account, scopes, groups, reason } => {
            let detail = format!("account {account}, groups {}", joined(&groups));
            let act = ("scope.share", detail.as_str(), reason.as_deref());
            change(context, &scopes, act, |policy| share(policy, &account, &groups)).await
        }
    }
}

/// Sets the groups of a shared account; none ends the sharing.
fn share(policy: &mut PolicyDocument, account: &LoginName, groups: &[GroupName]) -> Result<()> {
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

async fn add(context: &Context, name: &ScopeName) -> Result<()> {
    let now = context.clock.now();
    let mut tx = context.store.write().await?;
    scope::add(&mut tx, name, now).await?;
    audit::record(&mut tx, now, &context.actor, Act::new("scope.add", name.as_str())).await?;
    context.commit(tx).await?;
    context.output.say(&serde_json::json!({ "name": name.as_str() }), || vec![format!("scope {name} added")])
}

async fn change(
    context: &Context,
    names: &[ScopeName],
    (action, detail, reason): (&str, &str, Option<&str>),
    change: impl Fn(&mut PolicyDocument) -> Result<()>,
) -> Result<()> {
    let now = context.clock.now();
    let mut tx = context.store.write().await?;
    let mut changed = false;
    for name in names {
        let row = scope::get(&mut tx, name).await?;
        let mut policy = scope::policy(&mut tx, &row).await?;
        change(&mut policy)?;
        changed |= scope::set_policy(&mut tx, &policy).await?;
        let act = Act::new(action, name.as_str()).because(reason).with(detail);
        audit::record(&mut tx, now, &context.actor, act).await?;
    }
    context.commit(tx).await?;
    let answer =
        serde_json::json!({ "scopes": names.iter().map(ToString::to_string).collect::<Vec<_>>(), "changed": changed });
    context.output.say(&answer, || vec![format!("scope {}: {detail}", joined(names))])
}

async fn list(context: &Context) -> Result<()> {
    let mut tx = context.store.read().await?;
    let mut scopes = Vec::new();
    for row in scope::list(&mut tx).await? {
        let policy = scope::policy(&mut tx, &row).await?;
        scopes.push(ShownScope {
            name: row.name.to_string(),
            epoch: row.position.epoch,
            seq: row.position.seq,
            halted: row.halted,
            soft: policy.offline.soft,
            degraded: policy.offline.degraded,
            hard: policy.offline.hard,
            emergency_groups: names(&policy.emergency_groups),
            shared_accounts: policy
                .shared_accounts
                .iter()
                .map(|shared| ShownSharing { account: shared.account.to_string(), groups: names(&shared.groups) })
                .collect(),
            lockout_threshold: policy.lockout.threshold,
            lockout_delay: policy.lockout.base_delay,
            lockout_longest: policy.lockout.max_delay,
        });
    }
    let row = |scope: &ShownScope| {
        vec![
            scope.name.clone(),
            format!("{}.{}", scope.epoch, scope.seq),
            format!("{}/{}/{} h", scope.soft / 3600, scope.degraded / 3600, scope.hard / 3600),
            scope
                .shared_accounts
                .iter()
                .map(|shared| format!("{}:{}", shared.account, shared.groups.join("+")))
                .collect::<Vec<_>>()
                .join(","),
            scope.halted.clone().unwrap_or_else(|| "published".into()),
        ]
    };
    context.output.say(&scopes, || {
        table(&["SCOPE", "POSITION", "OFFLINE", "SHARED", "STATE"], &scopes.iter().map(row).collect::<Vec<_>>())
    })
}
