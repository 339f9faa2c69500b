//! The check of an archive by itself.

use wardkey_core::code::Code;
use wardkey_core::log_keys::LogKeys;
use wardkey_core::time::UnixTime;

use crate::archive::{Archive, Archives};
use crate::args::Cli;
use crate::copies::Copies;
use crate::entry::By;
use crate::error::{Error, Result, shown};
use crate::finding::{Finding, Findings};
use crate::folder;
use crate::keys::Keys;
use crate::older::Older;
use crate::report::{Report, SinceReport};
use crate::texts::Text;
use crate::walk::walk_archive;

/// Checks an archive.
///
/// # Errors
/// [`Error`] when other archives are given with it, something cannot be read, the checkpoint is not
/// signed by the key, or the older checkpoint is from before the archive begins.
pub fn check(cli: &Cli) -> Result<Report> {
    if !cli.archives.is_empty() {
        return Err(Error::Usage(Text::ArchiveAlone.into()));
    }
    let archive = Archive::open(&cli.folder)?;
    let checkpoint = folder::checkpoint(&cli.folder, &cli.key)?;
    let mut findings = Findings::default();

    let list = archive
        .keys(&cli.key)
        .filter(|list| list.origin == checkpoint.origin() && list.size == checkpoint.size());
    if list.is_none() {
        findings.add(Finding::what(Code::KeyListChanged, Text::KeysUnsigned));
    }
    let stolen = list.as_ref().map(LogKeys::replaced).unwrap_or_default();
    let older = match &cli.since {
        Some(path) => Some(Older::read(path, cli.since_key.as_ref().unwrap_or(&cli.key), stolen)?),
        None => None,
    };
    if let Some(older) = &older {
        if older.checkpoint.size() < archive.first() {
            return Err(Error::file(&older.path, Text::SinceBeforeArchive));
        }
        findings.extend(older.keys(list.as_ref()));
    }
    let keys = list.map(Keys::of);
    let (copies, misplaced) = Copies::read(&cli.records)?;
    findings.extend(misplaced);

    let archives = Archives::default();
    let by = By { keys: keys.as_ref(), copies: &copies, archives: &archives };
    let then = older.as_ref().map(|older| &older.checkpoint);
    let walked = walk_archive(&archive, &checkpoint, then, by, &mut findings);
    if let Some(older) = &older {
        let code = match walked.goes_on {
            Some(true) => None,
            Some(false) => Some(Code::LogNotExtension),
            None => Some(Code::LogShorter),
        };
        findings.extend(code.map(|code| Finding::path(code, shown(&older.path))));
    }
    let (left, on_their_way) = copies.left(|terminal| {
        let newest = terminal.and_then(|terminal| walked.newest.get(&terminal.to_hex()));
        newest.map_or(walked.last_received, |time| UnixTime(*time))
    });
    // What came before the archive begins is in an older one.
    let is_older = |finding: &Finding| {
        let time = finding.record.as_ref().and_then(|record| record.time);
        archive.first() > 0 && time.is_some_and(|time| time < walked.first_received.0)
    };
    findings.extend(left.into_iter().map(|finding| match is_older(&finding) {
        true => finding.against(Text::BeforeArchive).remark(),
        false => finding,
    }));

    let counts = keys.as_ref().map(Keys::count).unwrap_or_default();
    let report = Report::of(cli, &checkpoint, counts, &walked, findings);
    Ok(Report {
        first: Some(archive.first()),
        since: older.map(SinceReport::of),
        on_their_way,
        ..report.with_copies(&copies)
    })
}
