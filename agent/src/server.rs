//! The agent's socket. Connections are bounded in number, size and time, and each request is
//! authorised by the peer's credentials, which come from the kernel.

mod accounts;
mod connections;

use std::os::unix::net::{UnixListener, UnixStream};
use std::sync::Arc;
use std::time::Duration;

pub use connections::{Connections, Slot};

use wardkey_core::code::Code;
use wardkey_core::message::agent::{Reply, Request};
use wardkey_ipc::{Deadline, IpcError, Peer};

use crate::agent::Agent;
use crate::connection::Connection;
use crate::log;
use crate::login::authorise::{later, refusal};
use crate::login::server_time::Questions;
use crate::login::{outcome, service};
use crate::presence;
use crate::session::invoker;

/// A silent peer is disconnected after this.
const IDLE: Duration = Duration::from_secs(60);
/// Stack of a connection's thread in bytes; NSS modules run on it.
const STACK: usize = 512 * 1024;

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
        let started = std::thread::Builder::new()
            .name("connection".into())
            .stack_size(STACK)
            .spawn(move || {
                if let Some(slot) = admitted.slot(agent.config.connections) {
                    serve(&agent, stream, peer, slot);
                }
            });
        if let Err(error) = started {
            log::warning(format_args!("thread: {error}"));
        }
    }
}

/// Serves one connection to its end.
pub fn serve(agent: &Agent, stream: UnixStream, peer: Peer, mut slot: Slot) {
    let ended = Connection::new(stream).map_err(IpcError::from).and_then(|mut connection| {
        converse(agent, &mut connection, peer, &mut slot).inspect_err(|error| {
            // A whole frame with an unknown request: a peer of another version can report it.
            if let IpcError::Codec(error) = error {
                let _ = connection.send(&Reply::Refused(refusal(
                    Code::ProtocolError,
                    format!("not understood: {error}"),
                )));
            }
        })
    });
    match ended {
        Ok(()) | Err(IpcError::Closed | IpcError::TimedOut) => {}
        Err(error) => {
            if agent.is_due(&format!("peer {}", peer.uid), Duration::from_secs(60)) {
                log::warning(format_args!(
                    "connection of uid {} pid {}: {error}",
                    peer.uid, peer.pid
                ));
            }
        }
    }
}

fn converse(
    agent: &Agent,
    connection: &mut Connection,
    peer: Peer,
    slot: &mut Slot,
) -> Result<(), IpcError> {
    let mut questions = Questions::NONE;
    loop {
        match connection.receive::<Request>(Deadline::after(IDLE))? {
            // Anybody may start su and sudo, and a login may wait long: it counts against that
            // user.
            Request::Begin(begin)
                if !invoker(peer, &begin)
                    .is_none_or(|uid| slot.charge(uid, agent.config.connections)) =>
            {
                return connection.send(&Reply::Refused(later("too many connections of this uid")));
            }
            Request::Begin(begin) => service::login(agent, connection, peer, &begin)?,
            Request::Account(begin) => {
                questions = service::account(agent, connection, peer, &begin)?
            }
            Request::Time(nonce) => connection.send(&questions.answer(agent, &nonce))?,
            Request::Outcome(what) => {
                outcome::record(agent, peer, &what, None).tell(agent, connection)?;
            }
            Request::SessionOpen(session) => {
                connection.send(&presence::service::open(agent, peer, &session))?;
            }
            Request::SessionClose(account) => {
                connection.send(&presence::service::close(agent, peer, &account))?;
            }
            Request::Who => connection.send(&presence::service::who(agent, peer))?,
            request => {
                let reply = crate::control::answer(agent, peer, &request);
                connection.send(&reply)?;
            }
        }
    }
}
