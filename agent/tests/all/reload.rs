//! Another list of collectors while the agent runs.

use std::io::Read;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;
use wardkey_agent::audit::collecting::{change, start};
use wardkey_core::event::Format;
use wardkey_core::message::MAX_FRAME;
use wardkey_core::message::agent::{DestinationStatus, Reply, Request};
use wardkey_ipc::{Channel, Deadline};
use wardkey_settings::collector::Collector;

use crate::collectors::{Port, collector, fixture, numbers, record};
use crate::common::*;

/// A collector that reads every connection to its end.
struct Reads {
    to: Collector,
    text: Arc<Mutex<String>>,
    _port: Port,
}

impl Reads {
    fn new() -> Self {
        let port = Port::held();
        let (listener, text) = (port.listen(), Arc::<Mutex<String>>::default());
        let kept = Arc::clone(&text);
        std::thread::spawn(move || {
            while let Ok((mut stream, _)) = listener.accept() {
                // Not to be lost when the agent hears that we end.
                let mut all = String::new();
                stream.read_to_string(&mut all).unwrap();
                kept.lock().unwrap().push_str(&all);
            }
        });
        Self { to: collector(&port, Format::Ecs), text, _port: port }
    }

    fn has(&self, expected: std::ops::Range<u32>) {
        let expected: Vec<u32> = expected.collect();
        let what = format!("{expected:?}");
        eventually(&what, || numbers(&self.text.lock().unwrap()).len() >= expected.len());
        assert_eq!(numbers(&self.text.lock().unwrap()), expected);
    }
}

#[test]
fn collectors_that_stay_go_on_and_those_that_go_are_forgotten() {
    let (stays, goes, comes) = (Reads::new(), Reads::new(), Reads::new());
    let f = fixture(&[stays.to.clone(), goes.to.clone()]);
    start(&f.agent).unwrap();
    record(&f, 0..10);
    stays.has(0..10);
    goes.has(0..10);
    eventually("both are noted", || {
        let all = wardkey_agent::control::status(&f.agent).destinations.unwrap();
        all.iter().skip(2).all(|one| one.waiting == 0)
    });

    let with = |collectors: &[&Collector]| {
        let mut config = f.agent.config.clone();
        config.records_to = collectors.iter().map(|one| (*one).clone().into()).collect();
        change(&f.agent, &config).unwrap()
    };
    assert!(!with(&[&stays.to, &goes.to]), "nothing has changed");
    let cef = Collector { format: Format::Cef, ..stays.to.clone() };
    assert!(with(&[&cef, &comes.to]));
    let all = wardkey_agent::control::status(&f.agent).destinations.unwrap();
    let names: Vec<String> = all.iter().map(|one| one.name.clone()).collect();
    assert_eq!(names, ["syslog", "server", &cef.name(), &comes.to.name()]);
    record(&f, 10..20);
    stays.has(0..20);
    assert!(stays.text.lock().unwrap().contains("CEF:0|"), "in its new form");
    comes.has(0..20);
    goes.has(0..10);

    // One that comes again begins with the oldest record that is left.
    goes.text.lock().unwrap().clear();
    assert!(with(&[&goes.to]));
    goes.has(0..20);
    record(&f, 20..30);
    goes.has(0..30);
    std::thread::sleep(Duration::from_millis(100));
    stays.has(0..20);
    f.agent.stop();
}

/// The program, by a file; killed when it is dropped.
pub struct Running(pub Child);

impl Running {
    /// Starts it by the file that [`configure`] writes.
    pub fn start(at: &Path) -> Self {
        let child = Command::new(env!("CARGO_BIN_EXE_wardkey-agent"))
            .arg("--config")
            .arg(at.join("etc/agent.toml"))
            .stderr(Stdio::null())
            .spawn();
        Self(child.unwrap())
    }

    pub fn signal(&self, signal: Signal) {
        kill(Pid::from_raw(self.0.id() as i32), signal).unwrap();
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

pub fn configure(at: &Path, rest: &str) {
    let text = format!(
        "socket = \"{0}/run/agent.sock\"\nkey_socket = \"{0}/run/key.sock\"\n\
         state_dir = \"{0}/state\"\nsyslog = \"{0}/log\"\nuser = \"nobody\"\n\
         spool_mib = 4\n{rest}\n",
        at.display()
    );
    std::fs::write(at.join("etc/agent.toml"), text).unwrap();
}

/// What `wardkey status` shows of the destinations; nothing while the program does not answer.
pub fn destinations(at: &Path) -> Vec<DestinationStatus> {
    let ask = || {
        let soon = Deadline::after(LONG);
        let mut channel =
            Channel::connect(&at.join("run/agent.sock"), None, MAX_FRAME, soon).ok()?;
        channel.send(&Request::Status, soon).ok()?;
        let Reply::Status(status) = channel.receive(soon).ok()? else { return None };
        Some(status.destinations?.iter().cloned().collect())
    };
    ask().unwrap_or_default()
}

#[test]
fn sighup_takes_another_list_and_a_faulty_file_changes_nothing() {
    let folder = tempfile::tempdir().unwrap();
    let at = folder.path();
    let open = std::os::unix::fs::PermissionsExt::from_mode(0o755);
    std::fs::set_permissions(at, open).unwrap();
    std::fs::create_dir(at.join("etc")).unwrap();
    let (first, second) = (Reads::new(), Reads::new());
    let list = |to: &Collector| format!("records_to = [\"tcp://{} ecs\"]", to.address);
    configure(at, &list(&first.to));
    let running = Running::start(at);
    let has = |to: &Collector| destinations(at).iter().any(|one| one.name == to.name());
    eventually("it runs", || has(&first.to));
    let hangup = || running.signal(Signal::SIGHUP);

    configure(at, "records_to = [\"nowhere\"]");
    hangup();
    std::thread::sleep(Duration::from_millis(300));
    assert!(has(&first.to), "what runs goes on");
    // As while a file is replaced in two steps: that nothing is configured is not meant.
    std::fs::remove_file(at.join("etc/agent.toml")).unwrap();
    hangup();
    std::thread::sleep(Duration::from_millis(300));
    assert!(has(&first.to), "what runs goes on");
    configure(at, &list(&second.to));
    hangup();
    eventually("the other list", || has(&second.to) && !has(&first.to));
    // The records of the start are for the new one too.
    eventually("agent-started", || second.text.lock().unwrap().contains("agent-started"));
}
