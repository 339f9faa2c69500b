//! The rules that a login is judged by, without those of the offline stages ([`super::stage`]).
//!
//! A rule denies, allows or says nothing. It never reads what another rule said.

use super::context::LoginContext;
use crate::code::{Code, Denial};
use crate::name::GroupName;
use crate::person::{PersonRecord, Status};
use crate::snapshot::Snapshot;
use crate::time::UnixTime;

/// Names of the rules.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Rule {
    /// Remote sessions are refused.
    LocalSession,
    /// A disabled terminal refuses everybody.
    TerminalActive,
    /// Who is in no scope of the terminal is refused.
    PersonKnown,
    /// A person whom any scope has disabled is refused.
    PersonActive,
    /// A person is refused before and after the validity that any scope names.
    PersonValid,
    /// People may use the account that has their name, unless it is shared.
    OwnAccount,
    /// Members of its groups may use a shared account; everybody else is refused.
    SharedAccount,
    /// systemd may start the user manager of a shared account.
    UserManager,
    /// After the last offline stage everybody is refused.
    OfflineLimit,
    /// In the hard stage only emergency staff is let in.
    OfflineEmergencyOnly,
    /// From the degraded stage on, services that raise privilege are refused.
    OfflineNoElevation,
    /// From the degraded stage on, who was never seen here is refused, emergency staff excepted.
    OfflineSeenHere,
    /// What no rule allows is denied.
    Default,
}

/// What a rule says.
pub(super) enum Verdict {
    Silent,
    Allow,
    Deny(Denial),
}

impl Verdict {
    fn deny(code: Code, detail: &str) -> Self {
        Self::Deny(Denial::new(code, detail))
    }
}

/// A rule about a login, with its name.
pub(super) type NamedRule = (Rule, fn(&Snapshot, &LoginContext<'_>) -> Verdict);
/// A rule about one record of a person at a time.
pub(super) type RecordRule = (Rule, fn(&PersonRecord, UnixTime) -> Verdict);

/// What refuses everybody.
pub(super) const TERMINAL: [NamedRule; 2] =
    [(Rule::LocalSession, local_session), (Rule::TerminalActive, terminal_active)];

/// Whom a login needs.
pub(super) const PERSON: [NamedRule; 1] = [(Rule::PersonKnown, person_known)];

/// What must hold of each record of the person: deny wins among scopes.
pub(super) const RECORD: [RecordRule; 2] =
    [(Rule::PersonActive, record_active), (Rule::PersonValid, record_valid)];

/// Which accounts a person may use.
pub(super) const ACCOUNT: [NamedRule; 2] =
    [(Rule::SharedAccount, shared_account), (Rule::OwnAccount, own_account)];

/// Which account phases need no person.
pub(super) const UNATTENDED: [NamedRule; 1] = [(Rule::UserManager, user_manager)];

/// The service of the account phase that systemd goes through for an account's user manager.
const USER_MANAGER: &str = "systemd-user";

fn local_session(_: &Snapshot, context: &LoginContext<'_>) -> Verdict {
    if context.remote {
        Verdict::deny(Code::RemoteSession, "remote session")
    } else {
        Verdict::Silent
    }
}

fn terminal_active(snapshot: &Snapshot, _: &LoginContext<'_>) -> Verdict {
    match snapshot.terminal().status {
        Status::Active => Verdict::Silent,
        _ => Verdict::deny(Code::TerminalDisabled, "terminal is disabled"),
    }
}

fn person_known(snapshot: &Snapshot, _: &LoginContext<'_>) -> Verdict {
    if snapshot.records().next().is_none() {
        return Verdict::deny(
            Code::KeyAndNameDoNotMatch,
            "no such person in any scope of this terminal",
        );
    }
    Verdict::Silent
}

fn record_active(record: &PersonRecord, _: UnixTime) -> Verdict {
    match record.status {
        Status::Active => Verdict::Silent,
        _ => Verdict::deny(Code::PersonDisabled, "person is disabled"),
    }
}

fn record_valid(record: &PersonRecord, now: UnixTime) -> Verdict {
    if record.not_before.is_some_and(|from| now < from) {
        return Verdict::deny(Code::PersonNotYetValid, "validity has not begun");
    }
    if record.not_after.is_some_and(|until| now >= until) {
        return Verdict::deny(Code::PersonExpired, "validity is over");
    }
    Verdict::Silent
}

/// Every scope that shares the account must share it with a group of the person.
fn shared_account(snapshot: &Snapshot, context: &LoginContext<'_>) -> Verdict {
    let mut shares =
        snapshot.policies().filter_map(|policy| policy.shared_account(context.account)).peekable();
    if shares.peek().is_none() {
        return Verdict::Silent;
    }
    if shares.all(|share| is_member(snapshot, &share.groups)) {
        return Verdict::Allow;
    }
    Verdict::deny(Code::NotInSharedGroup, "shared account, person in none of its groups")
}

fn own_account(snapshot: &Snapshot, context: &LoginContext<'_>) -> Verdict {
    let is_own = snapshot.records().next().is_some_and(|record| record.login == *context.account);
    if is_own && !is_shared(snapshot, context) { Verdict::Allow } else { Verdict::Silent }
}

fn user_manager(snapshot: &Snapshot, context: &LoginContext<'_>) -> Verdict {
    if is_shared(snapshot, context) && context.service.as_str() == USER_MANAGER {
        return Verdict::Allow;
    }
    Verdict::Silent
}

/// Whether any scope shares the account.
pub(super) fn is_shared(snapshot: &Snapshot, context: &LoginContext<'_>) -> bool {
    snapshot.policies().any(|policy| policy.shared_account(context.account).is_some())
}

/// Whether the person is in one of these groups. Deny wins: a group counts when every record of the
/// person has it, so that a scope which has taken it away is heard though another has not.
pub(super) fn is_member(snapshot: &Snapshot, groups: &[GroupName]) -> bool {
    let records: Vec<&PersonRecord> = snapshot.records().collect();
    !records.is_empty()
        && groups.iter().any(|group| records.iter().all(|record| record.groups.contains(group)))
}
