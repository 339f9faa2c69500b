//! JSON held against a schema, as far as our two descriptions of HTTP use the language (JSON Schema
//! 2020-12): what they do not use is a panic, so that nothing is passed over. Stricter than the
//! language: a member that is not described is wrong.

use serde_json::Value;

/// The words of a schema that are looked at, and those that say nothing about a value.
const WORDS: [&str; 17] = [
    "$ref",
    "additionalProperties",
    "anyOf",
    "default",
    "description",
    "examples",
    "format",
    "items",
    "maxItems",
    "maxLength",
    "maximum",
    "minLength",
    "minimum",
    "pattern",
    "properties",
    "required",
    "type",
];

/// What a schema refers to, or itself.
pub fn resolve<'a>(document: &'a Value, schema: &'a Value) -> &'a Value {
    match schema["$ref"].as_str() {
        Some(name) => {
            let place = name.strip_prefix('#').unwrap();
            resolve(document, document.pointer(place).unwrap_or_else(|| panic!("{name}")))
        }
        None => schema,
    }
}

/// What does not agree with a schema of a document.
pub fn check(document: &Value, schema: &Value, value: &Value, at: &str) -> Result<(), String> {
    let schema = resolve(document, schema);
    if *schema == Value::Bool(true) {
        return Ok(());
    }
    let words = schema.as_object().unwrap_or_else(|| panic!("{at}: {schema} is no schema"));
    for word in words.keys() {
        assert!(WORDS.contains(&word.as_str()), "{at}: {word} is not understood");
    }

    let wrong = |what: &str| Err(format!("{at}: {what}: {value:.100}"));
    if let Some(several) = schema["anyOf"].as_array() {
        let tried = several.iter().map(|one| check(document, one, value, at));
        let said: Vec<String> = tried.filter_map(Result::err).collect();
        return if said.len() < several.len() { Ok(()) } else { Err(said.join("; ")) };
    }
    let kinds: Vec<&str> = match &schema["type"] {
        Value::String(kind) => vec![kind],
        Value::Array(kinds) => kinds.iter().map(|kind| kind.as_str().unwrap()).collect(),
        other => panic!("{at}: the type {other}"),
    };
    if !kinds.contains(&kind_of(value)) {
        return wrong(&format!("it is not {}", kinds.join(" or ")));
    }
    match value {
        Value::Object(members) => {
            for name in schema["required"].as_array().into_iter().flatten() {
                if !members.contains_key(name.as_str().unwrap()) {
                    return wrong(&format!("{name} is missing"));
                }
            }
            let others = Some(&schema["additionalProperties"]).filter(|any| any.is_object());
            if schema["properties"].is_null() && others.is_none() {
                return Ok(());
            }
            for (name, member) in members {
                let Some(schema) = schema["properties"].get(name).or(others) else {
                    return wrong(&format!("{name} is not described"));
                };
                check(document, schema, member, &format!("{at}.{name}"))?;
            }
            Ok(())
        }
        Value::Array(items) => {
            if schema["maxItems"].as_u64().is_some_and(|most| items.len() as u64 > most) {
                return wrong("too many");
            }
            let each = |item| check(document, &schema["items"], item, &format!("{at}[]"));
            items.iter().try_for_each(each)
        }
        Value::String(text) => {
            let length = text.chars().count() as u64;
            let fits = schema["minLength"].as_u64().is_none_or(|least| length >= least)
                && schema["maxLength"].as_u64().is_none_or(|most| length <= most);
            let is_base64 = || text.chars().all(|c| c.is_ascii_alphanumeric() || "_-".contains(c));
            let is_of_pattern = match schema["pattern"].as_str() {
                None => true,
                Some("^[A-Za-z0-9_-]*$") => is_base64(),
                Some(other) => panic!("{at}: the pattern {other}"),
            };
            if fits && is_of_pattern { Ok(()) } else { wrong("not such a string") }
        }
        Value::Number(number) => {
            let whole = |number: &Value| {
                number.as_u64().map(i128::from).or_else(|| number.as_i64().map(i128::from))
            };
            let number = whole(&Value::Number(number.clone())).unwrap();
            let fits = whole(&schema["minimum"]).is_none_or(|least| number >= least)
                && whole(&schema["maximum"]).is_none_or(|most| number <= most);
            if fits { Ok(()) } else { wrong("out of bounds") }
        }
        Value::Null | Value::Bool(_) => Ok(()),
    }
}

fn kind_of(value: &Value) -> &'static str {
    match value {
        Value::Null => "null",
        Value::Bool(_) => "boolean",
        Value::Number(number) if number.is_u64() || number.is_i64() => "integer",
        Value::Number(_) => "number",
        Value::String(_) => "string",
        Value::Array(_) => "array",
        Value::Object(_) => "object",
    }
}

#[test]
fn a_value_that_is_not_as_described_is_wrong_and_so_is_what_is_not_described() {
    let document = serde_json::json!({ "parts": {
        "row": {
            "type": "object",
            "properties": {
                "id": { "type": "string", "maxLength": 3 },
                "count": { "type": ["integer", "null"], "minimum": 0, "maximum": 9 },
            },
            "required": ["id"],
        },
        "list": { "type": "array", "items": { "$ref": "#/parts/row" } },
        "maybe": { "anyOf": [{ "$ref": "#/parts/row" }, { "type": "null" }] },
        "counts": { "type": "object", "additionalProperties": { "type": "integer" } },
    } });
    for (part, value, agrees) in [
        ("row", r#"{"id": "a"}"#, true),
        ("row", r#"{"id": "a", "count": 9}"#, true),
        ("row", r#"{"id": "a", "count": null}"#, true),
        ("row", r#"{"count": 9}"#, false),
        ("row", r#"{"id": "abcd"}"#, false),
        ("row", r#"{"id": null}"#, false),
        ("row", r#"{"id": "a", "count": 10}"#, false),
        ("row", r#"{"id": "a", "count": -1}"#, false),
        ("row", r#"{"id": "a", "count": 1.5}"#, false),
        ("row", r#"{"id": "a", "count": "1"}"#, false),
        ("row", r#"{"id": "a", "surprise": 1}"#, false),
        ("list", r#"[{"id": "a"}, {"id": "b"}]"#, true),
        ("list", r#"[{"id": "a"}, {}]"#, false),
        ("list", r#"{"id": "a"}"#, false),
        ("maybe", "null", true),
        ("maybe", r#"{"id": "a"}"#, true),
        ("maybe", "5", false),
        ("counts", r#"{"a": 1}"#, true),
        ("counts", r#"{"a": "1"}"#, false),
    ] {
        let value: Value = serde_json::from_str(value).unwrap();
        let schema = &document["parts"][part];
        assert_eq!(check(&document, schema, &value, part).is_ok(), agrees, "{part}: {value}");
    }
}
