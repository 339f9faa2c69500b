//! Audit messages of DICOM PS3.15 A.5 in XML, as IHE ATNA takes them to a record repository.

use base64ct::{Base64, Encoding};
use wardkey_core::event::Event;

use crate::dicom::{APPLICATION, APPLICATION_ACTIVITY, SECURITY_ALERT, Term, kind, outcome};
use crate::source::Source;
use crate::{said, words};

/// Code system of our own event codes.
const OWN_SYSTEM: &str = "Wardkey";

/// The message, on one line.
pub(crate) fn message(event: &Event, source: &Source) -> String {
    let (id, of_type) = kind(event);
    let mut xml = String::from(r#"<?xml version="1.0" encoding="UTF-8"?><AuditMessage>"#);

    xml += &open(
        "EventIdentification",
        &[
            ("EventActionCode", "E"),
            ("EventDateTime", &said::time(event)),
            ("EventOutcomeIndicator", outcome(event, source)),
        ],
    );
    xml += &coded("EventID", id, "DCM");
    if let Some(of_type) = of_type {
        xml += &coded("EventTypeCode", of_type, "DCM");
    }
    let (code, word) = (event.name.code(), event.name.as_str());
    xml += &format!(
        r#"<EventTypeCode csd-code="{code}" codeSystemName="{OWN_SYSTEM}" originalText="{word}"/>"#
    );
    xml += &format!(
        "<EventOutcomeDescription>{}</EventOutcomeDescription></EventIdentification>",
        escaped(&words::sentence(event))
    );

    xml += &participants(event, source, id);
    let terminal = said::terminal(event).unwrap_or_else(|| said::host(source));
    let site = said::scopes(source).map(|scopes| ("AuditEnterpriseSiteID", scopes));
    let told_by = attributes(std::iter::once(("AuditSourceID", terminal)).chain(site));
    xml += &format!("<AuditSourceIdentification {told_by}/>");
    xml += &object(event, source);
    xml + "</AuditMessage>"
}

fn participants(event: &Event, source: &Source, id: Term) -> String {
    let node = [
        ("NetworkAccessPointID", said::host(source)),
        // 1: a machine's name.
        ("NetworkAccessPointTypeCode", "1".into()),
    ];
    let about_itself = id == APPLICATION_ACTIVITY;
    let pid = source.pid.map(|pid| ("AlternativeUserID", pid.to_string()));

    let user = (!about_itself).then(|| {
        let name = said::user(event).unwrap_or_else(|| said::NIL.into());
        let account = event.account.as_ref().map(ToString::to_string);
        let alternative = account.map(|account| ("AlternativeUserID", account));
        let own = std::iter::once(("UserID", name)).chain(alternative);
        let rest = std::iter::once(("UserIsRequestor", "true".to_owned())).chain(node.clone());
        format!("<ActiveParticipant {}/>", attributes(own.chain(rest)))
    });
    let name = std::iter::once(("UserID", source.program.to_owned()));
    let own = name.chain(pid).chain([("UserIsRequestor", "false".to_owned())]);
    let role = if about_itself { coded("RoleIDCode", APPLICATION, "DCM") } else { String::new() };
    let agent =
        format!("<ActiveParticipant {}>{role}</ActiveParticipant>", attributes(own.chain(node)));
    user.unwrap_or_default() + &agent
}

/// The terminal as the object, with all fields of the event as details.
fn object(event: &Event, source: &Source) -> String {
    let terminal = said::terminal(event).unwrap_or_else(|| said::host(source));
    let mut xml = open(
        "ParticipantObjectIdentification",
        &[
            ("ParticipantObjectID", &terminal),
            // 2: system object; 13: security resource.
            ("ParticipantObjectTypeCode", "2"),
            ("ParticipantObjectTypeCodeRole", "13"),
        ],
    );
    xml += &coded("ParticipantObjectIDTypeCode", Term("110182", "Node ID"), "DCM");
    xml +=
        &format!("<ParticipantObjectName>{}</ParticipantObjectName>", escaped(&said::host(source)));
    if kind(event).0 == SECURITY_ALERT {
        xml += &pair("Alert Description", &words::sentence(event));
    }
    for (name, value) in said::fields(event, source, &[]) {
        xml += &pair(name, &value);
    }
    xml + "</ParticipantObjectIdentification>"
}

/// A detail: its value is base64 in the schema.
fn pair(name: &str, value: &str) -> String {
    let value = Base64::encode_string(value.as_bytes());
    format!(r#"<ParticipantObjectDetail type="{name}" value="{value}"/>"#)
}

fn coded(element: &str, Term(code, meaning): Term, system: &str) -> String {
    format!(r#"<{element} csd-code="{code}" codeSystemName="{system}" originalText="{meaning}"/>"#)
}

fn open(element: &str, with: &[(&str, &str)]) -> String {
    let with = with.iter().map(|(name, value)| (*name, (*value).to_owned()));
    format!("<{element} {}>", attributes(with))
}

fn attributes<'n>(with: impl Iterator<Item = (&'n str, String)>) -> String {
    let all: Vec<String> = with.map(|(name, value)| attribute(name, &value)).collect();
    all.join(" ")
}

fn attribute(name: &str, value: &str) -> String {
    format!(r#"{name}="{}""#, escaped(value))
}

/// Text for elements and attributes. XML 1.0 has no way to write U+FFFE and U+FFFF.
fn escaped(value: &str) -> String {
    let mut text = String::new();
    for c in said::text(value).chars() {
        match c {
            '&' => text.push_str("&amp;"),
            '<' => text.push_str("&lt;"),
            '>' => text.push_str("&gt;"),
            '"' => text.push_str("&quot;"),
            '\'' => text.push_str("&apos;"),
            '\u{fffe}' | '\u{ffff}' => text.push('?'),
            c => text.push(c),
        }
    }
    text
}
