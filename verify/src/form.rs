//! Reading a record out of a line of syslog or of a SIEM: in the forms of docs/RECORDS.md that have
//! every field. What collectors put around it is passed over.

use serde_json::{Map, Value};
use wardkey_core::codec::sha256;
use wardkey_core::event::{Event, Format};
use wardkey_core::id::{EventId, Hash, TerminalId};
use wardkey_records::Source;

/// The fields of the key=value line.
const FIELDS: [&str; 31] = [
    "schema", "id", "time", "event", "code", "outcome", "reason", "detail", "person", "account",
    "service", "tty", "session", "seat", "rhost", "key", "model", "up", "uv", "counter", "stage",
    "age", "uid", "count", "seconds", "proof", "pass", "voucher", "loan", "evidence", "terminal",
];
/// What the server says of a record that it sends on.
const PLACE: &str = "place";
/// How a record begins that is no JSON: structured data, and key=value.
const TEXTS: [&str; 2] = ["[wardkey@", "schema="];
/// How deep a SIEM wraps a record.
const DEEPEST: u8 = 5;

/// A record as a line has it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Copied {
    /// The form that it is in.
    pub format: Format,
    /// The event's id.
    pub id: EventId,
    /// Names and values.
    pub fields: Vec<(String, String)>,
    /// Its place in the log, where the server sent it on: then copies are in that order.
    pub place: Option<u64>,
}

impl Copied {
    /// The record in a line; none when there is none.
    pub fn read(line: &str) -> Option<Self> {
        in_line(line, 0)
    }

    /// How a line of this form has an event.
    pub fn of(event: &Event, format: Format) -> Option<Self> {
        // Who tells of it is none of the fields.
        let source = Source::new("-", "-", "-", 0);
        Self::read(&wardkey_records::render(format, event, &source))
    }

    /// A value.
    pub fn get(&self, name: &str) -> Option<&str> {
        self.fields.iter().find(|(known, _)| known == name).map(|(_, value)| value.as_str())
    }

    /// When it happened, in seconds since 1970.
    pub fn time(&self) -> Option<u64> {
        self.get("time")?.parse().ok()
    }

    /// The terminal.
    pub fn terminal(&self) -> Option<TerminalId> {
        TerminalId::from_hex(self.get("terminal")?).ok()
    }

    /// A hash over all fields.
    pub fn digest(&self) -> Hash {
        let mut all = Vec::new();
        for part in self.fields.iter().flat_map(|(name, value)| [name, value]) {
            // Each with its length, so that none runs into the next.
            all.extend_from_slice(&(part.len() as u64).to_be_bytes());
            all.extend_from_slice(part.as_bytes());
        }
        sha256(&all)
    }

    /// The names of the fields in which two differ.
    pub fn differences(&self, other: &Self) -> Vec<String> {
        let names = self.fields.iter().chain(&other.fields).map(|(name, _)| name.clone());
        let mut names: Vec<String> =
            names.filter(|name| self.values(name) != other.values(name)).collect();
        names.sort_unstable();
        names.dedup();
        names
    }

    fn values(&self, name: &str) -> Vec<&str> {
        let own = self.fields.iter().filter(|(known, _)| known == name);
        own.map(|(_, value)| value.as_str()).collect()
    }
}

fn copied(format: Format, mut fields: Vec<(String, String)>, place: Option<u64>) -> Option<Copied> {
    fields.sort();
    let id = fields.iter().find(|(name, _)| name == "id")?;
    Some(Copied { format, id: EventId::from_hex(&id.1).ok()?, fields, place })
}

/// In JSON, when the line or its end is that. Braces behind the beginning of a text are its own: a
/// value may have them.
fn in_line(line: &str, depth: u8) -> Option<Copied> {
    let line = line.trim();
    let text = TEXTS.iter().filter_map(|begins| line.find(begins)).min();
    let json = line.find('{').filter(|at| text.is_none_or(|text| *at < text));
    let json = json.and_then(|at| serde_json::from_str(line.get(at..)?).ok());
    match json {
        Some(_) if depth >= DEEPEST => None,
        Some(value) => in_json(&value, depth + 1),
        None => in_text(line),
    }
}

fn in_text(line: &str) -> Option<Copied> {
    let [data, fields] = TEXTS;
    if let Some((_, data)) = line.split_once(data) {
        return structured(data);
    }
    let (_, line) = line.split_once(fields)?;
    let words = std::iter::once(("schema", line.split(' ').next()?))
        .chain(line.split(' ').skip(1).map_while(|word| word.split_once('=')));
    let place = words.clone().find(|(name, _)| *name == PLACE);
    let place = place.and_then(|(_, value)| value.parse().ok());
    let own = words.filter(|(name, _)| FIELDS.contains(name));
    copied(Format::KeyValue, own.map(|(name, value)| (name.into(), value.into())).collect(), place)
}

/// Structured data behind the beginning of its name. No value has a quotation mark or a bracket.
fn structured(data: &str) -> Option<Copied> {
    let (data, behind) = data.split_once(']')?;
    let place = behind.strip_prefix("[wardkeyServer@").and_then(|server| {
        let (server, _) = server.split_once(']')?;
        let (_, value) = server.split_once(&format!(" {PLACE}=\""))?;
        value.split_once('"')?.0.parse().ok()
    });
    let mut fields = Vec::new();
    let mut rest = data.split_once(' ')?.1;
    while let Some((name, behind)) = rest.split_once("=\"") {
        let (value, behind) = behind.split_once('"')?;
        let name = name.trim_start();
        if FIELDS.contains(&name) {
            fields.push((name.to_owned(), value.to_owned()));
        }
        rest = behind;
    }
    copied(Format::Rfc5424, fields, place)
}

fn in_json(value: &Value, depth: u8) -> Option<Copied> {
    if depth > DEEPEST {
        return None;
    }
    match value {
        Value::String(text) => in_line(text, depth),
        Value::Object(object) => {
            let inner = || object.values().find_map(|value| in_json(value, depth + 1));
            ecs(object).or_else(|| ocsf(object)).or_else(inner)
        }
        Value::Array(items) => items.iter().find_map(|value| in_json(value, depth + 1)),
        _ => None,
    }
}

fn ecs(object: &Map<String, Value>) -> Option<Copied> {
    let (event, own) = (object.get("event")?.as_object()?, object.get("wardkey")?.as_object()?);
    let mut fields = own_fields(own);
    for (from, to) in [
        ("id", "id"),
        ("action", "event"),
        ("code", "code"),
        ("outcome", "outcome"),
        ("reason", "reason"),
    ] {
        fields.extend(event.get(from).map(|value| (to.to_owned(), said(value))));
    }
    // Elastic gives it milliseconds.
    let time = object.get("@timestamp")?.as_str()?.replace(".000Z", "Z");
    fields.push(("time".into(), seconds(&time)?.to_string()));
    copied(Format::Ecs, fields, place(own))
}

fn ocsf(object: &Map<String, Value>) -> Option<Copied> {
    let (meta, own) = (object.get("metadata")?.as_object()?, object.get("unmapped")?.as_object()?);
    let mut fields = own_fields(own);
    for (object, from, to) in [
        (meta, "uid", "id"),
        (meta, "event_code", "code"),
        (object, "status_code", "reason"),
        (object, "status_detail", "detail"),
        (object, "status", "outcome"),
    ] {
        fields.extend(object.get(from).map(|value| (to.to_owned(), said(value))));
    }
    let time = object.get("time")?.as_u64()? / 1000;
    fields.push(("time".into(), time.to_string()));
    copied(Format::Ocsf, fields, place(own))
}

fn place(own: &Map<String, Value>) -> Option<u64> {
    said(own.get(PLACE)?).parse().ok()
}

fn own_fields(own: &Map<String, Value>) -> Vec<(String, String)> {
    let known = own.iter().filter(|(name, _)| FIELDS.contains(&name.as_str()));
    known.map(|(name, value)| (name.clone(), said(value))).collect()
}

fn said(value: &Value) -> String {
    match value {
        Value::String(text) => text.clone(),
        Value::Bool(flag) => u8::from(*flag).to_string(),
        other => other.to_string(),
    }
}

/// Seconds since 1970 of `2026-09-21T14:13:20Z`.
fn seconds(text: &str) -> Option<u64> {
    let (date, time) = text.strip_suffix('Z')?.split_once('T')?;
    let numbers = |text: &str, between: char| -> Option<[u64; 3]> {
        let numbers: Option<Vec<u64>> = text.split(between).map(|n| n.parse().ok()).collect();
        numbers?.try_into().ok()
    };
    let ([year, month, day], [hour, minute, second]) = (numbers(date, '-')?, numbers(time, ':')?);
    if !(1970..=9999).contains(&year) || !(1..=12).contains(&month) || !(1..=31).contains(&day) {
        return None;
    }

    // Years from the 1st of March on, so that a leap day ends one.
    let (year, month) = if month > 2 { (year, month - 3) } else { (year - 1, month + 9) };
    let days = year * 365 + year / 4 - year / 100 + year / 400 + (month * 153 + 2) / 5 + day;
    let days = days.checked_sub(719_469)?;
    Some(days * 86_400 + hour * 3600 + minute * 60 + second)
}

#[cfg(test)]
mod tests {
    use wardkey_core::code::Code;
    use wardkey_core::event::{EventName, Outcome};
    use wardkey_core::name::LoginName;
    use wardkey_core::time::UnixTime;

    use super::*;

    const FORMS: [Format; 4] = [Format::KeyValue, Format::Rfc5424, Format::Ecs, Format::Ocsf];

    fn event() -> Event {
        let (id, time) = (EventId::new([7; 16]), UnixTime(1_790_000_000));
        let mut event = Event::new(id, time, EventName::Login, Outcome::Failure);
        event.reason = Some(Code::PinWrong);
        event.detail = Some("第三病棟、\"端末\" 7 ]".into());
        event.person = Some(LoginName::new("hanako").unwrap());
        event.terminal = Some(TerminalId::new([4; 16]));
        (event.up, event.counter) = (Some(true), Some(412));
        event
    }

    #[test]
    fn every_form_says_the_same_record() {
        for format in FORMS {
            let read = Copied::of(&event(), format).unwrap();
            assert_eq!(
                (read.format, read.id, read.time()),
                (format, event().id, Some(event().time.0))
            );
            assert_eq!(read.terminal(), event().terminal, "{format:?}");
            for (name, value) in [("person", "hanako"), ("up", "1"), ("counter", "412")] {
                assert_eq!(read.get(name), Some(value), "{format:?} {name}");
            }
            assert_eq!(read.get("reason"), Some("WK-1203"), "{format:?}");
        }
    }

    #[test]
    fn what_collectors_put_around_it_is_passed_over() {
        let line = event().to_line();
        let wanted = Copied::of(&event(), Format::KeyValue).unwrap();
        let json = serde_json::json!({ "result": { "_raw": format!("<85>Sep 21 {line}") } });
        for wrapped in [
            format!("Sep 21 14:13:20 ward3 wardkey[812]: {line}"),
            format!("{line}\r"),
            json.to_string(),
            serde_json::json!({ "a": json.to_string() }).to_string(),
        ] {
            assert_eq!(Copied::read(&wrapped).as_ref(), Some(&wanted), "{wrapped}");
        }
        let source = Source::new("h", "wardkey-agent", "1", 32473);
        let ecs = wardkey_records::render(Format::Ecs, &event(), &source);
        let mut ecs: Value = serde_json::from_str(&ecs).unwrap();
        ecs["@timestamp"] = "2026-09-21T14:13:20.000Z".into();
        ecs["agent"] = serde_json::json!({ "name": "filebeat" });
        let hit = serde_json::json!({ "_index": "x", "_source": ecs }).to_string();
        assert_eq!(Copied::read(&hit), Copied::of(&event(), Format::Ecs));

        for other in ["", "sshd[1]: Accepted", "{", "{}", "schema=1 time=5", "[wardkey@1 id=\"x\"]"]
        {
            assert_eq!(Copied::read(other), None, "{other}");
        }
    }

    #[test]
    fn what_the_server_says_of_a_record_is_none_of_its_fields() {
        let forwarded = wardkey_records::Forwarded {
            by: "wardkey".into(),
            terminal: "04".repeat(16),
            scopes: "icu".into(),
            received: UnixTime(1_790_000_100),
            place: 7,
            verdict: "valid".into(),
        };
        let source = Source::new("ward3-07", "wardkey-agent", "1", 32473);
        let source = Source { forwarded: Some(forwarded), ..source };
        for format in FORMS {
            let line = wardkey_records::render(format, &event(), &source);
            let read = Copied::read(&line).unwrap();
            assert_eq!(read.place, Some(7), "{format:?}");
            let own = Copied { place: None, ..read };
            assert_eq!(Some(own), Copied::of(&event(), format), "{format:?}");
        }
    }

    #[test]
    fn no_value_makes_a_line_another_form() {
        for detail in ["{}", "{\"id\":7}", "x{} schema=1", "[wardkey@1"] {
            let mut event = event();
            event.detail = Some(detail.into());
            // Nothing stands behind the detail then.
            (event.terminal, event.person, event.up, event.counter) = (None, None, None, None);
            for format in FORMS {
                let read = Copied::of(&event, format);
                assert_eq!(read.map(|read| read.id), Some(event.id), "{format:?} {detail}");
            }
        }
    }

    #[test]
    fn a_change_of_any_field_is_another_record() {
        let mut other = event();
        (other.person, other.counter) = (Some(LoginName::new("taro").unwrap()), Some(413));
        for format in FORMS {
            let (one, two) = (Copied::of(&event(), format), Copied::of(&other, format));
            let (one, two) = (one.unwrap(), two.unwrap());
            assert_ne!(one.digest(), two.digest());
            assert_eq!(one.differences(&two), ["counter", "person"], "{format:?}");
        }
    }

    #[test]
    fn times_are_those_that_the_forms_write() {
        for time in [0, 951_782_399, 951_782_400, 1_790_000_000, 4_107_542_400] {
            assert_eq!(seconds(&UnixTime(time).to_rfc3339()), Some(time));
        }
        for wrong in ["", "2026-09-21", "2026-13-01T00:00:00Z", "2026-09-21T14:13Z", "x-1-1T0:0:0Z"]
        {
            assert_eq!(seconds(wrong), None, "{wrong}");
        }
    }
}
