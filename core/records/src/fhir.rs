//! AuditEvents of FHIR R4 in JSON.
//!
//! The shape is that of IHE's Basic Audit Log Patterns (BALP), which has no pattern of its own for
//! logins at a machine: no profile is claimed in `meta`.

use serde_json::{Value, json};
use wardkey_core::event::Event;

use crate::dicom::{APPLICATION, APPLICATION_ACTIVITY, Term, kind, outcome};
use crate::source::Source;
use crate::{json, said, words};

const DICOM: &str = "http://dicom.nema.org/resources/ontology/DCM";
/// A name for our own codes, as a URN: nothing is to be fetched from it.
const OWN: &str = "urn:wardkey:event";
const ROLE: &str = "http://terminology.hl7.org/CodeSystem/extra-security-role-type";
const SOURCE_TYPE: &str = "http://terminology.hl7.org/CodeSystem/security-source-type";
const ENTITY_TYPE: &str = "http://terminology.hl7.org/CodeSystem/audit-entity-type";
const ENTITY_ROLE: &str = "http://terminology.hl7.org/CodeSystem/object-role";

/// The resource.
pub(crate) fn resource(event: &Event, source: &Source) -> String {
    let (id, of_type) = kind(event);
    let own = coding(OWN, &event.name.code(), event.name.as_str());
    let subtype: Vec<Value> = of_type.map(dicom).into_iter().chain([own]).collect();
    let host = said::host(source);
    let terminal = said::terminal(event).unwrap_or_else(|| host.clone());

    // A string of FHIR is never blank.
    let details: Vec<Value> = said::fields(event, source, &[])
        .iter()
        .map(|(name, value)| json!({ "type": name, "valueString": said::said_or_nil(value) }))
        .collect();

    json::line(json!({
        "resourceType": "AuditEvent",
        "id": event.id.to_string(),
        "type": dicom(id),
        "subtype": subtype,
        "action": "E",
        "recorded": said::time(event),
        "outcome": outcome(event, source),
        "outcomeDesc": words::sentence(event),
        "agent": agents(event, source, id),
        "source": {
            "site": json::maybe(said::scopes(source)),
            "observer": { "identifier": { "value": terminal }, "display": host },
            "type": [coding(SOURCE_TYPE, "1", "User Device")],
        },
        "entity": [{
            "what": { "identifier": { "value": terminal }, "display": host },
            "type": coding(ENTITY_TYPE, "2", "System Object"),
            "role": coding(ENTITY_ROLE, "13", "Security Resource"),
            "name": host,
            "detail": details,
        }],
    }))
}

fn agents(event: &Event, source: &Source, id: Term) -> Vec<Value> {
    // 1: a machine's name.
    let network = json!({ "address": said::host(source), "type": "1" });
    let about_itself = id == APPLICATION_ACTIVITY;

    let user = (!about_itself).then(|| {
        let name = said::user(event).unwrap_or_else(|| said::NIL.into());
        json!({
            "type": { "coding": [coding(ROLE, "humanuser", "human user")] },
            "who": { "identifier": { "value": name } },
            "altId": json::maybe(event.account.as_ref().map(ToString::to_string)),
            "requestor": true,
            "network": network,
        })
    });
    let agent = json!({
        "type": { "coding": [dicom(APPLICATION)] },
        "who": { "display": source.program },
        "altId": json::maybe(source.pid.map(|pid| pid.to_string())),
        "requestor": false,
        "network": network,
    });
    user.into_iter().chain([agent]).collect()
}

fn dicom(Term(code, meaning): Term) -> Value {
    coding(DICOM, code, meaning)
}

fn coding(system: &str, code: &str, display: &str) -> Value {
    json!({ "system": system, "code": code, "display": display })
}
