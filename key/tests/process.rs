//! The program itself: processes, callers, sandbox, activation. Without a key;
//! what happens with one is tested in the library and end to end.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing)]

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
        let limits = fs::read_to_string(format!("/proc/{worker}/limits")).unwrap();
        let core = limits.lines().find(|line| line.starts_with("Max core file size")).unwrap();
        assert_eq!(core.split_whitespace().nth(4), Some("0"), "{core}");
    }
}

/// Whether the kernel lets nobody but root look into a process: then what describes it belongs to root.
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
fn rights_end_with_the_session_that_gave_them() {
    let somebody = as_somebody(|uid| uid);
    let identify = |wait_ms| {
        let (allow, client_data) = (List::default(), Bytes::default());
        Request::Identify(Identify {
            rp_id: "example.org".parse().unwrap(),
            allow,
            wait_ms,
            client_data,
            every: false,
            more: None,
        })
    };
    // (what the caller does when another session comes to the front)
    let idle: fn(&mut Channel) = |_| {};
    let watching: fn(&mut Channel) = |channel| assert!(matches!(ask(channel, &Request::Watch), Reply::Keys(_)));
    for (what, before, waits) in [("idle", idle, false), ("watching", watching, false), ("waiting", idle, true)] {
        let server = Server::start(somebody, 2);
        let mut channel = as_somebody(|_| server.connect());
        assert!(matches!(ask(&mut channel, &Request::List), Reply::Keys(_)), "{what}");
        before(&mut channel);
        if waits {
            assert_eq!(ask(&mut channel, &identify(60_000)), Reply::Insert, "{what}");
        }
        server.switch_to(somebody + 1);
        let told = channel.receive::<Reply>(soon()).unwrap();
        assert_eq!(code(&told), Some(Code::KeyAccessDenied), "{what}");
        assert!(matches!(channel.receive::<Reply>(soon()), Err(IpcError::Closed)), "{what}");
        eventually("its process ends", || server.workers().len() == 1);
    }
    // And at the very next request, before anybody has looked.
    let server = Server::start(somebody, 2);
    let mut channel = as_somebody(|_| server.connect());
    assert!(matches!(ask(&mut channel, &Request::List), Reply::Keys(_)));
    server.switch_to(somebody + 1);
    // The parent may have been quicker.
    let _ = channel.send(&Request::SetPin(pin()), soon());
    assert_eq!(code(&channel.receive(soon()).unwrap()), Some(Code::KeyAccessDenied));
}

#[test]
fn the_rights_of_root_and_of_the_agent_do_not_end_with_a_session() {
    let somebody = as_somebody(|uid| uid);
    let server = Server::start(1, somebody);
    let mut channels = vec![as_somebody(|_| server.connect())];
    if nix::unistd::geteuid().is_root() {
        channels.push(server.connect());
    }
    for channel in &mut channels {
        assert!(matches!(ask(channel, &Request::List), Reply::Keys(_)));
    }
    server.switch_to(3);
    std::thread::sleep(Duration::from_millis(600));
    for channel in &mut channels {
        assert!(matches!(ask(channel, &Request::List), Reply::Keys(_)));
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
fn lesson_himmelblau_callers_are_judged_by_their_uid() {
    const SOMEBODY_ELSE: u32 = 54321;
    let requests = || {
        let identify = Identify {
            rp_id: "example.org".parse().unwrap(),
            allow: List::default(),
            wait_ms: 0,
            client_data: Bytes::default(),
            every: false,
            more: None,
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

/// Connects to the socket of another test's server; says how many of twelve connections are served.
#[test]
#[ignore = "started by the test below, as a program with the setuid bit"]
fn connects_a_dozen_times() {
    let path = PathBuf::from(std::env::var_os("WARDKEY_TEST_SOCKET").unwrap());
    let mut held: Vec<Channel> =
        (0..12).map(|_| Channel::connect(&path, None, MAX_KEY_FRAME, soon()).unwrap()).collect();
    let served = held
        .iter_mut()
        .filter_map(|channel| {
            channel.send(&Request::List, soon()).ok()?;
            channel.receive::<Reply>(soon()).ok()
        })
        .count();
    println!("served {served}");
}

#[test]
fn what_a_user_starts_as_root_counts_against_that_user() {
    if !nix::unistd::geteuid().is_root() {
        // Only root can start a program as somebody with root's rights.
        return;
    }
    let server = Server::start(1, 2);
    // Where this test descends from a login, that is who starts a plain program of root's.
    let login = fs::read_to_string("/proc/self/loginuid").unwrap_or_default();
    let of_root = if ["", "0", "4294967295"].contains(&login.trim()) { "served 12" } else { "served 8" };
    for (real, expected) in [(NOBODY, "served 8"), (0, of_root)] {
        let mut command = Command::new(std::env::current_exe().unwrap());
        command
            .args(["--ignored", "--exact", "connects_a_dozen_times", "--nocapture"])
            .env("WARDKEY_TEST_SOCKET", server.path());
        // SAFETY: one system call without pointers between fork and exec, as su's setuid bit has it.
        unsafe {
            command.pre_exec(move || {
                if libc::setresuid(real, 0, 0) == 0 { Ok(()) } else { Err(std::io::Error::last_os_error()) }
            });
        }
        let output = command.output().unwrap();
        let told = String::from_utf8_lossy(&output.stdout).into_owned();
        assert!(output.status.success() && told.contains(expected), "{real}: {told}");
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
    let workers = children(child.id());
    assert_eq!(workers.len(), 1);
    assert_eq!(status(workers[0], "Seccomp").as_deref(), Some("2"));
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
