//! The thread that makes the heartbeat, records what was counted or lost, and tends the state.

use std::time::Duration;

use wardkey_core::event::{Event, EventName, Outcome};
use wardkey_core::name::printable;

use crate::agent::Agent;
use crate::clock::Moment;
use crate::log;
use crate::store::spool::forget::Progress;

/// How often it is looked whether events that are counted are due.
const TALLY: Duration = Duration::from_secs(5);
/// How often it is tried to write what is in memory only.
const RECOVER: Duration = Duration::from_secs(5);
/// The pause between two looks at records after a destination has gone: a login that waits to write
/// comes in between.
const SWEEP: Duration = Duration::from_millis(20);
/// Lost records are recorded once in this time.
const LOST: Duration = Duration::from_secs(10);
/// How often the state is tended.
const TEND: Duration = Duration::from_secs(3600);

/// Runs until the agent stops.
pub fn run(agent: &Agent) {
    let heartbeat = Duration::from_secs(agent.config.heartbeat_seconds);
    let mut last_beat = Moment::now();
    let mut tended = Moment::now();
    let mut beats = 0;
    let mut sweep_goes_on = false;
    while !agent.is_stopping() {
        let until_beat = heartbeat.saturating_sub(last_beat.elapsed());
        let at_most = if sweep_goes_on { SWEEP } else { heartbeat };
        agent.wake_upkeep.wait(pause(agent, until_beat).min(at_most));
        agent.record(agent.tally.take(false));

        if last_beat.elapsed() >= heartbeat {
            last_beat = Moment::now();
            beats += 1;
            agent.record(vec![heartbeat_event(agent, beats)]);
            // How late it is must be known after a reboot too, also when nothing new was signed.
            if let Err(error) = agent.raise_marks() {
                log::warning(format_args!("state: {error}"));
            }
        }

        // What did not reach the disk or was lost meanwhile.
        let _ = agent.state.recover();
        agent.note_set_aside();
        sweep_goes_on = sweep(agent);
        if agent.is_due("lost", LOST) {
            record_lost(agent);
        }

        if tended.elapsed() >= TEND {
            tended = Moment::now();
            if let Err(error) = agent.state.forget_old(agent.clock.now()) {
                log::warning(format_args!("state: {error}"));
            }
        }
    }
}

fn pause(agent: &Agent, until_beat: Duration) -> Duration {
    let mut pause = until_beat;
    if !agent.tally.is_empty() {
        pause = pause.min(TALLY);
    }
    if agent.state.in_memory().is_some() {
        pause = pause.min(RECOVER);
    }
    pause
}

/// Looks at some of the records after a destination has gone; `true` when there are more.
fn sweep(agent: &Agent) -> bool {
    match agent.state.sweep() {
        Ok(progress) => progress == Progress::More,
        Err(error) => {
            if agent.is_due("sweep", LOST) {
                log::warning(format_args!("state: {error}"));
            }
            false
        }
    }
}

/// Records how many events had to give way, if any.
pub fn record_lost(agent: &Agent) {
    let made = agent.state.record_lost(|lost| {
        let mut event = agent.event(EventName::RecordsLost, Outcome::Failure);
        event.count = Some(lost.count);
        let of: Vec<String> =
            lost.of.iter().map(|(name, count)| format!("{name} {count}")).collect();
        event.detail = (!of.is_empty()).then(|| printable(&of.join(", "), 200));
        event
    });
    if let Err(error) = made {
        log::warning(format_args!("state: {error}"));
    }
}

fn heartbeat_event(agent: &Agent, beats: u64) -> Event {
    let view = agent.directory.view();
    let mut event = agent.event(EventName::Heartbeat, Outcome::Success);
    event.count = Some(beats);
    event.age =
        view.terminal_scopes().map(|scope| agent.clock.now().since(scope.head.issued)).max();
    let connected = agent.link().connected == Some(true);
    event.detail = Some(if connected { "connected" } else { "disconnected" }.to_owned());
    event
}
