//! The server: the urgent records first, acknowledged by id.

use std::time::Duration;

use wardkey_core::code::Code;
use wardkey_core::id::to_hex;

use crate::agent::Agent;
use crate::audit::deliver::{Delivery, Transport};
use crate::audit::destination::SERVER;
use crate::audit::render::server::{Done, request};
use crate::error::{AgentError, ServerError};
use crate::log;
use crate::store::spool::cursor::Destination;
use crate::store::spool::read::Most;
use crate::store::state::{At, Record};
use crate::sync::backoff::Backoff;
use crate::sync::exchange::upstream;

/// One batch; bytes before base64url.
const MOST: Most = Most { events: 256, bytes: 512 * 1024 };
/// The longest pause of a terminal whose records the server does not take: it awaits approval, or
/// was revoked.
const LONGEST_AFTER_REFUSAL: Duration = Duration::from_secs(300);

/// The upload to the server.
#[derive(Debug)]
pub struct Upload {
    failures: Backoff,
    refusals: Backoff,
}

impl Upload {
    /// With pauses of at most `retry_seconds` while the server is away.
    pub const fn new(retry_seconds: u64) -> Self {
        Self {
            failures: Backoff::new(Duration::from_secs(retry_seconds)),
            refusals: Backoff::new(LONGEST_AFTER_REFUSAL),
        }
    }
}

impl Transport for Upload {
    fn destination(&self) -> &'static Destination {
        &SERVER
    }

    fn most(&self) -> Most {
        MOST
    }

    /// Before the directory is here the connection is the synchronisation's to set up.
    fn is_ready(&self, agent: &Agent) -> bool {
        agent.identity().is_some() && agent.directory.view().root.is_some()
    }

    fn deliver(&mut self, agent: &Agent, records: &[Record]) -> Delivery {
        match send(agent, records) {
            Ok(arrived) => Delivery { arrived, ..Delivery::default() },
            Err(error) => Delivery { error: Some(error), ..Delivery::default() },
        }
    }

    fn worked(&mut self) {
        self.failures.reset();
        self.refusals.reset();
    }

    fn pause_after(&mut self, error: &AgentError) -> Duration {
        let asked = match error {
            AgentError::Server(error) => error.retry_after(),
            _ => None,
        };
        let is_refused = matches!(error.code(), Code::TerminalDisabled | Code::TerminalCertificate);
        if is_refused { self.refusals.next(asked) } else { self.failures.next(asked) }
    }
}

fn send(agent: &Agent, records: &[Record]) -> Result<Vec<At>, AgentError> {
    let events = records.iter().map(|record| record.event.as_slice());
    let reply = upstream(agent)?.events(&request(events))?;
    for refused in &reply.refused {
        log::warning(format_args!(
            "server does not take event {}: {}",
            to_hex(&refused.id.0),
            refused.reason
        ));
    }

    let done = Done::of(&reply);
    let arrived: Vec<At> =
        records.iter().filter(|record| done.has(&record.event)).map(|record| record.at).collect();
    if arrived.is_empty() {
        return Err(
            ServerError::Malformed("the server acknowledged none of the events".into()).into()
        );
    }
    Ok(arrived)
}
