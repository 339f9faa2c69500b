//! The connection to the server, and how it is.

use std::sync::{Arc, Mutex};

use wardkey_core::time::UnixTime;

use crate::clock::Clock;
use crate::error::{AgentError, ServerError, Told};
use crate::identity::Identity;
use crate::lock::lock;
use crate::sync::upstream::{Connect, Upstream};

/// How the connection is.
#[derive(Clone, Debug, Default)]
pub struct LinkState {
    /// The last exchange worked; `None` before the first.
    pub connected: Option<bool>,
    /// When one last did.
    pub last_contact: Option<UnixTime>,
    /// Where the server answered last.
    pub answered: Option<String>,
    /// Why it does not.
    pub last_error: Option<Told>,
}

/// The connection.
pub struct Link {
    connect: Box<dyn Connect>,
    state: Mutex<LinkState>,
    connection: Mutex<Option<Connection>>,
}

/// A connection and what it was made from.
struct Connection {
    identity: Arc<Identity>,
    ca: Vec<u8>,
    upstream: Arc<dyn Upstream>,
}

impl Link {
    /// No connection yet; `connect` makes them.
    pub fn new(connect: Box<dyn Connect>) -> Self {
        Self { connect, state: Mutex::default(), connection: Mutex::default() }
    }

    /// How it is.
    pub fn state(&self) -> LinkState {
        lock(&self.state).clone()
    }

    /// Where the server is asked; none before it was asked.
    pub fn place(&self) -> Option<String> {
        lock(&self.connection).as_ref().and_then(|known| known.upstream.place())
    }

    /// Notes how an exchange went; `true` when that is a change.
    pub fn note(&self, now: UnixTime, error: Option<&AgentError>) -> bool {
        let connected = error.is_none();
        let place = self.place();
        let mut state = lock(&self.state);
        let changed = state.connected != Some(connected);
        state.connected = Some(connected);
        match error {
            None => {
                state.last_contact = Some(now);
                state.answered = place;
                state.last_error = None;
            }
            Some(error) => state.last_error = Some(error.told()),
        }
        changed
    }

    /// The connection, made anew when the certificate or the CA changed.
    ///
    /// # Errors
    /// [`ServerError`] when they cannot be used.
    pub fn upstream(
        &self,
        identity: &Arc<Identity>,
        ca: &[u8],
        clock: &Arc<Clock>,
    ) -> Result<Arc<dyn Upstream>, ServerError> {
        let mut kept = lock(&self.connection);
        if let Some(known) =
            kept.as_ref().filter(|known| Arc::ptr_eq(&known.identity, identity) && known.ca == ca)
        {
            return Ok(Arc::clone(&known.upstream));
        }
        let upstream = self.connect.open(identity, ca, clock)?;
        *kept = Some(Connection {
            identity: Arc::clone(identity),
            ca: ca.to_vec(),
            upstream: Arc::clone(&upstream),
        });
        Ok(upstream)
    }
}
