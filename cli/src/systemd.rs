//! systemd, where it runs.

use std::path::Path;
use std::process::{Command, Stdio};

/// Whether it runs this machine.
pub(crate) fn is_running() -> bool {
    Path::new("/run/systemd/system").is_dir()
}

/// Whether systemctl did what it was asked for.
pub(crate) fn systemctl(arguments: &[&str]) -> bool {
    let mut command = Command::new("/usr/bin/systemctl");
    command
        .args(arguments)
        .env_clear()
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(Stdio::null());
    command.status().is_ok_and(|status| status.success())
}
