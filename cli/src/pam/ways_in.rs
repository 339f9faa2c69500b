//! Who gets in without a key when everybody else needs one: local accounts that Wardkey leaves
//! alone, that can log in by a password of this machine, and that are or can become root.

use std::path::Path;
use std::time::SystemTime;

use nix::unistd::{Group, User};
use wardkey_core::time::DAY;
use wardkey_settings::pam::LocalAccounts;

use crate::files;
use crate::texts::{Phrase, Text};

/// Groups whose members become root by sudo, on Debian and elsewhere.
const ADMINISTRATORS: [&str; 3] = ["sudo", "admin", "wheel"];
/// Longest `/etc/shadow` in bytes: 100,000 accounts.
const MAX_BYTES: usize = 16 * 1024 * 1024;
const NO_SHELLS: [&str; 2] = ["nologin", "false"];

/// An entry of `local_accounts`.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Listed<'s> {
    Name(&'s str),
    Uid(u32),
}

impl<'s> Listed<'s> {
    /// All entries.
    pub(crate) fn all(local: &'s LocalAccounts) -> impl Iterator<Item = Self> {
        local
            .names
            .iter()
            .map(|name| Self::Name(name))
            .chain(local.uids.iter().map(|uid| Self::Uid(*uid)))
    }

    /// The account, as the module finds it.
    fn user(self) -> Option<User> {
        match self {
            Self::Name(name) => {
                User::from_name(name).ok().flatten().filter(|user| user.name == name)
            }
            Self::Uid(uid) => User::from_uid(uid.into()).ok().flatten(),
        }
    }

    /// The account's name, when there is one.
    pub(crate) fn name(self) -> Option<String> {
        self.user().map(|user| user.name)
    }
}

impl std::fmt::Display for Listed<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Name(name) => f.write_str(name),
            Self::Uid(uid) => write!(f, "with uid {uid}"),
        }
    }
}

/// The accounts that were looked at.
#[derive(Debug, Default)]
pub(crate) struct WaysIn {
    /// Names of those that get in.
    pub(crate) open: Vec<String>,
    /// The others, and why not.
    pub(crate) closed: Vec<(String, Phrase)>,
}

impl WaysIn {
    /// Looks at root and the listed accounts. `person` says whether an account is a person's of the
    /// directory: whose account it is, is then a matter of the server, not of this machine alone.
    pub(crate) fn look(local: &LocalAccounts, person: &mut dyn FnMut(&str) -> bool) -> Self {
        let shadow = text("/etc/shadow");
        let shells = text("/etc/shells");
        let today =
            SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default().as_secs()
                / DAY;
        let mut ways = Self::default();
        for listed in std::iter::once(Listed::Name("root")).chain(Listed::all(local)) {
            let user = listed.user();
            let name = user.as_ref().map_or_else(|| listed.to_string(), |user| user.name.clone());
            if ways.open.contains(&name) || ways.closed.iter().any(|(closed, _)| *closed == name) {
                continue;
            }
            let obstacle = match &user {
                None => Some(Text::ClosedNoAccount.into()),
                Some(user) => by_password(&shadow, &name, today)
                    .or_else(|| by_shell(&shells, &user.shell.to_string_lossy()))
                    .or_else(|| (!is_administrator(user)).then(|| Text::ClosedNoSudo.into()))
                    .or_else(|| {
                        (!user.uid.is_root() && person(&name)).then(|| Text::ClosedPerson.into())
                    }),
            };
            match obstacle {
                None => ways.open.push(name),
                Some(why) => ways.closed.push((name, why)),
            }
        }
        ways
    }

    /// The closed ones, in one line.
    pub(crate) fn explained(&self) -> Phrase {
        let closed = self.closed.iter().map(|(name, why)| {
            let args = [("place", name.as_str().into()), ("why", why.clone())];
            Text::At.with(args)
        });
        Text::ClosedAccounts.with([("accounts", Phrase::joined(closed.collect(), "; "))])
    }
}

/// The text of a file; without it nobody counts as an administrator.
fn text(path: &str) -> String {
    let bytes = files::read_followed(Path::new(path), MAX_BYTES).ok().flatten().unwrap_or_default();
    String::from_utf8_lossy(&bytes).into_owned()
}

/// Why an account cannot log in by its password; `shadow` as in shadow(5), days since 1970.
fn by_password(shadow: &str, name: &str, today: u64) -> Option<Phrase> {
    let because = |why: Text| Some(Phrase::from(why));
    let mut fields = shadow.lines().map(|line| line.split(':').collect::<Vec<_>>());
    let Some(fields) = fields.find(|fields| fields.first() == Some(&name)) else {
        return because(Text::ClosedNotHere);
    };
    let field = |at: usize| fields.get(at).copied().unwrap_or_default();
    let day = |at: usize| field(at).parse::<u64>().ok();
    match field(1) {
        "" => return because(Text::ClosedEmpty),
        "*" => return because(Text::ClosedNoPassword),
        secret if secret.starts_with('!') => return because(Text::ClosedLocked),
        // crypt(5): every method of today begins with $, BSDi's with _; the oldest has 13
        // characters.
        secret if !(secret.starts_with(['$', '_']) || secret.len() == 13) => {
            return because(Text::ClosedNoPassword);
        }
        _ => {}
    }
    if day(7).is_some_and(|end| end <= today) {
        return because(Text::ClosedExpired);
    }
    // Changed, maximum age, days of grace: afterwards the password is refused.
    let (changed, maximum, grace) = (day(2)?, day(4)?, day(6)?);
    (changed.saturating_add(maximum).saturating_add(grace) < today)
        .then(|| Text::ClosedPasswordExpired.into())
}

fn by_shell(shells: &str, shell: &str) -> Option<Phrase> {
    let shell = if shell.is_empty() { "/bin/sh" } else { shell };
    let listed = shells.lines().any(|line| line.trim() == shell);
    let none = NO_SHELLS.iter().any(|name| shell.rsplit('/').next() == Some(name));
    (!listed || none).then(|| Text::ClosedNoShell.with([("shell", shell.into())]))
}

fn is_administrator(user: &User) -> bool {
    let groups = ADMINISTRATORS.iter().filter_map(|name| Group::from_name(name).ok().flatten());
    user.uid.is_root()
        || groups.into_iter().any(|group| group.gid == user.gid || group.mem.contains(&user.name))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_password_counts_when_it_can_be_used() {
        let today = 20_000;
        for (line, usable) in [
            ("a:$y$j9T$x$y:19000:0:99999:7:::", true),
            ("a:$6$x$y:19000:0:99999:7:::", true),
            ("a:abcdefghijklm:19000:0:99999:7:::", true),
            ("a:$y$x:0:0:99999:7:::", true),
            ("a:$y$x:19000:0:99999:7::20001:", true),
            ("a:$y$x:19000:0:999:7:10::", true),
            ("a:$y$x:19000:0:100:7:::", true),
            ("a:!$y$x:19000:0:99999:7:::", false),
            ("a:!:19000:0:99999:7:::", false),
            ("a:!!:19000::::::", false),
            ("a:*:19000:0:99999:7:::", false),
            ("a::19000:0:99999:7:::", false),
            ("a:x:19000:0:99999:7:::", false),
            ("a:$y$x:19000:0:99999:7::20000:", false),
            ("a:$y$x:19000:0:99999:7::1:", false),
            ("a:$y$x:19000:0:100:7:10::", false),
            ("b:$y$x:19000:0:99999:7:::", false),
            ("", false),
        ] {
            let shadow = format!("root:*:1::::::\n{line}\n");
            assert_eq!(by_password(&shadow, "a", today).is_none(), usable, "{line}");
        }
    }

    #[test]
    fn a_shell_must_be_one() {
        let shells = "# valid\n/bin/sh\n/bin/bash\n/usr/sbin/nologin\n";
        for (shell, usable) in [
            ("/bin/bash", true),
            ("", true),
            ("/bin/bas", false),
            ("/usr/sbin/nologin", false),
            ("/bin/false", false),
        ] {
            assert_eq!(by_shell(shells, shell).is_none(), usable, "{shell}");
        }
    }

    #[test]
    fn root_is_looked_at_and_unknown_names_are_told() {
        let local =
            LocalAccounts { names: vec!["nobody-of-that-name".into()], ..LocalAccounts::ROOT_ONLY };
        let ways = WaysIn::look(&local, &mut |_| false);
        assert!(
            ways.explained().to_string().contains("nobody-of-that-name: there is no such account"),
            "{ways:?}"
        );
        assert_eq!(ways.open.len() + ways.closed.len(), 2, "{ways:?}");
    }
}
