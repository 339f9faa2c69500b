//! Readers of every form: what a collector gets out of a line, as names and values.

use std::collections::BTreeMap;

use serde_json::Value;
use syslog_loose::{Variant, parse_message};
use wardkey_core::event::Format;

pub type Read = BTreeMap<String, String>;

/// What a line says.
pub fn read(format: Format, line: &str) -> Read {
    let mut all = Read::new();
    match format {
        Format::KeyValue => {
            for pair in line.split(' ') {
                let (name, value) = pair.split_once('=').unwrap();
                put(&mut all, name, value);
            }
        }
        Format::Rfc5424 => syslog(&mut all, line),
        Format::Ecs | Format::Ocsf | Format::Fhir => {
            json(&mut all, "", &serde_json::from_str(line).unwrap());
        }
        Format::Cef => cef(&mut all, line),
        Format::Leef => leef(&mut all, line),
        Format::Atna => xml(&mut all, "", roxmltree::Document::parse(line).unwrap().root_element()),
    }
    all
}

fn put(all: &mut Read, name: &str, value: &str) {
    assert!(all.insert(name.into(), value.into()).is_none(), "{name} is there twice");
}

fn syslog(all: &mut Read, line: &str) {
    let message = parse_message(line, Variant::RFC5424);
    put(all, "host", message.hostname.unwrap_or("-"));
    put(all, "app", message.appname.unwrap());
    put(all, "msgid", message.msgid.unwrap());
    put(all, "text", message.msg);
    let [data] = message.structured_data.as_slice() else { panic!("{line}") };
    put(all, "sd-id", data.id);
    for (name, value) in data.params() {
        put(all, name, &value);
    }
}

fn json(all: &mut Read, at: &str, value: &Value) {
    match value {
        Value::Object(members) => {
            members.iter().for_each(|(name, value)| json(all, &format!("{at}.{name}"), value));
        }
        Value::Array(items) => {
            items.iter().enumerate().for_each(|(n, value)| json(all, &format!("{at}.{n}"), value));
        }
        Value::String(text) => put(all, at, text),
        other => put(all, at, &other.to_string()),
    }
}

/// CEF as its guide says: `\` escapes in header and extension, a key begins after a space and ends
/// at `=`.
fn cef(all: &mut Read, line: &str) {
    let mut parts = vec![String::new()];
    let mut chars = line.chars();
    while parts.len() < 8 {
        match chars.next().unwrap() {
            '\\' => parts.last_mut().unwrap().push(chars.next().unwrap()),
            '|' => parts.push(String::new()),
            c => parts.last_mut().unwrap().push(c),
        }
    }
    for (n, part) in parts.iter().take(7).enumerate() {
        put(all, &format!("header {n}"), part);
    }
    // Where an equals sign stands that is not escaped, the word before it is a key.
    let extension: Vec<char> = chars.collect();
    let mut equals = Vec::new();
    let mut at = 0;
    while let Some(c) = extension.get(at) {
        match c {
            '\\' => at += 1,
            '=' => equals.push(at),
            _ => {}
        }
        at += 1;
    }
    let key_start = |equals: usize| {
        extension[..equals].iter().rposition(|c| *c == ' ').map_or(0, |space| space + 1)
    };
    for (n, equal) in equals.iter().enumerate() {
        let end = equals.get(n + 1).map_or(extension.len(), |next| key_start(*next) - 1);
        let key: String = extension[key_start(*equal)..*equal].iter().collect();
        let value: String = extension[equal + 1..end].iter().collect();
        put(all, &key, &value.replace("\\=", "=").replace("\\\\", "\\"));
    }
}

fn leef(all: &mut Read, line: &str) {
    let parts: Vec<&str> = line.splitn(7, '|').collect();
    assert_eq!((parts[0], parts[5]), ("LEEF:2.0", "^"));
    for (n, part) in parts.iter().take(6).enumerate() {
        put(all, &format!("header {n}"), part);
    }
    for pair in parts[6].split('^') {
        let (name, value) = pair.split_once('=').unwrap();
        put(all, name, value);
    }
}

fn xml(all: &mut Read, at: &str, node: roxmltree::Node<'_, '_>) {
    let kind = node.attribute("type").or(node.attribute("csd-code")).unwrap_or_default();
    let user = node.attribute("UserIsRequestor").unwrap_or_default();
    let at = format!("{at}/{}{kind}{user}", node.tag_name().name());
    for attribute in node.attributes() {
        let value = match attribute.value() {
            value if at.contains("Detail") && attribute.name() == "value" => {
                use base64ct::{Base64, Encoding};
                String::from_utf8(Base64::decode_vec(value).unwrap()).unwrap()
            }
            value => value.to_owned(),
        };
        put(all, &format!("{at}@{}", attribute.name()), &value);
    }
    for child in node.children() {
        match child.text() {
            Some(text) if child.is_text() => put(all, &at, text),
            _ => xml(all, &at, child),
        }
    }
}
