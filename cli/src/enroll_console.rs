//! The unit of the enrollment console, as it stands on this machine. Anybody may look.

mod account;

use std::path::{Path, PathBuf};

use crate::systemd::{self, systemctl};

pub(crate) use account::{ACCOUNT, problems};

/// The virtual terminal. Those below are for logins, for display managers, which take the next
/// free one, and for systemd's debug shell; above is none that a key shows.
pub(crate) const TTY: &str = "tty12";
/// The unit.
pub(crate) const UNIT: &str = "wardkey-enroll.service";
/// The unit, in the package.
pub(crate) const FILE: &str = "usr/lib/systemd/system/wardkey-enroll.service";
/// The link that has it started with the machine.
pub(crate) const LINK: &str = "etc/systemd/system/multi-user.target.wants/wardkey-enroll.service";

/// Folders of units, but that of packages (systemd.unit(5)).
const FOLDERS: [&str; 10] = [
    "etc/systemd/system.control",
    "run/systemd/system.control",
    "run/systemd/transient",
    "run/systemd/generator.early",
    "etc/systemd/system",
    "etc/systemd/system.attached",
    "run/systemd/system",
    "run/systemd/generator",
    "run/systemd/generator.late",
    "usr/local/lib/systemd/system",
];
/// That of packages, ours among them.
const PACKAGES: &str = "usr/lib/systemd/system";
/// Drop-ins for it, for all units whose names begin like it, and for all services.
const DROPINS: [&str; 3] = ["wardkey-enroll.service.d", "wardkey-.service.d", "service.d"];

/// Whether the package has the unit.
pub(crate) fn is_installed(root: &Path) -> bool {
    root.join(FILE).is_file()
}

/// Links that have the console started, in every folder.
pub(crate) fn links(root: &Path) -> Vec<PathBuf> {
    let folders = FOLDERS.iter().chain([&PACKAGES]).flat_map(|folder| entries(&root.join(folder)));
    let of_units = folders.filter(|path| {
        let kinds = ["wants", "requires", "upholds"];
        path.extension().is_some_and(|found| kinds.iter().any(|kind| found == *kind))
    });
    let all = of_units.map(|folder| folder.join(UNIT));
    let mut links: Vec<PathBuf> = all.filter(|link| link.symlink_metadata().is_ok()).collect();
    links.sort();
    links
}

/// Whether it runs, also where nobody has enabled it.
pub(crate) fn runs(root: &Path) -> bool {
    systemd::runs(root) && systemctl(&["is-active", "--quiet", UNIT])
}

/// Files that stand in the place of the package's unit, or change it.
pub(crate) fn changes(root: &Path) -> Vec<PathBuf> {
    let instead = FOLDERS.iter().map(|folder| root.join(folder).join(UNIT));
    let beside = FOLDERS.iter().chain([&PACKAGES]).flat_map(|folder| {
        DROPINS.iter().flat_map(move |dropin| entries(&root.join(folder).join(dropin)))
    });
    let mut changes: Vec<PathBuf> =
        instead.chain(beside).filter(|path| path.symlink_metadata().is_ok()).collect();
    changes.sort();
    changes
}

/// What else is enabled for the virtual terminal, or has it open.
pub(crate) fn taken_by(root: &Path) -> Option<String> {
    let ending = format!("@{TTY}.service");
    let folders = FOLDERS.iter().flat_map(|folder| entries(&root.join(folder)));
    let wants = folders.filter(|path| path.is_dir()).flat_map(|folder| entries(&folder));
    let mut units = wants.map(|path| name(&path).to_owned());
    units.find(|unit| unit.ends_with(&ending)).or_else(|| holder(root))
}

/// A process that has the virtual terminal open: a display server, a log.
fn holder(root: &Path) -> Option<String> {
    let device = PathBuf::from(format!("/dev/{TTY}"));
    let has_it = |process: &PathBuf| {
        let open = entries(&process.join("fd"));
        open.iter().any(|fd| std::fs::read_link(fd).is_ok_and(|at| at == device))
    };
    let number = |path: &Path| name(path).parse::<u32>().is_ok();
    let found = entries(&root.join("proc")).into_iter().filter(|path| number(path)).find(has_it)?;
    let program = std::fs::read_to_string(found.join("comm")).unwrap_or_default();
    let program = wardkey_core::name::printable(program.trim(), 32);
    Some(format!("{program} ({})", name(&found)))
}

fn entries(folder: &Path) -> Vec<PathBuf> {
    let entries = std::fs::read_dir(folder).into_iter().flatten().flatten();
    entries.map(|entry| entry.path()).collect()
}

fn name(path: &Path) -> &str {
    path.file_name().and_then(|name| name.to_str()).unwrap_or_default()
}
