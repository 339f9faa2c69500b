//! Which proofs a service takes, and whether a pass is valid here and now.
//!
//! A way in without the person's own key exists where a scope names it, for services that raise no
//! privilege. Deny wins among the scopes that show the person. A key is taken everywhere: there is
//! nothing stronger to ask for.

use crate::code::{Code, Denial};
use crate::name::{ScopeName, ServiceName};
use crate::pass::Pass;
use crate::person::{PersonRecord, Status};
use crate::proof::ProofKind;
use crate::snapshot::Snapshot;
use crate::time::UnixTime;

/// Services that raise privilege, whatever a policy says: these take keys only.
const KEYS_ONLY: [&str; 15] = [
    "sudo",
    "sudo-i",
    "sudo-rs",
    "sudo-rs-i",
    "su",
    "su-l",
    "polkit-1",
    "runuser",
    "runuser-l",
    "pkexec",
    "doas",
    "run0",
    "systemd-run0",
    "please",
    "pleaseedit",
];

/// Whether a service takes a kind of proof from the snapshot's person.
///
/// # Errors
/// [`Code::ProofRefused`].
pub fn takes(snapshot: &Snapshot, service: &ServiceName, kind: ProofKind) -> Result<(), Denial> {
    let refused =
        |why: &str| Err(Denial::new(Code::ProofRefused, format!("{}: {why}", kind.as_str())));
    if kind.is_by_key() {
        return Ok(());
    }
    if snapshot.policies().any(|policy| policy.excepts(kind, service)) {
        return refused("a scope excepts this service");
    }
    if raises_privilege(snapshot, service) {
        return refused("the service raises privilege");
    }
    let mut showing = snapshot.scopes().iter().filter(|scope| scope.record.is_some()).peekable();
    if showing.peek().is_none() || !showing.all(|scope| scope.policy.longest(kind).is_some()) {
        return refused("a scope of the person does not allow it");
    }
    Ok(())
}

/// Whether a way is offered at this terminal for this service: to everybody or to nobody, so that
/// it tells nothing of the name that was typed.
pub fn is_offered(snapshot: &Snapshot, service: &ServiceName, kind: ProofKind) -> bool {
    !raises_privilege(snapshot, service)
        && !snapshot.policies().any(|policy| policy.excepts(kind, service))
        && snapshot.policies().any(|policy| policy.longest(kind).is_some())
}

pub(super) fn raises_privilege(snapshot: &Snapshot, service: &ServiceName) -> bool {
    KEYS_ONLY.contains(&service.as_str())
        || snapshot.policies().any(|policy| policy.elevating_services.contains(service))
}

/// Whether a pass of the snapshot's person is valid at this terminal now, for no longer than the
/// policies let one be.
///
/// # Errors
/// [`Code::PassNotYet`], [`Code::PassExpired`] or [`Code::PassElsewhere`].
pub fn is_valid(snapshot: &Snapshot, pass: &Pass, now: UnixTime) -> Result<(), Denial> {
    is_valid_as(snapshot, ProofKind::TemporaryCode, pass, now)
}

/// The same of a sealed code.
///
/// # Errors
/// [`Code::BreakGlassNotHere`].
pub fn is_valid_sealed(snapshot: &Snapshot, sealed: &Pass, now: UnixTime) -> Result<(), Denial> {
    // Somebody has made it an account of their own since.
    let has_key = |record: &PersonRecord| {
        record.credentials.iter().any(|credential| credential.status == Status::Active)
    };
    if snapshot.records().any(has_key) {
        return Err(Denial::new(Code::BreakGlassNotHere, "the account has a key"));
    }
    is_valid_as(snapshot, ProofKind::BreakGlass, sealed, now)
        .map_err(|denial| Denial::new(Code::BreakGlassNotHere, denial.detail))
}

fn is_valid_as(
    snapshot: &Snapshot,
    kind: ProofKind,
    pass: &Pass,
    now: UnixTime,
) -> Result<(), Denial> {
    let most = match kind {
        ProofKind::BreakGlass => crate::pass::MAX_SEALED_SECONDS,
        _ => crate::pass::MAX_SECONDS,
    };
    let longest = snapshot
        .scopes()
        .iter()
        .filter(|scope| scope.record.is_some())
        .map(|scope| scope.policy.longest(kind).unwrap_or(0))
        .min()
        .unwrap_or(0)
        .min(most);
    if now < pass.from {
        return Err(Denial::new(Code::PassNotYet, "the pass has not begun"));
    }
    if now >= pass.until || now.since(pass.from) >= longest {
        return Err(Denial::new(Code::PassExpired, "the pass is over"));
    }
    let shows = |scope: &ScopeName| {
        snapshot.scopes().iter().any(|shown| shown.head.scope == *scope && shown.record.is_some())
    };
    let is_here = pass.terminal.is_none_or(|one| one == snapshot.terminal().terminal)
        && pass.scope.as_ref().is_none_or(shows);
    if !is_here || (pass.terminal.is_none() && pass.scope.is_none()) {
        return Err(Denial::new(Code::PassElsewhere, "the pass is for another place"));
    }
    Ok(())
}
