//! Whether the agent can write the files of `records_to`: said before it finds out.

use std::path::Path;

use crate::agent::Config;
use crate::files::{self, FileError, Owner};
use crate::intake::Intake;
use crate::problem::{Problem, place};
use crate::sink::Sink;
use crate::texts::Text;

/// What is wrong with the files that records go to, and with their folders.
pub fn check(config: &Config) -> Vec<Problem> {
    of_user(&config.records_to, &config.user)
}

/// The same for sinks of whoever runs as this user.
pub fn of_user(sinks: &[Sink], user: &str) -> Vec<Problem> {
    let owner = owner(user);
    let of_sink = |sink: &Sink| match sink {
        Sink::File(file) => of_file(&file.path, owner, user),
        Sink::Intake(intake) => of_token(&intake.token, owner, user),
        Sink::Collector(_) | Sink::Datagrams(_) | Sink::Journal(_) => Vec::new(),
    };
    sinks.iter().flat_map(of_sink).collect()
}

/// Whose files are believed, besides root's: those of this user, if there is one.
pub fn owner(user: &str) -> Owner {
    let known = nix::unistd::User::from_name(user).ok().flatten();
    known.map_or(Owner::ROOT, |user| Owner::of(user.uid.as_raw()))
}

/// The file of a token is the agent's or root's, and nobody else reads it.
fn of_token(path: &Path, owner: Owner, user: &str) -> Vec<Problem> {
    let Err(error) = files::read_secret(path, owner, Intake::LONGEST_TOKEN) else {
        return Vec::new();
    };
    let command = format!("install -o {user} -g {user} -m 0600 /dev/stdin {}", path.display());
    vec![Problem {
        file: path.display().to_string(),
        line: None,
        key: Some("records_to".into()),
        what: error.what(),
        fix: Text::Run.with([("command", command.into())]),
    }]
}

fn of_file(path: &Path, owner: Owner, user: &str) -> Vec<Problem> {
    let Some(folder) = path.parent() else { return Vec::new() };
    if !matches!(folder.symlink_metadata(), Err(error) if is_missing(&error)) {
        return place(path, owner);
    }
    let command = format!("install -d -o {user} -g {user} -m 0750 {}", folder.display());
    vec![Problem {
        file: folder.display().to_string(),
        line: None,
        key: Some("records_to".into()),
        what: FileError::Missing { path: folder.into() }.what(),
        fix: Text::Run.with([("command", command.into())]),
    }]
}

fn is_missing(error: &std::io::Error) -> bool {
    error.kind() == std::io::ErrorKind::NotFound
}

#[cfg(test)]
mod tests {
    use std::fs::Permissions;
    use std::os::unix::fs::PermissionsExt;

    use wardkey_core::event::Format;

    use super::*;
    use crate::sink::LogFile;

    #[test]
    fn a_folder_that_is_missing_or_that_others_write_is_told_with_its_fix() {
        let folder = tempfile::tempdir().unwrap();
        let at = folder.path().join("records");
        let file = LogFile { path: at.join("wardkey.log"), format: Format::Ecs };
        let user = nix::unistd::User::from_uid(nix::unistd::geteuid()).unwrap().unwrap().name;
        let records_to = vec![Sink::File(file), Sink::Journal("/nowhere/socket".into())];
        let config = Config { user, records_to, ..Config::default() };
        let told = check(&config);
        assert_eq!((told.len(), told[0].key.as_deref()), (1, Some("records_to")));
        assert!(told[0].fix.to_string().contains("install -d -o "), "{}", told[0]);

        std::fs::create_dir(&at).unwrap();
        std::fs::set_permissions(&at, Permissions::from_mode(0o777)).unwrap();
        let told = check(&config);
        assert!(told.len() == 1 && told[0].to_string().contains("chmod go-w"), "{told:?}");
        std::fs::set_permissions(&at, Permissions::from_mode(0o750)).unwrap();
        assert_eq!(check(&config), []);
    }
}
