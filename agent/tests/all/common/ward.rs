//! A publisher that signs as the server does. Tests then change one thing of it.

use super::log::Log;
use super::people::*;
use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};
use wardkey_agent::clock::Clock;
use wardkey_agent::error::ServerError;
use wardkey_agent::identity::Identity;
use wardkey_agent::sync::upstream::{Connect, Upstream};
use wardkey_core::addresses::ServerAddresses;
use wardkey_core::code::Code;
use wardkey_core::codec::{self, Bytes, List};
use wardkey_core::directory::{Bucket, state_root};
use wardkey_core::document::{Head, RootDocument, SignedRoot, TerminalDocument};
use wardkey_core::event::Event;
use wardkey_core::id::{Hash, Nonce};
use wardkey_core::message::http::*;
use wardkey_core::name::{LoginName, ScopeName, ServerAddress};
use wardkey_core::person::PersonRecord;
use wardkey_core::policy::document::PolicyDocument;
use wardkey_core::server_time::ServerTime;
use wardkey_core::time::UnixTime;
use wardkey_testkit::{buckets, root_document, terminal_document};

#[derive(Clone)]
pub struct WardScope {
    pub epoch: u64,
    pub seq: u64,
    pub rows: BTreeMap<String, (u64, Option<Vec<u8>>)>,
    pub policy: PolicyDocument,
    /// Added to the sequence number of the head that is shown, and to its root: a lie.
    pub shown_seq: Option<u64>,
    pub false_root: bool,
}

/// The publisher's state; also what an attacker who holds the publish key could send.
#[derive(Clone)]
pub struct WardState {
    pub now: u64,
    pub root: RootDocument,
    pub extra_roots: Vec<SignedRoot>,
    /// Nothing is signed again for whoever gets a new root document.
    pub sends_roots_alone: bool,
    pub terminal: TerminalDocument,
    pub scopes: BTreeMap<ScopeName, WardScope>,
    pub publish_seed: u8,
    pub life: u64,
    pub page: usize,
    /// Every request fails with this.
    pub down: bool,
    /// A row of every changes page is left out.
    pub drop_row: bool,
    /// Only when not asked for everything.
    pub drop_row_of_delta: bool,
    /// Changes come along with the head that they lead to.
    pub along: bool,
    /// Of these, a row is left out.
    pub drop_row_along: bool,
    /// These stand in the wrong order.
    pub turn_along: bool,
    pub events: Vec<Event>,
    pub event_batches: Vec<usize>,
    pub changes_asked: Vec<u64>,
    /// Event ids that are never acknowledged.
    pub deaf: bool,
    /// Of an older version: it can read no event, and names each by its hash.
    pub older: bool,
    /// The log of records; an older server has none.
    pub log: Option<Log>,
    /// What terminals cosigned.
    pub cosigned: Vec<CosignatureRequest>,
    /// Cosignatures do not arrive.
    pub deaf_to_cosignatures: bool,
    /// The number and the list of addresses that terminals are told.
    pub addresses: Option<(u64, Vec<String>)>,
}

pub struct Ward(pub Mutex<WardState>);

impl Ward {
    pub fn new() -> Arc<Self> {
        let (root, terminal) = (root_document(), terminal_document(T0));
        let state = WardState {
            now: T0,
            root,
            extra_roots: Vec::new(),
            sends_roots_alone: false,
            terminal,
            scopes: BTreeMap::new(),
            publish_seed: 101,
            life: 900,
            page: 1000,
            down: false,
            drop_row: false,
            drop_row_of_delta: false,
            along: false,
            drop_row_along: false,
            turn_along: false,
            events: Vec::new(),
            event_batches: Vec::new(),
            changes_asked: Vec::new(),
            deaf: false,
            older: false,
            log: None,
            cosigned: Vec::new(),
            deaf_to_cosignatures: false,
            addresses: None,
        };
        let ward = Arc::new(Self(Mutex::new(state)));
        for name in ["roaming", "ward3"] {
            ward.change(|state| {
                let row = WardScope {
                    epoch: 1,
                    seq: 0,
                    rows: BTreeMap::new(),
                    policy: PolicyDocument::default_for(scope(name)),
                    shown_seq: None,
                    false_root: false,
                };
                state.scopes.insert(scope(name), row);
            });
        }
        ward.put("ward3", &person("hanako", vec![credential(1)]));
        ward.put("ward3", &person("taro", vec![credential(2)]));
        ward
    }

    pub fn change<T>(&self, change: impl FnOnce(&mut WardState) -> T) -> T {
        change(&mut self.0.lock().unwrap())
    }

    pub fn put(&self, name: &str, person: &PersonRecord) {
        self.row(name, &person.login, Some(codec::to_bytes(person)));
    }

    pub fn remove(&self, name: &str, who: &str) {
        self.row(name, &login(who), None);
    }

    fn row(&self, name: &str, who: &LoginName, record: Option<Vec<u8>>) {
        self.change(|state| {
            let row = state.scopes.get_mut(&scope(name)).unwrap();
            row.seq += 1;
            row.rows.insert(who.as_str().to_owned(), (row.seq, record));
        });
    }

    pub fn policy(&self, name: &str, change: impl FnOnce(&mut PolicyDocument)) {
        self.change(|state| {
            let row = state.scopes.get_mut(&scope(name)).unwrap();
            row.seq += 1;
            change(&mut row.policy);
        });
    }

    pub fn signed_root(&self) -> SignedRoot {
        let root = self.0.lock().unwrap().root.clone();
        SignedRoot { by_itself: Bytes::new(signing(100).sign(&root)).unwrap(), by_previous: None }
    }

    pub fn events(&self) -> Vec<Event> {
        self.0.lock().unwrap().events.clone()
    }
}

impl WardScope {
    fn after(&self, since: u64) -> Vec<Change> {
        let change = |(who, (seq, record)): (&String, &(u64, Option<Vec<u8>>))| Change {
            seq: *seq,
            login: who.clone(),
            record: record.clone().map(Base64),
        };
        let mut changes: Vec<_> =
            self.rows.iter().map(change).filter(|change| change.seq > since).collect();
        changes.sort_by_key(|change| change.seq);
        changes
    }

    fn along(&self, known: &ScopeState, drop_row: bool) -> ScopeChanges {
        let mut changes = self.after(known.seq);
        if drop_row {
            changes.pop();
        }
        ScopeChanges { scope: known.scope.clone(), since: known.seq, changes }
    }
}

impl WardState {
    fn check(&self) -> Result<(), ServerError> {
        if self.down { Err(ServerError::Unreachable("down".into())) } else { Ok(()) }
    }

    pub fn sign<T: codec::Document>(&self, document: &T) -> Vec<u8> {
        signing(self.publish_seed).sign(document)
    }

    pub fn head(&self, name: &ScopeName) -> Head {
        let row = &self.scopes[name];
        let records: Vec<_> = row
            .rows
            .iter()
            .filter_map(|(who, (_, record))| Some((login(who), record.as_deref()?)))
            .collect();
        let count = records.len() as u64;
        let hashes: Vec<Hash> = buckets(records.into_iter()).iter().map(Bucket::hash).collect();
        let mut root = state_root(&hashes).unwrap();
        if row.false_root {
            root = Hash::new([0xee; 32]);
        }
        Head {
            scope: name.clone(),
            epoch: row.epoch,
            seq: row.shown_seq.unwrap_or(row.seq),
            root,
            count,
            policy: codec::hash_of(&row.policy),
            issued: UnixTime(self.now),
            expires: UnixTime(self.now + self.life),
        }
    }
}

impl Upstream for Ward {
    fn wait(&self, request: &WaitRequest) -> Result<WaitReply, ServerError> {
        let state = self.0.lock().unwrap();
        state.check()?;
        let mut reply = WaitReply { time: state.now, ..WaitReply::default() };
        if request.root_version < 1 + state.extra_roots.len() as u64 {
            let has = usize::try_from(request.root_version).unwrap().saturating_sub(1);
            reply.roots = state.extra_roots.iter().skip(has).map(RootJson::from).collect();
        }
        // What the terminal has may be signed by a key that is gone.
        let signs_anew = !reply.roots.is_empty() && !state.sends_roots_alone;
        let mut terminal = state.terminal.clone();
        terminal.issued = UnixTime(state.now);
        terminal.expires = UnixTime(state.now + state.life);
        if let Some((number, list)) = &state.addresses
            && request.addresses.unwrap_or(0) < *number
        {
            let list = list.iter().map(|one| ServerAddress::new(one.as_str()).unwrap()).collect();
            let said = ServerAddresses {
                deployment: state.root.deployment,
                number: *number,
                addresses: List::new(list).unwrap(),
            };
            reply.addresses = Some(Base64(state.sign(&said)));
        }
        let has_document = request.terminal_number == terminal.number
            && request.terminal_issued >= terminal.issued.0;
        if signs_anew || !has_document {
            reply.terminal = Some(Base64(state.sign(&terminal)));
        }
        for name in state.terminal.scopes.iter().filter(|name| state.scopes.contains_key(name)) {
            let head = state.head(name);
            let known = request.scopes.iter().find(|known| known.scope == name.as_str());
            let same = known.is_some_and(|known| {
                (known.epoch, known.seq, known.issued) == (head.epoch, head.seq, head.issued.0)
                    && known.root.0 == head.root.as_bytes()
            });
            if !same || signs_anew {
                reply.heads.push(Base64(state.sign(&head)));
                if let Some(known) = known.filter(|_| state.along) {
                    let mut along = state.scopes[name].along(known, state.drop_row_along);
                    if state.turn_along {
                        along.changes.reverse();
                    }
                    reply.changes.push(along);
                }
            }
        }
        Ok(reply)
    }

    fn changes(&self, name: &ScopeName, since: u64) -> Result<ChangesReply, ServerError> {
        let mut state = self.0.lock().unwrap();
        state.check()?;
        state.changes_asked.push(since);
        let mut changes = state.scopes[name].after(since);
        let more = changes.len() > state.page;
        changes.truncate(state.page);
        let next = more.then(|| changes.last().unwrap().seq);
        if state.drop_row || (state.drop_row_of_delta && since > 0) {
            changes.pop();
        }
        Ok(ChangesReply { head: Base64(state.sign(&state.head(name))), changes, next })
    }

    fn policy(&self, hash: &Hash) -> Result<Vec<u8>, ServerError> {
        let state = self.0.lock().unwrap();
        state.check()?;
        let found = state
            .scopes
            .values()
            .map(|row| codec::to_bytes(&row.policy))
            .find(|bytes| codec::sha256(bytes) == *hash);
        found.ok_or_else(not_found)
    }

    fn events(&self, request: &EventsRequest) -> Result<EventsReply, ServerError> {
        let mut state = self.0.lock().unwrap();
        state.check()?;
        if state.older {
            let id = |bytes: &Base64| Base64(codec::sha256(&bytes.0).as_bytes()[..16].to_vec());
            let refuse =
                |bytes: &Base64| RefusedEvent { id: id(bytes), reason: "not known here".into() };
            return Ok(EventsReply {
                accepted: Vec::new(),
                refused: request.events.iter().map(refuse).collect(),
            });
        }
        let events: Vec<Event> =
            request.events.iter().map(|bytes| codec::from_bytes(&bytes.0).unwrap()).collect();
        state.event_batches.push(events.len());
        let accepted = if state.deaf {
            Vec::new()
        } else {
            events.iter().map(|event| Base64(event.id.as_bytes().to_vec())).collect()
        };
        if !state.deaf {
            state.events.extend(events);
        }
        Ok(EventsReply { accepted, refused: Vec::new() })
    }

    fn checkpoint(&self, since: u64) -> Result<CheckpointReply, ServerError> {
        let state = self.0.lock().unwrap();
        state.check()?;
        let log = state.log.clone().ok_or_else(not_found)?;
        Ok(log.shown(since, state.sign(&log.key(state.root.deployment))))
    }

    fn cosignature(&self, request: &CosignatureRequest) -> Result<CosignatureReply, ServerError> {
        let mut state = self.0.lock().unwrap();
        state.check()?;
        if state.deaf_to_cosignatures {
            return Err(ServerError::Unreachable("lost".into()));
        }
        state.cosigned.push(request.clone());
        Ok(CosignatureReply { size: 0 })
    }

    fn renew(&self, _: &RenewRequest) -> Result<JoinReply, ServerError> {
        Err(ServerError::Unreachable("not in this test".into()))
    }

    fn time(&self, request: &TimeRequest) -> Result<TimeReply, ServerError> {
        let state = self.0.lock().unwrap();
        state.check()?;
        let nonce = Nonce::from_slice(&request.nonce.0).unwrap();
        let time = ServerTime { terminal: TERMINAL, nonce, time: UnixTime(state.now) };
        Ok(TimeReply { signed: Base64(state.sign(&time)) })
    }

    fn enroll_begin(&self, _: &EnrollBeginRequest) -> Result<EnrollBeginReply, ServerError> {
        Err(ServerError::Unreachable("not in this test".into()))
    }

    fn enroll_finish(&self, _: &EnrollFinishRequest) -> Result<EnrollFinishReply, ServerError> {
        Err(ServerError::Unreachable("not in this test".into()))
    }
}

fn not_found() -> ServerError {
    ServerError::Refused {
        status: 404,
        code: Code::NotFound,
        message: String::new(),
        retry_after: None,
    }
}

pub struct ToWard(pub Arc<Ward>);

impl Connect for ToWard {
    fn open(
        &self,
        _: &Identity,
        _: &[u8],
        _: &Arc<Clock>,
    ) -> Result<Arc<dyn Upstream>, ServerError> {
        let ward: Arc<dyn Upstream> = Arc::<Ward>::clone(&self.0);
        Ok(ward)
    }
}
