//! Signs and shows what the store says.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, RwLock, RwLockReadGuard};

use tokio::sync::watch;
use tokio::time::Instant;
use wardkey_core::code::Code;
use wardkey_core::document::Head;
use wardkey_core::id::{Nonce, TerminalId};
use wardkey_core::name::ScopeName;
use wardkey_core::server_time::ServerTime;
use wardkey_core::time::UnixTime;

use super::addresses::Told;
use super::ahead::Ahead;
use super::board::{Board, Shown, halted};
use super::keys::Keys;
use super::recent::Recent;
use super::table::Table;
use super::terminals::{Shown as ShownTerminal, Terminals};
use super::time::{SigningTime, Trouble};
use super::waiting::Waiting;
use crate::clock::Clock;
use crate::error::{Error, Result};
use crate::keyring::Keyring;
use crate::lock::{lock, read};
use crate::store::counter::BEFORE_ALL;
use crate::store::scope::Scope;
use crate::store::state::StateRow;
use crate::store::{Store, Tx, address, clock, restored, scope, state};

/// Rows of one page of changes.
pub const PAGE_ROWS: usize = 1000;
/// Bytes of records in one page: 4 MB as base64.
pub const PAGE_BYTES: usize = 3 * 1000 * 1000;

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
    pub(super) store: Store,
    pub(super) clock: Clock,
    pub(super) time: SigningTime,
    lifetime: u64,
    pub(super) keyring: Keyring,
    pub(super) keys: RwLock<Arc<Keys>>,
    /// When the keys of a root document that is there could last not be read.
    pub(super) unread: Mutex<Option<Instant>>,
    /// Held for writing while the keys are exchanged and all is signed again.
    pub(super) steady: RwLock<()>,
    working: tokio::sync::Mutex<Working>,
    /// How often the store was looked at.
    looks: AtomicU64,
    pub(super) board: Board,
    pub(super) told: Told,
    pub(super) terminals: Terminals,
    pub(super) waiting: Waiting,
    pub(super) ahead: Ahead,
    beat: Mutex<Instant>,
}

/// What the publisher has read of the store.
struct Working {
    tables: BTreeMap<ScopeName, Table>,
    /// The latest change of a scope that was taken.
    counter: i64,
    /// The latest look at the store that worked.
    looked: u64,
}

impl Publisher {
    /// Reads the whole store and signs every head.
    ///
    /// # Errors
    /// [`Error::Store`], [`Error::Damaged`]; [`Error::Configuration`] when the publish key is not
    /// one that the root document names.
    pub async fn start(
        store: Store,
        keyring: Keyring,
        lifetime: u64,
        clock: Clock,
    ) -> Result<Self> {
        let mut tx = store.read().await?;
        let keys = Keys::read(&mut tx, &keyring).await?;
        let stored = clock::read(&mut tx).await?;
        let ahead = Ahead::of(restored::positions(&mut tx).await?);
        drop(tx);
        keys.settle(&keyring);
        let publisher = Self {
            terminals: Terminals::new(lifetime),
            store,
            time: SigningTime::new(clock.clone(), stored),
            clock,
            lifetime,
            keyring,
            keys: RwLock::new(keys),
            unread: Mutex::default(),
            steady: RwLock::new(()),
            working: tokio::sync::Mutex::new(Working {
                tables: BTreeMap::new(),
                counter: BEFORE_ALL,
                looked: 0,
            }),
            looks: AtomicU64::new(0),
            board: Board::default(),
            told: Told::default(),
            waiting: Waiting::default(),
            ahead,
            beat: Mutex::new(Instant::now()),
        };
        publisher.refresh().await?;
        publisher.keep_time().await?;
        Ok(publisher)
    }

    /// The keys by which is published now, with their root documents.
    pub fn keys(&self) -> Arc<Keys> {
        Arc::clone(&read(&self.keys))
    }

    /// Keeps the keys from being exchanged: what is signed and shown meanwhile is of the same ones.
    pub fn hold_keys(&self) -> RwLockReadGuard<'_, ()> {
        read(&self.steady)
    }

    /// Changes whenever something that concerns the terminal is shown.
    pub fn subscribe(&self, terminal: &TerminalId) -> watch::Receiver<u64> {
        self.waiting.subscribe(terminal)
    }

    /// All scopes as they are shown now.
    pub fn shown(&self) -> BTreeMap<ScopeName, Arc<Shown>> {
        self.board.all()
    }

    /// Those of a terminal's scopes that are shown now.
    pub fn shown_to(&self, terminal: &ShownTerminal) -> Vec<(ScopeName, Arc<Shown>)> {
        self.board.some(&terminal.scopes)
    }

    /// A terminal as it is known now.
    pub fn terminal(&self, id: &TerminalId) -> Option<Arc<ShownTerminal>> {
        self.terminals.find(id)
    }

    /// The signed document of a terminal and when it was issued: signed again at half of its life.
    pub fn terminal_document(&self, terminal: &ShownTerminal) -> Result<(Arc<[u8]>, UnixTime)> {
        self.terminals.document(terminal, &self.keys(), self.time.now())
    }

    /// The time of signatures: stands still while the clock is not plausible.
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
            Some(trouble) => Err(Error::refused(Code::ServerClock, trouble.phrase())),
        }
    }

    /// The time, signed for a terminal that asks for it with a challenge.
    ///
    /// # Errors
    /// [`Code::ServerClock`] while the clock is not to be trusted.
    pub fn sign_time(&self, terminal: TerminalId, nonce: Nonce) -> Result<Vec<u8>> {
        Ok(self.keys().key.sign(&ServerTime { terminal, nonce, time: self.sure_time()? }))
    }

    /// What is wrong with the clock.
    pub fn clock_trouble(&self) -> Option<Trouble> {
        self.time.trouble()
    }

    /// Whether a head is due to be signed again.
    pub(super) fn is_due(&self) -> bool {
        self.board.is_due(self.time.now(), self.half_life())
    }

    fn half_life(&self) -> u64 {
        (self.lifetime / 2).max(1)
    }

    /// The store was looked at with success.
    pub(super) fn note_beat(&self) {
        *lock(&self.beat) = Instant::now();
    }

    /// When the store was last looked at with success: what does not beat is to be restarted.
    pub fn last_beat(&self) -> Instant {
        *lock(&self.beat)
    }

    /// Takes what changed in the store, signs what is due, and wakes the terminals that it
    /// concerns. Of many that ask at once, after a restart, one looks for all.
    ///
    /// # Errors
    /// [`Error::Store`], [`Error::Damaged`]; what was shown stays shown.
    pub async fn refresh(&self) -> Result<()> {
        let asked = self.looks.load(Ordering::SeqCst);
        let mut working = self.working.lock().await;
        // Begun after this was asked, so it has seen all that was committed before.
        if working.looked > asked {
            return Ok(());
        }
        let look = self.looks.fetch_add(1, Ordering::SeqCst) + 1;
        let mut tx = self.store.read().await?;
        self.time.take(clock::read(&mut tx).await?);
        let (version, authorities, addresses) = address::published(&mut tx).await?;
        self.follow_keys(&mut tx, (version, &authorities)).await?;

        let (changed, counter) = scope::changed_after(&mut tx, working.counter).await?;
        for row in &changed {
            self.bring_up(&mut working, &mut tx, row).await?;
        }
        working.counter = counter;

        self.terminals.refresh(&mut tx, &self.waiting).await?;
        self.follow_addresses(addresses);
        self.sign_due();
        working.looked = look;
        Ok(())
    }

    /// Keeps everybody else from publishing.
    #[cfg(test)]
    pub(super) async fn hold_work(&self) -> impl Sized + '_ {
        self.working.lock().await
    }

    /// A page of changes of a scope after `since`, with a head of the same moment.
    ///
    /// # Errors
    /// [`Error::Refused`] when the scope is not known or is halted.
    pub async fn changes(&self, name: &ScopeName, since: u64) -> Result<Page> {
        // Rows and head are of one transaction, also when a change is committed meanwhile. Nearly
        // always the head that is shown is that of the transaction, and nobody waits for anybody.
        let mut tx = self.store.read().await?;
        let row = scope::get(&mut tx, name).await?;
        let shown = self.board.get(name).filter(|shown| says(shown, &row));
        if let Some(shown) = shown {
            return page(&mut tx, name, &shown, since).await;
        }

        // Nobody else publishes what is newer than this transaction before the page is read.
        drop(tx);
        let mut working = self.working.lock().await;
        let mut tx = self.store.read().await?;
        let row = scope::get(&mut tx, name).await?;
        self.bring_up(&mut working, &mut tx, &row).await?;
        let shown = self.board.get(name).ok_or_else(|| scope::unknown(name))?;
        page(&mut tx, name, &shown, since).await
    }

    /// Brings one scope up to date and signs its head when it is new or half of its life is over.
    async fn bring_up(&self, working: &mut Working, tx: &mut Tx, row: &Scope) -> Result<()> {
        let table = match working.tables.get_mut(&row.name) {
            Some(table) => table,
            None => working.tables.entry(row.name.clone()).or_insert_with(Table::new),
        };
        table.follow(tx, row).await?;
        let root = table.root()?;
        let now = self.time.now();
        if let Some(before) = self.board.get(&row.name) {
            let same = says(&before, row) && before.head.root == root;
            // Lower only after a confirmation, and then all is signed again.
            let fresh =
                now.since(before.head.issued) < self.half_life() && now >= before.head.issued;
            if same && fresh {
                return Ok(());
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
        self.show(head, row.halted.clone(), table.recent().clone());
        Ok(())
    }

    /// Signs the heads again whose life is half over. They say what they said, so the store is not
    /// asked.
    fn sign_due(&self) {
        let now = self.time.now();
        for name in self.board.due(now, self.half_life()) {
            if let Some(shown) = self.board.get(&name) {
                self.sign_again(&shown, now);
            }
        }
    }

    pub(super) fn sign_again(&self, shown: &Shown, now: UnixTime) {
        let head = Head { issued: now, expires: now.plus(self.lifetime), ..shown.head.clone() };
        self.show(head, shown.halted.clone(), shown.recent.clone());
    }

    /// Signs a head and shows it; whoever waits for it is woken before anything else can happen.
    fn show(&self, head: Head, halted: Option<String>, recent: Recent) {
        let name = head.scope.clone();
        let signed = self.keys().key.sign(&head).into();
        self.board.put(&name, Shown { head, signed, halted, recent });
        self.terminals.wake_scope(&name, &self.waiting);
    }
}

/// Whether what is shown is what the store says. The same position has the same rows.
fn says(shown: &Shown, row: &Scope) -> bool {
    shown.head.position() == row.position
        && shown.head.policy == row.policy
        && shown.halted == row.halted
}

/// A page of the transaction in which a head is true.
async fn page(tx: &mut Tx, name: &ScopeName, shown: &Shown, since: u64) -> Result<Page> {
    if let Some(why) = &shown.halted {
        return Err(halted(name, why));
    }
    let part = (since, shown.head.seq);
    let (rows, more) = state::page(tx, name, part, PAGE_ROWS, PAGE_BYTES).await?;
    Ok(Page { head: Arc::clone(&shown.signed), rows, more })
}

impl std::fmt::Debug for Publisher {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Publisher({:?})", self.store.path())
    }
}
