//! Syslog messages with structured data (RFC 5424).

use wardkey_core::event::Event;

use crate::said::{APP, FACILITY};
use crate::source::Source;
use crate::{said, words};

/// The element of what the server says of a record.
const SERVER: &str = "wardkeyServer";
/// Longest HOSTNAME.
const LONGEST_HOST: usize = 255;

/// The message: all fields as structured data, a sentence as text.
pub(crate) fn message(event: &Event, source: &Source) -> String {
    let own = said::fields(event, &Source { forwarded: None, ..source.clone() }, &[]);
    let mut data = element(APP, source, &own);
    // An element of its own: whoever reads the first one reads the event and nothing else.
    if source.forwarded.is_some() {
        data += &element(SERVER, source, &source.fields());
    }

    // MSG without a byte order mark is MSG-ANY; with one, receivers keep it as a part of the text.
    format!("{} {data} {}", header(event.name.as_str(), event, source), words::sentence(event))
}

fn element(name: &str, source: &Source, fields: &[(&'static str, String)]) -> String {
    let pairs: String = fields
        .iter()
        .map(|(name, value)| format!(" {name}=\"{}\"", parameter(&said::text(value))))
        .collect();
    format!("[{name}@{}{pairs}]", source.enterprise)
}

/// A message whose text is another form of the event.
pub(crate) fn with_text(id: &str, event: &Event, source: &Source, text: &str) -> String {
    format!("{} {} {text}", header(id, event, source), said::NIL)
}

fn header(id: &str, event: &Event, source: &Source) -> String {
    let priority = FACILITY * 8 + said::syslog_severity(event, source);
    let (time, host) = (said::time(event), host(&source.host));
    let pid = source.pid.map_or_else(|| said::NIL.into(), |pid| pid.to_string());
    format!("<{priority}>1 {time} {host} {APP} {pid} {id}")
}

/// HOSTNAME: printable ASCII without a space.
fn host(name: &str) -> String {
    let graphic = |c: char| if c.is_ascii_graphic() { c } else { '?' };
    let host: String = name.chars().take(LONGEST_HOST).map(graphic).collect();
    if host.is_empty() { said::NIL.into() } else { host }
}

/// PARAM-VALUE. RFC 5424 would escape these three by a backslash, which some collectors keep as a
/// part of the value: they are replaced, as in the key=value line.
fn parameter(value: &str) -> String {
    value.chars().map(|c| if matches!(c, '"' | '\\' | ']') { '?' } else { c }).collect()
}
