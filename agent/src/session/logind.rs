//! logind over the system bus. Never starts it, never waits for it long.

use std::collections::HashMap;
use std::path::Path;
use std::sync::{Mutex, MutexGuard};
use std::time::{Duration, Instant};

use zbus::blocking::Connection;
use zbus::zvariant::{OwnedObjectPath, OwnedValue, Value};

use crate::lock::lock;
use crate::session::bus::{self, BUS, Listed, MANAGER, PROPERTIES, SESSION, worth_a_look};
use crate::session::screens::{Belongs, Screens, Session, Sessions};

/// logind keeps it, also while it is being restarted.
const SEATS: &str = "/run/systemd/seats";
const ACTIVE_TTY: &str = "/sys/class/tty/tty0/active";
/// After a failure the bus is left alone for this long: long enough that logins do not wait for it
/// one after the other, short enough that those that need it can be tried again.
const PAUSE: Duration = Duration::from_secs(5);
/// Connections that are tried for one question.
const MAX_TRIES: usize = 3;
/// logind over the system bus.
#[derive(Debug)]
pub struct Logind {
    bus: Mutex<Bus>,
    socket: &'static Path,
    seats: &'static Path,
}

impl Default for Logind {
    fn default() -> Self {
        Self::at(Path::new(BUS), Path::new(SEATS))
    }
}

#[derive(Debug, Default)]
struct Bus {
    connection: Option<Connection>,
    failed: Option<Instant>,
}

/// How a call went.
enum Answer<R> {
    /// logind's answer.
    Got(R),
    /// It says that there is no such thing.
    None,
    /// It did not say anything.
    Silent,
}

impl<R> Answer<R> {
    fn got(self) -> Option<R> {
        match self {
            Self::Got(answer) => Some(answer),
            Self::None | Self::Silent => None,
        }
    }
}

impl Logind {
    fn at(socket: &'static Path, seats: &'static Path) -> Self {
        Self { bus: Mutex::default(), socket, seats }
    }

    fn bus(&self) -> MutexGuard<'_, Bus> {
        lock(&self.bus)
    }

    /// The connection, and whether it was there before.
    fn connection(&self) -> Option<(Connection, bool)> {
        let mut state = self.bus();
        if let Some(connection) = &state.connection {
            return Some((connection.clone(), true));
        }
        if state.failed.is_some_and(|failed| failed.elapsed() < PAUSE) || !self.socket.exists() {
            return None;
        }
        match bus::connect(self.socket) {
            Ok(connection) => {
                state.connection = Some(connection.clone());
                Some((connection, false))
            }
            Err(_) => {
                state.failed = Some(Instant::now());
                None
            }
        }
    }

    fn call<B, R>(&self, place: (&str, &str), method: &str, body: &B) -> Answer<R>
    where
        B: serde::Serialize + zbus::zvariant::DynamicType,
        R: for<'d> zbus::zvariant::DynamicDeserialize<'d>,
    {
        for _ in 0..MAX_TRIES {
            let Some((connection, was_there)) = self.connection() else { return Answer::Silent };
            match bus::call(&connection, place, method, body) {
                Ok(Some(answer)) => return Answer::Got(answer),
                // An error that logind gives (no such session, the process has ended) is an answer.
                Err(zbus::Error::MethodError(name, ..))
                    if name.starts_with("org.freedesktop.login1.") =>
                {
                    return Answer::None;
                }
                // One that the bus gives (nobody of that name) is not, but the bus is well.
                Ok(None) | Err(zbus::Error::MethodError(..)) => return Answer::Silent,
                Err(error) => {
                    let mut state = self.bus();
                    state.connection = None;
                    // A bus that was restarted answers on a new connection; one that is slow does
                    // not.
                    if !was_there || is_timeout(&error) {
                        state.failed = Some(Instant::now());
                        return Answer::Silent;
                    }
                }
            }
        }
        Answer::Silent
    }

    fn properties(&self, path: &str, interface: &str) -> Option<HashMap<String, OwnedValue>> {
        self.call((path, PROPERTIES), "GetAll", &(interface,)).got()
    }

    fn session(&self, path: &str) -> Option<Session> {
        session_of(&self.properties(path, SESSION)?)
    }

    /// The user in whose slice the process runs.
    fn user(&self, pid: u32) -> Option<u32> {
        let path: OwnedObjectPath = self.call(MANAGER, "GetUserByPID", &(pid,)).got()?;
        let all = self.properties(path.as_str(), "org.freedesktop.login1.User")?;
        all.get("UID").and_then(|uid| uid.downcast_ref::<u32>().ok())
    }
}

impl Sessions for Logind {
    fn belongs(&self, pid: i32) -> Belongs {
        let Ok(pid) = u32::try_from(pid) else { return Belongs::Nobody };
        let session: Answer<OwnedObjectPath> = self.call(MANAGER, "GetSessionByPID", &(pid,));
        match session {
            Answer::Got(path) => match self.session(path.as_str()) {
                Some(session) if session.is_of_services() => Belongs::User(session.uid),
                Some(session) => Belongs::Session(session),
                None => Belongs::Nobody,
            },
            Answer::None => self.user(pid).map_or(Belongs::Nobody, Belongs::User),
            // A logind that is there and silent is no reason to trust more.
            Answer::Silent if self.seats.exists() => Belongs::Nobody,
            Answer::Silent => Belongs::NoLogind,
        }
    }

    fn screens(&self) -> Screens {
        let listed: Option<Vec<Listed>> = self.call(MANAGER, "ListSessions", &()).got();
        let paths = worth_a_look(listed.unwrap_or_default()).map(|session| session.4);
        let line = std::fs::read_to_string(ACTIVE_TTY).ok().map(|line| line.trim().to_owned());
        Screens { sessions: paths.filter_map(|path| self.session(path.as_str())).collect(), line }
    }
}

fn is_timeout(error: &zbus::Error) -> bool {
    matches!(error, zbus::Error::InputOutput(error) if error.kind() == std::io::ErrorKind::TimedOut)
}

fn session_of(all: &HashMap<String, OwnedValue>) -> Option<Session> {
    let text = |name: &str| {
        all.get(name).and_then(|value| value.downcast_ref::<&str>().ok()).map(str::to_owned)
    };
    let filled = |name: &str| text(name).filter(|text| !text.is_empty());
    let truth = |name: &str| {
        all.get(name).is_some_and(|value| value.downcast_ref::<bool>().unwrap_or(false))
    };
    let first = |name: &str| match all.get(name).map(|value| &**value) {
        Some(Value::Structure(fields)) => fields.fields().first().cloned(),
        _ => None,
    };
    Some(Session {
        id: text("Id")?,
        seat: first("Seat")
            .and_then(|seat| seat.downcast::<String>().ok())
            .filter(|seat| !seat.is_empty()),
        active: truth("Active"),
        remote: truth("Remote"),
        closing: text("State").as_deref() == Some("closing"),
        uid: first("User").and_then(|user| user.downcast::<u32>().ok())?,
        class: text("Class").unwrap_or_default(),
        service: text("Service").unwrap_or_default(),
        display: filled("Display"),
        tty: filled("TTY"),
        leader: all
            .get("Leader")
            .and_then(|leader| leader.downcast_ref::<u32>().ok()?.try_into().ok()),
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::session::bus::MAX_SESSIONS;

    #[test]
    fn the_properties_of_a_session_are_read() {
        let path =
            zbus::zvariant::ObjectPath::try_from("/org/freedesktop/login1/seat/seat0").unwrap();
        let values = [
            ("Id", Value::from("c1")),
            ("Seat", Value::from(("seat0", path.clone()))),
            ("User", Value::from((114_u32, path.clone()))),
            ("Active", Value::from(true)),
            ("Remote", Value::from(false)),
            ("State", Value::from("active")),
            ("Class", Value::from("greeter")),
            ("Service", Value::from("lightdm-greeter")),
            ("Display", Value::from(":0")),
            ("TTY", Value::from("")),
            ("Leader", Value::from(812_u32)),
        ];
        let mut all: HashMap<String, OwnedValue> = values
            .into_iter()
            .map(|(name, value)| (name.to_owned(), value.try_into().unwrap()))
            .collect();
        let greeter = Session {
            id: "c1".into(),
            seat: Some("seat0".into()),
            active: true,
            uid: 114,
            class: "greeter".into(),
            service: "lightdm-greeter".into(),
            display: Some(":0".into()),
            leader: Some(812),
            ..Session::default()
        };
        assert_eq!(session_of(&all), Some(greeter));
        // No seat is an empty name.
        all.insert("Seat".into(), Value::from(("", path)).try_into().unwrap());
        assert_eq!(session_of(&all).unwrap().seat, None);
        all.remove("User");
        assert_eq!(session_of(&all), None);
    }

    #[test]
    fn sessions_on_a_seat_are_looked_at_however_many_others_there_are() {
        let listed = |id: usize| {
            let seat = if id >= 498 { "seat0" } else { "" };
            let path = OwnedObjectPath::try_from("/org/freedesktop/login1/session/x").unwrap();
            (id.to_string(), 2001, "taro".to_owned(), seat.to_owned(), path)
        };
        let looked_at: Vec<String> =
            worth_a_look((0..500).map(listed).collect()).map(|session| session.0).collect();
        assert_eq!(
            (looked_at.len(), &looked_at[..3]),
            (MAX_SESSIONS, &["498", "499", "0"].map(str::to_owned)[..])
        );
    }

    #[test]
    fn without_a_bus_there_are_no_sessions_and_no_waiting() {
        let nowhere = Path::new("/nonexistent/wardkey");
        let logind = Logind::at(nowhere, nowhere);
        assert_eq!(logind.belongs(1), Belongs::NoLogind);
        // One that was there and is silent is no reason to trust more.
        assert_eq!(Logind::at(nowhere, Path::new("/")).belongs(1), Belongs::Nobody);
        assert!(logind.screens().sessions.is_empty());
        let bus = logind.bus();
        assert!(bus.connection.is_none() && bus.failed.is_none(), "nobody was waited for");
    }
}
