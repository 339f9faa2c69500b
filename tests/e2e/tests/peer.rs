//! The whole test bed with the peer in our place: ward, software key, hidraw, libpam and the PAM
//! client.

use std::process::Command;
use std::time::Instant;

use serde_json::Value;
use wardkey_e2e::keys::{Bus, SoftKey};
use wardkey_e2e::{PIN, paths, peer};

/// Logs hanako in `rounds` times in one process; the microseconds of each.
fn log_in(bus: &Bus, pin: &str, rounds: usize) -> (Option<i32>, Vec<u64>) {
    let output = Command::new(paths::test_program("wardkey-pamclient"))
        .args(["--service", peer::SERVICE, "--user", "hanako", "--answer", pin])
        .args(["--repeat", &rounds.to_string()])
        .envs(bus.environment())
        .output()
        .expect("the PAM client");
    let text = String::from_utf8_lossy(&output.stdout).into_owned();
    let events = text.lines().filter_map(|line| serde_json::from_str::<Value>(line).ok());
    let took = events
        .filter(|event| event["call"] == "authenticate")
        .map(|event| event["took_us"].as_u64());
    (output.status.code(), took.map(|took| took.expect("a time")).collect())
}

#[test]
fn pam_u2f_logs_in_with_the_software_key() {
    assert_eq!(
        std::env::var("WARDKEY_WARD").as_deref(),
        Ok("1"),
        "run in a ward: tests/ward/enter"
    );
    let begun = Instant::now();
    let bus = Bus::run(&[]);
    let key = SoftKey::start("hanako");
    bus.plug(0, &key);
    peer::set_pin(&bus, 0, PIN);
    let credentials = [peer::register(&bus)];
    peer::install([("hanako".to_owned(), credentials.as_slice())]);
    let set_up = begun.elapsed();

    key.reset_exchanges();
    let (code, _) = log_in(&bus, PIN, 1);
    assert_eq!(code, Some(0));
    // Channel, getInfo, whose key, key agreement, PIN token, assertion: what ours is measured
    // against.
    assert_eq!(key.exchanges().total, 6, "{:#?}", key.exchanges());
    let (code, mut took) = log_in(&bus, PIN, 20);
    assert_eq!((code, took.len()), (Some(0), 20));
    took.sort_unstable();
    println!("set-up {set_up:?}, pam_authenticate median {} us, least {} us", took[10], took[0]);

    // And what cannot fail is no test: a wrong PIN, and no key.
    assert_eq!(log_in(&bus, "999999", 1).0, Some(1));
    bus.unplug(0);
    assert_eq!(log_in(&bus, PIN, 1).0, Some(1));
}
