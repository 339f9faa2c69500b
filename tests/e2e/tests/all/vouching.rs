//! The key is at home, and nobody at the desk: a colleague vouches at the terminal.

use std::time::Duration;

use serde_json::Value;
use wardkey_core::code::{Code, Notice, Prompt};
use wardkey_e2e::login::Ended;
use wardkey_e2e::process::wait_for;
use wardkey_e2e::terminal::SERVICE;
use wardkey_e2e::{Login, PIN, SoftKey, Ward, audit};

/// What hanako chooses.
const CODE: &str = "804153";

/// A ward whose nurses may vouch twice a month; hanako's key is at home, and taro has his.
fn with_colleague() -> (Ward, SoftKey) {
    let ward = Ward::ready();
    let rules = ["--vouch-groups", "nurses", "--vouch-per-month", "2", "--vouch-longest", "4h"];
    ward.server.admin(&[&["scope", "set", "ward3"][..], &rules].concat());
    ward.server.add_person("taro", "Demo Taro", "en");
    let taro = SoftKey::start("taro");
    ward.terminal.unplug();
    ward.terminal.plug(&taro);
    ward.terminal.enroll(&ward.server, "taro");
    ward.terminal.unplug();
    (ward, taro)
}

/// hanako asks taro, who plugs his key in when he is asked for it.
fn vouch(ward: &Ward, taro: &SoftKey, service: &str) -> Ended {
    let typed = ["0", CODE, CODE, "key at home", "taro", "hanako", PIN];
    let login = Login::at(service, "hanako").answers(&typed).start();
    login.wait_code(Prompt::VouchInsert);
    ward.terminal.plug(taro);
    let ended = login.end();
    ward.terminal.unplug();
    ended
}

fn by_code(code: &str) -> Ended {
    Login::of("hanako").answers(&[code]).run()
}

/// Nobody is in by it, for this reason.
fn refused_by_code(code: &str, why: Code) {
    let ended = by_code(code);
    assert!(!ended.is_in() && ended.said(why), "{why:?}: {ended:?}");
}

#[test]
fn a_colleague_lets_somebody_in_without_the_network_until_the_key_is_back() {
    let (mut ward, taro) = with_colleague();
    ward.server.kill();
    let ended = vouch(&ward, &taro, SERVICE).expect_in();
    assert!(ended.said(Notice::Vouched), "{ended:?}");
    assert_eq!(ended.env("WARDKEY_PERSON").as_deref(), Some("hanako"));

    // The colleague has gone, and his key; agent and machine begin anew.
    ward.terminal.kill_agent();
    ward.terminal.start_agent();
    let ended = by_code(CODE).expect_in();
    assert!(ended.said(Notice::VouchUsed), "{ended:?}");
    refused_by_code("804154", Code::PassWrong);
    // Never for what raises privilege.
    let sudo = Login::at("sudo", "hanako").answers(&[CODE]).run();
    assert!(!sudo.is_in() && sudo.secret_prompts().is_empty(), "{sudo:?}");

    let vouched = audit::wait_for_records("vouched", 1).remove(0);
    assert_eq!((&*vouched["person"], &*vouched["voucher"]), ("hanako", "taro"), "{vouched:?}");
    ward.server.resume();
    ward.terminal.sync();
    for name in ["vouched", "pass-login"] {
        wait_for(&format!("{name} at the server"), Duration::from_secs(60), || {
            let events = ward.server.admin_json(&["events", "list", "--name", name]);
            let is_hers = |event: &&Value| event["person"] == "hanako";
            let event = events["items"].as_array()?.iter().find(is_hers)?;
            assert_eq!(event["evidence"], "valid", "{event}");
            Some(())
        });
    }

    ward.terminal.plug(&ward.key);
    Login::of("hanako").run().expect_in();
    ward.terminal.unplug();
    // Her own key is back.
    refused_by_code(CODE, Code::PassWrong);
    let mode = std::os::unix::fs::MetadataExt::mode(
        &std::fs::metadata("/var/lib/wardkey-marks/vouches").unwrap(),
    );
    assert_eq!(mode & 0o777, 0o600);
    for log in [wardkey_e2e::process::all_logs(), audit::lines().join("\n")] {
        assert!(!log.contains(CODE), "the code is in a log");
    }
}

#[test]
fn whoever_may_no_longer_vouch_has_not_and_nobody_too_often() {
    let (ward, taro) = with_colleague();
    vouch(&ward, &taro, SERVICE).expect_in();
    ward.server.admin(&["person", "disable", "taro"]);
    ward.terminal.sync();
    refused_by_code(CODE, Code::VouchLapsed);
    ward.server.admin(&["person", "enable", "taro"]);
    ward.terminal.sync();
    vouch(&ward, &taro, SERVICE).expect_in();
    let third = vouch(&ward, &taro, SERVICE);
    assert!(!third.is_in() && third.said(Code::VouchTooOften), "{third:?}");

    // Nobody is asked where a word does not count.
    let sudo = Login::at("sudo", "hanako").answers(&["0"]).run();
    assert!(!sudo.is_in() && sudo.secret_prompts().is_empty(), "{sudo:?}");
}

/// Called to a terminal that waits for a key, people insert theirs and type the PIN.
#[test]
fn who_types_the_pin_by_habit_lets_nobody_in() {
    let (ward, taro) = with_colleague();
    let typed = ["0", CODE, CODE, "", "taro", PIN];
    let login = Login::at(SERVICE, "hanako").answers(&typed).start();
    login.wait_code(Prompt::VouchInsert);
    ward.terminal.plug(&taro);
    let ended = login.end();
    ward.terminal.unplug();
    assert!(!ended.is_in() && ended.said(Code::VouchNotMeant), "{ended:?}");
    assert!(!ended.said(Prompt::VouchPinPrompt), "{ended:?}");
    refused_by_code(CODE, Code::PassWrong);
}
