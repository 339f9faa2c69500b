//! The signed documents: root, terminal and head. The policy is [`crate::policy::document`]'s.

use minicbor::{Decode, Encode};

use crate::codec::{Bytes, CodecError, Document, List};
use crate::id::{DeploymentId, Hash, SigningPublicKey, TerminalId};
use crate::name::{DisplayText, RpId, ScopeName};
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
    pub fn verify_first(
        &self,
        key: &SigningPublicKey,
    ) -> Result<Verified<RootDocument>, SignatureError> {
        let root: Verified<RootDocument> = sign::verify(self.by_itself.as_slice(), &[*key])?;
        if root.root_key == *key { Ok(root) } else { Err(SignatureError::UnknownKey) }
    }

    /// Verifies the document that follows `previous`: signed by it and by itself, next version,
    /// same deployment, same relying party id.
    ///
    /// # Errors
    /// [`SignatureError`] when a signature is missing or wrong, or it does not follow.
    pub fn verify_next(
        &self,
        previous: &Verified<RootDocument>,
    ) -> Result<Verified<RootDocument>, SignatureError> {
        let by_previous = self.by_previous.as_ref().ok_or(SignatureError::UnknownKey)?;
        let root: Verified<RootDocument> =
            sign::verify(by_previous.as_slice(), &[previous.root_key])?;
        let same: Verified<RootDocument> =
            sign::verify(self.by_itself.as_slice(), &[root.root_key])?;
        let follows = *same == *root
            && previous.version.checked_add(1) == Some(root.version)
            && root.deployment == previous.deployment
            && root.rp_id == previous.rp_id;
        if follows {
            Ok(root)
        } else {
            Err(CodecError::Malformed("root document does not follow".into()).into())
        }
    }

    /// Verifies a chain that begins with the document of the anchor's key.
    ///
    /// # Errors
    /// [`SignatureError`] when it is empty or any link does not hold.
    #[inline(never)]
    pub fn verify_chain(
        chain: &[Self],
        anchor: &SigningPublicKey,
    ) -> Result<Verified<RootDocument>, SignatureError> {
        let (first, rest) = chain.split_first().ok_or(SignatureError::UnknownKey)?;
        rest.iter()
            .try_fold(first.verify_first(anchor)?, |previous, next| next.verify_next(&previous))
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
