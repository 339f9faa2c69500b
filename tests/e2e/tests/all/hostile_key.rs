//! Security keys that misbehave: a clean refusal within the deadline, and the next login works.

use std::time::{Duration, Instant};

use wardkey_e2e::{Login, SoftKey, Terminal, Ward};

/// (mode of the software key, whether the login succeeds)
const MODES: &[(&str, bool)] = &[
    ("silent", false),
    ("wrong-channel", false),
    ("wrong-sequence", false),
    ("short-auth-data", false),
    ("endless-keepalive", false),
    // 2^31 credentials announced, one valid assertion: what is asked for is one, and taken.
    ("many-credentials", true),
    ("garbage-cbor", false),
    ("empty-cbor", false),
    ("error-zero", false),
    ("huge-length", false),
    // 500 keep-alives and then the right answer: slow, not wrong.
    ("keepalive-flood", true),
];

#[test]
fn lesson_hostile_keys_end_within_the_deadline() {
    let ward = Ward::ready();
    Terminal::configure_module("language = \"en\"\ntouch_seconds = 5\nkey_wait_seconds = 5\n");
    for (mode, succeeds) in MODES {
        ward.key.hostile(mode);
        let started = Instant::now();
        let ended = Login::of("hanako").run();
        let took = started.elapsed();
        println!("{mode}: {:?} after {took:.1?}", ended.result("authenticate"));
        assert_eq!(ended.is_in(), *succeeds, "{mode}: {ended:?}");
        assert!(took < Duration::from_secs(20), "{mode}: {took:?}");
        ward.key.hostile("none");
        // Pulled out and plugged in again, as a person would.
        ward.terminal.unplug();
        ward.terminal.plug(&ward.key);
        let again = Login::of("hanako").run();
        assert!(again.is_in(), "after {mode}: {again:?}\n{}", wardkey_e2e::process::all_logs());
    }
}

#[test]
fn a_key_pulled_out_during_the_login_is_a_clean_refusal() {
    let ward = Ward::ready();
    ward.key.touch("never");
    let login = Login::of("hanako").start();
    ward.key.wait_until_waiting();
    ward.terminal.unplug();
    login.end().expect_refused("PAM_AUTH_ERR", 1210);
    ward.key.touch("always");
    ward.terminal.plug(&ward.key);
    Login::of("hanako").run().expect_in();
}

#[test]
fn a_key_swapped_at_the_prompt_gets_no_pin() {
    let ward = Ward::ready();
    let other = SoftKey::start("other");
    let login = Login::of("hanako").with(&["--wait-file", "/tmp/gate"]).start();
    login.wait_prompt();
    // One key out, another in, in the same port, while the person types.
    ward.terminal.unplug();
    ward.terminal.plug(&other);
    other.reset_exchanges();
    std::fs::write("/tmp/gate", "").unwrap();
    let ended = login.end();
    assert!(!ended.is_in(), "{ended:?}");
    let asked = other.exchanges();
    assert!(asked.total <= 4, "the other key was only identified: {asked:?}");
}
