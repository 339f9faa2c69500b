//! The account phase of a transaction that nobody logged in with, and waits that end.

use std::io::Write;
use std::path::Path;
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use wardkey_e2e::process::{run, wait_for};
use wardkey_e2e::terminal::text;
use wardkey_e2e::{Login, PIN, Terminal, Ward};

/// A service whose auth part does not ask for the key.
fn service(name: &str) {
    let lines = "auth required pam_permit.so\n\
                 account [success=2 user_unknown=2 module_unknown=ignore default=die] pam_fido.so\n\
                 account [success=1 default=ignore] pam_succeed_if.so quiet uid eq 0\n\
                 account [success=ignore default=die] pam_listfile.so quiet item=user sense=allow \
                 file=/etc/wardkey/local-accounts onerr=fail\n\
                 account required pam_permit.so\n";
    std::fs::write(format!("/etc/pam.d/{name}"), lines).unwrap();
}

#[test]
fn services_that_skip_the_key_end_in_the_account_phase() {
    let ward = Ward::ready();
    let alone = |name: &str, user: &str| {
        service(name);
        Login::at(name, user).run()
    };
    for name in [
        "gdm-fingerprint",
        "gdm-autologin",
        "lightdm-autologin",
        "sddm-autologin",
        "kde-fingerprint",
        "mine",
    ] {
        let ended = alone(name, "hanako");
        assert_eq!(
            ended.result("acct_mgmt").as_deref(),
            Some("PAM_PERM_DENIED"),
            "{name}: {ended:#?}"
        );
        assert_eq!(ended.codes(), [1313], "{name}: {ended:#?}");
        // Whoever is left alone is left alone here, too.
        alone(name, "localadmin").expect_in();
        alone(name, "root").expect_in();
    }
    for name in ["systemd-user", "cron", "crond", "atd", "su", "su-l", "runuser", "runuser-l"] {
        alone(name, "hanako").expect_in();
        // An account of a service that nobody listed: the words say what to do.
        assert_eq!(alone(name, "kenji").codes(), [1312], "{name}");
        service(name);
        let claimed = Login::at(name, "hanako").with(&["--uid", "2001"]).run();
        assert!(!claimed.is_in(), "{name}, as a program of her own calls itself");
    }
    // The profile's second line lets nobody go on by itself.
    let second =
        "auth [success=done default=die] pam_fido.so local\naccount required pam_permit.so\n";
    std::fs::write("/etc/pam.d/ward-second", second).unwrap();
    for user in ["hanako", "localadmin", "root"] {
        assert!(!Login::at("ward-second", user).run().is_in(), "{user}");
    }
    // Nobody says whose sudo it is.
    assert_eq!(alone("sudo", "hanako").codes(), [1313]);
    ward.server.admin(&["person", "disable", "hanako", "--reason", "test"]);
    ward.terminal.sync();
    assert_eq!(alone("cron", "hanako").codes(), [1002]);
}

#[test]
fn sudo_remembers_and_does_not_wait_in_silence() {
    let ward = Ward::ready();
    Terminal::configure_module("key_wait_seconds = 30\n");
    std::fs::write(
        "/etc/sudoers.d/ward",
        "hanako ALL=(ALL:ALL) ALL\nDefaults noninteractive_auth\nDefaults timestamp_type=global\n",
    )
    .unwrap();
    run(Command::new("chmod").args(["0440", "/etc/sudoers.d/ward"]), true);
    let sudo = |options: &str, input: &str| {
        let began = Instant::now();
        let mut child = Command::new("setpriv")
            .args([
                "--reuid",
                "2001",
                "--regid",
                "2001",
                "--init-groups",
                "sh",
                "-c",
                &format!("exec sudo {options} id -u"),
            ])
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        child.stdin.take().unwrap().write_all(input.as_bytes()).unwrap();
        (child.wait_with_output().unwrap(), began.elapsed())
    };
    let key = format!("{PIN}\n");
    let (output, _) = sudo("-S -k", &key);
    assert_eq!(text(&output.stdout), "0\n", "{output:?}");
    // Within its time stamp it asks for the account phase only.
    let (output, _) = sudo("-S", &key);
    assert_eq!(text(&output.stdout), "0\n", "{output:?}");
    let (output, _) = sudo("-n", "");
    assert_eq!(text(&output.stdout), "0\n", "{output:?}");

    // Without a key: asked for by a question, and not waited for where nobody answers.
    ward.terminal.unplug();
    let (output, took) = sudo("-n -k", "");
    assert!(!output.status.success() && took < Duration::from_secs(25), "{took:?} {output:?}");
    let (output, took) = sudo("-S -k", "");
    assert!(
        text(&output.stderr).contains("nsert your security key")
            || text(&output.stderr).contains("差し込み"),
        "{output:?}"
    );
    assert!(!output.status.success() && took < Duration::from_secs(25), "{took:?} {output:?}");
    let options = ["--silent", "--wait-file", "/tmp/plugged"];
    let silent = Login::of("hanako").answers(&["", PIN]).with(&options).start();
    wait_for("the question", Duration::from_secs(60), || {
        Path::new("/tmp/plugged.asked").exists().then_some(())
    });
    ward.terminal.plug(&ward.key);
    std::fs::write("/tmp/plugged", "").unwrap();
    assert_eq!(silent.end().expect_in().secret_prompts().len(), 2);
}
