//! The words of other people's schemas are theirs.

use serde_json::Value;
use wardkey_core::event::Format;
use wardkey_records::render;

use crate::events::{all, source};

fn lines(format: Format) -> Vec<Value> {
    let line = |event| serde_json::from_str(&render(format, event, &source())).unwrap();
    all().iter().map(line).collect()
}

fn texts(value: &Value) -> Vec<&str> {
    value.as_array().unwrap().iter().map(|item| item.as_str().unwrap()).collect()
}

/// `event.category` and the `event.type`s that ECS 8.17 expects with it, of those that we use.
const ECS_TYPES: &[(&str, &[&str])] = &[
    ("authentication", &["start", "end", "info"]),
    ("configuration", &["access", "change", "creation", "deletion", "info"]),
    ("host", &["access", "change", "end", "info", "start"]),
    ("iam", &["admin", "change", "creation", "deletion", "group", "info", "user"]),
    ("intrusion_detection", &["allowed", "denied", "info"]),
    ("process", &["access", "change", "end", "info", "start"]),
    ("session", &["start", "end", "info"]),
];

#[test]
fn categories_and_types_of_ecs_are_those_of_the_schema() {
    for line in lines(Format::Ecs) {
        let event = &line["event"];
        assert!(["event", "alert"].contains(&event["kind"].as_str().unwrap()), "{line}");
        let categories = texts(&event["category"]);
        for word in texts(&event["type"]) {
            let expected = |category: &str| {
                ECS_TYPES.iter().any(|(name, types)| *name == category && types.contains(&word))
            };
            assert!(categories.iter().all(|category| expected(category)), "{line}");
        }
    }
}

#[test]
fn numbers_of_ocsf_belong_together() {
    for line in lines(Format::Ocsf) {
        let number = |name: &str| line[name].as_u64().unwrap();
        assert_eq!(number("type_uid"), number("class_uid") * 100 + number("activity_id"));
        assert_eq!(number("category_uid"), number("class_uid") / 1000, "{line}");
        match number("class_uid") {
            3001 | 3002 => assert!(line["user"]["name"].is_string(), "{line}"),
            2004 => assert!(line["finding_info"]["uid"].is_string(), "{line}"),
            6002 => assert!(line["app"]["name"].is_string(), "{line}"),
            1008 => assert!(line["log_name"].is_string(), "{line}"),
            other => panic!("{other}"),
        }
    }
}

/// A SIEM that counts logins counts each once: an unlock has a record of its login too.
#[test]
fn only_a_login_is_counted_as_a_login() {
    let forms = [Format::Ecs, Format::Ocsf, Format::Fhir].map(lines);
    for (event, at) in all().iter().zip(0..) {
        let [ecs, ocsf, fhir] = forms.each_ref().map(|lines| &lines[at]);
        let is_login = event.name.is_login();
        let starts = ecs["event"]["category"] == serde_json::json!(["authentication"])
            && ecs["event"]["type"] == serde_json::json!(["start"]);
        let mut codes = fhir["subtype"].as_array().unwrap().iter().map(|one| &one["code"]);
        assert_eq!(starts, is_login, "{ecs}");
        assert_eq!(ocsf["type_uid"] == 300201, is_login, "{ocsf}");
        assert_eq!(codes.any(|code| code == "110122"), is_login, "{fhir}");
    }
}

#[test]
fn audit_events_of_fhir_have_what_r4_requires() {
    for line in lines(Format::Fhir) {
        for required in ["type", "recorded", "agent", "source"] {
            assert!(!line[required].is_null(), "{required}: {line}");
        }
        assert!(line["source"]["observer"].is_object());
        assert!(
            line["agent"].as_array().unwrap().iter().all(|agent| agent["requestor"].is_boolean())
        );
        assert!(["0", "4", "8"].contains(&line["outcome"].as_str().unwrap()));
    }
}
