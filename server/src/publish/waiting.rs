//! Terminals that wait for news: each is woken by what concerns it.

use std::collections::HashMap;
use std::sync::{Mutex, MutexGuard};

use tokio::sync::watch;
use wardkey_core::id::TerminalId;

use crate::lock::lock;

/// A sender for each terminal that has ever waited; terminals are never forgotten, so there are at
/// most as many as have joined.
#[derive(Debug, Default)]
pub struct Waiting {
    senders: Mutex<HashMap<TerminalId, watch::Sender<u64>>>,
}

impl Waiting {
    /// Changes whenever something that concerns the terminal is shown.
    pub fn subscribe(&self, terminal: &TerminalId) -> watch::Receiver<u64> {
        self.senders().entry(*terminal).or_insert_with(|| watch::Sender::new(0)).subscribe()
    }

    /// Wakes those of these terminals that wait. Called where something is shown, without anything
    /// to wait for in between: else a request that is given up there would take the news with it.
    pub fn wake<'a>(&self, terminals: impl IntoIterator<Item = &'a TerminalId>) {
        let senders = self.senders();
        for sender in terminals.into_iter().filter_map(|terminal| senders.get(terminal)) {
            sender.send_modify(|generation| *generation += 1);
        }
    }

    fn senders(&self) -> MutexGuard<'_, HashMap<TerminalId, watch::Sender<u64>>> {
        lock(&self.senders)
    }
}
