//! systemd, where it runs.

use std::os::unix::net::UnixDatagram;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

/// Whether it runs this machine.
pub(crate) fn is_running() -> bool {
    Path::new("/run/systemd/system").is_dir()
}

/// Whether it runs the machine whose files these are.
pub(crate) fn runs(root: &Path) -> bool {
    root == Path::new("/") && is_running()
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

/// Ready, for a unit with Type=notify (sd_notify(3)).
pub(crate) fn tell_ready() {
    if let Some(path) = std::env::var_os("NOTIFY_SOCKET")
        && let Ok(socket) = UnixDatagram::unbound()
    {
        // Of an abstract address nothing is heard, and the unit does not start.
        let _ = socket.send_to(b"READY=1", PathBuf::from(path));
    }
}
