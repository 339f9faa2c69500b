//! The server as the agent uses it: a trait, so that what is done with its answers can be tested
//! without a network.
//!
//! Errors of this module are [`ServerError`].

use std::sync::Arc;

use wardkey_core::id::Hash;
use wardkey_core::message::http::{
    ChangesReply, CheckpointReply, CosignatureReply, CosignatureRequest, EnrollBeginReply,
    EnrollBeginRequest, EnrollFinishReply, EnrollFinishRequest, EventsReply, EventsRequest,
    JoinReply, RenewRequest, TimeReply, TimeRequest, WaitReply, WaitRequest,
};
use wardkey_core::name::ScopeName;

use crate::clock::Clock;
use crate::error::ServerError;
use crate::identity::Identity;

/// A server. Nothing that it says is believed before its signature was verified.
pub trait Upstream: Send + Sync {
    /// `POST /v1/wait`
    fn wait(&self, request: &WaitRequest) -> Result<WaitReply, ServerError>;
    /// Where the answer to that came from; none where it is not known.
    fn place(&self) -> Option<String> {
        None
    }
    /// What was said there is not to be believed: another place is asked next, if there is one.
    fn pass_over(&self) {}
    /// `GET /v1/scopes/{scope}/changes`
    fn changes(&self, scope: &ScopeName, since: u64) -> Result<ChangesReply, ServerError>;
    /// `GET /v1/policies/{hash}`
    fn policy(&self, hash: &Hash) -> Result<Vec<u8>, ServerError>;
    /// `POST /v1/events`
    fn events(&self, request: &EventsRequest) -> Result<EventsReply, ServerError>;
    /// `GET /v1/log/checkpoint`
    fn checkpoint(&self, since: u64) -> Result<CheckpointReply, ServerError>;
    /// `POST /v1/log/cosignature`
    fn cosignature(&self, request: &CosignatureRequest) -> Result<CosignatureReply, ServerError>;
    /// `POST /v1/renew`
    fn renew(&self, request: &RenewRequest) -> Result<JoinReply, ServerError>;
    /// `POST /v1/time`: a person waits for the answer.
    fn time(&self, request: &TimeRequest) -> Result<TimeReply, ServerError>;
    /// `POST /v1/enroll/begin`
    fn enroll_begin(&self, request: &EnrollBeginRequest) -> Result<EnrollBeginReply, ServerError>;
    /// `POST /v1/enroll/finish`
    fn enroll_finish(
        &self,
        request: &EnrollFinishRequest,
    ) -> Result<EnrollFinishReply, ServerError>;
}

/// Makes connections to the server.
pub trait Connect: Send + Sync {
    /// A server that is trusted if a certificate of `ca` (DER) says so.
    fn open(
        &self,
        identity: &Identity,
        ca: &[u8],
        clock: &Arc<Clock>,
    ) -> Result<Arc<dyn Upstream>, ServerError>;
}
