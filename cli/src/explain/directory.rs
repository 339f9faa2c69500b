//! Steps that the signed directory decides, as far as the agent shows it.

use wardkey_core::code::Code;
use wardkey_core::id::CredentialId;
use wardkey_core::marks::Marks;
use wardkey_core::message::agent::{Grant, Status as AgentStatus};
use wardkey_core::name::{GroupName, LoginName, ServiceName};
use wardkey_core::person::CredentialRecord;
use wardkey_core::policy::context::LoginContext;
use wardkey_core::policy::evaluate::{Evaluation, evaluate};
use wardkey_core::policy::rule::Rule;
use wardkey_core::policy::stage::{Stage, stage_by_time};
use wardkey_core::policy::vouching::longest;
use wardkey_core::policy::ways::{is_offered, is_valid, takes};
use wardkey_core::proof::ProofKind;
use wardkey_core::snapshot::{Anchor, Snapshot};
use wardkey_core::time::UnixTime;

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

/// The steps from what the agent showed to the keys that may be used.
pub(crate) fn verified(seen: &Seen<'_>, grant: &Grant) -> Vec<Step> {
    let Some(evidence) = &grant.evidence else {
        return vec![Step::refuses(Topic::Directory, Code::ProofInvalid)];
    };
    let snapshot = match Snapshot::verify(evidence, seen.anchor, seen.marks, seen.person) {
        Ok(snapshot) => snapshot,
        Err(denial) => return vec![Step::denied(Topic::Directory, &denial)],
    };
    let context = LoginContext {
        account: seen.account,
        service: seen.service,
        remote: false,
        now: seen.agent.now,
        marks: seen.marks,
    };
    let mut steps = vec![freshness(&snapshot, context.now)];
    let known = snapshot.records().next().is_some();
    let shared = snapshot.policies().any(|policy| policy.shared_account(seen.person).is_some());
    if !known && shared {
        // Whose key it is decides; of the account alone nothing more can be said.
        let detail = Text::TryShared.with([("account", seen.person.to_string().into())]);
        steps.push(Step::note(Topic::Person, detail));
        return steps;
    }
    steps.push(person(&snapshot));
    steps.push(policy(&snapshot, &context));
    if known {
        steps.push(keys(&snapshot, grant));
        steps.extend(temporary_code(&snapshot, &context));
        steps.extend(vouch(&snapshot, &context));
    }
    steps
}

/// How old what was signed is.
fn freshness(snapshot: &Snapshot, now: UnixTime) -> Step {
    let expires = snapshot.expires();
    let offline = |text: Text| text.with([("time", duration(now.since(expires)))]);
    match stage_by_time(snapshot, now) {
        Ok(Stage::Online) => {
            let detail = Text::TryFresh.with([("date", date(expires).into())]);
            Step::passes(Topic::Directory, detail)
        }
        Ok(Stage::Soft) => Step::passes(Topic::Directory, offline(Text::TrySoft)),
        Ok(Stage::Degraded) => Step::note(Topic::Directory, offline(Text::TryDegraded)),
        Ok(Stage::Hard) => Step::note(Topic::Directory, offline(Text::TryHard)),
        Err(denial) => Step::denied(Topic::Directory, &denial),
    }
}

fn person(snapshot: &Snapshot) -> Step {
    let Some(record) = snapshot.records().next() else {
        return Step::refuses(Topic::Person, Code::KeyAndNameDoNotMatch)
            .detail(Text::TryNobody.with([("person", snapshot.login().to_string().into())]));
    };
    let groups: Vec<_> = record.groups.iter().map(ToString::to_string).collect();
    let groups: Phrase =
        if groups.is_empty() { Text::None.into() } else { groups.join(", ").into() };
    let args = [("name", record.display_name.to_string().into()), ("groups", groups)];
    Step::passes(Topic::Person, Text::TryKnown.with(args))
}

fn policy(snapshot: &Snapshot, context: &LoginContext<'_>) -> Step {
    match evaluate(snapshot, context) {
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
    }
}

/// The person's keys, and which of them may be used now.
fn keys(snapshot: &Snapshot, grant: &Grant) -> Step {
    let usable = snapshot.allow_list();
    let locked = |id: &CredentialId| {
        grant.locked.iter().flat_map(|locked| locked.iter()).find(|locked| locked.credential == *id)
    };
    let mut told: Vec<&CredentialRecord> = Vec::new();
    for credential in snapshot.records().flat_map(|record| record.credentials.iter()) {
        if !told.iter().any(|one| one.id == credential.id) {
            told.push(credential);
        }
    }
    let free = usable.iter().filter(|id| locked(id).is_none()).count();
    let step = if free > 0 {
        Step::passes(Topic::Keys, Text::TryUsable.with([("count", (free as u64).into())]))
    } else if let Some(locked) = usable.iter().find_map(locked) {
        Step::refuses(Topic::Keys, Code::LockedOut).argument("seconds", locked.seconds)
    } else if told.is_empty() {
        Step::refuses(Topic::Keys, Code::KeyAndNameDoNotMatch).detail(Text::TryNoKeys)
    } else {
        Step::refuses(Topic::Keys, Code::CredentialDisabled)
    };
    told.into_iter().fold(step, |step, credential| {
        let state: Phrase = match locked(&credential.id) {
            _ if !usable.contains(&credential.id) => Text::TryKeyOff.into(),
            Some(locked) => Text::TryKeyLocked.with([("time", duration(locked.seconds))]),
            None => Text::TryKeyOn.into(),
        };
        let args = [
            ("label", credential.label.to_string().into()),
            ("key", credential.fingerprint().short().into()),
            ("state", state),
        ];
        step.detail(Text::TryKey.with(args))
    })
}

/// Who may vouch for the person here; nothing where nobody may.
fn vouch(snapshot: &Snapshot, context: &LoginContext<'_>) -> Option<Step> {
    takes(snapshot, context.service, ProofKind::Vouch).ok()?;
    let groups = snapshot.policies().filter_map(|policy| policy.vouch_groups.as_ref());
    let groups: Vec<&str> = groups.flat_map(|all| all.iter()).map(GroupName::as_str).collect();
    let args =
        [("groups", groups.join(", ").into()), ("count", longest(snapshot).div_ceil(3600).into())];
    Some(Step::note(Topic::Vouch, Text::TryVouchers.with(args)))
}

/// The way of a person who is without the key; nothing where it is not offered here.
fn temporary_code(snapshot: &Snapshot, context: &LoginContext<'_>) -> Option<Step> {
    let kind = ProofKind::TemporaryCode;
    let pass = snapshot.pass();
    if pass.is_none() && !is_offered(snapshot, context.service, kind) {
        return None;
    }
    let Some(pass) = pass else {
        return Some(Step::note(Topic::TemporaryCode, Text::TryNoPass));
    };
    let denial = takes(snapshot, context.service, kind)
        .and_then(|()| is_valid(snapshot, pass, context.now))
        .err();
    Some(match denial {
        Some(denial) => Step::noted(Topic::TemporaryCode, denial.code).detail(denial.detail),
        None => {
            let detail = Text::TryPass.with([("date", date(pass.until).into())]);
            Step::passes(Topic::TemporaryCode, detail)
        }
    })
}
