//! `wardkey enable` and `wardkey disable`: Debian's own pam-auth-update, in a ward, and logins
//! through what it writes.

use std::fs::File;
use std::io::{Read, Write};
use std::os::fd::OwnedFd;
use std::path::Path;
use std::process::{Command, Output};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use rustix::pty::{self, OpenptFlags};
use serde_json::Value;
use wardkey_core::id::SigningPublicKey;
use wardkey_core::token::JoinToken;
use wardkey_e2e::process::{run, wait_for};
use wardkey_e2e::terminal::text;
use wardkey_e2e::{PIN, Ward, audit, paths};

use super::profile::{SERVICE, enable, files, json, login, profile, ready, remembered};

#[test]
fn enabled_after_a_test_login_kept_by_a_confirmation_and_disabled_again() {
    let ward = ready();
    let before = files();
    assert_eq!(profile(&ward)["state"], "disabled");
    let output = enable(&ward);
    let told = json(&output);
    assert!(output.status.success(), "{told}");
    assert_eq!(
        (&told["enabled"], &told["confirmed"], &told["person"]),
        (&true.into(), &false.into(), &"hanako".into())
    );
    assert_eq!(told["ways_in"], serde_json::json!(["localadmin"]));
    let state = profile(&ward);
    assert_eq!(state["state"], "unconfirmed");
    assert_eq!(state["confirm_before"], told["confirm_before"]);
    // What the administrator is asked to try.
    login("hanako", PIN).expect_in();
    login("localadmin", "emergency").expect_in();
    // The test login, whose records are in the file by now, gave libpam nothing to complain of.
    audit::wait_for_records("login", 2);
    let complaints: Vec<_> =
        audit::lines().into_iter().filter(|line| line.contains(" PAM ")).collect();
    assert!(complaints.is_empty(), "{complaints:#?}");
    // Again while it waits is refused, and changes nothing.
    assert_eq!(json(&enable(&ward))["error"]["code"], "WK-1516");
    let confirmed = ward.terminal.wardkey(&["enable", "--confirm", "--json"]);
    assert_eq!(
        json(&confirmed),
        serde_json::json!({"enabled": true, "confirmed": true, "changed": true})
    );
    let kept = profile(&ward);
    assert_eq!(
        (&kept["state"], &kept["enabled"], &kept["confirm_before"]),
        (&"enabled".into(), &true.into(), &Value::Null)
    );
    assert_eq!(kept["ways_in_open"], 0, "{kept}");
    assert!(!Path::new("/var/lib/wardkey-enable/pending").exists());
    // The timer's command finds nothing to undo.
    assert!(ward.terminal.wardkey(&["disable", "--unconfirmed"]).status.success());
    assert_eq!(profile(&ward)["state"], "enabled");
    assert_eq!(json(&enable(&ward))["changed"], false);
    // Another deployment is not joined while staff depend on this one.
    let other = JoinToken::make([2; 10], &SigningPublicKey::new([3; 32])).unwrap().1;
    let join = ["--json", "join", "--server", "https://s", "--token", &other, "--replace"];
    assert_eq!(json(&ward.terminal.wardkey(&join))["error"]["code"], "WK-1606");
    for changed in [true, false] {
        let disabled = ward.terminal.wardkey(&["disable", "--json"]);
        assert!(disabled.status.success());
        assert_eq!(json(&disabled)["changed"], changed);
        assert_eq!(files(), before);
        assert_eq!(profile(&ward)["state"], "disabled");
    }
}

/// A profile above ours lets staff in by another password: named, and nothing is enabled, whoever
/// was first.
#[test]
fn while_a_person_could_get_in_without_a_key_nothing_stays_enabled() {
    let ward = ready();
    let modules = "/usr/lib/x86_64-linux-gnu/security";
    std::fs::copy(format!("{modules}/pam_unix.so"), format!("{modules}/pam_krb5.so")).unwrap();
    let above = "Name: Above\nDefault: yes\nPriority: 5000\nAuth-Type: Primary\n\
        Auth:\n\t[success=end default=ignore]\tpam_krb5.so\n";
    std::fs::write("/usr/share/pam-configs/above", above).unwrap();
    run(
        Command::new("pam-auth-update").arg("--package").env("DEBIAN_FRONTEND", "noninteractive"),
        true,
    );
    let before = files();
    let output = enable(&ward);
    let told = json(&output);
    assert_eq!(
        (output.status.code(), &told["error"]["code"]),
        (Some(1), &"WK-1607".into()),
        "{told}"
    );
    let named = told["error"]["findings"].as_array().unwrap();
    let common = named.iter().find(|finding| finding["subject"] == SERVICE).unwrap();
    assert_eq!(common["code"], "WK-1608", "{common}");
    assert!(common["details"].to_string().contains("/etc/pam.d/common-auth:"), "{common}");
    assert_eq!((files(), profile(&ward)["state"].as_str()), (before, Some("disabled")));
    assert!(!Path::new("/var/lib/wardkey-enable/pending").exists());
    // Gone, nothing stands in the way.
    std::fs::remove_file("/usr/share/pam-configs/above").unwrap();
    run(
        Command::new("pam-auth-update")
            .args(["--package", "--remove", "above"])
            .env("DEBIAN_FRONTEND", "noninteractive"),
        true,
    );
    assert!(enable(&ward).status.success());
    assert!(ward.terminal.wardkey(&["enable", "--confirm", "--json"]).status.success());
    // It comes back later, as a package may years after: status and the doctor say so.
    std::fs::write("/usr/share/pam-configs/above", above).unwrap();
    run(
        Command::new("pam-auth-update").arg("--package").env("DEBIAN_FRONTEND", "noninteractive"),
        true,
    );
    assert!(profile(&ward)["ways_in_open"].as_u64().unwrap() > 0);
    assert_eq!(ward.terminal.wardkey(&["doctor", "--record"]).status.code(), Some(1));
    audit::wait_for_records("way-in", 1);
}

#[test]
fn nothing_is_changed_unless_everything_is_right() {
    let mut ward = ready();
    let before = (files(), remembered());
    let refused = |output: &Output, code: &str, detail: &str| {
        let told = json(output);
        assert_eq!(told["error"]["code"], code, "{told}");
        assert!(told.to_string().contains(detail), "{told} lacks {detail}");
        assert_eq!((files(), remembered()), before, "{code}");
        assert!(!Path::new("/var/lib/wardkey-enable/pending").exists(), "{code}");
        let status = if matches!(code, "WK-1301" | "WK-1308") { 3 } else { 1 };
        assert_eq!(output.status.code(), Some(status), "{code}");
    };
    let attempt = |ward: &Ward, user: &str, pin: &str| {
        ward.terminal.wardkey_with(&["enable", "--json"], &format!("{user}\n{pin}\n"))
    };
    for command in ["enable", "disable"] {
        let wardkey = paths::binary("wardkey");
        let mut as_hanako = Command::new("setpriv");
        as_hanako.args(["--reuid", "2001", "--regid", "2001", "--clear-groups", "--"]).arg(wardkey);
        refused(&run(as_hanako.args([command, "--json"]), false), "WK-1513", "sudo");
    }
    refused(&attempt(&ward, "hanako", "000000"), "WK-1602", "PAM_AUTH_ERR");
    refused(&attempt(&ward, "taro", PIN), "WK-1602", "");
    refused(&attempt(&ward, "localadmin", "emergency"), "WK-1602", "left alone");
    refused(&ward.terminal.wardkey_with(&["enable", "--json"], ""), "WK-1211", "");
    // Nobody else could get in.
    run(Command::new("gpasswd").args(["-d", "localadmin", "sudo"]), true);
    refused(&attempt(&ward, "hanako", PIN), "WK-1603", "localadmin: is not in the group sudo");
    run(Command::new("usermod").args(["-a", "-G", "sudo", "localadmin"]), true);
    run(Command::new("usermod").args(["-L", "localadmin"]), true);
    refused(&attempt(&ward, "hanako", PIN), "WK-1603", "localadmin: is locked");
    run(Command::new("usermod").args(["-U", "localadmin"]), true);
    ward.server.add_person("localadmin", "Local Admin", "en");
    ward.terminal.sync();
    refused(&attempt(&ward, "hanako", PIN), "WK-1308", "localadmin is a person of the directory");
    ward.server.admin(&["person", "delete", "localadmin", "--reason", "test"]);
    ward.terminal.sync();
    // Configuration, files of the packages.
    wardkey_e2e::Terminal::configure_module("nouserok = 1\n");
    let told = attempt(&ward, "hanako", PIN);
    refused(&told, "WK-1308", "unknown key");
    assert_eq!(json(&told)["error"]["problems"][0]["line"], 2, "{}", json(&told));
    wardkey_e2e::Terminal::configure_module("");
    let test = "/usr/share/wardkey/pam.d/wardkey-test";
    std::fs::copy(test, "/tmp/wardkey-test").unwrap();
    std::fs::remove_file(test).unwrap();
    refused(&attempt(&ward, "hanako", PIN), "WK-1601", "there is no such file");
    std::fs::copy("/tmp/wardkey-test", test).unwrap();
    let module = "/usr/lib/x86_64-linux-gnu/security/pam_fido.so";
    std::fs::copy(module, "/tmp/pam_fido.so").unwrap();
    std::fs::remove_file(module).unwrap();
    refused(&attempt(&ward, "hanako", PIN), "WK-1602", "PAM_MODULE_UNKNOWN");
    // What stands in its place says nobody's name.
    std::fs::copy("/usr/lib/x86_64-linux-gnu/security/pam_permit.so", module).unwrap();
    refused(&attempt(&ward, "hanako", PIN), "WK-1602", "PAM_SUCCESS");
    std::fs::copy("/tmp/pam_fido.so", module).unwrap();
    // The agent.
    ward.terminal.kill_agent();
    refused(&attempt(&ward, "hanako", PIN), "WK-1301", "");
    assert!(ward.terminal.wardkey(&["disable"]).status.success(), "disabling needs no agent");
    ward.terminal.start_agent();
    ward.terminal.wait_synced();
    // An edit by hand is neither lost nor worked around.
    let edited = files()[0].replace(
        "pam_unix.so",
        "pam_unix.so\nauth optional pam_echo.so by hand\nauth optional pam_unix.so",
    );
    std::fs::write("/etc/pam.d/common-auth", &edited).unwrap();
    let output = attempt(&ward, "hanako", PIN);
    assert_eq!(json(&output)["error"]["code"], "WK-1604", "{}", json(&output));
    assert_eq!(files()[0], edited);
    std::fs::write("/etc/pam.d/common-auth", &before.0[0]).unwrap();
    assert!(attempt(&ward, "hanako", PIN).status.success(), "all of it mended");
}

#[test]
fn an_enabling_that_was_overtaken_by_another_changes_nothing() {
    let ward = ready();
    // It waits for the user name of the test login.
    let mut slow = Command::new(paths::binary("wardkey"))
        .args(["enable", "--json"])
        .env("LANG", "en_US.UTF-8")
        .stdin(std::process::Stdio::piped())
        .stdout(std::process::Stdio::piped())
        .stderr(std::process::Stdio::piped())
        .spawn()
        .unwrap();
    // What it says before, it says after it has looked how things are.
    assert!(slow.stderr.as_mut().unwrap().read(&mut [0; 16]).unwrap() > 0, "it ended");
    assert!(enable(&ward).status.success());
    assert!(ward.terminal.wardkey(&["enable", "--confirm"]).status.success());
    let enabled = (files(), remembered());
    slow.stdin.take().unwrap().write_all(format!("hanako\n{PIN}\n").as_bytes()).unwrap();
    let output = slow.wait_with_output().unwrap();
    assert_eq!(json(&output)["error"]["code"], "WK-1516", "{}", json(&output));
    assert_eq!((files(), remembered()), enabled);
    assert_eq!(profile(&ward)["state"], "enabled");
    assert!(!Path::new("/var/lib/wardkey-enable/pending").exists());
    assert!(ward.terminal.wardkey(&["disable"]).status.success());
}

/// `wardkey enable` on a terminal of its own.
struct Sitting {
    master: Option<OwnedFd>,
    shown: Arc<Mutex<String>>,
    child: std::process::Child,
}

impl Sitting {
    fn begin() -> Self {
        let master = pty::openpt(OpenptFlags::RDWR | OpenptFlags::NOCTTY).unwrap();
        pty::grantpt(&master).unwrap();
        pty::unlockpt(&master).unwrap();
        let name = pty::ptsname(&master, Vec::new()).unwrap();
        let slave = File::options().read(true).write(true).open(name.to_str().unwrap()).unwrap();
        // The terminal is its controlling one, as for a shell: Ctrl-C and hanging up are signals.
        let child = Command::new("setsid")
            .args(["--ctty", "--"])
            .arg(paths::binary("wardkey"))
            .args(["enable", "--lang", "en"])
            .stdin(slave.try_clone().unwrap())
            .stdout(slave.try_clone().unwrap())
            .stderr(slave)
            .spawn()
            .unwrap();
        let shown: Arc<Mutex<String>> = Arc::default();
        let (mut reader, seen) = (File::from(master.try_clone().unwrap()), shown.clone());
        std::thread::spawn(move || {
            let mut bytes = [0; 1024];
            while let Ok(count @ 1..) = reader.read(&mut bytes) {
                seen.lock().unwrap().push_str(&text(&bytes[..count]));
            }
        });
        Self { master: Some(master), shown, child }
    }

    /// Waits for a question, and types.
    fn at(&mut self, question: &str, typed: &str) {
        wait_for(question, Duration::from_secs(60), || {
            let mut shown = self.shown.lock().unwrap();
            (shown.contains(question) && shown.ends_with(": ")).then(|| shown.clear())
        });
        let mut keyboard = File::from(self.master.as_ref().unwrap().try_clone().unwrap());
        keyboard.write_all(typed.as_bytes()).unwrap();
    }

    fn until_confirmation(&mut self) {
        self.at("User name: ", "hanako\n");
        self.at("PIN", &format!("{PIN}\n"));
    }

    /// Its exit status, and what it showed, when the last of that has come.
    fn end(mut self, last: &str) -> (i32, String) {
        let status = self.child.wait().unwrap();
        let shown = wait_for(last, Duration::from_secs(60), || {
            let shown = self.shown.lock().unwrap();
            shown.contains(last).then(|| shown.clone())
        });
        (status.code().unwrap_or(-1), shown)
    }
}

const CONFIRM: &str = "type yes: ";

#[test]
fn at_a_terminal_yes_keeps_it_and_anything_else_undoes_it_at_once() {
    let ward = ready();
    let before = files();
    // Ctrl-C at the confirmation.
    let mut sitting = Sitting::begin();
    sitting.until_confirmation();
    sitting.at(CONFIRM, "no\n");
    sitting.at(CONFIRM, "\x03");
    let (code, shown) = sitting.end("(WK-1605)");
    assert_eq!(code, 1, "{shown}");
    assert!(!shown.contains(PIN), "{shown}");
    assert_eq!(files(), before);
    // The terminal goes away.
    let mut sitting = Sitting::begin();
    sitting.until_confirmation();
    wait_for("the profile", Duration::from_secs(60), || {
        (profile(&ward)["enabled"] == true).then_some(())
    });
    let shown = sitting.shown.clone();
    wait_for("the question", Duration::from_secs(60), || {
        shown.lock().unwrap().ends_with(CONFIRM).then_some(())
    });
    drop(sitting.master.take());
    run(Command::new("kill").args(["-HUP", &sitting.child.id().to_string()]), true);
    assert_eq!(sitting.child.wait().unwrap().code(), Some(1));
    assert_eq!(files(), before);
    // Yes.
    let mut sitting = Sitting::begin();
    sitting.until_confirmation();
    sitting.at(CONFIRM, "yes\n");
    let (code, shown) = sitting.end("Logins with keys are enabled.");
    assert_eq!((code, profile(&ward)["state"].as_str()), (0, Some("enabled")), "{shown}");
}
