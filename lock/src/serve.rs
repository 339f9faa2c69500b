//! Connections of the agent, one request after the other.

use std::os::unix::net::{UnixListener, UnixStream};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use nix::poll::{PollFd, PollFlags, PollTimeout, poll};
use std::os::fd::AsFd;
use wardkey_core::code::Code;
use wardkey_core::message::lock::{MAX_LOCK_FRAME, Reply, Request};
use wardkey_core::name::printable;
use wardkey_ipc::{Channel, Deadline, IpcError, Peer};
use wardkey_settings::files::Owner;
use wardkey_settings::local::{DEFAULT_PATH, LastGood};

use crate::bus::Bus;
use crate::permitted::check_permitted;

/// A connection that says nothing is let go after this.
const SILENT: Duration = Duration::from_secs(30);
/// Without a connection for this long the process ends; systemd starts it again.
const IDLE: Duration = Duration::from_secs(30);
const SEND: Duration = Duration::from_secs(2);
/// Connections at the same time: the agent has one for each key that is pulled out, and each
/// session that is locked.
const MAX_CONNECTIONS: usize = 32;

/// Whom to serve, and for how long.
#[derive(Clone, Debug)]
pub struct Service {
    /// The agent's uid; nobody else is served.
    pub agent: u32,
    /// The accounts that Wardkey leaves alone.
    pub local: PathBuf,
    /// Ends when nobody asks.
    pub may_end: bool,
}

impl Service {
    /// The agent's user by name, and root's list of local accounts.
    ///
    /// # Errors
    /// Why there is nobody to serve.
    pub fn new(agent_user: &str, may_end: bool) -> Result<Self, String> {
        let user = nix::unistd::User::from_name(agent_user).ok().flatten();
        let uid = user.map(|user| user.uid.as_raw()).filter(|uid| *uid != 0);
        let agent = uid.ok_or_else(|| format!("no user {agent_user}, or it is root"))?;
        Ok(Self { agent, local: Path::new(DEFAULT_PATH).to_owned(), may_end })
    }

    /// Serves, until nobody asks any more.
    ///
    /// # Errors
    /// Those of the listener.
    pub fn run(&self, listener: &UnixListener) -> std::io::Result<()> {
        listener.set_nonblocking(true)?;
        let busy = Arc::new(AtomicUsize::new(0));
        let mut last = Instant::now();
        loop {
            let mut fds = [PollFd::new(listener.as_fd(), PollFlags::POLLIN)];
            poll(&mut fds, PollTimeout::from(1000_u16)).or_else(|errno| match errno {
                nix::errno::Errno::EINTR => Ok(0),
                errno => Err(errno),
            })?;
            while let Ok((stream, _)) = listener.accept() {
                last = Instant::now();
                self.admit(stream, &busy);
            }
            if busy.load(Ordering::SeqCst) > 0 {
                last = Instant::now();
            } else if self.may_end && last.elapsed() > IDLE {
                return Ok(());
            }
        }
    }

    /// Nobody but the agent, by the kernel's word.
    fn admit(&self, stream: UnixStream, busy: &Arc<AtomicUsize>) {
        let is_agent = Peer::of(&stream).is_ok_and(|peer| peer.uid == self.agent);
        if !is_agent || busy.load(Ordering::SeqCst) >= MAX_CONNECTIONS {
            return;
        }
        let slot = Slot::take(busy);
        let local = self.local.clone();
        let _ = std::thread::Builder::new().stack_size(512 * 1024).spawn(move || {
            let _slot = slot;
            let _ = stream.set_nonblocking(true);
            // Its end is the agent's hanging up.
            let _ = converse(stream, &local);
        });
    }
}

/// A place among the connections, given back at its end.
struct Slot(Arc<AtomicUsize>);

impl Slot {
    fn take(busy: &Arc<AtomicUsize>) -> Self {
        busy.fetch_add(1, Ordering::SeqCst);
        Self(Arc::clone(busy))
    }
}

impl Drop for Slot {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Ordering::SeqCst);
    }
}

fn converse(stream: UnixStream, local: &Path) -> Result<(), IpcError> {
    let mut channel = Channel::new(stream, MAX_LOCK_FRAME)?;
    loop {
        let request: Request = channel.receive(Deadline::after(SILENT))?;
        channel.send(&answer(&request, local), Deadline::after(SEND))?;
    }
}

fn answer(request: &Request, local: &Path) -> Reply {
    match act(request, local) {
        Ok(()) => Reply::Done,
        Err(why) => Reply::Failed(Code::LockHelperFailed, printable(&why, 200)),
    }
}

fn act(request: &Request, local: &Path) -> Result<(), String> {
    let failed = |error: zbus::Error| error.to_string();
    let bus = Bus::connect().map_err(failed)?;
    let shown = bus.session(request.session()).map_err(failed)?;
    // Read each time: it is short, and changes.
    let local = LastGood::read(local, Owner::ROOT).unwrap_or_default();
    check_permitted(&shown, |name| local.contains(name))?;
    match request {
        Request::Lock(session) => bus.lock(session).map_err(failed),
        Request::End(session) => bus.end(session).map_err(failed),
        Request::Greeter(_) if shown.seat != "seat0" => Err("not at the first seat".into()),
        Request::Greeter(_) => bus.greeter().map_err(failed),
    }
}
