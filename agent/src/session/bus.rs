//! The system bus, and calls of logind over it. Never starts it, never waits for it long.
//!
//! Errors of this module are what zbus says.

use std::path::Path;
use std::time::Duration;

use zbus::blocking::{Connection, Proxy};
use zbus::proxy::{CacheProperties, MethodFlags};
use zbus::zvariant::OwnedObjectPath;

/// The system bus.
pub const BUS: &str = "/run/dbus/system_bus_socket";
/// logind's name.
pub const LOGIND: &str = "org.freedesktop.login1";
/// Its manager: path and interface.
pub const MANAGER: (&str, &str) = ("/org/freedesktop/login1", "org.freedesktop.login1.Manager");
/// Of its sessions.
pub const SESSION: &str = "org.freedesktop.login1.Session";
/// Of any object.
pub const PROPERTIES: &str = "org.freedesktop.DBus.Properties";
/// logind answers in milliseconds or not at all.
const ANSWER: Duration = Duration::from_secs(2);
/// Sessions that are looked at; a terminal has a handful.
pub const MAX_SESSIONS: usize = 64;

/// A session of `ListSessions`: id, uid, user, seat (empty: none), path.
pub type Listed = (String, u32, String, String, OwnedObjectPath);

/// Connects to a bus.
pub fn connect(socket: &Path) -> zbus::Result<Connection> {
    let address = format!("unix:path={}", socket.display());
    zbus::blocking::connection::Builder::address(address.as_str())?.method_timeout(ANSWER).build()
}

/// Calls logind, which is not started for that.
///
/// # Errors
/// That logind is not there, too.
pub fn call<B, R>(
    connection: &Connection,
    (path, interface): (&str, &str),
    method: &str,
    body: &B,
) -> zbus::Result<Option<R>>
where
    B: serde::Serialize + zbus::zvariant::DynamicType,
    R: for<'d> zbus::zvariant::DynamicDeserialize<'d>,
{
    let proxy: Proxy<'_> = zbus::blocking::proxy::Builder::new(connection)
        .destination(LOGIND)?
        .path(path)?
        .interface(interface)?
        .cache_properties(CacheProperties::No)
        .build()?;
    proxy.call_with_flags(method, MethodFlags::NoAutoStart.into(), body)
}

/// The sessions to look at, those on a seat first: what logouts over the network leave behind must
/// not push them out.
pub fn worth_a_look(mut listed: Vec<Listed>) -> impl Iterator<Item = Listed> {
    listed.sort_by_key(|(_, _, _, seat, _)| seat.is_empty());
    listed.into_iter().take(MAX_SESSIONS)
}
