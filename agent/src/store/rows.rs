//! Tables and rows of the directory: how they are keyed, and reading them.

use std::ops::{Bound, RangeInclusive};

use minicbor::{Decode, Encode};
use redb::{ReadOnlyTable, ReadTransaction, TableError};
use wardkey_core::codec::{Bytes, List};
use wardkey_core::directory::{BUCKETS, Bucket, Leaf, Proof, bucket_of};
use wardkey_core::id::Hash;
use wardkey_core::name::GroupName;

use crate::error::AgentError;
use crate::store::db::Rows;

pub(crate) const META: Rows = Rows::new("meta");
pub(crate) const SCOPES: Rows = Rows::new("scopes");
pub(crate) const LEAVES: Rows = Rows::new("leaves");
pub(crate) const RECORDS: Rows = Rows::new("records");
pub(crate) const MEMBERS: Rows = Rows::new("members");

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

/// The row key of a person in a set.
pub(crate) fn row_key(set: u32, key: &Hash) -> [u8; 36] {
    let mut out = [0; 36];
    out.iter_mut()
        .zip(set.to_be_bytes().iter().chain(key.as_bytes()))
        .for_each(|(to, from)| *to = *from);
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
    Ok(Leaf {
        key: Hash::from_slice(key.get(4..).unwrap_or_default())?,
        value: Hash::from_slice(value)?,
    })
}

type OneTable = ReadOnlyTable<&'static [u8], &'static [u8]>;

/// The tables of people, as one transaction shows them; absent while they are empty.
pub(crate) struct Tables {
    leaves: Option<OneTable>,
    records: Option<OneTable>,
    members: Option<OneTable>,
}

impl Tables {
    pub(crate) fn open(transaction: &ReadTransaction) -> Result<Self, AgentError> {
        Ok(Self {
            leaves: existing(transaction.open_table(LEAVES))?,
            records: existing(transaction.open_table(RECORDS))?,
            members: existing(transaction.open_table(MEMBERS))?,
        })
    }

    /// The proof of a person's record, or of its absence.
    pub(crate) fn proof(&self, row: &ScopeRow, key: &Hash) -> Result<Proof, AgentError> {
        let number = bucket_of(key);
        let others = row
            .hashes
            .iter()
            .enumerate()
            .filter(|(at, _)| *at != usize::from(number))
            .map(|(_, hash)| *hash);
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

    /// A person's record.
    pub(crate) fn record(&self, set: u32, key: &Hash) -> Result<Option<Vec<u8>>, AgentError> {
        let Some(table) = &self.records else { return Ok(None) };
        Ok(table.get(row_key(set, key).as_slice())?.map(|record| record.value().to_vec()))
    }

    /// The record of whoever stands first from `point` on, or else first of all.
    pub(crate) fn record_from(
        &self,
        set: u32,
        point: &Hash,
    ) -> Result<Option<Vec<u8>>, AgentError> {
        let Some(table) = &self.records else { return Ok(None) };
        let (whole, from) = (set_range(set), row_key(set, point));
        let (first, last) = (whole.start().as_slice(), whole.end().as_slice());
        for range in [from.as_slice()..=last, first..=last] {
            if let Some(entry) = table.range::<&[u8]>(range)?.next() {
                return Ok(Some(entry?.1.value().to_vec()));
            }
        }
        Ok(None)
    }

    /// At most so many records of a set, in the order of their keys, after a key or from the first
    /// one on.
    pub(crate) fn records_after(
        &self,
        set: u32,
        after: Option<&Hash>,
        most: usize,
    ) -> Result<Vec<(Hash, Vec<u8>)>, AgentError> {
        let Some(table) = &self.records else { return Ok(Vec::new()) };
        let range = set_range(set);
        let begin =
            after.map_or(Bound::Included(*range.start()), |key| Bound::Excluded(row_key(set, key)));
        let bounds = (as_slice(&begin), Bound::Included(range.end().as_slice()));
        let mut found = Vec::new();
        for entry in table.range::<&[u8]>(bounds)?.take(most) {
            let (key, record) = entry?;
            let key = Hash::from_slice(key.value().get(4..).unwrap_or_default())?;
            found.push((key, record.value().to_vec()));
        }
        Ok(found)
    }

    /// The people of a group in the order of their hashes, after one or from the first one on.
    pub(crate) fn members_after(
        &self,
        set: u32,
        group: &GroupName,
        after: Option<&Hash>,
    ) -> Result<impl Iterator<Item = Result<Hash, AgentError>> + use<>, AgentError> {
        let prefix = member_prefix(set, group);
        let begin = match after {
            Some(person) => Bound::Excluded([&prefix[..], person.as_bytes()].concat()),
            None => Bound::Included(prefix.clone()),
        };
        let bounds = (begin.as_ref().map(Vec::as_slice), Bound::Unbounded);
        let rows = match &self.members {
            Some(table) => Some(table.range::<&[u8]>(bounds)?),
            None => None,
        };
        Ok(rows.into_iter().flatten().map_while(move |row| match row {
            Ok((key, _)) => {
                let person = key.value().strip_prefix(prefix.as_slice())?.to_vec();
                Some(Hash::from_slice(&person).map_err(AgentError::from))
            }
            Err(error) => Some(Err(error.into())),
        }))
    }

    /// Whether a person is in a group.
    pub(crate) fn is_member(
        &self,
        set: u32,
        group: &GroupName,
        person: &Hash,
    ) -> Result<bool, AgentError> {
        let Some(table) = &self.members else { return Ok(false) };
        let key = [member_prefix(set, group).as_slice(), person.as_bytes()].concat();
        Ok(table.get(key.as_slice())?.is_some())
    }
}

fn as_slice<const N: usize>(bound: &Bound<[u8; N]>) -> Bound<&[u8]> {
    match bound {
        Bound::Included(key) => Bound::Included(key.as_slice()),
        Bound::Excluded(key) => Bound::Excluded(key.as_slice()),
        Bound::Unbounded => Bound::Unbounded,
    }
}

/// A table, unless it was never written.
pub(crate) fn existing<T>(table: Result<T, TableError>) -> Result<Option<T>, AgentError> {
    match table {
        Ok(table) => Ok(Some(table)),
        Err(TableError::TableDoesNotExist(_)) => Ok(None),
        Err(error) => Err(error.into()),
    }
}
