//! The objects on the bus: logind's manager and sessions, and a display manager's seat.

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::{Arc, Mutex};
use std::time::{SystemTime, UNIX_EPOCH};

use zbus::blocking::{Connection, connection};
use zbus::zvariant::{ObjectPath, OwnedObjectPath};
use zbus::{DBusError, interface};

const MANAGER: &str = "/org/freedesktop/login1";
const SEAT: &str = "/org/freedesktop/DisplayManager/Seat0";

/// logind's errors.
#[derive(Debug, DBusError)]
#[zbus(prefix = "org.freedesktop.login1")]
enum LoginError {
    #[zbus(error)]
    ZBus(zbus::Error),
    NoSuchSession(String),
    #[zbus(name = "NoSessionForPID")]
    NoSessionForPid(String),
    #[zbus(name = "NoUserForPID")]
    NoUserForPid(String),
}

/// A session that is to begin.
pub struct New {
    pub id: String,
    pub uid: u32,
    pub user: String,
    pub leader: u32,
    pub tty: String,
}

struct Session {
    new: New,
    locked: bool,
    idle_since: Option<u64>,
    answers: bool,
}

#[derive(Default)]
struct State {
    sessions: BTreeMap<String, Session>,
    calls: Vec<String>,
}

type Shared = Arc<Mutex<State>>;

/// logind.
pub struct Machine {
    state: Shared,
    bus: Connection,
}

impl Machine {
    /// Takes the names on the bus, when it knows these sessions of before.
    pub fn start(bus: &Path, sessions: Vec<New>) -> Result<Self, String> {
        let state = Shared::default();
        let address = format!("unix:path={}", bus.display());
        let bus = connection::Builder::address(address.as_str())
            .and_then(|builder| builder.serve_at(MANAGER, Manager(state.clone())))
            .and_then(|builder| builder.serve_at(SEAT, DisplaySeat(state.clone())))
            .and_then(connection::Builder::build)
            .map_err(text)?;
        let machine = Self { state, bus };
        for session in sessions {
            machine.begin(session)?;
        }
        for name in ["org.freedesktop.login1", "org.freedesktop.DisplayManager"] {
            machine.bus.request_name(name).map_err(text)?;
        }
        Ok(machine)
    }

    /// A session begins.
    pub fn begin(&self, new: New) -> Result<(), String> {
        let (id, path) = (new.id.clone(), path_of(&new.id));
        let object = SessionObject(self.state.clone(), id.clone());
        let session = Session { new, locked: false, idle_since: None, answers: true };
        self.state.lock().unwrap().sessions.insert(id.clone(), session);
        self.bus.object_server().at(&path, object).map_err(text)?;
        self.tell("SessionNew", &(id, path))
    }

    /// Whether its locker answers.
    pub fn locker(&self, id: &str, answers: bool) -> Result<(), String> {
        self.change(id, |session| session.answers = answers)
    }

    /// Its locker says that the screen is locked, or not.
    pub fn hint(&self, id: &str, locked: bool) -> Result<(), String> {
        self.change(id, |session| session.locked = locked)?;
        changed(&self.bus, id, "LockedHint", locked).map_err(text)
    }

    /// Its desktop says that there was no input for so long.
    pub fn idle(&self, id: &str, seconds: Option<u64>) -> Result<(), String> {
        let since = seconds.map(|seconds| now().saturating_sub(seconds * 1_000_000));
        self.change(id, |session| session.idle_since = since)?;
        changed(&self.bus, id, "IdleHint", since.is_some()).map_err(text)
    }

    /// A session ends.
    pub fn end(&self, id: &str) -> Result<(), String> {
        end(&self.state, &self.bus, id).map_err(text)
    }

    /// The machine has slept.
    pub fn wake(&self) -> Result<(), String> {
        self.tell("PrepareForSleep", &(true,))?;
        self.tell("PrepareForSleep", &(false,))
    }

    /// What was asked for.
    pub fn calls(&self) -> String {
        self.state.lock().unwrap().calls.iter().map(|call| format!("{call}\n")).collect()
    }

    fn change(&self, id: &str, change: impl FnOnce(&mut Session)) -> Result<(), String> {
        let mut state = self.state.lock().unwrap();
        change(state.sessions.get_mut(id).ok_or_else(|| format!("no session {id}"))?);
        Ok(())
    }

    fn tell<B: serde::Serialize + zbus::zvariant::DynamicType>(
        &self,
        signal: &str,
        body: &B,
    ) -> Result<(), String> {
        let interface = "org.freedesktop.login1.Manager";
        self.bus.emit_signal(None::<&str>, MANAGER, interface, signal, body).map_err(text)
    }
}

fn text(error: impl std::fmt::Display) -> String {
    error.to_string()
}

fn path_of(id: &str) -> OwnedObjectPath {
    ObjectPath::try_from(format!("/org/freedesktop/login1/session/_3{id}")).unwrap().into()
}

/// Microseconds on CLOCK_MONOTONIC, by the boot's beginning.
fn now() -> u64 {
    let uptime = std::fs::read_to_string("/proc/uptime").unwrap();
    let seconds: f64 = uptime.split_whitespace().next().unwrap().parse().unwrap();
    (seconds * 1e6) as u64
}

/// Microseconds since 1970.
fn stamp() -> u128 {
    SystemTime::now().duration_since(UNIX_EPOCH).unwrap().as_micros()
}

fn changed(bus: &Connection, id: &str, property: &str, value: bool) -> zbus::Result<()> {
    let changed = BTreeMap::from([(property, zbus::zvariant::Value::from(value))]);
    let body = ("org.freedesktop.login1.Session", changed, Vec::<String>::new());
    let interface = "org.freedesktop.DBus.Properties";
    bus.emit_signal(None::<&str>, path_of(id), interface, "PropertiesChanged", &body)
}

fn end(state: &Shared, bus: &Connection, id: &str) -> zbus::Result<()> {
    state.lock().unwrap().sessions.remove(id);
    let path = path_of(id);
    bus.object_server().remove::<SessionObject, _>(&path)?;
    let interface = "org.freedesktop.login1.Manager";
    bus.emit_signal(None::<&str>, MANAGER, interface, "SessionRemoved", &(id, path))
}

struct Manager(Shared);

impl Manager {
    fn known(&self, id: &str) -> Result<OwnedObjectPath, LoginError> {
        let known = self.0.lock().unwrap().sessions.contains_key(id);
        known.then(|| path_of(id)).ok_or_else(|| LoginError::NoSuchSession(id.to_owned()))
    }
}

type Listed = (String, u32, String, String, OwnedObjectPath);

#[interface(name = "org.freedesktop.login1.Manager")]
impl Manager {
    fn list_sessions(&self) -> Vec<Listed> {
        let state = self.0.lock().unwrap();
        let listed = |session: &Session| {
            let new = &session.new;
            (new.id.clone(), new.uid, new.user.clone(), "seat0".to_owned(), path_of(&new.id))
        };
        state.sessions.values().map(listed).collect()
    }

    fn get_session(&self, id: &str) -> Result<OwnedObjectPath, LoginError> {
        self.known(id)
    }

    #[zbus(name = "GetSessionByPID")]
    fn get_session_by_pid(&self, pid: u32) -> Result<OwnedObjectPath, LoginError> {
        let state = self.0.lock().unwrap();
        let found = state.sessions.values().find(|session| session.new.leader == pid);
        found
            .map(|session| path_of(&session.new.id))
            .ok_or_else(|| LoginError::NoSessionForPid(pid.to_string()))
    }

    #[zbus(name = "GetUserByPID")]
    fn get_user_by_pid(&self, pid: u32) -> Result<OwnedObjectPath, LoginError> {
        Err(LoginError::NoUserForPid(pid.to_string()))
    }

    fn lock_session(
        &self,
        id: &str,
        #[zbus(connection)] bus: &zbus::Connection,
    ) -> Result<(), LoginError> {
        self.known(id)?;
        let mut state = self.0.lock().unwrap();
        state.calls.push(format!("{} lock {id}", stamp()));
        let Some(session) = state.sessions.get_mut(id).filter(|session| session.answers) else {
            return Ok(());
        };
        session.locked = true;
        drop(state);
        let (bus, id) = (Connection::from(bus.clone()), id.to_owned());
        std::thread::spawn(move || changed(&bus, &id, "LockedHint", true));
        Ok(())
    }

    fn terminate_session(
        &self,
        id: &str,
        #[zbus(connection)] bus: &zbus::Connection,
    ) -> Result<(), LoginError> {
        self.known(id)?;
        self.0.lock().unwrap().calls.push(format!("{} end {id}", stamp()));
        let (state, bus, id) = (self.0.clone(), Connection::from(bus.clone()), id.to_owned());
        std::thread::spawn(move || end(&state, &bus, &id));
        Ok(())
    }
}

struct SessionObject(Shared, String);

impl SessionObject {
    fn with<T>(&self, read: impl FnOnce(&Session) -> T) -> zbus::fdo::Result<T> {
        let state = self.0.lock().unwrap();
        let session = state.sessions.get(&self.1);
        session.map(read).ok_or_else(|| zbus::fdo::Error::UnknownObject(self.1.clone()))
    }
}

#[interface(name = "org.freedesktop.login1.Session")]
impl SessionObject {
    #[zbus(property)]
    fn id(&self) -> String {
        self.1.clone()
    }
    #[zbus(property)]
    fn user(&self) -> zbus::fdo::Result<(u32, OwnedObjectPath)> {
        self.with(|session| (session.new.uid, path_of(&session.new.id)))
    }
    #[zbus(property)]
    fn name(&self) -> zbus::fdo::Result<String> {
        self.with(|session| session.new.user.clone())
    }
    #[zbus(property)]
    fn seat(&self) -> (String, OwnedObjectPath) {
        ("seat0".to_owned(), path_of("seat"))
    }
    #[zbus(property)]
    fn leader(&self) -> zbus::fdo::Result<u32> {
        self.with(|session| session.new.leader)
    }
    #[zbus(property)]
    fn class(&self) -> &str {
        "user"
    }
    #[zbus(property)]
    fn service(&self) -> &str {
        "login"
    }
    #[zbus(property)]
    fn remote(&self) -> bool {
        false
    }
    #[zbus(property)]
    fn state(&self) -> &str {
        "active"
    }
    #[zbus(property)]
    fn active(&self) -> bool {
        true
    }
    #[zbus(property)]
    fn display(&self) -> &str {
        ""
    }
    #[zbus(property, name = "TTY")]
    fn tty(&self) -> zbus::fdo::Result<String> {
        self.with(|session| session.new.tty.clone())
    }
    #[zbus(property(emits_changed_signal = "false"))]
    fn locked_hint(&self) -> zbus::fdo::Result<bool> {
        self.with(|session| session.locked)
    }
    #[zbus(property(emits_changed_signal = "false"))]
    fn idle_hint(&self) -> zbus::fdo::Result<bool> {
        self.with(|session| session.idle_since.is_some())
    }
    #[zbus(property(emits_changed_signal = "false"))]
    fn idle_since_hint_monotonic(&self) -> zbus::fdo::Result<u64> {
        self.with(|session| session.idle_since.unwrap_or(0))
    }
}

struct DisplaySeat(Shared);

#[interface(name = "org.freedesktop.DisplayManager.Seat")]
impl DisplaySeat {
    fn switch_to_greeter(&self) {
        self.0.lock().unwrap().calls.push(format!("{} greeter", stamp()));
    }
}
