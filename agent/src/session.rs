//! Sessions and seats by logind, when there is one. The peer's word about itself proves nothing.

use std::collections::HashMap;
use std::path::Path;
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

use zbus::blocking::Connection;
use zbus::proxy::MethodFlags;
use zbus::zvariant::{OwnedObjectPath, OwnedValue, Value};

const BUS: &str = "/run/dbus/system_bus_socket";
const LOGIND: &str = "org.freedesktop.login1";
const ACTIVE_TTY: &str = "/sys/class/tty/tty0/active";
/// logind answers in milliseconds or not at all.
const ANSWER: Duration = Duration::from_secs(2);
/// After a failure the bus is left alone for this long.
const PAUSE: Duration = Duration::from_secs(30);

/// A session, as logind sees it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Session {
    /// logind's id.
    pub id: String,
    /// The seat, when it has one.
    pub seat: Option<String>,
    /// In the foreground of its seat.
    pub active: bool,
    /// Comes over the network.
    pub remote: bool,
    /// Whose session it is.
    pub uid: u32,
}

/// Where a login happens.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Place {
    /// The peer's session, when it has one.
    pub session: Option<Session>,
    /// PAM_TTY as root says, for logins that have no session yet.
    pub tty: Option<String>,
    /// The peer's user, unless it is root.
    pub uid: Option<u32>,
}

impl Place {
    /// The seat that the login queues at.
    pub fn seat(&self) -> &str {
        self.session.as_ref().and_then(|session| session.seat.as_deref()).unwrap_or("seat0")
    }
}

/// Who knows the sessions: logind, or a test.
pub trait Sessions: Send + Sync {
    /// The session of a process; `None` without one or without logind.
    fn of_process(&self, pid: i32) -> Option<Session>;
    /// Whether the place is in the foreground of its seat now.
    fn is_foreground(&self, place: &Place) -> bool;
    /// Whether a user has an active local session now.
    fn has_active_local(&self, uid: u32) -> bool;
}

/// logind over the system bus. Never starts it, never waits for it long.
#[derive(Debug, Default)]
pub struct Logind {
    bus: Mutex<Bus>,
}

#[derive(Debug, Default)]
struct Bus {
    connection: Option<Connection>,
    failed: Option<Instant>,
}

impl Logind {
    fn connection(&self) -> Option<Connection> {
        let mut bus = self.bus.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(connection) = &bus.connection {
            return Some(connection.clone());
        }
        if bus.failed.is_some_and(|failed| failed.elapsed() < PAUSE) || !Path::new(BUS).exists() {
            return None;
        }
        let address = format!("unix:path={BUS}");
        let made = zbus::blocking::connection::Builder::address(address.as_str())
            .and_then(|builder| builder.method_timeout(ANSWER).build());
        match made {
            Ok(connection) => {
                bus.connection = Some(connection.clone());
                Some(connection)
            }
            Err(_) => {
                bus.failed = Some(Instant::now());
                None
            }
        }
    }

    fn call<B, R>(&self, path: &str, interface: &str, method: &str, body: &B) -> Option<R>
    where
        B: serde::Serialize + zbus::zvariant::DynamicType,
        R: for<'d> zbus::zvariant::DynamicDeserialize<'d>,
    {
        let connection = self.connection()?;
        let proxy = zbus::blocking::proxy::Builder::<zbus::blocking::Proxy<'_>>::new(&connection)
            .destination(LOGIND)
            .and_then(|builder| builder.path(path))
            .and_then(|builder| builder.interface(interface))
            .map(|builder| builder.cache_properties(zbus::proxy::CacheProperties::No))
            .and_then(zbus::blocking::proxy::Builder::build);
        let answer = proxy.and_then(|proxy| proxy.call_with_flags(method, MethodFlags::NoAutoStart.into(), body));
        match answer {
            Ok(answer) => answer,
            // An error that logind or the bus gives (no such session, the process has ended) is an answer.
            Err(zbus::Error::MethodError(..)) => None,
            Err(_) => {
                let mut bus = self.bus.lock().unwrap_or_else(PoisonError::into_inner);
                bus.connection = None;
                bus.failed = Some(Instant::now());
                None
            }
        }
    }

    fn session(&self, path: &str) -> Option<Session> {
        let interface = "org.freedesktop.login1.Session";
        let all: HashMap<String, OwnedValue> =
            self.call(path, "org.freedesktop.DBus.Properties", "GetAll", &(interface,))?;
        let text = |name: &str| all.get(name).and_then(|value| value.downcast_ref::<&str>().ok()).map(str::to_owned);
        let truth = |name: &str| all.get(name).is_some_and(|value| value.downcast_ref::<bool>().unwrap_or(false));
        let first = |name: &str| match all.get(name).map(|value| &**value) {
            Some(Value::Structure(fields)) => fields.fields().first().cloned(),
            _ => None,
        };
        Some(Session {
            id: text("Id")?,
            seat: first("Seat").and_then(|seat| seat.downcast::<String>().ok()).filter(|seat| !seat.is_empty()),
            active: truth("Active"),
            remote: truth("Remote"),
            uid: first("User").and_then(|user| user.downcast::<u32>().ok())?,
        })
    }
}

impl Sessions for Logind {
    fn of_process(&self, pid: i32) -> Option<Session> {
        let pid = u32::try_from(pid).ok()?;
        let path: OwnedObjectPath =
            self.call("/org/freedesktop/login1", "org.freedesktop.login1.Manager", "GetSessionByPID", &(pid,))?;
        self.session(path.as_str())
    }

    fn is_foreground(&self, place: &Place) -> bool {
        match &place.session {
            Some(session) => {
                let path: Option<OwnedObjectPath> = self.call(
                    "/org/freedesktop/login1",
                    "org.freedesktop.login1.Manager",
                    "GetSession",
                    &(session.id.as_str(),),
                );
                path.and_then(|path| self.session(path.as_str())).is_some_and(|session| session.active)
            }
            // A greeter's or getty's login has no session yet: the line that the person sees counts.
            None => is_active_line(place.tty.as_deref(), std::fs::read_to_string(ACTIVE_TTY).ok().as_deref()),
        }
    }

    fn has_active_local(&self, uid: u32) -> bool {
        type Listed = Vec<(String, u32, String, String, OwnedObjectPath)>;
        let listed: Option<Listed> =
            self.call("/org/freedesktop/login1", "org.freedesktop.login1.Manager", "ListSessions", &());
        listed.into_iter().flatten().filter(|session| session.1 == uid).any(|session| {
            self.session(session.4.as_str())
                .is_some_and(|session| session.uid == uid && session.active && !session.remote)
        })
    }
}

fn is_active_line(tty: Option<&str>, active: Option<&str>) -> bool {
    let name = |line: &str| line.trim().trim_start_matches("/dev/").to_owned();
    matches!((tty, active), (Some(tty), Some(active)) if !tty.is_empty() && name(tty) == name(active))
}

/// Whether a remote host, as PAM has it, is another machine. sudo gives this machine's own name.
pub fn is_remote_host(rhost: Option<&str>) -> bool {
    let Some(host) = rhost.map(str::trim).filter(|host| !host.is_empty()) else { return false };
    if matches!(host, "localhost" | "localhost.localdomain" | "127.0.0.1" | "::1") || host.starts_with(':') {
        return false;
    }
    let own = nix::unistd::gethostname().ok().and_then(|name| name.into_string().ok()).unwrap_or_default();
    let short = |name: &str| name.split('.').next().unwrap_or_default().to_ascii_lowercase();
    own.is_empty() || (host != own && !(short(host) == short(&own) && (!host.contains('.') || !own.contains('.'))))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn another_machine_is_remote_and_this_one_is_not() {
        let own = nix::unistd::gethostname().unwrap().into_string().unwrap();
        for (rhost, remote) in [
            (None, false),
            (Some(""), false),
            (Some("localhost"), false),
            (Some("::1"), false),
            (Some(":0"), false),
            (Some(own.as_str()), false),
            (Some("10.0.0.7"), true),
            (Some("elsewhere.example"), true),
        ] {
            assert_eq!(is_remote_host(rhost), remote, "{rhost:?}");
        }
    }

    #[test]
    fn the_line_in_the_foreground_is_found_by_name() {
        assert!(is_active_line(Some("/dev/tty2"), Some("tty2\n")));
        assert!(is_active_line(Some("tty2"), Some("tty2\n")));
        for (tty, active) in
            [(Some("tty1"), Some("tty2\n")), (None, Some("tty2")), (Some(""), Some("")), (Some("tty1"), None)]
        {
            assert!(!is_active_line(tty, active));
        }
    }

    #[test]
    fn without_a_bus_there_are_no_sessions_and_no_waiting() {
        if Path::new(BUS).exists() {
            return;
        }
        let started = Instant::now();
        let logind = Logind::default();
        assert_eq!(logind.of_process(1), None);
        assert!(!logind.has_active_local(0));
        assert!(started.elapsed() < Duration::from_millis(100));
    }
}
