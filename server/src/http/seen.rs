//! When terminals were heard of, and what was said of them lately.

use std::collections::HashMap;
use std::net::IpAddr;
use std::sync::Mutex;

use wardkey_core::document::Position;
use wardkey_core::id::TerminalId;
use wardkey_core::message::http::Program;
use wardkey_core::name::{ScopeName, ServerAddress};
use wardkey_core::time::UnixTime;

use crate::lock::lock;
use crate::store::terminal::SignOfLife;

/// A terminal that was heard of.
#[derive(Clone, Debug)]
struct Heard {
    time: UnixTime,
    address: IpAddr,
    /// By which address of the server.
    came_by: Option<ServerAddress>,
    /// What it said of its programs.
    program: Option<Program>,
    /// Where it said that it is, when that is new.
    positions: Positions,
    /// The root document that it said that it has.
    root: Option<u64>,
}

/// Where a terminal is in its scopes.
type Positions = Vec<(ScopeName, Position)>;

/// When terminals were heard of; written to the store now and then, not at each request.
#[derive(Debug, Default)]
pub struct Seen {
    latest: Mutex<HashMap<TerminalId, Heard>>,
    /// What terminals said last of their positions: what is not new is not written.
    positions: Mutex<HashMap<TerminalId, Positions>>,
    told: Mutex<HashMap<(&'static str, TerminalId), UnixTime>>,
}

impl Seen {
    /// Remembers that a terminal was heard of.
    pub fn note(&self, id: TerminalId, time: UnixTime, address: IpAddr) {
        let mut latest = lock(&self.latest);
        let heard = match latest.remove(&id) {
            Some(heard) => Heard { time, address, ..heard },
            None => {
                Heard { time, address, came_by: None, program: None, positions: vec![], root: None }
            }
        };
        latest.insert(id, heard);
    }

    /// Remembers by which address of the server a terminal that was just heard of came.
    pub fn note_came_by(&self, id: TerminalId, address: ServerAddress) {
        if let Some(heard) = lock(&self.latest).get_mut(&id) {
            heard.came_by = Some(address);
        }
    }

    /// Remembers what a terminal that was just heard of said of its programs.
    pub fn note_program(&self, id: TerminalId, program: &Program) {
        let mut latest = lock(&self.latest);
        if let Some(heard) = latest.get_mut(&id) {
            heard.program = Some(program.clone());
        }
    }

    /// Remembers which root document a terminal that was just heard of says that it has.
    pub fn note_root(&self, id: TerminalId, version: u64) {
        if let Some(heard) = lock(&self.latest).get_mut(&id) {
            heard.root = Some(version);
        }
    }

    /// Remembers where a terminal that was just heard of says that it is.
    pub fn note_positions(&self, id: TerminalId, positions: Positions) {
        let mut before = lock(&self.positions);
        if before.get(&id) == Some(&positions) {
            return;
        }
        let mut latest = lock(&self.latest);
        if let Some(heard) = latest.get_mut(&id) {
            heard.positions.clone_from(&positions);
            before.insert(id, positions);
        }
    }

    /// Forgets what was said of positions: it could not be written, and is written the next time.
    pub fn forget_positions(&self) {
        lock(&self.positions).clear();
    }

    /// Whether this was not said of this terminal within the last hour.
    pub fn first_in_an_hour(&self, what: &'static str, id: TerminalId, now: UnixTime) -> bool {
        let mut told = lock(&self.told);
        let first = told.get(&(what, id)).is_none_or(|before| now.since(*before) > 3600);
        if first {
            told.insert((what, id), now);
        }
        first
    }

    /// What is to be written; taken.
    pub fn take(&self) -> Vec<SignOfLife> {
        let latest = std::mem::take(&mut *lock(&self.latest));
        let sign = |(id, heard): (TerminalId, Heard)| SignOfLife {
            id,
            time: heard.time,
            address: heard.address.to_canonical().to_string(),
            came_by: heard.came_by.map(|address| address.to_string()),
            program: heard.program.map(|program| (program.version, program.can.join(","))),
            positions: heard.positions,
            root: heard.root,
        };
        latest.into_iter().map(sign).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn positions_are_written_when_they_are_new_and_again_when_that_failed() {
        let (seen, id) = (Seen::default(), TerminalId::new([1; 16]));
        let at = |seq| vec![(ScopeName::new("icu").unwrap(), Position { epoch: 1, seq })];
        let written = |positions| {
            seen.note(id, UnixTime(5), [192, 0, 2, 1].into());
            seen.note_positions(id, positions);
            seen.take().pop().unwrap().positions
        };
        assert_eq!(written(at(7)), at(7));
        assert!(written(at(7)).is_empty());
        assert_eq!(written(at(8)), at(8));
        seen.forget_positions();
        assert_eq!(written(at(8)), at(8));
        // A second sign of life before it was written takes nothing away.
        seen.note(id, UnixTime(6), [192, 0, 2, 1].into());
        seen.note_positions(id, at(9));
        assert_eq!(written(at(9)), at(9));
    }
}
