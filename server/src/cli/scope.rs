//! `wardkey-server scope` and `account`

use super::args::{self, ScopeRules, ScopeSet};
use super::context::Context;
use crate::admin::account::{self, ScopeOfAccount};
use crate::admin::scope::{self, PinSet, Rules, ScopeView, ScopesChanged, Vouching};
use crate::error::Result;
use crate::texts::{Phrase, Text};
use crate::words::names_or_none;

pub async fn act(context: &Context, command: args::Scope) -> Result<()> {
    match command {
        args::Scope::Add { name, reason } => {
            context.change(reason.as_deref(), async |op| scope::add(op, &name).await).await?;
            let answer = serde_json::json!({ "name": name.as_str() });
            context.output.done(&answer, Text::ScopeAdded.with([("name", name.as_str().into())]))
        }
        args::Scope::List(paging) => {
            let scopes = scope::list(&mut context.read().await?, &paging.request()).await?;
            let head = [
                Text::HeadScope,
                Text::HeadPosition,
                Text::HeadOffline,
                Text::HeadShared,
                Text::HeadState,
            ];
            context.output.list(&scopes, &head, |scope| {
                vec![
                    scope.name.as_str().into(),
                    format!("{}.{}", scope.epoch, scope.seq).into(),
                    offline(scope),
                    shared(scope).join(",").into(),
                    published(scope),
                ]
            })
        }
        args::Scope::Show { name } => {
            let scope = scope::show(&mut context.read().await?, &name).await?;
            context.output.say(&scope, || context.output.fields(fields(&scope)))
        }
        args::Scope::Set(new) => set(context, *new).await,
        args::Scope::SetOffline { name, soft, degraded, hard, emergency_groups, reason } => {
            let rules = ScopeRules {
                soft: Some(soft),
                degraded: Some(degraded),
                hard: Some(hard),
                emergency_groups,
                ..ScopeRules::default()
            };
            set(context, ScopeSet { name, rules, reason }).await
        }
        args::Scope::SetLockout { name, threshold, delay, longest, reason } => {
            let rules = ScopeRules {
                lockout_threshold: Some(threshold),
                lockout_delay: Some(delay),
                lockout_longest: Some(longest),
                ..ScopeRules::default()
            };
            set(context, ScopeSet { name, rules, reason }).await
        }
        args::Scope::Share { account: name, scopes, groups, reason } => {
            account(context, args::Account::Set { account: name, scopes, groups, reason }).await
        }
    }
}

async fn set(context: &Context, new: ScopeSet) -> Result<()> {
    let rules = Rules {
        soft: new.rules.soft,
        degraded: new.rules.degraded,
        hard: new.rules.hard,
        emergency_groups: new.rules.emergency_groups,
        lockout_threshold: new.rules.lockout_threshold,
        lockout_delay: new.rules.lockout_delay,
        lockout_longest: new.rules.lockout_longest,
        on_removal: new.rules.on_removal,
        session_idle: new.rules.idle,
        session_longest: new.rules.longest,
        passes: new.rules.passes,
        pass_except: new.rules.pass_except,
        ask_name: new.rules.ask_name,
        vouching: Vouching {
            groups: new.rules.vouch_groups,
            seconds: new.rules.vouch_longest,
            per_month: new.rules.vouch_per_month,
        },
        loans: new.rules.loans,
        pin: PinSet {
            min_length: new.rules.min_pin_length,
            change_at_first_use: new.rules.pin_change_at_first_use,
        },
        break_glass: new.rules.break_glass,
    };
    let done = context
        .change(new.reason.as_deref(), async |op| scope::set(op, &new.name, rules).await)
        .await?;
    say(context, &done)
}

pub async fn account(context: &Context, command: args::Account) -> Result<()> {
    match command {
        args::Account::List(paging) => {
            let accounts = account::list(&mut context.read().await?, &paging.request()).await?;
            let head = [Text::HeadAccount, Text::HeadScope, Text::HeadGroups];
            context.output.list(&accounts, &head, |shared| {
                vec![
                    shared.account.as_str().into(),
                    shared.scope.as_str().into(),
                    shared.groups.join(",").into(),
                ]
            })
        }
        args::Account::Show { account } => {
            let shared = account::show(&mut context.read().await?, &account).await?;
            context.output.say(&shared, || {
                let fields = vec![(Text::LabelShared, shared.account.as_str().into())];
                let row = |scope: &ScopeOfAccount| {
                    vec![scope.scope.as_str().into(), scope.groups.join(",").into()]
                };
                let rows: Vec<Vec<Phrase>> = shared.scopes.iter().map(row).collect();
                let mut lines = context.output.fields(fields);
                lines.extend(context.output.table(&[Text::HeadScope, Text::HeadGroups], &rows));
                lines
            })
        }
        args::Account::Set { account, scopes, groups, reason } => {
            let done = context
                .change(reason.as_deref(), async |op| {
                    account::set(op, &account, &scopes, &groups).await
                })
                .await?;
            say(context, &done)
        }
        args::Account::Delete { account, scopes, reason } => {
            let done = context
                .change(reason.as_deref(), async |op| account::delete(op, &account, &scopes).await)
                .await?;
            say(context, &done)
        }
    }
}

fn say(context: &Context, done: &ScopesChanged) -> Result<()> {
    context.output.warn(&done.warnings);
    let said = Text::ScopesChanged.with([
        ("scopes", done.scopes.join(",").into()),
        ("detail", Phrase::joined(done.details.clone(), "; ")),
    ]);
    context.output.done(done, said)
}

fn offline(scope: &ScopeView) -> Phrase {
    Text::OfflineHours.with([
        ("soft", (scope.soft / 3600).into()),
        ("degraded", (scope.degraded / 3600).into()),
        ("hard", (scope.hard / 3600).into()),
    ])
}

fn published(scope: &ScopeView) -> Phrase {
    match &scope.halted {
        Some(why) => Text::Halted.with([("why", why.as_str().into())]),
        None => Text::Published.into(),
    }
}

fn lockout(scope: &ScopeView) -> Phrase {
    Text::LockoutRule.with([
        ("threshold", u64::from(scope.lockout_threshold).into()),
        ("delay", scope.lockout_delay.into()),
        ("longest", scope.lockout_longest.into()),
    ])
}

fn sessions(scope: &ScopeView) -> Phrase {
    let limit = |limit: Option<u64>| match limit {
        Some(seconds) => Text::AfterMinutes.with([("count", (seconds / 60).into())]),
        None => Text::Never.into(),
    };
    Text::SessionsRule.with([
        ("removal", scope.on_removal.as_str().into()),
        ("idle", limit(scope.session_idle)),
        ("longest", limit(scope.session_longest)),
    ])
}

fn shared(scope: &ScopeView) -> Vec<String> {
    let sharing =
        |shared: &scope::SharingView| format!("{}:{}", shared.account, shared.groups.join("+"));
    scope.shared_accounts.iter().map(sharing).collect()
}

fn passes(scope: &ScopeView) -> Phrase {
    match scope.passes {
        Some(seconds) => Text::PassesRule.with([
            ("count", (seconds / 60).into()),
            ("except", names_or_none(&scope.pass_except)),
        ]),
        None => Text::None.into(),
    }
}

fn vouching(scope: &ScopeView) -> Phrase {
    if scope.vouch_groups.is_empty() {
        return Text::None.into();
    }
    Text::VouchingRule.with([
        ("groups", scope.vouch_groups.join(", ").into()),
        ("count", (scope.vouch_seconds.unwrap_or(0) / 60).into()),
        ("times", u64::from(scope.vouch_per_month.unwrap_or(0)).into()),
    ])
}

fn loans(scope: &ScopeView) -> Phrase {
    match scope.loans {
        Some(seconds) => Text::LoansRule.with([("count", (seconds / 60).into())]),
        None => Text::None.into(),
    }
}

fn pin(scope: &ScopeView) -> Phrase {
    let least = match scope.min_pin_length {
        Some(least) => Text::PinLength.with([("count", u64::from(least).into())]),
        None => Text::PinLengthOfKey.into(),
    };
    let change = if scope.pin_change_at_first_use { Text::PinChanged } else { Text::PinNotChanged };
    Text::PinRule.with([("least", least), ("change", change.into())])
}

fn break_glass(scope: &ScopeView) -> Phrase {
    match scope.break_glass {
        Some(seconds) => Text::BreakGlassRule.with([("count", (seconds / 86_400).into())]),
        None => Text::None.into(),
    }
}

fn name_rule(scope: &ScopeView) -> Phrase {
    if scope.ask_name { Text::NameAsked } else { Text::NameByKey }.into()
}

fn fields(scope: &ScopeView) -> Vec<(Text, Phrase)> {
    vec![
        (Text::LabelScope, scope.name.as_str().into()),
        (Text::LabelPosition, format!("{}.{}", scope.epoch, scope.seq).into()),
        (Text::LabelState, published(scope)),
        (Text::LabelOffline, Text::OfflineStages.with([("hours", offline(scope))])),
        (Text::LabelEmergency, names_or_none(&scope.emergency_groups)),
        (Text::LabelLockout, lockout(scope)),
        (Text::LabelSessions, sessions(scope)),
        (Text::LabelShared, names_or_none(&shared(scope))),
        (Text::LabelPasses, passes(scope)),
        (Text::LabelVouching, vouching(scope)),
        (Text::LabelLoans, loans(scope)),
        (Text::LabelBreakGlass, break_glass(scope)),
        (Text::LabelUserName, name_rule(scope)),
        (Text::LabelPin, pin(scope)),
    ]
}
