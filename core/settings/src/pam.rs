//! `/etc/wardkey/pam.toml`. Every key has a default; an unknown key or a wrong value refuses the
//! login, as what was meant cannot be known.

use std::path::{Path, PathBuf};
use std::time::Duration;

use wardkey_core::name::{Language, ServiceName};
use wardkey_core::time::DAY;

use crate::files::Owner;
use crate::login_defs;
use crate::table::{Source, TableError, Value};
use crate::texts::Text;

/// Bounds of `timeout=` (in a PAM service file) and `key_wait_seconds`, in seconds.
pub const WAIT_SECONDS: std::ops::RangeInclusive<u64> = 1..=600;
/// Where the file is when `conf=` in a PAM service file does not say.
pub const DEFAULT_PATH: &str = "/etc/wardkey/pam.toml";
/// The greatest uid that is a system account; Debian's people begin at 1000.
const MAX_SYSTEM_UID: u32 = 999;
/// Local accounts or services that can be listed.
const MAX_LISTED: usize = 64;
/// What means every service.
const ANY: &str = "*";

/// What the configuration says.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Settings {
    /// Socket of the agent.
    pub agent_socket: PathBuf,
    /// The user that the agent runs as, besides root.
    pub agent_user: String,
    /// Socket of the key process.
    pub key_socket: PathBuf,
    /// The user that listens on it: root (systemd), outside tests.
    pub key_user: String,
    /// Trust anchor.
    pub anchor: PathBuf,
    /// Marks.
    pub marks: PathBuf,
    /// Language until it is known who is there.
    pub language: Language,
    /// Whether a key may say who logs in, where the application names nobody.
    pub name_by_key: bool,
    /// Where a key is asked for its PIN although it knows a finger.
    pub no_finger_for: Services,
    /// Accounts that Wardkey leaves alone.
    pub local: LocalAccounts,
    /// How long to wait for a key, or for another login to let go of it.
    pub key_wait: Duration,
    /// How long the question may stay unanswered; none: as long as the application lets it.
    pub prompt_wait: Option<Duration>,
    /// How long to wait for PIN check and touch.
    pub touch_wait: Duration,
}

/// Accounts that Wardkey leaves alone.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LocalAccounts {
    /// By uid.
    pub uids: Vec<u32>,
    /// By name, spelt exactly so.
    pub names: Vec<String>,
    /// Every uid up to this one.
    pub system_uid_max: u32,
}

impl LocalAccounts {
    /// What holds without a configuration that can be read: root, and nobody else.
    pub const ROOT_ONLY: Self = Self { uids: Vec::new(), names: Vec::new(), system_uid_max: 0 };

    /// Whether an account, as NSS gives it, is left alone. Root always is.
    pub fn contains(&self, uid: u32, name: &str) -> bool {
        uid <= self.system_uid_max || self.lists(uid, name)
    }

    /// Whether the account is listed: neither root nor a system account by its uid alone.
    pub fn lists(&self, uid: u32, name: &str) -> bool {
        self.uids.contains(&uid) || self.names.iter().any(|local| local == name)
    }

    /// Makes no more accounts the system's than have an uid up to this one.
    pub fn bound(&mut self, system_uid_max: u32) {
        self.system_uid_max = self.system_uid_max.min(system_uid_max);
    }
}

/// Some PAM services.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Services {
    every: bool,
    named: Vec<ServiceName>,
}

impl Services {
    /// All of them.
    pub const EVERY: Self = Self { every: true, named: Vec::new() };

    /// These.
    pub const fn of(named: Vec<ServiceName>) -> Self {
        Self { every: false, named }
    }

    /// Whether a service is one of them.
    pub fn contains(&self, service: &ServiceName) -> bool {
        self.every || self.named.contains(service)
    }
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            agent_socket: "/run/wardkey/agent.sock".into(),
            agent_user: "wardkey".into(),
            key_socket: "/run/wardkey/key.sock".into(),
            key_user: "root".into(),
            anchor: "/etc/wardkey/anchor.toml".into(),
            marks: "/var/lib/wardkey-marks/marks".into(),
            language: Language::Ja,
            name_by_key: false,
            no_finger_for: Services::default(),
            local: LocalAccounts { system_uid_max: MAX_SYSTEM_UID, ..LocalAccounts::ROOT_ONLY },
            key_wait: Duration::from_secs(60),
            prompt_wait: None,
            touch_wait: Duration::from_secs(30),
        }
    }
}

impl Settings {
    /// The keys of the file.
    pub const KEYS: [&str; 14] = [
        "agent_socket",
        "agent_user",
        "key_socket",
        "key_user",
        "anchor",
        "marks",
        "language",
        "name_from",
        "no_finger_for",
        "local_accounts",
        "system_uid_max",
        "key_wait_seconds",
        "prompt_seconds",
        "touch_seconds",
    ];

    /// Reads the file, and from `/etc/login.defs` where this machine's people begin.
    ///
    /// # Errors
    /// [`TableError`] when it is missing, unsafe or wrong.
    pub fn read(path: &Path, owner: Owner) -> Result<Self, TableError> {
        let mut settings = Self::from_source(&Source::read(path, owner)?)?;
        settings.local.bound(login_defs::system_uid_max(Path::new(login_defs::PATH), owner)?);
        Ok(settings)
    }

    fn from_source(source: &Source) -> Result<Self, TableError> {
        let mut settings = Self::default();
        source.each(&Self::KEYS, |key, value| settings.take(key, &value))?;
        Ok(settings)
    }

    pub(crate) fn take(&mut self, key: &str, value: &Value<'_>) -> Result<(), TableError> {
        let seconds = |bounds| value.number(bounds, Text::UnitSeconds).map(Duration::from_secs);
        let listing = |text: Text| text.with([("count", MAX_LISTED.to_string().into())]);
        match key {
            "agent_socket" => self.agent_socket = value.path()?,
            "agent_user" => self.agent_user = value.user()?,
            "key_socket" => self.key_socket = value.path()?,
            "key_user" => self.key_user = value.user()?,
            "anchor" => self.anchor = value.path()?,
            "marks" => self.marks = value.path()?,
            "language" => {
                self.language = match value.text(Text::Language)? {
                    "ja" => Language::Ja,
                    "en" => Language::En,
                    _ => return Err(value.wrong(Text::Language)),
                }
            }
            "name_from" => {
                self.name_by_key = match value.text(Text::NameFrom)? {
                    "typed" => false,
                    "key" => true,
                    _ => return Err(value.wrong(Text::NameFrom)),
                }
            }
            "no_finger_for" => {
                let listed = &mut self.no_finger_for;
                value.list(&listing(Text::ServiceList), MAX_LISTED, &mut |text, _| match text {
                    Some(ANY) => {
                        listed.every = true;
                        true
                    }
                    // libpam makes all names small: another one would name no service.
                    Some(name) if !name.bytes().any(|byte| byte.is_ascii_uppercase()) => {
                        ServiceName::new(name).map(|name| listed.named.push(name)).is_ok()
                    }
                    _ => false,
                })?;
            }
            "local_accounts" => {
                let local = &mut self.local;
                value.list(&listing(Text::LocalList), MAX_LISTED, &mut |text, number| match (
                    text, number,
                ) {
                    (Some(name), _) if crate::table::is_user(name) => {
                        local.names.push(name.to_owned());
                        true
                    }
                    (None, Some(uid)) => match u32::try_from(uid) {
                        Ok(uid) if uid != u32::MAX => {
                            local.uids.push(uid);
                            true
                        }
                        _ => false,
                    },
                    _ => false,
                })?;
            }
            "system_uid_max" => {
                let number = value.number(0..=u64::from(MAX_SYSTEM_UID), "")?;
                self.local.system_uid_max = u32::try_from(number).unwrap_or_default();
            }
            "key_wait_seconds" => self.key_wait = seconds(WAIT_SECONDS)?,
            "prompt_seconds" => {
                self.prompt_wait = Some(seconds(0..=DAY)?).filter(|wait| !wait.is_zero())
            }
            // The challenge is good for 60 seconds.
            _ => self.touch_wait = seconds(5..=55)?,
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(text: &str) -> Result<Settings, String> {
        let source = Source::from_bytes("/etc/wardkey/pam.toml", text.into())
            .map_err(|error| error.to_string())?;
        Settings::from_source(&source).map_err(|error| error.to_string())
    }

    #[test]
    fn the_installed_file_says_the_defaults() {
        let text = include_str!("../../../config/pam.toml");
        assert_eq!(parse(text).unwrap(), Settings::default());
        // Uncommented, every line is still valid, says its default, and no key is forgotten.
        let active: String = text
            .lines()
            .filter_map(|line| {
                line.strip_prefix('#')
                    .filter(|rest| rest.starts_with(|c: char| c.is_ascii_lowercase()))
            })
            .map(|line| format!("{line}\n"))
            .collect();
        let settings = parse(&active).unwrap();
        assert_eq!(settings, Settings::default());
        for key in Settings::KEYS {
            assert!(active.contains(&format!("{key} = ")), "{key}");
        }
    }

    #[test]
    fn values_are_read() {
        let settings = parse(
            "language = \"en\"\nlocal_accounts = [\"admin\", 1000]\nsystem_uid_max = 499\n\
                key_wait_seconds = 90\n\
             prompt_seconds = 120\ntouch_seconds = 0x10\nagent_user = \"_wardkey\"\n\
             anchor = '/srv/anchor.toml'\n",
        )
        .unwrap();
        assert_eq!(settings.language, Language::En);
        let local = &settings.local;
        for (uid, name, is_local) in [
            (0, "root", true),
            (499, "lp", true),
            (500, "hanako", false),
            (1000, "x", true),
            (5000, "admin", true),
            (5000, "Admin", false),
            (1001, "hanako", false),
        ] {
            assert_eq!(local.contains(uid, name), is_local, "{uid} {name}");
        }
        assert_eq!(settings.touch_wait, Duration::from_secs(16));
        assert_eq!(settings.prompt_wait, Some(Duration::from_secs(120)));
        assert_eq!(settings.anchor, PathBuf::from("/srv/anchor.toml"));
        let mut bound = local.clone();
        bound.bound(299);
        assert!(
            !bound.contains(300, "lp") && bound.contains(299, "lp") && bound.contains(1000, "x")
        );
        bound.bound(999);
        assert_eq!(bound.system_uid_max, 299, "a bound never widens");
        assert!(local.lists(5000, "admin") && local.lists(1000, "x") && !local.lists(0, "root"));
        assert!(LocalAccounts::ROOT_ONLY.contains(0, "root"));
        assert!(!LocalAccounts::ROOT_ONLY.contains(1, "daemon"));
    }

    #[test]
    fn fingers_are_taken_except_for_the_services_that_are_listed() {
        let service = |name: &str| ServiceName::new(name).unwrap();
        type Case = (&'static str, &'static [&'static str], &'static [&'static str]);
        const CASES: &[Case] = &[
            ("", &[], &["login", "sudo"]),
            ("no_finger_for = []", &[], &["login", "sudo"]),
            ("no_finger_for = [\"sudo\", 'sudo-i']", &["sudo", "sudo-i"], &["login", "su"]),
            ("no_finger_for = [\"*\"]", &["login", "sudo"], &[]),
            ("no_finger_for = [\"sudo\", \"*\"]", &["login", "sudo"], &[]),
        ];
        for (list, listed, others) in CASES {
            let settings = parse(list).unwrap();
            let takes_none = |name: &&str| settings.no_finger_for.contains(&service(name));
            assert!(listed.iter().all(takes_none), "{list}");
            assert!(!others.iter().any(takes_none), "{list}");
        }
    }

    #[test]
    fn complaints_name_file_line_key_and_fix() {
        // (text, line, what the complaint contains)
        for (text, line, needle) in [
            ("\n\nnouserok = true\n", 3, "unknown key \"nouserok\"; known are agent_socket"),
            ("language = \"fr\"", 1, "key \"language\" takes \"ja\" or \"en\""),
            (
                "\nkey_wait_seconds = 0",
                2,
                "key \"key_wait_seconds\" takes a number from 1 to 600 seconds",
            ),
            ("touch_seconds = \"30\"", 1, "key \"touch_seconds\" takes"),
            ("touch_seconds = 60", 1, "5 to 55"),
            ("system_uid_max = 1000", 1, "from 0 to 999"),
            ("system_uid_max = -1", 1, "from 0 to 999"),
            ("agent_socket = \"agent.sock\"", 1, "beginning with /"),
            ("agent_socket = 5", 1, "beginning with /"),
            ("local_accounts = \"admin\"", 1, "a list of"),
            ("local_accounts = [\n\"admin\",\ntrue]", 3, "a list of"),
            ("local_accounts = [-1]", 1, "a list of"),
            ("local_accounts = [4294967295]", 1, "a list of"),
            ("local_accounts = [\"\"]", 1, "a list of"),
            ("no_finger_for = \"sudo\"", 1, "a list of at most 64 PAM services"),
            ("no_finger_for = [\"sudo\",\n\"su*\"]", 2, "a list of at most 64 PAM services"),
            ("no_finger_for = [\"Sudo\"]", 1, "in small letters"),
            ("no_finger_for = [1000]", 1, "a list of at most 64 PAM services"),
            ("agent_user = \"a:b\"", 1, "login name"),
            ("language = \"ja\"\nlanguage = \"en\"", 2, "duplicate"),
            ("language", 1, ""),
            ("\n[agent]\nsocket = 1", 2, "there are no [tables] here"),
            ("language = [true", 1, ""),
            ("touch_seconds = 1.5", 1, "key \"touch_seconds\" takes"),
        ] {
            let complaint = parse(text).unwrap_err();
            assert!(
                complaint.starts_with(&format!("/etc/wardkey/pam.toml:{line}: ")),
                "{text:?}: {complaint}"
            );
            assert!(complaint.contains(needle), "{text:?}: {complaint}");
        }
        let complaint = Source::from_bytes("f", b"a = 1\n\xff".to_vec()).err().unwrap().to_string();
        assert!(complaint.starts_with("f:2: "), "{complaint}");
    }
}
