//! Offline stages, and what each takes away. docs/STAGES.md shows all of it as one table.

use super::context::LoginContext;
use super::rule::{Rule, is_member};
use crate::code::{Code, Denial};
use crate::directory::leaf_key;
use crate::policy::document::PolicyDocument;
use crate::snapshot::Snapshot;
use crate::time::UnixTime;

/// How fresh the directory is, and so what is allowed. Ordered: what a stage refuses, each later
/// one refuses.
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
struct Subject {
    /// In an emergency group, says every scope that shows the person.
    emergency: bool,
    /// Has logged in at this terminal before.
    seen: bool,
    /// The service raises privilege, says any scope.
    elevating: bool,
}

/// One thing that is refused from a stage on.
struct Restriction {
    rule: Rule,
    /// The first stage that refuses it. Every later one does too: there is no last.
    from: Stage,
    refuses: fn(Subject) -> bool,
    code: Code,
}

/// All that stages take away. Of two that refuse, the first is said: it is the one that will not
/// pass by going to another terminal.
const RESTRICTIONS: [Restriction; 3] = [
    Restriction {
        rule: Rule::OfflineEmergencyOnly,
        from: Stage::Hard,
        refuses: |who| !who.emergency,
        code: Code::OfflineEmergencyOnly,
    },
    Restriction {
        rule: Rule::OfflineNoElevation,
        from: Stage::Degraded,
        refuses: |who| who.elevating,
        code: Code::OfflineNoElevation,
    },
    Restriction {
        rule: Rule::OfflineSeenHere,
        from: Stage::Degraded,
        refuses: |who| !who.seen && !who.emergency,
        code: Code::OfflineNotSeenHere,
    },
];

impl Stage {
    /// What refuses the login in this stage, if anything does.
    fn restriction(self, who: Subject) -> Option<&'static Restriction> {
        RESTRICTIONS
            .iter()
            .find(|restriction| self >= restriction.from && (restriction.refuses)(who))
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

/// The rule by which the stage refuses the person or the service, if one does.
pub(super) fn refusal(
    snapshot: &Snapshot,
    context: &LoginContext<'_>,
    stage: Stage,
) -> Option<(Rule, Denial)> {
    let who = Subject {
        emergency: is_emergency(snapshot),
        seen: context.marks.has_seen(&leaf_key(snapshot.login())),
        elevating: snapshot
            .policies()
            .any(|policy| policy.elevating_services.contains(context.service)),
    };
    let restriction = stage.restriction(who)?;
    let offline = context.now.since(snapshot.expires());
    Some((restriction.rule, Denial::new(restriction.code, format!("offline for {offline} s"))))
}

/// Whether every scope that shows the person names one of the person's groups as an emergency
/// group. A scope that does not show the person says nothing about them.
fn is_emergency(snapshot: &Snapshot) -> bool {
    let mut showing = snapshot.scopes().iter().filter(|scope| scope.record.is_some()).peekable();
    showing.peek().is_some()
        && showing.all(|scope| is_member(snapshot, &scope.policy.emergency_groups))
}
