//! Exchanges with the server: the connection for them, and what is noted of each.

use std::sync::Arc;

use wardkey_core::code::{Code, Denial};
use wardkey_core::event::{EventName, Outcome};
use wardkey_core::name::printable;

use crate::agent::Agent;
use crate::error::{AgentError, ServerError};
use crate::log;
use crate::sync::join::recover_roots;
use crate::sync::upstream::Upstream;

/// The connection to the server, by the certificate and CA that hold now.
///
/// # Errors
/// [`AgentError::Denied`] before the terminal has joined.
pub fn upstream(agent: &Agent) -> Result<Arc<dyn Upstream>, AgentError> {
    let identity = agent
        .identity()
        .ok_or_else(|| Denial::new(Code::NotJoined, "this terminal has not joined"))?;
    let ca = match &agent.directory.view().root {
        Some(root) => root.tls_ca.as_slice().to_vec(),
        // The directory was set aside: the root documents are fetched as at the join, but the key
        // is known.
        None => recover_roots(agent, &identity)?,
    };
    Ok(agent.link.upstream(&identity, &ca, &agent.clock)?)
}

/// Notes that an exchange worked.
pub fn note_success(agent: &Agent) {
    note(agent, None);
}

/// Notes that an exchange failed, and records what of it was refused.
pub fn note_failure(agent: &Agent, error: &AgentError) {
    match error {
        AgentError::Denied(denial) if denial.code != Code::NotJoined => {
            agent.record_refused(denial)
        }
        AgentError::Signature(error) => {
            agent.record_refused(&Denial::new(Code::RootInvalid, error))
        }
        AgentError::Server(ServerError::Malformed(what)) => {
            agent.record_refused(&Denial::new(Code::ProtocolError, what));
        }
        _ => {}
    }
    if agent.link().connected != Some(false) {
        log::warning(format_args!("server: {error}"));
    }
    note(agent, Some(error));
}

/// A change is an event.
fn note(agent: &Agent, error: Option<&AgentError>) {
    if !agent.link.note(agent.clock.now(), error) {
        return;
    }
    let mut event = match error {
        None => agent.event(EventName::Online, Outcome::Success),
        Some(_) => agent.event(EventName::Offline, Outcome::Failure),
    };
    event.reason = error.map(AgentError::code);
    event.detail = error.map(|error| printable(&error.to_string(), 200));
    agent.record(vec![event]);
}
