//! The program itself: processes, callers, sandbox, activation. Without a key;
//! what happens with one is tested in the library and end to end.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing)]

use std::fs;
use std::os::fd::{AsRawFd, OwnedFd};
use std::os::unix::fs::PermissionsExt;
use std::os::unix::net::{UnixListener, UnixStream};
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
    Deadline::after(Duration::from_secs(10))
}

/// A running `wardkey-key --listen`.
struct Server {
    child: Child,
    folder: tempfile::TempDir,
}

impl Server {
    /// `active`: uid of the active session; `agent`: uid of the agent.
    fn start(active: u32, agent: u32) -> Self {
        let folder = tempfile::tempdir().unwrap();
        fs::set_permissions(folder.path(), fs::Permissions::from_mode(0o755)).unwrap();
        let seats = folder.path().join("seats");
        fs::create_dir(&seats).unwrap();
        fs::write(seats.join("seat0"), format!("ACTIVE_UID={active}\n")).unwrap();
        let child = Command::new(env!("CARGO_BIN_EXE_wardkey-key"))
            .arg("--listen")
            .arg(folder.path().join("key.sock"))
            .args(["--agent-user", &agent.to_string()])
            .arg("--seats-dir")
            .arg(seats)
            .stdin(Stdio::null())
            .spawn()
            .unwrap();
        let server = Self { child, folder };
        // It appears when it can be connected to.
        eventually("a socket", || server.path().exists());
        server
    }

    fn path(&self) -> PathBuf {
        self.folder.path().join("key.sock")
    }

    fn connect(&self) -> Channel {
        Channel::connect(&self.path(), None, MAX_KEY_FRAME, soon()).unwrap()
    }

    /// Processes that it has started and that still run.
    fn workers(&self) -> Vec<i32> {
        let parent = self.child.id().to_string();
        fs::read_dir("/proc")
            .unwrap()
            .filter_map(|entry| entry.ok()?.file_name().to_str()?.parse::<i32>().ok())
            .filter(|pid| status(*pid, "PPid").as_deref() == Some(&parent))
            .filter(|pid| status(*pid, "State").is_some_and(|state| !state.starts_with('Z')))
            .collect()
    }
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
    let until = Instant::now() + Duration::from_secs(10);
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
fn lesson_ctap_03_the_process_that_meets_a_key_is_in_a_sandbox() {
    let server = Server::start(1, 2);
    let mut channel = server.connect();
    ask(&mut channel, &Request::List);
    for worker in server.workers() {
        eventually("no_new_privs", || status(worker, "NoNewPrivs").as_deref() == Some("1"));
        eventually("seccomp", || status(worker, "Seccomp").as_deref() == Some("2"));
        // Not dumpable: what is in /proc belongs to root and to nobody else.
        let limits = fs::read_to_string(format!("/proc/{worker}/limits")).unwrap();
        let core = limits.lines().find(|line| line.starts_with("Max core file size")).unwrap();
        assert_eq!(core.split_whitespace().nth(4), Some("0"), "{core}");
    }
}

#[test]
fn lesson_ctap_08_nothing_is_printed_near_the_conversation() {
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
        nix::sys::signal::kill(nix::unistd::Pid::from_raw(worker), nix::sys::signal::SIGKILL).unwrap();
    }
    assert!(matches!(channel.receive::<Reply>(soon()), Err(IpcError::Closed)));
    // Until the parent has noticed, a connection may still be given to a process that is dead.
    eventually("the next login", || {
        let mut channel = server.connect();
        channel.send(&Request::List, soon()).is_ok() && matches!(channel.receive::<Reply>(soon()), Ok(Reply::Keys(_)))
    });
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
fn lesson_himmelblau_callers_are_judged_by_their_uid() {
    const SOMEBODY_ELSE: u32 = 54321;
    let requests = || {
        let identify = Identify {
            rp_id: "example.org".parse().unwrap(),
            allow: List::default(),
            wait_ms: 0,
            client_data: Bytes::default(),
            every: false,
        };
        [(Request::List, false), (Request::Identify(identify), false), (Request::SetPin(pin()), true)]
    };
    let somebody = as_somebody(|uid| uid);
    for (active, agent, may_list, may_send_pin) in [
        (somebody, SOMEBODY_ELSE, true, true),
        (SOMEBODY_ELSE, somebody, true, false),
        (SOMEBODY_ELSE, SOMEBODY_ELSE, false, false),
    ] {
        let server = Server::start(active, agent);
        for (request, takes_pin) in requests() {
            let refused = as_somebody(|_| {
                let mut channel = server.connect();
                // One who may do nothing may have been hung up on already.
                let _ = channel.send(&request, soon());
                code(&channel.receive(soon()).unwrap()) == Some(Code::KeyAccessDenied)
            });
            assert_eq!(!refused, if takes_pin { may_send_pin } else { may_list }, "{active} {agent} {request:?}");
        }
    }
}

#[test]
fn connections_of_one_user_are_bounded_and_root_still_gets_in() {
    let somebody = as_somebody(|uid| uid);
    let server = Server::start(somebody, 2);
    let mut held: Vec<Channel> = as_somebody(|_| (0..12).map(|_| server.connect()).collect());
    let served = held
        .iter_mut()
        .filter_map(|channel| {
            channel.send(&Request::List, soon()).ok()?;
            channel.receive::<Reply>(soon()).ok()
        })
        .count();
    assert_eq!(served, 8);
    if nix::unistd::geteuid().is_root() {
        assert!(matches!(ask(&mut server.connect(), &Request::List), Reply::Keys(_)));
    }
    drop(held);
    as_somebody(|_| {
        eventually("room again", || {
            let mut channel = server.connect();
            channel.send(&Request::List, soon()).is_ok() && channel.receive::<Reply>(soon()).is_ok()
        });
    });
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

/// Starts the program with `socket` as systemd passes it: descriptor 3, and the
/// process's own id in the environment.
fn activated(socket: OwnedFd, seats: &Path) -> Child {
    let number = socket.as_raw_fd();
    let script =
        format!("exec 3<&{number}; export LISTEN_FDS=1 LISTEN_PID=$$; exec \"$0\" --agent-user 2 --seats-dir \"$1\"");
    nix::fcntl::fcntl(&socket, nix::fcntl::FcntlArg::F_SETFD(nix::fcntl::FdFlag::empty())).unwrap();
    Command::new("/bin/bash")
        .args(["-c", &script, env!("CARGO_BIN_EXE_wardkey-key")])
        .arg(seats)
        .stdin(Stdio::null())
        .spawn()
        .unwrap()
}

fn seats_with_me() -> tempfile::TempDir {
    let seats = tempfile::tempdir().unwrap();
    let me = nix::unistd::geteuid();
    fs::write(seats.path().join("seat0"), format!("ACTIVE_UID={me}\n")).unwrap();
    seats
}

#[test]
fn a_connection_from_systemd_is_served_and_then_it_exits() {
    let seats = seats_with_me();
    let (ours, theirs) = UnixStream::pair().unwrap();
    let mut child = activated(theirs.into(), seats.path());
    let mut channel = Channel::new(ours, MAX_KEY_FRAME).unwrap();
    assert!(matches!(ask(&mut channel, &Request::List), Reply::Keys(_)));
    assert_eq!(status(i32::try_from(child.id()).unwrap(), "Seccomp").as_deref(), Some("2"));
    drop(channel);
    assert!(child.wait().unwrap().success());
}

#[test]
fn a_listening_socket_from_systemd_is_served() {
    let seats = seats_with_me();
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("key.sock");
    let listener = UnixListener::bind(&path).unwrap();
    let mut child = activated(listener.into(), seats.path());
    for _ in 0..3 {
        let mut channel = Channel::connect(&path, None, MAX_KEY_FRAME, soon()).unwrap();
        assert!(matches!(ask(&mut channel, &Request::List), Reply::Keys(_)));
    }
    child.kill().unwrap();
    child.wait().unwrap();
}

#[test]
fn what_is_wrong_with_the_start_is_said() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("file");
    fs::write(&file, "precious").unwrap();
    let file = file.to_str().unwrap();
    let missing = folder.path().join("no/such/folder");
    let missing = missing.to_str().unwrap();
    for (arguments, says) in [
        (vec![], "--listen"),
        (vec!["--listen", file], file),
        (vec!["--listen", missing], missing),
        (vec!["--listen", "x", "--mode", "888"], "octal"),
        (vec!["--listen", "x", "--mode", "4777"], "octal"),
    ] {
        let output =
            Command::new(env!("CARGO_BIN_EXE_wardkey-key")).args(&arguments).stdin(Stdio::null()).output().unwrap();
        assert!(!output.status.success());
        let text = String::from_utf8(output.stderr).unwrap();
        assert!(text.contains(says), "{arguments:?}: {text}");
    }
    assert_eq!(fs::read_to_string(file).unwrap(), "precious");
}
