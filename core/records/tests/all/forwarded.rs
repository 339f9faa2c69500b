//! A record that came by the server is the terminal's, and says by which way it came.

use serde_json::Value;
use wardkey_core::event::{Event, EventName, Format, Outcome};
use wardkey_core::time::UnixTime;
use wardkey_records::{Forwarded, Source, journal_entry, render, syslog_message};

use crate::events::{full, source};

fn event() -> Event {
    full(EventName::Login, Outcome::Failure)
}

fn forwarded(host: &str, by: &str) -> Source {
    let forwarded = Forwarded {
        by: by.into(),
        terminal: "04".repeat(16),
        scopes: "icu,ward3".into(),
        received: UnixTime(1_790_000_100),
        place: 412,
        verdict: "valid".into(),
    };
    Source { host: host.into(), pid: None, forwarded: Some(forwarded), ..source() }
}

fn json(format: Format, source: &Source) -> Value {
    serde_json::from_str(&render(format, &event(), source)).unwrap()
}

#[test]
fn each_form_has_what_the_server_says_and_all_that_the_terminal_said() {
    let by_server = forwarded("ward3-07", "wardkey.example.org");
    let own = [
        ("host", "ward3-07"),
        ("scope", "icu,ward3"),
        ("via", "wardkey.example.org"),
        ("sender", "04040404040404040404040404040404"),
        ("received", "1790000100"),
        ("place", "412"),
        ("verdict", "valid"),
    ];
    let line = render(Format::KeyValue, &event(), &by_server);
    let end: String = own.iter().map(|(name, value)| format!(" {name}={value}")).collect();
    assert_eq!(line, event().to_line() + &end);

    let line = render(Format::Rfc5424, &event(), &by_server);
    let (before, after) = line.split_once("][wardkeyServer@32473 ").unwrap();
    let direct = render(Format::Rfc5424, &event(), &source());
    let direct = direct.replacen(" wardkey 812 ", " wardkey - ", 1);
    assert!(direct.starts_with(&format!("{before}] Login refused")), "{direct}");
    let end: Vec<String> = own.iter().map(|(name, value)| format!("{name}=\"{value}\"")).collect();
    assert!(after.starts_with(&format!("{}] Login refused", end.join(" "))), "{after}");

    for (format, object) in [(Format::Ecs, "wardkey"), (Format::Ocsf, "unmapped")] {
        let line = json(format, &by_server);
        let of_server = &line[object];
        assert_eq!((&of_server["via"], &of_server["scope"]), (&own[2].1.into(), &own[1].1.into()));
        assert_eq!(of_server["received"], 1_790_000_100, "a number");
        assert_eq!((&of_server["place"], &of_server["verdict"]), (&412.into(), &"valid".into()));
        assert_eq!(of_server["host"], Value::Null, "it has a place in the schema");
        assert_eq!(of_server["tty"], json(format, &source())[object]["tty"]);
    }
    assert_eq!(json(Format::Ecs, &by_server)["host"]["name"], "ward3-07");
    let logger = &json(Format::Ocsf, &by_server)["metadata"]["loggers"][0];
    assert_eq!(logger["name"], "wardkey.example.org");
    assert_eq!(logger["logged_time"], 1_790_000_100_000_u64);

    let line = render(Format::Cef, &event(), &by_server);
    for part in ["dvchost=ward3-07 ", " WardkeyScope=icu,ward3 WardkeyVia=wardkey.example.org "] {
        assert!(line.contains(part), "{part}: {line}");
    }
    let line = render(Format::Leef, &event(), &by_server);
    assert!(
        line.ends_with(
            "^scope=icu,ward3^via=wardkey.example.org^sender=04040404040404040404040404040404\
        ^received=1790000100^place=412^verdict=valid"
        ),
        "{line}"
    );
    assert!(line.contains("^identHostName=ward3-07^"), "{line}");

    let site = &json(Format::Fhir, &by_server)["source"]["site"];
    assert_eq!(
        (site, &json(Format::Fhir, &source())["source"]["site"]),
        (&"icu,ward3".into(), &Value::Null)
    );
    let xml = render(Format::Atna, &event(), &by_server);
    assert!(xml.contains(r#" AuditEnterpriseSiteID="icu,ward3"/>"#), "{xml}");
    let document = roxmltree::Document::parse(&xml).unwrap();
    let via = document.descendants().find(|node| node.attribute("type") == Some("via"));
    assert!(via.is_some() && !xml.contains("AlternativeUserID=\"812\""), "{xml}");

    let entry = String::from_utf8_lossy(&journal_entry(&event(), &by_server)).into_owned();
    for (name, value) in own {
        let field = format!("\nWARDKEY_{}={value}\n", name.to_uppercase());
        assert!(entry.contains(&field), "{field}");
    }
}

#[test]
fn evidence_that_does_not_hold_is_an_error_whatever_the_terminal_says() {
    let of = |verdict: &str| {
        let mut source = forwarded("ward3-07", "server");
        source.forwarded.as_mut().unwrap().verdict = verdict.into();
        source
    };
    let render_as =
        |format, event: &Event, verdict: &str| syslog_message(format, event, &of(verdict));
    // A login that succeeded, as the terminal says: a notice of authpriv, then an error.
    let login = full(EventName::Login, Outcome::Success);
    for (verdict, priority, ten, ocsf) in
        [("valid", 85, 3, 1), ("none", 85, 3, 1), ("invalid", 83, 9, 4)]
    {
        for format in Format::ALL {
            let said = render_as(format, &login, verdict);
            assert!(said.starts_with(&format!("<{priority}>1 ")), "{said}");
        }
        let line = render(Format::Cef, &login, &of(verdict));
        assert_eq!(line.split('|').nth(6), Some(ten.to_string().as_str()), "{line}");
        assert!(render(Format::Leef, &login, &of(verdict)).contains(&format!("^sev={ten}^")));
        let json = |format| -> Value {
            serde_json::from_str(&render(format, &login, &of(verdict))).unwrap()
        };
        assert_eq!(json(Format::Ocsf)["severity_id"], ocsf);
        assert_eq!(json(Format::Ocsf)["status"], "Success", "what the terminal said");
        assert_eq!(json(Format::Ecs)["log"]["syslog"]["severity"]["code"], priority - 80);
        let entry = String::from_utf8_lossy(&journal_entry(&login, &of(verdict))).into_owned();
        assert!(entry.contains(&format!("\nPRIORITY={}\n", priority - 80)), "{entry}");
        assert_eq!(json(Format::Fhir)["outcome"], "0");
    }
    let refused = full(EventName::Login, Outcome::Failure);
    let outcome = |verdict| {
        let line = render(Format::Fhir, &refused, &of(verdict));
        serde_json::from_str::<Value>(&line).unwrap()["outcome"].clone()
    };
    assert_eq!((outcome("valid"), outcome("invalid")), ("4".into(), "8".into()));
    // What is worse stays what it is.
    let sealed = full(EventName::BreakGlassLogin, Outcome::Success);
    assert!(render_as(Format::Rfc5424, &sealed, "invalid").starts_with("<82>"));
}

#[test]
fn a_hostile_name_of_a_terminal_or_a_server_changes_no_field_but_its_own() {
    let hostile = "a b=c\" ]\\ outcome=success^x|y\n<14>1";
    let (plain, bad) = (forwarded("ward3-07", "server"), forwarded(hostile, hostile));
    for format in Format::ALL {
        let line = syslog_message(format, &event(), &bad);
        assert!(!line.contains('\n'), "{format:?}");
        // Where values end otherwise than by a space, it is within them.
        let is_quoted = !matches!(format, Format::KeyValue | Format::Cef);
        assert!(is_quoted || !line.contains(" outcome=success"), "{format:?}: {line}");
    }
    for format in [Format::Ecs, Format::Ocsf, Format::Fhir] {
        let members = |source| json(format, source).as_object().unwrap().len();
        assert_eq!(members(&bad), members(&plain), "{format:?}");
    }
    let line = render(Format::KeyValue, &event(), &bad);
    let words = line.split(' ').count();
    assert_eq!(words, render(Format::KeyValue, &event(), &plain).split(' ').count(), "{line}");
    let line = render(Format::Rfc5424, &event(), &bad);
    let (_, data) = line.split_once("[wardkey@").unwrap();
    assert_eq!(data.matches(']').count(), 2, "{line}");
    roxmltree::Document::parse(&render(Format::Atna, &event(), &bad)).unwrap();
}
