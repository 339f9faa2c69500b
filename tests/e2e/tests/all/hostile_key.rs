//! Security keys that misbehave: a clean refusal within the deadline, and the next login works.

use std::time::Duration;

use wardkey_core::code::Prompt;
use wardkey_e2e::process::wait_for;
use wardkey_e2e::{Login, SoftKey, Terminal, Ward, audit};

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
fn hostile_keys_end_within_the_deadline() {
    let ward = Ward::ready();
    Terminal::configure_module("language = \"en\"\ntouch_seconds = 5\nkey_wait_seconds = 5\n");
    for (mode, succeeds) in MODES {
        ward.key.hostile(mode);
        let ended = Login::of("hanako").run();
        println!("{mode}: {:?} after {:.1?}", ended.result("authenticate"), ended.took);
        assert_eq!(ended.is_in(), *succeeds, "{mode}: {ended:?}");
        // Those that never end by themselves are given up.
        assert!(ended.took < Duration::from_secs(60), "{mode}: {:?}", ended.took);
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

/// Names of the requests that a key got with a PIN in them.
fn with_pin(key: &SoftKey) -> Vec<String> {
    let requests = key.exchanges().requests.into_iter().map(|(_, name)| name);
    requests.filter(|name| name.contains("Token")).collect()
}

#[test]
fn a_device_that_only_pretends_to_be_a_key_gets_no_pin_and_stops_nobody() {
    let ward = Ward::ready();
    let modes = [
        ("echo", true),
        ("status:0x31@identify", false),
        ("silent", false),
        ("garbage-cbor", false),
    ];
    for (number, (mode, is_a_liar)) in modes.into_iter().enumerate() {
        let liar = SoftKey::start(&format!("liar{number}"));
        liar.hostile(mode);
        // The real key in the second port, the other device before it.
        ward.terminal.unplug();
        ward.terminal.plug_at(1, &ward.key);
        ward.terminal.plug_at(0, &liar);
        liar.reset_exchanges();
        let before = audit::records_of("device-suspected").len();
        let ended = Login::of("hanako").run();
        assert!(ended.is_in(), "{mode}: {ended:?}\n{}", wardkey_e2e::process::all_logs());
        assert_eq!(ended.secret_prompts().len(), 1, "{mode}: {ended:?}");
        assert_eq!(with_pin(&liar), [""; 0], "{mode}");
        let suspected = || audit::records_of("device-suspected").len() - before;
        if is_a_liar {
            wait_for("the record", Duration::from_secs(60), || (suspected() == 1).then_some(()));
            // Once a day for a device, however often it lies.
            Login::of("hanako").run().expect_in();
        }
        assert_eq!(suspected(), usize::from(is_a_liar), "{mode}");
        ward.terminal.unplug_at(1);
        ward.terminal.unplug();
        ward.terminal.plug(&ward.key);
    }
}

#[test]
fn alone_it_learns_no_name_and_the_real_key_that_comes_is_taken() {
    let ward = Ward::ready();
    let liar = SoftKey::start("liar");
    liar.hostile("echo");
    ward.terminal.unplug();
    ward.terminal.plug(&liar);
    let login = Login::of("hanako").start();
    login.wait_code(Prompt::InsertKey);
    assert!(!login.texts().iter().any(|text| text.contains("Demo Hanako")), "{:?}", login.texts());
    ward.terminal.plug_at(1, &ward.key);
    login.end().expect_in();
    assert_eq!(with_pin(&liar), [""; 0]);
    ward.terminal.unplug_at(1);
    // With nobody's key beside it there is neither a question nor a failure that counts.
    for _ in 0..6 {
        let ended = Login::of("hanako").run().expect_refused("PAM_AUTH_ERR", 1214);
        assert!(ended.secret_prompts().is_empty(), "{ended:?}");
    }
    ward.terminal.unplug();
    ward.terminal.plug(&ward.key);
    Login::of("hanako").run().expect_in();
}

#[test]
fn sixteen_devices_of_which_fifteen_are_slow_keep_nobody_out() {
    let ward = Ward::ready();
    // The waiting time that an administrator gets without saying anything.
    Terminal::configure_module("key_wait_seconds = 60\n");
    ward.terminal.unplug();
    let slow: Vec<_> = (0..15u8)
        .map(|port| {
            let key = SoftKey::start(&format!("slow{port}"));
            key.hostile("slow");
            ward.terminal.plug_at(port, &key);
            key
        })
        .collect();
    ward.terminal.plug_at(15, &ward.key);
    let ended = Login::of("hanako").run().expect_in();
    println!("in after {:.1} s", ended.took.as_secs_f64());
    // The administrator's account does not wait for any of them.
    let ended = Login::at(wardkey_e2e::terminal::SERVICE, "localadmin")
        .answer("emergency")
        .run()
        .expect_in();
    assert!(ended.took < Duration::from_secs(30), "{ended:?}");
    assert!(slow.iter().all(|key| with_pin(key).is_empty()));
}

#[test]
fn a_device_that_comes_and_goes_a_hundred_times_keeps_nobody_out() {
    let ward = Ward::ready();
    let restless = SoftKey::start("restless");
    restless.hostile("echo");
    std::thread::scope(|scope| {
        let plugging = scope.spawn(|| {
            for _ in 0..100 {
                ward.terminal.plug_at(1, &restless);
                std::thread::sleep(Duration::from_millis(100));
                ward.terminal.unplug_at(1);
                std::thread::sleep(Duration::from_millis(100));
            }
        });
        let mut logins = 0;
        while !plugging.is_finished() || logins == 0 {
            Login::of("hanako").run().expect_in();
            logins += 1;
        }
        println!("{logins} logins meanwhile");
    });
    assert_eq!(with_pin(&restless), [""; 0]);
}
