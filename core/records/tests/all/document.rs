//! The table of events in docs/RECORDS.md is what the forms say. `UPDATE_DOCS=1` writes it anew.

use std::path::Path;

use serde_json::Value;
use wardkey_core::event::{Event, EventName, Format, Outcome};
use wardkey_records::render;

use crate::events::{full, names, source};

const BEGIN: &str = "<!-- events -->\n";
const END: &str = "<!-- /events -->";

fn json(format: Format, event: &Event) -> Value {
    serde_json::from_str(&render(format, event, &source())).unwrap()
}

fn words(value: &Value) -> String {
    let all = value.as_array().unwrap().iter().map(|word| word.as_str().unwrap());
    all.collect::<Vec<_>>().join(", ")
}

fn ocsf(event: &Event) -> String {
    let line = json(Format::Ocsf, event);
    let name = line["activity_name"].as_str().unwrap();
    format!("{} {} {name}", line["class_uid"], line["activity_id"])
}

fn ecs(event: &Event) -> String {
    let line = &json(Format::Ecs, event)["event"];
    let kind = line["kind"].as_str().unwrap();
    format!("{kind}: {} / {}", words(&line["category"]), words(&line["type"]))
}

fn dicom(event: &Event) -> String {
    let line = json(Format::Fhir, event);
    let subtypes = line["subtype"].as_array().unwrap().iter();
    let of_dicom = subtypes.filter(|one| one["system"] == line["type"]["system"]);
    let codes = std::iter::once(&line["type"]).chain(of_dicom);
    codes.map(|one| one["code"].as_str().unwrap()).collect::<Vec<_>>().join(", ")
}

fn row(name: EventName) -> String {
    let outcomes = [Outcome::Success, Outcome::Failure];
    let cell = |of: fn(&Event) -> String| {
        let [success, failure] = outcomes.map(|outcome| of(&full(name, outcome)));
        if success == failure { success } else { format!("{success}; {failure}") }
    };
    format!("| `{}` | {} | {} | {} |\n", name.as_str(), cell(ocsf), cell(ecs), cell(dicom))
}

#[test]
fn the_table_of_events_is_what_the_forms_say() {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../docs/RECORDS.md");
    let text = std::fs::read_to_string(&path).unwrap();
    let (before, rest) = text.split_once(BEGIN).unwrap();
    let (table, after) = rest.split_once(END).unwrap();
    let head = "| event | OCSF | ECS | DICOM |\n|---|---|---|---|\n";
    let expected = head.to_owned() + &names().into_iter().map(row).collect::<String>();
    if std::env::var_os("UPDATE_DOCS").is_some() {
        std::fs::write(&path, format!("{before}{BEGIN}{expected}{END}{after}")).unwrap();
    } else {
        assert_eq!(table, expected, "run again with UPDATE_DOCS=1");
    }
}

#[test]
fn every_format_has_a_chapter() {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../docs/RECORDS.md");
    let text = std::fs::read_to_string(path).unwrap();
    for format in Format::ALL {
        let word = format.as_str();
        let is_there = text.contains(&format!("\n## `{word}`\n")) || format == Format::KeyValue;
        assert!(is_there, "{word}");
    }
}
