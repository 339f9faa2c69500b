//! Many people at once, in the caller's transaction: the statements take many rows each, and the
//! published records are made here instead of being read back.

use std::collections::{BTreeSet, HashMap, HashSet};

use base64ct::{Base64UrlUnpadded, Encoding};
use jiff::tz::TimeZone;
use serde::Serialize;
use sqlx::{QueryBuilder, Sqlite, SqliteConnection};
use wardkey_core::codec::{self, Bytes};
use wardkey_core::cose_key::PublicKey;
use wardkey_core::id::{Aaguid, CredentialId, UserHandle};
use wardkey_core::name::{DisplayText, GroupName, Language, LoginName, RpId, ScopeName};
use wardkey_core::person::{CredentialFlags, CredentialRecord, MAX_GROUPS, NEVER_SILENT, Status};
use wardkey_core::time::UnixTime;

use super::person::{MAX_PERSON_SCOPES, Person, PersonStatus};
use super::{setting, to_i64};
use crate::error::{Error, Result};
use crate::people_file::{Key, Line, People, Problem, Wrong};
use crate::secret;
use crate::when::When;

/// Rows of one statement; SQLite takes 32,766 values, the widest row has 14.
const BATCH: usize = 500;

/// What an import did, or would do.
#[derive(Clone, Copy, Debug, Default, Serialize)]
pub struct Imported {
    /// People added.
    pub people: u64,
    /// Their keys.
    pub keys: u64,
    /// People who were there already.
    pub skipped: u64,
}

/// By what a file is judged.
#[derive(Debug)]
pub struct Rules {
    /// Keys that one person may have.
    pub keys_per_person: u32,
    /// Whether people who are there already are left as they are, instead of refusing the file.
    pub skip_existing: bool,
    /// Where a day is one.
    pub zone: TimeZone,
    /// The time.
    pub now: UnixTime,
}

/// Someone who is to be added.
struct Newcomer {
    person: Person,
    groups: BTreeSet<GroupName>,
    scopes: BTreeSet<ScopeName>,
    keys: Vec<(CredentialRecord, u32)>,
}

/// Everyone of a file, checked against the store; what is wrong with them.
pub struct Plan {
    newcomers: Vec<Newcomer>,
    seqs: HashMap<ScopeName, i64>,
    now: UnixTime,
    /// Everything that is wrong, in the order of the lines.
    pub problems: Vec<Problem>,
    /// What it comes to.
    pub done: Imported,
}

/// Checks everyone against what is there. Writes nothing.
///
/// # Errors
/// [`Error::Store`], [`Error::Damaged`].
pub async fn plan(db: &mut SqliteConnection, people: People, rules: &Rules) -> Result<Plan> {
    let mut taking = Taking::start(db, rules).await?;
    let mut problems = people.problems;
    let mut newcomers = Vec::with_capacity(people.lines.len());
    for (number, line) in people.lines {
        match taking.take(line) {
            Ok(newcomer) => newcomers.extend(newcomer),
            Err(wrong) => problems.extend(wrong.into_iter().map(|wrong| Problem::at(number, wrong))),
        }
    }
    problems.sort_by_key(|problem| problem.line);
    Ok(Plan { newcomers, seqs: taking.seqs, now: rules.now, problems, done: taking.done })
}

impl Plan {
    /// Adds everyone, in the transaction in which it was planned. The caller commits, or nothing has
    /// happened.
    ///
    /// # Errors
    /// [`Error::Store`]; [`Error::Damaged`] also when there are problems: nobody asks for that.
    pub async fn carry_out(mut self, db: &mut SqliteConnection) -> Result<Imported> {
        if !self.problems.is_empty() {
            return Err(Error::damaged("a file that is imported"));
        }
        for batch in std::mem::take(&mut self.newcomers).chunks(BATCH) {
            self.write(db, batch).await?;
        }
        self.finish(db).await?;
        Ok(self.done)
    }
}

/// Collects what is wrong, so that everything of a line is said at once.
struct Checked(Vec<Wrong>);

impl Checked {
    /// The value, or what is wrong with it.
    fn take<T>(&mut self, value: Result<T, Wrong>) -> Option<T> {
        value.map_err(|wrong| self.0.push(wrong)).ok()
    }

    /// All of them, without those that are wrong.
    fn take_all<T: Ord>(&mut self, values: impl Iterator<Item = Result<T, Wrong>>) -> BTreeSet<T> {
        values.filter_map(|value| self.take(value)).collect()
    }
}

impl Key {
    fn record(self, rp_id: &RpId, now: UnixTime) -> Result<(CredentialRecord, u32), String> {
        let bytes = |what: &str, text: &str| {
            Base64UrlUnpadded::decode_vec(text).map_err(|_| format!("{what}: not unpadded base64url"))
        };
        let public_key = bytes("public_key", &self.public_key)?;
        PublicKey::from_cose(&public_key).map_err(|error| format!("public_key: {error}"))?;
        if self.cred_protect >= NEVER_SILENT {
            return Err("cred_protect: 0 to 2; a key with 3 is found by nobody before its PIN".into());
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

/// A language as people write it; Japanese when nothing is written.
fn language(text: Option<String>) -> Result<Language, Wrong> {
    let Some(text) = text.filter(|text| !text.is_empty()) else { return Ok(Language::Ja) };
    match text.to_lowercase().as_str() {
        "ja" | "ja-jp" | "ja_jp" | "japanese" | "日本語" => Ok(Language::Ja),
        "en" | "en-us" | "en_us" | "en-gb" | "en_gb" | "english" | "英語" => Ok(Language::En),
        _ => Err(Wrong::Language(text)),
    }
}

/// A file that is being checked.
struct Taking<'a> {
    rules: &'a Rules,
    rp_id: RpId,
    next: i64,
    /// Who is there already.
    there: HashSet<String>,
    /// Who stands in the file.
    logins: HashSet<String>,
    credentials: HashSet<Vec<u8>>,
    /// The sequence of each scope.
    seqs: HashMap<ScopeName, i64>,
    done: Imported,
}

impl<'a> Taking<'a> {
    async fn start(db: &mut SqliteConnection, rules: &'a Rules) -> Result<Self> {
        let (_, root) = setting::roots(db).await?;
        let last: Option<i64> = sqlx::query_scalar("SELECT max(id) FROM person").fetch_one(&mut *db).await?;
        let there: Vec<String> =
            sqlx::query_scalar("SELECT login FROM person WHERE status <> 'deleted'").fetch_all(&mut *db).await?;
        let credentials: Vec<Vec<u8>> =
            sqlx::query_scalar("SELECT credential_id FROM credential").fetch_all(&mut *db).await?;
        let scopes = super::scope::list(db).await?;
        Ok(Self {
            rules,
            rp_id: root.rp_id,
            next: last.unwrap_or(0) + 1,
            there: there.into_iter().collect(),
            logins: HashSet::new(),
            credentials: credentials.into_iter().collect(),
            seqs: scopes.into_iter().map(|scope| (scope.name, to_i64(scope.position.seq))).collect(),
            done: Imported::default(),
        })
    }

    /// Checks a line; `None` for someone who is there and is left alone.
    fn take(&mut self, line: Line) -> Result<Option<Newcomer>, Vec<Wrong>> {
        if line.login.is_empty() {
            return Err(vec![Wrong::Missing("login")]);
        }
        if !self.logins.insert(line.login.clone()) {
            return Err(vec![Wrong::Twice(line.login)]);
        }
        if self.there.contains(&line.login) {
            if self.rules.skip_existing {
                self.done.skipped += 1;
                return Ok(None);
            }
            return Err(vec![Wrong::Exists(line.login)]);
        }
        let newcomer = self.newcomer(line)?;
        self.next += 1;
        self.done.people += 1;
        self.done.keys += newcomer.keys.len() as u64;
        Ok(Some(newcomer))
    }

    fn newcomer(&mut self, line: Line) -> Result<Newcomer, Vec<Wrong>> {
        let mut checked = Checked(Vec::new());
        let login = checked.take(LoginName::new(line.login.as_str()).map_err(|_| Wrong::Login(line.login.clone())));
        let name = if line.name.is_empty() {
            Err(Wrong::Missing("name"))
        } else {
            DisplayText::new(line.name.as_str()).map_err(|_| Wrong::Name(line.name))
        };
        let name = checked.take(name);
        let language = checked.take(language(line.language));

        let zone = &self.rules.zone;
        let when = |column: &'static str, text: Option<String>, edge: fn(When, &TimeZone) -> Option<UnixTime>| {
            let Some(text) = text.filter(|text| !text.is_empty()) else { return Ok(None) };
            let time = When::parse(&text).and_then(|when| edge(when, zone));
            time.map(Some).ok_or(Wrong::Date(column, text))
        };
        let not_before = checked.take(when("valid_from", line.valid_from, When::begins)).flatten();
        let not_after = checked.take(when("valid_until", line.valid_until, When::ends)).flatten();
        if not_before.zip(not_after).is_some_and(|(from, until)| until <= from) {
            checked.0.push(Wrong::Dates);
        }

        if line.scopes.is_empty() {
            checked.0.push(Wrong::Missing("scopes"));
        }
        let known = |name: String| {
            let scope = ScopeName::new(name.as_str()).ok().filter(|scope| self.seqs.contains_key(scope));
            scope.ok_or(Wrong::Scope(name))
        };
        let scopes = checked.take_all(line.scopes.into_iter().map(known));
        let group = |name: String| GroupName::new(name.as_str()).map_err(|_| Wrong::Group(name));
        let groups = checked.take_all(line.groups.into_iter().map(group));
        let most_keys = self.rules.keys_per_person as usize;
        for (column, count, most) in [
            ("scopes", scopes.len(), MAX_PERSON_SCOPES),
            ("groups", groups.len(), MAX_GROUPS),
            ("credentials", line.credentials.len(), most_keys),
        ] {
            if count > most {
                checked.0.push(Wrong::TooMany(column, most));
            }
        }

        let mut keys = Vec::with_capacity(line.credentials.len());
        for key in line.credentials {
            let key = key.record(&self.rp_id, self.rules.now).map_err(Wrong::Key);
            let Some((key, counter)) = checked.take(key) else { continue };
            if !self.credentials.insert(key.id.as_slice().to_vec()) {
                checked.0.push(Wrong::Key(format!("key {} is enrolled already", key.fingerprint().short())));
            }
            keys.push((key, counter));
        }

        let user_handle = secret::random().map_err(|error| Wrong::Key(error.to_string()));
        let user_handle = checked.take(user_handle).map(UserHandle::new);
        match (login, name, language, user_handle) {
            (Some(login), Some(display_name), Some(language), Some(user_handle)) if checked.0.is_empty() => {
                let person = Person {
                    id: self.next,
                    login,
                    display_name,
                    language,
                    user_handle,
                    not_before,
                    not_after,
                    status: PersonStatus::Active,
                };
                Ok(Newcomer { person, groups, scopes, keys })
            }
            _ => Err(checked.0),
        }
    }
}

impl Plan {
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
