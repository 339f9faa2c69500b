//! A one-time code redeemed: who gets a key, and what is written when the key has proved itself.
//! The caller opens the transaction and commits it.

use wardkey_core::code::Code;
use wardkey_core::id::{CredentialId, Hash, TerminalId};
use wardkey_core::message::http::CreationOptions;
use wardkey_core::name::{LatinName, LoginName};
use wardkey_core::person::CredentialFlags;
use wardkey_core::policy::pin::PinRules;
use wardkey_core::time::UnixTime;

use super::{Enrollments, Session, Subject};
use crate::error::{Error, Result};
use crate::store::audit::{self, Act, Actor};
use crate::store::credential::{self, CredentialStatus, Registration};
use crate::store::person::{self, PersonRow, PersonStatus};
use crate::store::{Tx, code, loaner, scope, state};

/// A registration that has begun.
pub struct Begun {
    /// Whose key it will be.
    pub login: LoginName,
    /// The person's name in Latin letters.
    pub latin_name: Option<LatinName>,
    /// Name of the session.
    pub session: String,
    /// What the key is asked for.
    pub options: CreationOptions,
    /// Credentials of the pool, which the key must not have either.
    pub pool: Vec<CredentialId>,
    /// What is wanted of its PIN.
    pub pin: PinRules,
}

/// Begins a registration for whoever has an open code; `cap` is how many keys a person may have.
///
/// # Errors
/// [`Code::EnrollmentCodeInvalid`] also for a person who is switched off; [`Code::TooManyKeys`].
pub async fn begin(
    tx: &mut Tx,
    enrollments: &Enrollments,
    (code, terminal): (&Hash, TerminalId),
    cap: u32,
    now: UnixTime,
) -> Result<Begun> {
    let open = code::open(tx, code, now).await?;
    let person = active(person::by_id(tx, open.person).await?)?;
    let keys = credential::of_person(tx, person.id).await?;
    let kept: Vec<_> = keys.iter().filter(|key| key.status != CredentialStatus::Deleted).collect();
    if kept.len() >= cap as usize {
        let message = format!("the person has {} keys already", kept.len());
        return Err(Error::refused(Code::TooManyKeys, message));
    }

    // A key of the pool is made nobody's own, whoever has it in hand: others borrow it next. Only
    // the key can say that it is one, so it is asked here: what it makes is new and tells nothing.
    let pool = loaner::credentials(tx).await?;
    let subject = Subject {
        login: &person.login,
        display_name: &person.display_name,
        user_handle: &person.user_handle,
        exclude: kept.iter().map(|key| &key.id).chain(&pool).cloned().collect(),
        // The holder of a loaner key is in no scope: whoever lends it gives a PIN for one loan.
        pin: PinRules::strictest(scope::policies_of(tx, person.id).await?.iter()),
    };
    let pin = subject.pin;
    let (session, options) = enrollments.begin(&subject, (open, terminal), now)?;
    let PersonRow { login, latin_name, .. } = person;
    Ok(Begun { login, latin_name, session, options, pool, pin })
}

/// Uses the code up, adds the key, publishes the person and records it.
///
/// # Errors
/// [`Code::EnrollmentCodeInvalid`], [`Code::TooManyKeys`], [`Code::KeyAlreadyRegistered`].
pub async fn finish(
    tx: &mut Tx,
    session: &Session,
    (registration, can_force_pin_change): (&Registration, Option<bool>),
    cap: u32,
    now: UnixTime,
) -> Result<PersonRow> {
    let person = active(person::by_id(tx, session.code.person).await?)?;
    code::use_up(tx, session.code, now).await?;
    credential::add(tx, person.id, registration, cap).await?;
    state::publish_person(tx, person.id).await?;

    let record = &registration.record;
    let attested = record.flags.has(CredentialFlags::ATTESTED);
    let detail = format!(
        "person {}, code {}, label \"{}\", model {}, {}, {}",
        person.login,
        session.code.id,
        record.label,
        record.aaguid,
        if attested { "attested" } else { "not attested" },
        pin_detail(&session.pin, registration.min_pin_length, can_force_pin_change),
    );
    let key = record.fingerprint().short();
    let act = Act::new("key.enroll", &key).with(&detail);
    audit::record(tx, now, &Actor::terminal(&session.terminal), act).await?;
    Ok(person)
}

/// What is known of the PIN, for the trail: the length by the key's signature; the rest by the word
/// of the terminal.
fn pin_detail(wanted: &PinRules, has: Option<u8>, can_force: Option<bool>) -> String {
    let length = match (wanted.min_length, has) {
        (_, Some(has)) => format!("PINs of {has} characters or more, says the key"),
        (Some(wanted), None) => {
            format!("PINs of {wanted} characters or more wanted, not known to be set on the key")
        }
        (None, None) => "length of PINs not known".to_owned(),
    };
    match (wanted.change_at_first_use, can_force) {
        (false, _) => length,
        (true, Some(true)) => format!("{length}; its PIN is to be changed at first use"),
        (true, Some(false)) => {
            format!("{length}; a change at first use is wanted, the key cannot be told")
        }
        (true, None) => {
            format!("{length}; a change at first use is wanted, the terminal does not know that")
        }
    }
}

/// Records a key that was refused. The challenge is gone; the code stays, so nobody has to fetch
/// another one.
pub async fn note_refusal(
    tx: &mut Tx,
    session: &Session,
    why: &Error,
    now: UnixTime,
) -> Result<()> {
    let person = person::by_id(tx, session.code.person).await?;
    let why = why.to_string();
    let act = Act::new("key.enroll-refused", person.login.as_str()).with(&why);
    audit::record(tx, now, &Actor::terminal(&session.terminal), act).await
}

/// A person who is switched off gets no key; said in the words of a wrong code.
fn active(person: PersonRow) -> Result<PersonRow> {
    if person.status == PersonStatus::Active { Ok(person) } else { Err(code::invalid()) }
}
