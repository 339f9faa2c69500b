//! The directory that the server signed, laid out so that one person's evidence costs the same
//! among ten people and among a hundred thousand.
//!
//! ```text
//!   meta     roots, terminal, anchor                 scopes  name -> set, head, policy, 256 hashes
//!   leaves   set, SHA-256(login) -> SHA-256(record)  records set, SHA-256(login) -> record
//!   members  set, group, SHA-256(login)              (who may use a shared account)
//! ```
//! What is small is also in memory as a [`View`]; a view and a read transaction taken together show
//! the same state. A *set* is one copy of a scope's rows: a full transfer fills a new set and the
//! old one is removed in the same transaction.

use std::collections::HashSet;
use std::path::Path;
use std::sync::{Arc, RwLock};

use redb::ReadTransaction;
use wardkey_core::codec::{self, Bytes, List};
use wardkey_core::directory::leaf_key;
use wardkey_core::document::RootDocument;
use wardkey_core::id::{CredentialId, Hash};
use wardkey_core::message::MAX_KEY_FRAME;
use wardkey_core::message::agent::{
    CANDIDATES_PER_PAGE, Candidate, CandidatePage, Candidates, PEOPLE_PER_PAGE, People, PeoplePage,
};
use wardkey_core::name::LoginName;
use wardkey_core::person::{PersonRecord, Status};
use wardkey_core::snapshot::{Anchor, Evidence, ScopeEvidence};

use crate::error::AgentError;
use crate::lock::{read, write};
use crate::store::db::Db;
use crate::store::members::Members;
use crate::store::rows::{LEAVES, MEMBERS, META, RECORDS, SCOPES, Tables};
use crate::store::update::Update;
use crate::store::view::{View, read_view};

/// Memory of redb for the directory, in bytes.
const CACHE: usize = 256 * 1024;

/// Ids on one page of candidates, in bytes: the page goes on to the key process in one frame.
const PAGE_BYTES: usize = MAX_KEY_FRAME * 3 / 4;
/// What an id has beside its bytes there.
const CBOR_HEAD: usize = 3;

/// The directory.
#[derive(Debug)]
pub struct Directory {
    pub(crate) db: Db,
    view: RwLock<Arc<View>>,
}

impl Directory {
    /// Opens the directory and verifies what is in it from the anchor down. What does not hold, or
    /// is another deployment's, is removed: it can be fetched again.
    ///
    /// # Errors
    /// [`AgentError`] when the file cannot be opened.
    pub fn open(path: &Path, anchor: Option<&Anchor>) -> Result<Self, AgentError> {
        let directory = Self { db: Db::open(path, CACHE, 0)?, view: RwLock::default() };
        directory.load(anchor)?;
        Ok(directory)
    }

    /// Reads the view again, for this anchor.
    pub fn load(&self, anchor: Option<&Anchor>) -> Result<(), AgentError> {
        let view = match anchor {
            None => View::default(),
            Some(anchor) => match self.db.read(|transaction| read_view(transaction, anchor)) {
                Ok(view) => view,
                Err(error @ (AgentError::Store(_) | AgentError::Full)) => return Err(error),
                Err(error) => {
                    crate::log::warning(format_args!(
                        "directory does not verify and is fetched again: {error}"
                    ));
                    self.clear()?;
                    View::default()
                }
            },
        };
        *write(&self.view) = Arc::new(view);
        Ok(())
    }

    /// Removes everything.
    pub fn clear(&self) -> Result<(), AgentError> {
        self.db.write(|transaction| {
            transaction.delete_table(META)?;
            transaction.delete_table(SCOPES)?;
            transaction.delete_table(LEAVES)?;
            transaction.delete_table(RECORDS)?;
            transaction.delete_table(MEMBERS)?;
            Ok(())
        })?;
        *write(&self.view) = Arc::default();
        Ok(())
    }

    /// Closes the file; every later use is an error.
    pub fn close(&self) {
        self.db.close();
    }

    /// The view as it is now.
    pub fn view(&self) -> Arc<View> {
        Arc::clone(&read(&self.view))
    }

    /// Changes the directory in one durable transaction; nothing is changed when `work` fails.
    ///
    /// # Errors
    /// Those of the store and of `work`.
    pub fn update<T>(
        &self,
        work: impl FnOnce(&mut Update<'_>) -> Result<T, AgentError>,
    ) -> Result<T, AgentError> {
        let transaction = self.db.begin_write()?;
        let (result, view) = {
            let mut update = Update::new(&transaction, View::clone(&self.view()));
            let result = self.db.note(work(&mut update))?;
            (result, update.into_view())
        };
        // Readers take view and transaction under the same lock: both old or both new.
        let mut current = write(&self.view);
        self.db.commit(transaction)?;
        *current = Arc::new(view);
        Ok(result)
    }

    /// Evidence for a person, present or absent. `None` while a scope is missing.
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

    /// A page of who may use a shared account: active keys of active people in one of its groups,
    /// those who were seen here first, then in the order of their hashes. What a page costs depends
    /// on its length and on how many people were seen here, not on how many may use the account.
    pub fn candidates(
        &self,
        account: &LoginName,
        after: Option<CandidatePage>,
        seen: &HashSet<Hash>,
    ) -> Result<Candidates, AgentError> {
        self.consistent(|view, transaction| {
            let Some(root) = &view.root else {
                return Ok(Candidates { candidates: List::default(), more: None });
            };
            let tables = Tables::open(transaction)?;
            let mut groups = Vec::new();
            for scope in view.terminal_scopes() {
                let Some(rule) = scope.policy.shared_account(account) else { continue };
                groups.extend(rule.groups.iter().map(|group| (scope.row.set, group)));
            }
            let members = Members { tables: &tables, groups };

            let mut page = Page { root, found: Vec::new(), last: None, taken: 0 };
            if after.is_none_or(|after| !after.unseen) {
                let of_an_earlier_page =
                    |person: &Hash| after.is_some_and(|after| *person <= after.after);
                let mut known: Vec<Hash> =
                    seen.iter().copied().filter(|person| !of_an_earlier_page(person)).collect();
                known.sort_unstable();
                for person in known {
                    let Some(set) = members.set_of(&person)? else { continue };
                    if !page.take(&tables, set, CandidatePage { unseen: false, after: person })? {
                        return page.end(true);
                    }
                }
            }

            let begin = after.filter(|after| after.unseen).map(|after| after.after);
            for member in members.after(begin)? {
                let (person, set) = member?;
                if !seen.contains(&person)
                    && !page.take(&tables, set, CandidatePage { unseen: true, after: person })?
                {
                    return page.end(true);
                }
            }
            page.end(false)
        })
    }

    /// The active keys of these people in this order, as many as one page holds; of who is in no
    /// scope of the terminal, or not active, none.
    pub fn keys_of(&self, people: &[Hash]) -> Result<Candidates, AgentError> {
        self.consistent(|view, transaction| {
            let Some(root) = &view.root else {
                return Ok(Candidates { candidates: List::default(), more: None });
            };
            let tables = Tables::open(transaction)?;
            let mut page = Page { root, found: Vec::new(), last: None, taken: 0 };
            for person in people {
                let place = CandidatePage { unseen: false, after: *person };
                for scope in view.terminal_scopes() {
                    if tables.record(scope.row.set, person)?.is_none() {
                        continue;
                    }
                    if !page.take(&tables, scope.row.set, place)? {
                        return page.end(false);
                    }
                    break;
                }
            }
            page.end(false)
        })
    }

    /// Whether somebody may use a shared account, as far as [`Self::candidates`] tells.
    pub fn is_candidate(
        &self,
        account: &LoginName,
        person: &LoginName,
    ) -> Result<bool, AgentError> {
        let key = leaf_key(person);
        self.consistent(|view, transaction| {
            let tables = Tables::open(transaction)?;
            for scope in view.terminal_scopes() {
                let Some(rule) = scope.policy.shared_account(account) else { continue };
                for group in rule.groups.iter() {
                    if tables.is_member(scope.row.set, group, &key)?
                        && let Some(bytes) = tables.record(scope.row.set, &key)?
                    {
                        let person: PersonRecord = codec::from_bytes(&bytes)?;
                        return Ok(person.status == Status::Active);
                    }
                }
            }
            Ok(false)
        })
    }

    /// Lengths of the credential ids of somebody in the directory: of whoever stands first from
    /// `point` on. Empty when nobody has any.
    pub fn shape_at(&self, point: &Hash) -> Result<Vec<usize>, AgentError> {
        self.consistent(|view, transaction| {
            let tables = Tables::open(transaction)?;
            for scope in view.terminal_scopes() {
                if let Some(bytes) = tables.record_from(scope.row.set, point)? {
                    let person: PersonRecord = codec::from_bytes(&bytes)?;
                    let lengths = person.keys().map(|credential| credential.id.as_slice().len());
                    return Ok(lengths.collect());
                }
            }
            Ok(Vec::new())
        })
    }

    /// A page of the names of the people of the terminal's scopes; not verified.
    pub fn people(&self, page: &PeoplePage) -> Result<People, AgentError> {
        self.consistent(|view, transaction| {
            let scopes: Vec<_> = view.terminal_scopes().collect();
            let Some(scope) = scopes.get(usize::from(page.scope)) else {
                return Ok(People { names: List::default(), next: None });
            };
            let records = Tables::open(transaction)?.records_after(
                scope.row.set,
                page.after.as_ref(),
                PEOPLE_PER_PAGE,
            )?;
            let mut names = Vec::with_capacity(records.len());
            for (_, record) in &records {
                let person: PersonRecord = codec::from_bytes(record)?;
                names.push(person.login);
            }
            let last =
                records.last().map(|(key, _)| *key).filter(|_| records.len() == PEOPLE_PER_PAGE);
            let next = match last {
                Some(after) => Some(PeoplePage { scope: page.scope, after: Some(after) }),
                None => page
                    .scope
                    .checked_add(1)
                    .filter(|next| usize::from(*next) < scopes.len())
                    .map(|scope| PeoplePage { scope, after: None }),
            };
            Ok(People { names: List::new(names)?, next })
        })
    }

    fn consistent<T>(
        &self,
        work: impl FnOnce(&View, &ReadTransaction) -> Result<T, AgentError>,
    ) -> Result<T, AgentError> {
        let guard = read(&self.view);
        let view = Arc::clone(&guard);
        let transaction = self.db.begin_read()?;
        drop(guard);
        self.db.note(work(&view, &transaction))
    }
}

/// A page of candidates that is being filled.
struct Page<'r> {
    root: &'r RootDocument,
    found: Vec<Candidate>,
    last: Option<CandidatePage>,
    /// Bytes of the ids so far.
    taken: usize,
}

impl Page<'_> {
    /// Takes the keys of the person at a place; false when there is no room for them.
    fn take(
        &mut self,
        tables: &Tables,
        set: u32,
        place: CandidatePage,
    ) -> Result<bool, AgentError> {
        let Some(bytes) = tables.record(set, &place.after)? else { return Ok(true) };
        let person: PersonRecord = codec::from_bytes(&bytes)?;
        if person.status != Status::Active {
            return Ok(true);
        }

        let ids: Vec<CredentialId> = person.allow_list(&self.root.rp_id);
        self.taken += ids.iter().map(|id| id.as_slice().len() + CBOR_HEAD).sum::<usize>();
        if self.found.len() + ids.len() > CANDIDATES_PER_PAGE
            || (self.taken > PAGE_BYTES && self.last.is_some())
        {
            return Ok(false);
        }
        let of_person = |credential| Candidate { person: person.login.clone(), credential };
        self.found.extend(ids.into_iter().map(of_person));
        self.last = Some(place);
        Ok(true)
    }

    fn end(self, is_full: bool) -> Result<Candidates, AgentError> {
        let more = self.last.filter(|_| is_full);
        Ok(Candidates { candidates: List::new(self.found)?, more })
    }
}
