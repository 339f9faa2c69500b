//! One server in several places. Whoever asks for news goes from one place to the next until the
//! server answers, and stays there; everything else goes to that place alone. So what a person
//! waits for waits for one place, and nothing is done twice.
//!
//! ```text
//!   the list's, in its order ──> where the list came from ──> where this terminal joined ──┐
//!      ^                                 │ once an hour                                    │
//!      └─────────────────────────────────┴─────────────────────────────────────────────────┘
//! ```
//! Errors of this module are [`ServerError`].

use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use rustls::ClientConfig;
use wardkey_core::code::Code;
use wardkey_core::id::Hash;
use wardkey_core::message::http::{
    ChangesReply, CheckpointReply, CosignatureReply, CosignatureRequest, EnrollBeginReply,
    EnrollBeginRequest, EnrollFinishReply, EnrollFinishRequest, EventsReply, EventsRequest,
    JoinReply, RenewRequest, TimeReply, TimeRequest, WaitReply, WaitRequest,
};
use wardkey_core::name::ScopeName;

use super::Http;
use crate::clock::{Clock, Moment};
use crate::error::ServerError;
use crate::identity::Identity;
use crate::lock::lock;
use crate::sync::tls;
use crate::sync::upstream::{Connect, Upstream};

/// How long a terminal stays in a place that the server no longer names before it looks again where
/// it does: a server that was moved may be there still, and know nothing of what is new.
const LOOK_AGAIN: Duration = Duration::from_secs(3600);

/// The places, and which of them answered last.
#[derive(Debug)]
pub struct Places {
    all: Vec<Place>,
    /// How many of them the server's list names: they are the first.
    named: usize,
    at: AtomicUsize,
    look_again: Duration,
    looked: Mutex<Moment>,
}

#[derive(Debug)]
struct Place {
    address: String,
    http: Http,
    /// Its server does not know that terminals say which list they have: it was set back.
    is_older: AtomicBool,
}

impl Places {
    /// The places of a terminal, by the same TLS. One that is no address is passed over while there
    /// are others.
    ///
    /// # Errors
    /// [`ServerError::Malformed`] when none is an address.
    pub fn new(
        identity: &Identity,
        tls: &Arc<ClientConfig>,
        look_again: Duration,
    ) -> Result<Self, ServerError> {
        let (mut all, mut wrong) = (Vec::new(), None);
        for address in identity.places() {
            match Http::new(&address, Arc::clone(tls)) {
                Ok(http) => all.push(Place { address, http, is_older: AtomicBool::new(false) }),
                Err(error) => wrong = Some(error),
            }
        }
        if let Some(error) = wrong.filter(|_| all.is_empty()) {
            return Err(error);
        }

        let is_named = |place: &&Place| identity.addresses.list.contains(&place.address);
        let answered = |place: &Place| identity.addresses.answered.as_ref() == Some(&place.address);
        Ok(Self {
            named: all.iter().filter(is_named).count(),
            at: AtomicUsize::new(all.iter().position(answered).unwrap_or(0)),
            all,
            look_again,
            looked: Mutex::new(Moment::now()),
        })
    }

    fn current(&self) -> Result<&Http, ServerError> {
        let found = self.all.get(self.at.load(Ordering::Relaxed));
        found.map(|place| &place.http).ok_or_else(none)
    }

    /// Where to begin.
    fn begin(&self) -> usize {
        let at = self.at.load(Ordering::Relaxed);
        if at < self.named || self.named == 0 {
            return at;
        }
        let mut looked = lock(&self.looked);
        if looked.elapsed() < self.look_again {
            return at;
        }
        *looked = Moment::now();
        0
    }
}

impl Place {
    /// Asks for news. A server that was set back refuses what it does not know: it is asked without
    /// it, until it tells addresses again.
    fn wait(&self, request: &WaitRequest) -> Result<WaitReply, ServerError> {
        if request.addresses.is_none() {
            return self.http.wait(request);
        }
        if !self.is_older.load(Ordering::Relaxed) {
            match self.http.wait(request) {
                Err(ServerError::Refused { status: 400, .. }) => {}
                answer => return answer,
            }
        }
        let reply = self.http.wait(&WaitRequest { addresses: None, ..request.clone() })?;
        self.is_older.store(reply.addresses.is_none(), Ordering::Relaxed);
        Ok(reply)
    }
}

fn none() -> ServerError {
    ServerError::Malformed("no address".into())
}

/// Whether this is not an answer of the terminal's server: nobody is there, somebody who cannot be
/// believed, or another door of the same house. Then another place may be right.
pub const fn is_elsewhere(error: &ServerError) -> bool {
    match error {
        ServerError::Unreachable(_) | ServerError::NotTrusted(_) | ServerError::Malformed(_) => {
            true
        }
        // What is asked is there at every server of ours, and it gives each refusal a code. One
        // that knows no such terminal may be an old one, and one that is ill may not be the only
        // one; but being behind is no matter of one place.
        ServerError::Refused { status, code, .. } => {
            matches!(status, 404 | 405)
                || (*status >= 500 && !matches!(code, Code::ServerBehind))
                || is_without_code(*code)
                || is_of_terminal(*code)
        }
    }
}

/// Of no server of ours.
const fn is_without_code(code: Code) -> bool {
    matches!(code, Code::ServerUnreachable)
}

const fn is_of_terminal(code: Code) -> bool {
    matches!(code, Code::TerminalDisabled | Code::TerminalCertificate)
}

/// Which of two failures is said: the first, but for one that says that this terminal may not come,
/// as it need not ask so often then.
fn said(before: Option<ServerError>, error: ServerError) -> ServerError {
    match before {
        Some(before) if is_of_terminal(before.code()) || !is_of_terminal(error.code()) => before,
        _ => error,
    }
}

impl Upstream for Places {
    fn wait(&self, request: &WaitRequest) -> Result<WaitReply, ServerError> {
        let begin = self.begin();
        let mut failed = None;
        for step in 0..self.all.len() {
            let at = (begin + step) % self.all.len();
            let Some(place) = self.all.get(at) else { continue };
            match place.wait(request) {
                Err(error) if is_elsewhere(&error) => failed = Some(said(failed, error)),
                answer => {
                    self.at.store(at, Ordering::Relaxed);
                    return answer;
                }
            }
        }
        Err(failed.unwrap_or_else(none))
    }

    fn pass_over(&self) {
        let next = self.at.load(Ordering::Relaxed) + 1;
        self.at.store(next % self.all.len().max(1), Ordering::Relaxed);
    }

    fn place(&self) -> Option<String> {
        self.all.get(self.at.load(Ordering::Relaxed)).map(|place| place.address.clone())
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
pub struct Network {
    /// How long a terminal stays in a place that the server no longer names before it looks again.
    pub look_again: Duration,
}

impl Default for Network {
    fn default() -> Self {
        Self { look_again: LOOK_AGAIN }
    }
}

impl Connect for Network {
    fn open(
        &self,
        identity: &Identity,
        ca: &[u8],
        clock: &Arc<Clock>,
    ) -> Result<Arc<dyn Upstream>, ServerError> {
        let tls = tls::trusting(ca, Some(identity), Arc::clone(clock))?;
        Ok(Arc::new(Places::new(identity, &tls, self.look_again)?))
    }
}
