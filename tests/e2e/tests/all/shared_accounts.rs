//! Accounts that several people share.

use std::fmt::Write as _;
use std::time::Duration;

use serde_json::json;
use wardkey_e2e::process::wait_for;
use wardkey_e2e::{Login, Ward, audit};

#[test]
fn a_shared_account_names_the_person() {
    let ward = Ward::ready();
    ward.server.admin(&["scope", "share", "ward3", "--scope", "ward3", "--group", "nurses"]);
    ward.server.add_person("kenji", "Demo Kenji", "en");
    ward.terminal.sync();
    let ended = Login::of("ward3").run().expect_in();
    assert_eq!(ended.env("WARDKEY_PERSON").as_deref(), Some("hanako"));
    let record = audit::wait_for_records("login", 1).remove(0);
    assert_eq!(
        (record["account"].as_str(), record["person"].as_str()),
        ("ward3", "hanako"),
        "{record:?}"
    );
    // Shared with others: not for hanako, and her PIN is not asked for the sake of it.
    ward.server.admin(&["scope", "share", "ward3", "--scope", "ward3", "--group", "physicians"]);
    ward.terminal.sync();
    let ended = Login::of("ward3").run();
    assert!(!ended.is_in(), "{ended:?}");
}

/// Somebody else's public key (the generator of P-256), as COSE.
const PUBLIC_KEY: &str = "pQECAyYgASFYIGsX0fLhLEJH-Lzm5WOkQPJ3A32BLeszoPShOUXYmMKW\
    IlggT-NC4v4af5uO5-tKfA-eFivOM1drMV7Oy7ZAaDe_UfU";

/// Adds so many nurses with a key each.
fn import_nurses(ward: &Ward, count: u32) {
    let mut lines = String::new();
    for number in 0..count {
        // 64 bytes in base64url.
        let id = format!("{}{number:05}A", "B".repeat(80));
        let line = json!({
            "login": format!("n{number:05}"), "name": format!("Demo {number}"), "scopes": ["ward3"],
            "groups": ["nurses"], "credentials": [{ "id": id, "public_key": PUBLIC_KEY }],
        });
        writeln!(lines, "{line}").unwrap();
    }
    std::fs::write("/tmp/nurses.jsonl", lines).unwrap();
    ward.server.admin(&["person", "import", "/tmp/nurses.jsonl"]);
    wait_for("everybody at the terminal", Duration::from_secs(60), || {
        let status = ward.terminal.status();
        status["scopes"].as_array()?.iter().any(|scope| scope["people"] == count + 1).then_some(())
    });
}

#[test]
fn one_of_two_thousand_is_found_and_at_once_from_the_second_time_on() {
    let ward = Ward::ready();
    ward.server.admin(&["scope", "share", "ward3", "--scope", "ward3", "--group", "nurses"]);
    import_nurses(&ward, 2_000);
    let mut exchanges = Vec::new();
    for _ in 0..2 {
        ward.key.reset_exchanges();
        let ended = Login::of("ward3").run().expect_in();
        assert_eq!(ended.env("WARDKEY_PERSON").as_deref(), Some("hanako"));
        exchanges.push(ward.key.exchanges().total);
    }
    println!("exchanges: {exchanges:?}");
    assert!(exchanges[0] <= 2_001 / 8 + 20, "no page twice: {exchanges:?}");
    assert!(exchanges[1] <= 7, "who was seen here is asked for first: {exchanges:?}");

    // Whoever is none of them is refused, and no PIN is asked for.
    ward.server.admin(&["person", "set", "hanako", "--group", "physicians"]);
    ward.terminal.sync();
    let ended = Login::of("ward3").run();
    assert!(!ended.is_in() && ended.secret_prompts().is_empty(), "{ended:?}");
}
