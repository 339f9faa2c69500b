//! The lock helper of root's, at the other end of a socket that systemd owns.

use std::path::Path;
use std::time::Duration;

use wardkey_core::message::lock::{MAX_LOCK_FRAME, Reply, Request};
use wardkey_ipc::{Channel, Deadline, IpcError};

/// systemd may have to start it.
const ANSWER: Duration = Duration::from_secs(3);

/// A connection. While one is open the helper stays: it is made when a key is pulled out, so that
/// the helper has started when it is needed.
pub struct Helper(Channel);

impl Helper {
    /// Connects.
    ///
    /// # Errors
    /// [`IpcError`] when nobody listens, or somebody who is not root.
    pub fn connect(socket: &Path) -> Result<Self, IpcError> {
        Channel::connect(socket, Some(0), MAX_LOCK_FRAME, Deadline::after(ANSWER)).map(Self)
    }

    /// Asks.
    ///
    /// # Errors
    /// Why it was not done, for the record.
    pub fn ask(&mut self, request: &Request) -> Result<(), String> {
        let deadline = Deadline::after(ANSWER);
        let answer = self.0.send(request, deadline).and_then(|()| self.0.receive(deadline));
        match answer {
            Ok(Reply::Done) => Ok(()),
            Ok(Reply::Failed(code, detail)) => Err(format!("{code}: {detail}")),
            Err(error) => Err(format!("lock helper: {error}")),
        }
    }
}
