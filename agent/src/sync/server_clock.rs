//! The machine's clock beside the server's. It changes no decision but the words of a refusal, as
//! only the agent's word stands for it.

use std::sync::atomic::Ordering;
use std::time::Duration;

use wardkey_core::event::{EventName, Outcome};
use wardkey_core::time::UnixTime;

use crate::agent::Agent;
use crate::log;

/// Signed time and clock may differ by this many seconds before it is worth a record.
const CLOCK_TOLERANCE: u64 = 120;

/// Says once when the machine's clock is off.
pub(super) fn watch_clock(agent: &Agent, server: u64) {
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

impl Agent {
    /// Seconds that the clock is ahead, when the server is reached and what it signed looks expired
    /// by this clock though it would not by the server's: then "offline" would be the wrong word.
    pub fn clock_hides_the_server(&self) -> Option<u64> {
        let ahead = self.clock_ahead.load(Ordering::Relaxed);
        let expires = self.directory.view().expires()?;
        let now = self.clock.now();
        let connected = self.link().connected == Some(true);
        (connected && ahead > 0 && now > expires && now.since(UnixTime(ahead)) <= expires.0)
            .then_some(ahead)
    }
}
