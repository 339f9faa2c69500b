//! What this terminal has seen of the log last, kept in `state.redb`.

use minicbor::{Decode, Encode};
use wardkey_core::codec::{self, Bytes, Document};
use wardkey_core::id::DeploymentId;
use wardkey_core::message::http::MAX_CHECKPOINT;
use wardkey_core::time::UnixTime;
use wardkey_tlog::{Checkpoint, Note};

use crate::error::AgentError;
use crate::store::state::State;

/// Its name in the state.
const NAME: &str = "log-seen";

/// The last checkpoint that held.
#[derive(Clone, Debug, PartialEq, Eq, Encode, Decode)]
#[cbor(map)]
pub struct Seen {
    /// The deployment: what was seen of another one does not apply.
    #[n(0)]
    pub deployment: DeploymentId,
    /// The greatest epoch that the terminal's scopes had then. A restore raises it.
    #[n(1)]
    pub epoch: u64,
    /// The checkpoint, as the server signed it.
    #[n(2)]
    pub note: Bytes<MAX_CHECKPOINT>,
    /// When the server showed last that its log goes on from it.
    #[n(3)]
    pub time: UnixTime,
    /// Whether the server has our cosignature of it.
    #[n(4)]
    pub cosigned: bool,
}

impl Document for Seen {
    const DOMAIN: &'static str = "wardkey/log-seen/1";
    const MAX_BYTES: usize = MAX_CHECKPOINT + 128;
    const GROWS: bool = true;
}

impl Seen {
    /// What was seen last of this deployment's log.
    ///
    /// # Errors
    /// [`AgentError`] when the store cannot be used, or has something else there.
    pub fn read(state: &State, deployment: &DeploymentId) -> Result<Option<Self>, AgentError> {
        let Some(bytes) = state.value(NAME)? else { return Ok(None) };
        let seen: Self = codec::from_bytes(&bytes)?;
        Ok(Some(seen).filter(|seen| seen.deployment == *deployment))
    }

    /// Keeps it, durably.
    ///
    /// # Errors
    /// [`AgentError`] when the store cannot be used.
    pub fn write(&self, state: &State) -> Result<(), AgentError> {
        state.set_value(NAME, &codec::to_bytes(self))
    }

    /// What the server signed. It was verified when it was seen.
    pub fn checkpoint(&self) -> Option<Checkpoint> {
        Checkpoint::parse(Note::parse(self.note.as_slice()).ok()?.unverified()).ok()
    }
}
