//! The evaluation of a login by the rules, to a value that names the rule which decided.
//!
//! Deny wins: the first rule that denies ends it, whatever another allows. What no rule allows is
//! denied.

use super::context::LoginContext;
use super::document::PolicyDocument;
use super::rule::{
    ACCOUNT, NamedRule, PERSON, RECORD, Rule, TERMINAL, UNATTENDED, Verdict, is_shared,
};
use super::stage::{self, Stage, stage_by_time};
use crate::code::{Code, Denial};
use crate::document::{Head, Position};
use crate::name::ScopeName;
use crate::snapshot::Snapshot;
use crate::time::UnixTime;

/// Directory and policy allow the login; a key has yet to prove the person.
#[derive(Clone, Debug)]
pub struct Permit {
    /// The rule that allows it.
    pub rule: Rule,
    /// How fresh the directory is.
    pub stage: Stage,
    /// Seconds since the oldest signed document was issued.
    pub age: u64,
    /// Whether the account is a shared one.
    pub shared: bool,
    /// The scope whose record is named in the client data.
    pub scope: ScopeName,
    /// That scope's position.
    pub position: Position,
}

/// What directory and policy say of a login.
#[derive(Clone, Debug)]
pub enum Evaluation {
    /// Allowed, by the rule that the permit names.
    Allowed(Permit),
    /// Denied.
    Denied {
        /// The rule that denies.
        rule: Rule,
        /// What is said and recorded.
        denial: Denial,
    },
}

impl Evaluation {
    /// The rule that decided.
    pub fn rule(&self) -> Rule {
        match self {
            Self::Allowed(permit) => permit.rule,
            Self::Denied { rule, .. } => *rule,
        }
    }

    /// The permit.
    ///
    /// # Errors
    /// The denial.
    pub fn into_permit(self) -> Result<Permit, Denial> {
        match self {
            Self::Allowed(permit) => Ok(permit),
            Self::Denied { denial, .. } => Err(denial),
        }
    }
}

/// A rule that denied, and what it said.
type Denied = (Rule, Denial);

/// Evaluates a login, before any key is asked.
pub fn evaluate(snapshot: &Snapshot, context: &LoginContext<'_>) -> Evaluation {
    value_of(login(snapshot, context))
}

/// Evaluates the account phase of a handle that nobody has logged in with. As [`evaluate`];
/// besides, the user manager of a shared account, which systemd starts after somebody has logged in
/// to it: nobody is proven then, and nobody is let in.
pub fn evaluate_account_phase(snapshot: &Snapshot, context: &LoginContext<'_>) -> Evaluation {
    match first_that_allows(&UNATTENDED, snapshot, context) {
        Ok(Some(rule)) => value_of(unattended(snapshot, context, rule)),
        Ok(None) => evaluate(snapshot, context),
        Err((rule, denial)) => Evaluation::Denied { rule, denial },
    }
}

fn value_of(result: Result<Permit, Denied>) -> Evaluation {
    match result {
        Ok(permit) => Evaluation::Allowed(permit),
        Err((rule, denial)) => Evaluation::Denied { rule, denial },
    }
}

fn login(snapshot: &Snapshot, context: &LoginContext<'_>) -> Result<Permit, Denied> {
    first_that_allows(&TERMINAL, snapshot, context)?;
    first_that_allows(&PERSON, snapshot, context)?;
    every_record_is_valid(snapshot, context.now)?;

    let rule = first_that_allows(&ACCOUNT, snapshot, context)?.ok_or_else(not_allowed)?;

    let stage = stage_at(snapshot, context.now)?;
    if let Some(denied) = stage::refusal(snapshot, context, stage) {
        return Err(denied);
    }

    let shows_person = snapshot.scopes().iter().find(|scope| scope.record.is_some());
    let head = &shows_person.ok_or_else(not_allowed)?.head;
    Ok(permit_of(snapshot, context, rule, stage, head))
}

fn unattended(
    snapshot: &Snapshot,
    context: &LoginContext<'_>,
    rule: Rule,
) -> Result<Permit, Denied> {
    first_that_allows(&TERMINAL, snapshot, context)?;

    let stage = stage_at(snapshot, context.now)?;
    let shares = |policy: &PolicyDocument| policy.shared_account(context.account).is_some();
    let sharing = snapshot.scopes().iter().find(|scope| shares(&scope.policy));
    let head = &sharing.ok_or_else(not_allowed)?.head;
    Ok(permit_of(snapshot, context, rule, stage, head))
}

/// The first of these rules that allows, once it is known that none of them denies.
fn first_that_allows(
    rules: &[NamedRule],
    snapshot: &Snapshot,
    context: &LoginContext<'_>,
) -> Result<Option<Rule>, Denied> {
    let mut allowing = None;
    for (rule, says) in rules {
        match says(snapshot, context) {
            Verdict::Deny(denial) => return Err((*rule, denial)),
            Verdict::Allow => allowing = allowing.or(Some(*rule)),
            Verdict::Silent => {}
        }
    }
    Ok(allowing)
}

fn every_record_is_valid(snapshot: &Snapshot, now: UnixTime) -> Result<(), Denied> {
    for record in snapshot.records() {
        for (rule, says) in RECORD {
            if let Verdict::Deny(denial) = says(record, now) {
                return Err((rule, denial));
            }
        }
    }
    Ok(())
}

fn stage_at(snapshot: &Snapshot, now: UnixTime) -> Result<Stage, Denied> {
    stage_by_time(snapshot, now).map_err(|denial| (Rule::OfflineLimit, denial))
}

/// The default.
fn not_allowed() -> Denied {
    (Rule::Default, Denial::new(Code::NotInSharedGroup, "account is another person's"))
}

fn permit_of(
    snapshot: &Snapshot,
    context: &LoginContext<'_>,
    rule: Rule,
    stage: Stage,
    head: &Head,
) -> Permit {
    let issued =
        snapshot.heads().map(|head| head.issued).fold(snapshot.terminal().issued, Ord::min);
    Permit {
        rule,
        stage,
        age: context.now.since(issued),
        shared: is_shared(snapshot, context),
        scope: head.scope.clone(),
        position: head.position(),
    }
}
