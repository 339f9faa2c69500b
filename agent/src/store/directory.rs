//! The directory that the server signed, laid out so that one person's evidence costs the same
//! among ten people and among a hundred thousand.
//!
//! ```text
//!   meta      roots, terminal, anchor                    scopes   name -> set, head, policy, 256 hashes
//!   leaves    set, SHA-256(login) -> SHA-256(record)     records  set, SHA-256(login) -> record
//!   members   set, group, SHA-256(login)                 (who may use a shared account)
//! ```
//! What is small is also in memory as a [`View`]; a view and a read transaction taken together show
//! the same state. A *set* is one copy of a scope's rows: a full transfer fills a new set and the old
//! one is removed in the same transaction.

use std::ops::RangeInclusive;
use std::path::Path;
use std::sync::{Arc, PoisonError, RwLock};

use minicbor::{Decode, Encode};
use redb::{ReadOnlyTable, ReadTransaction, ReadableTable, TableError};
use wardkey_core::codec::{self, Bytes, List};
use wardkey_core::directory::{BUCKETS, Bucket, Leaf, Proof, bucket_of, leaf_key};
use wardkey_core::document::{Head, MAX_ROOTS, PolicyDocument, RootDocument, SignedRoot, TerminalDocument};
use wardkey_core::id::{CredentialId, Hash};
use wardkey_core::marks::Marks;
use wardkey_core::message::agent::Candidate;
use wardkey_core::name::{GroupName, LoginName, ScopeName};
use wardkey_core::person::{PersonRecord, Status};
use wardkey_core::sign::Verified;
use wardkey_core::snapshot::{Anchor, Evidence, ScopeEvidence, verify_head, verify_policy, verify_terminal};

use crate::error::AgentError;
use crate::store::db::{Db, Rows};
use crate::store::update::Update;

pub(crate) const META: Rows = Rows::new("meta");
pub(crate) const SCOPES: Rows = Rows::new("scopes");
pub(crate) const LEAVES: Rows = Rows::new("leaves");
pub(crate) const RECORDS: Rows = Rows::new("records");
pub(crate) const MEMBERS: Rows = Rows::new("members");

/// Memory of redb for the directory, in bytes.
const CACHE: usize = 256 * 1024;
/// Candidates for a shared account that a grant can hold.
const MAX_CANDIDATES: usize = 512;

/// A scope as it is kept.
#[derive(Clone, Debug, Encode, Decode)]
#[cbor(map)]
pub(crate) struct ScopeRow {
    #[n(0)]
    pub(crate) set: u32,
    #[n(1)]
    pub(crate) head: Bytes<1024>,
    #[n(2)]
    pub(crate) policy: Bytes<{ 64 * 1024 }>,
    #[n(3)]
    pub(crate) hashes: List<Hash, BUCKETS>,
}

/// A scope in memory.
#[derive(Clone, Debug)]
pub struct ScopeView {
    pub(crate) row: Arc<ScopeRow>,
    /// The head.
    pub head: Verified<Head>,
    /// The policy.
    pub policy: Arc<PolicyDocument>,
}

/// Everything of the directory but the people.
#[derive(Clone, Debug, Default)]
pub struct View {
    /// Root documents, from the anchor's to the current one.
    pub roots: List<SignedRoot, MAX_ROOTS>,
    /// The current root document.
    pub root: Option<Verified<RootDocument>>,
    /// The signed terminal document.
    pub terminal_signed: Bytes<4096>,
    /// The terminal document.
    pub terminal: Option<Verified<TerminalDocument>>,
    /// The scopes that are here; all of the terminal's once it is synchronised.
    pub scopes: Vec<ScopeView>,
}

impl View {
    /// The scope of this name.
    pub fn scope(&self, name: &ScopeName) -> Option<&ScopeView> {
        self.scopes.iter().find(|scope| scope.head.scope == *name)
    }

    /// Whether every scope of the terminal is here.
    pub fn is_complete(&self) -> bool {
        self.root.is_some()
            && self
                .terminal
                .as_ref()
                .is_some_and(|terminal| terminal.scopes.iter().all(|name| self.scope(name).is_some()))
    }

    /// The terminal's scopes in its document's order, as far as they are here.
    pub fn terminal_scopes(&self) -> impl Iterator<Item = &ScopeView> {
        self.terminal.iter().flat_map(|terminal| terminal.scopes.iter()).filter_map(|name| self.scope(name))
    }

    /// Whether any scope shares the account.
    pub fn is_shared(&self, account: &LoginName) -> bool {
        self.terminal_scopes().any(|scope| scope.policy.shared_account(account).is_some())
    }
}

/// The directory.
#[derive(Debug)]
pub struct Directory {
    pub(crate) db: Db,
    view: RwLock<Arc<View>>,
}

impl Directory {
    /// Opens the directory and verifies what is in it from the anchor down. What does not hold, or is
    /// another deployment's, is removed: it can be fetched again.
    ///
    /// # Errors
    /// [`AgentError`] when the file cannot be opened.
    pub fn open(path: &Path, anchor: Option<&Anchor>) -> Result<Self, AgentError> {
        let directory = Self { db: Db::open(path, CACHE, 0)?, view: RwLock::default() };
        directory.load(anchor)?;
        Ok(directory)
    }

    /// Reads the view again, for this anchor.
    ///
    /// # Errors
    /// [`AgentError`] when the store cannot be used.
    pub fn load(&self, anchor: Option<&Anchor>) -> Result<(), AgentError> {
        let view = match anchor {
            None => View::default(),
            Some(anchor) => match self.db.read(|transaction| read_view(transaction, anchor)) {
                Ok(view) => view,
                Err(error @ (AgentError::Store(_) | AgentError::Full)) => return Err(error),
                Err(error) => {
                    crate::log::warning(format_args!("directory does not verify and is fetched again: {error}"));
                    self.clear()?;
                    View::default()
                }
            },
        };
        *self.view.write().unwrap_or_else(PoisonError::into_inner) = Arc::new(view);
        Ok(())
    }

    /// Removes everything.
    ///
    /// # Errors
    /// [`AgentError`] when the store cannot be used.
    pub fn clear(&self) -> Result<(), AgentError> {
        self.db.write(|transaction| {
            transaction.delete_table(META)?;
            transaction.delete_table(SCOPES)?;
            transaction.delete_table(LEAVES)?;
            transaction.delete_table(RECORDS)?;
            transaction.delete_table(MEMBERS)?;
            Ok(())
        })?;
        *self.view.write().unwrap_or_else(PoisonError::into_inner) = Arc::default();
        Ok(())
    }

    /// Closes the file; every later use is an error.
    pub fn close(&self) {
        self.db.close();
    }

    /// The view as it is now.
    pub fn view(&self) -> Arc<View> {
        Arc::clone(&self.view.read().unwrap_or_else(PoisonError::into_inner))
    }

    /// Changes the directory in one durable transaction; nothing is changed when `work` fails.
    ///
    /// # Errors
    /// Those of the store and of `work`.
    pub fn update<T>(&self, work: impl FnOnce(&mut Update<'_>) -> Result<T, AgentError>) -> Result<T, AgentError> {
        let transaction = self.db.begin_write()?;
        let (result, view) = {
            let mut update = Update::new(&transaction, View::clone(&self.view()));
            let result = self.db.note(work(&mut update))?;
            (result, update.into_view())
        };
        // Readers take view and transaction under the same lock: both old or both new.
        let mut current = self.view.write().unwrap_or_else(PoisonError::into_inner);
        self.db.commit(transaction)?;
        *current = Arc::new(view);
        Ok(result)
    }

    /// Evidence for a person, present or absent. `None` while a scope is missing.
    ///
    /// # Errors
    /// [`AgentError`] when the store cannot be used.
    pub fn evidence(&self, login: &LoginName) -> Result<Option<Evidence>, AgentError> {
        self.consistent(|view, transaction| {
            if !view.is_complete() {
                return Ok(None);
            }
            let tables = Tables::open(transaction)?;
            let key = leaf_key(login);
            let scopes = view
                .terminal_scopes()
                .map(|scope| {
                    Ok(ScopeEvidence {
                        head: Bytes::new(scope.row.head.as_slice())?,
                        policy: Bytes::new(scope.row.policy.as_slice())?,
                        proof: tables.proof(&scope.row, &key)?,
                    })
                })
                .collect::<Result<Vec<_>, AgentError>>()?;
            Ok(Some(Evidence {
                roots: view.roots.clone(),
                terminal: Bytes::new(view.terminal_signed.as_slice())?,
                scopes: List::new(scopes)?,
            }))
        })
    }

    /// The person's record in the first scope that has one; not verified.
    ///
    /// # Errors
    /// [`AgentError`] when the store cannot be used.
    pub fn person(&self, login: &LoginName) -> Result<Option<PersonRecord>, AgentError> {
        let key = leaf_key(login);
        self.consistent(|view, transaction| {
            let tables = Tables::open(transaction)?;
            for scope in view.terminal_scopes() {
                if let Some(bytes) = tables.record(scope.row.set, &key)? {
                    return Ok(Some(codec::from_bytes(&bytes)?));
                }
            }
            Ok(None)
        })
    }

    /// Who may use a shared account: active keys of active people in one of its groups, those whom
    /// `is_seen` knows first, 512 credentials at most.
    ///
    /// # Errors
    /// [`AgentError`] when the store cannot be used.
    pub fn candidates(
        &self,
        account: &LoginName,
        is_seen: impl Fn(&Hash) -> bool,
    ) -> Result<List<Candidate, MAX_CANDIDATES>, AgentError> {
        self.consistent(|view, transaction| {
            let Some(root) = &view.root else { return Ok(List::default()) };
            let tables = Tables::open(transaction)?;
            let mut found: Vec<Candidate> = Vec::new();
            let mut people = std::collections::BTreeSet::new();
            for scope in view.terminal_scopes() {
                let Some(rule) = scope.policy.shared_account(account) else { continue };
                for group in rule.groups.iter() {
                    people.extend(
                        tables
                            .members(scope.row.set, group)?
                            .into_iter()
                            .map(|key| (!is_seen(&key), key, scope.row.set)),
                    );
                }
            }
            let mut done = std::collections::HashSet::new();
            for (_, key, set) in people {
                if found.len() >= MAX_CANDIDATES {
                    break;
                }
                if !done.insert(key) {
                    continue;
                }
                let Some(bytes) = tables.record(set, &key)? else { continue };
                let person: PersonRecord = codec::from_bytes(&bytes)?;
                if person.status != Status::Active {
                    continue;
                }
                let ids: Vec<CredentialId> = person.allow_list(&root.rp_id);
                found.extend(ids.into_iter().map(|credential| Candidate { person: person.login.clone(), credential }));
            }
            found.truncate(MAX_CANDIDATES);
            Ok(List::new(found)?)
        })
    }

    fn consistent<T>(
        &self,
        work: impl FnOnce(&View, &ReadTransaction) -> Result<T, AgentError>,
    ) -> Result<T, AgentError> {
        let guard = self.view.read().unwrap_or_else(PoisonError::into_inner);
        let view = Arc::clone(&guard);
        let transaction = self.db.begin_read()?;
        drop(guard);
        self.db.note(work(&view, &transaction))
    }
}

/// The row key of a person in a set.
pub(crate) fn row_key(set: u32, key: &Hash) -> [u8; 36] {
    let mut out = [0; 36];
    out.iter_mut().zip(set.to_be_bytes().iter().chain(key.as_bytes())).for_each(|(to, from)| *to = *from);
    out
}

/// The row keys of a whole set.
pub(crate) fn set_range(set: u32) -> RangeInclusive<[u8; 36]> {
    row_key(set, &Hash::new([0; 32]))..=row_key(set, &Hash::new([0xff; 32]))
}

/// The row keys of a bucket.
pub(crate) fn bucket_range(set: u32, bucket: u8) -> RangeInclusive<[u8; 36]> {
    let edge = |fill: u8| {
        let mut bytes = [fill; 32];
        bytes.iter_mut().take(1).for_each(|byte| *byte = bucket);
        row_key(set, &Hash::new(bytes))
    };
    edge(0)..=edge(0xff)
}

/// The beginning of the member rows of a group.
pub(crate) fn member_prefix(set: u32, group: &GroupName) -> Vec<u8> {
    [&set.to_be_bytes()[..], group.as_str().as_bytes(), &[0]].concat()
}

/// The leaf of a row.
pub(crate) fn leaf_of(key: &[u8], value: &[u8]) -> Result<Leaf, AgentError> {
    Ok(Leaf { key: Hash::from_slice(key.get(4..).unwrap_or_default())?, value: Hash::from_slice(value)? })
}

type OneTable = ReadOnlyTable<&'static [u8], &'static [u8]>;

struct Tables {
    leaves: Option<OneTable>,
    records: Option<OneTable>,
    members: Option<OneTable>,
}

impl Tables {
    fn open(transaction: &ReadTransaction) -> Result<Self, AgentError> {
        Ok(Self {
            leaves: existing(transaction.open_table(LEAVES))?,
            records: existing(transaction.open_table(RECORDS))?,
            members: existing(transaction.open_table(MEMBERS))?,
        })
    }

    fn proof(&self, row: &ScopeRow, key: &Hash) -> Result<Proof, AgentError> {
        let number = bucket_of(key);
        let others = row.hashes.iter().enumerate().filter(|(at, _)| *at != usize::from(number)).map(|(_, hash)| *hash);
        let mut leaves = Vec::new();
        if let Some(table) = &self.leaves {
            let range = bucket_range(row.set, number);
            for entry in table.range::<&[u8]>(range.start().as_slice()..=range.end().as_slice())? {
                let (key, value) = entry?;
                leaves.push(leaf_of(key.value(), value.value())?);
            }
        }
        Ok(Proof {
            others: List::new(others.collect())?,
            bucket: Bucket::new(leaves)?,
            record: self.record(row.set, key)?.map(Bytes::new).transpose()?,
        })
    }

    fn record(&self, set: u32, key: &Hash) -> Result<Option<Vec<u8>>, AgentError> {
        let Some(table) = &self.records else { return Ok(None) };
        Ok(table.get(row_key(set, key).as_slice())?.map(|record| record.value().to_vec()))
    }

    fn members(&self, set: u32, group: &GroupName) -> Result<Vec<Hash>, AgentError> {
        let Some(table) = &self.members else { return Ok(Vec::new()) };
        let prefix = member_prefix(set, group);
        let mut keys = Vec::new();
        for entry in table.range::<&[u8]>(prefix.as_slice()..)? {
            let key = entry?.0.value().to_vec();
            let Some(person) = key.strip_prefix(prefix.as_slice()) else { break };
            keys.push(Hash::from_slice(person)?);
        }
        Ok(keys)
    }
}

pub(crate) fn existing<T>(table: Result<T, TableError>) -> Result<Option<T>, AgentError> {
    match table {
        Ok(table) => Ok(Some(table)),
        Err(TableError::TableDoesNotExist(_)) => Ok(None),
        Err(error) => Err(error.into()),
    }
}

fn read_view(transaction: &ReadTransaction, anchor: &Anchor) -> Result<View, AgentError> {
    let Some(meta) = existing(transaction.open_table(META))? else { return Ok(View::default()) };
    let value = |name: &str| -> Result<Option<Vec<u8>>, AgentError> {
        Ok(meta.get(name.as_bytes())?.map(|value| value.value().to_vec()))
    };
    let mut view = View::default();
    let Some(roots) = value("roots")? else { return Ok(view) };
    view.roots = codec::from_message(&roots)?;
    let root = SignedRoot::verify_chain(&view.roots, &anchor.root_key)?;
    // The marks were applied when this was written, and the module applies its own.
    let marks = Marks::default();
    if let Some(signed) = value("terminal")? {
        view.terminal = Some(verify_terminal(&signed, &root, anchor, &marks)?);
        view.terminal_signed = Bytes::new(signed)?;
    }
    if let Some(scopes) = existing(transaction.open_table(SCOPES))? {
        for entry in scopes.iter()? {
            let (_, row) = entry?;
            let row: ScopeRow = codec::from_message(row.value())?;
            let head = verify_head(row.head.as_slice(), &root, &marks)?;
            let policy = Arc::new(verify_policy(row.policy.as_slice(), &head)?);
            view.scopes.push(ScopeView { row: Arc::new(row), head, policy });
        }
    }
    view.root = Some(root);
    Ok(view)
}
