//! Events are kept once, as they came.

use wardkey_core::code::Code;
use wardkey_core::codec;
use wardkey_core::event::{Event, Outcome};
use wardkey_core::id::{EventId, TerminalId};
use wardkey_core::time::UnixTime;

use crate::error::Result;
use crate::store::gap;
use crate::store::query::{Db, Only, query};

/// What verifying the evidence of an event found.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Verdict {
    /// Nothing to verify.
    None,
    /// The evidence holds.
    Valid,
    /// It does not: stored, reported, not counted as a login.
    Invalid(String),
}

impl Verdict {
    /// The word in the store.
    pub const fn as_str(&self) -> &'static str {
        match self {
            Self::None => "none",
            Self::Valid => "valid",
            Self::Invalid(_) => "invalid",
        }
    }
}

/// What became of an event.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Stored {
    /// Now.
    New,
    /// It was here before.
    Known,
    /// Another event has this id.
    Conflict,
}

/// Whether an event is here, with exactly this content; or was, until it was pruned.
pub async fn known(db: &mut Db, id: &EventId, document: &[u8]) -> Result<Option<Stored>> {
    let found = query("SELECT document FROM event WHERE id = $1")
        .bind(id)
        .optional::<Only<Vec<u8>>>(db)
        .await?;
    if let Some(Only(found)) = found {
        return Ok(Some(if found == document { Stored::Known } else { Stored::Conflict }));
    }
    let pruned = gap::document_of(db, id).await?;
    Ok(pruned.map(|known| match known == codec::sha256(document) {
        true => Stored::Known,
        false => Stored::Conflict,
    }))
}

/// Adds an event, with the key and the counter that its evidence proves.
pub async fn add(
    db: &mut Db,
    event: &Event,
    terminal: &TerminalId,
    (credential, counter): (Option<i64>, Option<u32>),
    verdict: &Verdict,
    now: UnixTime,
) -> Result<()> {
    let finding = match verdict {
        Verdict::Invalid(finding) => Some(finding.as_str()),
        Verdict::None | Verdict::Valid => None,
    };
    query(
        "INSERT INTO event (id, received, time, terminal, name, outcome, reason, person, account, \
            service, credential,
             counter, verdict, finding, document, stage)
         VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16)",
    )
    .bind(&event.id)
    .bind(now)
    .bind(event.time)
    .bind(terminal)
    .bind(event.name.as_str())
    .bind(outcome(event.outcome))
    .bind(event.reason.map(Code::number))
    .bind(event.person.as_ref())
    .bind(event.account.as_ref())
    .bind(event.service.as_deref())
    .bind(credential)
    .bind(counter)
    .bind(verdict.as_str())
    .bind(finding)
    .bind(codec::to_bytes(event))
    .bind(event.stage.as_deref())
    .execute(db)
    .await?;
    Ok(())
}

const fn outcome(outcome: Outcome) -> &'static str {
    match outcome {
        Outcome::Success => "success",
        Outcome::Failure => "failure",
    }
}

/// Keeps what was sent as an event and is not taken; false when it is kept already.
pub async fn set_aside(
    db: &mut Db,
    document: &[u8],
    terminal: &TerminalId,
    (reason, now): (&str, UnixTime),
) -> Result<bool> {
    let kept = query(
        "INSERT INTO event_set_aside (hash, terminal, received, reason, document)
         VALUES ($1, $2, $3, $4, $5)
         ON CONFLICT DO NOTHING",
    )
    .bind(&codec::sha256(document))
    .bind(terminal)
    .bind(now)
    .bind(reason)
    .bind(document)
    .execute(db)
    .await?;
    Ok(kept > 0)
}

/// Whether these bytes are set aside.
pub async fn is_set_aside(db: &mut Db, document: &[u8]) -> Result<bool> {
    let found = query("SELECT reason FROM event_set_aside WHERE hash = $1")
        .bind(&codec::sha256(document))
        .optional::<Only<String>>(db)
        .await?;
    Ok(found.is_some())
}
