//! When terminals were heard of, and what was said of them lately.

use std::collections::HashMap;
use std::net::IpAddr;
use std::sync::{Mutex, PoisonError};

use wardkey_core::id::TerminalId;
use wardkey_core::time::UnixTime;

/// When terminals were heard of; written to the store now and then, not at each request.
#[derive(Debug, Default)]
pub struct Seen {
    latest: Mutex<HashMap<TerminalId, (UnixTime, IpAddr)>>,
    told: Mutex<HashMap<(&'static str, TerminalId), UnixTime>>,
}

impl Seen {
    /// Remembers that a terminal was heard of.
    pub fn note(&self, id: TerminalId, now: UnixTime, address: IpAddr) {
        self.latest.lock().unwrap_or_else(PoisonError::into_inner).insert(id, (now, address));
    }

    /// Whether this was not said of this terminal within the last hour.
    pub fn first_in_an_hour(&self, what: &'static str, id: TerminalId, now: UnixTime) -> bool {
        let mut told = self.told.lock().unwrap_or_else(PoisonError::into_inner);
        let first = told.get(&(what, id)).is_none_or(|before| now.since(*before) > 3600);
        if first {
            told.insert((what, id), now);
        }
        first
    }

    /// What is to be written; taken.
    pub fn take(&self) -> Vec<(TerminalId, UnixTime, String)> {
        let latest = std::mem::take(&mut *self.latest.lock().unwrap_or_else(PoisonError::into_inner));
        latest.into_iter().map(|(id, (time, address))| (id, time, address.to_canonical().to_string())).collect()
    }
}
