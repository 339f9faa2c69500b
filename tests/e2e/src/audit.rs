//! The real rsyslog of the ward, and the records that it wrote.

use std::collections::BTreeMap;
use std::path::Path;
use std::time::Duration;

use crate::process::{Process, wait_for};
use crate::tool::Tool;

const FILE: &str = "/var/log/wardkey-audit.log";
const CONFIGURATION: &str = "/etc/rsyslog-ward.conf";

/// rsyslogd with a socket at /dev/log; authpriv goes to a file.
pub struct Rsyslog {
    process: Process,
}

/// One audit record: its fields by name.
pub type Record = BTreeMap<String, String>;

impl Rsyslog {
    /// Starts it and waits for /dev/log.
    pub fn start() -> Self {
        std::fs::write(
            CONFIGURATION,
            format!(
                "module(load=\"imuxsock\" SysSock.Use=\"off\")\n\
                 input(type=\"imuxsock\" Socket=\"/dev/log\" CreatePath=\"off\" \
                 RateLimit.Interval=\"0\")\n\
                 template(name=\"lines\" type=\"string\" string=\"%timegenerated:::date-rfc3339% \
                 %syslogfacility-text%.%syslogseverity-text% %programname%: \
                 %msg:::sp-if-no-1st-sp%%msg%\\n\")\n\
                 authpriv.* action(type=\"omfile\" file=\"{FILE}\" template=\"lines\" \
                 fileCreateMode=\"0640\")\n"
            ),
        )
        .expect("configuration of rsyslog");
        let mut command = Tool::Rsyslogd.command();
        command.args(["-n", "-f", CONFIGURATION, "-i", "/run/rsyslogd.pid"]);
        let process = Process::start("rsyslogd", &mut command);
        wait_for("/dev/log", Duration::from_secs(60), || {
            Path::new("/dev/log").exists().then_some(())
        });
        Self { process }
    }

    /// Stops it; /dev/log goes with it.
    pub fn stop(&mut self) {
        self.process.terminate();
        let _ = std::fs::remove_file("/dev/log");
    }
}

/// Every line that rsyslog wrote of authpriv.
pub fn lines() -> Vec<String> {
    std::fs::read_to_string(FILE).unwrap_or_default().lines().map(str::to_owned).collect()
}

/// The agent's audit records so far, in order.
pub fn records() -> Vec<Record> {
    lines().iter().filter_map(|line| parse(line)).collect()
}

fn parse(line: &str) -> Option<Record> {
    let at = line.find(" schema=")?;
    line.get(at..)?
        .split_whitespace()
        .map(|field| {
            let (name, value) = field.split_once('=')?;
            Some((name.to_owned(), value.to_owned()))
        })
        .collect()
}

/// Records of an event, in order.
pub fn records_of(event: &str) -> Vec<Record> {
    records()
        .into_iter()
        .filter(|record| record.get("event").is_some_and(|name| name == event))
        .collect()
}

/// Waits until there are at least `count` records of an event, and gives them.
pub fn wait_for_records(event: &str, count: usize) -> Vec<Record> {
    wait_for(&format!("{count} records of {event}"), Duration::from_secs(60), || {
        let found = records_of(event);
        (found.len() >= count).then_some(found)
    })
}
