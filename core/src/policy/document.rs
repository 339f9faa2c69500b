//! The policy of a scope: what is allowed how long without the server, who shares accounts, which
//! services raise privilege, when failures lock a key out.

use minicbor::{Decode, Encode};

use crate::codec::{Document, List};
use crate::name::{GroupName, LoginName, ScopeName, ServiceName};
use crate::policy::session::SessionRules;
use crate::proof::ProofKind;

/// What a scope allows.
#[derive(Clone, Debug, PartialEq, Eq, Encode, Decode)]
#[cbor(map)]
pub struct PolicyDocument {
    /// The scope.
    #[n(0)]
    pub scope: ScopeName,
    /// What is allowed how long without the server.
    #[n(1)]
    pub offline: OfflineLimits,
    /// When and how long refusals follow failures.
    #[n(2)]
    pub lockout: Lockout,
    /// Unix accounts that several people share.
    #[n(3)]
    pub shared_accounts: List<SharedAccount, 64>,
    /// Services that raise privilege (sudo, su, polkit-1): refused from the degraded stage on.
    #[n(4)]
    pub elevating_services: List<ServiceName, 32>,
    /// Groups that may log in from the first hour offline to the end of the hard stage, seen here
    /// or not.
    #[n(5)]
    pub emergency_groups: List<GroupName, 16>,
    /// What holds for sessions that have begun; nothing where it is absent. An older terminal
    /// passes it over: it lets nobody in by it, and locks nothing.
    #[n(110)]
    pub sessions: Option<SessionRules>,
    /// The longest that a pass may be valid, in seconds; none: the scope allows no passes. A reader
    /// that does not know this lets nobody in by one.
    #[n(101)]
    pub pass_seconds: Option<u64>,
    /// Services that take no passes, and nobody's word for another.
    #[n(102)]
    pub pass_except: Option<List<ServiceName, 32>>,
    /// True: who logs in is always asked for, so that a key that is found names nobody. A reader
    /// that does not know this asks always.
    #[n(111)]
    pub ask_name: Option<bool>,
    /// Groups whose members may vouch for somebody who has forgotten the key; none: nobody may. A
    /// reader that does not know this lets nobody in by it.
    #[n(112)]
    pub vouch_groups: Option<List<GroupName, 16>>,
    /// For how many seconds at most.
    #[n(113)]
    pub vouch_seconds: Option<u64>,
    /// How often within thirty days at one terminal for one person.
    #[n(114)]
    pub vouch_per_month: Option<u32>,
    /// The longest that a key may be lent, in seconds; none: people of the scope get no loans. A
    /// reader that does not know this lets nobody in by one.
    #[n(115)]
    pub loan_seconds: Option<u64>,
    /// How many characters a PIN has at least, 4 to 63: at enrollment the server says it, and a key
    /// that can keeps to it from then on. Terminals judge nothing by it.
    #[n(116)]
    pub min_pin_length: Option<u8>,
    /// True: a key that is enrolled asks for another PIN at its first use. As above.
    #[n(117)]
    pub pin_change_at_first_use: Option<bool>,
    /// The longest that a sealed code (break-glass) may be valid, in seconds; none: the scope has
    /// none. A reader that does not know this lets nobody in by one.
    #[n(118)]
    pub break_glass_seconds: Option<u64>,
}

impl Document for PolicyDocument {
    const DOMAIN: &'static str = "wardkey/policy/1";
    const MAX_BYTES: usize = 64 * 1024;
    const GROWS: bool = true;
}

impl PolicyDocument {
    /// The policy of a new scope.
    pub fn default_for(scope: ScopeName) -> Self {
        let services = ["sudo", "sudo-i", "su", "su-l", "polkit-1"];
        let services =
            services.into_iter().filter_map(|name| ServiceName::new(name).ok()).collect();
        Self {
            scope,
            offline: OfflineLimits::default(),
            lockout: Lockout::default(),
            shared_accounts: List::default(),
            elevating_services: List::new(services).unwrap_or_default(),
            emergency_groups: List::default(),
            sessions: None,
            pass_seconds: None,
            pass_except: None,
            ask_name: None,
            vouch_groups: None,
            vouch_seconds: None,
            vouch_per_month: None,
            loan_seconds: None,
            min_pin_length: None,
            pin_change_at_first_use: None,
            break_glass_seconds: None,
        }
    }

    /// The longest that a proof of this kind may be valid, in seconds, when the scope allows it.
    pub const fn longest(&self, kind: ProofKind) -> Option<u64> {
        match kind {
            ProofKind::TemporaryCode => self.pass_seconds,
            ProofKind::Vouch if self.vouch_groups.is_some() => self.vouch_seconds,
            ProofKind::Vouch => None,
            ProofKind::BreakGlass => self.break_glass_seconds,
            // A key is valid for as long as the directory has it.
            ProofKind::KeyWithPin | ProofKind::KeyWithFingerprint => Some(u64::MAX),
        }
    }

    /// Whether a service does not take a kind of proof here.
    pub fn excepts(&self, kind: ProofKind, service: &ServiceName) -> bool {
        !kind.is_by_key()
            && self.pass_except.as_ref().is_some_and(|except| except.contains(service))
    }

    /// The groups that may use a shared account; `None` when it is not shared here.
    pub fn shared_account(&self, account: &LoginName) -> Option<&SharedAccount> {
        self.shared_accounts.iter().find(|shared| shared.account == *account)
    }
}

/// Seconds without the server (counted from the expiry of what was signed) until a stage ends.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Encode, Decode)]
#[cbor(map)]
pub struct OfflineLimits {
    /// Until here: everyone, with a banner. Default 24 h.
    #[n(0)]
    pub soft: u64,
    /// Until here: people seen at this terminal and emergency groups, no elevating services.
    /// Default 72 h.
    #[n(1)]
    pub degraded: u64,
    /// Until here: emergency groups only, no elevating services; after it nobody. Default 168 h.
    #[n(2)]
    pub hard: u64,
}

impl Default for OfflineLimits {
    fn default() -> Self {
        Self { soft: 24 * 3600, degraded: 72 * 3600, hard: 168 * 3600 }
    }
}

impl OfflineLimits {
    /// Each stage ends no earlier than the one before it.
    pub const fn is_ordered(&self) -> bool {
        self.soft <= self.degraded && self.degraded <= self.hard
    }
}

/// Delay after failures.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Encode, Decode)]
#[cbor(map)]
pub struct Lockout {
    /// Consecutive failures until the first delay. Default 5.
    #[n(0)]
    pub threshold: u32,
    /// The first delay in seconds; doubled with each further failure. Default 30.
    #[n(1)]
    pub base_delay: u64,
    /// The longest delay in seconds. Default 3600.
    #[n(2)]
    pub max_delay: u64,
}

impl Default for Lockout {
    fn default() -> Self {
        Self { threshold: 5, base_delay: 30, max_delay: 3600 }
    }
}

impl Lockout {
    /// Seconds of refusal after this many consecutive failures.
    pub fn delay(&self, failures: u32) -> u64 {
        match failures.checked_sub(self.threshold.max(1)) {
            None => 0,
            Some(over) => self.base_delay.saturating_mul(1u64 << over.min(32)).min(self.max_delay),
        }
    }
}

/// A Unix account that several people share; the record still names the person.
#[derive(Clone, Debug, PartialEq, Eq, Encode, Decode)]
#[cbor(map)]
pub struct SharedAccount {
    /// The account.
    #[n(0)]
    pub account: LoginName,
    /// A person in one of these groups may use it.
    #[n(1)]
    pub groups: List<GroupName, 32>,
}
