//! The signed documents: root, terminal, head and policy.

use minicbor::{Decode, Encode};

use crate::codec::{Bytes, CodecError, Document, List};
use crate::id::{DeploymentId, Hash, SigningPublicKey, TerminalId};
use crate::name::{DisplayText, GroupName, LoginName, RpId, ScopeName, ServiceName};
use crate::person::Status;
use crate::sign::{self, SignatureError, Verified};
use crate::time::UnixTime;

/// Scopes of one terminal.
pub const MAX_SCOPES: usize = 8;
/// Root documents from the one in the anchor to the current one.
pub const MAX_ROOTS: usize = 16;

/// The root of a deployment: who may publish, and under which name keys are made.
#[derive(Clone, Debug, PartialEq, Eq, Encode, Decode)]
#[cbor(map)]
pub struct RootDocument {
    /// 1, 2, ...; each signed by the one before it and by itself.
    #[n(0)]
    pub version: u64,
    /// The deployment.
    #[n(1)]
    pub deployment: DeploymentId,
    /// Name of the deployment, for people.
    #[n(2)]
    pub name: DisplayText,
    /// Relying party id: fixed for ever.
    #[n(3)]
    pub rp_id: RpId,
    /// The root key of this version.
    #[n(4)]
    pub root_key: SigningPublicKey,
    /// The keys that may sign heads, terminal documents and policies.
    #[n(5)]
    pub publish_keys: List<SigningPublicKey, 8>,
    /// The certificate (DER) that issues the server's and the terminals' TLS certificates.
    #[n(6)]
    pub tls_ca: Bytes<4096>,
    /// When it was signed.
    #[n(7)]
    pub issued: UnixTime,
}

impl Document for RootDocument {
    const DOMAIN: &'static str = "wardkey/root/1";
    const MAX_BYTES: usize = 8 * 1024;
    const GROWS: bool = true;
}

/// A root document with its two signatures.
#[derive(Clone, Debug, PartialEq, Eq, Encode, Decode)]
#[cbor(map)]
pub struct SignedRoot {
    /// COSE_Sign1 by the document's own root key.
    #[n(0)]
    pub by_itself: Bytes<{ RootDocument::MAX_BYTES + 128 }>,
    /// COSE_Sign1 over the same payload by the root key of the version before; none for version 1.
    #[n(1)]
    pub by_previous: Option<Bytes<{ RootDocument::MAX_BYTES + 128 }>>,
}

impl SignedRoot {
    /// Verifies a first root document: its own signature by a key known from elsewhere.
    ///
    /// # Errors
    /// [`SignatureError`] when it is not signed by `key`, or is not that key's document.
    pub fn verify_first(&self, key: &SigningPublicKey) -> Result<Verified<RootDocument>, SignatureError> {
        let root: Verified<RootDocument> = sign::verify(self.by_itself.as_slice(), &[*key])?;
        if root.root_key == *key { Ok(root) } else { Err(SignatureError::UnknownKey) }
    }

    /// Verifies the document that follows `previous`: signed by it and by itself, next version,
    /// same deployment, same relying party id.
    ///
    /// # Errors
    /// [`SignatureError`] when a signature is missing or wrong, or it does not follow.
    pub fn verify_next(&self, previous: &Verified<RootDocument>) -> Result<Verified<RootDocument>, SignatureError> {
        let by_previous = self.by_previous.as_ref().ok_or(SignatureError::UnknownKey)?;
        let root: Verified<RootDocument> = sign::verify(by_previous.as_slice(), &[previous.root_key])?;
        let same: Verified<RootDocument> = sign::verify(self.by_itself.as_slice(), &[root.root_key])?;
        let follows = *same == *root
            && previous.version.checked_add(1) == Some(root.version)
            && root.deployment == previous.deployment
            && root.rp_id == previous.rp_id;
        if follows { Ok(root) } else { Err(CodecError::Malformed("root document does not follow".into()).into()) }
    }

    /// Verifies a chain that begins with the document of the anchor's key.
    ///
    /// # Errors
    /// [`SignatureError`] when it is empty or any link does not hold.
    pub fn verify_chain(chain: &[Self], anchor: &SigningPublicKey) -> Result<Verified<RootDocument>, SignatureError> {
        let (first, rest) = chain.split_first().ok_or(SignatureError::UnknownKey)?;
        rest.iter().try_fold(first.verify_first(anchor)?, |previous, next| next.verify_next(&previous))
    }
}

/// What a terminal is and which scopes it takes.
#[derive(Clone, Debug, PartialEq, Eq, Encode, Decode)]
#[cbor(map)]
pub struct TerminalDocument {
    /// The terminal.
    #[n(0)]
    pub terminal: TerminalId,
    /// Counts up with every change of what it says; re-signing does not change it.
    #[n(1)]
    pub number: u64,
    /// Name for people and records.
    #[n(2)]
    pub name: DisplayText,
    /// The scopes, sorted, 1 to 8.
    #[n(3)]
    pub scopes: List<ScopeName, MAX_SCOPES>,
    /// A disabled terminal lets nobody in.
    #[n(4)]
    pub status: Status,
    /// When it was signed.
    #[n(5)]
    pub issued: UnixTime,
    /// After this it counts as offline, like a head.
    #[n(6)]
    pub expires: UnixTime,
}

impl Document for TerminalDocument {
    const DOMAIN: &'static str = "wardkey/terminal/1";
    const MAX_BYTES: usize = 2 * 1024;
    const GROWS: bool = true;
}

/// The signed state of a scope at a moment.
#[derive(Clone, Debug, PartialEq, Eq, Encode, Decode)]
#[cbor(map)]
pub struct Head {
    /// The scope.
    #[n(0)]
    pub scope: ScopeName,
    /// Raised when the server was restored from a backup.
    #[n(1)]
    pub epoch: u64,
    /// Raised with every change of the scope's state or policy.
    #[n(2)]
    pub seq: u64,
    /// State root.
    #[n(3)]
    pub root: Hash,
    /// People in the state.
    #[n(4)]
    pub count: u64,
    /// Hash of the [`PolicyDocument`].
    #[n(5)]
    pub policy: Hash,
    /// When it was signed.
    #[n(6)]
    pub issued: UnixTime,
    /// From here on the terminal is offline.
    #[n(7)]
    pub expires: UnixTime,
}

impl Document for Head {
    const DOMAIN: &'static str = "wardkey/head/1";
    const MAX_BYTES: usize = 512;
    const GROWS: bool = true;
}

impl Head {
    /// The order of states: epoch, then sequence.
    pub const fn position(&self) -> Position {
        Position { epoch: self.epoch, seq: self.seq }
    }
}

/// Where a scope stands: a lower one is older.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Encode, Decode)]
#[cbor(map)]
pub struct Position {
    /// Epoch.
    #[n(0)]
    pub epoch: u64,
    /// Sequence within the epoch.
    #[n(1)]
    pub seq: u64,
}

impl std::fmt::Display for Position {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}.{}", self.epoch, self.seq)
    }
}

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
    /// Groups that may log in from the first hour offline to the end of the hard stage, seen here or not.
    #[n(5)]
    pub emergency_groups: List<GroupName, 16>,
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
        let services = services.into_iter().filter_map(|name| ServiceName::new(name).ok()).collect();
        Self {
            scope,
            offline: OfflineLimits::default(),
            lockout: Lockout::default(),
            shared_accounts: List::default(),
            elevating_services: List::new(services).unwrap_or_default(),
            emergency_groups: List::default(),
        }
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
    /// Until here: people seen at this terminal and emergency groups, no elevating services. Default 72 h.
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
