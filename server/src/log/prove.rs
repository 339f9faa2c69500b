//! A proof of one record: it shows that the record is in the log, and no other record.

use std::path::{Path, PathBuf};

use serde::Serialize;
use wardkey_core::code::Code;
use wardkey_core::codec;
use wardkey_core::event::Event;
use wardkey_core::id::EventId;
use wardkey_core::log_entry::LogEntry;
use wardkey_core::texts;
use wardkey_core::time::UnixTime;
use wardkey_tlog::{EntryProof, EntryProofError, Hash, MAX_NOTE, Note};

use super::archive::entry_at;
use super::check::Trusted;
use super::entry;
use super::files;
use super::follow::show;
use super::sign::SignedLog;
use super::tiles::{self, Claim};
use super::verify::{changed, missing};
use crate::error::{Error, Result};
use crate::keyring::Keyring;
use crate::store::log as stored;
use crate::store::{Store, Tx, archive, gap};
use crate::texts::Text;

/// The longest proof in bytes: a checkpoint, and a record in base64.
const MAX_PROOF: usize = MAX_NOTE + 64 * 1024;

/// A record that was proved.
#[derive(Debug, Serialize)]
pub struct Proved {
    /// The place of the record in the log, from 0.
    pub place: u64,
    /// The proof (C2SP tlog-proof); the record goes along.
    pub proof: String,
    /// What was signed.
    #[serde(flatten)]
    pub log: SignedLog,
}

/// Signs the log, and proves that a record is in it. One that was pruned is read from its archive.
///
/// # Errors
/// [`Code::NotFound`]; [`Code::RecordsPruned`] when no archive is given, [`Code::ArchiveUnfit`],
/// [`Code::ArchiveOther`]; [`Code::LogEntryChanged`], [`Code::LogEntriesMissing`],
/// [`Code::LogForked`]; those of the store and of the keys.
pub async fn prove(
    store: &Store,
    keyring: &Keyring,
    now: UnixTime,
    record: &EventId,
    from: Option<&Path>,
) -> Result<Proved> {
    let log = show(store, keyring, now).await?;
    let mut tx = store.read().await?;
    let (place, extra) = match stored::place_of(&mut tx, record).await? {
        Some(place) => (place, own(&mut tx, place).await?),
        None => pruned(&mut tx, record, from).await?,
    };

    // It may have come after the signature.
    let log = if place < log.size { log } else { show(store, keyring, now).await? };
    let path = tiles::prove(&mut tx, Claim::Has(place), log.size).await?;
    let path = path.ok_or_else(|| Error::damaged("the log of records"))?;
    let checkpoint = Note::parse(log.checkpoint.as_bytes()).map_err(Error::crypto("the log"))?;
    let proof = EntryProof { extra, place, path, checkpoint }.to_string();
    Ok(Proved { place, proof, log })
}

/// The entry of a record that is in the database.
async fn own(tx: &mut Tx, place: u64) -> Result<Vec<u8>> {
    let logged = stored::entries(tx, place, 1).await?;
    let logged = logged.first().ok_or_else(|| missing(1))?;
    let number = logged.recorded.number;
    let extra = entry::bytes(&logged.recorded).map_err(|_| changed(number))?;
    if Hash::of_entry(&extra) == logged.hash { Ok(extra) } else { Err(changed(number)) }
}

/// The place and the entry of a record that was pruned.
async fn pruned(tx: &mut Tx, record: &EventId, from: Option<&Path>) -> Result<(u64, Vec<u8>)> {
    let id = ("id", record.to_hex().into());
    let gap = gap::of(tx, record).await?;
    let gap = gap.ok_or_else(|| Error::not_found(Text::NoSuchRecord.with([id])))?;
    let Some(from) = from else {
        let path = archive::of_act(tx, gap.act).await?.map(|archive| archive.path);
        let args = [("act", gap.act.into()), ("path", path.unwrap_or_default().into())];
        let what = Text::PrunedInto.with(args);
        let code = Code::RecordsPruned;
        return Err(Error::refused(code, texts::phrase(code, vec![("what", what)])));
    };
    let entry = entry_at(from, gap.place)?;
    if Hash::of_entry(&entry) == gap.hash {
        return Ok((gap.place, entry));
    }
    Err(files::refused(Code::ArchiveOther, from))
}

/// A record whose proof holds.
#[derive(Debug, Serialize)]
pub struct ProvedRecord {
    /// The proof.
    pub path: PathBuf,
    /// The log's name.
    pub origin: String,
    /// Entries in the log when it was signed.
    pub size: u64,
    /// The number of the record at the server.
    pub number: u64,
    /// When it arrived, seconds since 1970.
    pub received: u64,
    /// The terminal that sent it, hexadecimal digits.
    pub terminal: String,
    /// The line as it stands in the terminal's syslog; none of a record that this version cannot
    /// read.
    pub line: Option<String>,
    /// True: one that does not hold is an error.
    pub intact: bool,
}

/// Checks a proof, without the database; the record that goes along with it.
///
/// # Errors
/// [`Code::LogCheckpoint`], [`Code::LogUntrusted`], [`Code::LogExportOther`],
/// [`Code::LogExportDamaged`].
pub fn check_proof(from: &Path, trusted: &Trusted<'_>) -> Result<ProvedRecord> {
    let malformed = || files::unreadable(from, Text::LogNoProof.into());
    let bytes = files::read_all(from, MAX_PROOF)?;
    let text = std::str::from_utf8(&bytes).map_err(|_| malformed())?;
    let proof = EntryProof::parse(text).map_err(|_| malformed())?;
    let key = trusted.key_of(&proof.checkpoint, from)?;
    let checkpoint = proof.verify(&proof.extra, &[key]).map_err(|error| match error {
        EntryProofError::Note(_) => files::refused(Code::LogUntrusted, from),
        EntryProofError::Malformed => malformed(),
        EntryProofError::Unfit(_) => files::refused(Code::LogExportDamaged, from),
    })?;
    let entry: LogEntry = codec::from_bytes(&proof.extra).map_err(|_| malformed())?;
    let event = codec::from_bytes::<Event>(entry.event.as_slice());
    Ok(ProvedRecord {
        path: from.to_owned(),
        origin: checkpoint.origin().to_owned(),
        size: checkpoint.size(),
        number: entry.number,
        received: entry.received.0,
        terminal: entry.terminal.to_hex(),
        line: event.ok().map(|event| event.to_line()),
        intact: true,
    })
}
