//! What is shown of scopes.

use schemars::JsonSchema;
use serde::Serialize;
use wardkey_core::policy::document::{PolicyDocument, SharedAccount};

use crate::admin::operation::names;
use crate::store::scope::Scope;
use crate::texts::Phrase;

/// A scope with its policy.
#[derive(Debug, JsonSchema, Serialize)]
pub struct ScopeView {
    /// Its name.
    pub name: String,
    /// Epoch of what is published.
    pub epoch: u64,
    /// Sequence of the latest change.
    pub seq: u64,
    /// Why it is not published, when it is not.
    pub halted: Option<String>,
    /// Seconds offline until which everyone may log in.
    pub soft: u64,
    /// Seconds offline until which people seen at the terminal may.
    pub degraded: u64,
    /// Seconds offline until which emergency groups may.
    pub hard: u64,
    /// Groups that may log in at the last stage.
    pub emergency_groups: Vec<String>,
    /// Unix accounts that several people use.
    pub shared_accounts: Vec<SharingView>,
    /// Consecutive failures until the first delay.
    pub lockout_threshold: u32,
    /// The first delay in seconds.
    pub lockout_delay: u64,
    /// The longest delay in seconds.
    pub lockout_longest: u64,
    /// What happens to a session when its key is pulled out: `nothing`, `lock`, `greeter`, `end`.
    pub on_removal: String,
    /// Seconds without input after which a session locks.
    pub session_idle: Option<u64>,
    /// Seconds after the last login or unlocking after which a session locks.
    pub session_longest: Option<u64>,
    /// The longest that a pass may be valid, in seconds; none: there are none.
    pub passes: Option<u64>,
    /// Services that take no passes.
    pub pass_except: Vec<String>,
    /// Whether the name is always asked for, so that a key that is found names nobody.
    pub ask_name: bool,
    /// Groups whose members may vouch for somebody who has forgotten the key.
    pub vouch_groups: Vec<String>,
    /// For how many seconds at most.
    pub vouch_seconds: Option<u64>,
    /// How often in thirty days for one person at one terminal.
    pub vouch_per_month: Option<u32>,
    /// The longest that a key may be lent, in seconds; none: none is.
    pub loans: Option<u64>,
    /// How many characters the PIN of a key that is enrolled has at least; none: as the key says.
    pub min_pin_length: Option<u8>,
    /// Whether a key that is enrolled asks for another PIN at its first use.
    pub pin_change_at_first_use: bool,
    /// The longest that a sealed code (break-glass) may be valid, in seconds; none: none is.
    pub break_glass: Option<u64>,
}

/// A Unix account that several people use.
#[derive(Debug, JsonSchema, Serialize)]
pub struct SharingView {
    /// The account.
    pub account: String,
    /// Groups whose people may use it.
    pub groups: Vec<String>,
}

/// Policies that were changed.
#[derive(Debug, Default, Serialize)]
pub struct ScopesChanged {
    /// The scopes.
    pub scopes: Vec<String>,
    /// Whether any policy is another one now.
    pub changed: bool,
    /// What was set, in words.
    #[serde(skip)]
    pub details: Vec<Phrase>,
    /// What an administrator should look at.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub warnings: Vec<Phrase>,
}

impl ScopesChanged {
    /// Takes what another change did to the same scopes.
    pub(super) fn add(&mut self, other: Self) {
        self.details.extend(other.details);
        self.changed |= other.changed;
        self.warnings.extend(other.warnings);
    }
}

/// A scope as it is stored, with its policy.
pub(super) fn view(row: &Scope, policy: &PolicyDocument) -> ScopeView {
    let sharing = |shared: &SharedAccount| SharingView {
        account: shared.account.to_string(),
        groups: names(shared.groups.iter()),
    };
    ScopeView {
        name: row.name.to_string(),
        epoch: row.position.epoch,
        seq: row.position.seq,
        halted: row.halted.clone(),
        soft: policy.offline.soft,
        degraded: policy.offline.degraded,
        hard: policy.offline.hard,
        emergency_groups: names(policy.emergency_groups.iter()),
        shared_accounts: policy.shared_accounts.iter().map(sharing).collect(),
        lockout_threshold: policy.lockout.threshold,
        lockout_delay: policy.lockout.base_delay,
        lockout_longest: policy.lockout.max_delay,
        on_removal: policy.sessions.unwrap_or_default().on_removal.as_str().to_owned(),
        session_idle: policy.sessions.and_then(|sessions| sessions.idle),
        session_longest: policy.sessions.and_then(|sessions| sessions.longest),
        passes: policy.pass_seconds,
        pass_except: names(policy.pass_except.iter().flat_map(|all| all.iter())),
        ask_name: policy.ask_name == Some(true),
        vouch_groups: names(policy.vouch_groups.iter().flat_map(|all| all.iter())),
        vouch_seconds: policy.vouch_seconds,
        vouch_per_month: policy.vouch_per_month,
        loans: policy.loan_seconds,
        min_pin_length: policy.min_pin_length,
        pin_change_at_first_use: policy.pin_change_at_first_use == Some(true),
        break_glass: policy.break_glass_seconds,
    }
}
