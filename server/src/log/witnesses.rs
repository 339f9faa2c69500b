//! What terminals cosigned, for those who run the server and for auditors.

use serde::Serialize;
use wardkey_core::time::UnixTime;
use wardkey_tlog::{Note, Signature};

use super::follow::show;
use super::sign::{SignedLog, root, signed_log};
use crate::error::{Error, Result};
use crate::keyring::Keyring;
use crate::store::log::{self as stored, Signed};
use crate::store::witness::{self, Since};
use crate::store::{Db, Store};
use crate::texts::Text;

/// The most cosignatures of a checkpoint that is given out; readers of notes look at 64 lines.
const MOST: u64 = 32;

const HOUR: u64 = 3600;
const DAY: u64 = 86_400;

/// The log as it is signed now, and who has witnessed it.
#[derive(Debug, Serialize)]
pub struct Witnessed {
    /// The log.
    #[serde(flatten)]
    pub log: SignedLog,
    /// Who has cosigned it of late.
    pub witnesses: Witnesses,
}

/// Terminals that have cosigned the log.
#[derive(Debug, Serialize)]
pub struct Witnesses {
    /// In the last hour.
    pub hour: Cosigners,
    /// In the last day.
    pub day: Cosigners,
}

/// How many, and at how many records.
#[derive(Debug, Serialize)]
pub struct Cosigners {
    /// Terminals.
    pub terminals: u64,
    /// The fewest records that one of them had seen.
    pub least: Option<u64>,
    /// The most.
    pub greatest: Option<u64>,
}

impl From<Since> for Cosigners {
    fn from(since: Since) -> Self {
        Self { terminals: since.count, least: since.least, greatest: since.greatest }
    }
}

/// Signs the log, and says who has witnessed it.
///
/// # Errors
/// Those of [`show`].
pub async fn witnessed(store: &Store, keyring: &Keyring, now: UnixTime) -> Result<Witnessed> {
    let log = show(store, keyring, now).await?;
    let mut tx = store.read().await?;
    let hour = witness::since(&mut tx, &log.origin, UnixTime(now.0.saturating_sub(HOUR))).await?;
    let day = witness::since(&mut tx, &log.origin, UnixTime(now.0.saturating_sub(DAY))).await?;
    Ok(Witnessed { log, witnesses: Witnesses { hour: hour.into(), day: day.into() } })
}

/// Signs the log, with the cosignatures that terminals gave at this size; or, of the sizes that one
/// of them cosigned, at the greatest.
///
/// # Errors
/// Those of [`show`]; [`wardkey_core::code::Code::NotFound`] when no terminal has cosigned it.
pub async fn checkpoint(
    store: &Store,
    keyring: &Keyring,
    now: UnixTime,
    only_witnessed: bool,
) -> Result<SignedLog> {
    let mut log = show(store, keyring, now).await?;
    let mut tx = store.read().await?;
    if only_witnessed {
        let size = witness::greatest(&mut tx, &log.origin).await?;
        let size = size.filter(|size| *size <= log.size);
        let size = size.ok_or_else(|| Error::not_found(Text::LogNotWitnessed))?;
        let state = stored::state(&mut tx).await?;
        let root = root(&mut tx, size).await?;
        let signed = Signed { size, root, time: UnixTime(log.signed) };
        log = signed_log(&mut tx, keyring, &state, &signed).await?;
    }
    with_cosignatures(&mut tx, log).await
}

async fn with_cosignatures(db: &mut Db, log: SignedLog) -> Result<SignedLog> {
    let mut note = Note::parse(log.checkpoint.as_bytes()).map_err(Error::crypto("the log"))?;
    for cosigned in witness::at(db, &log.origin, log.size, MOST).await? {
        if cosigned.root.to_string() == log.root
            && let Some(signature) = Signature::parse(&cosigned.signature)
        {
            note.add(signature);
        }
    }
    Ok(SignedLog { checkpoint: note.to_string(), ..log })
}
