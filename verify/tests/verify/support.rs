//! A log made by hand, as a server exports it, and the program run over it.

use std::path::{Path, PathBuf};
use std::process::{Command, Output};
use std::sync::LazyLock;

use serde_json::Value;
use wardkey_core::client_data::ClientData;
use wardkey_core::codec::{self, Bytes, List};
use wardkey_core::document::Position;
use wardkey_core::event::{Event, EventName, Outcome};
use wardkey_core::id::{EventId, Hash as Id, Nonce};
use wardkey_core::log_archive::{ArchiveHead, MAGIC};
use wardkey_core::log_entry::{Finding, LogEntry};
use wardkey_core::log_keys::{ListedKey, ListedLoan, ListedPass, LogKeys};
use wardkey_core::proof::ProofKind;
use wardkey_core::sign::SigningKey;
use wardkey_core::time::UnixTime;
use wardkey_core::vouch::Vouch;
use wardkey_testkit::{
    Key, RP, T0, TERMINAL, VOUCHED, loan, login, pass, scope, service, signed_by_chosen,
    signed_by_code, signed_on_loan,
};
use wardkey_tlog::{Checkpoint, Frontier, Hash, KeyName, Signer, bundle};

/// The secret of the log's key.
pub const SECRET: [u8; 32] = [9; 32];
/// That of the key before it, which was stolen.
pub const STOLEN: [u8; 32] = [8; 32];
/// The log's name.
pub const ORIGIN: &str = "hospital.example/wardkey-log/0102030405060708/1";

/// The events of a log, and what its server lists of keys.
#[derive(Clone)]
pub struct Log {
    pub entries: Vec<LogEntry>,
    pub keys: LogKeys,
}

/// The key of hanako, number 1, or of taro, number 2.
pub fn key(number: u8) -> Key {
    if number == 1 { Key::es256(1) } else { Key::eddsa(2) }
}

fn person(number: u8) -> &'static str {
    if number == 1 { "hanako" } else { "taro" }
}

fn client_data(number: u8, at: u64) -> ClientData {
    ClientData {
        nonce: Nonce::new(std::array::from_fn(|n| at.to_be_bytes()[n % 8])),
        terminal: TERMINAL,
        service: service("login"),
        account: login(person(number)),
        person: login(person(number)),
        time: UnixTime(T0 + at),
        scope: scope("ward3"),
        position: Position::default(),
    }
}

fn success(name: EventName, data: &ClientData) -> Event {
    let mut event = Event::new(data.event_id(), data.time, name, Outcome::Success);
    event.terminal = Some(TERMINAL);
    event.person = Some(data.person.clone());
    event.account = Some(data.account.clone());
    event.service = Some(data.service.to_string());
    event
}

/// A login by the key of this number, so many seconds after the beginning.
pub fn by_key(number: u8, at: u64) -> Event {
    let data = client_data(number, at);
    let mut event = success(EventName::Login, &data);
    event.evidence = Some(key(number).assert(number, &data.to_bytes(), 0x05, 7, RP));
    event.counter = Some(7);
    event
}

/// A login by hanako's pass.
pub fn by_pass(at: u64) -> Event {
    let data = client_data(1, at);
    let mut event = success(EventName::PassLogin, &data);
    let signed = signed_by_code(1, wardkey_testkit::CODE_SEED, &data.to_bytes());
    (event.pass, event.signed_by_code) = (Some(signed.pass), Some(signed));
    event
}

/// A login by hanako's sealed code, signed by the code of a seed.
pub fn by_sealed(at: u64, seed: u8) -> Event {
    let data = client_data(1, at);
    let mut event = success(EventName::BreakGlassLogin, &data);
    let signed = signed_by_code(7, seed, &data.to_bytes());
    event.proof = Some(ProofKind::BreakGlass);
    (event.pass, event.signed_by_code) = (Some(signed.pass), Some(signed));
    event
}

/// What taro signs for hanako, so many seconds after the beginning.
pub fn vouch(at: u64) -> Vouch {
    let from = UnixTime(T0 + at);
    Vouch { from, until: from.plus(VOUCHED), ..wardkey_testkit::vouch() }
}

/// That taro has vouched, signed by his key.
pub fn vouched(vouch: &Vouch) -> Event {
    let mut event = Event::new(vouch.event_id(), vouch.from, EventName::Vouched, Outcome::Success);
    event.terminal = Some(TERMINAL);
    event.person = Some(vouch.person.clone());
    event.voucher = Some(vouch.voucher.clone());
    event.pass = Some(vouch.id());
    event.counter = Some(7);
    event.evidence = Some(key(2).assert(2, &vouch.to_bytes(), 0x05, 7, RP));
    event
}

/// A login on that word, by the code of a seed.
pub fn by_vouch(vouch: &Vouch, at: u64, seed: u8) -> Event {
    let (account, person) = (vouch.person.clone(), vouch.person.clone());
    let data = ClientData { account, person, ..client_data(1, at) };
    let mut event = success(EventName::PassLogin, &data);
    event.proof = Some(ProofKind::Vouch);
    event.voucher = Some(vouch.voucher.clone());
    event.pass = Some(vouch.id());
    event.evidence = vouched(vouch).evidence;
    event.signed_by_code = Some(signed_by_chosen(vouch, seed, &data.to_bytes()));
    event
}

/// A login by the loaner key, in the name of the person of this number.
pub fn on_loan(number: u8, at: u64) -> Event {
    let data = client_data(number, at);
    let mut event = success(EventName::Login, &data);
    event.evidence = Some(signed_on_loan(&data.to_bytes()));
    (event.counter, event.loan) = (Some(1), Some(loan(1).id));
    event
}

/// Something that nobody signed.
pub fn offline(at: u64) -> Event {
    let mut id = [0; 16];
    id[..8].copy_from_slice(&(at + 1).wrapping_mul(0x9e37_79b9_7f4a_7c15).to_be_bytes());
    let (id, time) = (EventId::new(id), UnixTime(T0 + at));
    let mut event = Event::new(id, time, EventName::Offline, Outcome::Success);
    event.terminal = Some(TERMINAL);
    event
}

impl Log {
    /// So many records, a thousand seconds apart: of each ten one login by either key and one by a
    /// pass.
    pub fn new(count: u64) -> Self {
        let event = |number: u64| {
            let at = number * 1000;
            match number % 10 {
                1 => by_key(1, at),
                4 => by_key(2, at),
                7 if at < 20_000 => by_pass(at),
                _ => offline(at),
            }
        };
        let mut log = Self { entries: Vec::new(), keys: keys() };
        (0..count).for_each(|number| log.push(&event(number)));
        log
    }

    /// Adds an event, as the server takes it in.
    pub fn push(&mut self, event: &Event) {
        let is_proved = event.evidence.is_some() || event.signed_by_code.is_some();
        self.entries.push(LogEntry {
            number: self.entries.len() as u64 + 1,
            received: event.time.plus(1),
            terminal: TERMINAL,
            finding: if is_proved { Finding::Valid } else { Finding::None },
            event: Bytes::new(codec::to_bytes(event)).unwrap(),
        });
    }

    /// The event at a place.
    pub fn event(&self, place: usize) -> Event {
        codec::from_bytes(self.entries[place].event.as_slice()).unwrap()
    }

    /// Puts another event in the place of one.
    pub fn put(&mut self, place: usize, event: &Event) {
        self.entries[place].event = Bytes::new(codec::to_bytes(event)).unwrap();
    }

    /// Changes what is listed of keys.
    pub fn change_keys(&mut self, change: impl FnOnce(&mut Vec<ListedKey>)) {
        let mut keys = self.keys.keys.clone().into_vec();
        change(&mut keys);
        self.keys.keys = List::new(keys).unwrap();
    }

    /// A log of twenty records, whose server lists a loaner key and hanako's loan of it.
    pub fn with_loan() -> Self {
        let mut log = Self::new(20);
        let lent = loan(1);
        let key = lent.credential.fingerprint();
        log.change_keys(|keys| {
            let changes = List::default();
            let (person, is_loaner) = (login("loaner-1"), Some(true));
            keys.push(ListedKey { person, key: lent.credential, changes, is_loaner });
        });
        let (id, person) = (lent.id, login(person(1)));
        let (from, until) = (lent.from, lent.until);
        let listed = ListedLoan { id, key, person, from, until, back: None };
        log.keys.loans = Some(List::new(vec![listed]).unwrap());
        log
    }

    /// Changes what is listed of the loan.
    pub fn change_loan(&mut self, change: impl FnOnce(&mut ListedLoan)) {
        let mut loans = self.keys.loans.take().unwrap().into_vec();
        change(&mut loans[0]);
        self.keys.loans = Some(List::new(loans).unwrap());
    }

    /// Lines as the terminal writes them to syslog.
    pub fn lines(&self) -> Vec<String> {
        let line =
            |place| format!("Jan 15 08:00:00 ward3 wardkey[1]: {}", self.event(place).to_line());
        (0..self.entries.len()).map(line).collect()
    }

    /// Writes and signs it, as whoever has the server's keys can.
    pub fn export(&self, to: &Path) {
        self.export_by(to, &SECRET);
    }

    /// The same by another key.
    pub fn export_by(&self, to: &Path, secret: &[u8; 32]) {
        let put = |name: String, bytes: &[u8]| {
            let path = to.join(name);
            std::fs::create_dir_all(path.parent().unwrap()).unwrap();
            std::fs::write(path, bytes).unwrap();
        };
        let (mut frontier, mut entries) = (Frontier::new(), Vec::new());
        let tile = |tile: &wardkey_tlog::Tile, hashes: &[Hash]| {
            let bytes: Vec<u8> = hashes.iter().flat_map(Hash::as_bytes).copied().collect();
            put(tile.path(), &bytes);
        };
        for entry in &self.entries {
            let bytes = codec::to_bytes(entry);
            assert!(bundle::append(&mut entries, &bytes));
            for full in frontier.push(Hash::of_entry(&bytes)) {
                tile(&full.tile, &full.hashes);
                if let Some(name) = full.tile.bundle_path() {
                    put(name, &std::mem::take(&mut entries));
                }
            }
        }
        for (partial, hashes) in frontier.partial() {
            tile(&partial, hashes);
            if let Some(name) = partial.bundle_path() {
                put(name, &entries);
            }
        }

        put("checkpoint".into(), checkpoint(frontier.size(), frontier.root(), secret).as_bytes());
        let size = frontier.size();
        let list = LogKeys { size, ..self.keys.clone() };
        put("keys.cbor".into(), &SigningKey::from_secret(secret).sign(&list));
    }
}

impl Log {
    /// Writes the records between two places as an archive, as whoever has the server's keys can.
    pub fn archive(&self, to: &Path, (first, size): (usize, usize)) {
        let entries: Vec<Vec<u8>> = self.entries.iter().map(codec::to_bytes).collect();
        let frontier = |until: usize| {
            let mut frontier = Frontier::new();
            entries[..until].iter().for_each(|entry| drop(frontier.push(Hash::of_entry(entry))));
            frontier
        };
        let before = frontier(first);
        let edge = Frontier::widths(first as u64).map(|(level, _)| {
            let row = before.partial().find(|(tile, _)| tile.level() == level);
            let hashes = row.map(|(_, hashes)| hashes.to_vec()).unwrap_or_default();
            List::new(hashes.iter().map(|hash| Id::new(*hash.as_bytes())).collect()).unwrap()
        });
        let all = frontier(size);
        let list = LogKeys { size: size as u64, ..self.keys.clone() };
        let head = codec::to_bytes(&ArchiveHead {
            first: first as u64,
            checkpoint: Bytes::new(checkpoint(all.size(), all.root(), &SECRET)).unwrap(),
            edge: List::new(edge.collect()).unwrap(),
            keys: Bytes::new(SigningKey::from_secret(&SECRET).sign(&list)).unwrap(),
        });
        let mut out = [MAGIC, &(head.len() as u32).to_be_bytes(), &head].concat();
        assert!(entries[first..size].iter().all(|entry| bundle::append(&mut out, entry)));
        std::fs::write(to, out).unwrap();
    }
}

/// A checkpoint that a key signed.
fn checkpoint(size: u64, root: Hash, secret: &[u8; 32]) -> String {
    let checkpoint = Checkpoint::new(ORIGIN, size, root).unwrap();
    checkpoint.sign(&signer(secret)).unwrap().to_string()
}

/// A checkpoint of nothing that is there.
pub fn checkpoint_of(size: u64) -> String {
    checkpoint(size, Hash::of_nothing(), &SECRET)
}

/// The key of the log, as the program takes it.
pub static VERIFIER: LazyLock<String> = LazyLock::new(|| verifier_of(&SECRET));

/// The same of another key.
pub fn verifier_of(secret: &[u8; 32]) -> String {
    signer(secret).verifier().to_string()
}

fn signer(secret: &[u8; 32]) -> Signer {
    Signer::new(KeyName::new(ORIGIN).unwrap(), secret)
}

fn keys() -> LogKeys {
    let listed = |number| ListedKey {
        person: login(person(number)),
        key: key(number).record(number),
        changes: List::default(),
        is_loaner: None,
    };
    LogKeys {
        origin: ORIGIN.into(),
        size: 0,
        made: UnixTime(T0 + 1_000_000),
        keys: List::new(vec![listed(1), listed(2)]).unwrap(),
        passes: List::new(vec![ListedPass::of(login("hanako"), &pass(1))]).unwrap(),
        people: List::default(),
        replaced: None,
        loans: None,
    }
}

/// Folders and files of a test.
pub struct Desk(pub tempfile::TempDir);

impl Desk {
    pub fn new() -> Self {
        Self(tempfile::tempdir().unwrap())
    }

    /// A path on it.
    pub fn at(&self, name: &str) -> PathBuf {
        self.0.path().join(name)
    }

    /// An export under a name.
    pub fn exported(&self, name: &str, log: &Log) -> PathBuf {
        let to = self.at(name);
        log.export(&to);
        to
    }

    /// A file of lines under a name.
    pub fn lines(&self, name: &str, lines: &[String]) -> PathBuf {
        let to = self.at(name);
        std::fs::write(&to, lines.join("\n") + "\n").unwrap();
        to
    }
}

/// Runs the program with the key of the log, in a language.
pub fn run(language: &str, folder: &Path, more: &[&str]) -> Output {
    let mut command = Command::new(env!("CARGO_BIN_EXE_wardkey-verify"));
    command.env("LC_ALL", language).arg(folder).args(more);
    command.args(["--key", &VERIFIER]).output().unwrap()
}

/// The report; the status is 0 when nothing is wrong and 1 when something is.
pub fn report(folder: &Path, more: &[&str]) -> Value {
    let output = run("C.UTF-8", folder, &[&["--json"], more].concat());
    let said = String::from_utf8(output.stderr).unwrap();
    let report: Value = serde_json::from_slice(&output.stdout).unwrap_or_else(|_| panic!("{said}"));
    let is_intact = report["intact"].as_bool().unwrap();
    assert_eq!(output.status.code(), Some(if is_intact { 0 } else { 1 }), "{said}");
    assert_eq!(said.contains("WK-1952"), !is_intact, "{said}");
    report
}

/// What was found, in the order of the report: code, number of the record or else its place (with
/// `@`), line of a copy.
pub fn found(report: &Value) -> Vec<String> {
    let name = |finding: &Value| {
        let record = &finding["record"];
        let number = match (&record["number"], &record["place"]) {
            (Value::Number(number), _) => format!(" {number}"),
            (_, Value::Number(place)) => format!(" @{place}"),
            _ => String::new(),
        };
        let line = finding["line"].as_u64().map(|line| format!(" :{line}")).unwrap_or_default();
        format!("{}{number}{line}", finding["number"])
    };
    report["findings"].as_array().unwrap().iter().map(name).collect()
}
