//! Desktops without a screen locker that answers: their sessions are ended when the key is pulled
//! out, as nobody may find them open.

use std::path::{Path, PathBuf};

use wardkey_core::code::Code;
use wardkey_core::policy::session::SessionRules;

use crate::finding::{Finding, Level};

use super::text;

/// Where display managers find what they can start.
const SESSIONS: [&str; 2] = ["usr/share/xsessions", "usr/share/wayland-sessions"];
/// Desktops whose own locker tells logind that it locked (LockedHint), by `DesktopNames`, and the
/// program that does.
const ANSWER: [(&str, &[&str]); 3] = [
    ("gnome", &["usr/bin/gnome-shell"]),
    (
        "kde",
        &[
            "usr/lib/x86_64-linux-gnu/libexec/kscreenlocker_greet",
            "usr/lib/aarch64-linux-gnu/libexec/kscreenlocker_greet",
            "usr/libexec/kscreenlocker_greet",
        ],
    ),
    ("phosh", &["usr/libexec/phosh"]),
];
/// Runs any locker of X when logind asks for it, and tells that it locked.
const ADAPTER: &str = "xss-lock";
/// What a desktop starts by itself.
const AUTOSTART: &str = "etc/xdg/autostart";

/// Names the desktops of this machine for which no locker is known to answer; nothing where no
/// policy locks sessions.
pub(crate) fn look(root: &Path, rules: Option<SessionRules>) -> Vec<Finding> {
    if rules.is_none_or(|rules| rules == SessionRules::default()) {
        return Vec::new();
    }
    let adapter = desktop_files(&root.join(AUTOSTART))
        .iter()
        .any(|file| entry(file, "exec").is_some_and(|exec| exec.contains(ADAPTER)));
    let mut findings = Vec::new();
    for folder in SESSIONS {
        for file in desktop_files(&root.join(folder)) {
            let is_x = folder.ends_with("xsessions");
            if (is_x && adapter) || answers(root, &file) {
                continue;
            }
            let name = file.file_stem().unwrap_or_default().to_string_lossy().into_owned();
            let finding = Finding::new(Code::DesktopWithoutLocker, Level::Warning, "desktop", name);
            findings.push(finding.detail(text::shown(root, &file)));
        }
    }
    findings
}

fn desktop_files(folder: &Path) -> Vec<PathBuf> {
    let mut files = text::entries(folder);
    files.retain(|file| file.extension().is_some_and(|ending| ending == "desktop"));
    files
}

/// Whether the desktop of this file has a locker that answers.
fn answers(root: &Path, file: &Path) -> bool {
    let names = entry(file, "desktopnames").unwrap_or_default().to_ascii_lowercase();
    let mut names = names.split([';', ':']).map(str::trim);
    names.any(|name| {
        let known = ANSWER.iter().find(|(desktop, _)| *desktop == name);
        known.is_some_and(|(_, programs)| programs.iter().any(|path| root.join(path).exists()))
    })
}

/// The value of a key of a desktop file.
fn entry(file: &Path, key: &str) -> Option<String> {
    let lines = text::sections(&text::read(file));
    let found = lines.into_iter().find(|line| line.section == "desktop entry" && line.key == key);
    found.map(|line| line.value)
}

#[cfg(test)]
mod tests {
    use super::*;
    use wardkey_core::policy::session::OnRemoval;

    #[test]
    fn desktops_whose_locker_does_not_answer_are_named() {
        let folder = tempfile::tempdir().unwrap();
        let root = folder.path();
        let write = |path: &str, content: &str| {
            let path = root.join(path);
            std::fs::create_dir_all(path.parent().unwrap()).unwrap();
            std::fs::write(path, content).unwrap();
        };
        let desktop = |names: &str| format!("[Desktop Entry]\nExec=x\nDesktopNames={names}\n");
        write("usr/share/xsessions/xfce.desktop", &desktop("XFCE"));
        write("usr/share/xsessions/openbox.desktop", "[Desktop Entry]\nExec=openbox\n");
        write("usr/share/wayland-sessions/gnome.desktop", &desktop("GNOME"));
        write("usr/share/wayland-sessions/sway.desktop", &desktop("sway"));
        let locks = SessionRules { on_removal: OnRemoval::Lock, ..SessionRules::default() };
        let names = |rules| -> Vec<String> {
            let mut names: Vec<_> =
                look(root, rules).into_iter().map(|finding| finding.subject).collect();
            names.sort();
            names
        };
        assert_eq!(names(Some(locks)), ["gnome", "openbox", "sway", "xfce"], "no gnome-shell");
        write("usr/bin/gnome-shell", "");
        assert_eq!(names(Some(locks)), ["openbox", "sway", "xfce"]);
        // xss-lock does it for every locker of X.
        write("etc/xdg/autostart/lock.desktop", "[Desktop Entry]\nExec=xss-lock -- i3lock -n\n");
        assert_eq!(names(Some(locks)), ["sway"]);
        // Where nothing locks there is nothing to answer.
        assert!(names(Some(SessionRules::default())).is_empty() && names(None).is_empty());
    }
}
