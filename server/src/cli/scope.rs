//! `wardkey-server scope`

use wardkey_core::document::{Lockout, OfflineLimits};

use super::args;
use super::context::Context;
use super::value::table;
use crate::admin::scope::{self, ScopeView, ScopesChanged};
use crate::error::Result;

pub async fn act(context: &Context, command: args::Scope) -> Result<()> {
    match command {
        args::Scope::Add { name } => {
            context.change(None, async |op| scope::add(op, &name).await).await?;
            let answer = serde_json::json!({ "name": name.as_str() });
            context.output.say(&answer, || vec![format!("scope {name} added")])
        }
        args::Scope::List => list(context).await,
        args::Scope::SetOffline { name, soft, degraded, hard, emergency_groups, reason } => {
            let limits = OfflineLimits { soft, degraded, hard };
            let done = context
                .change(reason.as_deref(), async |op| scope::set_offline(op, name, limits, emergency_groups).await)
                .await?;
            say(context, &done)
        }
        args::Scope::SetLockout { name, threshold, delay, longest, reason } => {
            let lockout = Lockout { threshold, base_delay: delay, max_delay: longest };
            let done =
                context.change(reason.as_deref(), async |op| scope::set_lockout(op, name, lockout).await).await?;
            say(context, &done)
        }
        args::Scope::Share { account, scopes, groups, reason } => {
            let done = context
                .change(reason.as_deref(), async |op| scope::share(op, &account, &scopes, &groups).await)
                .await?;
            say(context, &done)
        }
    }
}

fn say(context: &Context, done: &ScopesChanged) -> Result<()> {
    context.output.say(done, || vec![format!("scope {}: {}", done.scopes.join(","), done.detail)])
}

async fn list(context: &Context) -> Result<()> {
    let scopes = scope::list(&mut context.read().await?).await?;
    let row = |scope: &ScopeView| {
        let sharing = |shared: &scope::SharingView| format!("{}:{}", shared.account, shared.groups.join("+"));
        vec![
            scope.name.clone(),
            format!("{}.{}", scope.epoch, scope.seq),
            format!("{}/{}/{} h", scope.soft / 3600, scope.degraded / 3600, scope.hard / 3600),
            scope.shared_accounts.iter().map(sharing).collect::<Vec<_>>().join(","),
            scope.halted.clone().unwrap_or_else(|| "published".into()),
        ]
    };
    context.output.say(&scopes, || {
        let head = ["SCOPE", "POSITION", "OFFLINE", "SHARED", "STATE"];
        table(&head, &scopes.iter().map(row).collect::<Vec<_>>())
    })
}
