//! Upgrade while somebody works, then removal: the administrator gets in, whatever happens.

use crate::{
    Failure,
    parts::install::{apt, no_unit_failed},
    steps::{Part, Step},
    ward::{PASSWORD, Ward},
};

pub(super) const UPGRADE: Part = Part {
    name: "upgrade",
    steps: &[
        Step { expected: "all packages are upgraded while hanako is logged in", run: upgrades },
        Step { expected: "hanako's session goes on: sudo with the new module", run: goes_on },
        Step { expected: "a new login works with the new version", run: logs_in },
    ],
};

pub(super) const PART: Part = Part {
    name: "removal, and the journal",
    steps: &[
        Step {
            expected: "the terminal's packages are removed; no login mentions them",
            run: removes,
        },
        Step {
            expected: "the administrator logs in with the password",
            run: |ward| ward.administrator_logs_in(),
        },
        Step { expected: "hanako, whose password is locked, does not get in", run: staff_refused },
        Step { expected: "purged, nothing remains but the server's keys", run: purges },
        Step { expected: "no unexpected warning in the journal", run: |ward| ward.check_journal() },
    ],
};

pub(super) const END: Part = Part {
    name: "end",
    steps: &[Step { expected: "the machine shuts down in order", run: shuts_down }],
};

fn upgrades(ward: &mut Ward) -> Result<String, Failure> {
    ward.login("hanako")?;
    ward.ok("sed -i s,/repository,/upgrade, /etc/apt/sources.list.d/wardkey.list")?;
    apt(ward, "update")?;
    let said = apt(ward, "dist-upgrade")?;
    let versions = ward.ok(
        "dpkg-query -W -f '${Package} ${Version} ${db:Status-Status}\n' 'wardkey-*' libpam-fido",
    )?;
    let all = versions.lines().all(|line| line.ends_with("+next1 installed"));
    Failure::unless(all, || format!("{versions}\n{said}"))?;
    no_unit_failed(ward)?;
    ward.until("the agent to answer", "wardkey status --json")?;
    ward.ok("grep -q pam_fido /etc/pam.d/common-auth && grep -q admin /etc/wardkey/pam.toml")?;
    Ok(versions)
}

fn goes_on(ward: &mut Ward) -> Result<String, Failure> {
    ward.until("the key to be seen again", "wardkey status --json | grep -q '\"keys\":1'")?;
    ward.sudo_in_shell()?;
    ward.logout("hanako")?;
    Ok(String::new())
}

fn logs_in(ward: &mut Ward) -> Result<String, Failure> {
    let question = ward.login("hanako")?;
    ward.logout("hanako")?;
    Ok(question)
}

fn removes(ward: &mut Ward) -> Result<String, Failure> {
    apt(ward, "remove wardkey-terminal libpam-fido wardkey-agent wardkey-server")?;
    ward.ok("! grep -r pam_fido /etc/pam.d")?;
    no_unit_failed(ward)?;
    ward.ok("cat /etc/pam.d/common-auth | grep -v '^#' | grep .")
}

fn staff_refused(ward: &mut Ward) -> Result<String, Failure> {
    ward.fresh_login()?;
    ward.type_line("hanako")?;
    ward.until_seen("Password:")?;
    ward.type_line(PASSWORD)?;
    ward.until_seen("Login incorrect").map(|_| "Login incorrect".into())
}

fn purges(ward: &mut Ward) -> Result<String, Failure> {
    apt(ward, "purge wardkey-terminal libpam-fido wardkey-agent wardkey-server")?;
    no_unit_failed(ward)?;
    ward.ok(
        "! ls -d /var/lib/wardkey /var/lib/wardkey-marks /etc/wardkey/anchor.toml /run/wardkey \
         2>/dev/null",
    )?;
    ward.ok("ls /var/lib/wardkey-server")
}

fn shuts_down(ward: &mut Ward) -> Result<String, Failure> {
    ward.take_machine()?.power_off()?;
    Ok(String::new())
}
