//! Terminals in memory, and their signed documents.

use std::collections::{HashMap, HashSet};
use std::sync::{Arc, Mutex, RwLock};

use wardkey_core::codec::List;
use wardkey_core::document::TerminalDocument;
use wardkey_core::id::TerminalId;
use wardkey_core::name::ScopeName;
use wardkey_core::person::Status;
use wardkey_core::time::UnixTime;

use super::keys::Keys;
use super::waiting::Waiting;
use crate::error::{Error, Result};
use crate::lock::{lock, read, write};
use crate::store::Tx;
use crate::store::counter::BEFORE_ALL;
use crate::store::terminal::{self, Terminal, TerminalStatus};

/// A terminal as it is known.
pub type Shown = Terminal;

struct Signed {
    number: u64,
    issued: UnixTime,
    /// The root document by whose key.
    by: u64,
    bytes: Arc<[u8]>,
}

/// All terminals.
pub struct Terminals {
    lifetime: u64,
    known: RwLock<Known>,
    signed: Mutex<HashMap<TerminalId, Signed>>,
    counter: Mutex<i64>,
}

#[derive(Default)]
struct Known {
    terminals: HashMap<TerminalId, Arc<Shown>>,
    of_scope: HashMap<ScopeName, HashSet<TerminalId>>,
}

impl Known {
    fn put(&mut self, terminal: Terminal) {
        let id = terminal.id;
        for scope in &terminal.scopes {
            self.of_scope.entry(scope.clone()).or_default().insert(id);
        }
        let terminal = Arc::new(terminal);
        let Some(before) = self.terminals.insert(id, Arc::clone(&terminal)) else { return };
        for left in before.scopes.difference(&terminal.scopes) {
            if let Some(terminals) = self.of_scope.get_mut(left) {
                terminals.remove(&id);
            }
        }
    }
}

impl Terminals {
    /// None yet.
    pub fn new(lifetime: u64) -> Self {
        Self {
            lifetime,
            known: RwLock::default(),
            signed: Mutex::default(),
            counter: Mutex::new(BEFORE_ALL),
        }
    }

    /// The terminal with an id.
    pub fn find(&self, id: &TerminalId) -> Option<Arc<Shown>> {
        read(&self.known).terminals.get(id).cloned()
    }

    /// Wakes the terminals of a scope.
    pub fn wake_scope(&self, scope: &ScopeName, waiting: &Waiting) {
        let known = read(&self.known);
        waiting.wake(known.of_scope.get(scope).into_iter().flatten());
    }

    /// Wakes every terminal.
    pub fn wake_all(&self, waiting: &Waiting) {
        waiting.wake(read(&self.known).terminals.keys());
    }

    /// Takes what changed in the store, and wakes the terminals that it concerns.
    ///
    /// # Errors
    /// [`Error::Store`].
    pub async fn refresh(&self, tx: &mut Tx, waiting: &Waiting) -> Result<()> {
        let before = *lock(&self.counter);
        let (changed, counter) = terminal::changed_after(tx, before).await?;
        let ids: Vec<TerminalId> = changed.iter().map(|terminal| terminal.id).collect();
        {
            let mut known = write(&self.known);
            changed.into_iter().for_each(|terminal| known.put(terminal));
        }
        *lock(&self.counter) = counter;
        waiting.wake(&ids);
        Ok(())
    }

    /// The signed document of a terminal, and when it was issued.
    ///
    /// # Errors
    /// [`Error::Damaged`] for more scopes than a document can hold.
    pub fn document(
        &self,
        terminal: &Shown,
        keys: &Keys,
        now: UnixTime,
    ) -> Result<(Arc<[u8]>, UnixTime)> {
        let by = keys.root().version;
        let mut all = lock(&self.signed);
        if let Some(signed) = all.get(&terminal.id) {
            let fresh =
                now.since(signed.issued) < (self.lifetime / 2).max(1) && now >= signed.issued;
            if (signed.number, signed.by) == (terminal.number, by) && fresh {
                return Ok((Arc::clone(&signed.bytes), signed.issued));
            }
        }
        let document = TerminalDocument {
            terminal: terminal.id,
            number: terminal.number,
            name: terminal.name.clone(),
            scopes: List::new(terminal.scopes.iter().cloned().collect()).map_err(Error::damaged)?,
            status: if terminal.status == TerminalStatus::Active {
                Status::Active
            } else {
                Status::Disabled
            },
            issued: now,
            expires: now.plus(self.lifetime),
        };
        let bytes: Arc<[u8]> = keys.key.sign(&document).into();
        all.insert(
            terminal.id,
            Signed { number: terminal.number, issued: now, by, bytes: Arc::clone(&bytes) },
        );
        Ok((bytes, now))
    }
}
