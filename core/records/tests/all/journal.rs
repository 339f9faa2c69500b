//! What systemd's journal gets.

use std::path::Path;

use wardkey_core::event::{EventName, Outcome};
use wardkey_records::journal_entry;

use crate::events::{all, full, source};

/// Name and value of every field: none here has a value of two lines.
fn fields(entry: &[u8]) -> Vec<(String, String)> {
    let text = std::str::from_utf8(entry).unwrap();
    let pair = |line: &str| {
        let (name, value) = line.split_once('=').unwrap();
        (name.to_owned(), value.to_owned())
    };
    text.lines().map(pair).collect()
}

#[test]
fn every_field_of_every_event_is_a_field_of_the_journal() {
    for event in all() {
        let entry = fields(&journal_entry(&event, &source()));
        let names: Vec<&str> = entry.iter().map(|(name, _)| name.as_str()).collect();
        assert_eq!(names[..4], ["MESSAGE", "PRIORITY", "SYSLOG_FACILITY", "SYSLOG_IDENTIFIER"]);
        let expected: Vec<String> = event
            .fields()
            .iter()
            .map(|(name, _)| format!("WARDKEY_{}", name.to_ascii_uppercase()))
            .collect();
        assert_eq!(names[4..], expected.iter().map(String::as_str).collect::<Vec<_>>());
        let is_name = |c: char| c.is_ascii_uppercase() || c == '_';
        assert!(names.iter().all(|name| name.len() <= 64 && name.chars().all(is_name)));
    }
    let entry = fields(&journal_entry(&full(EventName::Login, Outcome::Failure), &source()));
    assert_eq!(entry[1], ("PRIORITY".into(), "5".into()));
    assert!(entry[0].1.starts_with("Login refused: "), "{entry:?}");
}

#[test]
fn a_hostile_value_makes_no_field_of_the_journal() {
    let mut event = full(EventName::Login, Outcome::Failure);
    let before = fields(&journal_entry(&event, &source())).len();
    event.detail = Some("x\nPRIORITY=0\nWARDKEY_PERSON=taro\u{2028}MESSAGE=y".into());
    let entry = fields(&journal_entry(&event, &source()));
    assert_eq!(entry.len(), before);
    let detail = entry.iter().find(|(name, _)| name == "WARDKEY_DETAIL").unwrap();
    assert_eq!(detail.1, "x?PRIORITY=0?WARDKEY_PERSON=taro?MESSAGE=y");
}

#[test]
fn every_field_of_the_journal_is_described() {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../docs/RECORDS.md");
    let text = std::fs::read_to_string(path).unwrap();
    let chapter = text.split("\n## The journal\n").nth(1).unwrap();
    let chapter = chapter.split("\n## ").next().unwrap();
    for event in all() {
        for (name, _) in fields(&journal_entry(&event, &source())) {
            assert!(chapter.contains(&format!("`{name}`")), "{name}");
        }
    }
}
