//! Accepting connections where systemd does not: one process per connection,
//! started before it is needed.
//!
//! ```text
//!   parent: accept, peer's uid, bounds ──> spare process, in its sandbox, waiting
//!                                            └─ gets the connection, serves it, exits
//! ```
//! The next process is started as soon as one is in use, so that no login waits
//! for one to start.

mod charge;
mod handover;
mod process;

use std::os::fd::{AsFd, OwnedFd};
use std::os::unix::net::UnixStream;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::{Duration, Instant};

use nix::errno::Errno;
use nix::fcntl::{FcntlArg, FdFlag, OFlag, fcntl};
use nix::poll::{PollFd, PollFlags, PollTimeout, poll};
use nix::sys::socket::sockopt::AcceptConn;
use nix::sys::socket::{
    AddressFamily, Backlog, SockFlag, SockType, UnixAddr, accept4, bind, getsockopt, listen, socket,
};
use nix::sys::stat::Mode;
use thiserror::Error;
use wardkey_core::message::MAX_KEY_FRAME;
use wardkey_ipc::{Channel, Peer};

use self::process::{Ending, Process, Serving};
use crate::caller::{Authorise, Caller};
use crate::serve::Others;
use crate::tries::Book;

pub use handover::{inherited_socket, receive};
pub(crate) use handover::{receive_message, send_message};

/// Processes at one time, and of those for one user other than root, and for what that user has
/// started.
const MAX_PROCESSES: usize = 64;
const MAX_PER_USER: usize = 8;
/// Those that a user gets in any case.
const FEW: usize = 2;
/// Of the processes, those that only the system's own logins get.
const KEPT_FOR_ROOT: usize = 16;
/// How often it is looked whether those who are served still may be.
const LOOK: Duration = Duration::from_millis(250);
/// A process that dies sooner than this unused counts as failing.
const TOO_SHORT: Duration = Duration::from_millis(500);
/// Pause after one that failed.
const PAUSE: Duration = Duration::from_millis(500);

/// How long after a connection the next process is started at the latest: earlier when another
/// connection comes, or when this one has ended.
const REST: Duration = Duration::from_secs(1);

/// Pause when the kernel gives out no connection.
const BREATH: Duration = Duration::from_millis(50);
/// How often connections are complained about.
const COMPLAINT_EVERY: Duration = Duration::from_secs(10);

/// Why the key process cannot listen.
#[derive(Debug, Error)]
pub enum ListenError {
    /// The socket could not be made; its path.
    #[error("cannot listen on {path}: {errno}")]
    Socket {
        /// The path.
        path: PathBuf,
        /// What the kernel said.
        #[source]
        errno: Errno,
    },
    /// Something else than a socket is at the path.
    #[error("{0} exists and is no socket; remove it or choose another path")]
    InTheWay(PathBuf),
    /// Waiting failed.
    #[error("cannot wait for connections: {0}")]
    Wait(#[source] Errno),
}

/// Makes the listening socket; an old socket at the path is replaced. It appears
/// at the path complete: whoever sees it can connect.
///
/// # Errors
/// [`ListenError`], naming the path.
pub fn socket_at(path: &Path, mode: u32) -> Result<OwnedFd, ListenError> {
    use std::os::fd::AsRawFd;
    use std::os::unix::fs::{FileTypeExt, PermissionsExt};
    let failed = |errno| ListenError::Socket { path: path.to_owned(), errno };
    match std::fs::symlink_metadata(path) {
        Ok(metadata) if !metadata.file_type().is_socket() => {
            return Err(ListenError::InTheWay(path.to_owned()));
        }
        _ => {}
    }
    let flags = SockFlag::SOCK_CLOEXEC | SockFlag::SOCK_NONBLOCK;
    let listener = socket(AddressFamily::Unix, SockType::Stream, flags, None).map_err(failed)?;
    let mut fresh = path.as_os_str().to_owned();
    fresh.push(format!(".{}", std::process::id()));
    let fresh = PathBuf::from(fresh);
    let address = UnixAddr::new(&fresh).map_err(failed)?;
    let before = nix::sys::stat::umask(Mode::from_bits_truncate(0o177));
    let bound = bind(listener.as_raw_fd(), &address);
    nix::sys::stat::umask(before);
    bound.map_err(failed)?;
    let finished = listen(&listener, Backlog::MAXCONN).and_then(|()| {
        std::fs::set_permissions(&fresh, std::fs::Permissions::from_mode(mode))
            .and_then(|()| std::fs::rename(&fresh, path))
            .map_err(|error| errno_of(&error))
    });
    if let Err(errno) = finished {
        // The error that is told is the first one.
        let _ = std::fs::remove_file(&fresh);
        return Err(failed(errno));
    }
    Ok(listener)
}

fn errno_of(error: &std::io::Error) -> Errno {
    error.raw_os_error().map_or(Errno::UnknownErrno, Errno::from_raw)
}

/// Whether a socket listens, or is connected.
#[must_use]
pub fn is_listening(socket: &OwnedFd) -> bool {
    getsockopt(socket, AcceptConn).unwrap_or(false)
}

/// Accepts connections on `listener` without end, of those whom `authorise` knows. `worker` makes
/// the command of a process that takes its connection from its standard input by [`receive`].
///
/// # Errors
/// [`ListenError::Wait`].
pub fn run(
    listener: &OwnedFd,
    authorise: impl Fn(Peer) -> Option<Caller>,
    worker: impl Fn() -> Command,
) -> Result<(), ListenError> {
    fcntl(listener, FcntlArg::F_SETFD(FdFlag::FD_CLOEXEC)).map_err(ListenError::Wait)?;
    fcntl(listener, FcntlArg::F_SETFL(OFlag::O_NONBLOCK)).map_err(ListenError::Wait)?;
    let mut spare: Option<Process> = None;
    let mut busy: Vec<Process> = Vec::new();
    let mut ending: Ending<Process> = Ending::default();
    let mut book = Book::default();
    let mut not_before = Instant::now();
    // The process that has just got a connection shall not share its first milliseconds with
    // another's start.
    let mut rest: Option<Instant> = None;
    let mut complained: Option<Instant> = None;
    loop {
        // One process is ready for the next connection.
        let now = Instant::now();
        rest = rest.filter(|until| *until > now);
        let may_start = spare.is_none() && busy.len() < MAX_PROCESSES;
        if may_start && rest.is_none() && now >= not_before {
            match Process::start(worker()) {
                Ok(process) => spare = Some(process),
                Err(error) => {
                    eprintln!("wardkey-key: cannot start a process: {error}");
                    not_before = now + PAUSE;
                }
            }
        }

        // Without a process to take it a connection waits in the backlog.
        let accepting = spare.is_some();
        let resting = may_start && rest.is_some();
        let next_start = (may_start && !accepting)
            .then(|| rest.unwrap_or(not_before).saturating_duration_since(now));
        let next_look =
            (!ending.is_empty() || busy.iter().any(Process::is_bounded)).then_some(LOOK);
        let timeout =
            next_start.into_iter().chain(next_look).min().map_or(PollTimeout::NONE, millis);
        let (incoming, mut ended) =
            wait(listener, accepting || resting, spare.as_ref(), &busy, timeout)?;

        // Before the next process is told, and before those that have ended are gone.
        let floods = book.hear(busy.iter().map(|process| &process.control));
        // One that floods is another program by now, and over.
        ended.iter_mut().zip(floods).for_each(|(ended, floods)| *ended |= floods);
        // Those that have ended, and those whose callers may not go on.
        let (over, on): (Vec<_>, Vec<_>) =
            busy.into_iter().zip(&ended).partition(|(_, ended)| **ended);
        busy = on.into_iter().map(|(process, _)| process).collect();
        over.into_iter().for_each(|(process, _)| ending.add(process));
        ending.collect();
        if ending.len() >= MAX_PROCESSES {
            complain(
                &mut complained,
                format_args!("{} processes are kept in the kernel by a device", ending.len()),
            );
        }
        busy.iter_mut().for_each(|process| process.supervise(&authorise));

        if incoming || ended.contains(&true) {
            rest = None;
        }
        if spare.as_mut().is_some_and(Process::has_ended) {
            let process = spare.take();
            if process.is_some_and(|process| process.started.elapsed() < TOO_SHORT) {
                eprintln!("wardkey-key: a process ended before it was used");
                not_before = Instant::now() + PAUSE;
            }
            continue;
        }

        if accepting
            && incoming
            && let Some(connection) = accept(listener, &mut complained)
        {
            let Some(serving) = admit(connection, &authorise, &busy, &mut complained) else {
                continue;
            };
            // The agent watches, and a watch sends nothing to a key.
            let agents = |other: &Process| {
                other.serving.as_ref().is_some_and(|other| other.caller == Caller::Agent)
            };
            let others = if busy.iter().all(agents) { Others::None } else { Others::Perhaps };
            let told = (others, &*book.told());
            match hand_over(serving, told, spare.take(), &worker, &mut ending) {
                Some(process) => {
                    busy.push(process);
                    rest = Some(Instant::now() + REST);
                }
                None => not_before = Instant::now() + PAUSE,
            }
        }
    }
}

/// Serves one connection, which `authorise` has admitted as `caller`, to its end.
///
/// # Errors
/// [`ListenError::Wait`].
pub fn run_one(
    connection: OwnedFd,
    peer: Peer,
    caller: Caller,
    authorise: impl Fn(Peer) -> Option<Caller>,
    worker: impl Fn() -> Command,
) -> Result<(), ListenError> {
    let serving = Serving::new(connection, peer, caller, None);
    let mut ending = Ending::default();
    // Who else is served, only systemd knows.
    let Some(mut process) = hand_over(serving, (Others::Perhaps, &[]), None, &worker, &mut ending)
    else {
        return Ok(());
    };
    while !process.has_ended() {
        let nothing = PollFlags::empty();
        let mut fds = [PollFd::new(process.control.as_fd(), nothing)];
        match poll(&mut fds, millis(LOOK)) {
            Ok(_) | Err(Errno::EINTR) => {}
            Err(errno) => return Err(ListenError::Wait(errno)),
        }
        if fds.iter().any(|fd| fd.any().unwrap_or(true)) {
            // It closed its end, and is on its way out.
            ending.add(process);
            break;
        }
        process.supervise(&authorise);
    }
    Ok(())
}

/// Whether a connection is served; one that is not is told why, or hung up on.
fn admit(
    connection: OwnedFd,
    authorise: &Authorise<'_>,
    busy: &[Process],
    complained: &mut Option<Instant>,
) -> Option<Serving> {
    let peer = Peer::of(&connection).ok()?;
    // Who may ask for nothing costs no process, so that nobody can keep logins waiting for one.
    let Some(caller) = authorise(peer) else {
        refuse(connection);
        return None;
    };
    let charged = charge::charged(peer);
    if let Some(user) = charged {
        let of_this_user = |other: &&Process| {
            other.serving.as_ref().is_some_and(|other| other.charged == Some(user))
        };
        let own = busy.iter().filter(of_this_user).count();
        // More than two are for a user only while few are served, so that a few users do not keep
        // the others away.
        let places = if own < FEW {
            MAX_PROCESSES - KEPT_FOR_ROOT
        } else {
            (MAX_PROCESSES - KEPT_FOR_ROOT) / 2
        };
        if busy.len() >= places || own >= MAX_PER_USER {
            complain(complained, format_args!("too many connections of uid {user}"));
            return None;
        }
    }
    Some(Serving::new(connection, peer, caller, charged))
}

/// Says so to a caller who may ask for nothing. What has just been connected takes an answer at
/// once.
fn refuse(connection: OwnedFd) {
    if let Ok(channel) = Channel::new(UnixStream::from(connection), MAX_KEY_FRAME) {
        crate::serve::refuse(channel);
    }
}

/// Gives a connection to the process that is ready, or, if that has just died,
/// to a new one.
fn hand_over(
    serving: Serving,
    (others, keys): (Others, &[u8]),
    ready: Option<Process>,
    worker: &impl Fn() -> Command,
    ending: &mut Ending<Process>,
) -> Option<Process> {
    let user = serving.peer.uid;
    let give = |process: &Process| {
        handover::send(&process.control, serving.connection.as_fd(), others, keys).is_ok()
    };
    let mut found = None;
    for process in
        ready.into_iter().map(Ok).chain(std::iter::once_with(|| Process::start(worker()))).flatten()
    {
        if give(&process) {
            found = Some(process);
            break;
        }
        ending.add(process);
    }
    if found.is_none() {
        eprintln!("wardkey-key: no process took a connection of uid {user}");
    }
    found.map(|mut process| {
        process.serving = Some(serving);
        process
    })
}

/// Whether a connection waits, and which of `busy` have ended.
fn wait(
    listener: &OwnedFd,
    accepting: bool,
    spare: Option<&Process>,
    busy: &[Process],
    timeout: PollTimeout,
) -> Result<(bool, Vec<bool>), ListenError> {
    let nothing = PollFlags::empty();
    let interest = if accepting { PollFlags::POLLIN } else { nothing };
    let mut fds = vec![PollFd::new(listener.as_fd(), interest)];
    // A process that ends closes its control socket, which is always reported.
    fds.extend(
        busy.iter().chain(spare).map(|process| PollFd::new(process.control.as_fd(), nothing)),
    );
    match poll(&mut fds, timeout) {
        Ok(_) | Err(Errno::EINTR) => {}
        Err(errno) => return Err(ListenError::Wait(errno)),
    }
    let mut ready = fds.iter().map(|fd| fd.any().unwrap_or(true));
    let incoming = ready.next().unwrap_or(false);
    Ok((incoming, ready.take(busy.len()).collect()))
}

/// The connection that waits, unless it is gone again.
fn accept(listener: &OwnedFd, complained: &mut Option<Instant>) -> Option<OwnedFd> {
    let accepted = accept4(std::os::fd::AsRawFd::as_raw_fd(listener), SockFlag::SOCK_CLOEXEC);
    if let Err(errno) = accepted
        && !matches!(errno, Errno::EAGAIN | Errno::EINTR | Errno::ECONNABORTED)
    {
        complain(complained, format_args!("cannot take a connection: {errno}"));
        // No descriptors, no memory: the connection would be there again at once.
        std::thread::sleep(BREATH);
    }
    handover::owned(accepted)
}

/// One who can fill the log with complaints has won something too.
fn complain(last: &mut Option<Instant>, what: std::fmt::Arguments<'_>) {
    if last.is_none_or(|last| last.elapsed() >= COMPLAINT_EVERY) {
        eprintln!("wardkey-key: {what}");
        *last = Some(Instant::now());
    }
}

fn millis(duration: Duration) -> PollTimeout {
    let millis = duration.as_micros().div_ceil(1000).max(1);
    PollTimeout::try_from(i32::try_from(millis).unwrap_or(i32::MAX)).unwrap_or(PollTimeout::MAX)
}

#[cfg(test)]
mod tests;
