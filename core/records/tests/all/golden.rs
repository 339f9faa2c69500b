//! The bytes of every form of every event are what they were. `UPDATE_DOCS=1` writes the files
//! anew: a change of one is a change for everybody who has a rule for these records.

use std::path::Path;

use wardkey_core::event::Format;
use wardkey_records::{render, syslog_message};

use crate::events::{all, source};

/// Compares with a golden file, or writes it.
pub fn compare(file: &str, lines: &[String]) {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/all/golden").join(file);
    let text = lines.join("\n") + "\n";
    if std::env::var_os("UPDATE_DOCS").is_some() {
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(&path, &text).unwrap();
    }
    let golden = std::fs::read_to_string(&path).unwrap();
    for (now, then) in text.lines().zip(golden.lines()) {
        assert_eq!(now, then, "{file}");
    }
    assert_eq!(text.lines().count(), golden.lines().count(), "{file}");
}

#[test]
fn every_form_of_every_event_is_what_it_was() {
    for format in Format::ALL {
        let lines: Vec<String> =
            all().iter().map(|event| render(format, event, &source())).collect();
        assert!(lines.iter().all(|line| !line.contains('\n')), "one line each");
        compare(&format!("{}.txt", format.as_str()), &lines);
    }
}

#[test]
fn what_is_no_syslog_message_is_the_text_of_one() {
    let event = crate::events::full(
        wardkey_core::event::EventName::Login,
        wardkey_core::event::Outcome::Failure,
    );
    let messages = Format::ALL.map(|format| syslog_message(format, &event, &source()));
    compare("syslog-messages.txt", &messages);
}
