//! An event as one line of the system log.

use jiff::Zoned;
use syslog::{Facility, LogFormat, Severity as Level};
use wardkey_core::event::{Event, Severity};

/// The name of the program in the log.
const PROCESS: &str = "wardkey";

/// Level and text of an event's line.
pub fn line(event: &Event) -> (Level, String) {
    let level = match event.severity() {
        Severity::Critical => Level::LOG_CRIT,
        Severity::Error => Level::LOG_ERR,
        Severity::Warning => Level::LOG_WARNING,
        Severity::Notice => Level::LOG_NOTICE,
        Severity::Info => Level::LOG_INFO,
    };
    (level, event.to_line())
}

/// Lines as RFC 3164 and glibc's syslog(3) have them: the stamp is the machine's local time, as on
/// the lines of all other programs. (The crate's own formatter stamps in UTC.)
#[derive(Clone, Debug)]
pub struct LocalTime {
    pid: u32,
}

impl LocalTime {
    /// Lines of this process.
    pub fn of_this_process() -> Self {
        Self { pid: std::process::id() }
    }
}

impl<T: std::fmt::Display> LogFormat<T> for LocalTime {
    fn format<W: std::io::Write>(
        &self,
        to: &mut W,
        severity: Level,
        message: T,
    ) -> Result<(), syslog::Error> {
        let priority = Facility::LOG_AUTHPRIV as u8 | severity as u8;
        let stamp = stamp(&Zoned::now());
        write!(to, "<{priority}>{stamp} {PROCESS}[{}]: {message}", self.pid)
            .map_err(syslog::Error::Write)
    }
}

/// `Mmm dd hh:mm:ss`, English in every language of the machine (RFC 3164, 4.1.2).
fn stamp(time: &Zoned) -> String {
    const MONTHS: [&str; 12] =
        ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"];
    let month =
        usize::try_from(time.month()).ok().and_then(|month| MONTHS.get(month.checked_sub(1)?));
    let (day, hour, minute, second) = (time.day(), time.hour(), time.minute(), time.second());
    format!("{} {day:>2} {hour:02}:{minute:02}:{second:02}", month.copied().unwrap_or("Jan"))
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
        let early =
            jiff::civil::date(2027, 3, 5).at(1, 2, 3, 0).to_zoned(jiff::tz::TimeZone::UTC).unwrap();
        assert_eq!(stamp(&early), "Mar  5 01:02:03");
    }

    #[test]
    fn a_line_has_facility_severity_and_pid() {
        let mut line = Vec::new();
        LocalTime { pid: 812 }.format(&mut line, Level::LOG_NOTICE, "schema=1").unwrap();
        let line = String::from_utf8(line).unwrap();
        assert!(line.starts_with("<85>"), "authpriv is 10, notice is 5: {line}");
        assert!(line.ends_with(" wardkey[812]: schema=1"), "{line}");
    }
}
