//! One server in several places. Whoever asks for news goes from one place to the next until one
//! answers, and stays there; everything else goes to that place alone. So what a person waits for
//! waits for one place, and nothing is done twice.
//!
//! Errors of this module are [`ServerError`].

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use rustls::ClientConfig;
use wardkey_core::id::Hash;
use wardkey_core::message::http::{
    ChangesReply, CheckpointReply, CosignatureReply, CosignatureRequest, EnrollBeginReply,
    EnrollBeginRequest, EnrollFinishReply, EnrollFinishRequest, EventsReply, EventsRequest,
    JoinReply, RenewRequest, TimeReply, TimeRequest, WaitReply, WaitRequest,
};
use wardkey_core::name::ScopeName;

use super::Http;
use crate::clock::Clock;
use crate::error::ServerError;
use crate::identity::Identity;
use crate::sync::tls;
use crate::sync::upstream::{Connect, Upstream};

/// The places, and which of them answered last.
#[derive(Debug)]
pub struct Places {
    all: Vec<(String, Http)>,
    at: AtomicUsize,
}

impl Places {
    /// These places, by the same TLS. One that is no address is passed over while there are others.
    ///
    /// # Errors
    /// [`ServerError::Malformed`] when none is an address.
    pub fn new(places: &[String], tls: &Arc<ClientConfig>) -> Result<Self, ServerError> {
        let (mut all, mut wrong) = (Vec::new(), None);
        for place in places {
            match Http::new(place, Arc::clone(tls)) {
                Ok(http) => all.push((place.clone(), http)),
                Err(error) => wrong = Some(error),
            }
        }
        match wrong {
            Some(error) if all.is_empty() => Err(error),
            _ => Ok(Self { all, at: AtomicUsize::new(0) }),
        }
    }

    fn current(&self) -> Result<&Http, ServerError> {
        let found = self.all.get(self.at.load(Ordering::Relaxed));
        found.map(|(_, http)| http).ok_or_else(|| ServerError::Malformed("no address".into()))
    }
}

/// Whether nobody answered who can be believed: then another place may be right.
pub fn is_elsewhere(error: &ServerError) -> bool {
    matches!(error, ServerError::Unreachable(_) | ServerError::NotTrusted(_))
}

impl Upstream for Places {
    fn wait(&self, request: &WaitRequest) -> Result<WaitReply, ServerError> {
        let begin = self.at.load(Ordering::Relaxed);
        let mut failed = None;
        for step in 0..self.all.len() {
            let at = (begin + step) % self.all.len();
            let Some((_, http)) = self.all.get(at) else { continue };
            match http.wait(request) {
                Err(error) if is_elsewhere(&error) => failed = failed.or(Some(error)),
                answer => {
                    self.at.store(at, Ordering::Relaxed);
                    return answer;
                }
            }
        }
        Err(failed.unwrap_or_else(|| ServerError::Malformed("no address".into())))
    }

    fn place(&self) -> Option<String> {
        self.all.get(self.at.load(Ordering::Relaxed)).map(|(place, _)| place.clone())
    }

    fn changes(&self, scope: &ScopeName, since: u64) -> Result<ChangesReply, ServerError> {
        self.current()?.changes(scope, since)
    }

    fn policy(&self, hash: &Hash) -> Result<Vec<u8>, ServerError> {
        self.current()?.policy(hash)
    }

    fn events(&self, request: &EventsRequest) -> Result<EventsReply, ServerError> {
        self.current()?.events(request)
    }

    fn checkpoint(&self, since: u64) -> Result<CheckpointReply, ServerError> {
        self.current()?.checkpoint(since)
    }

    fn cosignature(&self, request: &CosignatureRequest) -> Result<CosignatureReply, ServerError> {
        self.current()?.cosignature(request)
    }

    fn renew(&self, request: &RenewRequest) -> Result<JoinReply, ServerError> {
        self.current()?.renew(request)
    }

    fn time(&self, request: &TimeRequest) -> Result<TimeReply, ServerError> {
        self.current()?.time(request)
    }

    fn enroll_begin(&self, request: &EnrollBeginRequest) -> Result<EnrollBeginReply, ServerError> {
        self.current()?.enroll_begin(request)
    }

    fn enroll_finish(
        &self,
        request: &EnrollFinishRequest,
    ) -> Result<EnrollFinishReply, ServerError> {
        self.current()?.enroll_finish(request)
    }
}

/// The real network.
#[derive(Debug)]
pub struct Network;

impl Connect for Network {
    fn open(
        &self,
        identity: &Identity,
        ca: &[u8],
        clock: &Arc<Clock>,
    ) -> Result<Arc<dyn Upstream>, ServerError> {
        let tls = tls::trusting(ca, Some(identity), Arc::clone(clock))?;
        Ok(Arc::new(Places::new(&identity.places(), &tls)?))
    }
}
