//! The shape of what commands answer, and the commands that there are.

use std::collections::BTreeSet;
use std::process::Output;

use serde_json::Value;

/// Every command that a person can type, hidden ones too.
pub fn commands() -> BTreeSet<String> {
    fn leaves(command: &clap::Command, path: &str, all: &mut BTreeSet<String>) {
        if !command.has_subcommands() {
            all.insert(path.to_owned());
        }
        for sub in command.get_subcommands() {
            leaves(sub, format!("{path} {}", sub.get_name()).trim(), all);
        }
    }
    let mut all = BTreeSet::new();
    leaves(&wardkey_server::command(), "", &mut all);
    all
}

/// Several lines of arguments, word by word.
pub fn words<'a>(lines: &[&'a str]) -> Vec<&'a str> {
    lines.iter().flat_map(|line| line.split_whitespace()).collect()
}

/// One line of JSON on the stream that the exit status names, and nothing on the other.
pub fn is_one_line(what: &str, output: &Output, status: i32) {
    let text = |bytes: &[u8]| String::from_utf8(bytes.to_vec()).unwrap();
    let (out, errors) = (text(&output.stdout), text(&output.stderr));
    assert_eq!(output.status.code(), Some(status), "{what}: {errors}");
    let (line, other) = if status == 0 { (&out, &errors) } else { (&errors, &out) };
    assert_eq!((line.lines().count(), other.as_str()), (1, ""), "{what}: {line}");
    let json: Value = serde_json::from_str(line).unwrap();
    if status == 0 {
        assert!(json.is_object() && json.get("error").is_none(), "{what}: {json}");
    } else {
        is_error(what, &json);
    }
}

/// The shape of a refusal.
pub fn is_error(what: &str, json: &Value) {
    assert_eq!(json.as_object().unwrap().keys().collect::<Vec<_>>(), ["error"], "{what}");
    let error = &json["error"];
    let (code, number) = (error["code"].as_str().unwrap(), error["number"].as_u64().unwrap());
    assert_eq!(code, format!("WK-{number}"), "{what}");
    let (en, ja) = (error["message"].as_str().unwrap(), error["message_ja"].as_str().unwrap());
    assert!(!en.is_empty() && !is_japanese(en), "{what}: {en}");
    assert!(is_japanese(ja), "{what}: {ja}");
}

/// Whether a text has Japanese letters.
pub fn is_japanese(text: &str) -> bool {
    text.chars().any(|c| matches!(c, '\u{3040}'..='\u{30ff}' | '\u{4e00}'..='\u{9fff}'))
}
