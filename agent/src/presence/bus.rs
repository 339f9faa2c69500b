//! logind's sessions as they are, and word that something about them changed.
//!
//! Errors of this module are what zbus says.

use std::collections::HashMap;
use std::path::Path;

use nix::time::{ClockId, clock_gettime};
use zbus::blocking::{Connection, MessageIterator};
use zbus::message::Type;
use zbus::zvariant::{OwnedValue, Value};
use zbus::{MatchRule, Message};

use super::desk::Seen;
use super::shared::News;
use crate::session::bus::{self, LOGIND, Listed, MANAGER, PROPERTIES, SESSION, worth_a_look};

/// Signals that wait to be read.
const QUEUE: usize = 256;

/// A connection to the bus.
#[derive(Clone, Debug)]
pub struct Bus(Connection);

impl Bus {
    /// Connects.
    pub fn connect(socket: &Path) -> zbus::Result<Self> {
        bus::connect(socket).map(Self)
    }

    /// The sessions as they are.
    ///
    /// # Errors
    /// That logind is not there, too.
    pub fn sessions(&self) -> zbus::Result<Vec<Seen>> {
        let listed: Vec<Listed> = self.call(MANAGER, "ListSessions", &())?;
        let uptime = clock_gettime(ClockId::CLOCK_MONOTONIC)
            .ok()
            .and_then(|time| u64::try_from(time.tv_sec()).ok());
        let mut all = Vec::new();
        for (.., path) in worth_a_look(listed) {
            let properties = (path.as_str(), PROPERTIES);
            match self.call(properties, "GetAll", &(SESSION,)) {
                Ok(properties) => all.extend(seen(&properties, uptime.unwrap_or_default())),
                // One that has just ended is one that is not there; a logind that does not answer
                // says nothing about it.
                Err(zbus::Error::MethodError(name, ..)) if is_gone(&name) => {}
                Err(error) => return Err(error),
            }
        }
        Ok(all)
    }

    fn call<B, R>(&self, place: (&str, &str), method: &str, body: &B) -> zbus::Result<R>
    where
        B: serde::Serialize + zbus::zvariant::DynamicType,
        R: for<'d> zbus::zvariant::DynamicDeserialize<'d>,
    {
        bus::call(&self.0, place, method, body)?.ok_or(zbus::Error::InvalidReply)
    }

    /// Tells of every change, until the bus ends the connection.
    pub fn follow(&self, tell: impl Fn(News)) -> zbus::Result<()> {
        let rule = MatchRule::builder().msg_type(Type::Signal).sender(LOGIND)?.build();
        let signals = MessageIterator::for_match_rule(rule, &self.0, Some(QUEUE))?;
        // What happened before is seen too.
        tell(News::Sessions);
        for signal in signals {
            if let Some(news) = news(&signal?) {
                tell(news);
            }
        }
        Ok(())
    }
}

/// Whether logind says that there is no such session (any more).
fn is_gone(error: &str) -> bool {
    error.starts_with("org.freedesktop.login1.NoSuch")
        || error == "org.freedesktop.DBus.Error.UnknownObject"
}

/// What a signal of logind's means here.
fn news(signal: &Message) -> Option<News> {
    let header = signal.header();
    match header.member()?.as_str() {
        "SessionNew" | "SessionRemoved" | "Lock" | "Unlock" => Some(News::Sessions),
        "PropertiesChanged" => {
            header.path()?.starts_with("/org/freedesktop/login1/session/").then_some(News::Sessions)
        }
        // True before it falls asleep, false when it wakes.
        "PrepareForSleep" => {
            let falls_asleep: bool = signal.body().deserialize().ok()?;
            (!falls_asleep).then_some(News::Resumed)
        }
        _ => None,
    }
}

fn seen(all: &HashMap<String, OwnedValue>, uptime: u64) -> Option<Seen> {
    let truth = |name: &str| all.get(name).and_then(|value| value.downcast_ref::<bool>().ok());
    let seat = match all.get("Seat").map(|value| &**value) {
        Some(Value::Structure(fields)) => {
            fields.fields().first().and_then(|name| name.downcast_ref::<&str>().ok())
        }
        _ => None,
    };
    let since = all.get("IdleSinceHintMonotonic")?.downcast_ref::<u64>().ok()? / 1_000_000;
    Some(Seen {
        id: all.get("Id")?.downcast_ref::<&str>().ok()?.to_owned(),
        leader: all.get("Leader")?.downcast_ref::<u32>().ok()?.try_into().ok()?,
        seat: seat.filter(|seat| !seat.is_empty()).map(str::to_owned),
        locked: truth("LockedHint").unwrap_or(false),
        idle: if truth("IdleHint") == Some(true) { uptime.saturating_sub(since) } else { 0 },
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_logind_says_of_a_session_is_read() {
        let path =
            zbus::zvariant::ObjectPath::try_from("/org/freedesktop/login1/seat/seat0").unwrap();
        let values = [
            ("Id", Value::from("c2")),
            ("Leader", Value::from(4711_u32)),
            ("Seat", Value::from(("seat0", path))),
            ("LockedHint", Value::from(true)),
            ("IdleHint", Value::from(true)),
            ("IdleSinceHintMonotonic", Value::from(100_000_000_u64)),
        ];
        let mut all: HashMap<String, OwnedValue> = values
            .into_iter()
            .map(|(name, value)| (name.to_owned(), value.try_into().unwrap()))
            .collect();
        let expected = Seen {
            id: "c2".into(),
            leader: 4711,
            seat: Some("seat0".into()),
            locked: true,
            idle: 160,
        };
        assert_eq!(seen(&all, 260), Some(expected));
        // Input now: since when it was idle before says nothing.
        all.insert("IdleHint".into(), Value::from(false).try_into().unwrap());
        assert_eq!(seen(&all, 260).unwrap().idle, 0);
        all.remove("Leader");
        assert_eq!(seen(&all, 260), None);
    }
}
