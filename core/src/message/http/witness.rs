//! The log of records, as terminals look at it: what is shown to them, and what they sign of it.

use serde::{Deserialize, Serialize};

use super::base64::Base64;
use crate::id::TerminalId;
use crate::name::RpId;

/// The longest checkpoint in bytes: three lines and a signature.
pub const MAX_CHECKPOINT: usize = 4096;

/// `GET /v1/log/checkpoint?since=SIZE`
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct CheckpointReply {
    /// By which key the log is signed ([`crate::log_key::LogKey`]).
    pub key: Base64,
    /// The newest signed checkpoint (C2SP tlog-checkpoint), a text.
    pub checkpoint: String,
    /// The proof that it goes on from the log of that size: hashes. Empty when there is nothing to
    /// prove, or nothing that can be proved.
    pub proof: Vec<Base64>,
}

/// `POST /v1/log/cosignature`
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct CosignatureRequest {
    /// The terminal's witness key, as a verifier key (C2SP signed-note): its name is
    /// [`witness_name`].
    pub key: String,
    /// The checkpoint with the terminal's cosignature (C2SP tlog-cosignature).
    pub checkpoint: String,
}

/// The server has it.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct CosignatureReply {
    /// Records in the log of the checkpoint.
    pub size: u64,
}

/// The name of a terminal's witness key.
pub fn witness_name(rp_id: &RpId, terminal: &TerminalId) -> String {
    format!("{rp_id}/wardkey-witness/{terminal}")
}
