//! The keys, passes and loans that go along with an export, so that its logins can be verified
//! without this database.

use std::collections::BTreeMap;

use wardkey_core::codec::List;
use wardkey_core::log_keys::{
    Change, ListedKey, ListedLoan, ListedPass, ListedPerson, ListedStatus, LogKeys, MAX_LISTED,
};
use wardkey_core::name::LoginName;
use wardkey_core::sign::SigningKey;
use wardkey_core::time::UnixTime;

use super::replaced;
use super::sign::SignedLog;
use crate::error::{Error, Result};
use crate::keyring::Keyring;
use crate::store::{
    Db, PageRequest, Store, audit, break_glass, credential_list, loan, loaner, pass, setting,
    to_time,
};

/// The file's name in the folder of an export.
pub const KEYS: &str = "keys.cbor";

/// The signed list, as the file has it.
///
/// # Errors
/// Those of the store and of the keys; [`Error::Damaged`] when there is more than a list can hold.
pub async fn signed(
    store: &Store,
    keyring: &Keyring,
    now: UnixTime,
    log: &SignedLog,
) -> Result<Vec<u8>> {
    let mut tx = store.read().await?;
    let changes = Changes::read(&mut tx).await?;
    let list = LogKeys {
        origin: log.origin.clone(),
        size: log.size,
        made: now,
        keys: keys(&mut tx, &changes).await?,
        passes: passes(&mut tx).await?,
        people: people(&changes)?,
        replaced: Some(replaced::all(&mut tx).await?).filter(|keys| !keys.is_empty()),
        loans: Some(loans(&mut tx).await?),
    };
    let (_, root) = setting::roots(&mut tx).await?;
    Ok(SigningKey::from_secret(&*keyring.log_secret(&root)?).sign(&list))
}

async fn keys(db: &mut Db, changes: &Changes) -> Result<List<ListedKey, MAX_LISTED>> {
    let mut keys = Vec::new();
    let mut request = PageRequest::default();
    loop {
        let page = credential_list::page(db, &request).await?;
        let holders: Vec<i64> = page.rows.iter().map(|listed| listed.key.person).collect();
        let loaners = loaner::among(db, &holders).await?;
        for listed in page.rows {
            let own = changes.keys.get(&listed.key.fingerprint().short());
            keys.push(ListedKey {
                person: listed.login,
                key: listed.key.record(),
                changes: list(own.cloned().unwrap_or_default())?,
                is_loaner: loaners.contains(&listed.key.person).then_some(true),
            });
        }
        request.after = page.next;
        if request.after.is_none() {
            return list(keys);
        }
    }
}

async fn passes(db: &mut Db) -> Result<List<ListedPass, MAX_LISTED>> {
    let mut passes = sealed(db).await?;
    let mut request = PageRequest::default();
    loop {
        let page = pass::page(db, &request).await?;
        passes.extend(page.rows.into_iter().map(|row| ListedPass::of(row.login, &row.pass)));
        request.after = page.next;
        if request.after.is_none() {
            passes.reverse();
            // The oldest first, as pages are not.
            passes.sort_by_key(|pass| pass.from);
            return list(passes);
        }
    }
}

/// Sealed codes (break-glass), the newest first.
async fn sealed(db: &mut Db) -> Result<Vec<ListedPass>> {
    let mut sealed = Vec::new();
    let mut request = PageRequest::default();
    loop {
        let page = break_glass::page(db, &request).await?;
        let rows = page.rows.into_iter();
        sealed.extend(rows.map(|row| ListedPass::of_sealed(row.login, &row.pass)));
        request.after = page.next;
        if request.after.is_none() {
            return Ok(sealed);
        }
    }
}

async fn loans(db: &mut Db) -> Result<List<ListedLoan, MAX_LISTED>> {
    let (mut loans, mut last) = (Vec::new(), 0);
    while let Some((end, page)) = loan::after(db, last).await? {
        last = end;
        loans.extend(page);
    }
    list(loans)
}

fn people(changes: &Changes) -> Result<List<ListedPerson, MAX_LISTED>> {
    let mut people = Vec::with_capacity(changes.people.len());
    for (login, own) in &changes.people {
        let login = LoginName::new(login.clone()).map_err(Error::damaged)?;
        people.push(ListedPerson { login, changes: list(own.clone())? });
    }
    list(people)
}

fn list<T, const MAX: usize>(items: Vec<T>) -> Result<List<T, MAX>> {
    List::new(items).map_err(Error::damaged)
}

/// When keys and people were switched off, on, or deleted.
#[derive(Default)]
struct Changes {
    keys: BTreeMap<String, Vec<Change>>,
    people: BTreeMap<String, Vec<Change>>,
}

impl Changes {
    /// From the trail.
    async fn read(db: &mut Db) -> Result<Self> {
        let mut changes = Self::default();
        let mut last = 0;
        loop {
            let rows = audit::after(db, last).await?;
            let Some(end) = rows.last() else { return Ok(changes) };
            last = end.seq;
            for row in rows {
                let Some((kind, act)) = row.action.split_once('.') else { continue };
                let to = match act {
                    "enable" => ListedStatus::Active,
                    "disable" => ListedStatus::Disabled,
                    "delete" => ListedStatus::Deleted,
                    _ => continue,
                };
                let of = match kind {
                    "key" => &mut changes.keys,
                    "person" => &mut changes.people,
                    _ => continue,
                };
                let change = Change { time: to_time(row.time)?, to };
                of.entry(row.object).or_default().push(change);
            }
        }
    }
}
