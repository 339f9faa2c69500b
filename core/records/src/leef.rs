//! Log Event Extended Format 2.0.

use wardkey_core::event::Event;

use crate::said;
use crate::source::Source;

/// Separates attributes. A tab, the default, would not pass collectors that escape control
/// characters.
const DELIMITER: char = '^';
/// What has a predefined attribute.
const PLACED: [&str; 10] =
    ["id", "time", "event", "code", "outcome", "person", "account", "rhost", "terminal", "host"];

/// The line.
pub(crate) fn line(event: &Event, source: &Source) -> String {
    let remote_ip = said::remote_ip(event);
    let remote_name = said::remote(event).filter(|_| remote_ip.is_none());
    let predefined = [
        ("devTime", Some(said::milliseconds(event).to_string())),
        ("sev", Some(said::severity_of_ten(event, source).to_string())),
        // With the id of the event, cat is what QRadar maps: "login, failure".
        ("cat", Some(event.outcome.as_str().to_owned())),
        ("usrName", said::user(event)),
        ("accountName", event.account.as_ref().map(ToString::to_string)),
        ("identHostName", Some(said::host(source))),
        ("src", remote_ip),
        ("srcHostName", remote_name),
        ("eventName", Some(event.name.as_str().to_owned())),
        ("eventId", Some(event.id.to_string())),
        ("terminal", said::terminal(event)),
    ];
    let predefined = predefined.into_iter().filter_map(|(key, value)| Some((key, value?)));
    let attributes: Vec<String> = predefined
        .chain(said::fields(event, source, &PLACED))
        .map(|(key, value)| format!("{key}={}", attribute(&value)))
        .collect();

    format!(
        "LEEF:2.0|Wardkey|{}|{}|{}|{DELIMITER}|{}",
        source.program,
        attribute(&source.version).replace('|', "?"),
        event.name.code(),
        attributes.join(&DELIMITER.to_string())
    )
}

/// LEEF 2.0 has no escape for the delimiter.
fn attribute(value: &str) -> String {
    said::text(value).replace(DELIMITER, "?")
}
