//! Started by root without systemd: what becomes whose.

use std::os::unix::fs::{MetadataExt, PermissionsExt};
use std::os::unix::net::UnixListener;
use std::path::Path;
use std::process::{Child, Command, Stdio};

use nix::sys::signal::{Signal, kill};
use nix::unistd::{Pid, Uid, User, chown, geteuid};
use wardkey_core::message::MAX_FRAME;
use wardkey_core::message::agent::{Reply, Request};
use wardkey_ipc::{Channel, Deadline};

use crate::common::{LONG, eventually};

fn soon() -> Deadline {
    Deadline::after(LONG)
}

/// A machine's folders in one: `run` for the sockets, `state`, `agent.toml`.
fn machine() -> tempfile::TempDir {
    let folder = tempfile::tempdir().unwrap();
    let at = folder.path();
    std::fs::set_permissions(at, std::fs::Permissions::from_mode(0o755)).unwrap();
    let text = format!(
        "socket = \"{0}/run/agent.sock\"\nkey_socket = \"{0}/run/key.sock\"\n\
            state_dir = \"{0}/state\"\n\
         syslog = \"{0}/log\"\nuser = \"nobody\"\nspool_mib = 4\n",
        at.display()
    );
    std::fs::write(at.join("agent.toml"), text).unwrap();
    folder
}

fn nobody() -> Uid {
    User::from_name("nobody").unwrap().unwrap().uid
}

struct Running(Child);

impl Running {
    fn start(at: &Path) -> Self {
        let child = Command::new(env!("CARGO_BIN_EXE_wardkey-agent"))
            .arg("--config")
            .arg(at.join("agent.toml"))
            .stderr(Stdio::null())
            .spawn()
            .unwrap();
        Self(child)
    }

    /// Asks it something, and says whom the kernel says it is.
    fn uid_at_the_socket(&self, at: &Path) -> u32 {
        let path = at.join("run/agent.sock");
        let mut channel = None;
        eventually("the agent", || {
            channel = Channel::connect(&path, None, MAX_FRAME, soon()).ok();
            channel.is_some()
        });
        let mut channel = channel.unwrap();
        channel.send(&Request::Status, soon()).unwrap();
        assert!(matches!(channel.receive(soon()).unwrap(), Reply::Status(_)));
        channel.peer().unwrap().uid
    }

    fn stop(mut self) {
        kill(Pid::from_raw(self.0.id() as i32), Signal::SIGTERM).unwrap();
        assert!(self.0.wait().unwrap().success());
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

fn owner_and_mode(path: &Path) -> (u32, u32) {
    let found = std::fs::symlink_metadata(path).unwrap();
    (found.uid(), found.mode() & 0o777)
}

#[test]
fn the_folder_of_the_sockets_is_never_the_agents() {
    assert!(geteuid().is_root(), "run this test as root: it changes owners and uids");
    type Before = fn(&Path);
    let cases: [(&str, Before); 4] = [
        ("not there", |_| {}),
        ("root's", |run| {
            std::fs::create_dir(run).unwrap();
            std::fs::set_permissions(run, std::fs::Permissions::from_mode(0o755)).unwrap();
        }),
        ("with a socket that nobody listens at", |run| {
            std::fs::create_dir(run).unwrap();
            drop(UnixListener::bind(run.join("agent.sock")).unwrap());
        }),
        ("given to the agent by an earlier version", |run| {
            std::fs::create_dir(run).unwrap();
            chown(run, Some(nobody()), None).unwrap();
        }),
    ];
    for (what, before) in cases {
        let machine = machine();
        let (at, run) = (machine.path(), machine.path().join("run"));
        before(&run);
        let agent = Running::start(at);
        assert_eq!(
            agent.uid_at_the_socket(at),
            nobody().as_raw(),
            "{what}: the module sees the agent's user"
        );
        assert_eq!(owner_and_mode(&run), (0, 0o755), "{what}");
        assert_eq!(owner_and_mode(&run.join("agent.sock")).1, 0o666, "{what}");
        assert_eq!(owner_and_mode(&at.join("state")), (nobody().as_raw(), 0o700), "{what}");
        agent.stop();
        // It starts again over what it left.
        let again = Running::start(at);
        assert_eq!(again.uid_at_the_socket(at), nobody().as_raw(), "{what}");
        again.stop();
    }
}

#[test]
fn files_of_an_earlier_run_as_root_become_the_agents_but_nothing_behind_a_link() {
    assert!(geteuid().is_root(), "run this test as root: it changes owners and uids");
    let machine = machine();
    let (at, state) = (machine.path(), machine.path().join("state"));
    std::fs::create_dir(&state).unwrap();
    chown(&state, Some(nobody()), None).unwrap();
    for name in ["secret", "other"] {
        std::fs::write(at.join(name), "root's").unwrap();
    }
    std::fs::write(state.join("terminal.toml.old"), "").unwrap();
    std::os::unix::fs::symlink(at.join("secret"), state.join("link")).unwrap();
    std::fs::hard_link(at.join("other"), state.join("second-name")).unwrap();
    let agent = Running::start(at);
    agent.uid_at_the_socket(at);
    agent.stop();
    assert_eq!(owner_and_mode(&state.join("terminal.toml.old")).0, nobody().as_raw());
    assert_eq!((owner_and_mode(&at.join("secret")).0, owner_and_mode(&at.join("other")).0), (0, 0));
}
