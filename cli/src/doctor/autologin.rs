//! Display managers and gettys that log somebody in without asking.

use std::path::{Path, PathBuf};

use wardkey_core::code::Code;

use crate::finding::{Finding, Level};

use super::text::{self, Section};

/// Files, their section (none: any) and the key whose value is an account.
const FILES: [(&str, &str, &[&str]); 9] = [
    ("etc/gdm3/daemon.conf", "daemon", &["automaticlogin", "timedlogin"]),
    ("etc/gdm3/custom.conf", "daemon", &["automaticlogin", "timedlogin"]),
    ("etc/gdm/custom.conf", "daemon", &["automaticlogin", "timedlogin"]),
    ("etc/lightdm/lightdm.conf", "seat:", &["autologin-user"]),
    ("etc/lightdm/lightdm.conf.d", "seat:", &["autologin-user"]),
    ("usr/share/lightdm/lightdm.conf.d", "seat:", &["autologin-user"]),
    ("etc/sddm.conf", "autologin", &["user"]),
    ("etc/sddm.conf.d", "autologin", &["user"]),
    ("usr/lib/sddm/sddm.conf.d", "autologin", &["user"]),
];
/// greetd's section for a first session without a greeter.
const GREETD: (&str, &str) = ("etc/greetd/config.toml", "initial_session");
/// Where units and their drop-ins are.
const UNITS: [&str; 4] = [
    "etc/systemd/system",
    "run/systemd/system",
    "usr/local/lib/systemd/system",
    "usr/lib/systemd/system",
];

/// How units of consoles are called.
const GETTYS: [&str; 5] =
    ["getty@", "serial-getty@", "console-getty.", "container-getty@", "autovt@"];
/// What a getty starts that asks PAM.
const LOGIN: [&str; 2] = ["/bin/login", "/usr/bin/login"];

pub(crate) fn look(root: &Path) -> Vec<Finding> {
    let mut findings = Vec::new();
    for (name, section, keys) in FILES {
        for file in text::with_ending(&root.join(name), "conf") {
            findings.extend(in_file(root, &file, section, keys));
        }
    }
    let greetd = root.join(GREETD.0);
    if let Some(line) =
        text::sections(&text::read(&greetd)).into_iter().find(|line| line.section == GREETD.1)
    {
        findings.push(found(root, &greetd, &line));
    }
    for folder in UNITS {
        findings.extend(gettys(root, &root.join(folder)));
    }
    findings
}

fn in_file(root: &Path, file: &Path, section: &str, keys: &[&str]) -> Vec<Finding> {
    let lines = text::sections(&text::read(file));
    let is_here = |line: &Section| {
        if section.ends_with(':') {
            line.section.starts_with(section)
        } else {
            line.section == section
        }
    };
    // GDM has a switch beside the name. Without it the name alone does nothing.
    let switched_off = |key: &str| {
        let switch = format!("{key}enable");
        key.ends_with("login")
            && !lines.iter().any(|line| is_here(line) && line.key == switch && is_true(&line.value))
    };
    let named = lines.iter().filter(|line| {
        is_here(line) && keys.contains(&line.key.as_str()) && !line.value.is_empty()
    });
    named.filter(|line| !switched_off(&line.key)).map(|line| found(root, file, line)).collect()
}

fn is_true(value: &str) -> bool {
    matches!(value.to_ascii_lowercase().as_str(), "true" | "1" | "yes")
}

/// `agetty --autologin NAME` in a unit or drop-in, or a login program of its own without a
/// question.
fn gettys(root: &Path, folder: &Path) -> Vec<Finding> {
    let mut findings = Vec::new();
    let units = text::entries(folder).into_iter().filter(|path| {
        let name = path.file_name().unwrap_or_default().to_string_lossy();
        ["getty", "console", "serial", "tty", "autologin"].iter().any(|part| name.contains(part))
    });
    for unit in units {
        let files: Vec<PathBuf> =
            if unit.is_dir() { text::with_ending(&unit, "conf") } else { vec![unit.clone()] };
        for file in files {
            for line in text::sections(&text::read(&file)) {
                let words: Vec<_> = line.value.split_whitespace().collect();
                let auto = |word: &&str| {
                    *word == "-a" || *word == "--autologin" || word.starts_with("--autologin=")
                };
                if line.key != "execstart" {
                    continue;
                }
                if line.value.contains("getty") && words.iter().any(auto) {
                    findings.push(found(root, &file, &line));
                } else if other_program(&unit, &words) {
                    findings.push(finding(Code::OtherLoginProgram, root, &file, &line));
                }
            }
        }
    }
    findings
}

/// Whether a getty starts something else than login, or something else stands in a getty's place.
fn other_program(unit: &Path, words: &[&str]) -> bool {
    let name = unit.file_name().unwrap_or_default().to_string_lossy();
    let is_getty = GETTYS.iter().any(|getty| name.starts_with(getty));
    let Some((program, arguments)) = words.split_first().filter(|_| is_getty) else { return false };
    if !program.rsplit('/').next().is_some_and(|program| program.ends_with("getty")) {
        return true;
    }
    let next = |at: usize| arguments.get(at + 1).copied();
    let chosen = arguments.iter().enumerate().find_map(|(at, word)| {
        match word.strip_prefix("--login-program") {
            Some("") => next(at),
            Some(value) => value.strip_prefix('='),
            None if *word == "-l" || *word == "-nl" => next(at),
            None => None,
        }
    });
    chosen.is_some_and(|program| !LOGIN.contains(&program))
}

fn found(root: &Path, file: &Path, line: &Section) -> Finding {
    finding(Code::Autologin, root, file, line)
}

fn finding(code: Code, root: &Path, file: &Path, line: &Section) -> Finding {
    let shown = text::shown(root, file);
    let finding = Finding::new(code, Level::Open, "path", shown.clone());
    finding
        .detail(format!("{shown}:{} {}={}", line.number, line.key, line.value))
        .way(format!("{}={}", line.key, line.value))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn automatic_logins_are_found_and_those_that_are_off_are_not() {
        for (name, text, line) in [
            (
                "etc/gdm3/daemon.conf",
                "[daemon]\nAutomaticLoginEnable = true\nAutomaticLogin = hanako\n",
                Some(3),
            ),
            (
                "etc/gdm3/daemon.conf",
                "[daemon]\n#  AutomaticLoginEnable = true\n#  AutomaticLogin = user1\n",
                None,
            ),
            ("etc/gdm3/daemon.conf", "[daemon]\nAutomaticLogin=hanako\n", None),
            (
                "etc/gdm3/daemon.conf",
                "[daemon]\nTimedLoginEnable=True\nTimedLogin=ward\nTimedLoginDelay=10\n",
                Some(3),
            ),
            ("etc/lightdm/lightdm.conf", "[Seat:*]\nautologin-user=ward3\n", Some(2)),
            ("etc/lightdm/lightdm.conf", "[Seat:*]\nautologin-user=\n#autologin-user=x\n", None),
            (
                "etc/lightdm/lightdm.conf.d/50-x.conf",
                "[SeatDefaults]\n[Seat:seat0]\nautologin-user = ward3\n",
                Some(3),
            ),
            ("etc/sddm.conf.d/auto.conf", "[Autologin]\nUser=ward3\nSession=plasma\n", Some(2)),
            ("etc/sddm.conf.d/auto.bak", "[Autologin]\nUser=ward3\n", None),
            (
                "etc/greetd/config.toml",
                "[default_session]\ncommand=\"x\"\n[initial_session]\nuser=\"ward\"\n",
                Some(4),
            ),
            (
                "etc/systemd/system/getty@tty1.service.d/auto.conf",
                "[Service]\nExecStart=\n\
                    ExecStart=-/sbin/agetty --autologin ward3 --noclear %I $TERM\n",
                Some(3),
            ),
            (
                "etc/systemd/system/getty@tty1.service.d/auto.conf",
                "[Service]\nExecStart=-/sbin/agetty -o '-p' %I\n",
                None,
            ),
            (
                "etc/systemd/system/serial-getty@.service",
                "[Service]\nExecStart=/sbin/agetty -a root %I\n",
                Some(2),
            ),
            (
                "etc/systemd/system/getty@.service",
                "[Service]\nExecStart=-/sbin/agetty -l /bin/bash %I\n",
                Some(2),
            ),
            (
                "etc/systemd/system/getty@tty1.service.d/a.conf",
                "[Service]\nExecStart=\nExecStart=/bin/sh\n",
                Some(3),
            ),
            (
                "etc/systemd/system/getty@.service",
                "[Service]\nExecStart=/sbin/agetty -l /bin/login %I\n",
                None,
            ),
            ("etc/systemd/system/other-tty.service", "[Service]\nExecStart=/bin/sh\n", None),
        ] {
            let root = tempfile::tempdir().unwrap();
            let path = root.path().join(name);
            std::fs::create_dir_all(path.parent().unwrap()).unwrap();
            std::fs::write(&path, text).unwrap();
            let found = look(root.path());
            let expected: Vec<_> =
                line.map(|line| format!("/{name}:{line} ")).into_iter().collect();
            assert_eq!(found.len(), expected.len(), "{name}: {text}");
            for (finding, begin) in found.iter().zip(expected) {
                assert!(
                    finding.is_open() && finding.details[0].to_string().starts_with(&begin),
                    "{finding:?}"
                );
            }
        }
    }
}
