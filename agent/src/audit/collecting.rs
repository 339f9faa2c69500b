//! The sinks of `records_to`: a thread for each, and another list while the agent runs.

use std::sync::Arc;

use wardkey_settings::sink::Sink;
use wardkey_sinks::to;

use crate::agent::Agent;
use crate::audit::carried::Carried;
use crate::audit::deliver::run_at;
use crate::audit::destination;
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
    let transport = Carried::new(config, destination, |terms| to(sink, terms));
    let agent = Arc::clone(agent);
    std::thread::Builder::new()
        .name("sink".into())
        .stack_size(STACK)
        .spawn(move || run_at(&agent, &outlet, transport))?;
    Ok(())
}
