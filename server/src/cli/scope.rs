//! `wardkey-server scope` and `account`

use super::args;
use super::context::Context;
use crate::admin::account;
use crate::admin::scope::{self, Rules, ScopeView, ScopesChanged};
use crate::error::Result;

pub async fn act(context: &Context, command: args::Scope) -> Result<()> {
    match command {
        args::Scope::Add { name, reason } => {
            context.change(reason.as_deref(), async |op| scope::add(op, &name).await).await?;
            let answer = serde_json::json!({ "name": name.as_str() });
            context.output.say(&answer, || vec![format!("scope {name} added")])
        }
        args::Scope::List(paging) => {
            let scopes = scope::list(&mut context.read().await?, &paging.request()).await?;
            let head = ["SCOPE", "POSITION", "OFFLINE", "SHARED", "STATE"];
            context.output.list(&scopes, &head, |scope| {
                vec![
                    scope.name.clone(),
                    format!("{}.{}", scope.epoch, scope.seq),
                    offline(scope),
                    shared(scope).join(","),
                    scope.halted.clone().unwrap_or_else(|| "published".into()),
                ]
            })
        }
        args::Scope::Show { name } => {
            let scope = scope::show(&mut context.read().await?, &name).await?;
            context.output.say(&scope, || lines(&scope))
        }
        args::Scope::Set {
            name,
            soft,
            degraded,
            hard,
            emergency_groups,
            lockout_threshold,
            lockout_delay,
            lockout_longest,
            reason,
        } => {
            let rules =
                Rules { soft, degraded, hard, emergency_groups, lockout_threshold, lockout_delay, lockout_longest };
            let done = context.change(reason.as_deref(), async |op| scope::set(op, &name, rules).await).await?;
            say(context, &done)
        }
        args::Scope::SetOffline { name, soft, degraded, hard, emergency_groups, reason } => {
            let rules = Rules {
                soft: Some(soft),
                degraded: Some(degraded),
                hard: Some(hard),
                emergency_groups,
                ..Rules::default()
            };
            let done = context.change(reason.as_deref(), async |op| scope::set(op, &name, rules).await).await?;
            say(context, &done)
        }
        args::Scope::SetLockout { name, threshold, delay, longest, reason } => {
            let rules = Rules {
                lockout_threshold: Some(threshold),
                lockout_delay: Some(delay),
                lockout_longest: Some(longest),
                ..Rules::default()
            };
            let done = context.change(reason.as_deref(), async |op| scope::set(op, &name, rules).await).await?;
            say(context, &done)
        }
        args::Scope::Share { account, scopes, groups, reason } => {
            let done = context
                .change(reason.as_deref(), async |op| account::set(op, &account, &scopes, &groups).await)
                .await?;
            say(context, &done)
        }
    }
}

pub async fn account(context: &Context, command: args::Account) -> Result<()> {
    match command {
        args::Account::List(paging) => {
            let accounts = account::list(&mut context.read().await?, &paging.request()).await?;
            context.output.list(&accounts, &["ACCOUNT", "SCOPE", "GROUPS"], |shared| {
                vec![shared.account.clone(), shared.scope.clone(), shared.groups.join(",")]
            })
        }
        args::Account::Set { account, scopes, groups, reason } => {
            let done = context
                .change(reason.as_deref(), async |op| account::set(op, &account, &scopes, &groups).await)
                .await?;
            say(context, &done)
        }
        args::Account::Delete { account, scopes, reason } => {
            let done =
                context.change(reason.as_deref(), async |op| account::delete(op, &account, &scopes).await).await?;
            say(context, &done)
        }
    }
}

fn say(context: &Context, done: &ScopesChanged) -> Result<()> {
    context.output.warn(&done.warnings);
    context.output.say(done, || vec![format!("scope {}: {}", done.scopes.join(","), done.detail)])
}

fn offline(scope: &ScopeView) -> String {
    format!("{}/{}/{} h", scope.soft / 3600, scope.degraded / 3600, scope.hard / 3600)
}

fn shared(scope: &ScopeView) -> Vec<String> {
    let sharing = |shared: &scope::SharingView| format!("{}:{}", shared.account, shared.groups.join("+"));
    scope.shared_accounts.iter().map(sharing).collect()
}

fn lines(scope: &ScopeView) -> Vec<String> {
    let or_none = |names: Vec<String>| if names.is_empty() { "none".to_owned() } else { names.join(", ") };
    let (threshold, delay, longest) = (scope.lockout_threshold, scope.lockout_delay, scope.lockout_longest);
    vec![
        format!("scope      {}", scope.name),
        format!("position   {}.{}", scope.epoch, scope.seq),
        format!("state      {}", scope.halted.as_deref().unwrap_or("published")),
        format!("offline    {} (everyone / seen here / emergency)", offline(scope)),
        format!("emergency  {}", or_none(scope.emergency_groups.clone())),
        format!("lockout    after {threshold} failures, {delay} to {longest} s"),
        format!("shared     {}", or_none(shared(scope))),
    ]
}
