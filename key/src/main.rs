//! `wardkey-key`: serves security keys to logins, lockers, the command line and
//! the agent. One process per connection.
//!
//! ```text
//!   systemd, Accept=yes   ──> one connection on descriptor 3 ──> serve, exit
//!   systemd, Accept=no    ──> listening socket on descriptor 3 ─┐
//!   wardkey-key --listen PATH ──────────────────────────────────┴> processes as needed
//! ```
#![forbid(unsafe_code)]

use std::fs::OpenOptions;
use std::os::fd::{AsFd, OwnedFd};
use std::os::unix::net::{UnixDatagram, UnixStream};
use std::path::PathBuf;
use std::process::{Command, ExitCode};

use clap::Parser;
use nix::sys::prctl;
use nix::sys::signal::Signal;
use wardkey_core::message::MAX_KEY_FRAME;
use wardkey_ipc::{Channel, Peer};
use wardkey_key::arguments::Options;
use wardkey_key::caller::{Authority, Caller};
use wardkey_key::serve::Company;
use wardkey_key::{HidrawKeys, listen, sandbox, serve};

fn main() -> ExitCode {
    let options = Options::parse();
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
    let authority = authority(options);
    let agent = authority.agent_uid().map(|uid| uid.to_string());
    if agent.is_none() {
        eprintln!("wardkey-key: no user {}; the agent will not be served", options.agent_user);
    }
    tell_systemd();
    let result = listen::run(
        listener,
        |peer| authority.judge(peer),
        || {
            // The same file as this process, whatever has replaced it on disk since.
            let mut command = Command::new("/proc/self/exe");
            command.arg("--worker").arg("--seats-dir").arg(&options.seats_dir);
            // An empty name is nobody's.
            command.arg("--agent-user").arg(agent.as_deref().unwrap_or_default());
            command
        },
    );
    match result {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => fail(&error),
    }
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

/// Serves the connection that the parent hands over.
fn worker(options: &Options) -> ExitCode {
    // Ends with the parent, so that stopping the parent stops all.
    let parent = nix::unistd::getppid();
    let linked = prctl::set_pdeathsig(Signal::SIGKILL).is_ok() && nix::unistd::getppid() == parent;
    if !linked || sandbox::enter().is_err() {
        return ExitCode::FAILURE;
    }
    let Some((connection, company)) = listen::receive(std::io::stdin().as_fd()) else {
        return ExitCode::SUCCESS;
    };
    let stream = UnixStream::from(connection);
    match Peer::of(&stream) {
        Ok(peer) => attend(stream, authority(options).judge(peer), company),
        Err(_) => ExitCode::FAILURE,
    }
}

/// Serves the one connection that systemd has passed.
fn activated(socket: OwnedFd, options: &Options) -> ExitCode {
    let stream = UnixStream::from(socket);
    let Ok(peer) = Peer::of(&stream) else {
        return fail(&"the connection is no Unix socket");
    };
    // Before the sandbox: the agent's name may have to be looked up.
    let caller = authority(options).judge(peer);
    if let Err(error) = silence() {
        return fail(&error);
    }
    if sandbox::enter().is_err() {
        return ExitCode::FAILURE;
    }
    // Who else is served, only systemd knows.
    attend(stream, caller, Company::Others)
}

fn authority(options: &Options) -> Authority {
    Authority {
        seats: options.seats_dir.clone(),
        agent: Some(options.agent_user.clone()).filter(|name| !name.is_empty()),
    }
}

/// The library under the key prints on its own; none of that may reach anybody.
fn silence() -> std::io::Result<()> {
    let null = OpenOptions::new().read(true).write(true).open("/dev/null")?;
    nix::unistd::dup2_stdin(&null)?;
    nix::unistd::dup2_stdout(&null)?;
    nix::unistd::dup2_stderr(&null)?;
    Ok(())
}

fn attend(stream: UnixStream, caller: Option<Caller>, company: Company) -> ExitCode {
    let Ok(channel) = Channel::new(stream, MAX_KEY_FRAME) else {
        return ExitCode::FAILURE;
    };
    match caller {
        None => serve::refuse(channel),
        // That the caller hung up is how every connection ends.
        Some(caller) => {
            let served = serve::serve(channel, caller, company, &mut HidrawKeys, sandbox::end_after);
            drop(served);
        }
    }
    ExitCode::SUCCESS
}
