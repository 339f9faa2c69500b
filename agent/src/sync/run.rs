//! The thread that keeps the directory fresh.

use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::{Duration, Instant};

use wardkey_core::code::{Code, Denial};
use wardkey_core::event::{EventName, Outcome};
use wardkey_core::message::http::{Base64, RenewRequest};

use crate::agent::Agent;
use crate::error::{AgentError, ServerError};
use crate::identity::Identity;
use crate::log;
use crate::sync::apply::{apply, request};
use crate::sync::backoff::{Backoff, rest};
use crate::sync::join::signing_request;
use crate::sync::upstream::Upstream;

/// Signed time and clock may differ by this many seconds before it is worth a record.
const CLOCK_TOLERANCE: u64 = 120;

/// Synchronises until the agent stops.
pub fn run(agent: &Agent) {
    let mut backoff = Backoff::new(Duration::from_secs(agent.config.retry_seconds));
    // The first answer comes at once, so that the state of the connection is known.
    let mut hold = 0;
    while !agent.is_stopping() {
        if agent.identity().is_none() {
            agent.wake_sync.wait(Duration::from_secs(3600));
            continue;
        }
        let started = Instant::now();
        match round(agent, hold) {
            Ok(fresh) => {
                agent.note_exchange(None);
                backoff.reset();
                // A server that does not hold the request must not be asked without pause.
                if !fresh && hold > 0 && started.elapsed() < Duration::from_millis(500) {
                    agent.wake_sync.wait(Duration::from_secs(1));
                }
                hold = agent.config.wait_seconds;
            }
            Err(error) => {
                note_failure(agent, &error);
                hold = 0;
                let asked = match &error {
                    AgentError::Server(error) => error.retry_after(),
                    _ => None,
                };
                let pause = backoff.next(asked);
                if asked.is_some() {
                    // What a server asks for is not cut short by a login that would like news.
                    rest(agent, &agent.wake_sync, pause);
                } else {
                    agent.wake_sync.wait(pause);
                }
            }
        }
        if let Err(error) = agent.directory.db.read(|_| Ok(())) {
            log::warning(format_args!("directory: {error}"));
        }
        agent.note_set_aside();
    }
}

/// Asks once and applies the answer; says whether anything was new.
///
/// # Errors
/// [`AgentError`].
pub fn round(agent: &Agent, hold: u64) -> Result<bool, AgentError> {
    let upstream = upstream(agent)?;
    renew_when_due(agent, upstream.as_ref());
    let refetch = agent.refetch.load(Ordering::SeqCst);
    let asked = request(&agent.directory.view(), if refetch { 0 } else { hold }, refetch);
    let reply = upstream.wait(&asked)?;
    watch_clock(agent, reply.time);
    let fresh = apply(agent, upstream.as_ref(), &asked, reply, refetch)?;
    if refetch {
        agent.refetch.store(false, Ordering::SeqCst);
    }
    Ok(fresh)
}

/// The connection to the server, by the certificate and CA that hold now.
///
/// # Errors
/// [`AgentError::Denied`] before the terminal has joined.
pub fn upstream(agent: &Agent) -> Result<Arc<dyn Upstream>, AgentError> {
    let identity = agent.identity().ok_or_else(|| Denial::new(Code::NotJoined, "this terminal has not joined"))?;
    let view = agent.directory.view();
    let ca = match &view.root {
        Some(root) => root.tls_ca.as_slice().to_vec(),
        // The directory was set aside: the root documents are fetched as at the join, but the key is known.
        None => crate::sync::join::recover_roots(agent, &identity)?,
    };
    Ok(agent.upstream_for(&identity, &ca)?)
}

/// Records what was refused, and notes that an exchange failed.
pub(crate) fn note_failure(agent: &Agent, error: &AgentError) {
    match error {
        AgentError::Denied(denial) if denial.code != Code::NotJoined => agent.record_refused(denial),
        AgentError::Signature(error) => agent.record_refused(&Denial::new(Code::RootInvalid, error)),
        AgentError::Server(ServerError::Malformed(what)) => {
            agent.record_refused(&Denial::new(Code::ProtocolError, what))
        }
        _ => {}
    }
    if agent.link().connected != Some(false) {
        log::warning(format_args!("server: {error}"));
    }
    agent.note_exchange(Some(error));
}

fn renew_when_due(agent: &Agent, upstream: &dyn Upstream) {
    let Some(identity) = agent.identity() else { return };
    if !identity.is_due_for_renewal(agent.clock.now()) || !agent.is_due("renew", Duration::from_secs(3600)) {
        return;
    }
    if let Err(error) = renew(agent, upstream, &identity) {
        log::warning(format_args!("certificate of this terminal could not be renewed: {error}"));
    }
}

fn renew(agent: &Agent, upstream: &dyn Upstream, identity: &Identity) -> Result<(), AgentError> {
    let csr = signing_request(&identity.key, &identity.terminal.to_hex())?;
    let reply = upstream.renew(&RenewRequest { csr: Base64(csr) })?;
    let renewed = Identity::new(
        identity.server.clone(),
        identity.terminal,
        identity.root_key,
        reply.certificate.0,
        identity.key.clone(),
    )?;
    if renewed.not_after <= identity.not_after {
        return Err(ServerError::Malformed("the new certificate does not live longer".into()).into());
    }
    renewed.write_certificate(&agent.config.state_dir)?;
    agent.set_identity(Arc::new(renewed));
    log::info("certificate of this terminal renewed");
    Ok(())
}

/// Says once when the machine's clock is off.
fn watch_clock(agent: &Agent, server: u64) {
    let machine = agent.clock.reading().realtime.0;
    let least = agent.clock.least().0;
    let ahead = machine.saturating_sub(server);
    agent.clock_ahead.store(if ahead > CLOCK_TOLERANCE { ahead } else { 0 }, Ordering::Relaxed);
    let detail = if machine.saturating_add(CLOCK_TOLERANCE) < least {
        format!("clock is {} s behind the greatest signed time", least - machine)
    } else if machine.abs_diff(server) > CLOCK_TOLERANCE {
        let word = if machine < server { "behind" } else { "ahead of" };
        format!("clock is {} s {word} the server", machine.abs_diff(server))
    } else {
        return;
    };
    if agent.is_due("clock", Duration::from_secs(3600)) {
        log::warning(&detail);
        let mut event = agent.event(EventName::ClockWrong, Outcome::Failure);
        event.detail = Some(detail);
        agent.record(vec![event]);
    }
}
