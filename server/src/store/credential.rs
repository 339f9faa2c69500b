//! Security keys of people. A deleted one stays as a tombstone.

use sqlx::{Row, SqliteConnection};
use wardkey_core::code::Code;
use wardkey_core::codec::Bytes;
use wardkey_core::id::{Aaguid, CredentialId, Hash, TerminalId};
use wardkey_core::name::{DisplayText, RpId};
use wardkey_core::person::{CredentialFlags, CredentialRecord, Status};
use wardkey_core::time::UnixTime;

use super::{to_i64, to_some_time};
use crate::error::{Error, Result};

/// Whether a key may be used.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum CredentialStatus {
    /// May be used.
    Active,
    /// Switched off, may be switched on again.
    Disabled,
    /// Gone for ever.
    Deleted,
}

impl CredentialStatus {
    /// The word in the store.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Active => "active",
            Self::Disabled => "disabled",
            Self::Deleted => "deleted",
        }
    }
}

/// A key, as stored.
#[derive(Clone, Debug)]
pub struct Credential {
    /// Row.
    pub row: i64,
    /// Row of the person.
    pub person: i64,
    /// Credential id.
    pub id: CredentialId,
    /// COSE_Key.
    pub public_key: Bytes<256>,
    /// Relying party id under which it was made.
    pub rp_id: RpId,
    /// Model.
    pub aaguid: Aaguid,
    /// Facts at enrolment.
    pub flags: CredentialFlags,
    /// credProtect level; 0 when the key did not say.
    pub cred_protect: u8,
    /// Whether it may be used.
    pub status: CredentialStatus,
    /// What the person calls it.
    pub label: DisplayText,
    /// When it was enrolled.
    pub enrolled: UnixTime,
    /// Greatest signature counter seen.
    pub counter: u32,
    /// When it last logged someone in.
    pub last_used: Option<UnixTime>,
    /// Where.
    pub last_terminal: Option<TerminalId>,
    /// When its counter last went backwards.
    pub clone_suspected: Option<UnixTime>,
}

impl Credential {
    /// As it is published, and as assertions are verified against it.
    pub fn record(&self) -> CredentialRecord {
        CredentialRecord {
            id: self.id.clone(),
            public_key: self.public_key.clone(),
            rp_id: self.rp_id.clone(),
            aaguid: self.aaguid,
            flags: self.flags,
            cred_protect: self.cred_protect,
            status: if self.status == CredentialStatus::Active { Status::Active } else { Status::Disabled },
            label: self.label.clone(),
            enrolled: self.enrolled,
        }
    }

    /// Fingerprint for people and logs.
    pub fn fingerprint(&self) -> Hash {
        self.id.fingerprint()
    }
}

/// What was kept of a registration.
#[derive(Clone, Debug)]
pub struct Registration {
    /// The credential.
    pub record: CredentialRecord,
    /// Signature counter.
    pub counter: u32,
    /// `packed`, `none`, ...
    pub attestation_format: Option<String>,
    /// The attestation object, as it came.
    pub attestation: Option<Vec<u8>>,
}

const COLUMNS: &str = "id, person, credential_id, public_key, rp_id, aaguid, flags, cred_protect, status, label, \
                       enrolled, counter, last_used, last_terminal, clone_suspected";

/// Adds a key to a person; the transaction holds the write lock, so the cap has no race.
///
/// # Errors
/// [`Code::TooManyKeys`] at the cap; [`Code::KeyAlreadyRegistered`] when the credential was ever enrolled.
pub async fn add(db: &mut SqliteConnection, person: i64, key: &Registration, cap: u32) -> Result<()> {
    let have: i64 = sqlx::query_scalar("SELECT count(*) FROM credential WHERE person = ? AND status <> 'deleted'")
        .bind(person)
        .fetch_one(&mut *db)
        .await?;
    if have >= i64::from(cap) {
        return Err(Error::refused(Code::TooManyKeys, format!("the person has {have} keys, {cap} are allowed")));
    }
    let record = &key.record;
    let done = sqlx::query(
        "INSERT INTO credential (person, credential_id, fingerprint, public_key, rp_id, aaguid, flags, cred_protect,
             status, label, enrolled, counter, attestation_format, attestation)
         VALUES (?, ?, ?, ?, ?, ?, ?, ?, 'active', ?, ?, ?, ?, ?) ON CONFLICT DO NOTHING",
    )
    .bind(person)
    .bind(record.id.as_slice())
    .bind(record.fingerprint().as_bytes().as_slice())
    .bind(record.public_key.as_slice())
    .bind(record.rp_id.as_str())
    .bind(record.aaguid.as_bytes().as_slice())
    .bind(record.flags.0)
    .bind(record.cred_protect)
    .bind(record.label.as_str())
    .bind(to_i64(record.enrolled.0))
    .bind(key.counter)
    .bind(&key.attestation_format)
    .bind(&key.attestation)
    .execute(db)
    .await?;
    if done.rows_affected() == 0 {
        return Err(Error::refused(Code::KeyAlreadyRegistered, "this credential was enrolled before"));
    }
    Ok(())
}

/// Keys of a person, oldest first, deleted ones too.
///
/// # Errors
/// [`Error::Store`].
pub async fn of_person(db: &mut SqliteConnection, person: i64) -> Result<Vec<Credential>> {
    let sql = format!("SELECT {COLUMNS} FROM credential WHERE person = ? ORDER BY id");
    let rows = sqlx::query(sqlx::AssertSqlSafe(sql)).bind(person).fetch_all(db).await?;
    rows.iter().map(read).collect()
}

/// The key with a credential id, whatever its status.
///
/// # Errors
/// [`Error::Store`].
pub async fn find(db: &mut SqliteConnection, id: &CredentialId) -> Result<Option<Credential>> {
    let sql = format!("SELECT {COLUMNS} FROM credential WHERE credential_id = ?");
    let row = sqlx::query(sqlx::AssertSqlSafe(sql)).bind(id.as_slice()).fetch_optional(db).await?;
    row.as_ref().map(read).transpose()
}

/// The one key whose fingerprint begins with these hexadecimal digits.
///
/// # Errors
/// [`Error::Refused`] when there is none, or more than one, or fewer than four digits are given.
pub async fn by_fingerprint(db: &mut SqliteConnection, prefix: &str) -> Result<Credential> {
    let prefix = prefix.to_ascii_lowercase();
    if prefix.len() < 4 || prefix.len() > 64 || !prefix.chars().all(|c| c.is_ascii_hexdigit()) {
        return Err(Error::invalid("a fingerprint is 4 to 64 hexadecimal digits, as shown by \"key list\""));
    }
    let sql = format!("SELECT {COLUMNS} FROM credential WHERE lower(hex(fingerprint)) LIKE ? || '%' LIMIT 2");
    let rows = sqlx::query(sqlx::AssertSqlSafe(sql)).bind(&prefix).fetch_all(db).await?;
    match rows.as_slice() {
        [] => Err(Error::not_found(format!("key {prefix}"))),
        [row] => read(row),
        _ => Err(Error::invalid(format!("more than one key begins with {prefix}; give more digits"))),
    }
}

/// Switches a key on or off, or deletes it for ever.
///
/// # Errors
/// [`Error::Refused`] for a deleted key.
pub async fn set_status(db: &mut SqliteConnection, key: &Credential, status: CredentialStatus) -> Result<bool> {
    if key.status == CredentialStatus::Deleted {
        return Err(Error::invalid(format!("key {} is deleted", key.fingerprint().short())));
    }
    let done = sqlx::query("UPDATE credential SET status = ?1 WHERE id = ?2 AND status <> ?1")
        .bind(status.as_str())
        .bind(key.row)
        .execute(db)
        .await?;
    Ok(done.rows_affected() > 0)
}

/// Remembers a verified login: greatest counter, last use.
///
/// # Errors
/// [`Error::Store`].
pub async fn used(
    db: &mut SqliteConnection,
    key: &Credential,
    counter: u32,
    (time, terminal): (UnixTime, &TerminalId),
) -> Result<()> {
    sqlx::query(
        "UPDATE credential SET counter = max(counter, ?1),
             last_terminal = CASE WHEN last_used IS NULL OR last_used <= ?2 THEN ?3 ELSE last_terminal END,
             last_used = max(coalesce(last_used, 0), ?2)
         WHERE id = ?4",
    )
    .bind(counter)
    .bind(to_i64(time.0))
    .bind(terminal.as_bytes().as_slice())
    .bind(key.row)
    .execute(db)
    .await?;
    Ok(())
}

/// Remembers that a counter went backwards.
///
/// # Errors
/// [`Error::Store`].
pub async fn suspect_clone(db: &mut SqliteConnection, key: &Credential, now: UnixTime) -> Result<()> {
    sqlx::query("UPDATE credential SET clone_suspected = ? WHERE id = ?")
        .bind(to_i64(now.0))
        .bind(key.row)
        .execute(db)
        .await?;
    Ok(())
}

fn read(row: &sqlx::sqlite::SqliteRow) -> Result<Credential> {
    let status = match row.try_get::<&str, _>(8)? {
        "active" => CredentialStatus::Active,
        "disabled" => CredentialStatus::Disabled,
        "deleted" => CredentialStatus::Deleted,
        _ => return Err(Error::damaged("a key's status")),
    };
    let last_terminal: Option<Vec<u8>> = row.try_get(13)?;
    Ok(Credential {
        row: row.try_get(0)?,
        person: row.try_get(1)?,
        id: CredentialId::new(row.try_get::<Vec<u8>, _>(2)?).map_err(Error::damaged)?,
        public_key: Bytes::new(row.try_get::<Vec<u8>, _>(3)?).map_err(Error::damaged)?,
        rp_id: RpId::new(row.try_get::<String, _>(4)?).map_err(Error::damaged)?,
        aaguid: Aaguid::from_slice(&row.try_get::<Vec<u8>, _>(5)?).map_err(Error::damaged)?,
        flags: CredentialFlags(row.try_get(6)?),
        cred_protect: row.try_get(7)?,
        status,
        label: DisplayText::new(row.try_get::<String, _>(9)?).map_err(Error::damaged)?,
        enrolled: super::to_time(row.try_get(10)?)?,
        counter: row.try_get(11)?,
        last_used: to_some_time(row.try_get(12)?)?,
        last_terminal: last_terminal.map(|id| TerminalId::from_slice(&id)).transpose().map_err(Error::damaged)?,
        clone_suspected: to_some_time(row.try_get(14)?)?,
    })
}
