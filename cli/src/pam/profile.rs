//! The profile of pam-auth-update: whether it is on, and switching it. Never with `--force`.

use std::fs::File;
use std::io::Read;
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use nix::sys::signal::{Signal, killpg};
use nix::unistd::Pid;
use wardkey_core::code::Code;

use crate::error::CliError;
use crate::files;
use crate::places::Places;
use crate::texts::{Phrase, Text};

/// The name of the profile.
const PROFILE: &str = "wardkey";
const PROGRAM: &str = "/usr/sbin/pam-auth-update";
/// The module, as the profile names it.
const MODULE: &str = "pam_fido.so";
/// What the profile has besides: who goes on when the module cannot be loaded.
const GUARDS: [&str; 2] = [
    "pam_succeed_if.so quiet uid eq 0",
    "pam_listfile.so quiet item=user sense=allow file=/etc/wardkey/local-accounts onerr=fail",
];
/// pam-auth-update takes half a second; debconf may wait for another that holds its lock.
const PATIENCE: Duration = Duration::from_secs(60);
/// Longest of the files in bytes.
const MAX_BYTES: usize = 256 * 1024;

/// What pam-auth-update writes in the folder of services, ...
pub(crate) const SERVICES: [&str; 5] = [
    "common-auth",
    "common-account",
    "common-password",
    "common-session",
    "common-session-noninteractive",
];
/// ... and beside it, to notice what was edited.
pub(crate) const REMEMBERED: [&str; 6] =
    ["auth", "account", "password", "session", "session-noninteractive", "seen"];

/// Whether the module is in the services of this machine.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum State {
    /// It is not.
    Off,
    /// pam-auth-update has put it there.
    On,
    /// Something else; why.
    Edited(Phrase),
}

/// Reads the state. Anybody may.
pub(crate) fn state(places: &Places) -> State {
    let active = |name| in_service(places, name);
    let remembered = text(&places.pam_state.join("auth"))
        .map(|text| text.contains(&format!("Module: {PROFILE}\n")));
    match (active("common-auth"), active("common-account"), remembered) {
        (Ok(true), Ok(true), Ok(true)) => State::On,
        (Ok(false), Ok(false), Ok(false) | Err(_)) => State::Off,
        (Err(error), _, _) | (_, Err(error), _) | (_, _, Err(error)) => State::Edited(error),
        (Ok(auth), Ok(account), Ok(remembered)) => {
            let has = |yes| Phrase::from(if yes { Text::Has } else { Text::Lacks });
            let args = [("auth", has(auth)), ("account", has(account)), ("notes", has(remembered))];
            State::Edited(Text::ProfileDiffers.with(args))
        }
    }
}

/// Whether a service names the module, whatever the notes say; else why that cannot be told.
fn in_service(places: &Places, name: &str) -> Result<bool, Phrase> {
    let text = text(&places.pam.join(name))?;
    Ok(text.lines().any(|line| !line.trim_start().starts_with('#') && line.contains(MODULE)))
}

/// Other services that ask the module, by lines of their own: switching the profile changes nothing
/// there. What cannot be read is for the doctor to name.
pub(crate) fn other_services(places: &Places) -> Vec<String> {
    let files = std::fs::read_dir(&places.pam).into_iter().flatten().flatten();
    let names = files.filter_map(|file| file.file_name().into_string().ok());
    // What package tools and editors leave beside the services.
    let is_left = |name: &str| {
        name.starts_with('.')
            || name.ends_with('~')
            || name.ends_with(".pam-old")
            || name.contains(".dpkg-")
    };
    let mut names: Vec<String> = names
        .filter(|name| !is_left(name) && !SERVICES.contains(&name.as_str()))
        .filter(|name| in_service(places, name) == Ok(true))
        .collect();
    names.sort();
    names
}

/// Makes sure that no login asks the module any more.
///
/// # Errors
/// [`Code::PamFilesEdited`] when one does, or when it cannot be told.
pub(crate) fn ensure_out(places: &Places) -> Result<(), CliError> {
    for name in ["common-auth", "common-account"] {
        match in_service(places, name) {
            Ok(false) => {}
            Ok(true) => {
                let what = Text::StillInService.with([("service", name.into())]);
                return Err(CliError::with(Code::PamFilesEdited, what));
            }
            Err(error) => return Err(CliError::with(Code::PamFilesEdited, error)),
        }
    }
    Ok(())
}

/// Whether pam-auth-update's notes are of before a package was removed: the lines then may be, too.
pub(crate) fn notes_name_a_removed_profile(places: &Places) -> bool {
    let seen = text(&places.pam_state.join("seen")).unwrap_or_default();
    seen.lines().filter(|name| !name.is_empty()).any(|name| {
        // Only a name: the file is root's, but what is looked up stays in the folder.
        let plain = !name.contains('/') && name != "." && name != "..";
        plain && matches!(places.pam_profiles.join(name).try_exists(), Ok(false))
    })
}

/// Has pam-auth-update write the lines of the profiles that are there, and of no others; says
/// nothing about this one.
pub(crate) fn refresh() -> Result<(), CliError> {
    ask(&["--package"]).map(drop)
}

/// Every file that switching changes.
pub(crate) fn all_files(places: &Places) -> impl Iterator<Item = PathBuf> + '_ {
    let services = SERVICES.iter().map(|name| places.pam.join(name));
    services.chain(REMEMBERED.iter().map(|name| places.pam_state.join(name)))
}

/// Switches the profile, and makes sure that enabling changed nothing else, and that it survives a
/// power failure.
///
/// # Errors
/// [`Code::PamFilesEdited`] when pam-auth-update did not do it. It may have done something else
/// then: what the caller kept from before is put back by the caller.
pub(crate) fn switch(places: &Places, on: bool) -> Result<(), CliError> {
    let before = services(places)?;
    let complaint = run(if on { "--enable" } else { "--disable" })?;
    let (wanted, unwanted) = if on { (State::On, State::Off) } else { (State::Off, State::On) };
    match state(places) {
        state if state == wanted => {}
        state if state == unwanted => {
            return Err(CliError::with(Code::PamFilesEdited, explained(&complaint)));
        }
        State::Edited(how) => return Err(CliError::with(Code::PamFilesEdited, how)),
        State::On | State::Off => return Err(CliError::new(Code::Internal)),
    }
    for (name, (before, after)) in SERVICES.iter().zip(before.iter().zip(services(places)?)) {
        if on && essence(before) != essence(&after) {
            let what = Text::MoreChanged.with([("service", (*name).into())]);
            return Err(CliError::with(Code::PamFilesEdited, what));
        }
    }
    for path in all_files(places) {
        let synced = File::open(&path).and_then(|file| file.sync_all());
        match synced {
            Err(error) if error.kind() != std::io::ErrorKind::NotFound => {
                return Err(files::broken(&path, error));
            }
            _ => {}
        }
    }
    for folder in [&places.pam, &places.pam_state] {
        File::open(folder)
            .and_then(|folder| folder.sync_all())
            .map_err(|error| files::broken(folder, error))?;
    }
    Ok(())
}

/// Asks pam-auth-update for something about the profile; gives what it complained about.
pub(crate) fn run(option: &str) -> Result<String, CliError> {
    ask(&[option, PROFILE])
}

/// Runs pam-auth-update, which says nothing by its exit status; gives what it complained about.
fn ask(arguments: &[&str]) -> Result<String, CliError> {
    let failed = |error: &dyn std::fmt::Display| {
        CliError::with(Code::Internal, format!("{PROGRAM}: {error}"))
    };
    let mut child = Command::new(PROGRAM)
        .args(arguments)
        // Nothing of the caller's: perl and debconf do much by variables.
        .env_clear()
        .env("PATH", "/usr/sbin:/usr/bin:/sbin:/bin")
        .env("DEBIAN_FRONTEND", "noninteractive")
        .env("LC_ALL", "C")
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(Stdio::piped())
        .process_group(0)
        .spawn()
        .map_err(|error| failed(&error).caused_by(error))?;
    let until = Instant::now() + PATIENCE;
    let status = loop {
        match child.try_wait().map_err(|error| failed(&error).caused_by(error))? {
            Some(status) => break status,
            None if Instant::now() < until => std::thread::sleep(Duration::from_millis(10)),
            None => {
                if let Ok(group) = i32::try_from(child.id()) {
                    let _ = killpg(Pid::from_raw(group), Signal::SIGKILL);
                }
                let _ = child.wait();
                return Err(failed(&"does not come to an end"));
            }
        }
    };
    let mut complaint = String::new();
    if let Some(errors) = child.stderr.take() {
        let _ = errors.take(4096).read_to_string(&mut complaint);
    }
    if status.success() {
        Ok(complaint)
    } else {
        Err(failed(&format_args!("{status}: {}", one_line(&complaint))))
    }
}

fn explained(complaint: &str) -> Phrase {
    if complaint.contains("Local modifications") {
        Text::MarksEdited.into()
    } else {
        Text::UpdateDidNothing.with([("why", one_line(complaint).into())])
    }
}

fn one_line(text: &str) -> String {
    text.split_whitespace().collect::<Vec<_>>().join(" ")
}

fn services(places: &Places) -> Result<Vec<String>, CliError> {
    let read = |name: &&str| {
        let path = places.pam.join(name);
        text(&path).map_err(|why| CliError::with(Code::Configuration, why))
    };
    SERVICES.iter().map(read).collect()
}

/// What a service does without the module's lines: comments, and type, control and module of the
/// others. How far a line jumps depends on how many follow, and the options of a module on whether
/// it comes first (`Auth-Initial` of a profile).
fn essence(text: &str) -> Vec<String> {
    let ours =
        |line: &str| line.contains(MODULE) || GUARDS.iter().any(|guard| line.contains(guard));
    let lines = text.lines().filter(|line| line.trim_start().starts_with('#') || !ours(line));
    lines
        .map(|line| {
            let line = line.split_whitespace().collect::<Vec<_>>().join(" ");
            if line.starts_with('#') {
                return line;
            }
            let end = line.find(".so").map_or(line.len(), |at| at + ".so".len());
            line.chars().take(end).filter(|c| !c.is_ascii_digit()).collect()
        })
        .collect()
}

fn text(path: &Path) -> Result<String, Phrase> {
    let at = |why: Text| {
        Text::At.with([("place", path.display().to_string().into()), ("why", why.into())])
    };
    // As libpam reads it.
    match files::read_followed(path, MAX_BYTES) {
        Ok(Some(bytes)) => String::from_utf8(bytes).map_err(|_| at(Text::NotUtf8)),
        Ok(None) => Err(at(Text::NoSuchFile)),
        Err(error) => Err(error.to_string().into()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const ON: &str = "auth\t[success=2 user_unknown=ignore default=die]\tpam_fido.so \n";
    const UNIX: &str = "auth\t[success=1 default=ignore]\tpam_unix.so nullok\n";

    #[test]
    fn the_state_is_read_from_what_libpam_reads() {
        let folder = tempfile::tempdir().unwrap();
        let places = Places {
            pam: folder.path().join("pam.d"),
            pam_state: folder.path().join("state"),
            ..Places::default()
        };
        std::fs::create_dir(&places.pam).unwrap();
        std::fs::create_dir(&places.pam_state).unwrap();
        assert!(matches!(state(&places), State::Edited(_)), "nothing there is not off");
        let (with, without) = (format!("{ON}{UNIX}"), format!("# {ON}{UNIX}"));
        for (auth, account, noted, expected) in [
            (&without, &without, false, Some(State::Off)),
            (&with, &with, true, Some(State::On)),
            (&with, &with, false, None),
            (&with, &without, true, None),
            (&without, &with, false, None),
            (&without, &without, true, None),
        ] {
            std::fs::write(places.pam.join("common-auth"), auth).unwrap();
            std::fs::write(places.pam.join("common-account"), account).unwrap();
            let notes = if noted { "Module: wardkey\nx\nModule: unix\n" } else { "Module: unix\n" };
            std::fs::write(places.pam_state.join("auth"), notes).unwrap();
            match expected {
                Some(expected) => assert_eq!(state(&places), expected),
                None => {
                    assert!(matches!(state(&places), State::Edited(_)), "{auth} {account} {noted}")
                }
            }
        }
    }

    #[test]
    fn a_login_that_still_asks_the_module_is_noticed_whatever_the_notes_say() {
        let folder = tempfile::tempdir().unwrap();
        let places = Places {
            pam: folder.path().into(),
            pam_state: folder.path().join("none"),
            ..Places::default()
        };
        assert!(ensure_out(&places).is_err(), "files that are not there say nothing");
        for (auth, account, out) in [
            (UNIX.to_owned(), UNIX.to_owned(), true),
            (format!("# {ON}{UNIX}"), UNIX.to_owned(), true),
            (format!("{ON}{UNIX}"), UNIX.to_owned(), false),
            (UNIX.to_owned(), format!("{ON}{UNIX}"), false),
        ] {
            std::fs::write(places.pam.join("common-auth"), &auth).unwrap();
            std::fs::write(places.pam.join("common-account"), &account).unwrap();
            assert_eq!(ensure_out(&places).is_ok(), out, "{auth} {account}");
        }
    }

    #[test]
    fn a_package_that_was_removed_meanwhile_is_noticed() {
        let folder = tempfile::tempdir().unwrap();
        let places = Places {
            pam_state: folder.path().into(),
            pam_profiles: folder.path().join("configs"),
            ..Places::default()
        };
        assert!(!notes_name_a_removed_profile(&places), "no notes");
        std::fs::create_dir(&places.pam_profiles).unwrap();
        for name in ["unix", "wardkey"] {
            std::fs::write(places.pam_profiles.join(name), "").unwrap();
        }
        for (seen, removed) in [
            ("", false),
            ("unix\nwardkey\n", false),
            ("unix\n\nwardkey", false),
            ("unix\nsss\nwardkey\n", true),
            ("../elsewhere\n", false),
        ] {
            std::fs::write(places.pam_state.join("seen"), seen).unwrap();
            assert_eq!(notes_name_a_removed_profile(&places), removed, "{seen}");
        }
    }

    #[test]
    fn only_the_modules_lines_and_jumps_may_change() {
        let before = format!("# a 1\n{UNIX}auth requisite pam_deny.so\n");
        let later =
            UNIX.replace("success=1", "success=3").replace("nullok", "nullok try_first_pass");
        let after = format!("# a 1\n{ON}{later}auth requisite pam_deny.so\n");
        assert_eq!(essence(&before), essence(&after));
        let profile = include_str!("../../../config/pam-configs/wardkey");
        let lines = profile
            .lines()
            .filter(|line| line.starts_with('\t'))
            .map(|line| format!("auth{line}\n"));
        let written: String = lines.collect();
        assert_eq!(written.lines().count(), 8, "{profile}");
        assert_eq!(
            essence(&before),
            essence(&format!("{written}{before}")),
            "each line of the profile is ours"
        );
        for changed in [
            after.replace("pam_unix", "pam_ldap"),
            after.replace("pam_deny", "pam_permit"),
            after.replace("# a 1", "# a 2"),
            format!("{after}auth optional pam_cap.so\n"),
        ] {
            assert_ne!(essence(&before), essence(&changed), "{changed}");
        }
    }
}
