//! Syslog messages with structured data (RFC 5424).

use wardkey_core::event::Event;

use crate::said::{APP, FACILITY};
use crate::source::Source;
use crate::{said, words};

/// Longest HOSTNAME.
const LONGEST_HOST: usize = 255;

/// The message: all fields as structured data, a sentence as text.
pub(crate) fn message(event: &Event, source: &Source) -> String {
    let pairs: String = said::fields(event, &[])
        .iter()
        .map(|(name, value)| format!(" {name}=\"{}\"", parameter(value)))
        .collect();
    let data = format!("[{APP}@{}{pairs}]", source.enterprise);

    // MSG without a byte order mark is MSG-ANY; with one, receivers keep it as a part of the text.
    format!("{} {data} {}", header(event.name.as_str(), event, source), words::sentence(event))
}

/// A message whose text is another form of the event.
pub(crate) fn with_text(id: &str, event: &Event, source: &Source, text: &str) -> String {
    format!("{} {} {text}", header(id, event, source), said::NIL)
}

fn header(id: &str, event: &Event, source: &Source) -> String {
    let priority = FACILITY * 8 + said::syslog_severity(event);
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
