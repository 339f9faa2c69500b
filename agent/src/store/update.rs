//! One change of the directory: everything in one transaction, the state root computed before
//! anything of it counts.

use std::sync::Arc;

use redb::{ReadableTable, Table, WriteTransaction};
use wardkey_core::codec::{self, Bytes, List};
use wardkey_core::directory::{BUCKETS, Bucket, bucket_of, leaf_key, state_root};
use wardkey_core::document::{Head, MAX_ROOTS, RootDocument, SignedRoot, TerminalDocument};
use wardkey_core::id::Hash;
use wardkey_core::name::{GroupName, LoginName, ScopeName};
use wardkey_core::person::PersonRecord;
use wardkey_core::policy::document::PolicyDocument;
use wardkey_core::sign::Verified;

use crate::error::AgentError;
use crate::store::rows::{
    LEAVES, MEMBERS, META, RECORDS, SCOPES, ScopeRow, bucket_range, leaf_of, member_prefix,
    row_key, set_range,
};
use crate::store::view::{ScopeView, View};

/// A change that is being made.
pub struct Update<'t> {
    transaction: &'t WriteTransaction,
    view: View,
}

impl<'t> Update<'t> {
    pub(crate) fn new(transaction: &'t WriteTransaction, view: View) -> Self {
        Self { transaction, view }
    }

    pub(crate) fn into_view(self) -> View {
        self.view
    }

    /// The view with the changes so far.
    pub fn view(&self) -> &View {
        &self.view
    }

    /// Takes root documents; the last of them is `root`.
    pub fn roots(
        &mut self,
        roots: List<SignedRoot, MAX_ROOTS>,
        root: Verified<RootDocument>,
    ) -> Result<(), AgentError> {
        self.transaction
            .open_table(META)?
            .insert(&b"roots"[..], codec::to_message(&roots).as_slice())?;
        self.view.roots = roots;
        self.view.root = Some(root);
        Ok(())
    }

    /// Takes a terminal document and removes the scopes that it no longer names.
    pub fn terminal(
        &mut self,
        signed: &[u8],
        document: Verified<TerminalDocument>,
    ) -> Result<(), AgentError> {
        self.transaction.open_table(META)?.insert(&b"terminal"[..], signed)?;
        self.view.terminal_signed = Bytes::new(signed)?;
        let gone: Vec<_> = self
            .view
            .scopes
            .iter()
            .filter(|scope| !document.scopes.contains(&scope.head.scope))
            .cloned()
            .collect();
        for scope in gone {
            self.transaction.open_table(SCOPES)?.remove(scope.head.scope.as_str().as_bytes())?;
            self.remove_set(scope.row.set)?;
            self.view.scopes.retain(|other| other.head.scope != scope.head.scope);
        }
        self.view.terminal = Some(document);
        Ok(())
    }

    /// Begins to change a scope: from what is here, or (`full`) from nothing into a new set.
    pub fn scope(&self, name: &ScopeName, full: bool) -> Result<ScopeUpdate<'t>, AgentError> {
        let old = self.view.scope(name);
        let empty = Bucket::default().hash();
        let (set, hashes, count) = match old {
            Some(old) if !full => (old.row.set, old.row.hashes.to_vec(), old.head.count),
            _ => (self.next_set()?, vec![empty; BUCKETS], 0),
        };
        Ok(ScopeUpdate {
            name: name.clone(),
            set,
            replaces: old.map(|old| old.row.set).filter(|old| *old != set),
            hashes,
            touched: [false; BUCKETS],
            count,
            leaves: self.transaction.open_table(LEAVES)?,
            records: self.transaction.open_table(RECORDS)?,
            members: self.transaction.open_table(MEMBERS)?,
        })
    }

    /// Ends the change of a scope: head and policy are those that the new state was checked
    /// against.
    pub fn finish(
        &mut self,
        scope: ScopeUpdate<'t>,
        signed_head: &[u8],
        head: Verified<Head>,
        policy: (&[u8], Arc<PolicyDocument>),
    ) -> Result<(), AgentError> {
        let row = ScopeRow {
            set: scope.set,
            head: Bytes::new(signed_head)?,
            policy: Bytes::new(policy.0)?,
            hashes: List::new(scope.hashes.clone())?,
        };
        let replaces = scope.replaces;
        drop(scope);
        if let Some(set) = replaces {
            self.remove_set(set)?;
        }
        self.transaction
            .open_table(SCOPES)?
            .insert(head.scope.as_str().as_bytes(), codec::to_message(&row).as_slice())?;
        self.view.scopes.retain(|other| other.head.scope != head.scope);
        self.view.scopes.push(ScopeView { row: Arc::new(row), head, policy: policy.1 });
        Ok(())
    }

    fn next_set(&self) -> Result<u32, AgentError> {
        let mut meta = self.transaction.open_table(META)?;
        let last = meta
            .get(&b"set"[..])?
            .and_then(|value| value.value().try_into().ok().map(u32::from_be_bytes))
            .unwrap_or(0);
        let next = last
            .checked_add(1)
            .ok_or_else(|| AgentError::Store("set numbers are used up".into()))?;
        meta.insert(&b"set"[..], &next.to_be_bytes()[..])?;
        Ok(next)
    }

    fn remove_set(&self, set: u32) -> Result<(), AgentError> {
        let range = set_range(set);
        let rows = range.start().as_slice()..=range.end().as_slice();
        self.transaction.open_table(LEAVES)?.retain_in::<&[u8], _>(rows.clone(), |_, _| false)?;
        self.transaction.open_table(RECORDS)?.retain_in::<&[u8], _>(rows, |_, _| false)?;
        let from = set.to_be_bytes();
        let to = set.saturating_add(1).to_be_bytes();
        self.transaction
            .open_table(MEMBERS)?
            .retain_in::<&[u8], _>(&from[..]..&to[..], |_, _| false)?;
        Ok(())
    }
}

type OneTable<'t> = Table<'t, &'static [u8], &'static [u8]>;

/// A scope that is being changed.
pub struct ScopeUpdate<'t> {
    name: ScopeName,
    set: u32,
    replaces: Option<u32>,
    hashes: Vec<Hash>,
    touched: [bool; BUCKETS],
    count: u64,
    leaves: OneTable<'t>,
    records: OneTable<'t>,
    members: OneTable<'t>,
}

impl ScopeUpdate<'_> {
    /// The scope.
    pub fn name(&self) -> &ScopeName {
        &self.name
    }

    /// Puts or removes a person.
    ///
    /// # Errors
    /// [`AgentError`] when the record is not one of this login, or the store cannot be used.
    pub fn change(&mut self, login: &LoginName, record: Option<&[u8]>) -> Result<(), AgentError> {
        let key = leaf_key(login);
        let row = row_key(self.set, &key);
        let known = self
            .records
            .get(row.as_slice())?
            .map(|old| codec::from_bytes::<PersonRecord>(old.value()))
            .transpose()?;
        for group in known.iter().flat_map(|person| person.groups.iter()) {
            self.members.remove(member_key(self.set, group, &key).as_slice())?;
        }
        if let Some(touched) = self.touched.get_mut(usize::from(bucket_of(&key))) {
            *touched = true;
        }
        self.count -= u64::from(known.is_some()).min(self.count);
        match record {
            None => {
                self.leaves.remove(row.as_slice())?;
                self.records.remove(row.as_slice())?;
            }
            Some(bytes) => {
                let person: PersonRecord = codec::from_bytes(bytes)?;
                if person.login != *login {
                    return Err(AgentError::Codec(codec::CodecError::Malformed(
                        "record of another person".into(),
                    )));
                }
                self.leaves.insert(row.as_slice(), codec::sha256(bytes).as_bytes().as_slice())?;
                self.records.insert(row.as_slice(), bytes)?;
                for group in person.groups.iter() {
                    self.members.insert(member_key(self.set, group, &key).as_slice(), &[][..])?;
                }
                self.count += 1;
            }
        }
        Ok(())
    }

    /// The state root and number of people with the changes so far.
    pub fn state(&mut self) -> Result<(Hash, u64), AgentError> {
        for number in 0..=u8::MAX {
            let at = usize::from(number);
            if self.touched.get(at).copied() != Some(true) {
                continue;
            }
            let range = bucket_range(self.set, number);
            let mut leaves = Vec::new();
            for entry in
                self.leaves.range::<&[u8]>(range.start().as_slice()..=range.end().as_slice())?
            {
                let (key, value) = entry?;
                leaves.push(leaf_of(key.value(), value.value())?);
            }
            if let (Some(hash), Some(touched)) = (self.hashes.get_mut(at), self.touched.get_mut(at))
            {
                *hash = Bucket::new(leaves)?.hash();
                *touched = false;
            }
        }
        Ok((state_root(&self.hashes)?, self.count))
    }
}

fn member_key(set: u32, group: &GroupName, key: &Hash) -> Vec<u8> {
    let mut out = member_prefix(set, group);
    out.extend_from_slice(key.as_bytes());
    out
}
