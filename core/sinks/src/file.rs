//! A file, one line for each record. A batch has arrived when it is on disk, in the file that has
//! the name: what went into one that somebody takes away meanwhile (logrotate) is written again
//! into its successor. A disk that is full keeps the records waiting.

use std::fs::File;
use std::io::Write;
use std::os::unix::fs::{FileExt, MetadataExt};
use std::path::Path;
use std::time::Duration;

use wardkey_records::{Source, render};
use wardkey_settings::files::{self, Owner};
use wardkey_settings::sink::LogFile;

use crate::backoff::Backoff;
use crate::event;
use crate::failure::RecordFileError;
use crate::way::{At, Delivery, Most, Party, Record, Terms, Way};

/// Records of a batch: each is on disk before the next. Some forms have ten times the bytes of what
/// is in the spool.
const MOST: Most = Most { events: 512, bytes: 256 * 1024 };
/// How often a batch is written anew at once, when the file was taken away meanwhile.
const TRIES: usize = 3;

/// The way to a file.
#[derive(Debug)]
pub struct Lines {
    to: LogFile,
    source: Source,
    file: Option<File>,
    failures: Backoff,
}

impl Lines {
    /// The way to one of the configured files.
    pub fn new(terms: &Terms, to: &LogFile) -> Self {
        Self {
            to: to.clone(),
            source: terms.source.clone(),
            file: None,
            failures: Backoff::new(terms.longest),
        }
    }

    /// The lines, and which records nobody can read.
    fn lines(&self, party: &dyn Party, records: &[Record]) -> (Vec<u8>, Vec<At>) {
        let (mut lines, mut unread) = (Vec::new(), Vec::new());
        for record in records {
            let Some(event) = event::of(record, party) else {
                unread.push(record.at);
                continue;
            };
            let source = record.told_by(&self.source);
            lines.extend_from_slice(render(self.to.format, &event, source).as_bytes());
            lines.push(b'\n');
        }
        (lines, unread)
    }

    fn write(&mut self, lines: &[u8]) -> Result<(), RecordFileError> {
        let path = &self.to.path;
        let broken = |error| RecordFileError::of(path, error);
        for _ in 0..TRIES {
            let mut file = match self.file.take() {
                Some(file) if has_name(&file, path).map_err(broken)? => file,
                _ => files::open_to_append(path, Owner::current())?,
            };
            append(&mut file, lines).map_err(broken)?;
            if has_name(&file, path).map_err(broken)? {
                self.file = Some(file);
                return Ok(());
            }
        }
        Err(broken(std::io::Error::other("the file was taken away while it was written")))
    }
}

impl Way for Lines {
    fn most(&self) -> Most {
        MOST
    }

    fn reopen(&mut self) {
        self.file = None;
    }

    fn deliver(&mut self, party: &dyn Party, records: &[Record]) -> Delivery {
        let (lines, unread) = self.lines(party, records);
        match self.write(&lines) {
            Ok(()) => Delivery::all(records, unread),
            Err(error) => Delivery { error: Some(error.into()), ..Delivery::default() },
        }
    }

    fn worked(&mut self) {
        self.failures.reset();
    }

    fn pause_after_failure(&mut self) -> Duration {
        self.failures.next(None)
    }
}

/// Whether a file is still the one that has this name.
fn has_name(file: &File, path: &Path) -> std::io::Result<bool> {
    let open = file.metadata()?;
    match path.symlink_metadata() {
        Ok(named) => Ok((named.dev(), named.ino()) == (open.dev(), open.ino())),
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => Ok(false),
        Err(error) => Err(error),
    }
}

/// Writes lines behind what is there, and waits for the disk. A line that a full disk or a power
/// cut has cut short stays one by itself.
fn append(file: &mut File, lines: &[u8]) -> std::io::Result<()> {
    if let Some(last) = file.metadata()?.len().checked_sub(1) {
        let mut end = [0];
        // Somebody may empty the file at any moment (copytruncate): then there is no last line.
        if file.read_at(&mut end, last)? == 1 && end != *b"\n" {
            file.write_all(b"\n")?;
        }
    }
    file.write_all(lines)?;
    file.sync_data()
}
