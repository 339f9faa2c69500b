//! `/etc/wardkey/agent.toml`. A missing file means the defaults; a wrong one stops the agent with a
//! message that names file, line, key and the fix.

use std::path::{Path, PathBuf};

use serde::Deserialize;
use toml::Spanned;

use crate::error::AgentError;
use crate::files;

/// Where the configuration is unless `--config` says otherwise.
pub const DEFAULT_PATH: &str = "/etc/wardkey/agent.toml";
/// The longest configuration file that is read, in bytes.
const MAX_BYTES: u64 = 64 * 1024;

/// What can be set.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Config {
    /// The agent's socket.
    pub socket: PathBuf,
    /// The key process's socket.
    pub key_socket: PathBuf,
    /// Folder of the agent's state, 0700.
    pub state_dir: PathBuf,
    /// The user that the agent becomes when root starts it.
    pub user: String,
    /// The system log's socket.
    pub syslog: PathBuf,
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
            state_dir: "/var/lib/wardkey".into(),
            user: "wardkey".into(),
            syslog: "/dev/log".into(),
            heartbeat_seconds: 300,
            wait_seconds: 55,
            retry_seconds: 60,
            spool_events: 10_000,
            spool_mib: 32,
            connections: 64,
        }
    }
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Raw {
    socket: Option<Spanned<PathBuf>>,
    key_socket: Option<Spanned<PathBuf>>,
    state_dir: Option<Spanned<PathBuf>>,
    user: Option<String>,
    syslog: Option<Spanned<PathBuf>>,
    heartbeat_seconds: Option<Spanned<u64>>,
    wait_seconds: Option<Spanned<u64>>,
    retry_seconds: Option<Spanned<u64>>,
    spool_events: Option<Spanned<u64>>,
    spool_mib: Option<Spanned<u64>>,
    connections: Option<Spanned<u64>>,
}

impl Config {
    /// Reads a configuration file; a missing one gives the defaults.
    ///
    /// # Errors
    /// [`AgentError::Configuration`] names file, line, key and the fix.
    pub fn read(path: &Path) -> Result<Self, AgentError> {
        let name = path.display();
        let Some(bytes) = files::read(path, MAX_BYTES).map_err(|error| AgentError::Configuration(error.to_string()))?
        else {
            return Ok(Self::default());
        };
        if files::is_writable_by_others(path)? {
            return Err(AgentError::Configuration(format!(
                "{name}: others than root can write it; fix: chown root {name} && chmod 644 {name}"
            )));
        }
        let text = String::from_utf8(bytes)
            .map_err(|_| AgentError::Configuration(format!("{name}: not UTF-8; fix: save it as UTF-8")))?;
        Self::parse(&text, &name.to_string())
    }

    fn parse(text: &str, name: &str) -> Result<Self, AgentError> {
        let raw: Raw = toml::from_str(text).map_err(|error| wrong_toml(text, name, &error))?;
        let default = Self::default();
        let place = Place { text, name };
        Ok(Self {
            socket: place.path("socket", raw.socket, default.socket)?,
            key_socket: place.path("key_socket", raw.key_socket, default.key_socket)?,
            state_dir: place.path("state_dir", raw.state_dir, default.state_dir)?,
            user: raw.user.unwrap_or(default.user),
            syslog: place.path("syslog", raw.syslog, default.syslog)?,
            heartbeat_seconds: place.number(
                "heartbeat_seconds",
                raw.heartbeat_seconds,
                default.heartbeat_seconds,
                1,
                86_400,
            )?,
            wait_seconds: place.number("wait_seconds", raw.wait_seconds, default.wait_seconds, 1, 55)?,
            retry_seconds: place.number("retry_seconds", raw.retry_seconds, default.retry_seconds, 1, 3600)?,
            spool_events: place.number("spool_events", raw.spool_events, default.spool_events, 100, 1_000_000)?,
            spool_mib: place.number("spool_mib", raw.spool_mib, default.spool_mib, 4, 4096)?,
            connections: place.number("connections", raw.connections, default.connections, 4, 1024)?,
        })
    }
}

struct Place<'a> {
    text: &'a str,
    name: &'a str,
}

impl Place<'_> {
    fn wrong(&self, at: usize, key: &str, what: &str) -> AgentError {
        AgentError::Configuration(format!("{}:{}: {key}: {what}", self.name, line_of(self.text, at)))
    }

    fn path(&self, key: &str, value: Option<Spanned<PathBuf>>, default: PathBuf) -> Result<PathBuf, AgentError> {
        let Some(value) = value else { return Ok(default) };
        if value.get_ref().is_absolute() {
            return Ok(value.into_inner());
        }
        Err(self.wrong(value.span().start, key, &format!("not an absolute path; fix: {key} = {default:?}")))
    }

    fn number(
        &self,
        key: &str,
        value: Option<Spanned<u64>>,
        default: u64,
        min: u64,
        max: u64,
    ) -> Result<u64, AgentError> {
        let Some(value) = value else { return Ok(default) };
        if (min..=max).contains(value.get_ref()) {
            return Ok(*value.get_ref());
        }
        let what = format!("{} is not between {min} and {max}; fix: {key} = {default}", value.get_ref());
        Err(self.wrong(value.span().start, key, &what))
    }
}

fn wrong_toml(text: &str, name: &str, error: &toml::de::Error) -> AgentError {
    let at = error.span().map_or(0, |span| span.start);
    let line = line_of(text, at);
    let key =
        text.lines().nth(line.saturating_sub(1)).and_then(|line| line.split('=').next()).unwrap_or_default().trim();
    let message = error.message();
    let fix = if message.starts_with("unknown field") {
        "remove the line, or correct the name".to_owned()
    } else {
        format!("see man wardkey-agent.toml, or remove the line to get the default of {key}")
    };
    AgentError::Configuration(format!("{name}:{line}: {key}: {message}; fix: {fix}"))
}

fn line_of(text: &str, at: usize) -> usize {
    text.bytes().take(at).filter(|byte| *byte == b'\n').count() + 1
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_installed_file_holds_the_defaults() {
        let text = include_str!("../../config/agent.toml");
        assert_eq!(Config::parse(text, "agent.toml").unwrap(), Config::default());
        // Every line that is commented out must be valid when it is not.
        let active: String = text
            .lines()
            .map(|line| {
                line.strip_prefix('#').filter(|rest| rest.contains(" = ") && !rest.starts_with(' ')).unwrap_or("")
            })
            .fold(String::new(), |all, line| all + line + "\n");
        assert_eq!(Config::parse(&active, "agent.toml").unwrap(), Config::default());
        assert_eq!(active.matches(" = ").count(), 11, "every key is in the file");
    }

    #[test]
    fn a_wrong_file_names_line_key_and_fix() {
        for (text, expected) in [
            ("socket = \"/a\"\nsokcet = \"/b\"\n", ["f.toml:2:", "sokcet", "fix: remove"]),
            ("\n\nwait_seconds = 56\n", ["f.toml:3:", "wait_seconds", "fix: wait_seconds = 55"]),
            ("heartbeat_seconds = \"x\"\n", ["f.toml:1:", "heartbeat_seconds", "fix:"]),
            ("state_dir = \"lib\"\n", ["f.toml:1:", "state_dir", "fix: state_dir = \"/var/lib/wardkey\""]),
            ("connections = -1\n", ["f.toml:1:", "connections", "fix:"]),
            ("user = \n", ["f.toml:1:", "user", "fix:"]),
        ] {
            let error = Config::parse(text, "f.toml").unwrap_err().to_string();
            for part in expected {
                assert!(error.contains(part), "{error:?} lacks {part:?}");
            }
            assert!(error.ends_with("(WK-1308)"));
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
        assert!(Config::read(&path).unwrap_err().to_string().contains("chmod 644"));
    }
}
