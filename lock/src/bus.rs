//! logind and the display manager, over the system bus. No variable says which bus.
//!
//! Errors of this module are what zbus says.

use std::collections::HashMap;
use std::path::Path;
use std::time::Duration;

use wardkey_core::message::lock::SessionId;
use zbus::blocking::{Connection, Proxy};
use zbus::proxy::{CacheProperties, MethodFlags};
use zbus::zvariant::{OwnedObjectPath, OwnedValue, Value};

use crate::permitted::Shown;

const BUS: &str = "/run/dbus/system_bus_socket";
const LOGIND: &str = "org.freedesktop.login1";
const MANAGER: (&str, &str) = ("/org/freedesktop/login1", "org.freedesktop.login1.Manager");
const SESSION: &str = "org.freedesktop.login1.Session";
const PROPERTIES: &str = "org.freedesktop.DBus.Properties";
/// Of LightDM, SDDM and others.
const DISPLAY_MANAGER: &str = "org.freedesktop.DisplayManager";
/// Their first seat; they number seats in the order in which these came.
const FIRST_SEAT: (&str, &str) =
    ("/org/freedesktop/DisplayManager/Seat0", "org.freedesktop.DisplayManager.Seat");
const ANSWER: Duration = Duration::from_secs(2);

/// The bus.
#[derive(Debug)]
pub struct Bus(Connection);

impl Bus {
    /// Connects.
    pub fn connect() -> zbus::Result<Self> {
        let address = format!("unix:path={}", Path::new(BUS).display());
        zbus::blocking::connection::Builder::address(address.as_str())?
            .method_timeout(ANSWER)
            .build()
            .map(Self)
    }

    /// A session, as logind shows it.
    ///
    /// # Errors
    /// That there is no such session, too.
    pub fn session(&self, session: &SessionId) -> zbus::Result<Shown> {
        let id = session.as_str();
        let path: OwnedObjectPath = self.ask(LOGIND, MANAGER, "GetSession", &(id,))?;
        let all: HashMap<String, OwnedValue> =
            self.ask(LOGIND, (path.as_str(), PROPERTIES), "GetAll", &(SESSION,))?;
        Ok(shown(&all))
    }

    /// Has logind ask the session's locker to lock.
    pub fn lock(&self, session: &SessionId) -> zbus::Result<()> {
        self.ask(LOGIND, MANAGER, "LockSession", &(session.as_str(),))
    }

    /// Has logind end the session.
    pub fn end(&self, session: &SessionId) -> zbus::Result<()> {
        self.ask(LOGIND, MANAGER, "TerminateSession", &(session.as_str(),))
    }

    /// Has the display manager show its greeter.
    pub fn greeter(&self) -> zbus::Result<()> {
        self.ask(DISPLAY_MANAGER, FIRST_SEAT, "SwitchToGreeter", &())
    }

    fn ask<B, R>(
        &self,
        destination: &'static str,
        (path, interface): (&str, &'static str),
        method: &'static str,
        body: &B,
    ) -> zbus::Result<R>
    where
        B: serde::Serialize + zbus::zvariant::DynamicType,
        R: for<'d> zbus::zvariant::DynamicDeserialize<'d>,
    {
        let proxy: Proxy<'_> = zbus::blocking::proxy::Builder::new(&self.0)
            .destination(destination)?
            .path(path)?
            .interface(interface)?
            .cache_properties(CacheProperties::No)
            .build()?;
        let answer = proxy.call_with_flags(method, MethodFlags::NoAutoStart.into(), body)?;
        answer.ok_or(zbus::Error::InvalidReply)
    }
}

/// What is missing is as if it were not a person's session.
fn shown(all: &HashMap<String, OwnedValue>) -> Shown {
    let text = |name: &str| {
        let text = all.get(name).and_then(|value| value.downcast_ref::<&str>().ok());
        text.unwrap_or_default().to_owned()
    };
    let first = |name: &str| match all.get(name).map(|value| &**value) {
        Some(Value::Structure(fields)) => fields.fields().first().cloned(),
        _ => None,
    };
    Shown {
        uid: first("User").and_then(|uid| uid.downcast::<u32>().ok()).unwrap_or(0),
        user: text("Name"),
        class: text("Class"),
        is_remote: all
            .get("Remote")
            .is_none_or(|remote| remote.downcast_ref::<bool>().unwrap_or(true)),
        service: text("Service"),
        seat: first("Seat").and_then(|seat| seat.downcast::<String>().ok()).unwrap_or_default(),
        tty: text("TTY"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::permitted::check_permitted;

    #[test]
    fn a_session_is_read_and_what_is_missing_is_refused() {
        let path =
            zbus::zvariant::ObjectPath::try_from("/org/freedesktop/login1/seat/seat0").unwrap();
        let values = [
            ("User", Value::from((2001_u32, path.clone()))),
            ("Name", Value::from("hanako")),
            ("Class", Value::from("user")),
            ("Remote", Value::from(false)),
            ("Service", Value::from("lightdm")),
            ("Seat", Value::from(("seat0", path))),
            ("TTY", Value::from("")),
        ];
        let all: HashMap<String, OwnedValue> = values
            .into_iter()
            .map(|(name, value)| (name.to_owned(), value.try_into().unwrap()))
            .collect();
        let of = |all: &HashMap<String, OwnedValue>| check_permitted(&shown(all), |_| false);
        assert_eq!(shown(&all).user, "hanako");
        assert_eq!(of(&all), Ok(()));
        for name in ["User", "Name", "Class", "Remote", "Seat"] {
            let mut less = all.clone();
            less.remove(name);
            assert!(of(&less).is_err(), "without {name}");
        }
    }
}
