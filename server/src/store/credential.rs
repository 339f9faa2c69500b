//! Security keys of people. A deleted one stays as a tombstone.

use wardkey_core::code::Code;
use wardkey_core::codec::Bytes;
use wardkey_core::id::{Aaguid, CredentialId, Hash, TerminalId};
use wardkey_core::name::{DisplayText, RpId};
use wardkey_core::person::{CredentialFlags, CredentialRecord, Status};
use wardkey_core::time::UnixTime;

use super::query::{Db, FromRow, Only, Row, query};
use super::value::{with_prefix, words};
use crate::error::{Error, Result};
use crate::texts::Text;

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

words!(
    CredentialStatus,
    "a key's status",
    Active = "active",
    Disabled = "disabled",
    Deleted = "deleted"
);

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
    /// Facts at enrollment.
    pub flags: CredentialFlags,
    /// credProtect level; 0 when the key did not say.
    pub cred_protect: u8,
    /// Whether it may be used.
    pub status: CredentialStatus,
    /// What it was called at enrollment: terminals show it.
    pub label: DisplayText,
    /// What the person calls it since: no terminal hears of it.
    pub own_name: Option<DisplayText>,
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
    /// Uses up to this event are known to be its own.
    pub suspicion_cleared: Option<u64>,
    /// When it was switched off or deleted; none when that was before this was kept.
    pub disabled: Option<UnixTime>,
    /// How many characters a PIN has at least, as the key said at enrollment; none when it did not.
    pub min_pin_length: Option<u8>,
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
            status: if self.status == CredentialStatus::Active {
                Status::Active
            } else {
                Status::Disabled
            },
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
    /// How many characters a PIN has at least, when the key said it.
    pub min_pin_length: Option<u8>,
    /// `packed`, `none`, ...
    pub attestation_format: Option<String>,
    /// The attestation object, as it came.
    pub attestation: Option<Vec<u8>>,
}

impl FromRow for Credential {
    fn from_row(row: &Row) -> Result<Self> {
        Ok(Self {
            row: row.get("id")?,
            person: row.get("person")?,
            id: row.get("credential_id")?,
            public_key: row.get("public_key")?,
            rp_id: row.get("rp_id")?,
            aaguid: row.get("aaguid")?,
            flags: CredentialFlags(row.get("flags")?),
            cred_protect: row.get("cred_protect")?,
            status: row.get("status")?,
            label: row.get("label")?,
            own_name: row.get("own_name")?,
            enrolled: row.get("enrolled")?,
            counter: row.get("counter")?,
            last_used: row.get("last_used")?,
            last_terminal: row.get("last_terminal")?,
            clone_suspected: row.get("clone_suspected")?,
            suspicion_cleared: row.get("suspicion_cleared")?,
            disabled: row.get("disabled")?,
            min_pin_length: row.get("min_pin_length")?,
        })
    }
}

const SELECT: &str = "SELECT id, person, credential_id, public_key, rp_id, aaguid, flags, \
    cred_protect, status, \
                      label, enrolled, counter, last_used, last_terminal, clone_suspected, \
                      suspicion_cleared, disabled, min_pin_length, own_name FROM credential ";

/// Adds a key to a person; the transaction holds the write lock, so the cap has no race.
///
/// # Errors
/// [`Code::TooManyKeys`] at the cap; [`Code::KeyAlreadyRegistered`] when the credential was ever
/// enrolled.
pub async fn add(db: &mut Db, person: i64, key: &Registration, cap: u32) -> Result<()> {
    let Only(have): Only<u64> =
        query("SELECT count(*) FROM credential WHERE person = $1 AND status <> 'deleted'")
            .bind(person)
            .one(db)
            .await?;
    if have >= u64::from(cap) {
        return Err(Error::refused(
            Code::TooManyKeys,
            format!("the person has {have} keys, {cap} are allowed"),
        ));
    }

    let record = &key.record;
    let added = query(
        "INSERT INTO credential (person, credential_id, fingerprint, public_key, rp_id, aaguid, \
            flags, cred_protect,
             status, label, enrolled, counter, attestation_format, attestation, min_pin_length)
         VALUES ($1, $2, $3, $4, $5, $6, $7, $8, 'active', $9, $10, $11, $12, $13, $14) \
         ON CONFLICT DO NOTHING",
    )
    .bind(person)
    .bind(&record.id)
    .bind(&record.fingerprint())
    .bind(&record.public_key)
    .bind(&record.rp_id)
    .bind(&record.aaguid)
    .bind(record.flags.0)
    .bind(record.cred_protect)
    .bind(&record.label)
    .bind(record.enrolled)
    .bind(key.counter)
    .bind(key.attestation_format.as_ref())
    .bind(key.attestation.as_deref())
    .bind(key.min_pin_length)
    .execute(db)
    .await?;
    if added == 0 {
        return Err(Error::refused(
            Code::KeyAlreadyRegistered,
            "this credential was enrolled before",
        ));
    }
    Ok(())
}

/// Keys of a person, oldest first, deleted ones too.
pub async fn of_person(db: &mut Db, person: i64) -> Result<Vec<Credential>> {
    query(SELECT).then("WHERE person = $1 ORDER BY id").bind(person).all(db).await
}

/// The key in a row, deleted or not.
pub async fn by_row(db: &mut Db, row: i64) -> Result<Credential> {
    query(SELECT).then("WHERE id = $1").bind(row).one(db).await
}

/// Keys of several people, oldest first, deleted ones too.
pub async fn of_people(db: &mut Db, people: &[i64]) -> Result<Vec<Credential>> {
    query(SELECT)
        .then("WHERE person IN ")
        .list(people.iter().copied())
        .then(" ORDER BY id")
        .all(db)
        .await
}

/// The key with a credential id, whatever its status.
pub async fn find(db: &mut Db, id: &CredentialId) -> Result<Option<Credential>> {
    query(SELECT).then("WHERE credential_id = $1").bind(id).optional(db).await
}

/// The one key whose fingerprint begins with these hexadecimal digits.
///
/// # Errors
/// [`Error::Refused`] when there is none, or more than one, or fewer than four digits are given.
pub async fn by_fingerprint(db: &mut Db, prefix: &str) -> Result<Credential> {
    let prefix = prefix.to_ascii_lowercase();
    let range = if prefix.len() < 4 { None } else { with_prefix(&prefix, Hash::LEN) };
    let Some((low, high)) = range else {
        return Err(Error::invalid(Text::KeyDigits));
    };
    let mut found = query(SELECT)
        .then("WHERE fingerprint BETWEEN $1 AND $2 LIMIT 2")
        .bind(low)
        .bind(high)
        .all(db)
        .await?;
    match (found.pop(), found.pop()) {
        (None, _) => Err(Error::not_found(Text::UnknownKey.with([("name", prefix.into())]))),
        (Some(key), None) => Ok(key),
        _ => Err(Error::invalid(Text::KeyAmbiguous.with([("name", prefix.into())]))),
    }
}

/// Switches a key on or off, or deletes it for ever.
///
/// # Errors
/// [`Error::Refused`] for a deleted key.
pub async fn set_status(
    db: &mut Db,
    key: &Credential,
    status: CredentialStatus,
    now: UnixTime,
) -> Result<bool> {
    if key.status == CredentialStatus::Deleted {
        let name = key.fingerprint().short().to_string().into();
        return Err(Error::invalid(Text::KeyDeleted.with([("name", name)])));
    }
    // One that is deleted after it was switched off was lost when it was switched off, if that is
    // known.
    let disabled = match status {
        CredentialStatus::Active => None,
        _ if key.status == CredentialStatus::Disabled => key.disabled,
        CredentialStatus::Disabled | CredentialStatus::Deleted => Some(now),
    };
    let changed =
        query("UPDATE credential SET status = $1, disabled = $3 WHERE id = $2 AND status <> $1")
            .bind(status)
            .bind(key.row)
            .bind(disabled)
            .execute(db)
            .await?;
    Ok(changed > 0)
}

/// Calls a key something, or nothing any more.
pub async fn set_own_name(db: &mut Db, key: i64, name: Option<&DisplayText>) -> Result<()> {
    query("UPDATE credential SET own_name = $1 WHERE id = $2")
        .bind(name)
        .bind(key)
        .execute(db)
        .await?;
    Ok(())
}

/// Remembers a verified login: greatest counter, last use.
pub async fn used(
    db: &mut Db,
    key: &Credential,
    counter: u32,
    (time, terminal): (UnixTime, &TerminalId),
) -> Result<()> {
    query(
        "UPDATE credential SET counter = CASE WHEN counter < $1 THEN $1 ELSE counter END,
             last_terminal = CASE WHEN last_used IS NULL OR last_used <= $2 THEN $3
                 ELSE last_terminal END,
             last_used = CASE WHEN last_used IS NULL OR last_used <= $2 THEN $2 ELSE last_used END
         WHERE id = $4",
    )
    .bind(counter)
    .bind(time)
    .bind(terminal)
    .bind(key.row)
    .execute(db)
    .await?;
    Ok(())
}

/// Remembers the counter of a signature that was no login.
pub async fn counted(db: &mut Db, key: &Credential, counter: u32) -> Result<()> {
    query("UPDATE credential SET counter = $1 WHERE id = $2 AND counter < $1")
        .bind(counter)
        .bind(key.row)
        .execute(db)
        .await?;
    Ok(())
}

/// Remembers that a counter went backwards.
pub async fn suspect_clone(db: &mut Db, key: &Credential, now: UnixTime) -> Result<()> {
    query("UPDATE credential SET clone_suspected = $1 WHERE id = $2")
        .bind(now)
        .bind(key.row)
        .execute(db)
        .await?;
    Ok(())
}

/// Forgets that, and the greatest counter, which may be that of the copy. Later uses are compared
/// with none that is here now: what is still on its way, from a terminal that is offline, is not
/// among these.
pub async fn clear_suspicion(db: &mut Db, key: &Credential) -> Result<()> {
    query(
        "UPDATE credential SET clone_suspected = NULL, counter = 0,
             suspicion_cleared = (SELECT coalesce(max(seq), 0) FROM event)
         WHERE id = $1",
    )
    .bind(key.row)
    .execute(db)
    .await?;
    Ok(())
}
