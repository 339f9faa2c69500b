//! All that is wrong with a file, where its users stop at the first: for `wardkey config check`.
//! The rules are those of [`crate::files`], [`crate::table`] and the files' own modules.

use std::collections::BTreeSet;
use std::fs::File;
use std::io::Read;
use std::os::unix::fs::{MetadataExt, OpenOptionsExt};
use std::path::Path;

use nix::fcntl::OFlag;
use wardkey_core::name::printable;
use wardkey_core::phrase::Phrase;
use wardkey_core::snapshot::Anchor;

use crate::agent::Config;
use crate::files::{FileError, Owner};
use crate::pam::Settings;
use crate::table::{MAX_BYTES, Source, TableError, Value};
use crate::texts::Text;
use crate::{anchor, login_defs, toml_lines};

/// Broken lines that are skipped in search of the next one.
const MAX_BROKEN: usize = 32;
/// Where the package has an example of `pam.toml`.
const PAM_EXAMPLE: &str = "/usr/share/doc/libpam-fido/examples/pam.toml";
/// The files as they are installed: every key with its default.
const PAM_TEMPLATE: &str = include_str!("../../../config/pam.toml");
const AGENT_TEMPLATE: &str = include_str!("../../../config/agent.toml");

/// One thing that is wrong.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Problem {
    /// The file or folder.
    pub file: String,
    /// The line, from 1, when it is about one.
    pub line: Option<usize>,
    /// The key, when it is about one.
    pub key: Option<String>,
    /// What is wrong.
    pub what: Phrase,
    /// What to do.
    pub fix: Phrase,
}

impl Problem {
    /// `FILE:LINE: WHAT; fix: FIX`.
    pub fn phrase(&self) -> Phrase {
        let place = match self.line {
            Some(line) => format!("{}:{line}", self.file),
            None => self.file.clone(),
        };
        let args =
            [("place", place.into()), ("what", self.what.clone()), ("fix", self.fix.clone())];
        Text::Problem.with(args)
    }
}

impl std::fmt::Display for Problem {
    /// In English: for records.
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&self.phrase().to_string())
    }
}

/// Checks `pam.toml`: what it says (the defaults for what is wrong), and all that is wrong.
pub fn pam(path: &Path, owner: Owner) -> (Settings, Vec<Problem>) {
    let mut settings = Settings::default();
    let fix = Text::PutPackageFile.with([("path", PAM_EXAMPLE.into())]);
    let mut problems = check(path, owner, &Settings::KEYS, PAM_TEMPLATE, &fix, |key, value| {
        settings.take(key, value)
    });
    match login_defs::system_uid_max(Path::new(login_defs::PATH), owner) {
        Ok(system_uid_max) => settings.local.bound(system_uid_max),
        Err(error) => {
            let fix = Text::WriteDefault.with([("line", "UID_MIN 1000".into())]);
            problems.push(of_table(&error, Some("UID_MIN"), fix));
        }
    }
    (settings, problems)
}

/// Checks `agent.toml`; a missing one is right, it means the defaults.
pub fn agent(path: &Path, owner: Owner) -> (Config, Vec<Problem>) {
    let mut config = Config::default();
    if matches!(path.symlink_metadata(), Err(error) if error.kind() == std::io::ErrorKind::NotFound)
    {
        return (config, Vec::new());
    }
    let problems = check(path, owner, &Config::KEYS, AGENT_TEMPLATE, &look(), |key, value| {
        config.take(key, value)
    });
    (config, problems)
}

/// Checks `anchor.toml`; `None` when it is missing or wrong.
pub fn anchor(path: &Path, owner: Owner) -> (Option<Anchor>, Vec<Problem>) {
    let mut problems = place(path, owner);
    match anchor::read(path, owner) {
        Ok(anchor) => return (Some(anchor), problems),
        Err(TableError::File(FileError::Owner { .. } | FileError::Mode { .. }))
            if !problems.is_empty() => {}
        Err(error) => {
            let fix = Text::Run.with([("command", "wardkey join".into())]);
            problems.push(of_table(&error, None, fix));
        }
    }
    (None, problems)
}

/// Whose a file and its folder are, and who can write them: what [`crate::files`] refuses.
pub fn place(path: &Path, owner: Owner) -> Vec<Problem> {
    let mut problems = Vec::new();
    for path in path.parent().into_iter().chain([path]) {
        let Ok(metadata) = path.symlink_metadata() else { continue };
        if metadata.is_symlink() {
            continue;
        }
        let mut refuse = |error: &FileError| problems.push(of_file(error, None, look()));
        if !owner.may_own(metadata.uid()) {
            refuse(&FileError::Owner { path: path.into(), uid: metadata.uid() });
        }
        if metadata.mode() & 0o022 != 0 {
            refuse(&FileError::Mode { path: path.into(), mode: metadata.mode() & 0o7777 });
        }
    }
    problems
}

/// Reads a file whoever may write it: to say all that is wrong in it, never to believe it.
fn read_of_anybody(path: &Path) -> Option<Vec<u8>> {
    // Nothing is waited for, should there be no file but a pipe.
    let flags = OFlag::O_NONBLOCK | OFlag::O_NOCTTY;
    let file = File::options().read(true).custom_flags(flags.bits()).open(path).ok()?;
    if !file.metadata().ok()?.is_file() {
        return None;
    }
    let mut bytes = Vec::new();
    file.take(MAX_BYTES as u64 + 1).read_to_end(&mut bytes).ok()?;
    (bytes.len() <= MAX_BYTES).then_some(bytes)
}

fn check(
    path: &Path,
    owner: Owner,
    known: &[&str],
    template: &str,
    missing: &Phrase,
    mut take: impl FnMut(&str, &Value<'_>) -> Result<(), TableError>,
) -> Vec<Problem> {
    let mut problems = place(path, owner);
    let source = match Source::read(path, owner) {
        Ok(source) => source,
        // Said already, and of every one of them.
        Err(TableError::File(FileError::Owner { .. } | FileError::Mode { .. }))
            if !problems.is_empty() =>
        {
            let Some(source) = read_of_anybody(path) else { return problems };
            match Source::from_bytes(&path.display().to_string(), source) {
                Ok(source) => source,
                Err(error) => {
                    problems.push(of_table(&error, None, Text::SaveUtf8.into()));
                    return problems;
                }
            }
        }
        Err(error) => {
            problems.push(of_table(&error, None, missing.clone()));
            return problems;
        }
    };
    let (entries, mut faults) = all_entries(&source);
    problems.append(&mut faults);
    for entry in &entries {
        if !known.contains(&entry.key.as_str()) {
            let name = printable(&entry.key, 64);
            let error = source.complain(entry.line, Text::UnknownKey.with([("key", name.into())]));
            let fix = Text::CorrectKey.with([("keys", known.join(", ").into())]);
            problems.push(of_table(&error, Some(&entry.key), fix));
            continue;
        }
        if let Err(error) = take(&entry.key, &Value { source: &source, entry }) {
            let fix = match default_of(template, &entry.key) {
                Some(default) => {
                    let line = format!("{} = {default}", entry.key);
                    Text::WriteDefault.with([("line", line.into())])
                }
                None => Text::RemoveLine.into(),
            };
            problems.push(of_table(&error, Some(&entry.key), fix));
        }
    }
    problems.sort_by_key(|problem| problem.line);
    problems
}

/// Every entry that can be read, and every line that cannot.
fn all_entries(source: &Source) -> (Vec<toml_lines::Entry>, Vec<Problem>) {
    let (mut broken, mut problems) = (BTreeSet::new(), Vec::new());
    loop {
        // A broken line counts as an empty one, so that the others keep their numbers.
        let text: String = source
            .text
            .split_inclusive('\n')
            .enumerate()
            .map(|(at, line)| if broken.contains(&(at + 1)) { "\n" } else { line })
            .collect();
        match toml_lines::read(&text) {
            Ok(entries) => return (entries, problems),
            Err(fault) => {
                let first = broken.insert(fault.line);
                if first {
                    let error = source.complain(fault.line, fault.what.into());
                    problems.push(of_table(&error, None, Text::CorrectLine.into()));
                }
                if !first || broken.len() > MAX_BROKEN {
                    return (Vec::new(), problems);
                }
            }
        }
    }
}

fn of_table(error: &TableError, key: Option<&str>, fix: Phrase) -> Problem {
    match error {
        TableError::Content { file, line, what } => Problem {
            file: file.clone(),
            line: Some(*line),
            key: key.map(|key| printable(key, 64)),
            what: what.clone(),
            fix,
        },
        TableError::File(error) => of_file(error, key, fix),
    }
}

/// `fix` is for an error that says nothing to do itself.
fn of_file(error: &FileError, key: Option<&str>, fix: Phrase) -> Problem {
    Problem {
        file: error.path().display().to_string(),
        line: None,
        key: key.map(|key| printable(key, 64)),
        what: error.what(),
        fix: error.fix().unwrap_or(fix),
    }
}

fn look() -> Phrase {
    Text::LookAtDisk.into()
}

/// The default of a key, from the commented line of the installed file.
fn default_of<'t>(template: &'t str, key: &str) -> Option<&'t str> {
    template.lines().find_map(|line| line.strip_prefix('#')?.strip_prefix(key)?.strip_prefix(" = "))
}

#[cfg(test)]
mod tests {
    use std::fs::Permissions;
    use std::os::unix::fs::PermissionsExt;

    use wardkey_core::name::Language;

    use super::*;

    #[test]
    fn a_file_that_others_may_write_is_read_no_further_than_its_bound() {
        let folder = tempfile::tempdir().unwrap();
        std::fs::set_permissions(folder.path(), Permissions::from_mode(0o777)).unwrap();
        let path = folder.path().join("pam.toml");
        let long = File::create(&path).unwrap();
        // More than there is memory for.
        long.set_len(1 << 40).unwrap();
        assert_eq!(read_of_anybody(&path), None);
        long.set_len(MAX_BYTES as u64).unwrap();
        assert_eq!(read_of_anybody(&path).unwrap().len(), MAX_BYTES);

        // A pipe that nobody writes holds nobody.
        std::fs::remove_file(&path).unwrap();
        nix::unistd::mkfifo(&path, nix::sys::stat::Mode::from_bits_truncate(0o666)).unwrap();
        assert!(!pam(&path, Owner::current()).1.is_empty());
    }

    #[test]
    fn every_problem_is_told_with_its_line_key_and_fix() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("pam.toml");
        let text = "language = \"fr\"\nnouserok = 1\nlocal_accounts = [\"admin\"]\n[section]\n\
            touch_seconds = 99\n";
        std::fs::write(&path, text).unwrap();
        std::fs::set_permissions(&path, Permissions::from_mode(0o666)).unwrap();
        std::fs::set_permissions(folder.path(), Permissions::from_mode(0o775)).unwrap();
        let (settings, problems) = pam(&path, Owner::current());
        assert_eq!(settings.local.names, ["admin"]);
        let told: Vec<_> = problems.iter().map(|p| (p.line, p.key.as_deref())).collect();
        assert_eq!(
            told,
            [
                (None, None),
                (None, None),
                (Some(1), Some("language")),
                (Some(2), Some("nouserok")),
                (Some(4), None),
                (Some(5), Some("touch_seconds"))
            ]
        );
        let text = |at: usize| problems[at].to_string();
        assert!(text(0).contains("0775") && text(0).contains("chmod go-w"));
        assert!(text(1).contains("pam.toml: mode 0666"), "{}", text(1));
        assert!(text(2).ends_with("fix: write, as by default: language = \"ja\""), "{}", text(2));
        assert!(text(3).contains("unknown key \"nouserok\"; fix: remove the line"), "{}", text(3));
        assert!(text(4).contains("pam.toml:4: a line is empty"), "{}", text(4));
        assert!(text(5).contains("from 5 to 55 seconds"), "{}", text(5));
        // What the check passes is what the module accepts.
        std::fs::set_permissions(folder.path(), Permissions::from_mode(0o755)).unwrap();
        std::fs::set_permissions(&path, Permissions::from_mode(0o644)).unwrap();
        std::fs::write(&path, "local_accounts = [\"admin\"]\n").unwrap();
        let (settings, problems) = pam(&path, Owner::current());
        assert_eq!(
            (problems, &settings),
            (vec![], &Settings::read(&path, Owner::current()).unwrap())
        );
    }

    #[test]
    fn a_problem_is_said_in_japanese_too() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("pam.toml");
        std::fs::write(&path, "language = \"fr\"\nkey_wait_seconds = 0\n[section]\n").unwrap();
        let (_, problems) = pam(&path, Owner::current());
        let said: Vec<_> =
            problems.iter().map(|problem| problem.phrase().say(Language::Ja)).collect();
        let place = path.display();
        assert_eq!(
            said,
            [
                format!(
                    "{place}:1: キー「language」の値は \"ja\" か \"en\" です（対処: 既定値の \
                     language = \"ja\" にする）"
                ),
                format!(
                    "{place}:2: キー「key_wait_seconds」の値は 1～600 の整数（秒）です\
                     （対処: 既定値の key_wait_seconds = 60 にする）"
                ),
                format!(
                    "{place}:3: 空行、コメント、「キー = 値」以外の行です。[テーブル] は使えません\
                     （対処: この行を直すか、削除する）"
                ),
            ]
        );
    }

    #[test]
    fn a_missing_file_is_a_problem_where_its_reader_says_so() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("x.toml");
        assert_eq!(agent(&path, Owner::current()).1, []);
        let (_, problems) = pam(&path, Owner::current());
        assert!(
            problems[0]
                .to_string()
                .contains("there is no such file; fix: put the file of the package")
        );
        let (found, problems) = anchor(&path, Owner::current());
        assert!(
            found.is_none() && problems[0].fix.to_string() == "run: wardkey join",
            "{problems:?}"
        );
        std::fs::write(&path, "root_key = \"00\"\n").unwrap();
        assert_eq!(anchor(&path, Owner::current()).1[0].line, Some(1));
        std::fs::write(&path, "a = [1\n\n").unwrap();
        let (_, problems) = agent(&path, Owner::current());
        assert_eq!(problems.len(), 1, "an unfinished list is one problem: {problems:?}");
        std::os::unix::fs::symlink(&path, folder.path().join("link")).unwrap();
        let (_, problems) = agent(&folder.path().join("link"), Owner::current());
        assert!(
            problems[0].fix.to_string().contains("put the regular file itself there"),
            "{problems:?}"
        );
    }

    #[test]
    fn every_key_has_a_default_to_propose() {
        for (template, keys) in
            [(PAM_TEMPLATE, &Settings::KEYS[..]), (AGENT_TEMPLATE, &Config::KEYS[..])]
        {
            for key in keys {
                assert!(default_of(template, key).is_some(), "{key}");
            }
        }
    }
}
