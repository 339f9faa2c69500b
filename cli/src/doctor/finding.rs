//! A finding, and the list of those that an administrator has accepted.

use std::collections::{BTreeMap, BTreeSet};
use std::time::SystemTime;

use serde_json::{Value, json};
use wardkey_core::code::Code;
use wardkey_core::name::{Language, printable};
use wardkey_core::texts;

use crate::{CliError, files, words};

/// Longest accepted.toml in bytes.
const MAX_BYTES: usize = 256 * 1024;
/// Longest reason in characters.
pub(crate) const MAX_REASON: usize = 200;

/// How much it matters.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Level {
    /// A person gets in without a key.
    Open,
    /// Something else is not as it should be.
    Warning,
    /// Worth knowing.
    Note,
}

impl Level {
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Open => "open",
            Self::Warning => "warning",
            Self::Note => "note",
        }
    }
}

/// Something that was found.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Finding {
    pub(crate) code: Code,
    pub(crate) level: Level,
    /// What it is about: a service, a file, an account; by this it is accepted.
    pub(crate) subject: String,
    /// Name of the sentence's argument, which is the subject.
    pub(crate) argument: &'static str,
    /// Where: lines and answers.
    pub(crate) details: Vec<String>,
    /// A command, or what to write.
    pub(crate) fix: Option<String>,
    /// What an acceptance is for: more than this is a new finding.
    pub(crate) ways: BTreeSet<String>,
    /// The reason with which it was accepted.
    pub(crate) accepted: Option<String>,
}

impl Finding {
    pub(crate) fn new(code: Code, level: Level, argument: &'static str, subject: impl Into<String>) -> Self {
        Self {
            code,
            level,
            subject: subject.into(),
            argument,
            details: Vec::new(),
            fix: None,
            ways: BTreeSet::new(),
            accepted: None,
        }
    }

    pub(crate) fn detail(mut self, text: impl Into<String>) -> Self {
        self.details.push(text.into());
        self
    }

    pub(crate) fn fix(mut self, text: impl Into<String>) -> Self {
        self.fix = Some(text.into());
        self
    }

    pub(crate) fn way(mut self, way: impl Into<String>) -> Self {
        self.ways.insert(way.into());
        self
    }

    /// What an acceptance has to name to cover it: its ways, and as what they were accepted. A way that was
    /// accepted for a module that cannot be loaded is not accepted for one that is gone.
    pub(crate) fn accepted_as(&self) -> BTreeSet<String> {
        if self.ways.is_empty() {
            return BTreeSet::from([self.code.to_string()]);
        }
        self.ways.iter().map(|way| format!("{} {way}", self.code)).collect()
    }

    /// Whether it lets a person in without a key, and nobody has accepted that.
    pub(crate) fn is_open(&self) -> bool {
        self.level == Level::Open && self.accepted.is_none()
    }

    /// Whether somebody should do something.
    pub(crate) fn matters(&self) -> bool {
        self.level < Level::Note && self.accepted.is_none()
    }

    fn sentence(&self, language: Language) -> String {
        texts::message(self.code, language, &[(self.argument, &self.subject)])
    }

    /// The sentence with its code, where it is, what to do, and why it was accepted.
    pub(crate) fn in_words(&self, language: Language) -> String {
        let words::Words { accepted, fix, .. } = words::of(language);
        let mut text = format!("{} ({})", self.sentence(language), self.code);
        for detail in &self.details {
            text += &format!("\n  {}", printable(detail, 1000));
        }
        if let Some(command) = &self.fix {
            text += &format!("\n  {fix}: {}", printable(command, 400));
        }
        if let Some(reason) = &self.accepted {
            text += &format!("\n  {accepted}: {}", printable(reason, MAX_REASON));
        }
        text
    }

    pub(crate) fn to_json(&self, language: Language) -> Value {
        json!({
            "code": self.code.to_string(),
            "level": self.level.name(),
            "subject": self.subject,
            "message": self.sentence(language),
            "details": self.details,
            "fix": self.fix,
            "accepted": self.accepted,
        })
    }
}

/// An acceptance.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Acceptance {
    pub(crate) reason: String,
    pub(crate) by: String,
    pub(crate) time: u64,
    pub(crate) ways: BTreeSet<String>,
}

/// What was accepted, by subject.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Accepted(BTreeMap<String, Acceptance>);

impl Accepted {
    /// Reads `accepted.toml`; it must be root's, as everything of `/etc/wardkey`.
    ///
    /// # Errors
    /// [`Code::Configuration`]: then nothing is accepted.
    pub(crate) fn read(path: &std::path::Path, owner: wardkey_settings::files::Owner) -> Result<Self, CliError> {
        let bytes = match wardkey_settings::files::read(path, owner, MAX_BYTES) {
            Ok(bytes) => bytes,
            Err(wardkey_settings::files::FileError::Missing { .. }) => return Ok(Self::default()),
            Err(error) => return Err(files::failed(path, &error)),
        };
        let text = std::str::from_utf8(&bytes).map_err(|error| files::failed(path, &error))?;
        let table: toml::Table = text.parse().map_err(|error| files::failed(path, &error))?;
        let mut accepted = BTreeMap::new();
        for (subject, entry) in table {
            accepted.insert(
                subject.clone(),
                acceptance(&entry)
                    .ok_or_else(|| files::failed(path, &format_args!("[{subject}] wants reason, by, time and ways")))?,
            );
        }
        Ok(Self(accepted))
    }

    /// Adds one, in place of an older one.
    pub(crate) fn add(&mut self, subject: &str, acceptance: Acceptance) {
        self.0.insert(subject.into(), acceptance);
    }

    /// Marks what it covers.
    pub(crate) fn mark(&self, findings: &mut [Finding]) {
        for finding in findings {
            let acceptance = self.0.get(&finding.subject);
            finding.accepted = acceptance
                .filter(|acceptance| finding.accepted_as().is_subset(&acceptance.ways))
                .map(|acceptance| acceptance.reason.clone());
        }
    }

    pub(crate) fn to_text(&self) -> String {
        let mut table = toml::Table::new();
        for (subject, acceptance) in &self.0 {
            let mut entry = toml::Table::new();
            entry.insert("reason".into(), acceptance.reason.clone().into());
            entry.insert("by".into(), acceptance.by.clone().into());
            entry.insert("time".into(), i64::try_from(acceptance.time).unwrap_or_default().into());
            let ways: Vec<toml::Value> = acceptance.ways.iter().cloned().map(Into::into).collect();
            entry.insert("ways".into(), ways.into());
            table.insert(subject.clone(), entry.into());
        }
        format!(
            "# Ways in without a key that were accepted: wardkey doctor --accept. Remove a part to take it back.\n{table}"
        )
    }
}

fn acceptance(entry: &toml::Value) -> Option<Acceptance> {
    let text = |key: &str| entry.get(key).and_then(toml::Value::as_str).map(str::to_owned);
    let ways = entry.get("ways")?.as_array()?;
    let time = entry.get("time")?.as_integer()?;
    Some(Acceptance {
        reason: text("reason").filter(|reason| !reason.trim().is_empty())?,
        by: text("by")?,
        time: u64::try_from(time).ok()?,
        ways: ways.iter().map(|way| way.as_str().map(str::to_owned)).collect::<Option<_>>()?,
    })
}

/// Seconds since 1970.
pub(crate) fn now() -> u64 {
    SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default().as_secs()
}

#[cfg(test)]
mod tests {
    use super::*;
    use wardkey_settings::files::Owner;

    fn open(ways: &[&str]) -> Finding {
        let finding = Finding::new(Code::ServiceOpen, Level::Open, "service", "kde-fingerprint");
        ways.iter().fold(finding, |finding, way| finding.way(*way))
    }

    #[test]
    fn an_acceptance_is_for_the_ways_that_were_there_and_no_more() {
        let mut accepted = Accepted::default();
        let acceptance = Acceptance {
            reason: "no reader \"here\"".into(),
            by: "root".into(),
            time: 5,
            ways: open(&["auth pam_fprintd.so"]).accepted_as(),
        };
        accepted.add("kde-fingerprint", acceptance);
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("accepted.toml");
        assert_eq!(Accepted::read(&path, Owner::current()).unwrap(), Accepted::default());
        files::replace(&path, accepted.to_text().as_bytes()).unwrap();
        let read = Accepted::read(&path, Owner::current()).unwrap();
        assert_eq!(read, accepted);
        let mut findings = [open(&["auth pam_fprintd.so"]), open(&["auth pam_fprintd.so", "auth pam_permit.so"])];
        read.mark(&mut findings);
        assert_eq!(findings.iter().map(Finding::is_open).collect::<Vec<_>>(), [false, true]);
        // Nor does it cover the same way that has become worse, or what names no way at all.
        let mut worse = open(&["auth pam_fprintd.so"]);
        worse.code = Code::OpenWithoutModule;
        let mut others = [worse, open(&[])];
        read.mark(&mut others);
        assert!(others.iter().all(|finding| finding.accepted.is_none()));
        for wrong in ["[x]\nreason = \"\"\nby = \"\"\ntime = 1\nways = []\n", "x = 1", "[x", "[x]\nreason = \"a\"\n"] {
            files::replace(&path, wrong.as_bytes()).unwrap();
            assert!(Accepted::read(&path, Owner::current()).is_err(), "{wrong}");
        }
        use std::os::unix::fs::PermissionsExt;
        files::replace(&path, accepted.to_text().as_bytes()).unwrap();
        std::fs::set_permissions(&path, PermissionsExt::from_mode(0o666)).unwrap();
        assert!(Accepted::read(&path, Owner::current()).is_err(), "others can write it");
    }
}
