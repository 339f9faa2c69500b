//! `wardkey-key`: serves security keys to logins, lockers, the command line and
//! the agent. One process per connection.
//!
//! ```text
//!   systemd, Accept=yes   ──> one connection on descriptor 3 ──────> one process, then exit
//!   systemd, Accept=no    ──> listening socket on descriptor 3 ─┐
//!   wardkey-key --listen PATH ──────────────────────────────────┴──> processes as needed
//!
//!   parent ── worker: caller, PIN, key ── broker: opens devices
//! ```
#![forbid(unsafe_code)]

use std::os::fd::{AsFd, OwnedFd};
use std::os::unix::net::{UnixDatagram, UnixStream};
use std::path::PathBuf;
use std::process::{Command, ExitCode};
use std::rc::Rc;

use clap::Parser;
use nix::sys::prctl;
use nix::sys::signal::{SigSet, Signal};
use wardkey_core::message::MAX_KEY_FRAME;
use wardkey_ipc::{Channel, Peer};
use wardkey_key::arguments::Options;
use wardkey_key::broker::{self, Broker};
use wardkey_key::caller::{self, Authority, Services};
use wardkey_key::sandbox::{self, Role};
use wardkey_key::serve::{Client, Others};
use wardkey_key::wiping::Wiping;
use wardkey_key::{Bus, HidrawKeys, Known, Plugged, listen, serve};

#[global_allocator]
static MEMORY: Wiping = Wiping(std::alloc::System);

fn main() -> ExitCode {
    let options = Options::parse();
    // A reload: there is nothing to read anew, and it must not end the logins that are under way.
    let mut hangup = SigSet::empty();
    hangup.add(Signal::SIGHUP);
    if let Err(error) = hangup.thread_block() {
        return fail(&error);
    }
    if options.broker {
        return broker(&options);
    }
    if options.worker {
        return worker(&options);
    }
    if let Some(path) = &options.listen {
        return match listen::socket_at(path, options.mode) {
            Ok(listener) => accept(&listener, &options),
            Err(error) => fail(&error),
        };
    }
    match listen::inherited_socket() {
        Some(socket) if listen::is_listening(&socket) => accept(&socket, &options),
        Some(socket) => activated(socket, &options),
        None => fail(&"no socket from systemd; use --listen PATH"),
    }
}

fn fail(error: &dyn std::fmt::Display) -> ExitCode {
    eprintln!("wardkey-key: {error}");
    ExitCode::FAILURE
}

/// Hands connections to processes, without end.
fn accept(listener: &OwnedFd, options: &Options) -> ExitCode {
    // Looked up once, here: the processes have no access to directory services.
    let authority =
        Authority::new(options.seats_dir.clone(), &options.agent_user, &options.enroll_user);
    if authority.services.agent.is_none() {
        eprintln!("wardkey-key: no user {}; the agent will not be served", options.agent_user);
    }
    if authority.services.enroller.is_none() {
        let user = &options.enroll_user;
        eprintln!("wardkey-key: no user {user}; no enrollment console will be served");
    }
    tell_systemd();
    match listen::run(
        listener,
        |peer| authority.authorise(peer),
        || this_program(&authority, "--worker"),
    ) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => fail(&error),
    }
}

/// This program in another part; the same file as this process, whatever has replaced it on disk
/// since.
fn this_program(authority: &Authority, part: &str) -> Command {
    let mut command = Command::new("/proc/self/exe");
    // An empty name is nobody's.
    let user = |uid: Option<u32>| uid.map(|uid| uid.to_string()).unwrap_or_default();
    command.arg(part).arg("--seats-dir").arg(&authority.seats);
    command.arg("--agent-user").arg(user(authority.services.agent));
    command.arg("--enroll-user").arg(user(authority.services.enroller));
    command
}

/// Ready, for a unit with Type=notify.
fn tell_systemd() {
    let Some(path) = std::env::var_os("NOTIFY_SOCKET") else {
        return;
    };
    if let Ok(socket) = UnixDatagram::unbound() {
        // An abstract address, as in some containers, is not reached; then the
        // unit is of another type.
        let _ = socket.send_to(b"READY=1", PathBuf::from(path));
    }
}

/// Ends with the parent, so that stopping the parent stops all.
fn ends_with_parent() -> bool {
    let parent = nix::unistd::getppid();
    prctl::set_pdeathsig(Signal::SIGKILL).is_ok() && nix::unistd::getppid() == parent
}

/// Opens devices for the worker that started it.
fn broker(options: &Options) -> ExitCode {
    if !ends_with_parent() || sandbox::enter(Role::Broker).is_err() {
        return ExitCode::FAILURE;
    }
    broker::serve(std::io::stdin().as_fd(), &options.seats_dir);
    ExitCode::SUCCESS
}

/// Serves the connection that the parent hands over.
fn worker(options: &Options) -> ExitCode {
    let authority =
        Authority::new(options.seats_dir.clone(), &options.agent_user, &options.enroll_user);
    let Ok(broker) = Broker::start(this_program(&authority, "--broker")) else {
        return ExitCode::FAILURE;
    };
    if !ends_with_parent() || sandbox::enter(Role::Worker).is_err() {
        return ExitCode::FAILURE;
    }
    let Some((connection, others, known)) = listen::receive(std::io::stdin().as_fd()) else {
        return ExitCode::SUCCESS;
    };
    attend(UnixStream::from(connection), authority.services, (others, known), Rc::new(broker))
}

/// Serves the one connection that systemd has passed.
fn activated(socket: OwnedFd, options: &Options) -> ExitCode {
    let authority =
        Authority::new(options.seats_dir.clone(), &options.agent_user, &options.enroll_user);
    let Ok(peer) = Peer::of(&socket) else {
        return fail(&"the connection is no Unix socket");
    };
    let Some(caller) = authority.authorise(peer) else {
        if let Ok(channel) = Channel::new(UnixStream::from(socket), MAX_KEY_FRAME) {
            serve::refuse(channel);
        }
        return ExitCode::SUCCESS;
    };
    let authorise = |peer| authority.authorise(peer);
    match listen::run_one(socket, peer, caller, authorise, || this_program(&authority, "--worker"))
    {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => fail(&error),
    }
}

/// The broker of this process, shared by what asks it.
struct Shared(Rc<Broker>);

impl Bus for Shared {
    fn devices(&self, locks: &hidapi::hidraw::Locks) -> Plugged {
        self.0.devices(locks)
    }
}

fn attend(
    stream: UnixStream,
    services: Services,
    (others, known): (Others, Known),
    broker: Rc<Broker>,
) -> ExitCode {
    let (Ok(peer), Ok(channel)) = (Peer::of(&stream), Channel::new(stream, MAX_KEY_FRAME)) else {
        return ExitCode::FAILURE;
    };
    let authorise = {
        let broker = Rc::clone(&broker);
        move || caller::authorise(peer, services, || broker.in_front())
    };
    match authorise() {
        None => serve::refuse(channel),
        // That the caller hung up is how every connection ends.
        Some(caller) => {
            let client = Client::while_it(caller, move || authorise() == Some(caller));
            let mut keys = HidrawKeys::new(Shared(broker), known);
            drop(serve::serve(channel, client, others, &mut keys, sandbox::end_after));
        }
    }
    ExitCode::SUCCESS
}
