//! A connection of a module or the command line to the agent.

use std::os::fd::BorrowedFd;
use std::os::unix::net::UnixStream;
use std::time::Duration;

use wardkey_core::message::MAX_FRAME;
use wardkey_core::message::agent::Reply;
use wardkey_ipc::{Channel, Deadline, IpcError};

/// The longest request in bytes: a registration with its attestation.
const MAX_REQUEST: usize = 64 * 1024;
/// A peer that does not read is let go after this.
const SEND: Duration = Duration::from_secs(5);

/// A connection: requests are short, answers may be long.
#[derive(Debug)]
pub struct Connection {
    requests: Channel,
    replies: Channel,
}

impl Connection {
    /// Takes an accepted stream.
    ///
    /// # Errors
    /// The error of dup(2) or fcntl(2).
    pub fn new(stream: UnixStream) -> std::io::Result<Self> {
        Ok(Self {
            replies: Channel::new(stream.try_clone()?, MAX_FRAME)?,
            requests: Channel::new(stream, MAX_REQUEST)?,
        })
    }

    /// Sends an answer.
    ///
    /// # Errors
    /// [`IpcError`] when the peer does not take it.
    pub fn send(&mut self, reply: &Reply) -> Result<(), IpcError> {
        self.replies.send(reply, Deadline::after(SEND))
    }

    /// Receives a request.
    ///
    /// # Errors
    /// [`IpcError`] when none came.
    pub fn receive<T: for<'b> minicbor::Decode<'b, ()>>(
        &mut self,
        deadline: Deadline,
    ) -> Result<T, IpcError> {
        self.requests.receive(deadline)
    }

    /// Whether a request has arrived already.
    pub fn has_message(&self) -> bool {
        self.requests.has_message()
    }

    /// The socket, for poll(2).
    pub fn as_fd(&self) -> BorrowedFd<'_> {
        self.requests.as_fd()
    }
}
