//! kill -9 of the real program at any moment: state intact, each outcome recorded once.

use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use crate::common::*;
use wardkey_agent::audit::destination::{self, SERVER};
use wardkey_agent::store::spool::read::Most;
use wardkey_core::message::MAX_FRAME;
use wardkey_core::message::agent::{Reply, Request};
use wardkey_ipc::{Channel, Deadline, IpcError};

fn start(folder: &Path) -> Child {
    Command::new(env!("CARGO_BIN_EXE_wardkey-agent"))
        .arg("--config")
        .arg(folder.join("agent.toml"))
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn()
        .unwrap()
}

fn connect(folder: &Path) -> Channel {
    let path = folder.join("run/agent.sock");
    let mut channel = None;
    eventually("the agent", || {
        channel = Channel::connect(&path, None, MAX_FRAME, Deadline::after(LONG)).ok();
        channel.is_some()
    });
    channel.unwrap()
}

fn ask(channel: &mut Channel, request: &Request) -> Result<Reply, IpcError> {
    channel.send(request, Deadline::after(LONG))?;
    channel.receive(Deadline::after(LONG))
}

/// A folder that the program can use as the user that it becomes, and its configuration.
fn prepare(f: &Fixture) -> tempfile::TempDir {
    let folder = tempfile::tempdir().unwrap();
    std::fs::set_permissions(folder.path(), std::fs::Permissions::from_mode(0o755)).unwrap();
    let at = folder.path();
    std::fs::create_dir(at.join("run")).unwrap();
    std::fs::create_dir(at.join("state")).unwrap();
    std::fs::set_permissions(at.join("run"), std::fs::Permissions::from_mode(0o777)).unwrap();
    f.agent.state.close();
    f.agent.directory.close();
    for entry in std::fs::read_dir(f.folder.path()).unwrap().flatten() {
        std::fs::copy(entry.path(), at.join("state").join(entry.file_name())).unwrap();
    }
    let text = format!(
        "socket = \"{0}/run/agent.sock\"\nkey_socket = \"{0}/run/key.sock\"\n\
            state_dir = \"{0}/state\"\nsyslog = \"{0}/run/log\"\n\
         user = \"nobody\"\nspool_mib = 4\n",
        at.display()
    );
    std::fs::write(at.join("agent.toml"), text).unwrap();
    folder
}

#[test]
fn kill_9_leaves_every_outcome_recorded_once_or_not_at_all() {
    let f = Fixture::synced();
    // The program goes by the machine's clock; so do the assertions.
    let now = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).unwrap().as_secs();
    f.time.store(now.max(T0 + 10), std::sync::atomic::Ordering::SeqCst);
    let folder = prepare(&f);
    let mut answered = Vec::new();
    let mut unanswered = Vec::new();
    for round in 0..12u64 {
        let mut child = start(folder.path());
        let mut channel = connect(folder.path());
        let status = ask(&mut channel, &Request::Status).unwrap();
        assert!(matches!(status, Reply::Status(_)), "{status:?}");
        // What was answered before the last crash is still known, what was not is taken now.
        for request in answered.iter().rev().take(2).chain(unanswered.iter()) {
            let reply = ask(&mut channel, request).unwrap();
            assert!(matches!(reply, Reply::Recorded(..)), "round {round}: {reply:?}");
        }
        answered.append(&mut unanswered);
        let pid = nix::unistd::Pid::from_raw(child.id() as i32);
        // When a few are recorded, and then at any moment.
        let (tell, told) = std::sync::mpsc::channel();
        let killer = std::thread::spawn(move || {
            told.recv().unwrap();
            std::thread::sleep(Duration::from_millis(round * 5));
            nix::sys::signal::kill(pid, nix::sys::signal::Signal::SIGKILL).unwrap();
        });
        let least = {
            let Reply::Status(status) = status else { unreachable!() };
            status.now
        };
        for number in 0..100_000 {
            if number == 2 {
                tell.send(()).unwrap();
            }
            let assertion =
                f.assertion("hanako", "hanako", 1, |data| data.time = data.time.max(least));
            let request = success("hanako", &assertion);
            match ask(&mut channel, &request) {
                Ok(Reply::Recorded(..)) => answered.push(request),
                Ok(other) => panic!("{other:?}"),
                Err(_) => {
                    unanswered.push(request);
                    break;
                }
            }
        }
        killer.join().unwrap();
        child.wait().unwrap();
    }
    assert!(answered.len() >= 24, "{}", answered.len());
    // A clean stop, then the books are read.
    let mut child = start(folder.path());
    let mut channel = connect(folder.path());
    for request in &unanswered {
        assert!(matches!(ask(&mut channel, request).unwrap(), Reply::Recorded(..)));
    }
    answered.append(&mut unanswered);
    nix::sys::signal::kill(
        nix::unistd::Pid::from_raw(child.id() as i32),
        nix::sys::signal::Signal::SIGTERM,
    )
    .unwrap();
    assert!(child.wait().unwrap().success(), "SIGTERM is a clean stop");
    assert!(!folder.path().join("run/agent.sock").exists());
    let state = wardkey_agent::store::state::State::open(
        &folder.path().join("state/state.redb"),
        10_000,
        4,
        destination::all(&Default::default()),
    )
    .unwrap();
    assert!(state.take_set_aside().is_empty());
    let mut recorded: Vec<_> = state
        .pending(&SERVER, Most { events: usize::MAX, bytes: usize::MAX })
        .unwrap()
        .into_iter()
        .map(|record| {
            wardkey_core::codec::from_bytes::<wardkey_core::event::Event>(&record.event).unwrap()
        })
        .filter(|event| event.name == wardkey_core::event::EventName::Login)
        .map(|event| event.id)
        .collect();
    assert_eq!(recorded.len(), answered.len(), "each once");
    recorded.sort();
    recorded.dedup();
    assert_eq!(recorded.len(), answered.len());
    println!("{} logins over 12 kills", answered.len());
}

#[test]
fn wrong_configuration_stops_the_program_with_a_message() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("agent.toml");
    std::fs::write(&path, "socket = \"/run/a\"\nspool = 4\n").unwrap();
    let output = Command::new(env!("CARGO_BIN_EXE_wardkey-agent"))
        .arg("--config")
        .arg(&path)
        .output()
        .unwrap();
    assert!(!output.status.success());
    let message = String::from_utf8(output.stderr).unwrap();
    assert!(
        message.contains("agent.toml:2: unknown key \"spool\"") && message.contains("known are"),
        "{message}"
    );
}
