//! The agent's socket: connections, bounded in number, size and time; each request authorised by the
//! kernel's word about the peer.

mod accounts;
mod connections;

use std::os::fd::BorrowedFd;
use std::os::unix::net::{UnixListener, UnixStream};
use std::sync::Arc;
use std::time::Duration;

pub use connections::{Connections, Counted};

use wardkey_core::code::Code;
use wardkey_core::message::MAX_FRAME;
use wardkey_core::message::agent::{Reply, Request};
use wardkey_ipc::{Channel, Deadline, IpcError, Peer};

use crate::agent::Agent;
use crate::log;
use crate::login::authorise::{later, refusal};
use crate::login::{outcome, service};
use crate::session::invoker;

/// The longest request in bytes: a registration with its attestation.
const MAX_REQUEST: usize = 64 * 1024;
/// A peer that says nothing is let go after this.
const IDLE: Duration = Duration::from_secs(60);
/// A peer that does not read is let go after this.
const SEND: Duration = Duration::from_secs(5);
/// Stack of a connection's thread in bytes; NSS modules run on it.
const STACK: usize = 512 * 1024;

/// A connection: requests are short, answers may be long.
#[derive(Debug)]
pub struct Line {
    requests: Channel,
    replies: Channel,
}

impl Line {
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
    pub fn receive<T: for<'b> minicbor::Decode<'b, ()>>(&mut self, deadline: Deadline) -> Result<T, IpcError> {
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

/// Takes the connections that wait at a listener (which does not block).
pub fn accept(agent: &Arc<Agent>, listener: &UnixListener, connections: &Arc<Connections>) {
    loop {
        let stream = match listener.accept() {
            Ok((stream, _)) => stream,
            Err(error) if error.kind() == std::io::ErrorKind::WouldBlock => return,
            Err(error) if error.kind() == std::io::ErrorKind::Interrupted => continue,
            Err(error) => {
                if agent.is_due("accept", Duration::from_secs(60)) {
                    log::warning(format_args!("socket: {error}"));
                }
                // No descriptors left: those that are open end by their deadlines.
                std::thread::sleep(Duration::from_millis(50));
                return;
            }
        };
        let Ok(peer) = Peer::of(&stream) else { continue };
        let Some(admitted) = connections.admit_peer(peer, agent.config.connections) else {
            if agent.is_due("connections", Duration::from_secs(60)) {
                log::warning(format_args!("too many connections, one of uid {} refused", peer.uid));
            }
            continue;
        };
        let agent = Arc::clone(agent);
        let started = std::thread::Builder::new().name("connection".into()).stack_size(STACK).spawn(move || {
            if let Some(counted) = admitted.counted(agent.config.connections) {
                serve(&agent, stream, peer, counted);
            }
        });
        if let Err(error) = started {
            log::warning(format_args!("thread: {error}"));
        }
    }
}

/// Serves one connection to its end.
pub fn serve(agent: &Agent, stream: UnixStream, peer: Peer, mut counted: Counted) {
    let ended = Line::new(stream).map_err(IpcError::from).and_then(|mut line| {
        converse(agent, &mut line, peer, &mut counted).inspect_err(|error| {
            // A whole frame that is no request that we know: a peer of another version can say so.
            if let IpcError::Codec(error) = error {
                let _ = line.send(&Reply::Refused(refusal(Code::ProtocolError, format!("not understood: {error}"))));
            }
        })
    });
    match ended {
        Ok(()) | Err(IpcError::Closed | IpcError::TimedOut) => {}
        Err(error) => {
            if agent.is_due(&format!("peer {}", peer.uid), Duration::from_secs(60)) {
                log::warning(format_args!("connection of uid {} pid {}: {error}", peer.uid, peer.pid));
            }
        }
    }
}

fn converse(agent: &Agent, line: &mut Line, peer: Peer, counted: &mut Counted) -> Result<(), IpcError> {
    loop {
        match line.receive::<Request>(Deadline::after(IDLE))? {
            // su and sudo are anybody's to start: a login may wait long, and waits in its user's name.
            Request::Begin(begin)
                if !invoker(peer, &begin).is_none_or(|uid| counted.charge(uid, agent.config.connections)) =>
            {
                return line.send(&Reply::Refused(later("too many connections of this uid")));
            }
            Request::Begin(begin) => service::login(agent, line, peer, &begin)?,
            Request::Account(begin) => service::account(agent, line, peer, &begin)?,
            Request::Outcome(what) => {
                outcome::record(agent, peer, &what, None).tell(agent, line)?;
            }
            request => {
                let reply = crate::control::answer(agent, peer, &request);
                line.send(&reply)?;
            }
        }
    }
}
