//! Lines of JSON in the Open Cybersecurity Schema Framework.
//!
//! The profile `record_integrity` (1.9) is not filled: it attests the canonical bytes of the line
//! itself, and a login's signature is over the client data that the key signed.

mod class;

use serde_json::{Value, json};
use wardkey_core::event::{Event, Outcome, Severity};
use wardkey_core::proof::ProofKind;

use self::class::{Activity, Class, activity};
use crate::source::Source;
use crate::{json, said, words};

/// Version of the schema.
const VERSION: &str = "1.8.0";

/// What has an attribute of the schema.
const PLACED: [&str; 7] = ["id", "time", "code", "outcome", "reason", "detail", "host"];

/// The line.
pub(crate) fn line(event: &Event, source: &Source) -> String {
    let Activity { class, id: activity_id, name: activity_name } = activity(event);
    let (category, class_id) = (class.category(), class.number());
    let (severity_id, severity) = severity(event, source);
    let is_success = event.outcome == Outcome::Success;

    let mut value = json!({
        "category_uid": category,
        "class_uid": class_id,
        "activity_id": activity_id,
        "activity_name": activity_name,
        "type_uid": u32::from(class_id) * 100 + u32::from(activity_id),
        "time": said::milliseconds(event),
        "severity_id": severity_id,
        "severity": severity,
        "message": words::sentence(event),
        "status_code": json::maybe(said::reason(event)),
        "status_detail": json::maybe(said::detail(event)),
        "metadata": {
            "version": VERSION,
            "profiles": ["host"],
            "uid": event.id.to_string(),
            "event_code": event.name.code(),
            "log_name": "wardkey.audit",
            "log_provider": "wardkey",
            "loggers": loggers(source),
            "product": {
                "name": source.program,
                "vendor_name": "Wardkey",
                "version": source.version,
            },
        },
        "device": {
            "type_id": 2,
            "type": "Desktop",
            "hostname": said::host(source),
            "uid": json::maybe(said::terminal(event)),
        },
        "unmapped": json::own(event, source, &PLACED),
    });
    // The status of a finding is another thing: whether somebody has looked at it.
    if class != Class::Finding {
        let (id, word) = if is_success { (1, "Success") } else { (2, "Failure") };
        add(&mut value, json!({ "status_id": id, "status": word }));
    }
    add(&mut value, of_class(class, event, source));
    json::line(value)
}

/// Who has passed the record on.
fn loggers(source: &Source) -> Value {
    let Some(forwarded) = &source.forwarded else { return Value::Null };
    json!([{
        "name": said::text(&forwarded.by),
        "product": { "name": "wardkey-server", "vendor_name": "Wardkey" },
        "logged_time": forwarded.received.0.saturating_mul(1000),
    }])
}

/// What a class has besides.
fn of_class(class: Class, event: &Event, source: &Source) -> Value {
    match class {
        Class::Authentication => {
            let is_by_key =
                matches!(event.proof, Some(ProofKind::KeyWithPin | ProofKind::KeyWithFingerprint));
            let is_unlock = class::is_unlock(event);
            let (logon_type_id, logon_type) =
                if is_unlock { (7, "Unlock") } else { (2, "Interactive") };
            json!({
                "user": user(event),
                "service": { "name": json::maybe(event.service.as_deref().map(said::text)) },
                "dst_endpoint": {
                    "hostname": said::host(source),
                    "uid": json::maybe(said::terminal(event)),
                },
                "src_endpoint": {
                    "ip": json::maybe(said::remote_ip(event)),
                    "hostname": json::maybe(
                        said::remote(event).filter(|_| said::remote_ip(event).is_none())
                    ),
                },
                "session": {
                    "uid": json::maybe(event.session.as_deref().map(said::text)),
                    "terminal": json::maybe(event.tty.as_deref().map(said::text)),
                },
                "is_mfa": is_by_key.then_some(true),
                "is_remote": event.rhost.is_some(),
                "logon_type_id": logon_type_id,
                "logon_type": logon_type,
                "auth_protocol_id": event.proof.map(|_| 99),
                "auth_protocol": event.proof.map(protocol),
                "auth_factors": factors(event),
            })
        }
        Class::Account => json!({ "user": user(event) }),
        Class::Finding => json!({
            "finding_info": {
                "uid": event.id.to_string(),
                "title": words::title(event),
                "desc": json::maybe(said::detail(event)),
                "types": [event.name.as_str()],
            },
            "is_alert": true,
            "status_id": 1,
            "status": "New",
        }),
        Class::Application => json!({
            "app": { "name": source.program, "version": source.version },
        }),
        Class::EventLog => json!({ "log_name": "wardkey.audit", "log_provider": "wardkey" }),
    }
}

fn user(event: &Event) -> Value {
    json!({
        "name": said::user(event).unwrap_or_else(|| said::NIL.into()),
        "type_id": 1,
        "type": "User",
        "credential_uid": json::maybe(event.key.as_deref().map(said::text)),
        "account": { "name": json::maybe(event.account.as_ref().map(ToString::to_string)) },
    })
}

const fn protocol(proof: ProofKind) -> &'static str {
    match proof {
        ProofKind::KeyWithPin | ProofKind::KeyWithFingerprint => "FIDO2",
        ProofKind::TemporaryCode => "Temporary code",
        ProofKind::Vouch => "Vouch of a colleague",
        ProofKind::BreakGlass => "Break-glass code",
    }
}

/// The factors by which somebody was let in (`auth_factor`).
fn factors(event: &Event) -> Value {
    let webauthn = json!({ "factor_type_id": 10, "factor_type": "WebAuthn" });
    match event.proof {
        None => Value::Null,
        Some(ProofKind::KeyWithPin) => {
            json!([webauthn, { "factor_type_id": 99, "factor_type": "PIN of the key" }])
        }
        Some(ProofKind::KeyWithFingerprint) => {
            json!([webauthn, { "factor_type_id": 4, "factor_type": "Biometric" }])
        }
        Some(ProofKind::TemporaryCode) => {
            json!([{ "factor_type_id": 99, "factor_type": "Temporary code" }])
        }
        Some(ProofKind::BreakGlass) => {
            json!([{ "factor_type_id": 99, "factor_type": "Break-glass code" }])
        }
        Some(ProofKind::Vouch) => json!([
            { "factor_type_id": 99, "factor_type": "Chosen code" },
            { "factor_type_id": 99, "factor_type": "Vouch of a colleague" },
        ]),
    }
}

fn severity(event: &Event, source: &Source) -> (u8, &'static str) {
    match said::severity(event, source) {
        Severity::Info | Severity::Notice => (1, "Informational"),
        Severity::Warning => (3, "Medium"),
        Severity::Error => (4, "High"),
        Severity::Critical => (5, "Critical"),
    }
}

fn add(to: &mut Value, from: Value) {
    if let (Value::Object(to), Value::Object(from)) = (to, from) {
        to.extend(from);
    }
}
