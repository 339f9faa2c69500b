//! What all threads of the agent share.

use std::sync::atomic::{AtomicBool, AtomicU32, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, RwLock};
use std::time::Duration;

use wardkey_core::marks::Marks;
use wardkey_core::snapshot::Anchor;

use crate::audit::destination;
use crate::audit::outlet::Outlets;
use crate::audit::tally::Tally;
use crate::clock::Clock;
use crate::config::Config;
use crate::error::AgentError;
use crate::identity::Identity;
use crate::link::{Link, LinkState};
use crate::lock;
use crate::log;
use crate::login::arbiter::Arbiter;
use crate::marks::CurrentMarks;
use crate::presence::Presence;
use crate::session::Sessions;
use crate::store::directory::Directory;
use crate::store::state::State;
use crate::sync::upstream::Connect;
use crate::throttle::Throttle;
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
    /// The uid of the enrollment console, which may enroll and runs as nobody else.
    pub enroller: Option<u32>,
    /// Who has the key.
    pub arbiter: Arbiter,
    /// Who is signed in.
    pub presence: Presence,
    /// The connection to the server.
    pub link: Link,
    /// Security keys that are plugged.
    pub keys: AtomicU32,
    /// Seconds that the machine's clock is ahead of the server's, by the last answer; 0 when it is
    /// not.
    pub clock_ahead: AtomicU64,
    /// Wakes the synchronisation.
    pub wake_sync: Wake,
    /// Wakes the upkeep of the state.
    pub wake_upkeep: Wake,
    /// What the threads of the destinations share with the others.
    pub outlets: Outlets,
    /// The configuration that the collectors of records have: it may change while the agent runs.
    pub collecting: Mutex<Config>,
    /// Held while something from the server is applied.
    pub applying: Mutex<()>,
    /// Held while the server's log of records is looked at.
    pub witnessing: Mutex<()>,
    /// Events that are counted instead of recorded one by one.
    pub tally: Tally,
    /// The whole state is wanted again: what is here did not verify.
    pub refetch: AtomicBool,
    identity: RwLock<Option<Arc<Identity>>>,
    marks: CurrentMarks,
    name_secret: [u8; 32],
    throttle: Throttle,
    stopping: AtomicBool,
}

impl std::fmt::Debug for Agent {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Agent").field("config", &self.config).finish_non_exhaustive()
    }
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
        let destinations = destination::all(&config);
        let state = State::open(
            &folder.join("state.redb"),
            config.spool_events,
            config.spool_mib,
            destinations,
        )?;
        let directory = Directory::open(&folder.join("directory.redb"), anchor.as_ref())?;
        let name_secret = state.secret("name-secret")?;
        let marks = CurrentMarks::read(&state)?;
        clock.restore(&marks.get().floor);
        let agent = Self {
            collecting: Mutex::new(config.clone()),
            config,
            clock: Arc::new(clock),
            directory,
            state,
            sessions,
            enroller: None,
            arbiter: Arbiter::default(),
            presence: Presence::default(),
            link: Link::new(connect),
            keys: AtomicU32::new(0),
            clock_ahead: AtomicU64::new(0),
            wake_sync: Wake::default(),
            wake_upkeep: Wake::default(),
            outlets: Outlets::new(destinations),
            applying: Mutex::default(),
            witnessing: Mutex::default(),
            tally: Tally::default(),
            refetch: AtomicBool::new(false),
            identity: RwLock::new(identity.map(Arc::new)),
            marks,
            name_secret,
            throttle: Throttle::default(),
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

    /// The marks.
    pub fn marks(&self) -> Marks {
        self.marks.get()
    }

    /// Forgets the marks: another deployment.
    ///
    /// # Errors
    /// [`AgentError`] when the store cannot be used.
    pub fn forget_marks(&self) -> Result<(), AgentError> {
        self.marks.forget(&self.clock, &self.state)
    }

    /// Raises marks and clock to what the directory shows, durably when something rose.
    ///
    /// # Errors
    /// [`AgentError`] when the store cannot be used; the marks in memory are raised then.
    pub fn raise_marks(&self) -> Result<(), AgentError> {
        self.marks.raise(&self.directory.view(), &self.clock, &self.state)
    }

    /// How the connection to the server is.
    pub fn link(&self) -> LinkState {
        self.link.state()
    }

    /// True for the first time and then once per `pause`, for things that must not fill the
    /// records.
    pub fn is_due(&self, what: &str, pause: Duration) -> bool {
        self.throttle.is_due(what, pause)
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
        self.presence.wake();
        self.wake_carriers();
    }
}
