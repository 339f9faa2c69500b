//! The agent's socket: connections, bounded in number, size and time; each request authorised by the
//! kernel's word about the peer.

use std::collections::HashMap;
use std::os::fd::BorrowedFd;
use std::os::unix::net::{UnixListener, UnixStream};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

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

/// A connection that counts against a uid until it is dropped.
#[derive(Debug)]
pub struct Counted {
    connections: Arc<Connections>,
    uid: u32,
}

impl Counted {
    /// Counts against the user who started the program of root's from here on; `false` when that is one
    /// too many.
    fn charge(&mut self, uid: u32, max: u64) -> bool {
        if uid == self.uid {
            return true;
        }
        // In its own place first: it is open already, and counts once.
        self.connections.release(self.uid);
        let fits = self.connections.enter(uid, max);
        if fits {
            self.uid = uid;
        } else {
            *self.connections.open().entry(self.uid).or_default() += 1;
        }
        fits
    }
}

impl Drop for Counted {
    fn drop(&mut self) {
        self.connections.release(self.uid);
    }
}

impl Connections {
    /// Counts a connection, unless it is one too many of `max` or of the uid's own.
    pub fn admit(self: &Arc<Self>, uid: u32, max: u64) -> Option<Counted> {
        self.enter(uid, max).then(|| Counted { connections: Arc::clone(self), uid })
    }

    fn open(&self) -> MutexGuard<'_, HashMap<u32, u32>> {
        self.open.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn release(&self, uid: u32) {
        let mut open = self.open();
        if let Some(count) = open.get_mut(&uid) {
            *count -= 1;
            if *count == 0 {
                open.remove(&uid);
            }
        }
    }

    fn enter(&self, uid: u32, max: u64) -> bool {
        let mut open = self.open();
        let all: u32 = open.values().sum();
        let own = open.get(&uid).copied().unwrap_or(0);
        // The last quarter is root's, so that users cannot keep logins away.
        let (all_max, own_max) = if uid == 0 { (max, max) } else { (max / 4 * 3, u64::from(PER_UID)) };
        if u64::from(all) >= all_max || u64::from(own) >= own_max {
            return false;
        }
        *open.entry(uid).or_default() += 1;
        true
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
            serve(&agent, stream, peer, counted);
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

    #[test]
    fn programs_of_root_count_against_who_started_them() {
        let connections = Arc::new(Connections::default());
        let mut roots: Vec<_> = (0..64).filter_map(|_| connections.admit(0, 64)).collect();
        assert_eq!(roots.len(), 64);
        // All of root's are taken: the last quarter stays root's.
        assert!(!roots[0].charge(1000, 64));
        roots.truncate(48);
        let charged = roots.iter_mut().filter_map(|one| one.charge(1000, 64).then_some(())).count();
        assert_eq!(charged, PER_UID as usize);
        assert!(roots[0].charge(1000, 64), "counted already");
        assert_eq!(*connections.open(), HashMap::from([(0, 40), (1000, PER_UID)]));
        assert!(connections.admit(1000, 64).is_none());
        drop(roots);
        assert!(connections.open().is_empty());
    }
}
