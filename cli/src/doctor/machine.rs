//! What runs on the machine, and whose files they are.

use std::os::unix::fs::{FileTypeExt, MetadataExt};
use std::path::Path;
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use wardkey_core::code::Code;
use wardkey_core::message::agent::Status;
use wardkey_core::snapshot::Anchor;
use wardkey_core::time::DAY;
use wardkey_settings::files::Owner;
use wardkey_settings::pam::Settings;

use crate::files;
use crate::finding::{Finding, Level};
use crate::output::duration;
use crate::texts::{Phrase, Text};

use super::text;

/// How long a program of the machine may take to answer.
const PATIENCE: Duration = Duration::from_secs(10);
/// Longest answer that is looked at, in bytes.
const MAX_ANSWER: usize = 256 * 1024;
const UNITS: [&str; 4] =
    ["wardkey-agent.socket", "wardkey-agent.service", "wardkey-key.socket", "wardkey-lock.socket"];
const PACKAGES: [&str; 2] = ["libpam-fido", "wardkey-agent"];
/// Folders whose files decide who gets in.
const FOLDERS: [&str; 4] = ["etc/pam.d", "usr/lib/pam.d", "etc/wardkey", "usr/share/wardkey/pam.d"];

/// Whether the programs of this machine may be asked: not when another root stands for it.
pub(crate) fn is_real(root: &Path) -> bool {
    root == Path::new("/")
}

/// Asks a program; `None` when it is not there, fails, or does not come to an end.
pub(crate) fn ask(program: &str, arguments: &[&str]) -> Option<String> {
    let mut child = Command::new(program)
        .args(arguments)
        .env_clear()
        .env("PATH", "/usr/sbin:/usr/bin:/sbin:/bin")
        .env("LC_ALL", "C")
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .spawn()
        .ok()?;
    let out = child.stdout.take();
    let reader = std::thread::spawn(move || {
        use std::io::Read;
        let mut bytes = Vec::new();
        let _ = out.map(|out| out.take(MAX_ANSWER as u64).read_to_end(&mut bytes));
        bytes
    });
    let until = Instant::now() + PATIENCE;
    let status = loop {
        match child.try_wait().ok()? {
            Some(status) => break status,
            None if Instant::now() < until => std::thread::sleep(Duration::from_millis(10)),
            None => {
                let _ = child.kill();
                let _ = child.wait();
                return None;
            }
        }
    };
    let bytes = reader.join().ok()?;
    status.success().then(|| String::from_utf8_lossy(&bytes).into_owned())
}

/// Owners and modes.
pub(crate) fn owners_and_modes(root: &Path, settings: &Settings, owner: Owner) -> Vec<Finding> {
    let mut findings = Vec::new();
    for folder in FOLDERS {
        let folder = root.join(folder);
        let inside = text::entries(&folder);
        for path in std::iter::once(folder).chain(inside) {
            findings.extend(unsafe_file(root, &path, owner));
        }
    }
    for path in [&settings.anchor, &settings.marks] {
        for path in path.parent().into_iter().chain([path.as_path()]) {
            let path = root.join(path.strip_prefix("/").unwrap_or(path));
            findings.extend(unsafe_file(root, &path, owner));
        }
    }
    for path in [&settings.agent_socket, &settings.key_socket] {
        if let Some(folder) = path.parent() {
            findings.extend(unsafe_file(
                root,
                &root.join(folder.strip_prefix("/").unwrap_or(folder)),
                owner,
            ));
        }
    }
    let mut seen = std::collections::BTreeSet::new();
    findings.retain(|finding| seen.insert(finding.subject.clone()));
    findings
}

/// Whoever can write there decides who gets in.
fn unsafe_file(root: &Path, path: &Path, owner: Owner) -> Option<Finding> {
    let shown = text::shown(root, path);
    // What a link leads to, and the link's own owner.
    let link = path.symlink_metadata().ok()?;
    let metadata = path.metadata().unwrap_or(link.clone());
    if metadata.file_type().is_socket() {
        return None;
    }
    let mut wrong = Vec::new();
    for metadata in [&link, &metadata] {
        if !owner.may_own(metadata.uid()) {
            wrong.push(Text::BelongsTo.with([("uid", u64::from(metadata.uid()).into())]));
        }
        if !metadata.file_type().is_symlink() && metadata.mode() & 0o022 != 0 {
            let mode = format!("{:04o}", metadata.mode() & 0o7777);
            wrong.push(Text::ModeLetsWrite.with([("mode", mode.into())]));
        }
    }
    wrong.dedup();
    let fix = format!("chown root:root {shown} && chmod go-w {shown}");
    if wrong.is_empty() {
        return None;
    }
    let detail = Phrase::joined(wrong, "; ");
    let way = detail.to_string();
    Some(
        Finding::new(Code::UnsafeFile, Level::Open, "path", shown).detail(detail).fix(fix).way(way),
    )
}

/// Units and clock, by systemd.
pub(crate) fn services() -> Vec<Finding> {
    let mut findings = Vec::new();
    if !Path::new("/run/systemd/system").exists() {
        return findings;
    }
    for unit in UNITS {
        let state = ask("systemctl", &["show", "--property=ActiveState", "--value", unit]);
        match state.as_deref().map(str::trim) {
            Some("active") => {}
            state => findings.push(
                Finding::new(Code::UnitInactive, Level::Warning, "unit", unit)
                    .detail(state.map_or_else(
                        || Text::NoAnswerOf.with([("program", "systemctl".into())]),
                        Phrase::from,
                    ))
                    .fix(format!("systemctl enable --now {unit}")),
            ),
        }
    }
    let synchronised = ask("timedatectl", &["show", "--property=NTPSynchronized", "--value"]);
    if synchronised.as_deref().map(str::trim) != Some("yes") {
        findings.push(
            Finding::new(Code::ClockUnsynchronised, Level::Warning, "", "clock")
                .fix("timedatectl set-ntp true"),
        );
    }
    findings
}

/// Versions of the packages, and of the agent that runs.
pub(crate) fn versions(packages: &[Option<String>], agent: Option<&str>) -> Option<Finding> {
    let ours = env!("CARGO_PKG_VERSION");
    let mut known: Vec<String> =
        packages.iter().flatten().filter(|version| !version.is_empty()).cloned().collect();
    known.dedup();
    let mut wrong = Vec::new();
    if known.len() > 1 {
        wrong.push(Text::PackagesDiffer.with([("versions", known.join(", ").into())]));
    }
    if let Some(agent) = agent.filter(|agent| *agent != ours) {
        wrong.push(Text::ProgramsDiffer.with([("ours", ours.into()), ("agent", agent.into())]));
    }
    (!wrong.is_empty()).then(|| {
        let finding = Finding::new(Code::VersionsDiffer, Level::Warning, "", "versions");
        finding.detail(Phrase::joined(wrong, "; ")).fix("systemctl restart wardkey-agent.service")
    })
}

/// What dpkg has installed.
pub(crate) fn packages() -> Vec<Option<String>> {
    PACKAGES.iter().map(|name| ask("dpkg-query", &["-W", "-f=${Version}", name])).collect()
}

/// What the agent says of itself and of the directory.
pub(crate) fn agent(status: &Status, anchor: Option<&Anchor>) -> Vec<Finding> {
    let mut findings = Vec::new();
    let fits = anchor.is_some_and(|anchor| status.terminal == Some(anchor.terminal));
    if !fits {
        let agent =
            status.terminal.map_or_else(|| Text::None.into(), |id| Phrase::from(id.to_hex()));
        let ours = anchor
            .map_or_else(|| Text::None.into(), |anchor| Phrase::from(anchor.terminal.to_hex()));
        let finding = Finding::new(Code::AnchorUnfit, Level::Warning, "", "anchor");
        findings.push(
            finding
                .detail(Text::TerminalsDiffer.with([("anchor", ours), ("agent", agent)]))
                .fix("wardkey join"),
        );
    }
    let old: Vec<_> = status.scopes.iter().filter(|scope| scope.expires <= status.now).collect();
    if status.scopes.is_empty() || !old.is_empty() {
        let mut finding =
            Finding::new(Code::DirectoryOld, Level::Warning, "", "directory").fix("wardkey sync");
        for scope in old {
            let time = duration(status.now.since(scope.expires));
            let args = [("scope", scope.scope.as_str().into()), ("time", time)];
            finding = finding.detail(Text::ExpiredAgo.with(args));
        }
        findings.push(finding);
    }
    if let Some(ahead) = status.clock_ahead {
        let finding = Finding::new(Code::ClockIsAhead, Level::Warning, "", "clock");
        let detail = Text::ClockIsAhead.with([("time", duration(ahead))]);
        findings.push(finding.detail(detail).fix("timedatectl set-ntp true"));
    }
    findings
}

/// The evidence that the server's log of records contradicted what this terminal saw.
pub(crate) fn log(status: &Status, folder: &Path) -> Option<Finding> {
    status.log.as_ref().filter(|log| log.is_contradicted)?;
    let path = folder.join("log-contradicted").display().to_string();
    Some(Finding::new(Code::LogWasContradicted, Level::Warning, "path", path))
}

/// The certificate with which the agent speaks to the server, in the agent's folder. Only root can
/// look.
pub(crate) fn certificate(folder: &Path, now: u64) -> Option<Finding> {
    /// The agent renews it after half of its life; so little left means that it cannot.
    const SOON: u64 = 14 * DAY;
    std::fs::read_dir(folder).ok()?;
    let path = folder.join("terminal.pem");
    let finding = |text: Text, days: u64| {
        let detail =
            text.with([("path", path.display().to_string().into()), ("count", days.into())]);
        Some(Finding::new(Code::CertificateEnds, Level::Warning, "", "certificate").detail(detail))
    };
    // The folder is the agent's: it may not send root anywhere else.
    let pem = files::read(&path, 64 * 1024).ok().flatten().unwrap_or_default();
    match super::certificate::not_after(&String::from_utf8_lossy(&pem)) {
        None => finding(Text::CertificateUnreadable, 0),
        Some(end) if end <= now => finding(Text::CertificateEnded, (now - end) / DAY),
        Some(end) if end - now < SOON => finding(Text::CertificateEnds, (end - now) / DAY),
        Some(_) => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::os::unix::fs::PermissionsExt;

    #[test]
    fn files_that_others_can_write_are_found() {
        let root = tempfile::tempdir().unwrap();
        let path = |name: &str| root.path().join(name);
        std::fs::create_dir_all(path("etc/pam.d")).unwrap();
        std::fs::create_dir_all(path("etc/wardkey")).unwrap();
        for name in ["etc/pam.d/login", "etc/pam.d/su", "etc/wardkey/pam.toml"] {
            std::fs::write(path(name), "").unwrap();
            std::fs::set_permissions(path(name), PermissionsExt::from_mode(0o644)).unwrap();
        }
        for name in ["etc/pam.d", "etc/wardkey"] {
            std::fs::set_permissions(path(name), PermissionsExt::from_mode(0o755)).unwrap();
        }
        let found = || -> Vec<String> {
            owners_and_modes(root.path(), &Settings::default(), Owner::current())
                .into_iter()
                .map(|finding| finding.subject)
                .collect()
        };
        assert!(found().is_empty());
        std::fs::set_permissions(path("etc/pam.d/su"), PermissionsExt::from_mode(0o664)).unwrap();
        std::fs::set_permissions(path("etc/wardkey"), PermissionsExt::from_mode(0o777)).unwrap();
        assert_eq!(found(), ["/etc/pam.d/su", "/etc/wardkey"]);
        std::fs::set_permissions(path("etc/wardkey"), PermissionsExt::from_mode(0o755)).unwrap();
        std::fs::remove_file(path("etc/pam.d/su")).unwrap();
        std::fs::write(path("elsewhere"), "").unwrap();
        std::fs::set_permissions(path("elsewhere"), PermissionsExt::from_mode(0o666)).unwrap();
        std::os::unix::fs::symlink(path("elsewhere"), path("etc/pam.d/su")).unwrap();
        assert_eq!(found(), ["/etc/pam.d/su"], "what a link leads to");
    }

    #[test]
    fn versions_that_differ_are_told() {
        let ours = env!("CARGO_PKG_VERSION");
        let some = |version: &str| Some(version.to_owned());
        assert_eq!(versions(&[None, None], None), None);
        assert_eq!(versions(&[some("1-1"), some("1-1")], Some(ours)), None);
        assert!(versions(&[some("1-1"), some("2-1")], Some(ours)).is_some());
        assert!(versions(&[some("1-1")], Some("0.0.1")).is_some());
    }

    #[test]
    fn programs_that_hang_or_fail_are_no_answer() {
        assert_eq!(ask("echo", &["x"]).as_deref(), Some("x\n"));
        assert_eq!(ask("false", &[]), None);
        assert_eq!(ask("wardkey-no-such-program", &[]), None);
    }
}
