//! The key is at home: a pass of the server's, its code typed at the terminal.

use std::time::Duration;

use wardkey_core::code::{Code, Notice};
use wardkey_e2e::login::Ended;
use wardkey_e2e::process::wait_for;
use wardkey_e2e::{Login, Ward, audit};

/// A ward whose scope allows passes; hanako's key is not plugged in.
fn without_key() -> Ward {
    let ward = Ward::ready();
    ward.server.admin(&["scope", "set", "ward3", "--passes", "12h"]);
    ward.terminal.unplug();
    ward
}

/// Issues a pass to hanako, which the terminal has when this returns; its code.
fn issue(ward: &Ward, more: &[&str]) -> String {
    let arguments = [&["pass", "add", "hanako", "--reason", "key at home"], more].concat();
    let issued = ward.server.admin_json(&arguments);
    ward.terminal.sync();
    issued["code"].as_str().expect("a code").to_owned()
}

fn login(code: &str) -> Ended {
    Login::of("hanako").answers(&[code]).run()
}

#[test]
fn a_nurse_without_her_key_gets_in_by_a_code_also_offline_and_after_a_restart() {
    let mut ward = without_key();
    let code = issue(&ward, &["--for", "8h"]);
    let ended = login(&code).expect_in();
    assert!(ended.said(Notice::PassUsed), "{ended:?}");
    assert_eq!(ended.env("WARDKEY_PERSON").as_deref(), Some("hanako"));
    assert_eq!(ended.secret_prompts().len(), 1);

    let record = audit::wait_for_records("pass-login", 1).remove(0);
    assert_eq!(
        [&record["person"], &record["proof"], &record["evidence"], &record["outcome"]],
        ["hanako", "temporary-code", "signed", "success"],
        "{record:?}"
    );
    // The server has verified the code's signature.
    let id = record["id"].clone();
    wait_for("the record at the server", Duration::from_secs(60), || {
        let events = ward.server.admin_json(&["events", "list", "--name", "pass-login"]);
        let found = events["items"].as_array()?.iter().find(|event| event["id"] == id.as_str())?;
        assert_eq!(found["evidence"], "valid", "{found}");
        Some(())
    });

    ward.server.kill();
    ward.terminal.kill_agent();
    ward.terminal.start_agent();
    login(&code.to_lowercase()).expect_in();
    login("ZZZZZ-ZZZZZ").expect_refused("PAM_AUTH_ERR", 1803);
    // Never for what raises privilege, and never over the network.
    let sudo = Login::at("sudo", "hanako").answers(&[&code]).run();
    assert!(!sudo.is_in() && sudo.secret_prompts().is_empty(), "{sudo:?}");
    let remote = Login::of("hanako").with(&["--rhost", "192.0.2.9"]).answers(&[&code]).run();
    assert!(!remote.is_in() && remote.secret_prompts().is_empty(), "{remote:?}");
    for log in [wardkey_e2e::process::all_logs(), audit::lines().join("\n")] {
        let plain = code.replace('-', "");
        assert!(!log.contains(&code) && !log.contains(&plain), "the code is in a log");
    }
}

#[test]
fn five_wrong_codes_make_it_void_here_whatever_becomes_of_agent_and_cache() {
    let mut ward = without_key();
    let code = issue(&ward, &[]);
    let mut pause = None;
    for tries in 1..=5 {
        let mut ended = login("ZZZZZ-ZZZZZ");
        while ended.said(Code::PassWait) {
            pause = Some(tries);
            std::thread::sleep(Duration::from_secs(2));
            ended = login("ZZZZZ-ZZZZZ");
        }
        ended.expect_refused("PAM_AUTH_ERR", 1803);
    }
    assert!(pause.is_some(), "wrong codes in a row cost time");
    let void = audit::wait_for_records("pass-void", 1).remove(0);
    assert_eq!((void["account"].as_str(), void["count"].as_str()), ("hanako", "5"), "{void:?}");

    // The agent's state is gone, as a taken-over agent could have it; root's note is not.
    ward.terminal.kill_agent();
    std::fs::remove_file("/var/lib/wardkey/state.redb").unwrap();
    ward.terminal.start_agent();
    ward.terminal.wait_synced();
    let ended = wait_for("the pause to pass", Duration::from_secs(90), || {
        let ended = login(&code);
        (!ended.said(Code::PassWait)).then_some(ended)
    });
    ended.expect_refused("PAM_AUTH_ERR", 1803);
    let mode = std::os::unix::fs::MetadataExt::mode(
        &std::fs::metadata("/var/lib/wardkey-marks/passes").unwrap(),
    );
    assert_eq!(mode & 0o777, 0o600);
}

#[test]
fn the_key_ends_it_at_once_here_and_at_the_server() {
    let ward = without_key();
    let code = issue(&ward, &[]);
    login(&code).expect_in();
    ward.terminal.plug(&ward.key);
    Login::of("hanako").run().expect_in();
    wait_for("the end at the server", Duration::from_secs(60), || {
        let pass = ward.server.admin_json(&["pass", "show", "hanako"]);
        (pass["ended_by"] == "key").then_some(())
    });
    assert_eq!(audit::wait_for_records("pass-ended", 1)[0]["person"], "hanako");
    ward.terminal.unplug();
    let ended = login(&code);
    assert!(ended.codes().contains(&1803) || ended.codes().contains(&1807), "{ended:?}");
    assert!(!ended.is_in());
}

#[test]
fn an_administrator_ends_it_and_it_is_for_one_terminal_and_one_time() {
    let ward = without_key();
    let code = issue(&ward, &["--terminal", "ward3-a"]);
    login(&code).expect_in();
    ward.server.admin(&["pass", "disable", "hanako", "--reason", "key found"]);
    ward.terminal.sync();
    login(&code).expect_refused("PAM_AUTH_ERR", 1803);

    let code = issue(&ward, &["--for", "2s"]);
    std::thread::sleep(Duration::from_secs(3));
    login(&code).expect_refused("PAM_AUTH_ERR", 1804);

    // The scope takes the way in away from everybody: nobody is asked any longer.
    let code = issue(&ward, &[]);
    ward.server.admin(&["scope", "set", "ward3", "--passes", "0"]);
    ward.terminal.sync();
    let ended = login(&code);
    assert!(!ended.is_in() && ended.secret_prompts().is_empty(), "{ended:?}");
}

#[test]
fn somebody_of_many_at_a_shared_account_types_name_and_code() {
    let ward = without_key();
    ward.server.admin(&["scope", "share", "ward3", "--scope", "ward3", "--group", "nurses"]);
    let code = issue(&ward, &[]);
    let ended = Login::of("ward3").answers(&[&format!("hanako {code}")]).run().expect_in();
    assert_eq!(ended.env("WARDKEY_PERSON").as_deref(), Some("hanako"));
    let record = audit::wait_for_records("pass-login", 1).remove(0);
    assert_eq!([&record["account"], &record["person"]], ["ward3", "hanako"], "{record:?}");
}
