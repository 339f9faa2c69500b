//! Archives of the log of records: what is written, what is read back, and what is refused.

use std::path::{Path, PathBuf};
use std::process::Command;

use serde_json::{Value, json};
use wardkey_core::code::Code;
use wardkey_core::codec;
use wardkey_core::event::{Event, EventName, Outcome};
use wardkey_core::id::EventId;
use wardkey_core::message::http::{Base64, EventsReply};
use wardkey_core::time::UnixTime;
use wardkey_server::clock::Clock;
use wardkey_server::config::{Config, Retention};
use wardkey_server::error::{Error, Result};
use wardkey_server::keyring::Keyring;
use wardkey_server::log::archive::{self, PrunedRecords, Pruning};
use wardkey_server::store::audit::Actor;

use super::support::client::Terminal;
use super::support::ward::Ward;
use super::support::{Deployment, Running, now, until};

pub const DAY: u64 = 86_400;
/// How much later it is that records are pruned.
pub const LATER: u64 = 40 * DAY;

/// The record of this number: one of three is a login that was refused, the others say that a
/// terminal was offline.
pub fn event(terminal: &Terminal, number: u32, time: u64) -> Event {
    let mut id = [7; 16];
    id[..4].copy_from_slice(&number.to_be_bytes());
    let (name, outcome) = match number % 3 {
        0 => (EventName::Login, Outcome::Failure),
        _ => (EventName::Offline, Outcome::Success),
    };
    let mut event = Event::new(EventId::new(id), UnixTime(time), name, outcome);
    event.terminal = Some(terminal.id);
    event.reason = number.is_multiple_of(3).then_some(Code::PinWrong);
    event
}

/// Sends records of these numbers.
pub fn send(terminal: &Terminal, time: u64, numbers: std::ops::Range<u32>) {
    let all: Vec<Event> = numbers.map(|number| event(terminal, number, time)).collect();
    for part in all.chunks(200) {
        let events: Vec<Base64> = part.iter().map(|event| Base64(codec::to_bytes(event))).collect();
        let reply: EventsReply =
            terminal.client.post("/v1/events", &json!({ "events": events })).json();
        assert_eq!(reply.accepted.len(), part.len());
    }
}

/// Lets the time pass after which records are past theirs, and waits until the store knows it.
pub fn wait(deployment: &Deployment, running: &Running) {
    running.pass(LATER);
    let wanted = running.clock.now().0;
    until("a signature", || {
        deployment.json(&["clock", "show"])["signed"].as_u64().unwrap() >= wanted
    });
}

/// A deployment with so many records, and what its terminal is; by its clock it is later.
pub fn later(count: u32) -> (Deployment, Terminal, Clock) {
    let ward = Ward::new();
    send(&ward.terminal, now(), 0..count);
    wait(&ward.deployment, &ward.running);
    let clock = ward.running.clock.clone();
    ward.running.stop();
    (ward.deployment, ward.terminal, clock)
}

pub fn retention(text: &str) -> Retention {
    Config::parse(&format!("[retention]\n{text}")).unwrap().retention
}

/// What is past its time: how terminals are, and no login.
pub fn operation() -> Retention {
    retention("operation = \"30d\"")
}

impl Deployment {
    pub fn archived(&self, name: &str) -> PathBuf {
        let to = self.folder.path().join(name);
        self.ok(&["archive", "create", to.to_str().unwrap()]);
        to
    }

    /// Prunes at the time of a clock, as the command does.
    pub fn prune(&self, file: &Path, kept: &Retention, clock: &Clock) -> Result<PrunedRecords> {
        self.pruning(file, kept, clock, false)
    }

    pub fn pruning(
        &self,
        file: &Path,
        retention: &Retention,
        clock: &Clock,
        is_rehearsal: bool,
    ) -> Result<PrunedRecords> {
        self.pruning_as(file, retention, clock, (is_rehearsal, true))
    }

    /// The same; `anyway` also what a destination lacks.
    pub fn pruning_as(
        &self,
        file: &Path,
        retention: &Retention,
        clock: &Clock,
        (is_rehearsal, anyway): (bool, bool),
    ) -> Result<PrunedRecords> {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        runtime.block_on(async {
            let (config, store) = (self.config(), self.store().await);
            let (keyring, actor) = (Keyring::at(&config.keys), Actor::server());
            let reason = Some("a test");
            let pruning = Pruning {
                store: &store,
                keyring: &keyring,
                actor: &actor,
                clock,
                retention,
                reason,
                is_rehearsal,
                anyway,
            };
            let done = archive::prune(&pruning, file).await;
            store.close().await;
            done
        })
    }

    fn events(&self) -> usize {
        self.rows(&["events", "list", "--limit", "10000"]).as_array().unwrap().len()
    }
}

pub fn code<T>(result: Result<T>) -> Code {
    result.err().as_ref().map(Error::code).unwrap()
}

#[test]
fn an_archive_is_written_read_back_and_goes_on_from_the_one_before() {
    let ward = Ward::new();
    let deployment = &ward.deployment;
    let january = deployment.folder.path().join("january.wka");
    let create = |path: &Path| ["archive", "create", path.to_str().unwrap()].map(str::to_owned);
    let said = deployment.refused(1, &create(&january).each_ref().map(String::as_str));
    assert!(said.contains("WK-1692") && !january.exists(), "{said}");

    send(&ward.terminal, now(), 0..300);
    let made = deployment.json(&["archive", "create", january.to_str().unwrap()]);
    assert_eq!(
        (&made["first"], &made["size"], &made["number"]),
        (&0.into(), &300.into(), &1.into())
    );
    assert_eq!(made["bytes"], january.metadata().unwrap().len());
    use std::os::unix::fs::MetadataExt as _;
    assert_eq!(january.metadata().unwrap().mode() & 0o777, 0o600);
    let said = deployment.refused(1, &["archive", "create", january.to_str().unwrap()]);
    assert!(said.contains("WK-1851"), "{said}");
    let february = deployment.folder.path().join("february.wka");
    let said = deployment.refused(1, &["archive", "create", february.to_str().unwrap()]);
    assert!(said.contains("WK-1692") && !february.exists(), "{said}");

    // Another one begins where this one ends, in the middle of a tile.
    send(&ward.terminal, now(), 300..700);
    let made = deployment.json(&["archive", "create", february.to_str().unwrap()]);
    assert_eq!(
        (&made["first"], &made["size"], &made["records"]),
        (&300.into(), &700.into(), &400.into())
    );
    let all = deployment.folder.path().join("all.wka");
    let made = deployment.json(&["archive", "create", all.to_str().unwrap(), "--from", "0"]);
    assert_eq!(made["records"], 700);
    let verifier = deployment.log(&["show"])["verifier"].as_str().unwrap().to_owned();
    for (path, first, size) in [(&january, 0, 300), (&february, 300, 700), (&all, 0, 700)] {
        let path = path.to_str().unwrap();
        let own = deployment.json(&["archive", "verify", path]);
        assert_eq!((&own["first"], &own["size"]), (&first.into(), &size.into()));
        assert_eq!(deployment.json(&["archive", "verify", path, "--key", &verifier]), own);
    }
    let listed = deployment.rows(&["archive", "list"]);
    let numbers: Vec<&Value> =
        listed.as_array().unwrap().iter().map(|row| &row["number"]).collect();
    assert_eq!(numbers, [3, 2, 1]);
    assert_eq!(deployment.json(&["archive", "show", "2"])["sha256"], listed[1]["sha256"]);
    assert!(deployment.refused(1, &["archive", "show", "9"]).contains("WK-1695"));
    assert!(deployment.json(&["status"])["archive"].is_u64());
    assert_eq!(deployment.actions().iter().filter(|act| *act == "archive.create").count(), 3);
}

#[test]
fn no_byte_of_an_archive_can_be_changed_and_none_can_be_left_out() {
    let ward = Ward::new();
    send(&ward.terminal, now(), 0..20);
    ward.deployment.archived("first.wka");
    send(&ward.terminal, now(), 20..40);
    let (deployment, verifier) = (&ward.deployment, ward.deployment.log(&["show"]));
    // It begins in the middle of a tile, so hashes of before stand in its head.
    let file = deployment.archived("second.wka");
    let whole = std::fs::read(&file).unwrap();
    let copy = deployment.folder.path().join("copy.wka");
    let key = verifier["verifier"].as_str().unwrap();
    let verify = |bytes: &[u8]| {
        std::fs::write(&copy, bytes).unwrap();
        let args = ["archive", "verify", copy.to_str().unwrap(), "--key", key, "--json"];
        deployment.cli(&args).status.code().unwrap()
    };
    assert_eq!(verify(&whole), 0);
    // Each kind of byte: magic, length, head, edge, checkpoint, keys, entries. A few of each.
    for at in (0..whole.len()).step_by(97).chain([0, 17, 18, 21, 22, whole.len() - 1]) {
        let mut changed = whole.clone();
        changed[at] ^= 0x01;
        assert_eq!(verify(&changed), 1, "byte {at} of {}", whole.len());
    }
    for length in [0, 5, 18, 20, 22, 200, whole.len() - 1] {
        assert_eq!(verify(&whole[..length]), 1, "{length}");
    }
    // Whole entries less, or one more.
    let last = whole.len() - entry_length(&whole);
    assert_eq!(verify(&whole[..last]), 1);
    assert_eq!(verify(&[&whole, &whole[last..]].concat()), 1);
    assert_eq!(verify(&[whole.as_slice(), b"\0"].concat()), 1);
}

/// The length of the last entry: all of them are as long.
fn entry_length(archive: &[u8]) -> usize {
    let head = u32::from_be_bytes(archive[18..22].try_into().unwrap()) as usize;
    let mut at = 22 + head;
    loop {
        let length = 2 + usize::from(u16::from_be_bytes([archive[at], archive[at + 1]]));
        if at + length == archive.len() {
            return length;
        }
        at += length;
    }
}

#[test]
fn nothing_is_pruned_without_a_rule_by_another_log_or_by_a_clock_that_jumped() {
    let (deployment, _, clock) = later(30);
    let file = deployment.archived("a.wka");
    let path = file.to_str().unwrap();
    assert!(deployment.refused(1, &["archive", "prune", path]).contains("WK-1693"));
    // Logins are kept for ever where nothing is said of them.
    assert_eq!(code(deployment.prune(&file, &Retention::default(), &clock)), Code::RetentionNotSet);
    let signed = clock.now().0;
    for wrong in [signed + 31 * DAY, signed + 5 * 365 * DAY, signed - DAY] {
        let wrong = Clock::manual(wrong);
        let refused = deployment.prune(&file, &operation(), &wrong);
        assert_eq!(code(refused), Code::ClockForPruning, "{}", wrong.now().0);
    }
    // One that is ahead by less counts no further than what was signed by.
    let ahead = Clock::manual(signed + 29 * DAY);
    let none = deployment.prune(&file, &retention("operation = \"45d\""), &ahead).unwrap();
    assert_eq!((none.records, none.kept.not_due), (0, 29));
    // The command takes the machine's clock, which is behind that of this server.
    deployment.configure("[retention]\noperation = \"30d\"");
    assert!(deployment.refused(1, &["archive", "prune", path]).contains("WK-1699"));

    let (other, ..) = later(30);
    let foreign = other.archived("a.wka");
    assert_eq!(code(deployment.prune(&foreign, &operation(), &clock)), Code::LogUntrusted);
    let whole = std::fs::read(&file).unwrap();
    let mut changed = whole.clone();
    *changed.last_mut().unwrap() ^= 1;
    std::fs::write(&file, &changed).unwrap();
    assert_eq!(code(deployment.prune(&file, &operation(), &clock)), Code::ArchiveUnfit);
    std::fs::write(&file, &whole).unwrap();
    assert_eq!(deployment.events(), 30);

    assert!(!deployment.actions().iter().any(|act| act.starts_with("archive.prune")));
}

#[test]
fn on_a_disk_that_is_full_there_is_no_archive_and_nothing_is_pruned() {
    let (deployment, _, clock) = later(600);
    let to = deployment.folder.path().join("a.wka");
    // The size of files, instead of a disk of one's own, which needs root: in blocks of 512 bytes.
    let command = format!(
        "ulimit -f 100; exec {} --config {} archive create {}",
        env!("CARGO_BIN_EXE_wardkey-server"),
        deployment.path().display(),
        to.display()
    );
    let output = Command::new("sh").args(["-c", &command]).output().unwrap();
    assert!(!output.status.success());
    let left: Vec<_> = std::fs::read_dir(deployment.folder.path())
        .unwrap()
        .map(|entry| entry.unwrap().file_name().into_string().unwrap())
        .filter(|name| name == "a.wka")
        .collect();
    assert_eq!(left, [""; 0]);
    assert_eq!(deployment.rows(&["archive", "list"]), json!([]));
    // With room it is made, whatever was left.
    let file = deployment.archived("a.wka");
    assert_eq!(deployment.prune(&file, &operation(), &clock).unwrap().records, 399);
}
