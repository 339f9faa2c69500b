//! JSON on one line.

use serde_json::{Map, Value};
use wardkey_core::event::Event;

use crate::said;
use crate::source::Source;

/// The line, without members that have no value.
pub(crate) fn line(mut value: Value) -> String {
    prune(&mut value);
    value.to_string()
}

fn prune(value: &mut Value) {
    match value {
        Value::Object(members) => {
            members.values_mut().for_each(prune);
            members.retain(|_, value| !is_nothing(value));
        }
        Value::Array(items) => {
            items.iter_mut().for_each(prune);
            items.retain(|value| !is_nothing(value));
        }
        _ => {}
    }
}

fn is_nothing(value: &Value) -> bool {
    match value {
        Value::Null => true,
        Value::Object(members) => members.is_empty(),
        Value::Array(items) => items.is_empty(),
        _ => false,
    }
}

/// The event's own fields, with the types that they have.
pub(crate) fn own(event: &Event, source: &Source, except: &[&str]) -> Value {
    let fields = said::fields(event, source, except).into_iter();
    Value::Object(
        fields.map(|(name, value)| (name.to_owned(), typed(name, value))).collect::<Map<_, _>>(),
    )
}

fn typed(name: &str, value: String) -> Value {
    match name {
        "up" | "uv" => Value::Bool(value == "1"),
        "schema" | "time" | "counter" | "age" | "uid" | "count" | "seconds" | "received"
        | "place" => value.parse::<u64>().map_or(Value::String(value), Value::from),
        _ => Value::String(value),
    }
}

/// A text or nothing.
pub(crate) fn maybe(value: Option<String>) -> Value {
    value.map_or(Value::Null, Value::String)
}
