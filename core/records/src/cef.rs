//! Common Event Format, version 0.

use wardkey_core::event::Event;

use crate::source::Source;
use crate::{said, words};

/// What has a place in the dictionary, and so no key of ours.
const PLACED: [&str; 23] = [
    "id", "time", "event", "code", "outcome", "reason", "detail", "person", "account", "service",
    "session", "rhost", "key", "model", "counter", "stage", "age", "uid", "count", "seconds",
    "proof", "terminal", "host",
];

/// The line.
pub(crate) fn line(event: &Event, source: &Source) -> String {
    let header = [
        "CEF:0".to_owned(),
        "Wardkey".to_owned(),
        source.program.to_owned(),
        in_header(&source.version),
        event.name.code(),
        words::title(event).to_owned(),
        said::severity_of_ten(event, source).to_string(),
    ];
    let pairs: Vec<String> = extension(event, source)
        .into_iter()
        .filter_map(|(key, value)| Some(format!("{key}={}", in_extension(&value?))))
        .collect();
    format!("{}|{}", header.join("|"), pairs.join(" "))
}

fn extension(event: &Event, source: &Source) -> Vec<(String, Option<String>)> {
    let texts = [&event.session, &event.key, &event.stage, &event.service];
    let [session, key, stage, service] =
        texts.map(|value| value.as_deref().map(said::text).filter(|value| !value.is_empty()));
    let number = |value: Option<u64>| value.map(|value| value.to_string());
    let remote_ip = said::remote_ip(event);
    let remote_name = said::remote(event).filter(|_| remote_ip.is_none());

    let plain = [
        ("rt", Some(said::milliseconds(event).to_string())),
        ("dvchost", Some(said::host(source))),
        ("deviceExternalId", said::terminal(event)),
        ("externalId", Some(event.id.to_string())),
        ("cat", Some("wardkey.audit".to_owned())),
        ("act", Some(event.name.as_str().to_owned())),
        ("outcome", Some(event.outcome.as_str().to_owned())),
        ("reason", said::reason(event)),
        ("suser", event.person.as_ref().map(ToString::to_string)),
        ("duser", event.account.as_ref().map(ToString::to_string)),
        ("suid", number(event.peer_uid.map(u64::from))),
        ("sproc", service),
        ("src", remote_ip),
        ("shost", remote_name),
        ("cnt", number(event.count)),
        ("msg", said::detail(event)),
    ];
    let custom = [
        ("cs1", "key", key),
        ("cs2", "model", event.model.map(|model| model.to_hex())),
        ("cs3", "session", session),
        ("cs4", "proof", event.proof.map(|proof| proof.as_str().to_owned())),
        ("cs5", "stage", stage),
        ("cn1", "counter", number(event.counter.map(u64::from))),
        ("cn2", "age", number(event.age)),
        ("cn3", "seconds", number(event.seconds)),
    ];

    let plain = plain.into_iter().map(|(key, value)| (key.to_owned(), value));
    let custom = custom.into_iter().flat_map(|(key, label, value)| {
        let label = value.as_ref().map(|_| label.to_owned());
        [(key.to_owned(), value), (format!("{key}Label"), label)]
    });
    let own = said::fields(event, source, &PLACED).into_iter();
    let own = own.map(|(name, value)| (own_key(name), Some(value)));
    plain.chain(custom).chain(own).collect()
}

/// The name of a key that the dictionary does not have: `WardkeyTty`.
fn own_key(name: &str) -> String {
    let mut letters = name.chars();
    let first = letters.next().map(|c| c.to_ascii_uppercase());
    std::iter::chain("Wardkey".chars(), first).chain(letters).collect()
}

fn in_header(value: &str) -> String {
    said::text(value).replace('\\', "\\\\").replace('|', "\\|")
}

fn in_extension(value: &str) -> String {
    value.replace('\\', "\\\\").replace('=', "\\=")
}
