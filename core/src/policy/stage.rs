//! Offline stages, and what each takes away. docs/STAGES.md shows all of it as one table.

use crate::code::{Code, Denial};
use crate::name::{GroupName, ServiceName};
use crate::policy::document::PolicyDocument;
use crate::snapshot::Snapshot;
use crate::time::UnixTime;

/// How fresh the directory is, and so what is allowed. Ordered: what a stage refuses, each later one refuses.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Stage {
    /// Everything signed is within its validity.
    Online,
    /// Offline: everyone, with a banner.
    Soft,
    /// Offline for long: people seen here and emergency groups, no elevating services.
    Degraded,
    /// Offline for very long: emergency groups only, no elevating services.
    Hard,
}

impl Stage {
    /// The word in records.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Online => "online",
            Self::Soft => "soft",
            Self::Degraded => "degraded",
            Self::Hard => "hard",
        }
    }
}

/// What the stages ask about a login.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Subject {
    /// In an emergency group, says every scope that shows the person.
    pub(crate) emergency: bool,
    /// Has logged in at this terminal before.
    pub(crate) seen: bool,
    /// The service raises privilege, says any scope.
    pub(crate) elevating: bool,
}

/// One thing that is refused from a stage on.
struct Restriction {
    /// The first stage that refuses it. Every later one does too: there is no last.
    from: Stage,
    refuses: fn(Subject) -> bool,
    code: Code,
}

/// All that stages take away. Of two that refuse, the first is said: it is the one that will not pass by
/// going to another terminal.
const RESTRICTIONS: [Restriction; 3] = [
    Restriction { from: Stage::Hard, refuses: |who| !who.emergency, code: Code::OfflineEmergencyOnly },
    Restriction { from: Stage::Degraded, refuses: |who| who.elevating, code: Code::OfflineNoElevation },
    Restriction { from: Stage::Degraded, refuses: |who| !who.seen && !who.emergency, code: Code::OfflineNotSeenHere },
];

impl Stage {
    /// Why this stage refuses the login, if it does.
    pub(crate) fn refuses(self, who: Subject) -> Option<Code> {
        RESTRICTIONS
            .iter()
            .find(|restriction| self >= restriction.from && (restriction.refuses)(who))
            .map(|restriction| restriction.code)
    }
}

/// The stage, whoever asks.
///
/// # Errors
/// A [`Denial`] with [`Code::OfflineTooLong`].
pub fn stage_by_time(snapshot: &Snapshot, now: UnixTime) -> Result<Stage, Denial> {
    let expires = snapshot.expires();
    if now <= expires {
        return Ok(Stage::Online);
    }
    let offline = now.since(expires);
    let limit = |of: fn(&PolicyDocument) -> u64| snapshot.policies().map(of).min().unwrap_or(0);
    if offline <= limit(|policy| policy.offline.soft) {
        return Ok(Stage::Soft);
    }
    if offline <= limit(|policy| policy.offline.degraded) {
        return Ok(Stage::Degraded);
    }
    if offline <= limit(|policy| policy.offline.hard) {
        return Ok(Stage::Hard);
    }
    Err(Denial::new(Code::OfflineTooLong, format!("offline for {offline} s")))
}

/// The stage, if it allows the person and the service.
///
/// # Errors
/// A [`Denial`] with the code of the restriction that refuses.
pub(crate) fn stage(snapshot: &Snapshot, now: UnixTime, service: &ServiceName, seen: bool) -> Result<Stage, Denial> {
    let stage = stage_by_time(snapshot, now)?;
    let who = Subject {
        emergency: is_emergency(snapshot),
        seen,
        elevating: snapshot.policies().any(|policy| policy.elevating_services.contains(service)),
    };
    match stage.refuses(who) {
        None => Ok(stage),
        Some(code) => Err(Denial::new(code, format!("offline for {} s", now.since(snapshot.expires())))),
    }
}

/// Whether the person is in one of these groups. Deny wins: a group counts when every record of the person
/// has it, so that a scope which has taken it away is heard though another has not.
pub(crate) fn is_member(snapshot: &Snapshot, groups: &[GroupName]) -> bool {
    let mut records = snapshot.records().peekable();
    records.peek().is_some() && {
        let records: Vec<_> = records.collect();
        groups.iter().any(|group| records.iter().all(|record| record.groups.contains(group)))
    }
}

/// Whether every scope that shows the person names one of the person's groups as an emergency group. A scope
/// that does not show the person says nothing about them.
fn is_emergency(snapshot: &Snapshot) -> bool {
    let mut showing = snapshot.scopes().iter().filter(|scope| scope.record.is_some()).peekable();
    showing.peek().is_some() && showing.all(|scope| is_member(snapshot, &scope.policy.emergency_groups))
}
