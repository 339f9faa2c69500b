//! A ward in which the profile can be enabled, and what becomes of PAM's files.

use std::path::Path;
use std::process::{Command, Output};

use serde_json::Value;
use wardkey_e2e::process::run;
use wardkey_e2e::terminal::text;
use wardkey_e2e::{Login, PIN, Ward, paths};

pub const SERVICES: [&str; 5] = [
    "common-auth",
    "common-account",
    "common-password",
    "common-session",
    "common-session-noninteractive",
];
/// A service as Debian's are: what pam-auth-update writes is included.
pub const SERVICE: &str = "ward-common";

/// A ward whose terminal has what the packages bring, and an administrator who may use sudo.
pub fn ready() -> Ward {
    let ward = Ward::ready();
    for (from, to) in [
        ("config/pam-configs/wardkey", "/usr/share/pam-configs/wardkey"),
        ("config/pam-test/wardkey-test", "/usr/share/wardkey/pam.d/wardkey-test"),
        ("config/pam-test/other", "/usr/share/wardkey/pam.d/other"),
    ] {
        std::fs::create_dir_all(Path::new(to).parent().unwrap()).unwrap();
        std::fs::copy(paths::checkout().join(from), to).unwrap();
    }
    std::fs::write(
        format!("/etc/pam.d/{SERVICE}"),
        "@include common-auth\n@include common-account\n",
    )
    .unwrap();
    run(Command::new("usermod").args(["-a", "-G", "sudo", "localadmin"]), true);
    ward
}

pub fn files() -> Vec<String> {
    SERVICES
        .iter()
        .map(|name| std::fs::read_to_string(format!("/etc/pam.d/{name}")).unwrap())
        .collect()
}

pub fn remembered() -> Vec<(String, String)> {
    let mut all: Vec<_> = std::fs::read_dir("/var/lib/pam")
        .unwrap()
        .flatten()
        .map(|entry| {
            (
                text(entry.file_name().as_encoded_bytes()),
                std::fs::read_to_string(entry.path()).unwrap(),
            )
        })
        .collect();
    all.sort();
    all
}

/// The result, or the error: the last line of standard error.
pub fn json(output: &Output) -> Value {
    let errors = text(&output.stderr);
    let error = errors.lines().last().unwrap_or_default().as_bytes();
    serde_json::from_slice(if output.stdout.is_empty() { error } else { &output.stdout })
        .unwrap_or_else(|error| panic!("{error}: {}{}", text(&output.stdout), text(&output.stderr)))
}

pub fn enable(ward: &Ward) -> Output {
    ward.terminal.wardkey_with(&["enable", "--json"], &format!("hanako\n{PIN}\n"))
}

pub fn profile(ward: &Ward) -> Value {
    ward.terminal.status()["profile"].clone()
}

/// Somebody at a login of this machine.
pub fn login(user: &str, answer: &str) -> wardkey_e2e::login::Ended {
    Login::at(SERVICE, user).answer(answer).run()
}
