//! Loaner keys: a pool of keys, each lent to one person until the end of a shift.
//!
//! ```text
//!   add ─ a holder, a code ─> enrolled at a terminal ─> free ─ lend ─> lent ─ return ─> free
//!                            (its loan ended otherwise than by that)  └> out ─ return ─┘
//! ```
//! While a key is lent, the borrower's record has it, with an end. Between loans no record has it,
//! so nobody gets in by it. It is `out` when its loan ended and nobody said that it is back: it may
//! be lost, so it is not lent before.

use serde::Serialize;
use wardkey_core::id::LoanId;
use wardkey_core::name::LoginName;
use wardkey_core::person::{MAX_LOAN_SECONDS, MAX_POOL};
use wardkey_core::time::UnixTime;

use super::code::CodeMade;
use super::key::{self, KeySwitched, Which};
use super::reach::Reach;
use super::terms::{self, Terms};
use super::{Listing, Operation, code, naming};
use crate::error::{Error, Result};
use crate::secret;
use crate::store::credential::{Credential, CredentialStatus};
use crate::store::loan::{self, EndedBy, NewLoan, StoredLoan};
use crate::store::person::{self, Details, PersonRow, PersonStatus};
use crate::store::{PageRequest, Tx, credential, loaner, scope, state};
use crate::texts::{Phrase, Text};
use crate::when::shown_utc;

const TERMS: Terms = Terms {
    longest: |policy| policy.loan_seconds,
    none: Text::LoanNotAllowed,
    too_long: Text::LoanTooLong,
    unit: 60,
};

/// A key of the pool, and its loan.
#[derive(Debug, Serialize)]
pub struct LoanerView {
    /// Its name.
    pub name: String,
    /// Fingerprint, 64 hexadecimal digits; none before it was enrolled.
    pub key: Option<String>,
    /// `unenrolled`, `free`, `lent`, `over` (lent for longer than agreed), `out` (not back, though
    /// the loan ended) or `disabled`.
    pub status: &'static str,
    /// When it last logged someone in, Unix seconds.
    pub last_used: Option<u64>,
    /// The loan from which it is not back; `loaner show` has the latest one.
    pub loan: Option<LoanView>,
}

/// A loan.
#[derive(Debug, Serialize)]
pub struct LoanView {
    /// Its id, as in records.
    pub id: String,
    /// Login name of the borrower.
    pub login: String,
    /// Not valid before this, Unix seconds.
    pub from: u64,
    /// Not valid from then on, Unix seconds.
    pub until: u64,
    /// Who lent it.
    pub lender: String,
    /// Why.
    pub reason: String,
    /// When it was last used, Unix seconds.
    pub used: Option<u64>,
    /// When it ended, Unix seconds.
    pub ended: Option<u64>,
    /// What ended it: `return`, `key`, `administrator` or `time`.
    pub ended_by: Option<&'static str>,
    /// When the key came back, Unix seconds.
    pub returned: Option<u64>,
}

impl LoanView {
    fn of(stored: &StoredLoan) -> Self {
        Self {
            id: stored.id.to_hex(),
            login: stored.login.to_string(),
            from: stored.from.0,
            until: stored.until.0,
            lender: stored.lender.to_string(),
            reason: stored.reason.to_string(),
            used: stored.used.map(|time| time.0),
            ended: stored.ended.map(|time| time.0),
            ended_by: stored.ended_by.map(EndedBy::as_str),
            returned: stored.returned.map(|time| time.0),
        }
    }
}

impl LoanerView {
    fn of(
        name: &LoginName,
        key: Option<&Credential>,
        loan: Option<&StoredLoan>,
        now: UnixTime,
    ) -> Self {
        let out = loan.filter(|loan| loan.returned.is_none());
        Self {
            name: name.to_string(),
            key: key.map(|key| key.fingerprint().to_hex()),
            status: match (key, out) {
                (None, _) => "unenrolled",
                (Some(key), _) if key.status != CredentialStatus::Active => "disabled",
                (_, None) => "free",
                (_, Some(loan)) if !loan.is_open() => "out",
                (_, Some(loan)) if now >= loan.until => "over",
                (_, Some(_)) => "lent",
            },
            last_used: key.and_then(|key| key.last_used).map(|time| time.0),
            loan: loan.map(LoanView::of),
        }
    }
}

/// A key that was lent.
#[derive(Debug, Serialize)]
pub struct KeyLent {
    /// The key, and the loan.
    #[serde(flatten)]
    pub loaner: LoanerView,
    /// What an administrator should look at.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub warnings: Vec<Phrase>,
}

/// A key that came back.
#[derive(Debug, Serialize)]
pub struct KeyReturned {
    /// Its name.
    pub name: String,
    /// Login name of the borrower.
    pub login: String,
    /// Id of the loan.
    pub loan: String,
    /// Who has to hear of it.
    #[serde(skip)]
    pub reach: Reach,
}

/// A page of the pool, by name.
pub async fn list(
    tx: &mut Tx,
    request: &PageRequest,
    now: UnixTime,
) -> Result<Listing<LoanerView>> {
    let page = loaner::page(tx, request).await?;
    let keys: Vec<i64> = page.rows.iter().filter_map(key_of).map(|key| key.row).collect();
    let loans = loan::not_back_of(tx, &keys).await?;
    Ok(Listing::new(page, |details| {
        let key = key_of(&details);
        let loan = key.and_then(|key| loans.get(&key.row));
        LoanerView::of(&details.person.login, key, loan, now)
    }))
}

/// A key of the pool with its latest loan.
pub async fn show(tx: &mut Tx, name: &LoginName, now: UnixTime) -> Result<LoanerView> {
    let (holder, key) = one(tx, name).await?;
    let latest = match &key {
        Some(key) => loan::latest_of_key(tx, key.row).await?,
        None => None,
    };
    Ok(LoanerView::of(&holder.login, key.as_ref(), latest.as_ref(), now))
}

/// Adds a key to the pool, and makes the code with which somebody enrolls it, valid for so many
/// seconds. The same again, for a key that is not enrolled, makes another code.
///
/// # Errors
/// [`Error::Refused`] when the key is enrolled, the name is another's, or the pool is full.
pub async fn add(
    op: &mut Operation<'_>,
    name: &LoginName,
    seconds: u64,
    secret: &[u8; 32],
) -> Result<CodeMade> {
    let there = loaner::find(op.tx, name).await?;
    let holder = match there {
        Some(holder) => {
            if in_use(op.tx, holder.id).await?.is_some() {
                return Err(Error::invalid(Text::LoanerEnrolled.with([("name", shown(name))])));
            }
            holder.id
        }
        None => {
            naming::check_login(op.tx, name).await?;
            if loaner::count(op.tx).await? >= MAX_POOL {
                let most = [("count", (MAX_POOL as u64).into())];
                return Err(Error::invalid(Text::LoanerPoolFull.with(most)));
            }
            loaner::add(op.tx, name, op.now).await?
        }
    };
    // A code gives a key, and a holder has one.
    withdraw_codes(op, holder).await?;
    let made = code::make(op, (name, holder), seconds, secret).await?;
    let detail = format!("code until {}", shown_utc(UnixTime(made.expires)));
    op.record("loaner.add", name.as_str(), Some(&detail)).await?;
    Ok(made)
}

/// Lends a key to a person for so many seconds, and publishes that. Whoever lends it says that its
/// PIN was changed since somebody else knew it: the server cannot see that.
///
/// # Errors
/// [`Error::Refused`] when the key is not back, off or not enrolled, the person has one on loan, or
/// a scope of the person allows none or none for so long; [`Error::Usage`] without a reason, or
/// without that word about the PIN.
pub async fn lend(
    op: &mut Operation<'_>,
    name: &LoginName,
    login: &LoginName,
    seconds: u64,
    is_pin_changed: bool,
) -> Result<KeyLent> {
    let reason = terms::reason(op, Text::LoanReason)?;
    if !is_pin_changed {
        return Err(Error::usage(Text::LoanPin.with([("name", shown(name))])));
    }
    let (_, key) = one(op.tx, name).await?;
    let key =
        key.ok_or_else(|| Error::invalid(Text::LoanerPending.with([("name", shown(name))])))?;
    if key.status != CredentialStatus::Active {
        return Err(Error::invalid(Text::LoanerDisabled.with([("name", shown(name))])));
    }
    let borrower = person::get(op.tx, login).await?;
    if borrower.status != PersonStatus::Active {
        return Err(Error::invalid(Text::PersonDisabled.with([("name", shown(login))])));
    }
    if seconds > MAX_LOAN_SECONDS {
        return Err(Error::invalid(Text::LoansLongest));
    }
    TERMS.allow(&scope::policies_of(op.tx, borrower.id).await?, seconds)?;

    if let Some(out) = loan::not_back(op.tx, key.row).await? {
        let args = [("name", shown(name)), ("login", shown(&out.login))];
        return Err(Error::invalid(Text::LoanerNotBack.with(args)));
    }
    end_what_is_over(op, &borrower).await?;

    let lender = terms::giver(op)?;
    let until = op.now.plus(seconds);
    let id = LoanId::new(secret::random()?);
    let new = NewLoan {
        id,
        key: key.row,
        person: borrower.id,
        from: op.now,
        until,
        lender: &lender,
        reason: &reason,
    };
    loan::add(op.tx, &new).await?;
    state::publish_person(op.tx, borrower.id).await?;

    let detail = format!("{name}, loan {} until {}, PIN changed", id.to_hex(), shown_utc(until));
    op.record("loaner.lend", login.as_str(), Some(&detail)).await?;
    Ok(KeyLent {
        loaner: show(op.tx, name, op.now).await?,
        warnings: own_keys(op, &borrower).await?.into_iter().collect(),
    })
}

/// The borrower's own keys that still open: they are at home, or else one is lost.
async fn own_keys(op: &mut Operation<'_>, borrower: &PersonRow) -> Result<Option<Phrase>> {
    let keys = credential::of_person(op.tx, borrower.id).await?;
    let active = keys.iter().filter(|key| key.status == CredentialStatus::Active).count();
    let args = [("login", shown(&borrower.login)), ("count", (active as u64).into())];
    Ok((active > 0).then(|| Text::LoanOwnKeys.with(args)))
}

/// Takes a key back, whether its loan had ended or not.
///
/// # Errors
/// [`Error::Refused`] when it is not out.
pub async fn give_back(op: &mut Operation<'_>, name: &LoginName) -> Result<KeyReturned> {
    let (_, key) = one(op.tx, name).await?;
    let out = match key {
        Some(key) => loan::not_back(op.tx, key.row).await?,
        None => None,
    };
    let out =
        out.ok_or_else(|| Error::not_found(Text::LoanerNotOut.with([("name", shown(name))])))?;
    loan::give_back(op.tx, &out, op.now).await?;
    let reach = if out.is_open() {
        state::publish_person(op.tx, out.person).await?;
        Reach::TerminalsOf(person::scopes(op.tx, out.person).await?)
    } else {
        Reach::Nobody
    };

    let id = out.id.to_hex();
    let detail = format!("{name}, loan {id}");
    op.record("loaner.return", out.login.as_str(), Some(&detail)).await?;
    Ok(KeyReturned { name: name.to_string(), login: out.login.to_string(), loan: id, reach })
}

/// Switches a key of the pool off or on, whoever has it, or takes it out of the pool for ever.
pub async fn switch(
    op: &mut Operation<'_>,
    name: &LoginName,
    status: CredentialStatus,
) -> Result<KeySwitched> {
    let (holder, key) = one(op.tx, name).await?;
    let is_out = status == CredentialStatus::Deleted;
    let done = match key {
        Some(key) => {
            let fingerprint = key.fingerprint().to_hex();
            key::switch(op, &Which { fingerprint: &fingerprint, of: None }, status).await?
        }
        None if is_out => KeySwitched {
            key: String::new(),
            person: name.to_string(),
            status: status.as_str(),
            changed: true,
            reach: Reach::Nobody,
        },
        None => return Err(Error::invalid(Text::LoanerPending.with([("name", shown(name))]))),
    };
    if is_out {
        withdraw_codes(op, holder.id).await?;
        person::set_status(op.tx, holder.id, PersonStatus::Deleted, op.now).await?;
        op.record("loaner.delete", name.as_str(), None).await?;
    }
    Ok(done)
}

fn shown(name: &LoginName) -> Phrase {
    name.as_str().into()
}

/// The holder with a name, and its key.
async fn one(tx: &mut Tx, name: &LoginName) -> Result<(PersonRow, Option<Credential>)> {
    let holder = loaner::find(tx, name).await?;
    let holder = holder
        .ok_or_else(|| Error::not_found(Text::LoanerUnknown.with([("name", shown(name))])))?;
    let key = in_use(tx, holder.id).await?;
    Ok((holder, key))
}

/// The key of a holder: one at most, as its code works once and none is made beside a key.
async fn in_use(tx: &mut Tx, holder: i64) -> Result<Option<Credential>> {
    let keys = credential::of_person(tx, holder).await?;
    Ok(keys.into_iter().find(|key| key.status != CredentialStatus::Deleted))
}

fn key_of(details: &Details) -> Option<&Credential> {
    details.keys.iter().find(|key| key.status != CredentialStatus::Deleted)
}

async fn withdraw_codes(op: &mut Operation<'_>, holder: i64) -> Result<u64> {
    crate::store::code::withdraw(op.tx, holder, op.now).await
}

/// Ends the borrower's loan whose time is over; one that is not is in the way of another one.
async fn end_what_is_over(op: &mut Operation<'_>, borrower: &PersonRow) -> Result<()> {
    let Some(open) = loan::open_of_person(op.tx, borrower.id).await? else { return Ok(()) };
    if op.now < open.until {
        let login = [("login", shown(&borrower.login))];
        return Err(Error::invalid(Text::LoanHas.with(login)));
    }
    loan::end(op.tx, &open, EndedBy::Time, op.now).await
}

#[cfg(test)]
mod tests;
