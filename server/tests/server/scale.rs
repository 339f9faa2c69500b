//! Many people: measured and printed. WARDKEY_TEST_PEOPLE=100000 for a whole prefecture.

use std::fmt::Write;
use std::time::Instant;

use serde_json::json;

use super::publishing::Copy;
use super::support::Deployment;

#[test]
fn many_people_are_imported_published_and_taken() {
    let people: usize =
        std::env::var("WARDKEY_TEST_PEOPLE").ok().and_then(|n| n.parse().ok()).unwrap_or(20_000);
    let deployment = Deployment::new();
    let file = deployment.folder.path().join("people.jsonl");
    // Any valid key: ES256 with the generator of P-256.
    let key = concat!(
        "pQECAyYgASFYIGsX0fLhLEJH-Lzm5WOkQPJ3A32BLeszoPShOUXYmMKW",
        "IlggT-NC4v4af5uO5-tKfA-eFivOM1drMV7Oy7ZAaDe_UfU"
    );
    let mut text = String::new();
    for i in 0..people {
        let person = json!({
            "login": format!("p{i}"), "name": format!("Person {i}"),
            "scopes": ["icu"], "groups": ["staff"],
            "credentials": [{ "id": format!("{i:064}"), "public_key": key }],
        });
        writeln!(text, "{person}").unwrap();
    }
    std::fs::write(&file, text).unwrap();
    let begun = Instant::now();
    deployment.ok(&["person", "import", file.to_str().unwrap()]);
    let import = begun.elapsed();
    let begun = Instant::now();
    let running = deployment.start();
    let start = begun.elapsed();
    let terminal = deployment.join(&running, "ward-1", &["icu"]);
    let begun = Instant::now();
    let mut copy = Copy::default();
    let (head, pages) = copy.sync(&terminal, "icu");
    let sync = begun.elapsed();
    assert_eq!((head.root, head.count), (copy.root(), people as u64));
    let begun = Instant::now();
    deployment.ok(&["person", "disable", "p77"]);
    let command = begun.elapsed();
    let begun = Instant::now();
    let (head, _) = copy.sync(&terminal, "icu");
    let one = begun.elapsed();
    assert_eq!(head.root, copy.root());
    println!(
        "{people} people: import {import:?}, start with state root {start:?}, first sync in \
            {pages} pages {sync:?}, \
         one change by command {command:?}, published and taken {one:?}"
    );
}
