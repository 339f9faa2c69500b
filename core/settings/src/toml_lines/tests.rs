//! What is read is what a whole TOML library reads.

use super::*;

/// What the library makes of it, in our words; `None` for what we refuse or it does.
fn by_library(text: &str) -> Option<Vec<(String, Value)>> {
    fn value(value: &toml::Value) -> Option<Value> {
        match value {
            toml::Value::String(text) => Some(Value::Text(text.clone())),
            toml::Value::Integer(number) => u64::try_from(*number).ok().map(Value::Number),
            toml::Value::Array(items) => items
                .iter()
                .map(|item| Some((0, value_without_line(item)?)))
                .collect::<Option<_>>()
                .map(Value::List),
            _ => None,
        }
    }
    fn value_without_line(item: &toml::Value) -> Option<Value> {
        value(item)
    }
    let table: toml::Table = text.parse().ok()?;
    table.iter().map(|(key, v)| Some((key.clone(), value(v)?))).collect()
}

fn without_lines(value: &Value) -> Value {
    match value {
        Value::List(items) => {
            Value::List(items.iter().map(|(_, item)| (0, without_lines(item))).collect())
        }
        other => other.clone(),
    }
}

fn has_other(value: &Value) -> bool {
    match value {
        Value::Other => true,
        Value::List(items) => items.iter().any(|(_, item)| has_other(item)),
        Value::Text(_) | Value::Number(_) => false,
    }
}

const VALUES: &[&str] = &[
    "\"\"",
    "\"a\"",
    "\"a b # c\"",
    "'a\\b'",
    "''",
    "\"\\\"\\\\\\t\\n\\u65e5\\U0001F511\"",
    "\"日本\"",
    "0",
    "7",
    "+7",
    "1_000",
    "0xfF",
    "0o17",
    "0b101",
    "18446744073709551615",
    "9223372036854775807",
    "[]",
    "[1]",
    "[1, 2]",
    "[1, 2,]",
    "[ ]",
    "[\n1\n,\n2 # c\n]",
    "['a', \"b\", 3]",
    "[[1], [\"a\"]]",
    "[,]",
    "[1 2]",
    "[1",
    "]",
    "",
    "a",
    "\"",
    "\"a",
    "\"a\nb\"",
    "'a\nb'",
    "\"\"\"a\"\"\"",
    "'''a'''",
    "\"\\x\"",
    "\"\\u12\"",
    "\"\\ud800\"",
    "\"\\Uffffffff\"",
    "-1",
    "+-1",
    "007",
    "00",
    "1__0",
    "_1",
    "1_",
    "1.5",
    "1e5",
    "0x",
    "0xg",
    "+0x1",
    "0X1",
    "true",
    "false",
    "1979-05-27",
    "inf",
    "{}",
    "{a = 1}",
    "1 2",
    "1 # c",
    "1#c",
    "\"a\"\"b\"",
    "\"a\"#",
    "1\r",
    "\"\u{7}\"",
    "99999999999999999999",
    "[[[[[1]]]]]",
    "\"a\" b",
    "[1]]",
    "\u{a0}1",
    "1\t",
    "\t1",
];

#[test]
fn what_is_accepted_is_what_a_whole_toml_library_reads() {
    let mut accepted = 0;
    let forms = |value: &str| {
        [
            format!("key = {value}"),
            format!("# c\n\n  key={value}\t# c\nother-1 = 'x'\r\n"),
            format!("a = 1\nkey = {value}\n#"),
            format!("key = {value}\nkey = 1"),
        ]
    };
    let odd = [
        "",
        "\n",
        "#",
        "# \u{7}",
        "# a\tb",
        "a",
        "a = ",
        "= 1",
        "a.b = 1",
        "\"a\" = 1",
        "'a' = 1",
        "[a]\nb = 1",
        "[[a]]",
        "a = 1 b = 2",
        "a == 1",
        "a\n= 1",
        "a =\n1",
        "ä = 1",
        "a = 1\r",
        "a = 1\rb = 2",
        "\u{feff}a = 1",
        "A-_9 = 1",
        "9 = 9",
    ];
    let texts = VALUES.iter().flat_map(|value| forms(value)).chain(odd.map(String::from));
    for text in texts {
        let library = by_library(&text);
        let taken =
            read(&text).ok().filter(|entries| entries.iter().all(|entry| !has_other(&entry.value)));
        if let Some(ours) = taken {
            accepted += 1;
            let mut ours: Vec<_> =
                ours.into_iter().map(|e| (e.key, without_lines(&e.value))).collect();
            ours.sort_by(|a, b| a.0.cmp(&b.0));
            // The library's numbers end at 2^63.
            if !text.contains("18446744073709551615") {
                assert_eq!(Some(ours), library, "{text:?}");
            }
        } else if let Some(read) = library {
            // What we refuse although it could be meant.
            let known = ["\"\"\"", "'''", "[[[[[", "a.b", "\"a\" =", "'a' =", "\u{feff}"];
            assert!(known.iter().any(|form| text.contains(form)), "{text:?}: {read:?}");
        }
    }
    assert!(accepted > 60, "{accepted}");
}

#[test]
fn no_text_is_too_odd() {
    // Every text of up to three of these pieces comes to an end, without a panic.
    let pieces = [
        "", "a", "=", "\"", "'", "[", "]", ",", "#", "\n", "\r", "\\", "\\u", "0", "_", "0x", "日",
        "\u{7}", " ", "key = ",
    ];
    for a in pieces {
        for b in pieces {
            for c in pieces {
                let _ = read(&format!("key = {a}{b}{c}"));
                let _ = read(&format!("{a}{b}{c}"));
            }
        }
    }
    assert!(read(&"[".repeat(60_000)).is_err());
    assert!(read(&format!("a = {}", "[".repeat(60_000))).is_err());
}
