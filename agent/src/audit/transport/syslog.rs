//! The system log, through the socket of syslog(3).

use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use syslog::{Logger, LoggerBackend, Severity as Level, unix_custom};
use wardkey_core::codec;
use wardkey_core::event::Event;

use crate::agent::Agent;
use crate::audit::deliver::{Delivery, Transport};
use crate::audit::destination::SYSLOG;
use crate::audit::render::syslog::{LocalTime, line};
use crate::error::AgentError;
use crate::log;
use crate::store::spool::cursor::Destination;
use crate::store::spool::read::Most;
use crate::store::state::Record;

/// How long a log that cannot be written is left alone.
const PAUSE: Duration = Duration::from_secs(2);
/// Lines between two notes of how far the log has come: a crash repeats at most these.
const MOST: Most = Most { events: 64, bytes: usize::MAX };

/// The system log, by the syslog crate; connected again when it went away.
pub struct SystemLog {
    path: PathBuf,
    logger: Option<Logger<LoggerBackend, LocalTime>>,
    /// When it failed, and what the system said.
    failed: Option<(Instant, String)>,
}

impl std::fmt::Debug for SystemLog {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("SystemLog").field("path", &self.path).finish_non_exhaustive()
    }
}

impl SystemLog {
    /// The log at this socket.
    pub fn new(path: &Path) -> Self {
        Self { path: path.to_owned(), logger: None, failed: None }
    }

    /// Writes one line.
    fn write(&mut self, event: &Event) -> Result<(), AgentError> {
        if let Some((failed, why)) = &self.failed
            && failed.elapsed() < PAUSE
        {
            return Err(AgentError::SystemLog(why.clone().into()));
        }
        let (level, line) = line(event);
        // A log that was started anew leaves us a dead socket: once more on a new one.
        let mut last = None;
        for _ in 0..2 {
            let mut logger = match self.logger.take() {
                Some(logger) => logger,
                None => unix_custom(LocalTime::of_this_process(), &self.path)
                    .map_err(|error| self.failed(Some(error)))?,
            };
            match send(&mut logger, level, &line) {
                Ok(()) => {
                    self.logger = Some(logger);
                    self.failed = None;
                    return Ok(());
                }
                Err(error) => last = Some(error),
            }
        }
        Err(self.failed(last))
    }

    /// It is left alone for a while.
    fn failed(&mut self, error: Option<syslog::Error>) -> AgentError {
        let why = match error {
            Some(syslog::Error::Initialization(error)) => error.to_string(),
            Some(syslog::Error::Write(error) | syslog::Error::Io(error)) => error.to_string(),
            None => String::new(),
        };
        self.failed = Some((Instant::now(), why.clone()));
        AgentError::SystemLog(why.into())
    }
}

impl Transport for SystemLog {
    fn destination(&self) -> &'static Destination {
        &SYSLOG
    }

    fn most(&self) -> Most {
        MOST
    }

    fn reopen(&mut self) {
        (self.logger, self.failed) = (None, None);
    }

    fn deliver(&mut self, _: &Agent, records: &[Record]) -> Delivery {
        let mut delivery = Delivery::default();
        for record in records {
            match codec::from_bytes(&record.event) {
                Ok(event) => {
                    if let Err(error) = self.write(&event) {
                        delivery.error = Some(error);
                        break;
                    }
                }
                // One of a later version, say: it must not keep the others from the log.
                Err(error) => {
                    log::warning(format_args!("a record cannot be read, and has no line: {error}"))
                }
            }
            delivery.arrived.push(record.at);
        }
        delivery
    }

    fn pause_after(&mut self, _: &AgentError) -> Duration {
        PAUSE
    }
}

fn send(
    logger: &mut Logger<LoggerBackend, LocalTime>,
    level: Level,
    line: &str,
) -> Result<(), syslog::Error> {
    match level {
        Level::LOG_ERR => logger.err(line),
        Level::LOG_WARNING => logger.warning(line),
        Level::LOG_INFO => logger.info(line),
        _ => logger.notice(line),
    }
}
