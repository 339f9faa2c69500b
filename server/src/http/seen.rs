//! When terminals were heard of, and what was said of them lately.

use std::collections::HashMap;
use std::net::IpAddr;
use std::sync::Mutex;

use wardkey_core::id::TerminalId;
use wardkey_core::message::http::Program;
use wardkey_core::time::UnixTime;

use crate::lock::lock;
use crate::store::terminal::SignOfLife;

/// A terminal that was heard of.
#[derive(Clone, Debug)]
struct Heard {
    time: UnixTime,
    address: IpAddr,
    /// What it said of its programs.
    program: Option<Program>,
}

/// When terminals were heard of; written to the store now and then, not at each request.
#[derive(Debug, Default)]
pub struct Seen {
    latest: Mutex<HashMap<TerminalId, Heard>>,
    told: Mutex<HashMap<(&'static str, TerminalId), UnixTime>>,
}

impl Seen {
    /// Remembers that a terminal was heard of.
    pub fn note(&self, id: TerminalId, time: UnixTime, address: IpAddr) {
        let mut latest = lock(&self.latest);
        let program = latest.remove(&id).and_then(|heard| heard.program);
        latest.insert(id, Heard { time, address, program });
    }

    /// Remembers what a terminal that was just heard of said of its programs.
    pub fn note_program(&self, id: TerminalId, program: &Program) {
        let mut latest = lock(&self.latest);
        if let Some(heard) = latest.get_mut(&id) {
            heard.program = Some(program.clone());
        }
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
            program: heard.program.map(|program| (program.version, program.can.join(","))),
        };
        latest.into_iter().map(sign).collect()
    }
}
