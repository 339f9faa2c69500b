//! Many people at once, in the caller's transaction: the statements take many rows each, and the
//! published records are made here instead of being read back.

use std::collections::{BTreeSet, HashMap, HashSet};

use base64ct::{Base64UrlUnpadded, Encoding};
use serde::Serialize;
use sqlx::{QueryBuilder, Sqlite, SqliteConnection};
use wardkey_core::codec::{self, Bytes};
use wardkey_core::cose_key::PublicKey;
use wardkey_core::document::RootDocument;
use wardkey_core::id::{Aaguid, CredentialId, UserHandle};
use wardkey_core::name::{DisplayText, GroupName, Language, LoginName, RpId, ScopeName};
use wardkey_core::person::{CredentialFlags, CredentialRecord, Status};
use wardkey_core::time::UnixTime;

pub use super::import_file::Source;
use super::import_file::{Key, Line};
use super::person::{Person, PersonStatus, Profile};
use super::{setting, to_i64};
use crate::error::{Error, Result};
use crate::secret;

/// Rows of one statement; SQLite takes 32,766 values, the widest row has 14.
const BATCH: usize = 500;
/// What an import did.
#[derive(Clone, Copy, Debug, Default, Serialize)]
pub struct Imported {
    /// People added.
    pub people: u64,
    /// Their keys.
    pub keys: u64,
    /// People who were there already.
    pub skipped: u64,
}

/// Someone who is to be added.
struct Newcomer {
    person: Person,
    groups: BTreeSet<GroupName>,
    scopes: BTreeSet<ScopeName>,
    keys: Vec<(CredentialRecord, u32)>,
}

impl Newcomer {
    fn new(line: Line, id: i64, rp_id: &RpId, now: UnixTime) -> Result<Self, String> {
        let text = |what: &str, error: &dyn std::fmt::Display| format!("{what}: {error}");
        let moment = |what: &str, value: Option<String>| match value.as_deref() {
            None | Some("") => Ok(None),
            Some(value) => crate::cli::moment(value).map(Some).map_err(|error| text(what, &error)),
        };
        let language = match line.language.as_deref() {
            None | Some("") => Language::Ja,
            Some(language) => language.parse().map_err(|error| text("language", &error))?,
        };
        let groups: Result<BTreeSet<_>, _> = line.groups.into_iter().map(GroupName::new).collect();
        let scopes: Result<BTreeSet<_>, _> = line.scopes.into_iter().map(ScopeName::new).collect();
        let profile = Profile {
            login: LoginName::new(line.login).map_err(|error| text("login", &error))?,
            display_name: DisplayText::new(line.name).map_err(|error| text("name", &error))?,
            language,
            not_before: moment("valid_from", line.valid_from)?,
            not_after: moment("valid_until", line.valid_until)?,
            groups: groups.map_err(|error| text("groups", &error))?,
            scopes: scopes.map_err(|error| text("scopes", &error))?,
        };
        profile.check().map_err(|error| error.to_string())?;
        let keys: Result<Vec<_>, String> = line.credentials.into_iter().map(|key| key.record(rp_id, now)).collect();
        Ok(Self {
            person: Person {
                id,
                login: profile.login,
                display_name: profile.display_name,
                language: profile.language,
                user_handle: UserHandle::new(secret::random().map_err(|error| error.to_string())?),
                not_before: profile.not_before,
                not_after: profile.not_after,
                status: PersonStatus::Active,
            },
            groups: profile.groups,
            scopes: profile.scopes,
            keys: keys?,
        })
    }
}

impl Key {
    fn record(self, rp_id: &RpId, now: UnixTime) -> Result<(CredentialRecord, u32), String> {
        let bytes = |what: &str, text: &str| {
            Base64UrlUnpadded::decode_vec(text).map_err(|_| format!("{what}: not unpadded base64url"))
        };
        let public_key = bytes("public_key", &self.public_key)?;
        PublicKey::from_cose(&public_key).map_err(|error| format!("public_key: {error}"))?;
        if self.cred_protect > 3 {
            return Err("cred_protect: 0 to 3".into());
        }
        let mut flags = 0;
        flags |= if self.backup_eligible { CredentialFlags::BACKUP_ELIGIBLE } else { 0 };
        flags |= if self.discoverable { CredentialFlags::DISCOVERABLE } else { 0 };
        let aaguid = self.aaguid.as_deref().map_or(Ok(Aaguid::new([0; 16])), Aaguid::from_hex);
        let label = self.label.unwrap_or_else(|| "imported".into());
        let record = CredentialRecord {
            id: CredentialId::new(bytes("id", &self.id)?).map_err(|error| format!("id: {error}"))?,
            public_key: Bytes::new(public_key).map_err(|error| error.to_string())?,
            rp_id: self.rp_id.map_or(Ok(rp_id.clone()), RpId::new).map_err(|error| format!("rp_id: {error}"))?,
            aaguid: aaguid.map_err(|error| format!("aaguid: {error}"))?,
            flags: CredentialFlags(flags),
            cred_protect: self.cred_protect,
            status: Status::Active,
            label: DisplayText::new(label).map_err(|error| format!("label: {error}"))?,
            enrolled: now,
        };
        Ok((record, self.counter))
    }
}

/// Adds everyone in the source. The caller commits, or nothing has happened.
///
/// # Errors
/// [`Error::Refused`] names the first line that is wrong.
pub async fn import(
    db: &mut SqliteConnection,
    source: Source,
    cap: u32,
    skip_existing: bool,
    now: UnixTime,
) -> Result<Imported> {
    let (_, root) = setting::roots(db).await?;
    let mut taking = Taking::start(db, root, cap, now).await?;
    let mut batch = Vec::with_capacity(BATCH);
    for (number, line) in source.0 {
        let wrong = |error: String| Error::invalid(format!("line {number}: {error}"));
        if let Some(newcomer) = taking.take(line.map_err(wrong)?, skip_existing).map_err(wrong)? {
            batch.push(newcomer);
        }
        if batch.len() == BATCH {
            taking.write(db, &batch).await?;
            batch.clear();
        }
    }
    taking.write(db, &batch).await?;
    taking.finish(db).await?;
    Ok(taking.done)
}

/// An import under way.
struct Taking {
    rp_id: RpId,
    cap: usize,
    now: UnixTime,
    next: i64,
    logins: HashSet<String>,
    credentials: HashSet<Vec<u8>>,
    /// The sequence of each scope.
    seqs: HashMap<ScopeName, i64>,
    done: Imported,
}

impl Taking {
    async fn start(db: &mut SqliteConnection, root: RootDocument, cap: u32, now: UnixTime) -> Result<Self> {
        let last: Option<i64> = sqlx::query_scalar("SELECT max(id) FROM person").fetch_one(&mut *db).await?;
        let logins: Vec<String> =
            sqlx::query_scalar("SELECT login FROM person WHERE status <> 'deleted'").fetch_all(&mut *db).await?;
        let credentials: Vec<Vec<u8>> =
            sqlx::query_scalar("SELECT credential_id FROM credential").fetch_all(&mut *db).await?;
        let scopes = super::scope::list(db).await?;
        Ok(Self {
            rp_id: root.rp_id,
            cap: cap as usize,
            now,
            next: last.unwrap_or(0) + 1,
            logins: logins.into_iter().collect(),
            credentials: credentials.into_iter().collect(),
            seqs: scopes.into_iter().map(|scope| (scope.name, to_i64(scope.position.seq))).collect(),
            done: Imported::default(),
        })
    }

    /// Checks a line; `None` for someone who is there and is left alone.
    fn take(&mut self, line: Line, skip_existing: bool) -> Result<Option<Newcomer>, String> {
        if self.logins.contains(&line.login) {
            if skip_existing {
                self.done.skipped += 1;
                return Ok(None);
            }
            return Err(format!("person {} exists already", line.login));
        }
        let newcomer = Newcomer::new(line, self.next, &self.rp_id, self.now)?;
        if newcomer.scopes.is_empty() {
            return Err("no scope".into());
        }
        if let Some(scope) = newcomer.scopes.iter().find(|scope| !self.seqs.contains_key(*scope)) {
            return Err(format!("scope {scope} is not known"));
        }
        if newcomer.keys.len() > self.cap {
            return Err(format!("{} keys, {} are allowed", newcomer.keys.len(), self.cap));
        }
        for (key, _) in &newcomer.keys {
            if !self.credentials.insert(key.id.as_slice().to_vec()) {
                return Err(format!("key {} is enrolled already", key.fingerprint().short()));
            }
        }
        self.logins.insert(newcomer.person.login.to_string());
        self.next += 1;
        self.done.people += 1;
        self.done.keys += newcomer.keys.len() as u64;
        Ok(Some(newcomer))
    }

    async fn write(&mut self, db: &mut SqliteConnection, batch: &[Newcomer]) -> Result<()> {
        write_people(db, batch, self.now).await?;
        let groups = batch.iter().flat_map(|new| new.groups.iter().map(move |group| (new.person.id, group.as_str())));
        insert_pairs(db, "INSERT INTO person_group (person, name) ", groups).await?;
        let scopes = batch.iter().flat_map(|new| new.scopes.iter().map(move |scope| (new.person.id, scope.as_str())));
        insert_pairs(db, "INSERT INTO person_scope (person, scope) ", scopes).await?;
        write_keys(db, batch).await?;
        self.publish(db, batch).await
    }

    async fn publish(&mut self, db: &mut SqliteConnection, batch: &[Newcomer]) -> Result<()> {
        let mut rows = Vec::with_capacity(batch.len());
        for new in batch {
            let keys = new.keys.iter().map(|(key, _)| key.clone()).collect();
            let record = codec::to_bytes(&new.person.record(new.groups.clone(), keys)?);
            for scope in &new.scopes {
                let seq = self.seqs.get_mut(scope).ok_or_else(|| Error::damaged("a scope"))?;
                *seq += 1;
                rows.push((scope.as_str().to_owned(), new.person.login.as_str(), *seq, record.clone()));
            }
        }
        for rows in rows.chunks(BATCH) {
            let mut query: QueryBuilder<Sqlite> = QueryBuilder::new("INSERT INTO state (scope, login, seq, record) ");
            query.push_values(rows, |mut row, (scope, login, seq, record)| {
                row.push_bind(scope).push_bind(*login).push_bind(seq).push_bind(record);
            });
            // A tombstone of someone who was there before gives way.
            query.push(" ON CONFLICT (scope, login) DO UPDATE SET seq = excluded.seq, record = excluded.record");
            query.build().execute(&mut *db).await?;
        }
        Ok(())
    }

    async fn finish(&self, db: &mut SqliteConnection) -> Result<()> {
        for (scope, seq) in &self.seqs {
            sqlx::query("UPDATE scope SET seq = ? WHERE name = ?")
                .bind(seq)
                .bind(scope.as_str())
                .execute(&mut *db)
                .await?;
        }
        Ok(())
    }
}

async fn write_people(db: &mut SqliteConnection, batch: &[Newcomer], now: UnixTime) -> Result<()> {
    if batch.is_empty() {
        return Ok(());
    }
    let mut query: QueryBuilder<Sqlite> = QueryBuilder::new(
        "INSERT INTO person (id, login, display_name, language, user_handle, not_before, not_after, status, created, changed) ",
    );
    query.push_values(batch, |mut row, new| {
        let person = &new.person;
        row.push_bind(person.id)
            .push_bind(person.login.as_str())
            .push_bind(person.display_name.as_str())
            .push_bind(person.language.to_string())
            .push_bind(person.user_handle.as_bytes().as_slice())
            .push_bind(person.not_before.map(|time| to_i64(time.0)))
            .push_bind(person.not_after.map(|time| to_i64(time.0)))
            .push_bind(person.status.as_str())
            .push_bind(to_i64(now.0))
            .push_bind(to_i64(now.0));
    });
    query.build().execute(db).await?;
    Ok(())
}

async fn insert_pairs<'a>(
    db: &mut SqliteConnection,
    insert: &'static str,
    pairs: impl Iterator<Item = (i64, &'a str)>,
) -> Result<()> {
    let pairs: Vec<_> = pairs.collect();
    for pairs in pairs.chunks(BATCH) {
        let mut query: QueryBuilder<Sqlite> = QueryBuilder::new(insert);
        query.push_values(pairs, |mut row, (person, name)| {
            row.push_bind(*person).push_bind(*name);
        });
        query.build().execute(&mut *db).await?;
    }
    Ok(())
}

async fn write_keys(db: &mut SqliteConnection, batch: &[Newcomer]) -> Result<()> {
    let keys: Vec<_> =
        batch.iter().flat_map(|new| new.keys.iter().map(move |(key, counter)| (new.person.id, key, counter))).collect();
    for keys in keys.chunks(BATCH) {
        let mut query: QueryBuilder<Sqlite> = QueryBuilder::new(
            "INSERT INTO credential (person, credential_id, fingerprint, public_key, rp_id, aaguid, flags, \
             cred_protect, status, label, enrolled, counter) ",
        );
        query.push_values(keys, |mut row, (person, key, counter)| {
            row.push_bind(*person)
                .push_bind(key.id.as_slice())
                .push_bind(key.fingerprint().as_bytes().to_vec())
                .push_bind(key.public_key.as_slice())
                .push_bind(key.rp_id.as_str())
                .push_bind(key.aaguid.as_bytes().as_slice())
                .push_bind(key.flags.0)
                .push_bind(key.cred_protect)
                .push_bind("active")
                .push_bind(key.label.as_str())
                .push_bind(to_i64(key.enrolled.0))
                .push_bind(*counter);
        });
        query.build().execute(&mut *db).await?;
    }
    Ok(())
}
