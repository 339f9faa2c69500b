//! What nobody confirmed is undone, and `wardkey disable`.

use std::path::Path;
use std::process::Command;
use std::time::{Duration, Instant};

use serde_json::Value;
use wardkey_e2e::PIN;
use wardkey_e2e::process::{run, wait_for};
use wardkey_e2e::terminal::text;

use super::profile::{enable, files, json, login, profile, ready, remembered};

/// As after a restart: another boot than the one in which it was enabled.
fn as_after_a_restart() {
    let path = "/var/lib/wardkey-enable/pending/state.json";
    let mut state: Value = serde_json::from_str(&std::fs::read_to_string(path).unwrap()).unwrap();
    state["boot"] = "another".into();
    std::fs::write(path, state.to_string()).unwrap();
}

#[test]
fn what_nobody_confirmed_is_undone_after_a_restart() {
    let ward = ready();
    let before = (files(), remembered());
    let enabled = enable(&ward);
    assert!(enabled.status.success(), "{}", json(&enabled));
    // Before its time the unit does nothing.
    let early = ward.terminal.wardkey(&["disable", "--unconfirmed", "--json"]);
    assert_eq!(json(&early)["changed"], false);
    assert_eq!(profile(&ward)["state"], "unconfirmed");
    // Somebody edits a file, and the power fails.
    let edited = format!("{}# by hand\n", files()[0]);
    std::fs::write("/etc/pam.d/common-auth", &edited).unwrap();
    as_after_a_restart();
    let undone = ward.terminal.wardkey(&["disable", "--unconfirmed", "--json"]);
    let undone = json(&undone);
    let said = ["enabled", "confirmed", "changed"].map(|what| undone[what].as_bool());
    assert_eq!(said, [Some(false), Some(false), Some(true)], "{undone}");
    assert_eq!((files(), remembered()), before);
    assert_eq!(
        std::fs::read_to_string("/var/lib/wardkey-enable/undone/pam.d.common-auth").unwrap(),
        edited
    );
    assert!(!Path::new("/var/lib/wardkey-enable/pending").exists());
    assert!(!login("hanako", PIN).is_in(), "a key is of no use now");
    // A confirmation that comes too late undoes it, too.
    assert!(enable(&ward).status.success());
    as_after_a_restart();
    let late = ward.terminal.wardkey(&["enable", "--confirm", "--json"]);
    assert_eq!(json(&late)["error"]["code"], "WK-1605");
    assert_eq!((files(), remembered()), before);
    // pam-auth-update goes on working with what was put back.
    run(
        Command::new("pam-auth-update")
            .args(["--package"])
            .env("DEBIAN_FRONTEND", "noninteractive"),
        true,
    );
    assert_eq!(files(), before.0);
}

#[test]
fn an_undo_does_not_bring_back_what_a_package_took_away_meanwhile() {
    const MEANWHILE: &str = "/usr/share/pam-configs/meanwhile";
    let ward = ready();
    let update = |arguments: &[&str]| {
        run(
            Command::new("pam-auth-update")
                .args(arguments)
                .env("DEBIAN_FRONTEND", "noninteractive"),
            true,
        );
    };
    update(&["--package"]);
    let before = files();
    let profile_text = "Name: Meanwhile\nDefault: yes\nPriority: 300\nAuth-Type: Primary\n\
                        Auth:\n\t[success=end default=ignore]\tpam_meanwhile.so\n";
    std::fs::write(MEANWHILE, profile_text).unwrap();
    update(&["--package"]);
    assert!(files()[0].contains("pam_meanwhile.so"));
    assert!(enable(&ward).status.success());
    // What its prerm does, and dpkg after that.
    update(&["--package", "--remove", "meanwhile"]);
    std::fs::remove_file(MEANWHILE).unwrap();
    assert!(!files()[0].contains("pam_meanwhile.so"));
    as_after_a_restart();
    let undone = ward.terminal.wardkey(&["disable", "--unconfirmed", "--json"]);
    assert_eq!(json(&undone)["changed"], true, "{}", text(&undone.stderr));
    assert_eq!(files(), before);
    assert_eq!(profile(&ward)["state"], "disabled");
}

#[test]
fn an_undo_that_did_not_undo_says_so_and_is_tried_again() {
    let ward = ready();
    let before = files();
    assert!(enable(&ward).status.success());
    // The disk lost what was kept, and pam-auth-update does not touch what was edited.
    for entry in std::fs::read_dir("/var/lib/wardkey-enable/pending").unwrap().flatten() {
        std::fs::remove_file(entry.path()).unwrap();
    }
    let enabled = files();
    let edited = enabled[0].replace("# end of pam-auth-update config", "");
    assert_ne!(edited, enabled[0]);
    std::fs::write("/etc/pam.d/common-auth", edited).unwrap();
    let failed = ward.terminal.wardkey(&["disable", "--unconfirmed", "--json"]);
    assert_eq!(json(&failed)["error"]["code"], "WK-1604");
    assert!(Path::new("/var/lib/wardkey-enable/pending").exists());
    std::fs::write("/etc/pam.d/common-auth", &enabled[0]).unwrap();
    let undone = ward.terminal.wardkey(&["disable", "--unconfirmed", "--json"]);
    assert_eq!(json(&undone)["changed"], true, "{}", text(&undone.stderr));
    assert_eq!(files(), before);
    assert!(!Path::new("/var/lib/wardkey-enable/pending").exists());
}

#[test]
fn what_nobody_confirmed_is_undone_after_two_minutes_though_the_terminal_is_gone() {
    let ward = ready();
    let before = (files(), remembered());
    let begun = Instant::now();
    assert!(enable(&ward).status.success());
    // The command has ended, as it does with its terminal.
    std::thread::sleep(Duration::from_secs(100).saturating_sub(begun.elapsed()));
    assert_eq!(profile(&ward)["state"], "unconfirmed");
    wait_for("the undoing", Duration::from_secs(90), || {
        (profile(&ward)["state"] == "disabled"
            && !Path::new("/var/lib/wardkey-enable/pending").exists())
        .then_some(())
    });
    assert!(begun.elapsed() > Duration::from_secs(119), "{:?}", begun.elapsed());
    assert_eq!((files(), remembered()), before);
}

#[test]
fn disabling_works_whatever_is_broken() {
    let mut ward = ready();
    let before = files();
    assert!(enable(&ward).status.success());
    assert!(ward.terminal.wardkey(&["enable", "--confirm"]).status.success());
    ward.terminal.kill_agent();
    ward.terminal.stop_key();
    std::fs::remove_file("/usr/lib/x86_64-linux-gnu/security/pam_fido.so").unwrap();
    std::fs::remove_file("/usr/share/pam-configs/wardkey").unwrap();
    std::fs::write("/etc/wardkey/pam.toml", "nonsense").unwrap();
    std::fs::remove_dir_all("/etc/wardkey").unwrap();
    let output = ward.terminal.wardkey(&["disable", "--json"]);
    assert_eq!(json(&output)["changed"], true, "{}", text(&output.stderr));
    assert_eq!(files(), before);
}
