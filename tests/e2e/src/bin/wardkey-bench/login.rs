//! One login of either side, measured.

use std::process::Command;

use serde_json::Value;
use wardkey_e2e::{PIN, SoftKey, paths, peer, terminal};

use crate::figures::Sample;

/// Whose login.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Side {
    Ours,
    PamU2f,
}

/// How long the person types, in milliseconds: a fast one. It is no part of what is measured, and
/// what a module does meanwhile costs nobody time.
const TYPING: u64 = 200;

/// A login in a fresh PAM application. pam_u2f opens the device itself and so runs on the simulated
/// bus; of ours only the key process does.
pub fn one(side: Side, user: &str, key: &SoftKey, bus: &[(String, String)]) -> Sample {
    key.reset_exchanges();
    let mut command = Command::new(paths::test_program("wardkey-pamclient"));
    let service = match side {
        Side::Ours => terminal::SERVICE,
        Side::PamU2f => {
            command.envs(bus.iter().cloned());
            peer::SERVICE
        }
    };
    let output = command
        .args(["--service", service, "--user", user, "--tty", "tty1", "--answer", PIN])
        .args(["--delay-answer", &TYPING.to_string()])
        .output()
        .expect("PAM client");
    let text = String::from_utf8_lossy(&output.stdout).into_owned();
    assert!(output.status.success(), "{side:?}: {text}{}", wardkey_e2e::process::all_logs());
    let events: Vec<Value> =
        text.lines().filter_map(|line| serde_json::from_str(line).ok()).collect();
    let find = |name: &str, value: &str| {
        events.iter().find(|event| event[name] == value).cloned().unwrap_or_default()
    };
    let answered = find("event", "answered")["at_us"].as_u64().expect("the PIN was asked for");
    let took = find("call", "authenticate")["took_us"].as_u64().expect("a time");
    let exchanges = key.exchanges();
    let wall_us = took.saturating_sub(TYPING * 1000);
    let typing = (answered.saturating_sub(TYPING * 1000), answered);
    Sample {
        wall_ms: wall_us as f64 / 1000.0,
        own_ms: wall_us.saturating_sub(exchanges.worked_outside(typing)) as f64 / 1000.0,
        total: exchanges.total,
        after_pin: exchanges.requests.iter().filter(|(at, _)| *at > answered).count(),
    }
}

/// A valid COSE key from the vectors (base64url).
pub fn cose_key_of(vectors: &Value) -> String {
    let documents = vectors["documents"].as_array().expect("documents");
    let record = documents
        .iter()
        .find(|document| document["domain"] == "wardkey/person/1")
        .expect("a person");
    let bytes =
        wardkey_core::id::from_hex(record["encoding"].as_str().expect("hexadecimal digits"))
            .expect("digits");
    let person: wardkey_core::person::PersonRecord =
        wardkey_core::codec::from_bytes(&bytes).expect("a person");
    base64url(person.credentials.first().expect("a credential").public_key.as_slice())
}

/// Unpadded base64url.
pub fn base64url(bytes: &[u8]) -> String {
    const DIGITS: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";
    let mut out = String::new();
    for chunk in bytes.chunks(3) {
        let word = chunk.iter().fold(0u32, |word, byte| (word << 8) | u32::from(*byte))
            << (8 * (3 - chunk.len()));
        for digit in 0..=chunk.len() {
            out.push(char::from(DIGITS[(word >> (18 - 6 * digit)) as usize & 63]));
        }
    }
    out
}
