//! An agent over a folder, with a publisher, a clock and sessions that the test moves.

use super::client::Client;
use super::people::*;
use super::ward::{ToWard, Ward};
use std::collections::BTreeMap;
use std::os::unix::net::UnixStream;
use std::path::Path;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex};
use wardkey_agent::agent::Agent;
use wardkey_agent::audit::destination::SERVER;
use wardkey_agent::clock::Clock;
use wardkey_agent::config::Config;
use wardkey_agent::identity::Identity;
use wardkey_agent::server::Connections;
use wardkey_agent::session::{Belongs, Screens, Session, Sessions};
use wardkey_agent::store::spool::cursor::{Destination, Order};
use wardkey_agent::store::spool::read::Most;
use wardkey_core::client_data::ClientData;
use wardkey_core::codec::{self, Bytes, List};
use wardkey_core::document::{Position, SignedRoot};
use wardkey_core::event::Event;
use wardkey_core::id::Nonce;
use wardkey_core::message::MAX_FRAME;
use wardkey_core::name::ServiceName;
use wardkey_core::proof::assertion::Assertion;
use wardkey_core::time::{ClockReading, UnixTime};
use wardkey_ipc::{Channel, Peer};

/// Sessions as a test wants them.
#[derive(Default)]
pub struct FakeSessions {
    pub foreground: Mutex<String>,
    pub sessions: Mutex<BTreeMap<i32, Session>>,
    /// The virtual terminal that is shown.
    pub line: Mutex<Option<String>>,
}

pub struct Shared(pub Arc<FakeSessions>);

impl Sessions for Shared {
    fn belongs(&self, pid: i32) -> Belongs {
        let session = self.0.sessions.lock().unwrap().get(&pid).cloned();
        session.map_or(Belongs::NoLogind, Belongs::Session)
    }
    fn screens(&self) -> Screens {
        let foreground = self.0.foreground.lock().unwrap().clone();
        let sessions = self.0.sessions.lock().unwrap();
        let shown =
            |session: &Session| Session { active: session.id == foreground, ..session.clone() };
        let sessions = sessions.values().map(shown).collect();
        Screens { sessions, line: self.0.line.lock().unwrap().clone() }
    }
}

/// An agent over a folder, with a publisher, a clock and sessions that the test moves.
pub struct Fixture {
    pub folder: tempfile::TempDir,
    pub ward: Arc<Ward>,
    pub time: Arc<AtomicU64>,
    pub boot: Arc<AtomicU64>,
    pub sessions: Arc<FakeSessions>,
    pub agent: Arc<Agent>,
    pub connections: Arc<Connections>,
    pub counter: AtomicU64,
}

pub fn config(folder: &Path) -> Config {
    Config {
        state_dir: folder.to_owned(),
        socket: folder.join("agent.sock"),
        key_socket: folder.join("key.sock"),
        syslog: folder.join("log"),
        spool_mib: 4,
        ..Config::default()
    }
}

pub fn write_identity(folder: &Path, server: &str) {
    let pair = rcgen::KeyPair::generate().unwrap();
    let certificate =
        rcgen::CertificateParams::new(vec!["t".into()]).unwrap().self_signed(&pair).unwrap();
    let pem = zeroize::Zeroizing::new(pair.serialize_pem());
    Identity::new(server.into(), TERMINAL, signing(100).public(), certificate.der().to_vec(), pem)
        .unwrap()
        .write(folder)
        .unwrap();
}

impl Fixture {
    /// Joined, not yet synchronised.
    pub fn joined() -> Self {
        Self::at(tempfile::tempdir().unwrap(), |_| {})
    }

    pub fn at(folder: tempfile::TempDir, configure: impl Fn(&mut Config)) -> Self {
        write_identity(folder.path(), "https://ward.example:8443");
        let ward = Ward::new();
        let time = Arc::new(AtomicU64::new(T0 + 10));
        let boot = Arc::new(AtomicU64::new(1000));
        let sessions = Arc::new(FakeSessions::default());
        let agent = open(folder.path(), &ward, &time, &boot, &sessions, &configure);
        let roots = List::new(vec![ward.signed_root()]).unwrap();
        let root = SignedRoot::verify_chain(&roots, &signing(100).public()).unwrap();
        if agent.directory.view().root.is_none() {
            agent.directory.update(|update| update.roots(roots, root)).unwrap();
        }
        let connections = Arc::default();
        Self { folder, ward, time, boot, sessions, agent, connections, counter: AtomicU64::new(1) }
    }

    /// Joined and synchronised.
    pub fn synced() -> Self {
        let fixture = Self::joined();
        fixture.sync().unwrap();
        assert!(fixture.agent.directory.view().is_complete());
        fixture
    }

    pub fn sync(&self) -> Result<bool, wardkey_agent::error::AgentError> {
        wardkey_agent::sync::run::round(&self.agent, 0)
    }

    /// Stops the agent as SIGTERM does and starts it on the same folder.
    pub fn restart(&mut self) {
        self.restart_with(|_| {});
    }

    /// The agent is started anew with another configuration.
    pub fn restart_with(&mut self, configure: impl Fn(&mut Config)) {
        self.agent.state.close();
        self.agent.directory.close();
        let folder = self.folder.path();
        self.agent = open(folder, &self.ward, &self.time, &self.boot, &self.sessions, &configure);
    }

    /// Time passes, on every clock.
    pub fn pass(&self, seconds: u64) {
        self.time.fetch_add(seconds, Ordering::SeqCst);
        self.boot.fetch_add(seconds, Ordering::SeqCst);
    }

    /// A connection of a peer; the agent serves it in a thread.
    pub fn connect(&self, peer: Peer) -> Client {
        let (ours, theirs) = UnixStream::pair().unwrap();
        let agent = Arc::clone(&self.agent);
        let counted = self.connections.admit(peer.uid, agent.config.connections).unwrap();
        std::thread::spawn(move || wardkey_agent::server::serve(&agent, theirs, peer, counted));
        Client { channel: Channel::new(ours, MAX_FRAME).unwrap() }
    }

    pub fn root(&self) -> Client {
        self.connect(ROOT)
    }

    /// What the module makes and the key signs.
    pub fn assertion(
        &self,
        account: &str,
        person: &str,
        seed: u8,
        change: impl FnOnce(&mut ClientData),
    ) -> Assertion {
        let counter = self.counter.fetch_add(1, Ordering::SeqCst) as u32;
        self.assertion_with(account, person, seed, counter, 0x05, change)
    }

    pub fn assertion_with(
        &self,
        account: &str,
        person: &str,
        seed: u8,
        counter: u32,
        flags: u8,
        change: impl FnOnce(&mut ClientData),
    ) -> Assertion {
        let mut data = ClientData {
            nonce: Nonce::new(wardkey_agent::random::random().unwrap()),
            terminal: TERMINAL,
            service: ServiceName::new("login").unwrap(),
            account: login(account),
            person: login(person),
            time: UnixTime(self.time.load(Ordering::SeqCst)),
            scope: scope("ward3"),
            position: Position { epoch: 1, seq: 1 },
        };
        change(&mut data);
        Key::es256(seed).assert(seed, &data.to_bytes(), flags, counter, RP)
    }

    /// All events that the server has not got yet.
    pub fn events(&self) -> Vec<Event> {
        let as_it_happened = Destination { order: Order::Arrival, ..SERVER };
        let most = Most { events: usize::MAX, bytes: usize::MAX };
        let records = self.agent.state.pending(&as_it_happened, most).unwrap();
        records.into_iter().map(|record| codec::from_bytes(&record.event).unwrap()).collect()
    }
}

fn open(
    folder: &Path,
    ward: &Arc<Ward>,
    time: &Arc<AtomicU64>,
    boot: &Arc<AtomicU64>,
    sessions: &Arc<FakeSessions>,
    configure: &impl Fn(&mut Config),
) -> Arc<Agent> {
    let (time, boot) = (Arc::clone(time), Arc::clone(boot));
    let clock = Clock::with(Box::new(move || ClockReading {
        realtime: UnixTime(time.load(Ordering::SeqCst)),
        boottime: boot.load(Ordering::SeqCst),
        boot_id: Bytes::new(*b"boot").unwrap(),
    }));
    let mut config = config(folder);
    configure(&mut config);
    Arc::new(
        Agent::open(
            config,
            clock,
            Box::new(Shared(Arc::clone(sessions))),
            Box::new(ToWard(Arc::clone(ward))),
        )
        .unwrap(),
    )
}
