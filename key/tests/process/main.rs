//! The program itself: processes, callers, sandbox, activation. Without a key;
//! what happens with one is tested in the library and end to end.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing)]

mod activation;
mod callers;

use std::fs;
use std::os::fd::{AsRawFd, OwnedFd};
use std::os::unix::fs::{MetadataExt, PermissionsExt};
use std::os::unix::net::{UnixListener, UnixStream};
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};
use wardkey_core::code::Code;
use wardkey_core::codec::{Bytes, List};
use wardkey_core::message::MAX_KEY_FRAME;
use wardkey_core::message::key::{Identify, Pin, Reply, Request};
use wardkey_ipc::{Channel, Deadline, IpcError};

const NOBODY: u32 = 65534;

fn soon() -> Deadline {
    Deadline::after(Duration::from_secs(60))
}

/// A running `wardkey-key --listen`.
struct Server {
    child: Child,
    folder: tempfile::TempDir,
}

impl Server {
    /// `active`: uid of the active session; `agent`: uid of the agent.
    fn start(active: u32, agent: u32) -> Self {
        Self::start_as(None, active, agent)
    }

    /// As another user.
    fn start_as(user: Option<u32>, active: u32, agent: u32) -> Self {
        let folder = tempfile::tempdir().unwrap();
        fs::set_permissions(folder.path(), fs::Permissions::from_mode(0o755)).unwrap();
        fs::create_dir(folder.path().join("seats")).unwrap();
        let mut command = Command::new(env!("CARGO_BIN_EXE_wardkey-key"));
        command
            .arg("--listen")
            .arg(folder.path().join("key.sock"))
            .args(["--agent-user", &agent.to_string()])
            .arg("--seats-dir")
            .arg(folder.path().join("seats"))
            .stdin(Stdio::null());
        if let Some(user) = user {
            std::os::unix::fs::chown(folder.path(), Some(user), None).unwrap();
            command.uid(user);
        }
        let seats = folder.path().join("seats");
        fs::write(seats.join("seat0"), format!("ACTIVE_UID={active}\n")).unwrap();
        let server = Self { child: command.spawn().unwrap(), folder };
        // It appears when it can be connected to.
        eventually("a socket", || server.path().exists());
        server
    }

    /// Another session comes to the front of the seat.
    fn switch_to(&self, uid: u32) {
        let seat = self.folder.path().join("seats/seat0");
        fs::write(seat, format!("ACTIVE_UID={uid}\n")).unwrap();
    }

    fn path(&self) -> PathBuf {
        self.folder.path().join("key.sock")
    }

    fn connect(&self) -> Channel {
        Channel::connect(&self.path(), None, MAX_KEY_FRAME, soon()).unwrap()
    }

    /// Processes that it has started and that still run.
    fn workers(&self) -> Vec<i32> {
        children(self.child.id())
    }
}

fn children(parent: u32) -> Vec<i32> {
    let parent = parent.to_string();
    fs::read_dir("/proc")
        .unwrap()
        .filter_map(|entry| entry.ok()?.file_name().to_str()?.parse::<i32>().ok())
        .filter(|pid| status(*pid, "PPid").as_deref() == Some(&parent))
        .filter(|pid| status(*pid, "State").is_some_and(|state| !state.starts_with('Z')))
        .collect()
}

impl Drop for Server {
    fn drop(&mut self) {
        self.child.kill().unwrap();
        self.child.wait().unwrap();
    }
}

fn status(pid: i32, field: &str) -> Option<String> {
    let text = fs::read_to_string(format!("/proc/{pid}/status")).ok()?;
    let line = text.lines().find_map(|line| line.strip_prefix(field)?.strip_prefix(':'))?;
    Some(line.trim().to_owned())
}

fn eventually(what: &str, mut holds: impl FnMut() -> bool) {
    let until = Instant::now() + Duration::from_secs(60);
    while !holds() {
        assert!(Instant::now() < until, "{what}");
        std::thread::sleep(Duration::from_millis(10));
    }
}

fn ask(channel: &mut Channel, request: &Request) -> Reply {
    channel.send(request, soon()).unwrap();
    channel.receive(soon()).unwrap()
}

fn code(reply: &Reply) -> Option<Code> {
    match reply {
        Reply::Failed(failure) => Some(failure.code),
        _ => None,
    }
}

fn pin() -> Pin {
    Pin::new("1234".to_owned().into()).unwrap()
}

/// The uid of somebody who is not root, and a way to connect as that one.
fn as_somebody<T: Send>(body: impl FnOnce(u32) -> T + Send) -> T {
    let uid = nix::unistd::geteuid();
    if !uid.is_root() {
        return body(uid.as_raw());
    }
    std::thread::scope(|scope| {
        scope
            .spawn(|| {
                // SAFETY: no pointers. The system call, unlike libc's function,
                // changes this thread only, which ends with the test.
                let done = unsafe { libc::syscall(libc::SYS_setresuid, NOBODY, NOBODY, NOBODY) };
                assert_eq!(done, 0);
                body(NOBODY)
            })
            .join()
            .unwrap()
    })
}

#[test]
fn each_connection_has_a_process_of_its_own_which_is_ready_beforehand() {
    let server = Server::start(1, 2);
    eventually("a spare process", || server.workers().len() == 1);
    let before = server.workers();
    let mut one = server.connect();
    assert!(matches!(ask(&mut one, &Request::List), Reply::Keys(_)));
    eventually("the next spare process", || server.workers().len() == 2);
    assert!(server.workers().contains(&before[0]), "the spare one took the connection");
    let mut two = server.connect();
    assert!(matches!(ask(&mut two, &Request::List), Reply::Keys(_)));
    assert!(matches!(ask(&mut one, &Request::List), Reply::Keys(_)));
    drop((one, two));
    eventually("processes end with their connections", || server.workers().len() == 1);
}

#[test]
fn the_process_that_meets_a_key_is_in_a_sandbox() {
    let server = Server::start(1, 2);
    let mut channel = server.connect();
    ask(&mut channel, &Request::List);
    for worker in server.workers() {
        eventually("no_new_privs", || status(worker, "NoNewPrivs").as_deref() == Some("1"));
        eventually("seccomp", || status(worker, "Seccomp").as_deref() == Some("2"));
        let limits = fs::read_to_string(format!("/proc/{worker}/limits")).unwrap();
        let core = limits.lines().find(|line| line.starts_with("Max core file size")).unwrap();
        assert_eq!(core.split_whitespace().nth(4), Some("0"), "{core}");
    }
}

/// Whether the kernel lets nobody but root look into a process: then what describes it belongs to
/// root.
fn is_closed(pid: i32) -> bool {
    fs::metadata(format!("/proc/{pid}/maps")).is_ok_and(|maps| maps.uid() == 0)
}

#[test]
fn no_debugger_of_the_same_user_looks_into_a_process_that_meets_a_key() {
    let root = nix::unistd::geteuid().is_root();
    let user = if root { NOBODY } else { nix::unistd::geteuid().as_raw() };
    let server = Server::start_as(root.then_some(user), user, 2);
    let _held = as_somebody(|_| {
        let mut channel = server.connect();
        assert!(matches!(ask(&mut channel, &Request::List), Reply::Keys(_)));
        channel
    });
    assert!(!is_closed(server.child.id() as i32), "the parent is an ordinary process of that user");
    for worker in server.workers() {
        eventually("a closed process", || is_closed(worker));
        for broker in children(worker as u32) {
            eventually("a closed broker", || is_closed(broker));
        }
    }
}

#[test]
fn nothing_is_printed_near_the_conversation() {
    let server = Server::start(1, 2);
    let mut channel = server.connect();
    ask(&mut channel, &Request::List);
    for worker in server.workers() {
        for fd in [1, 2] {
            let target = fs::read_link(format!("/proc/{worker}/fd/{fd}")).unwrap();
            assert_eq!(target, Path::new("/dev/null"));
        }
    }
}

#[test]
fn a_killed_process_is_an_end_of_file_and_the_next_login_works() {
    let server = Server::start(1, 2);
    let mut channel = server.connect();
    ask(&mut channel, &Request::List);
    for worker in server.workers() {
        nix::sys::signal::kill(nix::unistd::Pid::from_raw(worker), nix::sys::signal::SIGKILL)
            .unwrap();
    }
    assert!(matches!(channel.receive::<Reply>(soon()), Err(IpcError::Closed)));
    // Until the parent has noticed, a connection may still be given to a process that is dead.
    eventually("the next login", || {
        let mut channel = server.connect();
        channel.send(&Request::List, soon()).is_ok()
            && matches!(channel.receive::<Reply>(soon()), Ok(Reply::Keys(_)))
    });
}

#[test]
fn a_hangup_ends_neither_the_service_nor_a_login() {
    let mut server = Server::start(1, 2);
    let mut channel = server.connect();
    assert!(matches!(ask(&mut channel, &Request::List), Reply::Keys(_)));
    // As "systemctl kill --signal=HUP" does: to the service and to all its processes.
    let mut all = vec![server.child.id() as i32];
    all.extend(server.workers());
    all.extend(server.workers().into_iter().flat_map(|worker| children(worker as u32)));
    for pid in all {
        nix::sys::signal::kill(nix::unistd::Pid::from_raw(pid), nix::sys::signal::SIGHUP).unwrap();
    }
    assert!(matches!(ask(&mut channel, &Request::List), Reply::Keys(_)));
    assert!(matches!(ask(&mut server.connect(), &Request::List), Reply::Keys(_)));
    assert!(server.child.try_wait().unwrap().is_none());
}

#[test]
fn processes_end_with_their_parent() {
    let mut server = Server::start(1, 2);
    let mut channel = server.connect();
    ask(&mut channel, &Request::List);
    eventually("a spare process", || server.workers().len() == 2);
    let workers = server.workers();
    server.child.kill().unwrap();
    server.child.wait().unwrap();
    assert!(matches!(channel.receive::<Reply>(soon()), Err(IpcError::Closed)));
    for worker in workers {
        eventually("an end", || !Path::new(&format!("/proc/{worker}")).exists());
    }
}

#[test]
fn many_at_once_are_all_served() {
    // As one who is not counted only root can hold more than a few.
    let many = if nix::unistd::geteuid().is_root() { 40 } else { 8 };
    let me = nix::unistd::geteuid().as_raw();
    let server = Server::start(me, 2);
    let mut channels: Vec<Channel> = (0..many).map(|_| server.connect()).collect();
    for channel in &mut channels {
        assert!(matches!(ask(channel, &Request::List), Reply::Keys(_)));
    }
}
