//! The thread that brings events to the server: the urgent first, acknowledged by id.

use std::collections::HashSet;
use std::time::Duration;

use wardkey_core::code::Code;
use wardkey_core::event::Event;
use wardkey_core::message::http::{Base64, EventsRequest};

use crate::agent::Agent;
use crate::error::AgentError;
use crate::log;
use crate::sync::backoff::{Backoff, rest};
use crate::sync::run::upstream;

/// Events in one batch.
const MAX_EVENTS: usize = 256;
/// Bytes of events in one batch, before base64url.
const MAX_BYTES: usize = 512 * 1024;

/// The longest pause of a terminal whose records the server does not take: it awaits approval, or was revoked.
const LONGEST_AFTER_REFUSAL: Duration = Duration::from_secs(300);

/// Uploads until the agent stops.
pub fn run(agent: &Agent) {
    let mut backoff = Backoff::new(Duration::from_secs(agent.config.retry_seconds));
    let mut refusals = Backoff::new(LONGEST_AFTER_REFUSAL);
    while !agent.is_stopping() {
        // Before the directory is here the connection is the synchronisation's to set up.
        if agent.identity().is_none() || agent.directory.view().root.is_none() {
            agent.wake_upload.wait(Duration::from_secs(5));
            continue;
        }
        match batch(agent) {
            Ok(0) => {
                backoff.reset();
                refusals.reset();
                agent.wake_upload.wait(Duration::from_secs(300));
            }
            Ok(_) => {
                backoff.reset();
                refusals.reset();
            }
            Err(error) => {
                let asked = match &error {
                    AgentError::Server(error) => error.retry_after(),
                    _ => None,
                };
                if agent.is_due("upload", Duration::from_secs(600)) {
                    log::warning(format_args!("records wait for the server: {error}"));
                }
                // New events do not shorten the pause, or each would be an attempt.
                let of_terminal = matches!(error.code(), Code::TerminalDisabled | Code::TerminalCertificate);
                let pause = if of_terminal { refusals.next(asked) } else { backoff.next(asked) };
                rest(agent, &agent.wake_upload, pause);
            }
        }
    }
}

/// Uploads one batch; says how many events the server took.
///
/// # Errors
/// [`AgentError`]; events that were not acknowledged come again.
pub fn batch(agent: &Agent) -> Result<usize, AgentError> {
    let rows = agent.state.for_server(MAX_EVENTS, MAX_BYTES)?;
    if rows.is_empty() {
        return Ok(0);
    }
    let events = rows.iter().map(|row| Base64(row.event.clone())).collect();
    let reply = upstream(agent)?.events(&EventsRequest { events })?;
    for refused in &reply.refused {
        log::warning(format_args!(
            "server does not take event {}: {}",
            wardkey_core::id::to_hex(&refused.id.0),
            refused.reason
        ));
    }
    let done: HashSet<Vec<u8>> = reply
        .accepted
        .into_iter()
        .map(|id| id.0)
        .chain(reply.refused.into_iter().map(|refused| refused.id.0))
        .collect();
    // What the server cannot read it names by the same rule, whichever side is the newer one.
    let is_done = |bytes: &[u8]| Event::names(bytes).any(|id| done.contains(id.as_bytes().as_slice()));
    let seqs: Vec<u64> = rows.iter().filter(|row| is_done(&row.event)).map(|row| row.seq).collect();
    if seqs.is_empty() {
        let message = "the server acknowledged none of the events".to_owned();
        return Err(crate::error::ServerError::Malformed(message).into());
    }
    agent.state.acknowledged(&seqs)?;
    Ok(seqs.len())
}
