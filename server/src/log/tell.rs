//! Checkpoints in the server's own log: a syslog server that takes it holds them where nobody can
//! change them from here.

use std::time::{Duration, Instant};

use super::sign::SignedLog;

/// How often a checkpoint is said.
const EVERY: Duration = Duration::from_secs(3600);

/// Says checkpoints: the first one, and then one an hour at most.
#[derive(Debug, Default)]
pub struct Teller {
    last: Option<(Instant, String)>,
}

impl Teller {
    /// Says it when it is another one than before, and due.
    pub fn tell(&mut self, log: &SignedLog) {
        let is_known =
            |(when, told): &(Instant, String)| *told == log.checkpoint || when.elapsed() < EVERY;
        if self.last.as_ref().is_some_and(is_known) {
            return;
        }
        // One line: as a string of JSON has it.
        let note = serde_json::Value::from(log.checkpoint.as_str());
        tracing::info!(checkpoint = %note, "the log of records was signed");
        self.last = Some((Instant::now(), log.checkpoint.clone()));
    }
}
