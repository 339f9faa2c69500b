//! Steps that the signed directory decides, as far as the agent shows it.

use wardkey_core::code::Code;
use wardkey_core::directory::leaf_key;
use wardkey_core::marks::Marks;
use wardkey_core::message::agent::{Grant, Status as AgentStatus};
use wardkey_core::name::{GroupName, LoginName, ServiceName};
use wardkey_core::person::{PersonRecord, Status};
use wardkey_core::policy::context::LoginContext;
use wardkey_core::policy::document::PolicyDocument;
use wardkey_core::policy::evaluate::{Evaluation, evaluate};
use wardkey_core::policy::rule::Rule;
use wardkey_core::policy::stage::{Stage, stage_by_time};
use wardkey_core::policy::vouching::{groups, longest};
use wardkey_core::policy::ways::{is_valid_sealed, takes};
use wardkey_core::proof::ProofKind;
use wardkey_core::snapshot::{Anchor, Snapshot};
use wardkey_core::time::UnixTime;

use super::keys::{keys, temporary_code};
use super::rule;
use super::step::{Step, Topic};
use crate::output::{date, duration};
use crate::texts::{Phrase, Text};

/// What was asked, and what this machine knows by itself.
pub(crate) struct Seen<'a> {
    pub(crate) person: &'a LoginName,
    pub(crate) account: &'a LoginName,
    pub(crate) service: &'a ServiceName,
    pub(crate) anchor: &'a Anchor,
    pub(crate) marks: &'a Marks,
    pub(crate) agent: &'a AgentStatus,
}

/// What is left of what the agent showed after every check, as the module makes it.
///
/// # Errors
/// The step that refuses it.
pub(crate) fn snapshot(seen: &Seen<'_>, grant: &Grant) -> Result<Snapshot, Step> {
    let Some(evidence) = &grant.evidence else {
        return Err(Step::refuses(Topic::Directory, Code::ProofInvalid));
    };
    Snapshot::verify(evidence, seen.anchor, seen.marks, seen.person)
        .map_err(|denial| Step::denied(Topic::Directory, &denial))
}

/// The steps from the terminal to the keys that may be used.
pub(crate) fn verified(seen: &Seen<'_>, snapshot: &Snapshot, grant: &Grant) -> Vec<Step> {
    let context = context(seen, snapshot);
    let mut steps = vec![terminal(seen, snapshot), clock(seen), freshness(snapshot, context.now)];
    let known = snapshot.records().next().is_some();
    let shared = snapshot.policies().any(|policy| policy.shared_account(seen.person).is_some());
    if !known && shared {
        // Whose key it is decides; of the account alone nothing more can be said.
        let detail = Text::TryShared.with([("account", seen.person.to_string().into())]);
        steps.push(Step::note(Topic::Person, detail));
        return steps;
    }
    steps.push(person(snapshot, seen.marks));
    steps.push(policy(snapshot, &context));
    if known {
        steps.push(keys(snapshot, grant, &context));
        steps.extend(temporary_code(snapshot, &context));
        steps.extend(vouch(snapshot, &context));
        steps.extend(break_glass(snapshot, &context));
    }
    steps
}

/// What a login that is tried now would be judged for.
pub(crate) fn context<'a>(seen: &'a Seen<'_>, snapshot: &Snapshot) -> LoginContext<'a> {
    LoginContext {
        account: seen.account,
        service: seen.service,
        remote: false,
        now: judged_at(seen, snapshot),
        marks: seen.marks,
    }
}

/// The time that a login is judged by: the clock, or the server's where the clock makes the
/// directory look old and the server is reached; never below what was signed.
fn judged_at(seen: &Seen<'_>, snapshot: &Snapshot) -> UnixTime {
    let now = UnixTime(seen.agent.now.0.saturating_sub(seen.agent.clock_ahead.unwrap_or(0)));
    now.max(seen.marks.floor.time).max(snapshot.signed_time())
}

fn terminal(seen: &Seen<'_>, snapshot: &Snapshot) -> Step {
    let document = snapshot.terminal();
    let scopes: Vec<_> = document.scopes.iter().map(ToString::to_string).collect();
    let args = [("name", document.name.to_string().into()), ("scopes", scopes.join(", ").into())];
    let reached = if seen.agent.connected { Text::TryReached } else { Text::TryNotReached };
    Step::passes(Topic::Terminal, Text::TryJoined.with(args)).detail(reached)
}

fn clock(seen: &Seen<'_>) -> Step {
    match seen.agent.clock_ahead {
        Some(ahead) => {
            let detail = Text::TryClockAhead.with([("time", duration(ahead))]);
            Step::note(Topic::Clock, detail)
        }
        None => {
            let detail = Text::TryClockRight.with([("date", date(seen.agent.now).into())]);
            Step::passes(Topic::Clock, detail)
        }
    }
}

/// How old what was signed is, and when the next stage begins.
fn freshness(snapshot: &Snapshot, now: UnixTime) -> Step {
    let expires = snapshot.expires();
    let offline = |text: Text| text.with([("time", duration(now.since(expires)))]);
    let left =
        |stage_ends: UnixTime, text: Text| text.with([("time", duration(stage_ends.since(now)))]);
    let limit = |of: fn(&PolicyDocument) -> u64| {
        expires.plus(snapshot.policies().map(of).min().unwrap_or(0))
    };
    match stage_by_time(snapshot, now) {
        Ok(Stage::Online) => {
            let detail = Text::TryFresh.with([("date", date(expires).into())]);
            Step::passes(Topic::Directory, detail)
        }
        Ok(Stage::Soft) => Step::passes(Topic::Directory, offline(Text::TrySoft))
            .detail(left(limit(|policy| policy.offline.soft), Text::TryLeft)),
        Ok(Stage::Degraded) => Step::note(Topic::Directory, offline(Text::TryDegraded))
            .detail(left(limit(|policy| policy.offline.degraded), Text::TryLeft)),
        Ok(Stage::Hard) => Step::note(Topic::Directory, offline(Text::TryHard))
            .detail(left(limit(|policy| policy.offline.hard), Text::TryLastLeft)),
        Err(denial) => Step::denied(Topic::Directory, &denial),
    }
}

fn person(snapshot: &Snapshot, marks: &Marks) -> Step {
    let Some(record) = snapshot.records().next() else {
        return Step::refuses(Topic::Person, Code::KeyAndNameDoNotMatch)
            .detail(Text::TryNobody.with([("person", snapshot.login().to_string().into())]));
    };
    let groups: Vec<_> = record.groups.iter().map(ToString::to_string).collect();
    let groups: Phrase =
        if groups.is_empty() { Text::None.into() } else { groups.join(", ").into() };
    let args = [("name", record.display_name.to_string().into()), ("groups", groups)];
    let step = Step::passes(Topic::Person, Text::TryKnown.with(args));

    let step = snapshot.records_by_scope().fold(step, |step, (scope, record)| {
        let args = [("scope", scope.to_string().into()), ("state", state(record))];
        step.detail(Text::TryInScope.with(args))
    });
    let person = leaf_key(snapshot.login());
    step.detail(match marks.seen.iter().find(|seen| seen.person == person) {
        Some(seen) => Text::TrySeen.with([("date", date(seen.last).into())]),
        None => Text::TryUnseen.into(),
    })
}

/// Whether a scope lets the person log in, and from when until when.
fn state(record: &PersonRecord) -> Phrase {
    let mut state: Vec<Phrase> = vec![match record.status {
        Status::Active => Text::TryPersonOn.into(),
        Status::Disabled => Text::TryPersonOff.into(),
    }];
    let at = |text: Text, time: UnixTime| text.with([("date", date(time).into())]);
    state.extend(record.not_before.map(|time| at(Text::TryFrom, time)));
    state.extend(record.not_after.map(|time| at(Text::TryUntil, time)));
    Phrase::joined(state, ", ")
}

fn policy(snapshot: &Snapshot, context: &LoginContext<'_>) -> Step {
    let evaluation = evaluate(snapshot, context);
    let name = rule::name(evaluation.rule());
    let step = match evaluation {
        Evaluation::Allowed(permit) => {
            let text = match permit.rule {
                Rule::SharedAccount => Text::TryRuleShared,
                _ => Text::TryRuleOwn,
            };
            let args = [
                ("account", context.account.to_string().into()),
                ("scope", permit.scope.to_string().into()),
            ];
            Step::passes(Topic::Policy, text.with(args))
        }
        Evaluation::Denied { denial, .. } => Step::denied(Topic::Policy, &denial),
    };
    let step = step.decided_by(name);
    let elevates = |policy: &PolicyDocument| policy.elevating_services.contains(context.service);
    if snapshot.policies().any(elevates) {
        return step
            .detail(Text::TryElevating.with([("service", context.service.to_string().into())]));
    }
    step
}

/// Who may vouch for the person here; nothing where nobody may.
fn vouch(snapshot: &Snapshot, context: &LoginContext<'_>) -> Option<Step> {
    takes(snapshot, context.service, ProofKind::Vouch).ok()?;
    let groups: Vec<&str> = groups(snapshot).map(GroupName::as_str).collect();
    let args =
        [("groups", groups.join(", ").into()), ("count", longest(snapshot).div_ceil(3600).into())];
    Some(Step::note(Topic::Vouch, Text::TryVouchers.with(args)))
}

/// What is said of the account's sealed code; nothing where it has none. Whether it was used at
/// this terminal, root's notes say.
fn break_glass(snapshot: &Snapshot, context: &LoginContext<'_>) -> Option<Step> {
    let sealed = snapshot.break_glass()?;
    let denial = takes(snapshot, context.service, ProofKind::BreakGlass)
        .and_then(|()| is_valid_sealed(snapshot, sealed, context.now))
        .err();
    Some(match denial {
        Some(denial) => Step::noted(Topic::BreakGlass, denial.code).detail(denial.detail),
        None => {
            let detail = Text::TrySealed.with([("date", date(sealed.until).into())]);
            Step::note(Topic::BreakGlass, detail)
        }
    })
}
