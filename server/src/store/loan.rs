//! Loans of the pool's keys. A key is lent to nobody before it is back from the last borrower, and
//! a person has one key on loan. That a loan ended says nothing of where the key is.

use std::collections::BTreeMap;

use wardkey_core::id::LoanId;
use wardkey_core::log_keys::ListedLoan;
use wardkey_core::name::{DisplayText, LoginName};
use wardkey_core::person::Loan;
use wardkey_core::time::UnixTime;

use super::query::{Db, FromRow, LISTED_AT_ONCE, Row, query};
use super::value::words;
use super::{credential, person};
use crate::error::Result;

/// What ended a loan.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum EndedBy {
    /// The key came back.
    Return,
    /// Its borrower logged in with a key of their own.
    Key,
    /// An administrator, who switched the borrower off or deleted the key.
    Administrator,
    /// Its time was over, and its borrower got another key.
    Time,
}
words!(
    EndedBy,
    "what ended a loan",
    Return = "return",
    Key = "key",
    Administrator = "administrator",
    Time = "time"
);

/// A loan, as stored.
#[derive(Clone, Debug)]
pub struct StoredLoan {
    /// Row.
    pub number: i64,
    /// Names it in records.
    pub id: LoanId,
    /// Row of the key.
    pub key: i64,
    /// Row of the borrower.
    pub person: i64,
    /// Login name of the borrower.
    pub login: LoginName,
    /// Not valid before this.
    pub from: UnixTime,
    /// Not valid from this on.
    pub until: UnixTime,
    /// Who lent it.
    pub lender: DisplayText,
    /// Why.
    pub reason: DisplayText,
    /// When it was last used.
    pub used: Option<UnixTime>,
    /// When it ended.
    pub ended: Option<UnixTime>,
    /// What ended it.
    pub ended_by: Option<EndedBy>,
    /// When the key came back.
    pub returned: Option<UnixTime>,
}

impl StoredLoan {
    /// Whether the borrower's record has the key.
    pub fn is_open(&self) -> bool {
        self.ended.is_none()
    }
}

impl FromRow for StoredLoan {
    fn from_row(row: &Row) -> Result<Self> {
        Ok(Self {
            number: row.get("number")?,
            id: row.get("id")?,
            key: row.get("credential")?,
            person: row.get("person")?,
            login: row.get("login")?,
            from: row.get("begins")?,
            until: row.get("until")?,
            lender: row.get("lender")?,
            reason: row.get("reason")?,
            used: row.get("used")?,
            ended: row.get("ended")?,
            ended_by: row.get("ended_by")?,
            returned: row.get("returned")?,
        })
    }
}

const SELECT: &str = "SELECT loan.number, loan.id, loan.credential, loan.person, person.login, \
    loan.begins, loan.until, loan.lender, loan.reason, loan.used, loan.ended, loan.ended_by, \
    loan.returned FROM loan JOIN person ON person.id = loan.person ";

/// The loan from which a key is not back; it may have ended.
pub async fn not_back(db: &mut Db, key: i64) -> Result<Option<StoredLoan>> {
    query(SELECT)
        .then("WHERE loan.credential = $1 AND loan.returned IS NULL")
        .bind(key)
        .optional(db)
        .await
}

/// The same of several keys, by the row of the key.
pub async fn not_back_of(db: &mut Db, keys: &[i64]) -> Result<BTreeMap<i64, StoredLoan>> {
    let mut found = BTreeMap::new();
    for part in keys.chunks(LISTED_AT_ONCE) {
        let loans = query(SELECT)
            .then("WHERE loan.returned IS NULL AND loan.credential IN ")
            .list(part.iter().copied())
            .all::<StoredLoan>(db)
            .await?;
        found.extend(loans.into_iter().map(|loan| (loan.key, loan)));
    }
    Ok(found)
}

/// The loan of a borrower that has not ended; its time may be over.
pub async fn open_of_person(db: &mut Db, person: i64) -> Result<Option<StoredLoan>> {
    query(SELECT)
        .then("WHERE loan.person = $1 AND loan.ended IS NULL")
        .bind(person)
        .optional(db)
        .await
}

/// The latest loan of a key.
pub async fn latest_of_key(db: &mut Db, key: i64) -> Result<Option<StoredLoan>> {
    query(SELECT)
        .then("WHERE loan.credential = $1 ORDER BY loan.number DESC LIMIT 1")
        .bind(key)
        .optional(db)
        .await
}

/// The loan with an id, by which logins are verified.
pub async fn find(db: &mut Db, id: &LoanId) -> Result<Option<ListedLoan>> {
    let found: Option<Numbered> =
        query(LISTED).then("WHERE loan.id = $1").bind(id).optional(db).await?;
    Ok(found.map(|numbered| numbered.loan))
}

/// Loans after a number, and the number of the last one; none when there are no more.
pub async fn after(db: &mut Db, number: i64) -> Result<Option<(i64, Vec<ListedLoan>)>> {
    let rows = query(LISTED)
        .then("WHERE loan.number > $1 ORDER BY loan.number LIMIT 1000")
        .bind(number)
        .all::<Numbered>(db)
        .await?;
    let last = rows.last().map(|row| row.number);
    Ok(last.map(|last| (last, rows.into_iter().map(|row| row.loan).collect())))
}

/// What verifying a login needs. It is lent again only when it is back, so that no two borrowers
/// have it at one time.
const LISTED: &str = "SELECT loan.number, loan.id, credential.fingerprint, person.login, \
    loan.begins, loan.until, loan.returned \
    FROM loan JOIN person ON person.id = loan.person \
        JOIN credential ON credential.id = loan.credential ";

struct Numbered {
    number: i64,
    loan: ListedLoan,
}

impl FromRow for Numbered {
    fn from_row(row: &Row) -> Result<Self> {
        let loan = ListedLoan {
            id: row.get("id")?,
            key: row.get("fingerprint")?,
            person: row.get("login")?,
            from: row.get("begins")?,
            until: row.get("until")?,
            back: row.get("returned")?,
        };
        Ok(Self { number: row.get("number")?, loan })
    }
}

/// What a person's record says of a loan; none when there is none, or its key was deleted.
pub async fn published(db: &mut Db, person: i64) -> Result<Option<Loan>> {
    let Some(open) = open_of_person(db, person).await? else { return Ok(None) };
    let key = credential::by_row(db, open.key).await?;
    if key.status == credential::CredentialStatus::Deleted {
        return Ok(None);
    }
    let holder = person::by_id(db, key.person).await?;
    Ok(Some(Loan {
        id: open.id,
        credential: key.record(),
        holder: holder.user_handle,
        from: open.from,
        until: open.until,
        lender: open.lender,
        reason: open.reason,
    }))
}

/// A loan that begins.
#[derive(Debug)]
pub struct NewLoan<'a> {
    /// Names it in records.
    pub id: LoanId,
    /// Row of the key.
    pub key: i64,
    /// Row of the borrower.
    pub person: i64,
    /// When it begins.
    pub from: UnixTime,
    /// Not valid from this on.
    pub until: UnixTime,
    /// Who lends it.
    pub lender: &'a DisplayText,
    /// Why.
    pub reason: &'a DisplayText,
}

/// Adds a loan; the key must be back, and the loan before of the borrower ended.
pub async fn add(db: &mut Db, loan: &NewLoan<'_>) -> Result<()> {
    query(
        "INSERT INTO loan (id, credential, person, begins, until, lender, reason)
         VALUES ($1, $2, $3, $4, $5, $6, $7)",
    )
    .bind(&loan.id)
    .bind(loan.key)
    .bind(loan.person)
    .bind(loan.from)
    .bind(loan.until)
    .bind(loan.lender)
    .bind(loan.reason)
    .execute(db)
    .await?;
    Ok(())
}

/// Ends a loan, wherever the key is.
pub async fn end(db: &mut Db, loan: &StoredLoan, by: EndedBy, now: UnixTime) -> Result<()> {
    query("UPDATE loan SET ended = $1, ended_by = $2 WHERE number = $3 AND ended IS NULL")
        .bind(now)
        .bind(by)
        .bind(loan.number)
        .execute(db)
        .await?;
    Ok(())
}

/// The key is back, whatever ended the loan, or by that.
pub async fn give_back(db: &mut Db, loan: &StoredLoan, now: UnixTime) -> Result<()> {
    query(
        "UPDATE loan SET returned = $1, ended = coalesce(ended, $1), \
            ended_by = coalesce(ended_by, $2)
         WHERE number = $3 AND returned IS NULL",
    )
    .bind(now)
    .bind(EndedBy::Return)
    .bind(loan.number)
    .execute(db)
    .await?;
    Ok(())
}

/// Remembers a verified login by a loan.
pub async fn used(db: &mut Db, id: &LoanId, time: UnixTime) -> Result<()> {
    query("UPDATE loan SET used = $1 WHERE id = $2 AND (used IS NULL OR used < $1)")
        .bind(time)
        .bind(id)
        .execute(db)
        .await?;
    Ok(())
}
