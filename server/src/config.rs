//! `server.toml`: read once at start; unknown keys and impossible values are errors that name file,
//! line, key and what would be right. Nothing here weakens the verification of a login.

mod admin;
mod database;
mod limits;
mod problem;
mod records;
mod retention;
mod watch;

use std::io::ErrorKind;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};

use jiff::tz::TimeZone;
use serde::Deserialize;
use wardkey_core::name::printable;

use crate::error::{Error, Result};
use crate::files;
use crate::store::Place;
use crate::texts::{Phrase, Text};
use crate::when;

use database::Said;

pub use admin::Admin;
pub use limits::Limits;
pub use problem::Problem;
pub use records::Records;
pub use retention::{Period, Retention};
pub use watch::Watch;

/// The longest configuration in bytes.
const MAX_FILE: u64 = 256 * 1024;
/// Longest message of the parser in characters.
const MESSAGE_CHARS: usize = 2048;
/// The longest file of attestation roots in bytes that is read: those of every maker there is are
/// less than half of it.
const MAX_ROOTS: u64 = 4 * 1024 * 1024;

/// The configuration, with defaults for what the file leaves out.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Config {
    /// Addresses to listen on.
    pub listen: Vec<SocketAddr>,
    /// The SQLite database; with another one the file beside which lies what belongs to it here.
    pub store: PathBuf,
    /// A database of PostgreSQL in the place of SQLite's: `postgresql://...`.
    pub database: Option<String>,
    /// The file with its password; none where PostgreSQL knows the user by the socket.
    pub database_password_file: Option<PathBuf>,
    /// The folder of the private keys.
    pub keys: PathBuf,
    /// The origin of browsers and terminals; `https://<rp id>` when absent.
    pub origin: Option<String>,
    /// Files with the certificates (PEM) of makers of security keys.
    pub attestation_roots: Vec<PathBuf>,
    /// Whether a key whose attestation leads to none of them is refused.
    pub attestation_required: bool,
    /// Seconds for which heads and terminal documents are valid; signed again at half of it.
    pub head_seconds: u64,
    /// Days for which a terminal's certificate is valid.
    pub certificate_days: u64,
    /// Keys that one person may have.
    pub keys_per_person: u32,
    /// credProtect level that is asked for, 1 or 2.
    pub cred_protect: u8,
    /// The zone in which a day is a day, such as `Asia/Tokyo`; the machine's when absent.
    pub time_zone: Option<String>,
    /// Collectors, files and the journal, which get every record too.
    pub records_to: Vec<String>,
    /// Certificates of those who may certify collectors that are reached over TLS.
    pub records_ca: PathBuf,
    /// The private enterprise number in the records' structured data.
    pub records_enterprise: u32,
    /// Limits on requests.
    pub limits: Limits,
    /// What those who run the server are told.
    pub watch: Watch,
    /// The interface for administration.
    pub admin: Admin,
    /// For how long records are kept.
    pub retention: Retention,
}

impl Default for Config {
    fn default() -> Self {
        Self {
            listen: vec![SocketAddr::from(([0, 0, 0, 0, 0, 0, 0, 0], 8443))],
            store: "/var/lib/wardkey-server/wardkey.db".into(),
            database: None,
            database_password_file: None,
            keys: "/var/lib/wardkey-server/keys".into(),
            origin: None,
            attestation_roots: Vec::new(),
            attestation_required: false,
            head_seconds: 900,
            certificate_days: 397,
            keys_per_person: 10,
            cred_protect: 2,
            time_zone: None,
            records_to: Vec::new(),
            records_ca: records::AUTHORITIES.into(),
            records_enterprise: records::ENTERPRISE,
            limits: Limits::default(),
            watch: Watch::default(),
            admin: Admin::default(),
            retention: Retention::default(),
        }
    }
}

impl Config {
    /// Reads a file.
    ///
    /// # Errors
    /// [`Error::Configuration`] when it cannot be read, is too long, or holds an unknown key or a
    /// value that cannot be.
    pub fn read(path: &Path) -> Result<Self> {
        let wrong = |message: Phrase| Error::Configuration { path: path.to_owned(), message };
        let text = text_of(path).map_err(|error| {
            wrong(Text::GiveConfig.with([("why", error.to_string().into())])).caused_by(error)
        })?;
        let mut config = Self::parse(&text).map_err(wrong)?;
        config.store = followed(config.store);
        Ok(config)
    }

    /// Reads the text of a file; the error says line, key and what would be right.
    ///
    /// # Errors
    /// The sentences for [`Error::Configuration`].
    pub fn parse(text: &str) -> std::result::Result<Self, Phrase> {
        Self::parse_all(text).map_err(|problems| {
            Phrase::joined(problems.iter().map(Problem::phrase).collect(), "; ")
        })
    }

    /// Reads the text of a file; everything that is wrong, in the order of the keys. What TOML
    /// cannot read, and a key that is not known, ends the reading.
    ///
    /// # Errors
    /// What is wrong; never empty.
    pub fn parse_all(text: &str) -> std::result::Result<Self, Vec<Problem>> {
        if text.len() as u64 > MAX_FILE {
            return Err(vec![Problem { line: 1, key: None, message: Text::ConfigTooLong.into() }]);
        }
        let config: Self = toml::from_str(text).map_err(|error| {
            let at = error.span().map_or(0, |span| span.start);
            let line = line_of_offset(text, at);
            vec![Problem {
                line,
                key: key_of_line(text, line),
                message: printable(&error.message().replace('\n', " "), MESSAGE_CHARS).into(),
            }]
        })?;
        let problem = |(key, fix): (&str, Phrase)| Problem {
            line: line_of_key(text, key),
            key: Some(key.to_owned()),
            message: Phrase::joined(vec![key.into(), fix], ": "),
        };
        let problems: Vec<Problem> = config.check().into_iter().map(problem).collect();
        if problems.is_empty() { Ok(config) } else { Err(problems) }
    }

    /// Every key whose value cannot be, with what would be right.
    fn check(&self) -> Vec<(&'static str, Phrase)> {
        let checks = [
            (!self.listen.is_empty(), "listen", Text::OneAddress.into()),
            (self.store.is_absolute(), "store", Text::AbsolutePath.into()),
            (self.keys.is_absolute(), "keys", Text::AbsolutePath.into()),
            ((2..=86_400).contains(&self.head_seconds), "head_seconds", from_to(2, 86_400)),
            ((1..=3_650).contains(&self.certificate_days), "certificate_days", from_to(1, 3650)),
            ((1..=32).contains(&self.keys_per_person), "keys_per_person", from_to(1, 32)),
            ((1..=2).contains(&self.cred_protect), "cred_protect", from_to(1, 2)),
            (
                self.time_zone.as_deref().is_none_or(|name| when::zone_named(name).is_some()),
                "time_zone",
                Text::ZoneName.into(),
            ),
            (
                !self.attestation_required || !self.attestation_roots.is_empty(),
                "attestation_required",
                Text::NeedsRoots.into(),
            ),
            (
                self.attestation_roots.iter().all(|path| path.is_absolute()),
                "attestation_roots",
                Text::AbsolutePaths.into(),
            ),
            (self.origin.as_deref().is_none_or(admin::is_origin), "origin", Text::HttpsHost.into()),
        ];
        let all = checks.into_iter().chain(self.database_as_said().checks());
        let tables = self.limits.checks().into_iter().chain(self.watch.checks());
        let to = (self.records_to.as_slice(), self.records_ca.as_path(), self.records_enterprise);
        let all = all.chain(records::checks(to));
        let own = self.admin.checks().into_iter().chain(self.retention.checks());
        let all = all.chain(tables).chain(own);
        all.filter(|(holds, ..)| !holds).map(|(_, key, fix)| (key, fix)).collect()
    }

    /// Where the store is.
    ///
    /// # Errors
    /// [`Error::Configuration`] when the file with the password cannot be read, or others can read
    /// it.
    pub fn place(&self) -> Result<Place> {
        self.database_as_said().place()
    }

    /// Where records go besides the database.
    pub fn records(&self) -> Records {
        Records::new(&self.records_to, &self.records_ca, self.records_enterprise)
    }

    fn database_as_said(&self) -> Said<'_> {
        Said {
            store: &self.store,
            url: self.database.as_deref(),
            password_file: self.database_password_file.as_deref(),
        }
    }

    /// The zone in which a day is a day.
    pub fn zone(&self) -> TimeZone {
        self.time_zone
            .as_deref()
            .and_then(when::zone_named)
            .unwrap_or_else(when::zone_of_the_machine)
    }

    /// The line of a key in the text that this was read from.
    pub fn line_of(text: &str, key: &str) -> usize {
        line_of_key(text, key)
    }

    /// Where the files of attestation roots are wrong, before anything is started.
    ///
    /// # Errors
    /// [`Error::Configuration`] for a file that cannot be read.
    pub fn read_attestation_roots(&self) -> Result<Vec<u8>> {
        let mut all = Vec::new();
        for path in &self.attestation_roots {
            let pem = attestation_roots(path).map_err(|error| {
                let message = Text::RootUnreadable.with([("why", error.to_string().into())]);
                Error::Configuration { path: path.clone(), message }.caused_by(error)
            })?;
            all.extend_from_slice(&pem);
            all.push(b'\n');
        }
        Ok(all)
    }
}

/// The file that a link leads to: locks and logs lie beside it, whatever name the database goes by.
/// A link that leads nowhere stays one.
fn followed(store: PathBuf) -> PathBuf {
    if store.is_symlink() { store.canonicalize().unwrap_or(store) } else { store }
}

/// The text of a configuration. A link is followed: only root writes where it stands, and package
/// managers of sites put links there. What it leads to is a regular file, and not endless.
///
/// # Errors
/// Why it cannot be read.
pub(crate) fn text_of(path: &Path) -> std::io::Result<String> {
    let bytes = files::read_followed(path, MAX_FILE)?;
    String::from_utf8(bytes).map_err(|error| std::io::Error::new(ErrorKind::InvalidData, error))
}

/// A file of attestation roots, as it is. A link is followed: root names the file, and bundles of
/// certificates are links in Debian.
///
/// # Errors
/// Why it cannot be read.
pub(crate) fn attestation_roots(path: &Path) -> std::io::Result<Vec<u8>> {
    files::read_followed(path, MAX_ROOTS)
}

fn from_to(least: u64, most: u64) -> Phrase {
    Text::FromTo.with([("least", least.into()), ("most", most.into())])
}

fn line_of_offset(text: &str, offset: usize) -> usize {
    text.bytes().take(offset).filter(|byte| *byte == b'\n').count() + 1
}

/// The line of a key; of one that is not in the file, the first.
fn line_of_key(text: &str, key: &str) -> usize {
    let names = |line: &str| {
        line.trim_start().strip_prefix(key).is_some_and(|rest| rest.trim_start().starts_with('='))
    };
    text.lines().position(names).map_or(1, |line| line + 1)
}

/// The key that stands on a line.
fn key_of_line(text: &str, line: usize) -> Option<String> {
    let key = text.lines().nth(line.checked_sub(1)?)?.split_once('=')?.0.trim();
    key.chars().all(|c| c.is_ascii_alphanumeric() || c == '_').then(|| key.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_default_file_says_the_defaults() {
        let text = include_str!("../../config/server.toml");
        assert_eq!(
            format!("{:?}", Config::parse(text).unwrap()),
            format!("{:?}", Config::default())
        );
        let is_value = |rest: &&str| {
            rest.split_once(" = ")
                .is_some_and(|(key, _)| key.chars().all(|c| c.is_ascii_lowercase() || c == '_'))
        };
        let uncommented: Vec<&str> = text
            .lines()
            .map(|line| line.strip_prefix("# ").filter(is_value).unwrap_or(line))
            .collect();
        assert!(uncommented.iter().filter(|line| is_value(line)).count() >= 16);
        let uncommented = uncommented.join("\n");
        Config::parse(&uncommented).unwrap();
    }

    #[test]
    fn a_link_is_followed_and_nothing_without_end_is_read() {
        let folder = tempfile::tempdir().unwrap();
        let (file, link) = (folder.path().join("a"), folder.path().join("b"));
        std::fs::write(&file, "head_seconds = 60").unwrap();
        std::os::unix::fs::symlink(&file, &link).unwrap();
        assert_eq!(Config::read(&link).unwrap().head_seconds, 60);
        std::fs::write(&file, vec![b'#'; MAX_FILE as usize + 1]).unwrap();
        let pipe = folder.path().join("pipe");
        nix::unistd::mkfifo(&pipe, nix::sys::stat::Mode::S_IRWXU).unwrap();
        for endless in [&link, &pipe, Path::new("/dev/zero")] {
            let error = Config::read(endless).unwrap_err();
            assert!(std::error::Error::source(&error).is_some(), "{error}");
            let config = Config { attestation_roots: vec![endless.into()], ..Config::default() };
            assert_eq!(config.read_attestation_roots().is_ok(), endless == link, "{endless:?}");
        }
    }

    #[test]
    fn wrong_values_name_line_key_and_fix() {
        for (text, parts) in [
            ("head_seconds = 1", &["line 1", "head_seconds", "2 to 86400"][..]),
            ("# x\nlisten = []", &["line 2", "listen", "[::]:8443"]),
            ("\n\nstroe = \"/x\"", &["line 3", "stroe", "store"]),
            ("store = \"wardkey.db\"", &["line 1", "store", "absolute"]),
            ("store = 5", &["line 1"]),
            ("attestation_required = true", &["line 1", "attestation_roots"]),
            ("origin = \"http://x\"", &["line 1", "origin", "https://"]),
            ("[limits]\nterminal = 0", &["line 2", "terminal", "at least 1"]),
            ("cred_protect = 4", &["cred_protect", "1 to 2"]),
            ("time_zone = \"Asia/Tokio\"", &["line 1", "time_zone", "Asia/Tokyo"]),
            ("keys_per_person = 33", &["keys_per_person", "1 to 32"]),
            ("[limits]\nterminals = 5", &["line 2", "terminals"]),
            ("[watch]\nlisten = \"9464\"", &["line 2"]),
            ("[watch]\nnotify = [\"mail\"]", &["line 2", "notify", "absolute"]),
            ("[admin]\nkey = \"/k\"", &["line 2", "key", "certificate"]),
            ("[admin]\nprotected_groups = [\"\"]", &["line 2", "group name"]),
            ("[admin]\nclient_ca = \"ca.pem\"", &["line 2", "client_ca", "absolute"]),
            ("\ndatabase = \"mysql:///w\"", &["line 2", "database", "postgresql:///wardkey"]),
            ("database = \"postgresql://x:y@localhost/w\"", &["database_password_file"]),
            ("database = \"postgresql://db.example/w\"", &["line 1", "database", "tunnel"]),
            ("database_password_file = \"/x\"", &["line 1", "needs database"]),
            ("[retention]\nlogins = \"29d\"", &["line 2", "logins", "30d"]),
            ("[retention]\nlogins = \"5 years\"", &["line 2", "5y"]),
            ("[retention]\nlogin = \"5y\"", &["line 2", "logins"]),
            ("x", &["line 1"]),
        ] {
            let error = Config::parse(text).unwrap_err().to_string();
            for part in parts {
                assert!(error.contains(part), "{text:?}: {error:?} lacks {part:?}");
            }
        }
    }
}
