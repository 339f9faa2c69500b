//! The JSON bodies of the HTTPS interface between agent and server. Signed things travel as the
//! base64url of their exact bytes. Unknown fields are refused by the server and passed over by the
//! agent.

mod base64;
mod enrollment;
mod witness;

use serde::{Deserialize, Serialize};

use crate::code::Code;
use crate::codec::Bytes;
use crate::document::SignedRoot;

pub use base64::Base64;
pub use enrollment::{
    CreationOptions, CredentialParameter, Descriptor, EnrollBeginReply, EnrollBeginRequest,
    EnrollFinishReply, EnrollFinishRequest, RpEntity, UserEntity,
};
pub use witness::{
    CheckpointReply, CosignatureReply, CosignatureRequest, MAX_CHECKPOINT, witness_name,
};

/// The body of every answer above 399.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct ErrorReply {
    /// `WK-1506`.
    pub code: String,
    /// The same for programs.
    pub number: u16,
    /// A sentence for administrators, in English.
    pub message: String,
}

impl ErrorReply {
    /// The code, if this version knows it.
    pub fn known_code(&self) -> Option<Code> {
        Code::from_number(self.number)
    }
}

/// A root document in JSON.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct RootJson {
    /// Signed by its own root key.
    pub by_itself: Base64,
    /// Signed by the version before.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub by_previous: Option<Base64>,
}

impl From<&SignedRoot> for RootJson {
    fn from(root: &SignedRoot) -> Self {
        Self {
            by_itself: Base64(root.by_itself.as_slice().to_vec()),
            by_previous: root.by_previous.as_ref().map(|bytes| Base64(bytes.as_slice().to_vec())),
        }
    }
}

impl TryFrom<RootJson> for SignedRoot {
    type Error = crate::codec::CodecError;
    fn try_from(root: RootJson) -> Result<Self, Self::Error> {
        Ok(Self {
            by_itself: Bytes::new(root.by_itself.0)?,
            by_previous: root.by_previous.map(|bytes| Bytes::new(bytes.0)).transpose()?,
        })
    }
}

/// `GET /v1/root`
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct RootReply {
    /// From version 1 to the current one.
    pub roots: Vec<RootJson>,
    /// The server's time.
    pub time: u64,
}

/// `POST /v1/join`
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct JoinRequest {
    /// Id of the join token.
    pub token: Base64,
    /// PKCS #10, DER.
    pub csr: Base64,
    /// 32 random bytes.
    pub nonce: Base64,
    /// SHA-256 of the machine id.
    pub machine: Base64,
    /// Name of the terminal.
    pub name: String,
    /// HMAC-SHA-256 by the token's secret over [`join_mac_input`].
    pub mac: Base64,
}

/// What the HMAC of a join is over: each part with its length, so that none runs into the next.
pub fn join_mac_input(nonce: &[u8], machine: &[u8], name: &str, csr: &[u8]) -> Vec<u8> {
    let mut out = b"wardkey/join/1".to_vec();
    for part in [nonce, machine, name.as_bytes(), csr] {
        out.extend_from_slice(&(part.len() as u64).to_be_bytes());
        out.extend_from_slice(part);
    }
    out
}

/// Answer to a join or a renewal.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct JoinReply {
    /// The terminal's certificate, DER; issued by the CA of the root document.
    pub certificate: Base64,
    /// The terminal's id.
    pub terminal: Base64,
    /// Its signed document.
    pub document: Base64,
    /// The server's time.
    pub time: u64,
}

/// `POST /v1/renew`, with the certificate so far.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct RenewRequest {
    /// PKCS #10, DER.
    pub csr: Base64,
}

/// `POST /v1/time`
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct TimeRequest {
    /// 32 bytes: the challenge of a module.
    pub nonce: Base64,
}

/// Answer to it.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct TimeReply {
    /// The signed statement ([`crate::server_time::ServerTime`]).
    pub signed: Base64,
}

/// `POST /v1/wait`
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct WaitRequest {
    /// What the terminal has; empty for one that has nothing yet.
    pub scopes: Vec<ScopeState>,
    /// Version of the root document that it has.
    pub root_version: u64,
    /// Number of the terminal document that it has, 0 for none.
    pub terminal_number: u64,
    /// When that document was issued, 0 for none.
    pub terminal_issued: u64,
    /// Seconds to hold the request when nothing is new; at most 55.
    pub hold: u64,
    /// The terminal's programs. Older ones do not say it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub program: Option<Program>,
    /// Number of the list of addresses that it has under this root document; none where it has
    /// none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub addresses: Option<u64>,
}

/// Longest version or capability, in bytes.
pub const MAX_PROGRAM_TEXT: usize = 32;
/// Most capabilities.
pub const MAX_CAPABILITIES: usize = 32;

/// Programs of a terminal.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Program {
    /// Their version.
    pub version: String,
    /// What they can ([`crate::capability`]).
    pub can: Vec<String>,
}

impl Program {
    /// Whether it is short and printable.
    pub fn is_valid(&self) -> bool {
        let is_word = |text: &String| {
            text.len() <= MAX_PROGRAM_TEXT
                && text.bytes().all(|byte| byte.is_ascii_graphic() && byte != b',')
        };
        self.can.len() <= MAX_CAPABILITIES && is_word(&self.version) && self.can.iter().all(is_word)
    }
}

/// What a terminal has of a scope.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ScopeState {
    /// The scope.
    pub scope: String,
    /// Epoch.
    pub epoch: u64,
    /// Sequence.
    pub seq: u64,
    /// State root.
    pub root: Base64,
    /// When the head was issued.
    pub issued: u64,
    /// The signed head itself: only it proves to a server that it is behind.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub head: Option<Base64>,
}

/// What is new; everything that is not is left out.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
pub struct WaitReply {
    /// The server's time.
    pub time: u64,
    /// Root documents after the version that the terminal has.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub roots: Vec<RootJson>,
    /// The signed terminal document.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub terminal: Option<Base64>,
    /// Signed heads.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub heads: Vec<Base64>,
    /// What leads to some of these heads, where it is little; only for terminals that can
    /// [`crate::capability::CHANGES_IN_WAIT`].
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub changes: Vec<ScopeChanges>,
    /// The signed addresses of the server ([`crate::addresses`]); only for terminals that can
    /// [`crate::capability::SERVER_ADDRESSES`].
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub addresses: Option<Base64>,
}

/// All changes that lead from what a terminal has of a scope to the head beside it.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct ScopeChanges {
    /// The scope.
    pub scope: String,
    /// The sequence that they follow on.
    pub since: u64,
    /// Latest state of each person changed since then, ascending by `seq`.
    pub changes: Vec<Change>,
}

/// `GET /v1/scopes/{scope}/changes?since=SEQ`
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct ChangesReply {
    /// The head that is true once all pages are applied; that of the last page counts.
    pub head: Base64,
    /// Latest state of each person changed after `since`, ascending by `seq`.
    pub changes: Vec<Change>,
    /// `since` of the next page, when there is one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub next: Option<u64>,
}

/// The latest state of one person in a scope.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Change {
    /// Sequence of the change.
    pub seq: u64,
    /// Login name.
    pub login: String,
    /// The record's encoding; absent for a person who left the scope.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub record: Option<Base64>,
}

/// `GET /v1/policies/{hash}` (hexadecimal digits)
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct PolicyReply {
    /// The encoding of the policy document.
    pub policy: Base64,
}

/// `POST /v1/events`
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct EventsRequest {
    /// Encodings of [`crate::event::Event`], at most 256.
    pub events: Vec<Base64>,
}

/// What the server has durably: also those that it had before.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct EventsReply {
    /// Event ids.
    pub accepted: Vec<Base64>,
    /// Events that the server will never take, with the reason; the agent need not send them again.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub refused: Vec<RefusedEvent>,
}

/// An event that the server does not take.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct RefusedEvent {
    /// Event id.
    pub id: Base64,
    /// Why.
    pub reason: String,
}
