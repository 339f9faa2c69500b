//! Records in the journal: a real systemd-journald, in a namespace of its own.

use std::os::unix::net::UnixDatagram;
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};

use serde_json::Value;
use wardkey_agent::audit::carried::Carried;
use wardkey_agent::audit::deliver::batch;
use wardkey_core::code::Notice;
use wardkey_core::event::{Event, EventName, Outcome};
use wardkey_core::name::printable;
use wardkey_settings::sink::Sink;
use wardkey_sinks::journal::Journal;

use crate::collectors::{destination_of, fixture_of, record, shown};
use crate::common::*;

/// systemd-journald with a namespace, and all that it leaves behind.
struct Journald {
    name: String,
    process: Child,
}

impl Journald {
    fn start(name: &str) -> Self {
        let journald = Self { name: name.to_owned(), process: spawn(name) };
        journald.listens();
        journald
    }

    fn restart(&mut self) {
        self.process = spawn(&self.name);
        self.listens();
    }

    fn listens(&self) {
        eventually("journald listens", || {
            let probe = UnixDatagram::unbound().unwrap();
            probe.connect(self.socket()).is_ok()
        });
    }

    fn folder(&self) -> PathBuf {
        format!("/run/systemd/journal.{}", self.name).into()
    }

    fn socket(&self) -> PathBuf {
        self.folder().join("socket")
    }

    /// What it has of Wardkey, in its order.
    fn entries(&self) -> Vec<Value> {
        let read = Command::new("journalctl")
            .args(["--output=json", "--all", "--no-pager", "--quiet", "--identifier=wardkey"])
            .arg(format!("--namespace={}", self.name))
            .output()
            .unwrap();
        let text = String::from_utf8(read.stdout).unwrap();
        text.lines().map(|line| serde_json::from_str(line).unwrap()).collect()
    }

    fn stop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

fn spawn(name: &str) -> Child {
    Command::new("/lib/systemd/systemd-journald")
        .arg(name)
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn()
        .expect("run this test as root where systemd-journald is installed")
}

impl Drop for Journald {
    fn drop(&mut self) {
        self.stop();
        let _ = std::fs::remove_dir_all(self.folder());
        let machine = std::fs::read_to_string("/etc/machine-id").unwrap_or_default();
        for at in ["/run/log/journal", "/var/log/journal"] {
            let of_this = format!("{at}/{}.{}", machine.trim(), self.name);
            let _ = std::fs::remove_dir_all(of_this);
        }
    }
}

fn transport(f: &Fixture, socket: &Sink) -> Carried<Journal> {
    let Sink::Journal(path) = socket else { unreachable!() };
    Carried::new(&f.agent.config, destination_of(f, socket), |terms| Journal::new(terms, path))
}

/// Whether an entry has what an event has, field for field.
fn compare(entry: &Value, event: &Event) {
    for (name, value) in event.fields() {
        let field = format!("WARDKEY_{}", name.to_ascii_uppercase());
        assert_eq!(entry[&field], printable(&value, 256), "{field}");
    }
    assert_eq!(entry["SYSLOG_IDENTIFIER"], "wardkey");
    assert_eq!(entry["SYSLOG_FACILITY"], "10");
    assert_eq!(entry["_TRANSPORT"], "journal");
}

#[test]
fn the_journal_has_every_field_of_every_record_in_order_over_its_restart() {
    let mut journald = Journald::start(&format!("wardkey-a{}", std::process::id()));
    let to = Sink::Journal(journald.socket());
    let f = fixture_of(std::slice::from_ref(&to));
    record(&f, 0..300);
    let mut long = f.agent.event(EventName::Login, Outcome::Failure);
    // More than fits into the buffer of the second transport: it is handed over as a file.
    let text = || Some("長".repeat(300));
    (long.detail, long.service, long.tty, long.session) = (text(), text(), text(), text());
    (long.seat, long.rhost, long.stage, long.key) = (text(), text(), text(), text());
    f.agent.record(vec![long]);

    let mut first = transport(&f, &to);
    let arrived: usize = (0..3).map(|_| batch(&f.agent, &mut first).unwrap()).sum();
    eventually("what was sent", || journald.entries().len() == arrived);
    journald.stop();
    assert!(batch(&f.agent, &mut first).is_err(), "nobody is there");
    assert_eq!(shown(&f, &to.name()).code, Some(Notice::JournalAway.number()));
    journald.restart();
    let mut narrow = transport(&f, &to).by(|way| way.sending(1));
    while batch(&f.agent, &mut narrow).unwrap() > 0 {}
    // As they wait for the server, which gets all but those of states.
    let events = f.events();
    let entries = || -> Vec<Value> {
        let is_of_state = |entry: &Value| entry["WARDKEY_EVENT"] == "synced";
        journald.entries().into_iter().filter(|entry| !is_of_state(entry)).collect()
    };
    eventually("all entries", || entries().len() >= events.len());
    let entries = entries();
    assert_eq!(entries.len(), events.len());
    entries.iter().zip(&events).for_each(|(entry, event)| compare(entry, event));
}
