//! The terminal witnesses its server's log of records.

use std::time::Duration;

use wardkey_e2e::process::wait_for;
use wardkey_e2e::{Login, Ward, audit};

const DATABASE: &str = "/var/lib/wardkey-server/wardkey.db";

/// Waits until the terminal has seen so many records of the log; how many it has seen.
fn wait_seen(ward: &Ward, at_least: u64) -> u64 {
    wait_for("the log at the terminal", Duration::from_secs(60), || {
        // Signs what has come.
        ward.server.admin_json(&["log", "show"]);
        ward.terminal.sync();
        let seen = ward.terminal.status()["log"]["size"].as_u64().filter(|size| *size >= at_least);
        if seen.is_none() {
            // The server refuses a terminal that asks without a pause.
            std::thread::sleep(Duration::from_secs(1));
        }
        seen
    })
}

#[test]
fn a_database_that_was_put_back_by_hand_is_found_by_the_terminal() {
    let mut ward = Ward::ready();
    Login::of("hanako").run().expect_in();
    let kept = wait_seen(&ward, 1);
    let witnesses = ward.server.admin_json(&["log", "show"])["witnesses"]["hour"].clone();
    assert_eq!(witnesses["terminals"], 1, "{witnesses}");
    ward.server.stop();
    std::fs::copy(DATABASE, "/tmp/kept.db").unwrap();
    ward.server.resume();
    for _ in 0..3 {
        Login::of("hanako").run().expect_in();
    }
    wait_seen(&ward, kept + 3);
    assert!(audit::records_of("log-contradicted").is_empty());

    ward.server.stop();
    std::fs::copy("/tmp/kept.db", DATABASE).unwrap();
    // Else the server finds it itself, and signs nothing.
    std::fs::remove_file(format!("{DATABASE}.checkpoint")).unwrap();
    ward.server.resume();
    ward.server.admin_json(&["log", "show"]);
    ward.terminal.sync();
    let record = audit::wait_for_records("log-contradicted", 1).remove(0);
    assert_eq!((record["code"].as_str(), record["outcome"].as_str()), ("WE-56", "failure"));
    assert!(["WK-1670", "WK-1671"].contains(&record["reason"].as_str()), "{record:?}");
    let evidence = std::fs::read("/var/lib/wardkey/log-contradicted").unwrap();
    let evidence: serde_json::Value = serde_json::from_slice(&evidence).unwrap();
    assert_ne!(evidence["seen"], evidence["shown"]);
    assert_eq!(ward.terminal.status()["log"]["contradicted"], true);

    // It is for people to find out why; staff log in meanwhile.
    Login::of("hanako").run().expect_in();
    // What makes it right again is another log.
    ward.server.admin(&["epoch", "raise"]);
    ward.terminal.sync();
    ward.server.admin_json(&["log", "show"]);
    ward.terminal.sync();
    let record = audit::wait_for_records("log-contradicted", 2).remove(1);
    assert_eq!((record["reason"].as_str(), record["outcome"].as_str()), ("WK-1673", "success"));
}
