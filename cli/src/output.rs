//! What is printed: for people, and as JSON for programs (times in seconds since 1970, ids in
//! hexadecimal digits).

use serde_json::{Value, json};
use wardkey_core::code::AnyCode;
use wardkey_core::id::TerminalId;
use wardkey_core::message::agent::{DestinationStatus, LogStatus, ScopeStatus, Status};
use wardkey_core::message::key::KeyInfo;
use wardkey_core::name::{DisplayText, Language, printable};
use wardkey_core::texts;
use wardkey_core::time::{DAY, UnixTime};

use crate::texts::{Phrase, Text};

/// A result, in both forms.
pub(crate) struct Output {
    /// For people.
    pub(crate) text: String,
    /// For programs.
    pub(crate) json: Value,
}

pub(crate) fn status(language: Language, status: &Status) -> String {
    let mut lines = Vec::new();
    match (&status.terminal, &status.terminal_name) {
        (Some(id), Some(name)) => {
            lines.push(format!("{}: {name} ({id})", Text::Terminal.say(language)))
        }
        (Some(id), None) => lines.push(format!("{}: {id}", Text::Terminal.say(language))),
        (None, _) => lines.push(format!(
            "{}: {}",
            Text::Terminal.say(language),
            Text::NotJoined.say(language)
        )),
    }
    if let Some(server) = &status.server {
        let state = match membership(status) {
            Membership::Pending => Text::AwaitingApproval,
            Membership::Revoked => Text::StoppedAtServer,
            Membership::Active if status.connected => Text::Connected,
            Membership::Active => Text::NotConnected,
        };
        lines.push(format!(
            "{}: {} ({})",
            Text::Server.say(language),
            printable(server, 300),
            state.say(language)
        ));
    }
    if let Some(contact) = status.last_contact {
        let time = duration(status.now.since(contact)).say(language);
        let ago = Text::Ago.say_with(language, &[("time", &time)]);
        let (label, date) = (Text::LastContact.say(language), date(contact));
        lines.push(format!("{label}: {date} ({ago})"));
    }
    if let Some(error) = &status.last_error {
        let error = why(language, error, status.last_code, status.last_system.as_deref());
        lines.push(format!("{}: {error}", Text::LastError.say(language)));
    }

    for of in status.scopes.iter() {
        let expired =
            if of.expires <= status.now { Text::Expired.say(language) } else { String::new() };
        lines.push(format!("{}: {}{expired}", Text::Directory.say(language), scope(language, of)));
    }
    if let Some(ahead) = status.clock_ahead {
        lines
            .push(Text::ClockAhead.say_with(language, &[("time", &duration(ahead).say(language))]));
    }
    lines.extend(status.log.iter().flat_map(|log| log_lines(language, status.now, log)));
    if let Some(records) = status.in_memory {
        lines.push(Text::InMemory.say_with(language, &[("count", &records.to_string())]));
    }

    if let (Membership::Pending, Some(id)) = (membership(status), &status.terminal) {
        lines.push(approval_needed(language, id, status.terminal_name.as_ref()));
    }
    lines.push(format!("{}: {}", Text::EventsWaiting.say(language), status.events_waiting));
    lines.extend(
        status
            .destinations
            .iter()
            .flat_map(|all| all.iter())
            .map(|one| destination(language, status, one)),
    );

    lines.push(format!("{}: {}", Text::LoginsRunning.say(language), status.logins));
    lines.push(format!("{}: {}", Text::KeysPlugged.say(language), status.keys));
    lines.push(format!("{}: {}", Text::Time.say(language), date(status.now)));
    lines.push(format!("{}: {}", Text::Version.say(language), printable(&status.version, 64)));
    lines.join("\n")
}

/// What was seen of the server's log of records, and whether it contradicted itself.
fn log_lines(language: Language, now: UnixTime, log: &LogStatus) -> Vec<String> {
    let mut lines = Vec::new();
    if let (Some(size), Some(time)) = (log.size, log.time) {
        let ago = duration(now.since(time)).say(language);
        let args = [("count", size.to_string()), ("time", ago)];
        let args: Vec<(&str, &str)> =
            args.iter().map(|(name, value)| (*name, value.as_str())).collect();
        lines.push(Text::LogSeen.say_with(language, &args));
    }
    if log.is_contradicted {
        lines.push(Text::LogContradicted.say(language));
    }
    lines
}

/// What a terminal is at the server.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Membership {
    Active,
    /// It has yet to be approved: it never had a directory.
    Pending,
    /// It was revoked.
    Revoked,
}

fn membership(status: &Status) -> Membership {
    match status.active {
        Some(false) if status.scopes.is_empty() => Membership::Pending,
        Some(false) => Membership::Revoked,
        Some(true) | None => Membership::Active,
    }
}

/// Where a terminal is approved.
pub(crate) fn approval_needed(
    language: Language,
    id: &TerminalId,
    name: Option<&DisplayText>,
) -> String {
    // A name with blanks would have to be quoted; the id never.
    let plain = |name: &&DisplayText| {
        !name.as_str().contains(|c: char| c.is_whitespace() || c.is_ascii_punctuation() && c != '-')
    };
    let terminal = name.filter(plain).map_or_else(|| id.to_hex(), ToString::to_string);
    Text::ApprovalNeeded.say_with(language, &[("terminal", &terminal)])
}

/// What waits for a destination of records, since when, and why.
fn destination(language: Language, status: &Status, of: &DestinationStatus) -> String {
    let (name, count) = (printable(&of.name, 200), of.waiting.to_string());
    let mut line = Text::DestinationLine.say_with(language, &[("name", &name), ("count", &count)]);
    if let Some(since) = of.since {
        let time = duration(status.now.since(since)).say(language);
        line += &Text::DestinationSince.say_with(language, &[("time", &time)]);
    }
    if let Some(error) = &of.last_error {
        let error = why(language, error, of.code, of.system.as_deref());
        line += &Text::DestinationError.say_with(language, &[("error", &error)]);
    }
    line
}

/// Why something does not work. The agent speaks English; in another language it is the sentence of
/// its code, and what the system said. An older agent knows no code.
fn why(language: Language, error: &str, code: Option<u16>, system: Option<&str>) -> String {
    let code = code.and_then(AnyCode::from_number).filter(|_| language != Language::En);
    let Some(code) = code else { return printable(error, 400) };
    let sentence = texts::with_code(code, language, &[]);
    system.map_or_else(|| sentence.clone(), |said| format!("{sentence}: {}", printable(said, 200)))
}

fn code_json(number: Option<u16>) -> Value {
    number.and_then(AnyCode::from_number).map(|code| code.to_string()).into()
}

fn destination_json(of: &DestinationStatus) -> Value {
    json!({
        "name": of.name,
        "waiting": of.waiting,
        "since": of.since.map(|time| time.0),
        "last_error": of.last_error,
        "last_error_code": code_json(of.code),
        "failed": of.failed.map(|time| time.0),
    })
}

pub(crate) fn scope(language: Language, of: &ScopeStatus) -> String {
    let (position, people) = (of.position.to_string(), of.people.to_string());
    let date = date(of.expires);
    let args = [
        ("scope", of.scope.as_str()),
        ("position", &position),
        ("count", &people),
        ("date", &date),
    ];
    Text::ScopeLine.say_with(language, &args)
}

pub(crate) fn status_json(status: &Status) -> Value {
    json!({
        "version": status.version,
        "terminal": status.terminal.map(|id| id.to_hex()),
        "terminal_name": status.terminal_name.as_ref().map(|name| name.as_str()),
        "server": status.server,
        "connected": status.connected,
        "last_contact": status.last_contact.map(|time| time.0),
        "last_error": status.last_error,
        "last_error_code": code_json(status.last_code),
        "scopes": status.scopes.iter().map(scope_json).collect::<Vec<_>>(),
        "events_waiting": status.events_waiting,
        "destinations": status.destinations.as_ref().map(|all| {
            all.iter().map(destination_json).collect::<Vec<_>>()
        }),
        "logins": status.logins,
        "now": status.now.0,
        "keys": status.keys,
        "in_memory": status.in_memory,
        "clock_ahead": status.clock_ahead,
        "log": status.log.as_ref().map(|log| json!({
            "size": log.size,
            "time": log.time.map(|time| time.0),
            "contradicted": log.is_contradicted,
            "key": log.key,
        })),
        "active": status.active,
        "awaiting_approval": membership(status) == Membership::Pending,
    })
}

pub(crate) fn scope_json(of: &ScopeStatus) -> Value {
    json!({
        "scope": of.scope.as_str(),
        "epoch": of.position.epoch,
        "seq": of.position.seq,
        "people": of.people,
        "issued": of.issued.0,
        "expires": of.expires.0,
    })
}

pub(crate) fn keys(language: Language, keys: &[KeyInfo]) -> String {
    if keys.is_empty() {
        return Text::NoKeys.say(language);
    }
    let mut lines = Vec::new();
    for key in keys {
        let path = printable(&key.path, 64);
        lines.push(format!("{} ({path}, {:04x}:{:04x})", name_of(key), key.vendor, key.product));
        let Some(details) = &key.details else {
            lines.push(format!("  {}", Text::KeySilent.say(language)));
            continue;
        };
        let versions: Vec<_> =
            details.versions.iter().map(|version| printable(version, 32)).collect();
        let set = if details.pin_set { Text::PinSet } else { Text::PinNotSet }.say(language);
        let change =
            if details.pin_must_change { Text::PinMustChange.say(language) } else { String::new() };
        let least =
            Text::PinAtLeast.say_with(language, &[("count", &details.min_pin_length.to_string())]);
        lines.push(format!("  PIN: {set}{change}, {least}"));
        if let Some(tries) = details.pin_tries {
            lines.push(format!("  {}: {tries}", Text::PinTries.say(language)));
        }
        if details.fingerprint == Some(true) {
            lines.push(format!("  {}", Text::KeyFinger.say(language)));
        }
        lines.push(format!("  AAGUID: {}", details.aaguid));
        lines.push(format!("  CTAP: {}", versions.join(", ")));
    }
    lines.join("\n")
}

pub(crate) fn key_json(key: &KeyInfo) -> Value {
    let details = key.details.as_ref().map(|details| {
        json!({
            "aaguid": details.aaguid.to_hex(),
            "versions": &*details.versions,
            "pin_set": details.pin_set,
            "pin_must_change": details.pin_must_change,
            "min_pin_length": details.min_pin_length,
            "pin_tries": details.pin_tries,
            "fingerprint": details.fingerprint,
        })
    });
    json!({
        "path": key.path,
        "vendor": key.vendor,
        "product": key.product,
        "name": key.name,
        "details": details,
    })
}

/// A time that has passed or is to come, in its largest unit.
pub(crate) fn duration(seconds: u64) -> Phrase {
    let (text, count) = match seconds {
        0..=119 => (Text::Seconds, seconds),
        120..=7199 => (Text::Minutes, seconds / 60),
        _ if seconds >= 2 * DAY => (Text::Days, seconds / DAY),
        _ => (Text::Hours, seconds / 3600),
    };
    text.with([("count", count.into())])
}

/// `2026-11-22 01:14:36 UTC` (RFC 3339 but for the blanks).
pub(crate) fn date(time: UnixTime) -> String {
    time.to_rfc3339().replace('T', " ").replace('Z', " UTC")
}

/// What the device calls itself, fit for people.
pub(crate) fn name_of(key: &KeyInfo) -> String {
    printable(&key.name, 64)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn dates_are_said_without_letters_between() {
        for (seconds, text) in [
            (0, "1970-01-01 00:00:00 UTC"),
            (1_795_310_076, "2026-11-22 01:14:36 UTC"),
            (u64::MAX, "9999-12-31 23:59:59 UTC"),
        ] {
            assert_eq!(date(UnixTime(seconds)), text);
        }
    }
}
