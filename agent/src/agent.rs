//! What all threads of the agent share.

use std::collections::HashMap;
use std::sync::atomic::{AtomicBool, AtomicU32, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, RwLock};
use std::time::{Duration, Instant};

use wardkey_core::code::{Code, Denial};
use wardkey_core::event::{Event, EventName, Outcome};
use wardkey_core::id::EventId;
use wardkey_core::marks::Marks;
use wardkey_core::name::printable;
use wardkey_core::snapshot::Anchor;
use wardkey_core::time::UnixTime;

use crate::audit::destination;
use crate::audit::outlet::Outlets;
use crate::audit::tally::Tally;
use crate::clock::{Clock, Moment};
use crate::config::Config;
use crate::error::{AgentError, ServerError};
use crate::identity::Identity;
use crate::lock::{self, lock};
use crate::log;
use crate::login::arbiter::Arbiter;
use crate::session::Sessions;
use crate::store::directory::Directory;
use crate::store::state::State;
use crate::sync::upstream::{Connect, Upstream};
use crate::wake::Wake;

/// The agent.
pub struct Agent {
    /// Its configuration.
    pub config: Config,
    /// Its clock.
    pub clock: Arc<Clock>,
    /// What the server signed.
    pub directory: Directory,
    /// What is its own.
    pub state: State,
    /// Who knows the sessions.
    pub sessions: Box<dyn Sessions>,
    /// Who has the key.
    pub arbiter: Arbiter,
    /// How the server is reached.
    pub connect: Box<dyn Connect>,
    /// Security keys that are plugged.
    pub keys: AtomicU32,
    /// Seconds that the machine's clock is ahead of the server's, by the last answer; 0 when it is not.
    pub clock_ahead: AtomicU64,
    /// Wakes the synchronisation.
    pub wake_sync: Wake,
    /// Wakes the upkeep of the state.
    pub wake_upkeep: Wake,
    /// What the threads of the destinations share with the others.
    pub outlets: Outlets,
    /// Held while something from the server is applied.
    pub applying: Mutex<()>,
    /// Events that are counted instead of recorded one by one.
    pub tally: Tally,
    /// The whole state is wanted again: what is here did not verify.
    pub refetch: AtomicBool,
    identity: RwLock<Option<Arc<Identity>>>,
    marks: RwLock<Marks>,
    link: Mutex<Link>,
    name_secret: [u8; 32],
    said: Mutex<HashMap<String, Moment>>,
    upstream: Mutex<Option<Connection>>,
    stopping: AtomicBool,
}

/// A connection to the server and what it was made from.
struct Connection {
    identity: Arc<Identity>,
    ca: Vec<u8>,
    upstream: Arc<dyn Upstream>,
}

impl std::fmt::Debug for Agent {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Agent").field("config", &self.config).finish_non_exhaustive()
    }
}

/// How the connection to the server is.
#[derive(Clone, Debug, Default)]
pub struct Link {
    /// The last exchange worked; `None` before the first.
    pub connected: Option<bool>,
    /// When one last did.
    pub last_contact: Option<UnixTime>,
    /// Why it does not.
    pub last_error: Option<String>,
}

impl Agent {
    /// Opens what is on disk.
    ///
    /// # Errors
    /// [`AgentError`] when the state folder cannot be used.
    pub fn open(
        config: Config,
        clock: Clock,
        sessions: Box<dyn Sessions>,
        connect: Box<dyn Connect>,
    ) -> Result<Self, AgentError> {
        let folder = config.state_dir.clone();
        let identity = match Identity::read(&folder) {
            Ok(identity) => identity,
            Err(error) => {
                // The terminal can join again; until then it is one that has not.
                log::warning(format_args!("this terminal must join again: {error}"));
                None
            }
        };
        let anchor = identity.as_ref().map(Identity::anchor);
        let state = State::open(&folder.join("state.redb"), config.spool_events, config.spool_mib, destination::ALL)?;
        let directory = Directory::open(&folder.join("directory.redb"), anchor.as_ref())?;
        let name_secret = name_secret(&state)?;
        let marks = state.marks()?;
        clock.restore(&marks.floor);
        let agent = Self {
            config,
            clock: Arc::new(clock),
            directory,
            state,
            sessions,
            arbiter: Arbiter::default(),
            connect,
            keys: AtomicU32::new(0),
            clock_ahead: AtomicU64::new(0),
            wake_sync: Wake::default(),
            wake_upkeep: Wake::default(),
            outlets: Outlets::default(),
            applying: Mutex::default(),
            tally: Tally::default(),
            refetch: AtomicBool::new(false),
            identity: RwLock::new(identity.map(Arc::new)),
            marks: RwLock::new(marks),
            link: Mutex::default(),
            name_secret,
            said: Mutex::default(),
            upstream: Mutex::default(),
            stopping: AtomicBool::new(false),
        };
        // A crash between the directory's commit and the marks' leaves the marks behind.
        agent.raise_marks()?;
        agent.note_set_aside();
        Ok(agent)
    }

    /// The identity, when joined.
    pub fn identity(&self) -> Option<Arc<Identity>> {
        lock::read(&self.identity).clone()
    }

    /// Takes an identity.
    pub fn set_identity(&self, identity: Arc<Identity>) {
        *lock::write(&self.identity) = Some(identity);
    }

    /// What the agent believes, when joined.
    pub fn anchor(&self) -> Option<Anchor> {
        self.identity().map(|identity| identity.anchor())
    }

    /// The connection to the server, made anew when the certificate or the CA changed.
    ///
    /// # Errors
    /// [`ServerError`] when they cannot be used.
    pub fn upstream_for(&self, identity: &Arc<Identity>, ca: &[u8]) -> Result<Arc<dyn Upstream>, ServerError> {
        let mut kept = lock(&self.upstream);
        if let Some(known) = kept.as_ref().filter(|known| Arc::ptr_eq(&known.identity, identity) && known.ca == ca) {
            return Ok(Arc::clone(&known.upstream));
        }
        let upstream = self.connect.open(identity, ca, &self.clock)?;
        *kept = Some(Connection { identity: Arc::clone(identity), ca: ca.to_vec(), upstream: Arc::clone(&upstream) });
        Ok(upstream)
    }

    /// The marks.
    pub fn marks(&self) -> Marks {
        lock::read(&self.marks).clone()
    }

    /// Forgets the marks: another deployment.
    ///
    /// # Errors
    /// [`AgentError`] when the store cannot be used.
    pub fn forget_marks(&self) -> Result<(), AgentError> {
        let mut marks = lock::write(&self.marks);
        let fresh = Marks { floor: self.clock.floor(), ..Marks::default() };
        self.state.set_marks(&fresh)?;
        *marks = fresh;
        Ok(())
    }

    /// Raises marks and clock to what the directory shows, durably when something rose.
    ///
    /// # Errors
    /// [`AgentError`] when the store cannot be used; the marks in memory are raised then.
    pub fn raise_marks(&self) -> Result<(), AgentError> {
        let view = self.directory.view();
        let Some(root) = &view.root else { return Ok(()) };
        let mut signed = root.issued;
        let mut marks = lock::write(&self.marks);
        let before = marks.clone();
        marks.root_version = marks.root_version.max(root.version);
        if let Some(terminal) = &view.terminal {
            marks.terminal_number = marks.terminal_number.max(terminal.number);
            signed = signed.max(terminal.issued);
        }
        for scope in &view.scopes {
            let head = &scope.head;
            signed = signed.max(head.issued);
            marks.raise_scope(wardkey_core::marks::ScopeMark {
                scope: head.scope.clone(),
                position: head.position(),
                root: head.root,
                policy: head.policy,
            });
        }
        let floor = self.clock.raise(signed);
        // The floor moves with every second; a minute is worth a write.
        let rose = floor.time.since(before.floor.time) >= 60 || floor.boot_id != before.floor.boot_id;
        if rose {
            marks.floor = floor;
        }
        if *marks != before {
            self.state.set_marks(&marks)?;
        }
        Ok(())
    }

    /// Seconds that the clock is ahead, when the server is reached and what it signed looks expired by this clock
    /// though it would not by the server's: then "offline" would be the wrong word. It changes no decision, as
    /// only this room's word stands for it.
    pub fn clock_hides_the_server(&self) -> Option<u64> {
        let ahead = self.clock_ahead.load(Ordering::Relaxed);
        let expires = self.directory.view().expires()?;
        let now = self.clock.now();
        let connected = self.link().connected == Some(true);
        (connected && ahead > 0 && now > expires && now.since(UnixTime(ahead)) <= expires.0).then_some(ahead)
    }

    /// The state of the connection.
    pub fn link(&self) -> Link {
        lock(&self.link).clone()
    }

    /// Notes how an exchange with the server went; a change is an event.
    pub fn note_exchange(&self, error: Option<&AgentError>) {
        let connected = error.is_none();
        let changed = {
            let mut link = lock(&self.link);
            let changed = link.connected != Some(connected);
            link.connected = Some(connected);
            match error {
                None => {
                    link.last_contact = Some(self.clock.now());
                    link.last_error = None;
                }
                Some(error) => link.last_error = Some(printable(&error.to_string(), 300)),
            }
            changed
        };
        if changed {
            let mut event = match error {
                None => self.event(EventName::Online, Outcome::Success),
                Some(_) => self.event(EventName::Offline, Outcome::Failure),
            };
            event.reason = error.map(AgentError::code);
            event.detail = error.map(|error| printable(&error.to_string(), 200));
            self.record(vec![event]);
        }
    }

    /// A new event with a fresh id, the time and the terminal.
    pub fn event(&self, name: EventName, outcome: Outcome) -> Event {
        let mut event = Event::new(fresh_id(), self.clock.now(), name, outcome);
        event.terminal = self.identity().map(|identity| identity.terminal);
        event
    }

    /// Records events and wakes those who carry them.
    pub fn record(&self, events: Vec<Event>) {
        if events.is_empty() {
            return;
        }
        self.state.append(events);
        self.wake_carriers();
    }

    /// Records an event of a kind that somebody could cause without end: the first at once, those of the next
    /// half minute as one. Says in which record it stands.
    pub fn record_counted(&self, kind: &str, coarse: &str, event: Event) -> EventId {
        let noted = self.tally.note(kind, coarse, event);
        self.record(noted.now.into_iter().collect());
        noted.record
    }

    /// Wakes those who carry records to the destinations.
    pub fn wake_carriers(&self) {
        self.outlets.wake_all();
        self.wake_upkeep.wake();
    }

    /// Records that something from the server was refused; the same refusal once an hour.
    pub fn record_refused(&self, denial: &Denial) {
        if !self.is_due(&format!("refused {}", denial.code), Duration::from_secs(3600)) {
            return;
        }
        log::warning(format_args!("refused what the server sent: {denial}"));
        let mut event = self.event(EventName::DirectoryRefused, Outcome::Failure);
        event.reason = Some(denial.code);
        event.detail = Some(printable(&denial.detail, 200));
        self.record(vec![event]);
    }

    /// True for the first time and then once per `pause`, for things that must not fill the records.
    pub fn is_due(&self, what: &str, pause: Duration) -> bool {
        let mut said = lock(&self.said);
        let now = Moment::now();
        if said.len() > 1024 {
            said.retain(|_, when| when.until(now) < Duration::from_secs(3600));
        }
        match said.get(what) {
            Some(when) if when.until(now) < pause => false,
            _ => {
                // Full: what was said longest ago gives way, so that nothing new is ever silenced.
                if said.len() > 4096
                    && let Some(oldest) = said.iter().min_by_key(|(_, when)| **when).map(|(what, _)| what.clone())
                {
                    said.remove(&oldest);
                }
                said.insert(what.to_owned(), now);
                true
            }
        }
    }

    /// Records files that were set aside.
    pub fn note_set_aside(&self) {
        let state = self.state.take_set_aside().into_iter().map(|path| (path, "counters and records begin anew"));
        let directory = self.directory.db.take_set_aside().into_iter().map(|path| (path, "fetched again"));
        let events = state
            .chain(directory)
            .map(|(path, what)| {
                let mut event = self.event(EventName::StateSetAside, Outcome::Failure);
                event.reason = Some(Code::CacheSetAside);
                let name = path.file_name().unwrap_or_default().to_string_lossy().into_owned();
                event.detail = Some(format!("{name}: {what}"));
                event
            })
            .collect();
        self.record(events);
    }

    /// The secret under which names that nobody has are counted.
    pub fn name_secret(&self) -> &[u8; 32] {
        &self.name_secret
    }

    /// Whether the agent stops.
    pub fn is_stopping(&self) -> bool {
        self.stopping.load(Ordering::SeqCst)
    }

    /// Tells all threads to stop.
    pub fn stop(&self) {
        self.stopping.store(true, Ordering::SeqCst);
        self.wake_sync.wake();
        self.wake_carriers();
    }
}

fn name_secret(state: &State) -> Result<[u8; 32], AgentError> {
    if let Some(known) = state.value("name-secret")?.and_then(|bytes| bytes.try_into().ok()) {
        return Ok(known);
    }
    let fresh = random()?;
    state.set_value("name-secret", &fresh)?;
    Ok(fresh)
}

/// Random bytes of the kernel.
///
/// # Errors
/// [`AgentError::Io`] when the kernel has none.
pub fn random<const N: usize>() -> Result<[u8; N], AgentError> {
    let mut bytes = [0; N];
    getrandom::fill(&mut bytes).map_err(|error| std::io::Error::other(error.to_string()))?;
    Ok(bytes)
}

/// A fresh event id.
pub fn fresh_id() -> EventId {
    // Without the kernel's randomness the id is still unique, which is all that it must be.
    EventId::new(random().unwrap_or_else(|_| {
        let time = format!("{:?} {:?}", std::time::SystemTime::now(), Instant::now());
        let hash = wardkey_core::codec::sha256(time.as_bytes());
        let mut id = [0; 16];
        id.iter_mut().zip(hash.as_bytes()).for_each(|(to, from)| *to = *from);
        id
    }))
}
