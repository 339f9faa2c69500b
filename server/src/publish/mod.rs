//! The publisher: signed heads and terminal documents, and who is told of them.
//!
//! ```text
//!   store ──(read transaction)──> table per scope ──> state root ──> signed head ──> Shown
//!     ^ data_version, 100 ms                                          generation ──> /v1/wait
//! ```
//! Tables are built from the store on start and kept up by the rows that are new. What is shown is
//! replaced whole, so that a request sees one state. Heads are signed again at half of their life, by
//! a time that is judged first ([`time`]).

mod follow;
mod table;
mod terminals;
pub mod time;

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, PoisonError, RwLock};

use tokio::sync::watch;
use tokio::time::Instant;
use wardkey_core::code::Code;
use wardkey_core::document::{Head, RootDocument, SignedRoot};
use wardkey_core::id::{Nonce, TerminalId};
use wardkey_core::name::ScopeName;
use wardkey_core::server_time::ServerTime;
use wardkey_core::sign::{self, SigningKey};
use wardkey_core::time::UnixTime;

use self::time::{SigningTime, Trouble};
use crate::clock::Clock;
use crate::error::{Error, Result};
use crate::pki::TerminalCertificate;
use crate::store::audit::{self, Act, Actor};
use crate::store::scope::Scope;
use crate::store::state::StateRow;
use crate::store::terminal::TerminalStatus;
use crate::store::{Store, clock, scope, setting, state};
pub use follow::{follow, keep_time};
use table::Table;
pub use terminals::Shown as ShownTerminal;
use terminals::Terminals;

/// Rows of one page of changes.
pub const PAGE_ROWS: usize = 1000;
/// Bytes of records in one page: 4 MB as base64.
pub const PAGE_BYTES: usize = 3 * 1000 * 1000;

/// A scope as it is published.
#[derive(Clone, Debug)]
pub struct Shown {
    /// The head.
    pub head: Head,
    /// The head, signed.
    pub signed: Arc<[u8]>,
    /// Why it is not published, when it is not.
    pub halted: Option<String>,
}

/// A page of changes.
#[derive(Clone, Debug)]
pub struct Page {
    /// The head, signed; true once all pages are applied, when this is the last.
    pub head: Arc<[u8]>,
    /// Rows, ascending.
    pub rows: Vec<StateRow>,
    /// Whether another page follows.
    pub more: bool,
}

/// Signs and shows what the store says.
pub struct Publisher {
    store: Store,
    clock: Clock,
    time: SigningTime,
    key: SigningKey,
    lifetime: u64,
    roots: Vec<SignedRoot>,
    root: RootDocument,
    working: tokio::sync::Mutex<BTreeMap<ScopeName, Table>>,
    shown: RwLock<Arc<BTreeMap<ScopeName, Shown>>>,
    terminals: Terminals,
    generation: watch::Sender<u64>,
    beat: Mutex<Instant>,
}

impl Publisher {
    /// Reads the whole store and signs every head.
    ///
    /// # Errors
    /// [`Error::Store`], [`Error::Damaged`]; [`Error::Configuration`] when the publish key is not
    /// one that the root document names.
    pub async fn start(store: Store, key: SigningKey, lifetime: u64, clock: Clock) -> Result<Self> {
        let mut tx = store.read().await?;
        let (roots, root) = setting::roots(&mut tx).await?;
        let stored = clock::read(&mut tx).await?;
        drop(tx);
        if !root.publish_keys.contains(&key.public()) {
            return Err(Error::Configuration {
                path: "publish.key".into(),
                message: "the root document does not name this key; restore the right one".into(),
            });
        }
        let publisher = Self {
            terminals: Terminals::new(lifetime),
            store,
            time: SigningTime::new(clock.clone(), stored),
            clock,
            key,
            lifetime,
            roots,
            root,
            working: tokio::sync::Mutex::default(),
            shown: RwLock::default(),
            generation: watch::Sender::new(0),
            beat: Mutex::new(Instant::now()),
        };
        publisher.refresh().await?;
        publisher.keep_time().await?;
        Ok(publisher)
    }

    /// The chain of root documents.
    pub fn roots(&self) -> &[SignedRoot] {
        &self.roots
    }

    /// The current root document.
    pub const fn root(&self) -> &RootDocument {
        &self.root
    }

    /// Changes whenever something new is shown.
    pub fn subscribe(&self) -> watch::Receiver<u64> {
        self.generation.subscribe()
    }

    /// All scopes as they are shown now.
    pub fn shown(&self) -> Arc<BTreeMap<ScopeName, Shown>> {
        Arc::clone(&self.shown.read().unwrap_or_else(PoisonError::into_inner))
    }

    /// A terminal as it is known now.
    pub fn terminal(&self, id: &TerminalId) -> Option<Arc<ShownTerminal>> {
        self.terminals.find(id)
    }

    /// Whether a verified certificate has the room of its terminal: the newest, or the one before until
    /// that is used, of a terminal that is not revoked. Any other is one more address.
    pub fn counts(&self, certificate: &TerminalCertificate) -> bool {
        self.terminal(&certificate.terminal)
            .is_some_and(|terminal| terminal.takes(&certificate.serial) && terminal.status != TerminalStatus::Revoked)
    }

    /// Whether a verified certificate was its terminal's and is no longer: another machine took the
    /// place, or a newer certificate is in use.
    pub fn is_replaced(&self, certificate: &TerminalCertificate) -> bool {
        self.terminal(&certificate.terminal).is_some_and(|terminal| !terminal.takes(&certificate.serial))
    }

    /// The signed document of a terminal and when it was issued: signed again at half of its life.
    pub fn terminal_document(&self, terminal: &ShownTerminal) -> Result<(Arc<[u8]>, UnixTime)> {
        self.terminals.document(terminal, &self.key, self.time.now())
    }

    /// The time by which is signed: stands still while the clock is not plausible.
    pub fn time(&self) -> UnixTime {
        self.time.now()
    }

    /// The same, for what cannot be mended later, such as certificates.
    ///
    /// # Errors
    /// [`Error::Refused`] with [`Code::ServerClock`] while the clock is not plausible.
    pub fn sure_time(&self) -> Result<UnixTime> {
        match self.time.trouble() {
            None => Ok(self.time.now()),
            Some(trouble) => Err(Error::refused(Code::ServerClock, trouble.to_string())),
        }
    }

    /// The time, signed for a terminal that asks for it with a challenge.
    ///
    /// # Errors
    /// [`Code::ServerClock`] while the clock is not to be trusted.
    pub fn sign_time(&self, terminal: TerminalId, nonce: Nonce) -> Result<Vec<u8>> {
        Ok(self.key.sign(&ServerTime { terminal, nonce, time: self.sure_time()? }))
    }

    /// What is wrong with the clock.
    pub fn clock_trouble(&self) -> Option<Trouble> {
        self.time.trouble()
    }

    /// When the store was last looked at with success: what does not beat is to be restarted.
    pub fn last_beat(&self) -> Instant {
        *self.beat.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Brings everything up to date with the store; wakes who waits when something is new.
    ///
    /// # Errors
    /// [`Error::Store`], [`Error::Damaged`]; what was shown stays shown.
    pub async fn refresh(&self) -> Result<()> {
        let mut working = self.working.lock().await;
        let mut tx = self.store.read().await?;
        self.time.take(clock::read(&mut tx).await?);
        let scopes = scope::list(&mut tx).await?;
        let mut news = false;
        for row in &scopes {
            news |= self.bring_up(&mut working, &mut tx, row).await?;
        }
        news |= self.terminals.refresh(&mut tx).await?;
        drop(tx);
        if news {
            self.generation.send_modify(|generation| *generation += 1);
        }
        Ok(())
    }

    /// A page of changes of a scope after `since`, with a head of the same moment.
    ///
    /// # Errors
    /// [`Error::Refused`] when the scope is not known or is halted.
    pub async fn changes(&self, name: &ScopeName, since: u64) -> Result<Page> {
        // The lock is held while the page is read: rows and head are of one transaction, also when a
        // change is committed meanwhile. A page is milliseconds.
        let mut working = self.working.lock().await;
        let mut tx = self.store.read().await?;
        let row = scope::get(&mut tx, name).await?;
        let news = self.bring_up(&mut working, &mut tx, &row).await?;
        let shown = self.shown().get(name).cloned().ok_or_else(|| Error::not_found(format!("scope {name}")))?;
        if let Some(why) = &shown.halted {
            return Err(halted(name, why));
        }
        let until = row.position.seq;
        let (rows, more) = state::page(&mut tx, name, (since, until), PAGE_ROWS, PAGE_BYTES).await?;
        drop(working);
        if news {
            self.generation.send_modify(|generation| *generation += 1);
        }
        Ok(Page { head: shown.signed, rows, more })
    }

    /// Takes note of what a terminal has. Ahead of the server, or the same position with another
    /// root: the store was restored without raising the epoch, so this scope is published no more. Only
    /// a head that this deployment signed proves it: a terminal's word alone would let one taken-over
    /// terminal silence a scope for all.
    ///
    /// # Errors
    /// [`Error::Store`].
    pub async fn compare(&self, terminal: &TerminalId, name: &ScopeName, signed: &[u8]) -> Result<()> {
        let Ok(head) = sign::verify::<Head>(signed, &self.root().publish_keys) else { return Ok(()) };
        if head.scope != *name {
            return Ok(());
        }
        let (position, root) = (head.position(), &head.root);
        let shown = self.shown();
        let Some(here) = shown.get(name).filter(|shown| shown.halted.is_none()) else { return Ok(()) };
        let ahead = position > here.head.position();
        let fork = position == here.head.position() && *root != here.head.root;
        if !ahead && !fork {
            return Ok(());
        }
        // What is shown may be a moment behind the store.
        self.refresh().await?;
        let shown = self.shown();
        let Some(here) = shown.get(name).filter(|shown| shown.halted.is_none()) else { return Ok(()) };
        let why = if position > here.head.position() {
            format!("terminal {terminal} has {position}, the server {}", here.head.position())
        } else if position == here.head.position() && *root != here.head.root {
            format!("terminal {terminal} has another state at {position}")
        } else {
            return Ok(());
        };
        let mut tx = self.store.write().await?;
        if scope::halt(&mut tx, name, &why).await? {
            let act = Act::new("scope.halt", name.as_str()).with(&why);
            audit::record(&mut tx, self.clock.now(), &Actor::server(), act).await?;
        }
        tx.commit().await?;
        tracing::error!(code = "WK-1111", scope = %name, why, "publishing of this scope stopped; see \"epoch raise\"");
        self.refresh().await
    }

    /// Writes how far was signed, so that the next start can tell; and when the clock stopped being
    /// plausible or came right, records it.
    ///
    /// # Errors
    /// [`Error::Store`].
    pub async fn keep_time(&self) -> Result<()> {
        let Some(unwritten) = self.time.unwritten() else { return Ok(()) };
        let mut tx = self.store.write().await?;
        // What an administrator confirmed meanwhile is taken by the next refresh, and not undone here.
        if clock::read(&mut tx).await?.confirmation != unwritten.confirmation {
            return Ok(());
        }
        let refused = match unwritten.trouble {
            Some(Trouble::Ahead(jump)) => Some(jump),
            Some(Trouble::Behind(_)) | None => None,
        };
        clock::write(&mut tx, unwritten.signed, refused).await?;
        if unwritten.turned {
            let (action, detail) = match unwritten.trouble {
                Some(trouble) => ("clock.refused", trouble.to_string()),
                None => ("clock.plausible", "signing goes on".to_owned()),
            };
            // The trail has the time that is believed: a row of 2031 would look like tampering later.
            audit::record(&mut tx, unwritten.signed, &Actor::server(), Act::new(action, "clock").with(&detail)).await?;
        }
        tx.commit().await?;
        self.time.written(&unwritten);
        if unwritten.turned && unwritten.trouble.is_none() {
            tracing::info!("the clock is plausible; signing goes on");
        }
        Ok(())
    }

    /// Brings one scope up to date and signs its head when it is new or half of its life is over.
    async fn bring_up(
        &self,
        working: &mut BTreeMap<ScopeName, Table>,
        tx: &mut crate::store::Tx,
        row: &Scope,
    ) -> Result<bool> {
        let table = match working.get_mut(&row.name) {
            Some(table) => table,
            None => working.entry(row.name.clone()).or_insert_with(Table::new),
        };
        table.follow(tx, row).await?;
        let root = table.root()?;
        let now = self.time.now();
        let shown = self.shown();
        let before = shown.get(&row.name);
        if let Some(before) = before {
            let same = before.head.position() == row.position
                && before.head.policy == row.policy
                && before.halted == row.halted
                && before.head.root == root;
            // Lower only after a confirmation, and then all is signed again.
            let fresh = now.since(before.head.issued) < (self.lifetime / 2).max(1) && now >= before.head.issued;
            if same && fresh {
                return Ok(false);
            }
        }
        let head = Head {
            scope: row.name.clone(),
            epoch: row.position.epoch,
            seq: row.position.seq,
            root,
            count: table.count(),
            policy: row.policy,
            issued: now,
            expires: now.plus(self.lifetime),
        };
        let signed = self.key.sign(&head).into();
        let mut next = (*shown).clone();
        next.insert(row.name.clone(), Shown { head, signed, halted: row.halted.clone() });
        *self.shown.write().unwrap_or_else(PoisonError::into_inner) = Arc::new(next);
        Ok(true)
    }
}

impl std::fmt::Debug for Publisher {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Publisher({:?})", self.store.path())
    }
}

/// The refusal of a scope that is not published.
pub fn halted(name: &ScopeName, why: &str) -> Error {
    Error::refused(
        Code::ServerBehind,
        format!("scope {name} is not published: {why}; if the store was restored, run \"wardkey-server epoch raise\""),
    )
}
