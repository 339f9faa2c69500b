//! `passwd`: another PIN for the key, and a password for local accounts.

use wardkey_core::code::{Code, Notice};
use wardkey_e2e::login::Ended;
use wardkey_e2e::{Login, PIN, Ward, audit, paths, peer};

const NEW: &str = "314159";

/// A ward whose `passwd` is the example's.
fn ready() -> Ward {
    let ward = Ward::ready();
    std::fs::copy(paths::checkout().join("config/pam.d/passwd"), "/etc/pam.d/passwd").unwrap();
    ward
}

fn passwd(user: &str, answers: &[&str]) -> Ended {
    Login::at("passwd", user).with(&["--chauthtok"]).answers(answers).run()
}

/// Fails unless the change was refused with this result, and this code was shown last.
fn expect_refused(ended: &Ended, code: u16) {
    assert_eq!(ended.result("chauthtok").as_deref(), Some("PAM_AUTHTOK_ERR"), "{ended:#?}");
    assert_eq!(ended.codes().last(), Some(&code), "{ended:#?}");
}

#[test]
fn a_nurse_changes_the_pin_of_her_key_and_it_is_recorded() {
    let ward = ready();
    let ended = passwd("hanako", &[PIN, NEW, NEW]).expect_in();
    assert!(ended.said(Notice::PinChanged), "{ended:?}");
    assert_eq!(ended.secret_prompts().len(), 3);
    let record = audit::wait_for_records("pin-change", 1).remove(0);
    assert_eq!(
        [&record["person"], &record["outcome"], &record["service"], &record["code"]],
        ["hanako", "success", "passwd", "WE-33"],
        "{record:?}"
    );
    Login::of("hanako").answers(&[NEW]).run().expect_in();
    Login::of("hanako").run().expect_refused("PAM_AUTH_ERR", Code::PinWrong.number());
    // What was typed is in no log.
    for log in [wardkey_e2e::process::all_logs(), audit::lines().join("\n")] {
        assert!(!log.contains(NEW) && !log.contains(PIN), "a PIN is in a log");
    }
    drop(ward);
}

#[test]
fn a_key_that_says_nothing_before_its_pin_is_changed_gets_no_pin_and_another_one_at_the_desk() {
    let ward = Ward::ready();
    // This firmware does nothing before that, not even say whose it is.
    peer::force_pin_change(ward.terminal.bus.as_ref().unwrap(), 0, PIN);
    let running = Login::of("hanako").start();
    running.wait_code(Code::PinMustChange);
    let ended = running.end().expect_refused("PAM_AUTH_ERR", Code::PinMustChange.number());
    assert!(ended.secret_prompts().is_empty(), "{ended:?}");

    let typed = format!("{PIN}\n{NEW}\n{NEW}\n");
    let changed = ward.terminal.wardkey_in_order(&["key", "change-pin"], &typed);
    assert!(changed.status.success(), "{changed:?}");
    Login::of("hanako").run().expect_refused("PAM_AUTH_ERR", Code::PinWrong.number());
    Login::of("hanako").answers(&[NEW]).run().expect_in();
}

#[test]
fn what_is_refused_changes_nothing_and_a_wrong_pin_is_recorded() {
    let ward = ready();
    expect_refused(&passwd("hanako", &["９９９９９９", ""]), Code::PinEmpty.number());
    let differ = [PIN, NEW, "314158", "1", ""];
    expect_refused(&passwd("hanako", &differ), Code::PinEmpty.number());
    expect_refused(&passwd("hanako", &["999999", NEW, NEW]), Code::PinWrong.number());
    let records = audit::wait_for_records("pin-change", 3);
    assert!(records.iter().all(|record| record["outcome"] == "failure"), "{records:?}");
    assert_eq!(records[2]["reason"], "WK-1203");
    Login::of("hanako").run().expect_in();

    // Without her key she gets no further, and to no password of pam_unix.
    ward.terminal.unplug();
    let ended = passwd("hanako", &[]);
    assert!(!ended.is_in() && ended.secret_prompts().is_empty(), "{ended:?}");
}

#[test]
fn a_local_account_changes_its_password_as_before() {
    let ward = ready();
    // As root: pam_unix asks root for no old password.
    let ended = passwd("localadmin", &["correct horse 7", "correct horse 7"]).expect_in();
    assert_eq!(ended.secret_prompts().len(), 2, "{ended:?}");
    assert!(audit::lines().iter().all(|line| !line.contains("pin-change")));
    drop(ward);
}
