//! The sinks of `records_to`: a thread for each, and another list while the agent runs.

use std::sync::Arc;

use wardkey_settings::sink::Sink;

use crate::agent::Agent;
use crate::audit::deliver::{Transport, run_at};
use crate::audit::destination;
use crate::audit::outlet::Outlet;
use crate::audit::transport::collector::Network;
use crate::audit::transport::datagrams::Datagrams;
use crate::audit::transport::file::Lines;
use crate::audit::transport::intake::Intake;
use crate::audit::transport::journal::Journal;
use crate::config::Config;
use crate::error::AgentError;
use crate::lock::lock;
use crate::store::spool::cursor::Destination;

/// Stack of the threads in bytes.
const STACK: usize = 512 * 1024;

/// Begins with the sinks that the agent was started with.
///
/// # Errors
/// [`AgentError`] when there is no thread for one.
pub fn start(agent: &Arc<Agent>) -> Result<(), AgentError> {
    let config = lock(&agent.collecting).clone();
    config.records_to.iter().try_for_each(|sink| carry(agent, &config, sink))
}

/// Takes another list, or another way to its collectors; `false` when nothing has changed. Those
/// that stay go on where they are, also in another format; those that go are forgotten, and new
/// ones begin with the oldest record that is left.
///
/// # Errors
/// [`AgentError`] when there is no thread for one; the others have theirs.
pub fn change(agent: &Arc<Agent>, config: &Config) -> Result<bool, AgentError> {
    let mut now = lock(&agent.collecting);
    let before = std::mem::replace(&mut *now, config.clone());
    let is_same = |sink: &Sink| {
        before.records_to.contains(sink)
            && before.records_ca == config.records_ca
            && before.records_enterprise == config.records_enterprise
    };
    let is_whole = before.records_to.len() == config.records_to.len();
    if is_whole && config.records_to.iter().all(is_same) {
        return Ok(false);
    }

    let stays = |destination: &Destination| {
        let mut sinks = config.records_to.iter();
        sinks.find(|sink| sink.name() == destination.name).is_none_or(is_same)
    };
    let destinations = destination::all(config);
    agent.outlets.change(destinations, stays);
    agent.state.set_destinations(destinations);
    // What only those lacked that have gone is taken out piece by piece.
    agent.wake_upkeep.wake();
    let mut failed = Ok(());
    for sink in config.records_to.iter().filter(|sink| !is_same(sink)) {
        if let Err(error) = carry(agent, config, sink) {
            // The next time it is a new one, and tried again.
            now.records_to.retain(|one| one != sink);
            failed = Err(error);
        }
    }
    failed.map(|()| true)
}

/// A thread for a sink.
fn carry(agent: &Arc<Agent>, config: &Config, sink: &Sink) -> Result<(), AgentError> {
    let Some(destination) = agent.outlets.destination(&sink.name()) else { return Ok(()) };
    let Some(outlet) = agent.outlets.of(destination) else { return Ok(()) };
    match sink {
        Sink::Collector(to) => spawn(agent, outlet, Network::new(config, destination, to)),
        Sink::Datagrams(to) => spawn(agent, outlet, Datagrams::new(config, destination, to)),
        Sink::Intake(to) => spawn(agent, outlet, Intake::new(config, destination, to)),
        Sink::File(to) => spawn(agent, outlet, Lines::new(config, destination, to)),
        Sink::Journal(to) => spawn(agent, outlet, Journal::new(config, destination, to)),
    }
}

fn spawn(
    agent: &Arc<Agent>,
    outlet: Arc<Outlet>,
    transport: impl Transport + Send + 'static,
) -> Result<(), AgentError> {
    let agent = Arc::clone(agent);
    std::thread::Builder::new()
        .name("sink".into())
        .stack_size(STACK)
        .spawn(move || run_at(&agent, &outlet, transport))?;
    Ok(())
}
