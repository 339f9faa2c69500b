//! The thread that asks the key process which keys are plugged in.

use std::sync::atomic::Ordering;
use std::time::Duration;

use wardkey_core::event::{EventName, Outcome};
use wardkey_core::message::MAX_KEY_FRAME;
use wardkey_core::message::key::{KeyInfo, Reply, Request};
use wardkey_core::name::printable;
use wardkey_ipc::{Channel, Deadline, IpcError};

use crate::agent::Agent;
use crate::presence::shared::News;
use crate::sync::backoff::Backoff;

/// The longest pause between two tries: meanwhile nobody sees a key go.
const LONGEST_PAUSE: Duration = Duration::from_secs(2);
/// How often the thread looks whether the agent stops.
const LOOK: Duration = Duration::from_secs(60);

/// Watches until the agent stops.
pub fn run(agent: &Agent) {
    let mut backoff = Backoff::new(LONGEST_PAUSE);
    while !agent.is_stopping() {
        // The key process may not be there yet or may have ended. Sessions then ask for their keys
        // themselves, until it is watched again.
        let _ = watch(agent, &mut backoff);
        agent.presence.tell(News::KeyProcess);
        agent.keys.store(0, Ordering::Relaxed);
        if !agent.is_stopping() {
            std::thread::sleep(backoff.next(None));
        }
    }
}

fn watch(agent: &Agent, backoff: &mut Backoff) -> Result<(), IpcError> {
    let soon = || Deadline::after(Duration::from_secs(5));
    let mut channel = Channel::connect(&agent.config.key_socket, Some(0), MAX_KEY_FRAME, soon())?;
    channel.send(&Request::Watch, soon())?;
    let mut known: Option<Vec<KeyInfo>> = None;
    while !agent.is_stopping() {
        match channel.receive::<Reply>(Deadline::after(LOOK)) {
            Ok(Reply::Keys(keys)) => {
                backoff.reset();
                agent.keys.store(u32::try_from(keys.len()).unwrap_or(u32::MAX), Ordering::Relaxed);
                match known.as_ref() {
                    // Who is watched again is told of what happened meanwhile by nobody.
                    None => agent.presence.tell(News::KeyProcess),
                    Some(before) => {
                        record_changes(agent, before, &keys);
                        let nodes = keys.iter().map(|key| key.path.clone()).collect();
                        agent.presence.tell(News::Plugged(nodes, *before == *keys));
                    }
                }
                known = Some(keys.into_vec());
            }
            Ok(_) | Err(IpcError::TimedOut) => {}
            Err(error) => return Err(error),
        }
    }
    Ok(())
}

fn record_changes(agent: &Agent, before: &[KeyInfo], after: &[KeyInfo]) {
    let missing = |from: &[KeyInfo], key: &KeyInfo| {
        !from.iter().any(|other| other.path == key.path && other.name == key.name)
    };
    let plugged = after.iter().filter(|key| missing(before, key)).map(|key| ("plugged", key));
    let unplugged = before.iter().filter(|key| missing(after, key)).map(|key| ("unplugged", key));
    let events = plugged.chain(unplugged).map(|(word, key)| {
        let mut event = agent.event(EventName::KeyChanged, Outcome::Success);
        event.detail = Some(format!(
            "{word} {:04x}:{:04x} {}",
            key.vendor,
            key.product,
            printable(&key.name, 64)
        ));
        event.model = key.details.as_ref().map(|details| details.aaguid);
        event
    });
    agent.record(events.collect());
}
