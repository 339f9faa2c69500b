//! Lines of JSON in the Elastic Common Schema.

use serde_json::{Value, json};
use wardkey_core::event::{Event, EventName, Outcome};

use crate::source::Source;
use crate::{json, said, words};

/// Version of the schema whose fields and allowed values these are.
const VERSION: &str = "8.17.0";
const NANOSECONDS: u64 = 1_000_000_000;
/// Facility authpriv.
const FACILITY: u8 = 10;

/// What has a field of the schema.
const PLACED: [&str; 7] = ["id", "time", "event", "code", "outcome", "reason", "host"];

/// `event.kind`, `event.category`, `event.type`.
struct Class(&'static str, &'static [&'static str], &'static [&'static str]);

/// The line.
pub(crate) fn line(event: &Event, source: &Source) -> String {
    let Class(kind, category, of_type) = class(event);
    let severity = said::syslog_severity(event, source);
    let (remote, remote_ip) = (said::remote(event), said::remote_ip(event));
    let remote_name = if remote_ip.is_some() { None } else { remote.clone() };
    let host = said::host(source);
    let about = [&event.person, &event.account].into_iter().flatten();
    let mut users: Vec<String> = about.map(ToString::to_string).collect();
    users.dedup();

    json::line(json!({
        "@timestamp": said::time(event),
        "ecs": { "version": VERSION },
        "message": words::sentence(event),
        "event": {
            "kind": kind,
            "category": category,
            "type": of_type,
            "action": event.name.as_str(),
            "code": event.name.code(),
            "outcome": event.outcome.as_str(),
            "reason": json::maybe(said::reason(event)),
            "id": event.id.to_string(),
            "duration": duration(event),
            "module": "wardkey",
            "dataset": "wardkey.audit",
            "provider": "wardkey",
        },
        "user": {
            "name": json::maybe(said::user(event)),
            "effective": { "name": json::maybe(said::other_account(event)) },
        },
        "host": { "name": host, "hostname": host, "id": json::maybe(said::terminal(event)) },
        "source": {
            "address": json::maybe(remote),
            "ip": json::maybe(remote_ip.clone()),
            "domain": json::maybe(remote_name.clone()),
        },
        "related": {
            "user": users,
            "hosts": [Value::String(host.clone()), json::maybe(remote_name)],
            "ip": [json::maybe(remote_ip)],
        },
        "observer": {
            "vendor": "Wardkey",
            "product": source.program,
            "version": source.version,
        },
        "log": {
            "level": LEVELS.get(usize::from(severity)),
            "syslog": {
                "appname": "wardkey",
                "facility": { "code": FACILITY, "name": "authpriv" },
                "severity": { "code": severity },
            },
        },
        "wardkey": json::own(event, source, &PLACED),
    }))
}

/// syslog's words by number.
const LEVELS: [&str; 8] =
    ["emergency", "alert", "critical", "error", "warning", "notice", "informational", "debug"];

/// Of a session that ended, in nanoseconds.
fn duration(event: &Event) -> Option<u64> {
    let seconds = event.seconds.filter(|_| event.name == EventName::SessionEnded)?;
    seconds.checked_mul(NANOSECONDS)
}

const fn class(event: &Event) -> Class {
    match event.name {
        EventName::Login | EventName::PassLogin => Class("event", &["authentication"], &["start"]),
        EventName::BreakGlassLogin => Class("alert", &["authentication"], &["start"]),
        EventName::Account
        | EventName::LockedOut
        | EventName::PassWrong
        | EventName::BreakGlassWrong => Class("event", &["authentication"], &["info"]),
        EventName::Heartbeat | EventName::Offline | EventName::Online => {
            Class("event", &["host"], &["info"])
        }
        EventName::AgentStarted => Class("event", &["process"], &["start"]),
        EventName::AgentStopped => Class("event", &["process"], &["end"]),
        EventName::Synced => Class("event", &["configuration"], &["change"]),
        EventName::DirectoryRefused | EventName::CloneSuspected | EventName::DeviceSuspected => {
            Class("alert", &["intrusion_detection"], &["denied"])
        }
        EventName::RecordsLost | EventName::ClockWrong | EventName::MarksNotRaised => {
            Class("alert", &["host"], &["info"])
        }
        EventName::StateSetAside => Class("alert", &["host"], &["change"]),
        EventName::Joined => Class("event", &["configuration"], &["creation"]),
        EventName::Enrolled
        | EventName::PinChange
        | EventName::PassEnded
        | EventName::LoanBegun
        | EventName::LoanEnded
        | EventName::Vouched => Class("event", &["iam"], &["user", "change"]),
        EventName::PassVoid | EventName::BreakGlassVoid => {
            Class("alert", &["iam"], &["user", "change"])
        }
        EventName::KeyChanged => Class("event", &["host"], &["change"]),
        EventName::WayIn => match event.outcome {
            Outcome::Success => Class("event", &["configuration"], &["change"]),
            Outcome::Failure => Class("alert", &["configuration"], &["change"]),
        },
        EventName::LogContradicted => match event.outcome {
            Outcome::Success => Class("event", &["host"], &["change"]),
            Outcome::Failure => Class("alert", &["intrusion_detection"], &["info"]),
        },
        EventName::SessionStarted => Class("event", &["session"], &["start"]),
        EventName::SessionLocked | EventName::SessionPersonChanged => {
            Class("event", &["session"], &["info"])
        }
        EventName::SessionUnlocked => match event.outcome {
            Outcome::Success => Class("event", &["session"], &["info"]),
            Outcome::Failure => Class("alert", &["session"], &["info"]),
        },
        EventName::SessionEnded => Class("event", &["session"], &["end"]),
        EventName::SessionNotLocked => Class("alert", &["session"], &["info"]),
    }
}
