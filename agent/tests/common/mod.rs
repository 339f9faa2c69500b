//! A deployment in memory: a publisher that signs as the server does, people with software keys, and
//! an agent over real files and sockets. Tests then change one thing.
#![allow(dead_code)]

pub mod server;

use std::collections::BTreeMap;
use std::os::unix::net::UnixStream;
use std::path::Path;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use p256::ecdsa::signature::Signer;
use wardkey_agent::agent::Agent;
use wardkey_agent::audit::destination::SERVER;
use wardkey_agent::clock::Clock;
use wardkey_agent::config::Config;
use wardkey_agent::error::ServerError;
use wardkey_agent::identity::Identity;
use wardkey_agent::server::Connections;
use wardkey_agent::session::{Belongs, Screens, Session, Sessions};
use wardkey_agent::store::spool::cursor::{Destination, Order};
use wardkey_agent::store::spool::read::Most;
use wardkey_agent::sync::upstream::{Connect, Upstream};
use wardkey_core::assertion::Assertion;
use wardkey_core::client_data::ClientData;
use wardkey_core::code::Code;
use wardkey_core::codec::{self, Bytes, List};
use wardkey_core::directory::{Bucket, Leaf, bucket_of, leaf_key, state_root};
use wardkey_core::document::{Head, PolicyDocument, Position, RootDocument, SignedRoot, TerminalDocument};
use wardkey_core::event::Event;
use wardkey_core::id::{Aaguid, CredentialId, DeploymentId, EventId, Hash, Nonce, TerminalId, UserHandle};
use wardkey_core::identification::{IdentifyData, SilentAssertion};
use wardkey_core::message::agent::{Begin, Failure, Grant, LoginOutcome, LoginResult, Reply, Request};
use wardkey_core::message::http::*;
use wardkey_core::message::{MAX_FRAME, PROTOCOL};
use wardkey_core::name::{DisplayText, GroupName, Language, LoginName, RpId, ScopeName, ServiceName};
use wardkey_core::person::{CredentialFlags, CredentialRecord, PersonRecord, Status};
use wardkey_core::sign::SigningKey;
use wardkey_core::time::{ClockReading, UnixTime};
use wardkey_ipc::{Channel, Deadline, Peer};

pub const T0: u64 = 1_800_000_000;
pub const RP: &str = "hospital.example";
pub const TERMINAL: TerminalId = TerminalId::new([4; 16]);
pub const ROOT: Peer = Peer { uid: 0, gid: 0, pid: 1 };

pub fn login(name: &str) -> LoginName {
    LoginName::new(name).unwrap()
}

pub fn scope(name: &str) -> ScopeName {
    ScopeName::new(name).unwrap()
}

pub fn signing(seed: u8) -> SigningKey {
    SigningKey::from_secret(&[seed; 32])
}

fn key(seed: u8) -> p256::ecdsa::SigningKey {
    p256::ecdsa::SigningKey::from_slice(&[seed; 32]).unwrap()
}

/// A credential, by the seed of its key.
pub fn credential(seed: u8) -> CredentialRecord {
    let point = key(seed).verifying_key().to_sec1_point(false);
    let mut cose = Vec::new();
    let mut e = minicbor::Encoder::new(&mut cose);
    e.map(5).unwrap().u8(1).unwrap().u8(2).unwrap().u8(3).unwrap().i8(-7).unwrap();
    e.i8(-1).unwrap().u8(1).unwrap();
    e.i8(-2).unwrap().bytes(point.x().unwrap()).unwrap();
    e.i8(-3).unwrap().bytes(point.y().unwrap()).unwrap();
    CredentialRecord {
        id: CredentialId::new(vec![seed; 32]).unwrap(),
        public_key: Bytes::new(cose).unwrap(),
        rp_id: RpId::new(RP).unwrap(),
        aaguid: Aaguid::new([9; 16]),
        flags: CredentialFlags(CredentialFlags::ATTESTED),
        cred_protect: 2,
        status: Status::Active,
        label: DisplayText::new("blue key").unwrap(),
        enrolled: UnixTime(T0 - 1000),
    }
}

pub fn person(name: &str, credentials: Vec<CredentialRecord>) -> PersonRecord {
    PersonRecord {
        login: login(name),
        display_name: DisplayText::new("Demo Hanako").unwrap(),
        language: Language::Ja,
        user_handle: UserHandle::new([8; 32]),
        groups: List::new(vec![GroupName::new("nurses").unwrap()]).unwrap(),
        not_before: None,
        not_after: None,
        status: Status::Active,
        credentials: List::new(credentials).unwrap(),
    }
}

#[derive(Clone)]
pub struct WardScope {
    pub epoch: u64,
    pub seq: u64,
    pub rows: BTreeMap<String, (u64, Option<Vec<u8>>)>,
    pub policy: PolicyDocument,
    /// Added to the sequence number of the head that is shown, and to its root: a lie.
    pub shown_seq: Option<u64>,
    pub false_root: bool,
}

/// The publisher's state; also what an attacker who holds the publish key could send.
#[derive(Clone)]
pub struct WardState {
    pub now: u64,
    pub root: RootDocument,
    pub extra_roots: Vec<SignedRoot>,
    pub terminal: TerminalDocument,
    pub scopes: BTreeMap<ScopeName, WardScope>,
    pub publish_seed: u8,
    pub life: u64,
    pub page: usize,
    /// Every request fails with this.
    pub down: bool,
    /// A row of every changes page is left out.
    pub drop_row: bool,
    /// Only when not asked for everything.
    pub drop_row_of_delta: bool,
    pub events: Vec<Event>,
    pub event_batches: Vec<usize>,
    pub changes_asked: Vec<u64>,
    /// Event ids that are never acknowledged.
    pub deaf: bool,
    /// Of an older version: it can read no event, and names each by its hash.
    pub older: bool,
}

pub struct Ward(pub Mutex<WardState>);

impl Ward {
    pub fn new() -> Arc<Self> {
        let root = RootDocument {
            version: 1,
            deployment: DeploymentId::new([3; 16]),
            name: DisplayText::new("Demo Hospital").unwrap(),
            rp_id: RpId::new(RP).unwrap(),
            root_key: signing(100).public(),
            publish_keys: List::new(vec![signing(101).public()]).unwrap(),
            tls_ca: Bytes::new(vec![0x30, 0]).unwrap(),
            issued: UnixTime(T0 - 5000),
        };
        let terminal = TerminalDocument {
            terminal: TERMINAL,
            number: 1,
            name: DisplayText::new("ward3-a").unwrap(),
            scopes: List::new(vec![scope("roaming"), scope("ward3")]).unwrap(),
            status: Status::Active,
            issued: UnixTime(T0),
            expires: UnixTime(T0 + 900),
        };
        let state = WardState {
            now: T0,
            root,
            extra_roots: Vec::new(),
            terminal,
            scopes: BTreeMap::new(),
            publish_seed: 101,
            life: 900,
            page: 1000,
            down: false,
            drop_row: false,
            drop_row_of_delta: false,
            events: Vec::new(),
            event_batches: Vec::new(),
            changes_asked: Vec::new(),
            deaf: false,
            older: false,
        };
        let ward = Arc::new(Self(Mutex::new(state)));
        for name in ["roaming", "ward3"] {
            ward.change(|state| {
                let row = WardScope {
                    epoch: 1,
                    seq: 0,
                    rows: BTreeMap::new(),
                    policy: PolicyDocument::default_for(scope(name)),
                    shown_seq: None,
                    false_root: false,
                };
                state.scopes.insert(scope(name), row);
            });
        }
        ward.put("ward3", &person("hanako", vec![credential(1)]));
        ward.put("ward3", &person("taro", vec![credential(2)]));
        ward
    }

    pub fn change<T>(&self, change: impl FnOnce(&mut WardState) -> T) -> T {
        change(&mut self.0.lock().unwrap())
    }

    pub fn put(&self, name: &str, person: &PersonRecord) {
        self.row(name, &person.login, Some(codec::to_bytes(person)));
    }

    pub fn remove(&self, name: &str, who: &str) {
        self.row(name, &login(who), None);
    }

    fn row(&self, name: &str, who: &LoginName, record: Option<Vec<u8>>) {
        self.change(|state| {
            let row = state.scopes.get_mut(&scope(name)).unwrap();
            row.seq += 1;
            row.rows.insert(who.as_str().to_owned(), (row.seq, record));
        });
    }

    pub fn policy(&self, name: &str, change: impl FnOnce(&mut PolicyDocument)) {
        self.change(|state| {
            let row = state.scopes.get_mut(&scope(name)).unwrap();
            row.seq += 1;
            change(&mut row.policy);
        });
    }

    pub fn signed_root(&self) -> SignedRoot {
        let root = self.0.lock().unwrap().root.clone();
        SignedRoot { by_itself: Bytes::new(signing(100).sign(&root)).unwrap(), by_previous: None }
    }

    pub fn events(&self) -> Vec<Event> {
        self.0.lock().unwrap().events.clone()
    }
}

impl WardState {
    fn check(&self) -> Result<(), ServerError> {
        if self.down { Err(ServerError::Unreachable("down".into())) } else { Ok(()) }
    }

    pub fn sign<T: codec::Document>(&self, document: &T) -> Vec<u8> {
        signing(self.publish_seed).sign(document)
    }

    pub fn head(&self, name: &ScopeName) -> Head {
        let row = &self.scopes[name];
        let mut buckets: Vec<Vec<Leaf>> = vec![Vec::new(); 256];
        let mut count = 0;
        for (who, (_, record)) in &row.rows {
            if let Some(record) = record {
                let key = leaf_key(&login(who));
                buckets[usize::from(bucket_of(&key))].push(Leaf { key, value: codec::sha256(record) });
                count += 1;
            }
        }
        let hashes: Vec<Hash> = buckets.into_iter().map(|leaves| Bucket::new(leaves).unwrap().hash()).collect();
        let mut root = state_root(&hashes).unwrap();
        if row.false_root {
            root = Hash::new([0xee; 32]);
        }
        Head {
            scope: name.clone(),
            epoch: row.epoch,
            seq: row.shown_seq.unwrap_or(row.seq),
            root,
            count,
            policy: codec::hash_of(&row.policy),
            issued: UnixTime(self.now),
            expires: UnixTime(self.now + self.life),
        }
    }
}

impl Upstream for Ward {
    fn wait(&self, request: &WaitRequest) -> Result<WaitReply, ServerError> {
        let state = self.0.lock().unwrap();
        state.check()?;
        let mut reply = WaitReply { time: state.now, ..WaitReply::default() };
        if request.root_version < 1 + state.extra_roots.len() as u64 {
            reply.roots = state.extra_roots.iter().map(RootJson::from).collect();
        }
        let mut terminal = state.terminal.clone();
        terminal.issued = UnixTime(state.now);
        terminal.expires = UnixTime(state.now + state.life);
        if request.terminal_number != terminal.number || request.terminal_issued < terminal.issued.0 {
            reply.terminal = Some(Base64(state.sign(&terminal)));
        }
        for name in state.terminal.scopes.iter().filter(|name| state.scopes.contains_key(name)) {
            let head = state.head(name);
            let known = request.scopes.iter().find(|known| known.scope == name.as_str());
            let same = known.is_some_and(|known| {
                (known.epoch, known.seq, known.issued) == (head.epoch, head.seq, head.issued.0)
                    && known.root.0 == head.root.as_bytes()
            });
            if !same {
                reply.heads.push(Base64(state.sign(&head)));
            }
        }
        Ok(reply)
    }

    fn changes(&self, name: &ScopeName, since: u64) -> Result<ChangesReply, ServerError> {
        let mut state = self.0.lock().unwrap();
        state.check()?;
        state.changes_asked.push(since);
        let row = &state.scopes[name];
        let mut rows: Vec<_> = row.rows.iter().filter(|(_, (seq, _))| *seq > since).collect();
        rows.sort_by_key(|(_, (seq, _))| *seq);
        let more = rows.len() > state.page;
        rows.truncate(state.page);
        let next = more.then(|| rows.last().unwrap().1.0);
        if state.drop_row || (state.drop_row_of_delta && since > 0) {
            rows.pop();
        }
        let changes = rows
            .into_iter()
            .map(|(who, (seq, record))| Change { seq: *seq, login: who.clone(), record: record.clone().map(Base64) })
            .collect();
        Ok(ChangesReply { head: Base64(state.sign(&state.head(name))), changes, next })
    }

    fn policy(&self, hash: &Hash) -> Result<Vec<u8>, ServerError> {
        let state = self.0.lock().unwrap();
        state.check()?;
        let found =
            state.scopes.values().map(|row| codec::to_bytes(&row.policy)).find(|bytes| codec::sha256(bytes) == *hash);
        found.ok_or(ServerError::Refused {
            status: 404,
            code: Code::NotFound,
            message: String::new(),
            retry_after: None,
        })
    }

    fn events(&self, request: &EventsRequest) -> Result<EventsReply, ServerError> {
        let mut state = self.0.lock().unwrap();
        state.check()?;
        if state.older {
            let id = |bytes: &Base64| Base64(codec::sha256(&bytes.0).as_bytes()[..16].to_vec());
            let refuse = |bytes: &Base64| RefusedEvent { id: id(bytes), reason: "not known here".into() };
            return Ok(EventsReply { accepted: Vec::new(), refused: request.events.iter().map(refuse).collect() });
        }
        let events: Vec<Event> = request.events.iter().map(|bytes| codec::from_bytes(&bytes.0).unwrap()).collect();
        state.event_batches.push(events.len());
        let accepted = if state.deaf {
            Vec::new()
        } else {
            events.iter().map(|event| Base64(event.id.as_bytes().to_vec())).collect()
        };
        if !state.deaf {
            state.events.extend(events);
        }
        Ok(EventsReply { accepted, refused: Vec::new() })
    }

    fn renew(&self, _: &RenewRequest) -> Result<JoinReply, ServerError> {
        Err(ServerError::Unreachable("not in this test".into()))
    }

    fn enrol_begin(&self, _: &EnrolBeginRequest) -> Result<EnrolBeginReply, ServerError> {
        Err(ServerError::Unreachable("not in this test".into()))
    }

    fn enrol_finish(&self, _: &EnrolFinishRequest) -> Result<EnrolFinishReply, ServerError> {
        Err(ServerError::Unreachable("not in this test".into()))
    }
}

/// Sessions as a test wants them.
#[derive(Default)]
pub struct FakeSessions {
    pub foreground: Mutex<String>,
    pub sessions: Mutex<BTreeMap<i32, Session>>,
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
        let shown = |session: &Session| Session { active: session.id == foreground, ..session.clone() };
        let sessions = sessions.values().map(shown).collect();
        Screens { sessions, line: None }
    }
}

pub struct ToWard(pub Arc<Ward>);

impl Connect for ToWard {
    fn open(&self, _: &Identity, _: &[u8], _: &Arc<Clock>) -> Result<Arc<dyn Upstream>, ServerError> {
        let ward: Arc<dyn Upstream> = Arc::<Ward>::clone(&self.0);
        Ok(ward)
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
    let certificate = rcgen::CertificateParams::new(vec!["t".into()]).unwrap().self_signed(&pair).unwrap();
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
        self.agent.state.close();
        self.agent.directory.close();
        self.agent = open(self.folder.path(), &self.ward, &self.time, &self.boot, &self.sessions, &|_| {});
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
    pub fn assertion(&self, account: &str, person: &str, seed: u8, change: impl FnOnce(&mut ClientData)) -> Assertion {
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
        let client_data = data.to_bytes();
        let mut auth_data = codec::sha256(RP.as_bytes()).as_bytes().to_vec();
        auth_data.push(flags);
        auth_data.extend_from_slice(&counter.to_be_bytes());
        let message = [&auth_data[..], codec::sha256(&client_data).as_bytes()].concat();
        let signature: p256::ecdsa::Signature = key(seed).sign(&message);
        Assertion {
            credential_id: CredentialId::new(vec![seed; 32]).unwrap(),
            client_data: Bytes::new(client_data).unwrap(),
            auth_data: Bytes::new(auth_data).unwrap(),
            signature: Bytes::new(signature.to_der().as_bytes()).unwrap(),
            user_handle: None,
        }
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
        Agent::open(config, clock, Box::new(Shared(Arc::clone(sessions))), Box::new(ToWard(Arc::clone(ward)))).unwrap(),
    )
}

/// The module's end of a connection.
pub struct Client {
    pub channel: Channel,
}

impl Client {
    pub fn send(&mut self, request: &Request) {
        self.channel.send(request, Deadline::after(Duration::from_secs(5))).unwrap();
    }
    pub fn receive(&mut self) -> Reply {
        self.channel.receive(Deadline::after(Duration::from_secs(5))).unwrap()
    }
    /// Nothing comes for a while.
    pub fn is_silent(&mut self) -> bool {
        self.channel.receive::<Reply>(Deadline::after(Duration::from_millis(400))).is_err()
    }
    pub fn ask(&mut self, request: &Request) -> Reply {
        self.send(request);
        self.receive()
    }
    /// The answer after `Wait`: a login whose client is gone leaves the queue a moment later.
    pub fn in_turn(&mut self, request: &Request) -> Reply {
        let mut reply = self.ask(request);
        while reply == Reply::Wait {
            reply = self.receive();
        }
        reply
    }
    pub fn granted(&mut self, request: &Request) -> Grant {
        match self.in_turn(request) {
            Reply::Granted(grant) => *grant,
            other => panic!("{other:?}"),
        }
    }
    pub fn refused(&mut self, request: &Request) -> Code {
        match self.ask(request) {
            Reply::Refused(refusal) => refusal.code,
            other => panic!("{other:?}"),
        }
    }
}

pub fn begin(account: &str) -> Begin {
    Begin {
        protocol: PROTOCOL,
        account: Some(login(account)),
        service: ServiceName::new("login").unwrap(),
        tty: Some("tty1".into()),
        rhost: None,
        invoker: None,
    }
}

pub fn success(account: &str, assertion: &Assertion) -> Request {
    Request::Outcome(Box::new(LoginOutcome {
        login: begin(account),
        attempt: EventId::new(wardkey_agent::random::random().unwrap()),
        person: Some(login(account)),
        credential: Some(assertion.credential_id.clone()),
        result: LoginResult::Success(assertion.clone()),
        proof: seed_of(assertion).map(silent),
        suspects: None,
    }))
}

/// The seed of the key that made an assertion.
fn seed_of(assertion: &Assertion) -> Option<u8> {
    assertion.credential_id.as_slice().first().copied()
}

/// What the key of `seed` signs when it is asked whose it is.
pub fn silent(seed: u8) -> SilentAssertion {
    let challenge = IdentifyData { nonce: Nonce::new(wardkey_agent::random::random().unwrap()), terminal: TERMINAL };
    silent_over(seed, seed, &challenge)
}

/// The same by the key of `seed` in the name of credential `id`.
pub fn silent_over(seed: u8, id: u8, challenge: &IdentifyData) -> SilentAssertion {
    let client_data = codec::to_bytes(challenge);
    let mut auth_data = codec::sha256(RP.as_bytes()).as_bytes().to_vec();
    auth_data.extend_from_slice(&[0, 0, 0, 0, 1]);
    let message = [&auth_data[..], codec::sha256(&client_data).as_bytes()].concat();
    let signature: p256::ecdsa::Signature = key(seed).sign(&message);
    SilentAssertion {
        credential: CredentialId::new(vec![id; 32]).unwrap(),
        client_data: Bytes::new(client_data).unwrap(),
        auth_data: Bytes::new(auth_data).unwrap(),
        signature: Bytes::new(signature.to_der().as_bytes()).unwrap(),
    }
}

/// A failure of a login; with a key that proved itself, if there is a seed.
pub fn failure(account: &str, person: Option<&str>, seed: Option<u8>, code: Code) -> Request {
    failure_with(account, person, seed.map(silent), code)
}

/// The same with any proof.
pub fn failure_with(account: &str, person: Option<&str>, proof: Option<SilentAssertion>, code: Code) -> Request {
    Request::Outcome(Box::new(LoginOutcome {
        login: begin(account),
        attempt: EventId::new(wardkey_agent::random::random().unwrap()),
        person: person.map(login),
        credential: proof.as_ref().map(|proof| proof.credential.clone()),
        result: LoginResult::Failure(Failure { code, detail: None, tries_left: Some(7) }),
        proof,
        suspects: None,
    }))
}

/// Waits up to five seconds for something to become true.
pub fn eventually(what: &str, mut is_so: impl FnMut() -> bool) {
    for _ in 0..500 {
        if is_so() {
            return;
        }
        std::thread::sleep(Duration::from_millis(10));
    }
    panic!("not within 5 s: {what}");
}
