//! The thread of a destination: takes the next records at its cursor, delivers them, moves on.

use std::sync::TryLockError;
use std::time::{Duration, Instant};

use crate::agent::Agent;
use crate::audit::outlet::{Failed, Outlet};
use crate::error::AgentError;
use crate::lock::lock;
use crate::log;
use crate::store::spool::cursor::Destination;
use crate::store::spool::read::Most;
use crate::store::state::{At, Record};
use crate::sync::backoff::rest;

/// How long a thread sleeps when nothing is left and nobody wakes it.
const IDLE: Duration = Duration::from_secs(300);
/// How long a destination that cannot be used yet is left alone.
const NOT_READY: Duration = Duration::from_secs(5);
/// A destination that is down is a warning again after this.
const WARN_AGAIN: Duration = Duration::from_secs(600);

/// How records get to a destination.
pub trait Transport {
    /// The destination.
    fn destination(&self) -> &'static Destination;

    /// How much it takes at once.
    fn most(&self) -> Most;

    /// Whether it can be used at all; what it needs may come later.
    fn is_ready(&self, _: &Agent) -> bool {
        true
    }

    /// Opens anew what it keeps open.
    fn reopen(&mut self) {}

    /// Delivers records. What has arrived is in [`Delivery::arrived`], also after an error.
    fn deliver(&mut self, agent: &Agent, records: &[Record]) -> Delivery;

    /// All that was tried has arrived.
    fn worked(&mut self) {}

    /// How long to leave it alone after a failure. What happens meanwhile does not shorten it, or
    /// each new record would be an attempt.
    fn pause_after(&mut self, error: &AgentError) -> Duration;
}

/// What came of some records.
#[derive(Debug, Default)]
pub struct Delivery {
    /// Those that the destination has.
    pub arrived: Vec<At>,
    /// Those that it can never get: they are lost to it, and counted.
    pub gave_up: Vec<At>,
    /// Why it has no more of them.
    pub error: Option<AgentError>,
}

impl Delivery {
    /// All of the records have arrived.
    pub fn all(records: &[Record]) -> Self {
        Self { arrived: records.iter().map(|record| record.at).collect(), ..Self::default() }
    }
}

/// Delivers until the agent stops.
pub fn run(agent: &Agent, transport: impl Transport) {
    if let Some(outlet) = agent.outlets.of(transport.destination()) {
        run_at(agent, &outlet, transport);
    }
}

/// Delivers until the agent stops, or the outlet is retired.
pub fn run_at(agent: &Agent, outlet: &Outlet, mut transport: impl Transport) {
    let is_over = || agent.is_stopping() || outlet.is_retired();
    while !is_over() {
        if outlet.take_reopen() {
            transport.reopen();
        }
        if !transport.is_ready(agent) {
            outlet.wake.wait(NOT_READY);
            continue;
        }
        match batch_at(agent, Some(outlet), &mut transport) {
            Ok(arrived) => {
                transport.worked();
                if arrived == 0 {
                    outlet.wake.wait(IDLE);
                }
            }
            Err(error) => {
                let name = transport.destination().name;
                if agent.is_due(&format!("deliver {name}"), WARN_AGAIN) {
                    log::warning(format_args!("records wait for {name}: {error}"));
                }
                rest(&outlet.wake, transport.pause_after(&error), is_over);
            }
        }
    }
}

/// Delivers the next records; says how many it is done with, 0 when none are left.
///
/// # Errors
/// [`AgentError`]; records that have not arrived come again.
pub fn batch(agent: &Agent, transport: &mut impl Transport) -> Result<usize, AgentError> {
    let outlet = agent.outlets.of(transport.destination());
    batch_at(agent, outlet.as_deref(), transport)
}

fn batch_at(
    agent: &Agent,
    outlet: Option<&Outlet>,
    transport: &mut impl Transport,
) -> Result<usize, AgentError> {
    let _one_at_a_time = outlet.map(|outlet| lock(&outlet.busy));
    // The one before it may have taken its time.
    if outlet.is_some_and(Outlet::is_retired) {
        return Ok(0);
    }
    let done = deliver_next(agent, transport);
    if let Some(outlet) = outlet {
        let failed = |error: &AgentError| Failed { at: agent.clock.now(), told: error.told() };
        outlet.note(done.as_ref().err().map(failed));
    }
    done
}

/// Delivers what is left as the agent stops, for a while: the thread of the destination may be
/// waiting for something that is gone. What cannot be delivered now is delivered after the next
/// start.
pub fn last_words(agent: &Agent, transport: &mut impl Transport, at_most: Duration) {
    let Some(outlet) = agent.outlets.of(transport.destination()) else { return };
    let end = Instant::now() + at_most;
    while Instant::now() < end {
        match outlet.busy.try_lock() {
            Err(TryLockError::WouldBlock) => std::thread::sleep(Duration::from_millis(10)),
            _one_at_a_time => {
                if matches!(deliver_next(agent, transport), Ok(0) | Err(_)) {
                    return;
                }
            }
        }
    }
}

fn deliver_next(agent: &Agent, transport: &mut impl Transport) -> Result<usize, AgentError> {
    let to = transport.destination();
    let records = agent.state.pending(to, transport.most())?;
    if records.is_empty() {
        return Ok(0);
    }

    let Delivery { arrived, gave_up, error } = transport.deliver(agent, &records);
    agent.state.delivered(to, &arrived)?;
    agent.state.gave_up(to, &gave_up)?;

    error.map_or(Ok(arrived.len() + gave_up.len()), Err)
}
