//! The whole check: what is read, and what is compared with what.

use wardkey_core::code::Code;
use wardkey_core::log_keys::LogKeys;
use wardkey_core::time::UnixTime;
use wardkey_tlog::Checkpoint;

use crate::archive::{self, Archives};
use crate::args::Cli;
use crate::check_archive;
use crate::copies::Copies;
use crate::entry::By;
use crate::error::{Error, Result};
use crate::finding::{Finding, Findings};
use crate::folder::{self, CHECKPOINT, Folder};
use crate::keys::Keys;
use crate::older::Older;
use crate::pruned;
use crate::report::{Report, SinceReport};
use crate::texts::Text;
use crate::walk::walk;

/// Checks an export.
///
/// # Errors
/// [`Error`] when something cannot be read, or the checkpoint is not signed by the key: then
/// nothing is known of the rest.
pub fn check(cli: &Cli) -> Result<Report> {
    if cli.folder.is_file() && archive::head(&cli.folder)?.is_some() {
        return check_archive::check(cli);
    }
    if !cli.folder.is_dir() {
        return Err(Error::file(&cli.folder, Text::NotAFolder));
    }
    let folder = Folder::at(&cli.folder);
    let checkpoint = folder::checkpoint(&cli.folder, &cli.key)?;
    has_room(&folder, &checkpoint)?;

    let mut findings = Findings::default();
    let list = keys(&folder, cli, &checkpoint, &mut findings)?;
    let stolen = list.as_ref().map(LogKeys::replaced).unwrap_or_default();
    let older = match &cli.since {
        Some(path) => Some(Older::read(path, cli.since_key.as_ref().unwrap_or(&cli.key), stolen)?),
        None => None,
    };
    if let Some(older) = &older {
        findings.extend(older.keys(list.as_ref()));
    }
    let keys = list.map(Keys::of);
    let (copies, misplaced) = Copies::read(&cli.records)?;
    findings.extend(misplaced);
    let archives = Archives::read(&cli.archives)?;

    let by = By { keys: keys.as_ref(), copies: &copies, archives: &archives };
    let then = older.as_ref().map(|older| &older.checkpoint);
    let walked = walk(&folder, &checkpoint, then, by, &mut findings);
    let list = folder.pruned(&cli.key);
    let before = older.as_ref().and_then(|older| older.pruned.as_ref());
    findings.extend(pruned::check(&folder, &checkpoint, (before, list.as_ref()), &walked.gone));
    if let Some(older) = &older {
        findings.extend(older.records(&folder, checkpoint.size(), walked.goes_on)?);
    }
    let (left, on_their_way) = copies.left(|terminal| {
        let newest = terminal.and_then(|terminal| walked.newest.get(&terminal.to_hex()));
        newest.map_or(walked.last_received, |time| UnixTime(*time))
    });
    findings.extend(pruned::may_be_gone(left, list.as_ref(), &walked.gone));

    let counts = keys.as_ref().map(Keys::count).unwrap_or_default();
    let report = Report::of(cli, &checkpoint, counts, &walked, findings);
    let since = older.map(SinceReport::of);
    Ok(Report { since, on_their_way, ..report.with_copies(&copies) })
}

/// Refuses a log whose files are by far too few for what was signed: each record that is missing
/// could be named, and of some sizes nobody would live to see the end of that.
fn has_room(folder: &Folder, checkpoint: &Checkpoint) -> Result<()> {
    let (size, most) = (checkpoint.size(), folder.most());
    if size / 2 <= most {
        return Ok(());
    }
    let what = Text::FewerFiles.with([("size", size.into()), ("most", most.into())]);
    Err(Error::file(&folder.path().join(CHECKPOINT), what))
}

/// The list of keys. Without one no login is verified, and that is a fault.
fn keys(
    folder: &Folder,
    cli: &Cli,
    checkpoint: &Checkpoint,
    findings: &mut Findings,
) -> Result<Option<LogKeys>> {
    let what = match folder.keys(&cli.key) {
        Ok(Some(list)) if list.origin != checkpoint.origin() => Text::KeysOfAnotherLog,
        Ok(Some(list)) if list.size < checkpoint.size() => Text::KeysOlder,
        Ok(Some(list)) => return Ok(Some(list)),
        Ok(None) => Text::KeysMissing,
        Err(Error::Refused(..)) => Text::KeysUnsigned,
        Err(error) => return Err(error),
    };
    findings.add(Finding::what(Code::KeyListChanged, what));
    Ok(None)
}
