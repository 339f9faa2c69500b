//! The list of findings that an administrator has accepted.

use std::collections::{BTreeMap, BTreeSet};
use std::time::SystemTime;

use crate::error::CliError;
use crate::files;
use crate::finding::Finding;
use crate::texts::Text;

/// Longest accepted.toml in bytes.
const MAX_BYTES: usize = 256 * 1024;

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
    pub(crate) fn read(
        path: &std::path::Path,
        owner: wardkey_settings::files::Owner,
    ) -> Result<Self, CliError> {
        let bytes = match wardkey_settings::files::read(path, owner, MAX_BYTES) {
            Ok(bytes) => bytes,
            Err(wardkey_settings::files::FileError::Missing { .. }) => return Ok(Self::default()),
            Err(error) => return Err(files::broken(path, error)),
        };
        let text = std::str::from_utf8(&bytes).map_err(|error| files::broken(path, error))?;
        let table: toml::Table =
            text.parse().map_err(|error: toml::de::Error| files::broken(path, error))?;
        let mut accepted = BTreeMap::new();
        for (subject, entry) in table {
            accepted.insert(
                subject.clone(),
                acceptance(&entry).ok_or_else(|| {
                    let subject = subject.as_str().into();
                    files::failed(path, Text::AcceptedIncomplete.with([("subject", subject)]))
                })?,
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
            "# Ways in without a key that were accepted: wardkey doctor --accept. \
             Remove a part to take it back.\n{table}"
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
    use crate::finding::Level;
    use wardkey_core::code::Code;
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
        let mut findings =
            [open(&["auth pam_fprintd.so"]), open(&["auth pam_fprintd.so", "auth pam_permit.so"])];
        read.mark(&mut findings);
        assert_eq!(findings.iter().map(Finding::is_open).collect::<Vec<_>>(), [false, true]);
        // Nor does it cover the same way that has become worse, or what names no way at all.
        let mut worse = open(&["auth pam_fprintd.so"]);
        worse.code = Code::OpenWithoutModule;
        let mut others = [worse, open(&[])];
        read.mark(&mut others);
        assert!(others.iter().all(|finding| finding.accepted.is_none()));
        for wrong in [
            "[x]\nreason = \"\"\nby = \"\"\ntime = 1\nways = []\n",
            "x = 1",
            "[x",
            "[x]\nreason = \"a\"\n",
        ] {
            files::replace(&path, wrong.as_bytes()).unwrap();
            assert!(Accepted::read(&path, Owner::current()).is_err(), "{wrong}");
        }
        use std::os::unix::fs::PermissionsExt;
        files::replace(&path, accepted.to_text().as_bytes()).unwrap();
        std::fs::set_permissions(&path, PermissionsExt::from_mode(0o666)).unwrap();
        assert!(Accepted::read(&path, Owner::current()).is_err(), "others can write it");
    }
}
