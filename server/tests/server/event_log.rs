//! The log of records: every record is in it, and others read and check it.

use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::LazyLock;

use serde_json::{Value, json};
use wardkey_core::codec;
use wardkey_core::event::{Event, EventName, Outcome};
use wardkey_core::id::EventId;
use wardkey_core::log_entry::{Finding, LogEntry};
use wardkey_core::message::http::{Base64, EventsReply};
use wardkey_core::time::UnixTime;
use wardkey_tlog::{Checkpoint, Note, Verifier, bundle};

use super::backups::sql;
use super::support::Deployment;
use super::support::backups::tree;
use super::support::client::Terminal;
use super::support::now;
use super::support::ward::Ward;

/// The time of all heartbeats: one that comes again is the same to the byte, also a second later.
static BEGUN: LazyLock<UnixTime> = LazyLock::new(|| UnixTime(now()));

/// Sends heartbeats of these numbers, in batches.
pub fn beats(terminal: &Terminal, numbers: std::ops::Range<u32>) {
    let event = |number: u32| {
        let mut id = [0; 16];
        id[..4].copy_from_slice(&number.to_be_bytes());
        let (id, time) = (EventId::new(id), *BEGUN);
        let mut event = Event::new(id, time, EventName::Heartbeat, Outcome::Success);
        event.terminal = Some(terminal.id);
        event.count = Some(number.into());
        event
    };
    let all: Vec<Event> = numbers.map(event).collect();
    for part in all.chunks(200) {
        let events: Vec<Base64> = part.iter().map(|event| Base64(codec::to_bytes(event))).collect();
        let body = json!({ "events": events });
        let reply: EventsReply = terminal.client.post("/v1/events", &body).json();
        assert_eq!(reply.accepted.len(), part.len());
    }
}

impl Deployment {
    pub fn log(&self, args: &[&str]) -> Value {
        self.json(&[&["log"], args].concat())
    }

    /// The log exported into a folder of this name.
    pub fn exported(&self, name: &str) -> PathBuf {
        let to = self.folder.path().join(name);
        self.ok(&["log", "export", to.to_str().unwrap()]);
        to
    }

    /// Whether an export goes on from an older checkpoint; else what is said.
    pub fn since(&self, folder: &Path, older: &Path) -> Result<Value, String> {
        let more = ["--json", "--since", older.to_str().unwrap()];
        let output = self.cli(&check(folder, &more));
        let said = String::from_utf8(output.stderr).unwrap();
        serde_json::from_slice(&output.stdout).map_err(|_| said)
    }

    /// The file with the last checkpoint beside the database.
    pub fn last_checkpoint(&self) -> PathBuf {
        self.folder.path().join("data/wardkey.db.checkpoint")
    }

    /// Copies the database as it is, as a snapshot does.
    pub fn copy_database(&self, to: &Path) {
        let statement = format!("VACUUM INTO '{}'", to.display());
        let statements: &'static [&'static str] = Box::leak(Box::new([&*statement.leak()]));
        sql(&self.database(), statements);
    }

    /// Puts a copy in the place of the database, and nothing else.
    pub fn put_back(&self, copy: &Path) {
        for end in ["-wal", "-shm"] {
            let _ = std::fs::remove_file(self.folder.path().join(format!("data/wardkey.db{end}")));
        }
        std::fs::copy(copy, self.database()).unwrap();
    }

    /// Keeps the checkpoint of now under a name.
    pub fn kept(&self, name: &str) -> PathBuf {
        let to = self.folder.path().join(name);
        std::fs::write(&to, self.ok(&["log", "checkpoint"]) + "\n").unwrap();
        to
    }
}

pub fn check<'a>(folder: &'a Path, more: &[&'a str]) -> Vec<&'a str> {
    [&["log", "check", folder.to_str().unwrap()], more].concat()
}

/// A ward whose terminal has sent so many records; the server has stopped.
pub fn with_records(count: u32) -> Deployment {
    let ward = Ward::new();
    beats(&ward.terminal, 0..count);
    ward.running.stop();
    ward.deployment
}

#[test]
fn every_record_is_in_the_log_with_the_request_that_brought_it() {
    let ward = Ward::new();
    let deployment = &ward.deployment;
    let empty = deployment.log(&["show"]);
    assert_eq!((&empty["size"], &empty["root"]), (&0.into(), &root_of_nothing()));
    beats(&ward.terminal, 0..3);
    // Known ones come again.
    beats(&ward.terminal, 0..3);
    // Looked at in the database: "show" would take in what waits.
    assert_eq!(deployment.log(&["verify"])["waiting"], 0);
    assert_eq!(deployment.log(&["verify"])["size"], 3);
    beats(&ward.terminal, 3..600);
    assert_eq!(deployment.log(&["verify"])["size"], 600);

    let shown = deployment.log(&["show"]);
    let origin = shown["origin"].as_str().unwrap();
    assert!(origin.starts_with("wardkey.test/wardkey-log/") && origin.ends_with("/1"), "{origin}");
    let by = Verifier::parse(shown["verifier"].as_str().unwrap()).unwrap();
    let note = deployment.ok(&["log", "checkpoint"]) + "\n";
    assert_eq!(shown["checkpoint"], note.as_str());
    let note = Note::parse(note.as_bytes()).unwrap();
    let checkpoint = Checkpoint::parse(note.open(&[by]).unwrap().text()).unwrap();
    assert_eq!((checkpoint.origin(), checkpoint.size()), (origin, 600));
    assert_eq!(shown["root"], checkpoint.root().to_string());

    // What is there for people.
    let said = deployment.ok(&["log", "show"]);
    assert!(said.contains(origin) && said.contains("600"), "{said}");
}

fn root_of_nothing() -> Value {
    wardkey_tlog::Hash::of_nothing().to_string().into()
}

#[test]
fn an_export_is_read_by_its_format_and_a_later_one_adds_to_it() {
    let ward = Ward::new();
    let deployment = &ward.deployment;
    beats(&ward.terminal, 0..300);
    let folder = deployment.exported("log");
    let first = tree(&folder);
    let has = |path: &str| folder.join(path).is_file();
    for path in ["checkpoint", "tile/0/000", "tile/0/001.p/44", "tile/1/000.p/1"] {
        assert!(has(path), "{path}");
    }
    assert!(first.values().all(|(mode, _)| *mode == 0o600 || *mode == 0o700), "{first:?}");

    // The entries are the records as they came.
    let bytes = std::fs::read(folder.join("tile/entries/001.p/44")).unwrap();
    let entries = bundle::entries(&bytes).unwrap();
    assert_eq!(entries.len(), 44);
    let entry: LogEntry = codec::from_bytes(entries[43]).unwrap();
    assert_eq!((entry.number, entry.terminal), (300, ward.terminal.id));
    assert_eq!(entry.finding, Finding::None);
    let event: Event = codec::from_bytes(entry.event.as_slice()).unwrap();
    assert_eq!((event.count, event.name), (Some(299), EventName::Heartbeat));

    let older = deployment.kept("older");
    deployment.ok(&check(&folder, &[]));
    beats(&ward.terminal, 300..600);
    let to = folder.to_str().unwrap();
    // One that ends before its checkpoint leaves what the older one says.
    let unfinished = folder.join(".checkpoint.new");
    std::fs::create_dir(&unfinished).unwrap();
    assert_ne!(deployment.cli(&["log", "export", to]).status.code(), Some(0));
    assert!(has("tile/0/001"));
    deployment.ok(&check(&folder, &[]));
    std::fs::remove_dir(&unfinished).unwrap();
    let again = deployment.log(&["export", to]);
    assert_eq!((&again["before"], &again["size"]), (&300.into(), &600.into()));
    assert!(has("tile/0/001") && !has("tile/0/001.p/44"), "a full one takes its place");
    assert_eq!(tree(&folder)[&folder.join("tile/0/000")], first[&folder.join("tile/0/000")]);
    // Nothing to add: only the keys and the checkpoint are written.
    assert_eq!(deployment.log(&["export", to])["files"], 2);
    let checked = deployment.since(&folder, &older).unwrap();
    assert_eq!((&checked["size"], &checked["since"]["size"]), (&600.into(), &300.into()));

    // An export that was interrupted before its first checkpoint goes on.
    std::fs::remove_file(folder.join("checkpoint")).unwrap();
    assert!(deployment.refused(1, &check(&folder, &[])).contains("WK-1903"));
    assert_eq!(deployment.log(&["export", to])["before"], 0);
    deployment.ok(&check(&folder, &[]));
    // A folder of something else is left alone.
    let data = deployment.folder.path().join("data");
    let refused = deployment.refused(1, &["log", "export", data.to_str().unwrap()]);
    assert!(refused.contains("WK-1903") && !data.join("checkpoint").exists(), "{refused}");
    // So is one that others can write to.
    let mode = std::os::unix::fs::PermissionsExt::from_mode(0o777);
    std::fs::set_permissions(&folder, mode).unwrap();
    assert!(deployment.refused(1, &["log", "export", to]).contains("WK-1903"));
}

#[test]
fn an_auditor_needs_the_key_and_nothing_else() {
    let deployment = with_records(5);
    let folder = deployment.exported("log");
    let key = deployment.log(&["show"])["verifier"].as_str().unwrap().to_owned();
    let run = |key: &str| {
        let mut command = Command::new(env!("CARGO_BIN_EXE_wardkey-server"));
        let args = ["--config", "/nowhere/server.toml", "log", "check", "--key", key];
        let output = command.env("LC_ALL", "C.UTF-8").args(args).arg(&folder).output().unwrap();
        (output.status.code(), String::from_utf8(output.stderr).unwrap())
    };
    assert_eq!(run(&key).0, Some(0));
    let other = Deployment::new();
    let others = other.log(&["show"])["verifier"].as_str().unwrap().to_owned();
    let (status, said) = run(&others);
    assert!(status == Some(1) && said.contains("WK-1908"), "{said}");
    let (status, said) = run("example.org/log+00000000+AAAA");
    assert!(status == Some(2) && said.contains("log show"), "{said}");
    // Nor does the server itself believe another one's.
    assert!(other.refused(1, &check(&folder, &[])).contains("WK-1904"));
}

#[test]
fn one_record_is_proved_without_the_others() {
    let deployment = with_records(300);
    let folder = deployment.folder.path();
    let id = format!("{:08x}{}", 258, "0".repeat(24));
    let proof = deployment.ok(&["log", "prove", &id]) + "\n";
    let file = folder.join("record.tlog-proof");
    std::fs::write(&file, &proof).unwrap();
    let proved = deployment.json(&check(&file, &[]));
    assert_eq!((&proved["number"], &proved["size"]), (&259.into(), &300.into()));
    assert!(proved["line"].as_str().unwrap().contains(&format!("id={id}")), "{proved}");
    let key = deployment.log(&["show"])["verifier"].as_str().unwrap().to_owned();
    deployment.ok(&check(&file, &["--key", &key]));

    // Another record, place or checkpoint is proved by nothing.
    let refused = |changed: String, code: &str| {
        assert_ne!(changed, proof);
        std::fs::write(&file, changed).unwrap();
        let said = deployment.refused(1, &check(&file, &[]));
        assert!(said.contains(code), "{said}");
    };
    refused(proof.replace("index 258", "index 257"), "WK-1905");
    refused(proof.replace("index 258", "index x"), "WK-1903");
    refused(proof.replace("\n300\n", "\n299\n"), "WK-1904");
    let other = deployment.ok(&["log", "prove", &"0".repeat(32)]) + "\n";
    let extra = |proof: &str| proof.lines().nth(1).unwrap().to_owned();
    refused(proof.replace(&extra(&proof), &extra(&other)), "WK-1905");
    let unknown = "f".repeat(32);
    assert!(deployment.refused(1, &["log", "prove", &unknown]).contains("WK-1515"));
}

#[test]
fn a_changed_export_and_a_forged_checkpoint_are_found() {
    let deployment = with_records(300);
    let folder = deployment.exported("log");
    let change = |path: &str, change: &dyn Fn(&mut Vec<u8>)| {
        let path = folder.join(path);
        let before = std::fs::read(&path).unwrap();
        let mut bytes = before.clone();
        change(&mut bytes);
        assert_ne!(bytes, before);
        std::fs::write(&path, &bytes).unwrap();
        let said = deployment.refused(1, &check(&folder, &[]));
        std::fs::write(&path, before).unwrap();
        said
    };
    for path in [
        "tile/0/000",
        "tile/0/001.p/44",
        "tile/1/000.p/1",
        "tile/entries/000",
        "tile/entries/001.p/44",
    ] {
        assert!(change(path, &|bytes| bytes[7] ^= 1).contains("WK-1905"), "{path}");
        assert!(
            change(path, &|bytes| bytes.truncate(bytes.len() - 1)).contains("WK-1905"),
            "{path}"
        );
        assert!(change(path, &|bytes| bytes.push(0)).contains("WK-1905"), "{path}");
    }
    // A root of theirs, a size of theirs; a signature that is none.
    let text = std::fs::read_to_string(folder.join("checkpoint")).unwrap();
    let root = text.lines().nth(2).unwrap().to_owned();
    let other = wardkey_tlog::Hash::of_nothing().to_string();
    for (from, to) in [("\n300\n", "\n200\n"), (&root, &other)] {
        let forge = |bytes: &mut Vec<u8>| {
            *bytes = String::from_utf8(bytes.clone()).unwrap().replace(from, to).into_bytes();
        };
        let said = change("checkpoint", &forge);
        assert!(said.contains("WK-1904"), "{said}");
    }
    assert!(change("checkpoint", &|bytes| bytes.truncate(100)).contains("WK-1903"));

    let entries = folder.join("tile/entries/000");
    std::fs::rename(&entries, folder.join("gone")).unwrap();
    let said = deployment.refused(1, &check(&folder, &[]));
    assert!(said.contains("WK-1905") && said.contains("tile/entries/000"), "{said}");
    std::fs::rename(folder.join("gone"), &entries).unwrap();
    deployment.ok(&check(&folder, &[]));
}
