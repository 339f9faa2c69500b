//! Pruning: what is past its time goes out of the database, if an archive has it.

use std::fs::File;
use std::path::Path;

use wardkey_core::code::Code;
use wardkey_core::codec::List;
use wardkey_core::event::Class;
use wardkey_core::log_archive::PrunedClass;
use wardkey_core::texts;
use wardkey_core::time::UnixTime;

use super::super::check::{Trusted, explained};
use super::super::files::refused;
use super::super::follow::show;
use super::super::replaced;
use super::super::sign::{public, root_at};
use super::pruning::{Kept, PrunedRecords, Pruning, Unsent};
use super::read::{self, Reading, Whole, unfit};
use super::work::{Classes, Work, tell_untold};
use crate::backup::scratch::sync;
use crate::config::Retention;
use crate::error::{Error, Result};
use crate::files::folder_of;
use crate::publish::time::SigningTime;
use crate::store::{archive as stored_archive, clock, destination, log, setting, witness};
use crate::texts::Text;

/// Takes out of the database what is past its time and stands in the archive, which is read and
/// verified first. A record that is not what the log took in stays: [`PrunedRecords::verdict`].
///
/// # Errors
/// [`Code::RecordsUnsent`] unless `anyway`: nothing was pruned then.
/// [`Code::RetentionNotSet`], [`Code::ClockForPruning`], [`Code::ArchiveUnfit`],
/// [`Code::ArchiveOther`], [`Code::LogUntrusted`], [`Code::LogKeyStolen`]; those of [`show`], of
/// files and of the store.
pub async fn prune(pruning: &Pruning<'_>, path: &Path) -> Result<PrunedRecords> {
    if !pruning.is_rehearsal && !pruning.anyway && !behind(pruning).await?.is_empty() {
        // What goes is known when everything was read: before anything is gone.
        one(&Pruning { is_rehearsal: true, ..*pruning }, path).await?.sent()?;
    }
    one(pruning, path).await
}

/// Destinations that have not been sent every record.
async fn behind(pruning: &Pruning<'_>) -> Result<Vec<Unsent>> {
    let mut tx = pruning.store.read().await?;
    let size = log::end(&mut tx).await?.size;
    let all = destination::listed(&mut tx).await?;
    Ok(all.iter().filter(|to| to.position < size).map(Unsent::by).collect())
}

async fn one(pruning: &Pruning<'_>, path: &Path) -> Result<PrunedRecords> {
    if !pruning.retention.is_set() {
        return Err(simply(Code::RetentionNotSet));
    }
    let began = pruning.clock.now();
    let now = plausible_time(pruning, began).await?;
    let shown = show(pruning.store, pruning.keyring, began).await?;
    let file = read::open(path)?;
    let whole = verified(pruning, path, &file, shown.size).await?;
    if !pruning.is_rehearsal {
        // It may have been copied just now: it is on the disk before anything goes.
        file.sync_all().map_err(Error::at_file(Text::Writing, path))?;
        sync(&folder_of(path))?;
        tell_untold(pruning).await?;
    }

    let mut tx = pruning.store.read().await?;
    // The newest record stays: it says where the log ends.
    let mut until = whole.size.min(shown.size.saturating_sub(1));
    if witness::is_any(&mut tx).await? {
        until = until.min(witness::greatest(&mut tx, &shown.origin).await?.unwrap_or(0));
    }
    let archive = stored_archive::of_file(&mut tx, &whole.digest).await?;
    drop(tx);

    let kept = Kept { not_witnessed: whole.size - until.max(whole.first), ..Kept::default() };
    let archive = archive.map(|archive| archive.number);
    let classes = due(pruning.retention, now)?;
    let unsent = behind(pruning).await?;
    let mut work = Work::new(pruning, &whole, (began, now), classes, archive, (kept, unsent));
    let mut reading = Reading::begin(path, &file)?;
    loop {
        let mut part = Vec::new();
        while part.len() < work.at_once()
            && let Some((place, entry)) = reading.next_entry()?
        {
            if place < until {
                part.push((place, entry));
            }
        }
        if part.is_empty() {
            break;
        }
        work.part(part).await?;
    }
    let done = work.done().await?;
    let (digest, _) = reading.digest()?;
    if digest != whole.digest {
        return Err(unfit(path, Text::ArchiveChanging));
    }
    Ok(done)
}

/// The time by which records are old: never ahead of the last one that was signed by, as the
/// running server takes that from a clock that is plausible.
async fn plausible_time(pruning: &Pruning<'_>, began: UnixTime) -> Result<UnixTime> {
    let mut tx = pruning.store.read().await?;
    let stored = clock::read(&mut tx).await?;
    let trouble = SigningTime::new(pruning.clock.clone(), stored).trouble();
    match trouble {
        Some(_) => Err(simply(Code::ClockForPruning)),
        None => Ok(stored.signed.min(began)),
    }
}

/// An archive of this log: signed by its key, or else by whomever, when its records are those of
/// this log by this log's own hashes. A key that was stolen since signed the older ones.
async fn verified(pruning: &Pruning<'_>, path: &Path, file: &File, size: u64) -> Result<Whole> {
    let mut tx = pruning.store.read().await?;
    let (_, newest) = setting::roots(&mut tx).await?;
    drop(tx);
    let key = public(pruning.keyring, &newest)?;
    let (whole, untrusted) = match read::verify(path, file, &Trusted::Server(&key)) {
        Ok(whole) => (whole, None),
        Err(error) if error.code() == Code::LogUntrusted => {
            (read::unsigned(path, file)?, Some(error))
        }
        Err(error) => return Err(error),
    };
    let mut tx = pruning.store.read().await?;
    if whole.size <= size && root_at(&mut tx, whole.size).await? == Some(whole.head) {
        return Ok(whole);
    }
    match untrusted {
        None => Err(refused(Code::ArchiveOther, path)),
        Some(error) => Err(explained(error, path, &replaced::all(&mut tx).await?)),
    }
}

/// Before when records of each class are past their time.
fn due(retention: &Retention, now: UnixTime) -> Result<Classes> {
    let due = Class::ALL.into_iter().filter_map(|class| {
        let period = retention.of(class)?;
        Some(PrunedClass::new(class, UnixTime(now.0.saturating_sub(period.seconds()))))
    });
    List::new(due.collect()).map_err(Error::damaged)
}

fn simply(code: Code) -> Error {
    Error::refused(code, texts::phrase(code, vec![]))
}
