//! Sessions: a real bus with a stand-in for logind on it, the lock helper, and people who stay
//! signed in.

use std::os::unix::net::UnixStream;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use serde_json::Value;

use crate::keys::Control;
use crate::login::{Login, Running};
use crate::paths;
use crate::process::{Process, wait_for};
use crate::terminal::{SEATS, Terminal};
use crate::tool::Tool;

const BUS: &str = "/run/dbus/system_bus_socket";
const CONTROL: &str = "/run/logind.control";
const LOCK_SOCKET: &str = "/run/wardkey/lock.sock";
/// Anybody may own and call anything: who may is not what is tested here.
const BUS_CONFIGURATION: &str = "\
<!DOCTYPE busconfig PUBLIC \"-//freedesktop//DTD D-Bus Bus Configuration 1.0//EN\" \
\"http://www.freedesktop.org/standards/dbus/1.0/busconfig.dtd\">\n\
<busconfig><type>system</type><listen>unix:path=/run/dbus/system_bus_socket</listen>\
<auth>EXTERNAL</auth><policy context=\"default\"><allow user=\"*\"/><allow own=\"*\"/>\
<allow send_destination=\"*\"/><allow receive_sender=\"*\"/></policy></busconfig>\n";

/// The system bus, with logind and a display manager.
pub struct Logind {
    bus: Process,
    logind: Process,
}

/// Microseconds since 1970.
pub fn stamp() -> u128 {
    SystemTime::now().duration_since(UNIX_EPOCH).expect("a clock").as_micros()
}

impl Logind {
    /// Starts them; nobody is signed in.
    pub fn start() -> Self {
        std::fs::create_dir_all("/run/dbus").expect("folder of the bus");
        std::fs::create_dir_all("/run/systemd/seats").expect("folder of seats");
        let configuration = Path::new("/tmp/bus.conf");
        std::fs::write(configuration, BUS_CONFIGURATION).expect("configuration of the bus");
        let mut command = Tool::DbusDaemon.command();
        command.arg("--nofork").arg("--nopidfile").arg("--config-file").arg(configuration);
        let bus = Process::start("dbus", &mut command);
        // That the file is there is not yet that somebody listens.
        wait_for("the bus", Duration::from_secs(60), || UnixStream::connect(BUS).ok());
        Self { bus, logind: logind(&[]) }
    }

    /// Ends logind and starts it again, with the sessions of before.
    pub fn restart(&mut self, sessions: &[String]) {
        self.logind.kill();
        std::thread::sleep(Duration::from_millis(300));
        self.logind = logind(sessions);
    }

    /// Whether the bus is there.
    pub fn is_running(&mut self) -> bool {
        self.bus.is_running()
    }

    /// An order of the stand-in (`tests/logind`).
    pub fn order(&self, line: &str) {
        control().order(line);
    }

    /// What was asked of it: when (microseconds since 1970), and what.
    pub fn calls(&self) -> Vec<(u128, String)> {
        let call = |line: String| {
            let (at, what) = line.split_once(' ').expect("a call");
            (at.parse().expect("microseconds"), what.to_owned())
        };
        control().order("calls").into_iter().map(call).collect()
    }

    /// Waits until it was asked for this, after `since`; when that was.
    pub fn wait_call(&self, what: &str, since: u128, limit: Duration) -> u128 {
        wait_for(&format!("{what} among {:?}", self.calls()), limit, || {
            let calls = self.calls();
            calls.iter().find(|(at, call)| *at >= since && call == what).map(|(at, _)| *at)
        })
    }
}

fn control() -> Control {
    Control(PathBuf::from(CONTROL))
}

fn logind(sessions: &[String]) -> Process {
    let _ = std::fs::remove_file(CONTROL);
    let mut command = Command::new(paths::test_program("wardkey-logind"));
    command.args(["--control", CONTROL]);
    for session in sessions {
        command.arg("--session").arg(session);
    }
    let process = Process::start("logind", &mut command);
    wait_for("logind", Duration::from_secs(60), || Path::new(CONTROL).exists().then_some(()));
    process
}

/// The lock helper at its production place.
pub struct Helper {
    process: Process,
}

impl Helper {
    /// Starts it.
    pub fn start() -> Self {
        let _ = std::fs::remove_file(LOCK_SOCKET);
        let mut command = Command::new(paths::binary("wardkey-lock"));
        command.args(["--listen", LOCK_SOCKET, "--agent-user", "wardkey"]);
        let process = Process::start("wardkey-lock", &mut command);
        wait_for("the lock helper", Duration::from_secs(60), || {
            Path::new(LOCK_SOCKET).exists().then_some(())
        });
        Self { process }
    }

    /// Stops it.
    pub fn stop(&mut self) {
        self.process.kill();
        let _ = std::fs::remove_file(LOCK_SOCKET);
    }
}

/// Somebody who is signed in, until told to leave.
pub struct SignedIn {
    running: Running,
    leave: String,
    /// logind's session.
    pub session: String,
    /// As `wardkey-logind --session` takes it.
    pub known: String,
}

impl SignedIn {
    /// Logs somebody in to an account on tty1; logind shows the session as soon as the module has
    /// told of it.
    pub fn begin(logind: &Logind, account: &str, uid: u32, session: &str) -> Self {
        let leave = format!("/tmp/leave-{session}");
        let running = Login::of(account).with(&["--session-until", &leave]).start();
        running.wait_result("open_session");
        let known = format!("{session} {uid} {account} {} tty1", running.id());
        logind.order(&format!("new {known}"));
        // The key process serves whoever sits at the terminal.
        std::fs::create_dir_all(SEATS).expect("folder of seats");
        std::fs::write(format!("{SEATS}/seat0"), format!("ACTIVE_UID={uid}\n")).expect("seat");
        Self { running, leave, session: session.to_owned(), known }
    }

    /// Closes the session as login does.
    pub fn leave(self) {
        std::fs::write(&self.leave, "").expect("file");
        self.running.end().expect_in();
    }
}

impl Terminal {
    /// Who is signed in, as `wardkey who` says it.
    pub fn who(&self) -> Vec<Value> {
        let output = self.wardkey(&["who", "--json"]);
        let value: Value = serde_json::from_slice(&output.stdout).unwrap_or_else(|error| {
            panic!("who: {error}: {}", String::from_utf8_lossy(&output.stderr))
        });
        value["sessions"].as_array().cloned().unwrap_or_default()
    }

    /// Waits until a session of logind's is known, and its key was seen there.
    pub fn wait_signed_in(&self, session: &str) -> Value {
        self.wait_who(session, |who| who["key_plugged"] == true)
    }

    /// Waits until a session is as it should be.
    pub fn wait_who(&self, session: &str, is_so: impl Fn(&Value) -> bool) -> Value {
        wait_for(&format!("session {session} to be so"), Duration::from_secs(60), || {
            self.who().into_iter().find(|who| who["session"] == session && is_so(who))
        })
    }
}
