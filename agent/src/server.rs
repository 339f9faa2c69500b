//! The agent's socket: connections, bounded in number, size and time; each request authorised by the
//! kernel's word about the peer.

use std::collections::HashMap;
use std::os::fd::BorrowedFd;
use std::os::unix::net::{UnixListener, UnixStream};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use wardkey_core::code::Code;
use wardkey_core::message::MAX_FRAME;
use wardkey_core::message::agent::{Reply, Request};
use wardkey_ipc::{Channel, Deadline, IpcError, Peer};

use crate::agent::Agent;
use crate::log;
use crate::login::authorise::refusal;
use crate::login::{outcome, service};

/// The longest request in bytes: a registration with its attestation.
const MAX_REQUEST: usize = 64 * 1024;
/// A peer that says nothing is let go after this.
const IDLE: Duration = Duration::from_secs(60);
/// A peer that does not read is let go after this.
const SEND: Duration = Duration::from_secs(5);
/// Stack of a connection's thread in bytes; NSS modules run on it.
const STACK: usize = 512 * 1024;
/// Connections of one uid that is not root.
const PER_UID: u32 = 8;

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

/// The connections that are open, by uid.
#[derive(Debug, Default)]
pub struct Connections {
    open: Mutex<HashMap<u32, u32>>,
}

struct Counted {
    connections: Arc<Connections>,
    uid: u32,
}

impl Drop for Counted {
    fn drop(&mut self) {
        let mut open = self.connections.open.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(count) = open.get_mut(&self.uid) {
            *count -= 1;
            if *count == 0 {
                open.remove(&self.uid);
            }
        }
    }
}

impl Connections {
    fn admit(self: &Arc<Self>, uid: u32, max: u64) -> Option<Counted> {
        let mut open = self.open.lock().unwrap_or_else(PoisonError::into_inner);
        let all: u32 = open.values().sum();
        let own = open.get(&uid).copied().unwrap_or(0);
        // The last quarter is root's, so that users cannot keep logins away.
        let (all_max, own_max) = if uid == 0 { (max, max) } else { (max / 4 * 3, u64::from(PER_UID)) };
        if u64::from(all) >= all_max || u64::from(own) >= own_max {
            return None;
        }
        *open.entry(uid).or_default() += 1;
        Some(Counted { connections: Arc::clone(self), uid })
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
        let Some(counted) = connections.admit(peer.uid, agent.config.connections) else {
            if agent.is_due("connections", Duration::from_secs(60)) {
                log::warning(format_args!("too many connections, one of uid {} refused", peer.uid));
            }
            continue;
        };
        let agent = Arc::clone(agent);
        let started = std::thread::Builder::new().name("connection".into()).stack_size(STACK).spawn(move || {
            let _counted = counted;
            serve(&agent, stream, peer);
        });
        if let Err(error) = started {
            log::warning(format_args!("thread: {error}"));
        }
    }
}

/// Serves one connection to its end.
pub fn serve(agent: &Agent, stream: UnixStream, peer: Peer) {
    let ended = Line::new(stream).map_err(IpcError::from).and_then(|mut line| {
        converse(agent, &mut line, peer).inspect_err(|error| {
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

fn converse(agent: &Agent, line: &mut Line, peer: Peer) -> Result<(), IpcError> {
    loop {
        match line.receive::<Request>(Deadline::after(IDLE))? {
            Request::Begin(begin) => service::login(agent, line, peer, &begin)?,
            Request::Account(begin) => service::account(agent, line, peer, &begin)?,
            Request::Outcome(what) => {
                let reply = outcome::record(agent, peer, &what);
                line.send(&reply)?;
            }
            request => {
                let reply = crate::control::answer(agent, peer, &request);
                line.send(&reply)?;
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn users_cannot_keep_root_away() {
        let connections = Arc::new(Connections::default());
        let own: Vec<_> = (0..20).filter_map(|_| connections.admit(1000, 64)).collect();
        assert_eq!(own.len(), PER_UID as usize);
        let all: Vec<_> = (1001..1100).filter_map(|uid| connections.admit(uid, 64)).collect();
        assert_eq!(own.len() + all.len(), 48);
        let roots: Vec<_> = (0..100).filter_map(|_| connections.admit(0, 64)).collect();
        assert_eq!(roots.len(), 16);
        drop((own, all, roots));
        assert!(connections.open.lock().unwrap().is_empty());
    }
}
