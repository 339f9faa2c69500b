//! A folder of service files made of the distribution's own modules.

use std::fs;
use std::path::Path;

use tempfile::TempDir;

/// The services, each a file. `pam_exec` with `stdout` sends what the command prints as information
/// texts, and with `expose_authtok` asks for a password and hands it to the command.
const SERVICES: [(&str, &str); 7] = [
    ("permit", "auth required pam_permit.so\naccount required pam_permit.so\n"),
    ("deny", "auth required pam_deny.so\naccount required pam_permit.so\n"),
    ("noaccount", "auth required pam_permit.so\naccount required pam_deny.so\n"),
    ("delay", "auth required pam_faildelay.so delay=60000000\nauth required pam_deny.so\n"),
    ("unix", "auth required pam_unix.so\naccount required pam_permit.so\n"),
    (
        "info",
        "auth required pam_exec.so stdout /bin/echo touch the key\n\
            account required pam_permit.so\n",
    ),
    (
        "pin",
        "auth required pam_exec.so quiet expose_authtok /usr/bin/grep -qxz 1234\n\
         auth optional pam_exec.so quiet stdout /bin/echo after\n\
         account required pam_permit.so\n",
    ),
];

/// Writes the services; they go with the returned value.
pub fn services() -> TempDir {
    let folder = tempfile::tempdir().unwrap();
    for (name, text) in SERVICES {
        write(folder.path(), name, text);
    }
    folder
}

/// Adds one service.
pub fn write(folder: &Path, name: &str, text: &str) {
    fs::write(folder.join(name), text).unwrap();
}
