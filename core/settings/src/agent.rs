//! `/etc/wardkey/agent.toml`. A missing file means the defaults; a wrong one stops the agent with a
//! message that names file, line, key and the fix.

use std::path::{Path, PathBuf};

use wardkey_core::time::DAY;

use crate::files::{FileError, Owner};
use crate::sink::Sink;
use crate::table::{Source, TableError, Value};
use crate::texts::Text;

/// Where the configuration is unless `--config` says otherwise.
pub const DEFAULT_PATH: &str = "/etc/wardkey/agent.toml";

/// What can be set.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Config {
    /// The agent's socket.
    pub socket: PathBuf,
    /// The key process's socket.
    pub key_socket: PathBuf,
    /// The socket of the helper that locks screens.
    pub lock_socket: PathBuf,
    /// Folder of the agent's state, 0700.
    pub state_dir: PathBuf,
    /// The user that the agent becomes when root starts it.
    pub user: String,
    /// The system log's socket.
    pub syslog: PathBuf,
    /// Collectors, files and the journal, which get every record too.
    pub records_to: Vec<Sink>,
    /// Certificates of those who may certify collectors that are reached over TLS.
    pub records_ca: PathBuf,
    /// The private enterprise number in the records' structured data.
    pub records_enterprise: u32,
    /// Seconds between two heartbeat records.
    pub heartbeat_seconds: u64,
    /// Seconds that a request for news is held by the server, at most 55.
    pub wait_seconds: u64,
    /// The longest pause in seconds between two attempts to reach the server.
    pub retry_seconds: u64,
    /// Events kept for syslog and server.
    pub spool_events: u64,
    /// MiB of disk reserved for `state.redb`; events take at most a quarter of it.
    pub spool_mib: u64,
    /// Connections to the agent's socket at the same time.
    pub connections: u64,
}

impl Default for Config {
    fn default() -> Self {
        Self {
            socket: "/run/wardkey/agent.sock".into(),
            key_socket: "/run/wardkey/key.sock".into(),
            lock_socket: "/run/wardkey/lock.sock".into(),
            state_dir: "/var/lib/wardkey".into(),
            user: "wardkey".into(),
            syslog: "/dev/log".into(),
            records_to: Vec::new(),
            records_ca: "/etc/wardkey/records-ca.pem".into(),
            records_enterprise: 32473,
            heartbeat_seconds: 300,
            wait_seconds: 55,
            retry_seconds: 60,
            spool_events: 10_000,
            spool_mib: 32,
            connections: 64,
        }
    }
}

impl Config {
    /// The keys of the file.
    pub const KEYS: [&str; 15] = [
        "socket",
        "key_socket",
        "lock_socket",
        "state_dir",
        "user",
        "syslog",
        "records_to",
        "records_ca",
        "records_enterprise",
        "heartbeat_seconds",
        "wait_seconds",
        "retry_seconds",
        "spool_events",
        "spool_mib",
        "connections",
    ];

    /// Reads a configuration file of root's, or of the user that reads it; a missing one gives the
    /// defaults.
    ///
    /// # Errors
    /// [`TableError`] names file, line, key and the fix.
    pub fn read(path: &Path) -> Result<Self, TableError> {
        match Source::read(path, Owner::current()) {
            Ok(source) => Self::from_source(&source),
            Err(TableError::File(FileError::Missing { .. })) => Ok(Self::default()),
            Err(error) => Err(error),
        }
    }

    /// Reads a configuration file that was there before: a missing one is being written, and gives
    /// nothing.
    ///
    /// # Errors
    /// As [`Self::read`], and [`FileError::Missing`].
    pub fn read_again(path: &Path) -> Result<Self, TableError> {
        Self::from_source(&Source::read(path, Owner::current())?)
    }

    fn from_source(source: &Source) -> Result<Self, TableError> {
        let mut config = Self::default();
        source.each(&Self::KEYS, |key, value| config.take(key, &value))?;
        Ok(config)
    }

    pub(crate) fn take(&mut self, key: &str, value: &Value<'_>) -> Result<(), TableError> {
        match key {
            "socket" => self.socket = value.path()?,
            "key_socket" => self.key_socket = value.path()?,
            "lock_socket" => self.lock_socket = value.path()?,
            "state_dir" => self.state_dir = value.path()?,
            "user" => self.user = value.user()?,
            "syslog" => self.syslog = value.path()?,
            "records_to" => self.records_to = sinks(value)?,
            "records_ca" => self.records_ca = value.path()?,
            "records_enterprise" => {
                let number = value.number(1..=u64::from(u32::MAX), "")?;
                self.records_enterprise = u32::try_from(number).unwrap_or(u32::MAX);
            }
            "heartbeat_seconds" => {
                self.heartbeat_seconds = value.number(1..=DAY, Text::UnitSeconds)?
            }
            "wait_seconds" => self.wait_seconds = value.number(1..=55, Text::UnitSeconds)?,
            "retry_seconds" => self.retry_seconds = value.number(1..=3600, Text::UnitSeconds)?,
            "spool_events" => {
                self.spool_events = value.number(100..=1_000_000, Text::UnitEvents)?
            }
            "spool_mib" => self.spool_mib = value.number(4..=4096, " MiB")?,
            _ => self.connections = value.number(4..=1024, Text::UnitConnections)?,
        }
        Ok(())
    }
}

/// A list of sinks, each place once: a cursor on the records belongs to a place.
fn sinks(value: &Value<'_>) -> Result<Vec<Sink>, TableError> {
    let takes = Sink::takes();
    let mut all = Vec::new();
    value.list(&takes, Sink::MAX, &mut |text, _| {
        text.and_then(Sink::read).map(|sink| all.push(sink)).is_some()
    })?;
    if !Sink::are_at_places_of_their_own(&all) {
        return Err(value.wrong(takes));
    }
    Ok(all)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(text: &str) -> Result<Config, String> {
        let source =
            Source::from_bytes("f.toml", text.into()).map_err(|error| error.to_string())?;
        Config::from_source(&source).map_err(|error| error.to_string())
    }

    #[test]
    fn the_installed_file_holds_the_defaults() {
        let text = include_str!("../../../config/agent.toml");
        assert_eq!(parse(text).unwrap(), Config::default());
        // Every line that is commented out must be valid when it is not.
        let active: String = text
            .lines()
            .map(|line| {
                line.strip_prefix('#')
                    .filter(|rest| rest.contains(" = ") && !rest.starts_with(' '))
                    .unwrap_or("")
            })
            .fold(String::new(), |all, line| all + line + "\n");
        assert_eq!(parse(&active).unwrap(), Config::default());
        assert_eq!(active.matches(" = ").count(), 15, "every key is in the file");
    }

    #[test]
    fn a_wrong_file_names_line_key_and_fix() {
        for (text, expected) in [
            (
                "socket = \"/a\"\nsokcet = \"/b\"\n",
                ["f.toml:2:", "unknown key \"sokcet\"", "known are socket"],
            ),
            ("\n\nwait_seconds = 56\n", ["f.toml:3:", "wait_seconds", "from 1 to 55 seconds"]),
            (
                "heartbeat_seconds = \"x\"\n",
                ["f.toml:1:", "heartbeat_seconds", "from 1 to 86400 seconds"],
            ),
            ("state_dir = \"lib\"\n", ["f.toml:1:", "state_dir", "beginning with /"]),
            ("connections = -1\n", ["f.toml:1:", "connections", "from 4 to 1024"]),
            (
                "records_to = [\"tcp://a:601 ecs\",\n\"tcp://b:601 json\"]\n",
                ["f.toml:2:", "records_to", "tls://HOST:PORT FORMAT"],
            ),
            (
                "records_to = [\"tcp://a:601 ecs\", \"tcp://a:601 cef\"]\n",
                ["f.toml:1:", "records_to", "each address once"],
            ),
            (
                "records_to = [\"file:///a ecs\",\n\"journal:///a\"]\n",
                ["f.toml:1:", "records_to", "each address once"],
            ),
            (
                "records_to = [\n\"file:///../a ecs\"]\n",
                ["f.toml:2:", "records_to", "file:///PATH FORMAT"],
            ),
            (
                "records_to = [\"splunk://a:8088 ecs\"]\n",
                ["f.toml:1:", "records_to", "splunk://HOST:PORT FORMAT TOKENFILE"],
            ),
            (
                "records_to = [\"udp://a:514 fhir\"]\n",
                ["f.toml:1:", "records_to", "neither atna nor fhir"],
            ),
            ("records_enterprise = 0\n", ["f.toml:1:", "records_enterprise", "from 1 to"]),
            ("user = \n", ["f.toml:1:", "a value is", "\"text\""]),
            ("user = \"a:b\"\n", ["f.toml:1:", "user", "a login name"]),
        ] {
            let error = parse(text).unwrap_err();
            for part in expected {
                assert!(error.contains(part), "{error:?} lacks {part:?}");
            }
        }
    }

    #[test]
    fn a_missing_file_means_defaults_and_a_writable_one_is_refused() {
        use std::os::unix::fs::PermissionsExt;
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("agent.toml");
        assert_eq!(Config::read(&path).unwrap(), Config::default());
        std::fs::write(&path, "wait_seconds = 5\n").unwrap();
        assert_eq!(Config::read(&path).unwrap().wait_seconds, 5);
        std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o666)).unwrap();
        assert!(Config::read(&path).unwrap_err().to_string().contains("chmod go-w"));
    }
}
