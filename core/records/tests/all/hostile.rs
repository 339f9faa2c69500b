//! A value that is made to look like other fields changes no field but its own.

use wardkey_core::event::{Event, EventName, Format, Outcome};
use wardkey_records::{Source, render, syslog_message};

use crate::events::{full, source};
use crate::parse::read;

/// Where a value stands in a line.
const MARK: &str = "MARK";
pub const HOSTILE: &[&str] = &[
    "tty1\nschema=1 outcome=success person=taro",
    "x\r\n<85>1 2026-01-01T00:00:00Z h wardkey 1 login - forged",
    "a|b|CEF:0|c outcome=success",
    "a\\|b\\=c\\",
    "\\",
    "a\\\\ outcome=success",
    "^outcome=success^usrName=taro",
    "x\toutcome=success",
    "\"] [wardkey@32473 outcome=\"success\"",
    "\\\"]",
    "\"/><EventID csd-code=\"1\"/><!--",
    "]]></ParticipantObjectName>&amp;<![CDATA[",
    "&lt;&#10;&undefined;'\u{fffe}\u{ffff}",
    "\",\"outcome\":\"success",
    "{\"$ne\":1}",
    "\u{0}\u{1b}[2J\u{7f}\u{85}\u{2028}\u{202e}\u{feff}",
    "漢字 花子　|=\\]\"<>&^ 終",
    " ",
    "",
    "-",
];

/// One of each kind of message that the forms have.
const KINDS: [EventName; 5] = [
    EventName::Login,
    EventName::LockedOut,
    EventName::CloneSuspected,
    EventName::AgentStarted,
    EventName::RecordsLost,
];

pub type Put = fn(&mut Event, &str);

pub const FIELDS: &[(&str, Put)] = &[
    ("detail", |event, value| event.detail = Some(value.into())),
    ("service", |event, value| event.service = Some(value.into())),
    ("tty", |event, value| event.tty = Some(value.into())),
    ("session", |event, value| event.session = Some(value.into())),
    ("seat", |event, value| event.seat = Some(value.into())),
    ("rhost", |event, value| event.rhost = Some(value.into())),
    ("key", |event, value| event.key = Some(value.into())),
    ("stage", |event, value| event.stage = Some(value.into())),
];

/// Whether the hostile line says what the clean one says, but where the value stands.
fn compare(format: Format, clean: &str, hostile: &str, what: &str) {
    assert!(!hostile.chars().any(char::is_control), "{what}: {hostile:?}");
    let (clean, hostile) = (read(format, clean), read(format, hostile));
    for name in hostile.keys() {
        assert!(clean.contains_key(name), "{what}: new field {name}");
    }
    for (name, value) in &clean {
        // A value that is empty may leave nothing of its field.
        let is_gone = what.ends_with("\"\"") && !hostile.contains_key(name);
        if !value.contains(MARK) && !is_gone {
            assert_eq!(hostile.get(name), Some(value), "{what}: {name}");
        }
    }
}

#[test]
fn a_hostile_value_changes_no_field_but_its_own() {
    for format in Format::ALL {
        for name in KINDS {
            for (field, put) in FIELDS {
                let mut clean = full(name, Outcome::Failure);
                put(&mut clean, MARK);
                for value in HOSTILE {
                    let mut hostile = clean.clone();
                    put(&mut hostile, value);
                    let what = format!("{format:?} {name:?} {field} {value:?}");
                    let line = |event| render(format, event, &source());
                    compare(format, &line(&clean), &line(&hostile), &what);
                }
            }
        }
    }
}

#[test]
fn a_hostile_host_changes_no_field_but_its_own() {
    let event = full(EventName::Login, Outcome::Failure);
    for format in Format::ALL {
        for value in HOSTILE {
            let line =
                |host: &str| render(format, &event, &Source { host: host.into(), ..source() });
            compare(format, &line(MARK), &line(value), &format!("{format:?} host {value:?}"));
        }
    }
}

#[test]
fn what_can_be_kept_of_a_value_is_kept() {
    let value = "漢字 a|b=c\\d]e\"f<g>&h^i";
    let mut event = full(EventName::Login, Outcome::Failure);
    event.detail = Some(value.into());
    let read = |format, name: &str| {
        read(format, &render(format, &event, &source())).get(name).cloned().unwrap()
    };
    for (format, name, expected) in [
        (Format::Rfc5424, "detail", "漢字 a|b=c?d?e?f<g>&h^i"),
        (Format::Ecs, ".wardkey.detail", value),
        (Format::Ocsf, ".status_detail", value),
        (Format::Cef, "msg", value),
        (Format::Leef, "detail", "漢字 a|b=c\\d]e\"f<g>&h?i"),
        (
            Format::Atna,
            "/AuditMessage/ParticipantObjectIdentification/ParticipantObjectDetaildetail@value",
            value,
        ),
        (Format::Fhir, ".entity.0.detail.7.valueString", value),
    ] {
        assert_eq!(read(format, name), expected, "{format:?}");
    }
}

#[test]
fn the_messages_of_the_network_have_one_line_and_a_header_of_their_own() {
    for format in Format::ALL {
        for value in HOSTILE {
            let mut event = full(EventName::Login, Outcome::Failure);
            event.detail = Some((*value).into());
            let message = syslog_message(format, &event, &source());
            assert!(message.starts_with("<85>1 2026-09-21T14:13:20Z ward3-07 wardkey 812 "));
            assert!(!message.chars().any(char::is_control), "{message:?}");
        }
    }
}
