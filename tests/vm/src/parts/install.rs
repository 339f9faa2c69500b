//! From a bare Debian to a terminal whose logins ask for a key: as docs/ADMIN.md says it.

use std::time::Duration;

use crate::{
    Failure,
    console::QUESTION,
    steps::{Part, Step},
    ward::{HEAD_SECONDS, PASSWORD, PIN, Port, URL, Ward},
};

const APT: &str = "DEBIAN_FRONTEND=noninteractive apt-get -q -y";
const INSTALLING: Duration = Duration::from_secs(300);

pub(super) const PART: Part = Part {
    name: "install, join, enroll",
    steps: &[
        Step { expected: "Debian boots and no unit has failed", run: boots },
        Step {
            expected: "wardkey-server installs with apt; it does not run before init",
            run: installs_server,
        },
        Step { expected: "init makes a deployment and the server runs", run: starts_server },
        Step {
            expected: "wardkey-terminal installs with apt and changes no login",
            run: installs_terminal,
        },
        Step {
            expected: "not joined: the administrator logs in on tty1 with the password",
            run: administrator,
        },
        Step { expected: "the terminal joins with a token and has the directory", run: joins },
        Step {
            expected: "a key on /dev/uhid is seen by the agent, through sandbox and udev",
            run: plugs,
        },
        Step { expected: "hanako's key is registered with a code", run: enrolls },
        Step {
            expected: "wardkey enable on tty1: after a test login; the power fails unconfirmed",
            run: enables_in_vain,
        },
        Step { expected: "booted again, nothing asks for a key: it was undone", run: is_undone },
        Step {
            expected: "wardkey enable, confirmed: only then do logins ask for a key",
            run: enables,
        },
        Step {
            expected: "with the profile, the administrator still logs in with the password",
            run: administrator,
        },
    ],
};

fn boots(ward: &mut Ward) -> Result<String, Failure> {
    let seconds = ward.boot("")?;
    no_unit_failed(ward)?;
    let kernel = ward.ok("uname -r")?;
    Ok(format!("{seconds:.1} s, Linux {kernel}"))
}

/// Nothing that systemd started has failed.
pub(super) fn no_unit_failed(ward: &mut Ward) -> Result<(), Failure> {
    let failed = ward.ok("systemctl --failed --no-legend --plain")?;
    Failure::unless(failed.is_empty(), || format!("failed units:\n{failed}"))
}

/// `apt-get ARGUMENTS`, without questions.
pub(super) fn apt(ward: &mut Ward, arguments: &str) -> Result<String, Failure> {
    ward.machine()?.ok_within(&format!("{APT} {arguments}"), INSTALLING)
}

fn installs_server(ward: &mut Ward) -> Result<String, Failure> {
    apt(ward, "update")?;
    apt(ward, "install wardkey-server")?;
    ward.ok("! systemctl is-active wardkey-server")?;
    no_unit_failed(ward)?;
    ward.ok("dpkg-query -W -f '${Package} ${Version} ${db:Status-Status}\n' wardkey-server")
}

fn starts_server(ward: &mut Ward) -> Result<String, Failure> {
    ward.ok(&format!(
        "printf 'head_seconds = {HEAD_SECONDS}\\n\
         attestation_roots = [\"/etc/wardkey/key-maker.pem\"]\\n\
         attestation_required = true\\n' >/etc/wardkey/server.toml
         install -m 0644 /srv/payload/attestation-ca.pem /etc/wardkey/key-maker.pem"
    ))?;
    ward.server(
        "init --yes --name 'Example Hospital' --rp-id example.org \
         --server-name wardkey.example.org --scope east3 roaming",
    )?;
    ward.server(
        "person add hanako --name 'Yamada Hanako' --scope east3 --group nurses --language en",
    )?;
    // Keys come and go here beside sessions at a text console, where no locker is: these would end.
    for scope in ["east3", "roaming"] {
        ward.server(&format!(
            "scope set {scope} --on-removal nothing --idle never --longest never"
        ))?;
    }
    ward.server("person add taro --name 'Suzuki Taro' --scope east3 --language en")?;
    ward.ok("systemctl enable --now wardkey-server")?;
    ward.ok("systemctl is-active wardkey-server && ip netns exec server ss -Hltn 'sport = :8443'")
}

fn installs_terminal(ward: &mut Ward) -> Result<String, Failure> {
    let before = ward.ok("sha256sum /etc/pam.d/*")?;
    apt(ward, "install wardkey-terminal")?;
    let after = ward.ok("sha256sum /etc/pam.d/*")?;
    Failure::unless(before == after, || format!("/etc/pam.d changed:\n{before}\n{after}"))?;
    no_unit_failed(ward)?;
    ward.until("the agent to answer", "wardkey status --json")?;
    ward.ok("systemctl is-active wardkey-agent.service wardkey-agent.socket wardkey-key.socket \
            wardkey-lock.socket")?;
    let profile = ward.ok("cat /proc/$(systemctl show -P MainPID wardkey-agent)/attr/current")?;
    Failure::unless(profile.trim() == "wardkey-agent (enforce)", || {
        format!("AppArmor: {profile}")
    })?;
    ward.ok("dpkg-query -W -f '${Package} ${Version} ${db:Status-Status}\n\
        ' libpam-fido wardkey-agent wardkey-terminal")
}

fn administrator(ward: &mut Ward) -> Result<String, Failure> {
    ward.administrator_logs_in()
}

impl Ward {
    /// The local administrator logs in on tty1 with the password, and out again.
    pub(super) fn administrator_logs_in(&mut self) -> Result<String, Failure> {
        self.fresh_login()?;
        self.type_line("admin")?;
        self.until_seen("Password:")?;
        self.type_line(PASSWORD)?;
        self.until_logged_in("admin")?;
        let id = self.in_shell("id -un")?;
        self.logout("admin")?;
        Failure::unless(id == "admin", || format!("id -un: {id}"))?;
        Ok("asked for the password only".into())
    }
}

fn joins(ward: &mut Ward) -> Result<String, Failure> {
    let made = ward.server_json("token add --scope east3 roaming")?;
    let token = made["token"].as_str().unwrap_or_default().to_owned();
    Failure::unless(!token.is_empty(), || format!("no token in {made}"))?;
    ward.ok(&format!(
        "echo {token} | wardkey --lang en join --server {URL} \
         --name 'East 3, desk 1' --token-file -"
    ))?;
    ward.until("both scopes", "wardkey status --json | grep -q '\"people\":2'")?;
    ward.ok("wardkey --lang en status")
}

fn plugs(ward: &mut Ward) -> Result<String, Failure> {
    ward.plug("hanako", Port::Uhid)?;
    ward.ok("ls -l /dev/hidraw*; wardkey --lang en key info")
}

fn enrolls(ward: &mut Ward) -> Result<String, Failure> {
    let code = ward.server_json("code issue hanako")?;
    let code = code.get("code").and_then(|code| code.as_str()).unwrap_or_default().to_owned();
    ward.ok(&format!(
        "(sleep 0.1; printf '{PIN}\\n{PIN}\\n') | \
         wardkey --lang en enroll --code '{code}' --label 'blue key' \
         >/run/enroll.log 2>&1 & echo $! >/run/enroll.pid"
    ))?;
    ward.touch()?;
    ward.until("the end of wardkey enroll", "! kill -0 $(cat /run/enroll.pid) 2>/dev/null")?;
    let said = ward.ok("cat /run/enroll.log")?;
    let keys = ward.server("key list hanako")?;
    Failure::unless(keys.contains("blue key"), || format!("{said}\n{keys}"))?;
    ward.sync()?;
    Ok(keys)
}

/// `wardkey enable` typed by the administrator on tty1, up to the question for the confirmation.
fn asks_to_confirm(ward: &mut Ward) -> Result<String, Failure> {
    ward.fresh_login()?;
    ward.type_line("admin")?;
    ward.until_seen("Password:")?;
    ward.type_line(PASSWORD)?;
    ward.until_logged_in("admin")?;
    ward.ok("printf '\\033c' >/dev/tty1")?;
    ward.type_line("sudo -k wardkey --lang en enable")?;
    ward.until_seen("password for admin")?;
    ward.type_line(PASSWORD)?;
    ward.until_seen("User name:")?;
    ward.type_line("hanako")?;
    ward.until_seen(QUESTION)?;
    ward.type_line(PIN)?;
    ward.touch()?;
    ward.until_seen("When both could log in, type yes:")
}

fn enables_in_vain(ward: &mut Ward) -> Result<String, Failure> {
    ward.ok("! grep -q pam_fido /etc/pam.d/common-auth")?;
    ward.ok("printf 'local_accounts = [\"admin\"]\nlanguage = \"en\"\n' >/etc/wardkey/pam.toml
         passwd -l hanako; passwd -l taro; wardkey --lang en config check")?;
    asks_to_confirm(ward)?;
    let screen = ward.screen()?;
    ward.picture("console-enable")?;
    // All of it is on the disk, so that it is the undoing that helps.
    let lines =
        ward.ok("grep -h pam_fido /etc/pam.d/common-auth /etc/pam.d/common-account; sync")?;
    ward.take_machine()?.cut_power();
    Ok(format!("{}\n{lines}", screen.trim().lines().last().unwrap_or_default()))
}

fn is_undone(ward: &mut Ward) -> Result<String, Failure> {
    let seconds = ward.boot("")?;
    no_unit_failed(ward)?;
    ward.ok("! grep -r pam_fido /etc/pam.d/common-*")?;
    ward.until("the agent to answer", "wardkey status --json")?;
    ward.ok("wardkey status --json | grep -q '\"state\":\"disabled\"'")?;
    ward.administrator_logs_in()?;
    ward.plug("hanako", Port::Uhid)?;
    Ok(format!("{seconds:.1} s"))
}

fn enables(ward: &mut Ward) -> Result<String, Failure> {
    asks_to_confirm(ward)?;
    ward.type_line("yes")?;
    ward.until("the confirmation", "wardkey status --json | grep -q '\"state\":\"enabled\"'")?;
    ward.logout("admin")?;
    ward.ok("! systemctl is-active --quiet wardkey-undo.timer && \
         ! ls -d /var/lib/wardkey-enable/pending 2>/dev/null")?;
    ward.ok("grep -h pam_fido /etc/pam.d/common-auth /etc/pam.d/common-account")
}
