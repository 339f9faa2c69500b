//! Several logins at one terminal want the one key.

use std::path::Path;

use wardkey_core::code::Notice;
use wardkey_e2e::process::wait_for;
use wardkey_e2e::{Login, Ward, audit};

/// A login that stands at its question until it is let go.
fn standing(gate: &str) -> wardkey_e2e::login::Running {
    Login::of("hanako").with(&["--wait-file", gate]).start()
}

fn wait_asked(gate: &str) {
    wait_for("the question", std::time::Duration::from_secs(60), || {
        Path::new(&format!("{gate}.asked")).exists().then_some(())
    });
}

#[test]
fn two_logins_wait_for_one_another() {
    let ward = Ward::ready();
    let first = standing("/tmp/first");
    wait_asked("/tmp/first");
    let second = Login::of("hanako").start();
    second.wait_code(Notice::WaitForKey);
    assert!(
        second.texts().iter().all(|text| !text.contains("PIN")),
        "not asked yet: {:?}",
        second.texts()
    );
    std::fs::write("/tmp/first", "").unwrap();
    first.end().expect_in();
    second.end().expect_in();
    assert_eq!(audit::wait_for_records("login", 2).len(), 2);
    drop(ward);
}

#[test]
fn three_logins_and_one_that_goes_away() {
    let ward = Ward::ready();
    let mut first = standing("/tmp/first");
    wait_asked("/tmp/first");
    let second = Login::of("hanako").start();
    second.wait_code(Notice::WaitForKey);
    let third = Login::of("hanako").start();
    third.wait_code(Notice::WaitForKey);
    // A greeter that goes away while its question stands must not keep the key.
    first.kill();
    second.end().expect_in();
    third.end().expect_in();
    assert_eq!(audit::wait_for_records("login", 2).len(), 2);
    wait_for("no login to be left", std::time::Duration::from_secs(60), || {
        (ward.terminal.status()["logins"] == 0).then_some(())
    });
}

#[test]
fn a_login_that_waits_for_a_touch_is_given_up_when_the_greeter_goes_away() {
    let ward = Ward::ready();
    ward.key.touch("never");
    let mut first = Login::of("hanako").start();
    ward.key.wait_until_waiting();
    first.kill();
    // CANCEL reaches the key: it does not stay busy for its 30 seconds.
    wait_for("the key to be free", std::time::Duration::from_secs(20), || {
        (!ward.key.is_waiting()).then_some(())
    });
    ward.key.touch("always");
    Login::of("hanako").run().expect_in();
}
