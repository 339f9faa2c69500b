//! The run of the timer and of the package trigger: what has opened since the last one is recorded.

use std::collections::BTreeMap;

use serde_json::{Value, json};
use wardkey_core::code::Code;
use wardkey_core::message::agent::{Reply, Request, WayIn};

use crate::context::Context;
use crate::error::CliError;
use crate::files;
use crate::finding::{Finding, Level};
use crate::pam::profile::{self, State};
use crate::peers::{self, Agent};
use crate::texts::Phrase;

use super::accepted::now as time_now;
use super::look::ANSWER;

/// Longest state in bytes.
const MAX_BYTES: usize = 1024 * 1024;

/// What was open at the last run: ways by code and subject.
type Open = BTreeMap<String, Vec<String>>;

/// Tells the agent what has opened since the last run, and keeps what is open now.
///
/// # Errors
/// The agent's: then nothing is kept, and the next run tells it again.
pub(crate) fn record(context: &Context<'_, '_>, findings: &[Finding]) -> Result<(), CliError> {
    if !context.env.root {
        return Err(CliError::new(Code::NeedsRoot));
    }
    let path = &context.env.places.doctor;
    // Where nobody needs a key, nothing opens.
    let now = if profile::state(&context.env.places) == State::Off {
        Open::new()
    } else {
        open(findings)
    };
    let before = read(path);
    let opened = findings.iter().filter(|finding| is_new(finding, &now, &before));
    let mut agent = None;
    for finding in opened {
        let detail = Some(Phrase::joined(finding.details.clone(), "; ").to_string())
            .filter(|detail| !detail.is_empty());
        let way =
            WayIn { code: finding.code, subject: finding.subject.clone(), detail, accepted: None };
        let agent = match &mut agent {
            Some(agent) => agent,
            none => none.insert(Agent::connect(context)?),
        };
        if !matches!(agent.ask(&Request::WayIn(way), ANSWER)?, Reply::Recorded(..)) {
            return Err(peers::unexpected());
        }
    }
    let text = json!({ "time": time_now(), "open": now }).to_string();
    files::replace(path, text.as_bytes())
}

fn key(finding: &Finding) -> String {
    format!("{} {}", finding.code, finding.subject)
}

/// What lets somebody in, or would but for one more step.
fn open(findings: &[Finding]) -> Open {
    let counts = |finding: &&Finding| {
        finding.accepted.is_none()
            && (finding.level == Level::Open
                || (finding.level == Level::Warning && !finding.ways.is_empty()))
    };
    findings
        .iter()
        .filter(counts)
        .map(|finding| (key(finding), finding.ways.iter().cloned().collect()))
        .collect()
}

fn is_new(finding: &Finding, now: &Open, before: &Open) -> bool {
    let Some(ways) = now.get(&key(finding)) else { return false };
    match before.get(&key(finding)) {
        None => true,
        Some(known) => ways.iter().any(|way| !known.contains(way)),
    }
}

/// A state that cannot be read is none: all that is open is told again.
fn read(path: &std::path::Path) -> Open {
    let bytes = files::read(path, MAX_BYTES).ok().flatten().unwrap_or_default();
    let value: Value = serde_json::from_slice(&bytes).unwrap_or_default();
    let ways = |value: &Value| {
        let ways = value.as_array()?;
        ways.iter().map(|way| way.as_str().map(str::to_owned)).collect::<Option<Vec<_>>>()
    };
    let entries = value.get("open").and_then(Value::as_object);
    entries
        .into_iter()
        .flatten()
        .filter_map(|(key, value)| Some((key.clone(), ways(value)?)))
        .collect()
}
