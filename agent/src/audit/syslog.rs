//! The thread that writes events to the system log, makes the heartbeat, and tends the state.

use std::path::Path;
use std::sync::atomic::Ordering;
use std::time::{Duration, Instant};

use ::syslog::{Facility, LogFormat, Logger, LoggerBackend, unix_custom};
use jiff::Zoned;
use wardkey_core::event::{Event, EventName, Outcome, Severity};

use crate::agent::Agent;
use crate::clock::Moment;
use crate::error::AgentError;
use crate::log;

/// The name of the program in the log.
const PROCESS: &str = "wardkey";
/// How long a log that cannot be written is left alone.
const PAUSE: Duration = Duration::from_secs(2);
/// How often it is looked whether events that are counted are due.
const TALLY: Duration = Duration::from_secs(5);
/// How often the state is tended.
const TEND: Duration = Duration::from_secs(3600);

/// Writes until the agent stops, then what is left.
pub fn run(agent: &Agent) {
    let mut log = SystemLog::new(&agent.config.syslog);
    let heartbeat = Duration::from_secs(agent.config.heartbeat_seconds);
    let mut beat = Moment::now();
    let mut tended = Moment::now();
    let mut beats = 0;
    while !agent.is_stopping() {
        let until_beat = heartbeat.saturating_sub(beat.elapsed());
        let until_tally = if agent.tally.is_empty() { until_beat } else { until_beat.min(TALLY) };
        agent.wake_syslog.wait(if log.is_up() { until_tally } else { until_tally.min(PAUSE) });
        if agent.reopen_log.swap(false, Ordering::SeqCst) {
            log = SystemLog::new(&agent.config.syslog);
        }
        agent.record(agent.tally.take(false));
        write(agent, &mut log);
        if beat.elapsed() >= heartbeat {
            beat = Moment::now();
            beats += 1;
            agent.record(vec![heartbeat_event(agent, beats)]);
            // How late it is must be known after a reboot too, also when nothing new was signed.
            if let Err(error) = agent.raise_marks() {
                log::warning(format_args!("state: {error}"));
            }
        }
        // What did not reach the disk or was lost meanwhile.
        let _ = agent.state.recover();
        agent.note_set_aside();
        if agent.is_due("lost", Duration::from_secs(10)) {
            record_lost(agent);
        }
        if tended.elapsed() >= TEND {
            tended = Moment::now();
            if let Err(error) = agent.state.forget_old(agent.clock.now()) {
                log::warning(format_args!("state: {error}"));
            }
        }
    }
}

/// Writes all events that are due; false while another thread does, so that no line is written twice.
pub fn write(agent: &Agent, log: &mut SystemLog) -> bool {
    let Ok(_writing) = agent.writing.try_lock() else { return false };
    if let Err(error) = agent.state.drain_to_syslog(|event| log.write(event))
        && agent.is_due("syslog", Duration::from_secs(600))
    {
        log::warning(format_args!("system log: {error}; records are kept"));
    }
    true
}

/// Records how many events had to give way, if any.
pub fn record_lost(agent: &Agent) {
    let made = agent.state.record_lost(|count| {
        let mut event = agent.event(EventName::RecordsLost, Outcome::Failure);
        event.count = Some(count);
        event
    });
    if let Err(error) = made {
        log::warning(format_args!("state: {error}"));
    }
}

fn heartbeat_event(agent: &Agent, beats: u64) -> Event {
    let view = agent.directory.view();
    let mut event = agent.event(EventName::Heartbeat, Outcome::Success);
    event.count = Some(beats);
    event.age = view.terminal_scopes().map(|scope| agent.clock.now().since(scope.head.issued)).max();
    let connected = agent.link().connected == Some(true);
    event.detail = Some(if connected { "connected" } else { "disconnected" }.to_owned());
    event
}

/// Lines as RFC 3164 and glibc's syslog(3) have them: the stamp is the machine's local time, as on the lines of
/// all other programs. (The crate's own formatter stamps in UTC.)
#[derive(Clone, Debug)]
pub struct LocalTime {
    pid: u32,
}

impl<T: std::fmt::Display> LogFormat<T> for LocalTime {
    fn format<W: std::io::Write>(
        &self,
        to: &mut W,
        severity: ::syslog::Severity,
        message: T,
    ) -> Result<(), ::syslog::Error> {
        let priority = Facility::LOG_AUTHPRIV as u8 | severity as u8;
        let stamp = stamp(&Zoned::now());
        write!(to, "<{priority}>{stamp} {PROCESS}[{}]: {message}", self.pid).map_err(::syslog::Error::Write)
    }
}

/// `Mmm dd hh:mm:ss`, English in every language of the machine (RFC 3164, 4.1.2).
fn stamp(time: &Zoned) -> String {
    const MONTHS: [&str; 12] = ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"];
    let month = usize::try_from(time.month()).ok().and_then(|month| MONTHS.get(month.checked_sub(1)?));
    let (day, hour, minute, second) = (time.day(), time.hour(), time.minute(), time.second());
    format!("{} {day:>2} {hour:02}:{minute:02}:{second:02}", month.copied().unwrap_or("Jan"))
}

/// The system log, by the syslog crate; connected again when it went away.
pub struct SystemLog {
    path: std::path::PathBuf,
    logger: Option<Logger<LoggerBackend, LocalTime>>,
    failed: Option<Instant>,
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

    /// Whether the last write worked.
    pub const fn is_up(&self) -> bool {
        self.failed.is_none()
    }

    /// Writes one line.
    ///
    /// # Errors
    /// [`AgentError`] when the log cannot be reached; the line is not written.
    pub fn write(&mut self, event: &Event) -> Result<(), AgentError> {
        if self.failed.is_some_and(|failed| failed.elapsed() < PAUSE) {
            return Err(unreachable("not tried again yet"));
        }
        let line = event.to_line();
        // A log that was started anew leaves us a dead socket: once more on a new one.
        for _ in 0..2 {
            let mut logger = match self.logger.take() {
                Some(logger) => logger,
                None => self.open()?,
            };
            if send(&mut logger, event.severity(), &line).is_ok() {
                self.logger = Some(logger);
                self.failed = None;
                return Ok(());
            }
        }
        self.failed = Some(Instant::now());
        Err(unreachable("write failed"))
    }

    fn open(&mut self) -> Result<Logger<LoggerBackend, LocalTime>, AgentError> {
        unix_custom(LocalTime { pid: std::process::id() }, &self.path).map_err(|error| {
            self.failed = Some(Instant::now());
            unreachable(&error.to_string())
        })
    }
}

fn send(logger: &mut Logger<LoggerBackend, LocalTime>, severity: Severity, line: &str) -> Result<(), ::syslog::Error> {
    match severity {
        Severity::Error => logger.err(line),
        Severity::Warning => logger.warning(line),
        Severity::Notice => logger.notice(line),
        Severity::Info => logger.info(line),
    }
}

fn unreachable(what: &str) -> AgentError {
    AgentError::Io(std::io::Error::other(format!("cannot be reached: {what}")))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_stamp_is_local_time() {
        let moment = jiff::Timestamp::from_second(1_790_000_000).unwrap();
        for (zone, expected) in [("UTC", "Sep 21 14:13:20"), ("Asia/Tokyo", "Sep 21 23:13:20")] {
            let zone = jiff::tz::TimeZone::get(zone).unwrap();
            assert_eq!(stamp(&moment.to_zoned(zone)), expected);
        }
        let early = jiff::civil::date(2027, 3, 5).at(1, 2, 3, 0).to_zoned(jiff::tz::TimeZone::UTC).unwrap();
        assert_eq!(stamp(&early), "Mar  5 01:02:03");
    }

    #[test]
    fn a_line_has_facility_severity_and_pid() {
        let mut line = Vec::new();
        LocalTime { pid: 812 }.format(&mut line, ::syslog::Severity::LOG_NOTICE, "schema=1").unwrap();
        let line = String::from_utf8(line).unwrap();
        assert!(line.starts_with("<85>"), "authpriv is 10, notice is 5: {line}");
        assert!(line.ends_with(" wardkey[812]: schema=1"), "{line}");
    }
}
