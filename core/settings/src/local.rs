//! `/etc/wardkey/local-accounts`: the accounts that Wardkey leaves alone, one name a line, as they
//! were when `pam.toml` was right for the last time. It is written by `wardkey config` and `wardkey
//! enable`, never by hand, and read
//!
//! - by the PAM module, when `pam.toml` cannot be used: a typo costs staff their login, never the
//!   administrator;
//! - by pam_listfile, when the module itself cannot be loaded (the profile of pam-auth-update).

use std::path::{Path, PathBuf};

use nix::unistd::User;

use crate::files::{self, FileError, Owner};
use crate::pam::LocalAccounts;

/// Where the file is; the profile of pam-auth-update names it, too.
pub const DEFAULT_PATH: &str = "/etc/wardkey/local-accounts";
/// Its name beside `pam.toml`, wherever that is.
const NAME: &str = "local-accounts";
/// Longest file in bytes.
const MAX_BYTES: usize = 64 * 1024;
/// Of `#` no account's name begins; pam_listfile compares whole lines.
const HEAD: &str = "# Made from pam.toml; do not edit. To change it: wardkey config edit\n";
const PASSWD: &str = "/etc/passwd";
/// Longest `/etc/passwd` in bytes.
const MAX_PASSWD: usize = 4 * 1024 * 1024;

/// The names of the last configuration that was right.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct LastGood(Vec<String>);

impl LastGood {
    /// The file that belongs to this `pam.toml`.
    pub fn path_for(configuration: &Path) -> PathBuf {
        configuration.with_file_name(NAME)
    }

    /// Reads the file.
    ///
    /// # Errors
    /// [`FileError`] when it is missing or not to be believed: then only root is left alone.
    pub fn read(path: &Path, owner: Owner) -> Result<Self, FileError> {
        let bytes = files::read(path, owner, MAX_BYTES)?;
        let lines =
            bytes.split(|byte| *byte == b'\n').filter_map(|line| std::str::from_utf8(line).ok());
        Ok(Self(
            lines
                .filter(|line| crate::table::is_user(line) && !line.starts_with('#'))
                .map(String::from)
                .collect(),
        ))
    }

    /// What belongs to a configuration: root, the system accounts of this machine, the listed
    /// names, and the names of the listed uids.
    ///
    /// # Errors
    /// [`FileError`] when `/etc/passwd` cannot be read.
    pub fn of(local: &LocalAccounts) -> Result<Self, FileError> {
        let passwd = files::read(Path::new(PASSWD), Owner::ROOT, MAX_PASSWD)?;
        let by_uid = |uid: &u32| User::from_uid((*uid).into()).ok().flatten().map(|user| user.name);
        let listed = local.names.iter().cloned().chain(local.uids.iter().filter_map(by_uid));
        Ok(Self::put_together(&String::from_utf8_lossy(&passwd), local.system_uid_max, listed))
    }

    fn put_together(
        passwd: &str,
        system_uid_max: u32,
        listed: impl Iterator<Item = String>,
    ) -> Self {
        let system = passwd.lines().filter_map(|line| {
            let mut fields = line.split(':');
            let (name, uid) = (fields.next()?, fields.nth(1)?);
            uid.parse::<u32>().ok().filter(|uid| *uid <= system_uid_max).map(|_| name.to_owned())
        });
        let mut names: Vec<String> = Vec::new();
        for name in std::iter::once("root".to_owned()).chain(system).chain(listed) {
            if crate::table::is_user(&name) && !name.starts_with('#') && !names.contains(&name) {
                names.push(name);
            }
        }
        Self(names)
    }

    /// Whether the account, spelt exactly so, is left alone.
    pub fn contains(&self, name: &str) -> bool {
        self.0.iter().any(|local| local == name)
    }

    /// The content of the file.
    pub fn text(&self) -> String {
        self.0.iter().fold(HEAD.to_owned(), |text, name| text + name + "\n")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_list_has_root_system_accounts_and_those_that_are_listed() {
        let passwd = "root:x:0:0::/root:/bin/sh\ndaemon:x:1:1:::\nbroken\nstaff:x:1001:1001:::\n\
            old:x:500:500:::\n+::::::\n";
        let listed = || {
            ["admin".to_owned(), "root".into(), "# odd".into(), "a:b".into(), String::new()]
                .into_iter()
        };
        let list = LastGood::put_together(passwd, 499, listed());
        assert_eq!(list.0, ["root", "daemon", "admin"]);
        assert_eq!(
            LastGood::put_together(passwd, 999, listed()).0,
            ["root", "daemon", "old", "admin"]
        );
        // Root is there without any file of users.
        assert_eq!(LastGood::put_together("", 999, std::iter::empty()).0, ["root"]);
        for name in ["staff", "Admin", "admin ", "", "# Made"] {
            assert!(!list.contains(name), "{name:?}");
        }
    }

    #[test]
    fn what_is_written_is_read_again_and_a_file_of_others_is_not() {
        let folder = tempfile::tempdir().unwrap();
        let path = LastGood::path_for(&folder.path().join("pam.toml"));
        assert_eq!(path, folder.path().join("local-accounts"));
        let owner = Owner::current();
        assert!(matches!(LastGood::read(&path, owner), Err(FileError::Missing { .. })));
        let list =
            LastGood::put_together("daemon:x:1:1:::\n", 999, std::iter::once("admin".to_owned()));
        files::replace(&path, list.text().as_bytes(), 0o644).unwrap();
        assert_eq!(LastGood::read(&path, owner).unwrap(), list);
        // A line that is damaged costs that name only.
        std::fs::write(&path, b"root\n\xff\nadmin\n").unwrap();
        assert_eq!(LastGood::read(&path, owner).unwrap().0, ["root", "admin"]);
        std::fs::set_permissions(&path, std::os::unix::fs::PermissionsExt::from_mode(0o666))
            .unwrap();
        assert!(matches!(LastGood::read(&path, owner), Err(FileError::Mode { .. })));
        assert_eq!(
            LastGood::path_for(Path::new(crate::pam::DEFAULT_PATH)),
            Path::new(DEFAULT_PATH)
        );
    }

    #[test]
    fn the_profile_names_this_file() {
        let profile = include_str!("../../../config/pam-configs/wardkey");
        let guards: Vec<_> =
            profile.lines().filter(|line| line.contains("pam_listfile.so")).collect();
        assert_eq!(guards.len(), 2, "{profile}");
        for guard in guards {
            assert!(guard.contains(&format!("file={DEFAULT_PATH} onerr=fail")), "{guard}");
            // A guard that cannot be loaded denies.
            assert!(guard.trim().starts_with("[success=ignore default=die]"), "{guard}");
        }
        // Above Debian's own: krb5 and heimdal have 704.
        let priority = profile.lines().find_map(|line| line.strip_prefix("Priority: ")).unwrap();
        assert!(priority.parse::<u32>().unwrap() > 1024, "{priority}");
        // Beside "end" no other jump: pam-auth-update would take what it wrote for edited by hand.
        for line in profile.lines().filter(|line| line.contains("=end")) {
            let control = line.split(']').next().unwrap();
            assert!(!control.contains(|c: char| c.is_ascii_digit()), "{line}");
        }
    }
}
