//! What the check found: for people as lines, for programs as JSON.

use std::path::PathBuf;

use serde::Serialize;
use serde_json::{Value, json};
use wardkey_core::code::Code;
use wardkey_core::texts;
use wardkey_core::time::UnixTime;
use wardkey_tlog::Checkpoint;

use crate::args::Cli;
use crate::copies::{Copies, Source};
use crate::error::{Error, Result, shown};
use crate::finding::{Finding, Findings};
use crate::older::Older;
use crate::texts::{Phrase, Text};
use crate::walk::Walked;

/// An older checkpoint with which the log was compared.
#[derive(Debug, Serialize)]
pub struct SinceReport {
    /// Where it was read.
    pub path: PathBuf,
    /// The log's name then.
    pub origin: String,
    /// Records then.
    pub size: u64,
    /// The key by which it was verified.
    pub verifier: String,
    /// When that key was replaced as stolen, seconds since 1970.
    pub key_stolen: Option<u64>,
}

/// A file with copies.
#[derive(Debug, Serialize)]
pub struct SourceReport {
    /// Its path.
    pub path: PathBuf,
    /// Lines that are records.
    pub records: u64,
    /// Lines that are not.
    pub others: u64,
    /// Whether the newest record stands first.
    pub newest_first: bool,
}

impl SinceReport {
    /// Of an older checkpoint.
    pub fn of(older: Older) -> Self {
        Self {
            path: older.path,
            origin: older.checkpoint.origin().to_owned(),
            size: older.checkpoint.size(),
            verifier: older.key.to_string(),
            key_stolen: older.key_stolen.map(|time| time.0),
        }
    }
}

impl SourceReport {
    /// Of a file.
    pub fn of(source: &Source) -> Self {
        Self {
            path: source.path.clone(),
            records: source.records,
            others: source.others,
            newest_first: source.newest_first,
        }
    }
}

/// What was checked, and what was found.
#[derive(Debug)]
pub struct Report {
    /// The folder.
    pub path: PathBuf,
    /// The log's name.
    pub origin: String,
    /// Records in it.
    pub size: u64,
    /// The place of the first record, of an archive.
    pub first: Option<u64>,
    /// Records that were pruned, and that no archive that was given has.
    pub pruned: u64,
    /// The archives that were given.
    pub archives: Vec<PathBuf>,
    /// The root over them, in base64.
    pub root: String,
    /// The key by which its checkpoint was verified.
    pub key: String,
    /// Keys in the list.
    pub keys: u64,
    /// Passes in it.
    pub passes: u64,
    /// Logins that keys of people's own prove.
    pub by_key: u64,
    /// Logins that keys on loan prove.
    pub by_loan: u64,
    /// Logins that the codes of passes prove.
    pub by_pass: u64,
    /// Logins by codes for which colleagues vouched.
    pub by_vouch: u64,
    /// Logins by sealed codes (break-glass).
    pub by_sealed: u64,
    /// The older checkpoint.
    pub since: Option<SinceReport>,
    /// The files with copies.
    pub copies: Vec<SourceReport>,
    /// Copies that are newer than all that the log has of their terminals.
    pub on_their_way: u64,
    /// What was found.
    pub findings: Findings,
}

impl Report {
    /// Of what was seen, with so many keys and passes; nothing else was looked at yet.
    pub fn of(
        cli: &Cli,
        checkpoint: &Checkpoint,
        (keys, passes): (u64, u64),
        walked: &Walked,
        findings: Findings,
    ) -> Self {
        Self {
            path: cli.folder.clone(),
            origin: checkpoint.origin().to_owned(),
            size: checkpoint.size(),
            first: None,
            pruned: walked.gone.unfilled(),
            archives: cli.archives.clone(),
            root: checkpoint.root().to_string(),
            key: cli.key.to_string(),
            keys,
            passes,
            by_key: walked.by_key,
            by_loan: walked.by_loan,
            by_pass: walked.by_pass,
            by_vouch: walked.by_vouch,
            by_sealed: walked.by_sealed,
            since: None,
            copies: Vec::new(),
            on_their_way: 0,
            findings,
        }
    }

    /// With files of copies.
    #[must_use]
    pub fn with_copies(self, copies: &Copies) -> Self {
        Self { copies: copies.sources().iter().map(SourceReport::of).collect(), ..self }
    }

    /// Whether nothing is wrong.
    ///
    /// # Errors
    /// [`Code::AuditFound`].
    pub fn verdict(&self) -> Result<()> {
        match self.findings.faults() {
            0 => Ok(()),
            count => {
                let args = vec![("count", count.into())];
                let code = Code::AuditFound;
                Err(Error::Refused(code, texts::phrase(code, args)))
            }
        }
    }

    /// For programs.
    pub fn to_json(&self) -> Value {
        let findings: Vec<Value> = self.findings.listed().iter().map(Finding::to_json).collect();
        json!({
            "path": self.path,
            "origin": self.origin,
            "size": self.size,
            "first": self.first,
            "pruned": self.pruned,
            "archives": self.archives,
            "root": self.root,
            "verifier": self.key,
            "keys": self.keys,
            "passes": self.passes,
            "logins": {
                "key": self.by_key, "loan": self.by_loan, "pass": self.by_pass,
                "vouch": self.by_vouch, "break_glass": self.by_sealed,
            },
            "since": self.since,
            "copies": self.copies,
            "on_their_way": self.on_their_way,
            "intact": self.findings.faults() == 0,
            "faults": self.findings.faults(),
            "remarks": self.findings.remarks(),
            "findings": findings,
        })
    }

    /// What was checked: a line each.
    pub fn checked(&self) -> Vec<Phrase> {
        let mut lines = vec![
            Text::CheckedLog
                .with([("origin", self.origin.as_str().into()), ("size", self.size.into())]),
            Text::CheckedRoot.with([("root", self.root.as_str().into())]),
            Text::CheckedKey.with([("key", self.key.as_str().into())]),
            Text::CheckedLogins.with([
                ("key", self.by_key.into()),
                ("loan", self.by_loan.into()),
                ("pass", self.by_pass.into()),
                ("vouch", self.by_vouch.into()),
                ("sealed", self.by_sealed.into()),
                ("keys", self.keys.into()),
                ("passes", self.passes.into()),
            ]),
        ];
        if let Some(first) = self.first {
            let last = self.size.saturating_sub(1);
            lines.push(Text::CheckedPlaces.with([("first", first.into()), ("last", last.into())]));
        }
        for path in &self.archives {
            lines.push(Text::CheckedArchive.with([("path", shown(path))]));
        }
        if let Some(since) = &self.since {
            let args = [("path", shown(&since.path)), ("size", since.size.into())];
            lines.push(Text::CheckedSince.with(args));
            if since.verifier != self.key {
                lines.push(Text::CheckedSinceKey.with([("key", since.verifier.as_str().into())]));
            }
            if let Some(time) = since.key_stolen {
                let time = UnixTime(time).to_rfc3339().into();
                lines.push(Text::SinceKeyStolen.with([("time", time)]));
            }
            if since.origin != self.origin {
                lines.push(Text::Renamed.with([("origin", since.origin.as_str().into())]));
            }
        }
        for copy in &self.copies {
            lines.push(Text::CheckedCopy.with([
                ("path", shown(&copy.path)),
                ("records", copy.records.into()),
                ("others", copy.others.into()),
            ]));
            if copy.newest_first {
                lines.push(Text::NewestFirst.with([("path", shown(&copy.path))]));
            }
        }
        if self.on_their_way > 0 {
            lines.push(Text::OnTheirWay.with([("count", self.on_their_way.into())]));
        }
        lines
    }

    /// What this check cannot say, so that nobody reads it into it.
    pub fn unchecked(&self) -> Vec<Phrase> {
        let mut lines: Vec<Phrase> = Vec::new();
        if self.since.is_none() {
            lines.push(Text::UncheckedSince.into());
        }
        if self.copies.is_empty() {
            lines.push(Text::UncheckedCopies.into());
        }
        if self.pruned > 0 {
            lines.push(Text::UncheckedPruned.with([("count", self.pruned.into())]));
        }
        if self.first.is_some_and(|first| first > 0) {
            lines.push(Text::UncheckedBefore.into());
        }
        lines.push(Text::UncheckedNumbers.into());
        lines
    }

    /// The verdict in words.
    pub fn conclusion(&self) -> Phrase {
        match (self.findings.faults(), self.findings.remarks()) {
            (0, 0) => Text::AllHolds.into(),
            (0, remarks) => Text::AllHoldsRemarks.with([("count", remarks.into())]),
            (faults, remarks) => {
                Text::Faults.with([("count", faults.into()), ("remarks", remarks.into())])
            }
        }
    }

    /// How many findings are not listed.
    pub fn unlisted(&self) -> u64 {
        let all = self.findings.faults().saturating_add(self.findings.remarks());
        all.saturating_sub(self.findings.listed().len() as u64)
    }
}
