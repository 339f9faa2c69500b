//! Terminals by the hundred: which have the latest changes, tags, names, and those that are gone.

use serde_json::{Value, json};
use wardkey_core::message::http::WaitReply;

use super::support::client::{Client, Terminal, state};
use super::support::{Deployment, Running};

/// The names of the terminals that a list has.
fn named(deployment: &Deployment, filter: &[&str]) -> Vec<String> {
    let rows = deployment.rows(&[&["terminal", "list"], filter].concat());
    let name = |row: &Value| row["name"].as_str().unwrap().to_owned();
    rows.as_array().unwrap().iter().map(name).collect()
}

/// The same terminal, at a server that was started again.
pub fn again(terminal: Terminal, running: &Running) -> Terminal {
    let client = Client::new(running, Some((&terminal.certificate, &terminal.key)));
    Terminal { client, ..terminal }
}

/// Says what it has, and takes what is new.
fn follow(terminal: &Terminal, running: &Running) {
    let have: Vec<_> = terminal.heads(running).iter().map(state).collect();
    terminal.wait(&have, 0).json::<WaitReply>();
}

#[test]
fn which_terminals_have_a_revocation_is_a_question_to_the_list() {
    let deployment = Deployment::new();
    deployment.ok(&["person", "add", "yamada", "--name", "Y", "--scope", "icu"]);
    let running = deployment.start();
    let one = deployment.join(&running, "one", &["icu"]);
    let two = deployment.join(&running, "two", &["icu", "er"]);
    let three = deployment.join(&running, "three", &["er"]);
    for terminal in [&one, &two, &three] {
        follow(terminal, &running);
    }
    // What they said is written when the server stops, at the latest.
    running.stop();
    assert!(named(&deployment, &["--behind"]).is_empty());

    deployment.ok(&["person", "disable", "yamada"]);
    assert_eq!(named(&deployment, &["--behind"]), ["one", "two"]);
    assert_eq!(named(&deployment, &["--behind", "--scope", "er"]), [""; 0]);
    let running = deployment.start();
    follow(&again(one, &running), &running);
    running.stop();
    assert_eq!(named(&deployment, &["--behind"]), ["two"]);
    let shown = deployment.json(&["terminal", "show", "two"]);
    assert_eq!(shown["behind"], 1);
    assert_eq!(shown["positions"][0]["scope"], "er");
    assert_eq!(
        (&shown["positions"][0]["behind"], &shown["positions"][1]["behind"]),
        (&json!(0), &json!(1))
    );
    deployment.ok(&["person", "enable", "yamada"]);
    assert_eq!(named(&deployment, &["--behind", "2"]), ["two"]);
    // One that has never said anything has nothing, and another epoch is another directory.
    deployment.ok(&["epoch", "raise"]);
    assert_eq!(named(&deployment, &["--behind", "1000"]), ["one", "three", "two"]);
    assert_eq!(deployment.json(&["terminal", "show", "two"])["behind"], Value::Null);
}

#[test]
fn terminals_are_renamed_tagged_and_found_by_what_they_are() {
    let deployment = Deployment::new();
    let running = deployment.start();
    let one = deployment.join(&running, "one", &["icu"]);
    let two = deployment.join(&running, "two", &["icu"]);
    let body = json!({
        "scopes": [], "root_version": 1, "terminal_number": two.document.number,
        "terminal_issued": two.document.issued.0, "hold": 0,
        "program": { "version": "9.9.9", "can": [] },
    });
    assert_eq!(two.client.post("/v1/wait", &body).status, 200);
    deployment.ok(&["terminal", "set", "two", "--add-tag", "rollout", "east"]);
    deployment.ok(&["terminal", "rename", "one", "East 3, desk 1", "--reason", "moved"]);
    assert_eq!(named(&deployment, &["--tag", "rollout"]), ["two"]);
    assert_eq!(named(&deployment, &["--tag", "west"]), [""; 0]);
    assert_eq!(named(&deployment, &["--silent", "100d"]), [""; 0]);
    assert_eq!(named(&deployment, &["--stage", "online"]), ["East 3, desk 1", "two"]);
    assert_eq!(named(&deployment, &["--stage", "over"]), [""; 0]);
    let rows = deployment.rows(&["terminal", "list", "--stage", "online", "--limit", "1"]);
    assert_eq!(rows.as_array().unwrap().len(), 1);
    deployment.refused(2, &["terminal", "set", "two", "--add-tag", "Rollout"]);
    deployment.refused(2, &["terminal", "list", "--stage", "late"]);
    deployment.refused(2, &["terminal", "set", "two"]);

    // The terminal is told its new name, signed.
    running.settle();
    let reply: WaitReply = one.wait_with(&[], one.document.number, u64::MAX, 0).json();
    let renamed = Terminal::document_of(&running, &reply.terminal.unwrap());
    assert_eq!(renamed.name.as_str(), "East 3, desk 1");
    running.stop();
    assert_eq!(named(&deployment, &["--version", "9.9.9"]), ["two"]);
    assert_eq!(
        deployment.actions()[..2].iter().map(String::as_str).collect::<Vec<_>>(),
        ["terminal.rename", "terminal.tags"]
    );
}

#[test]
fn a_deleted_terminal_is_in_no_list_and_its_machine_joins_as_another_one() {
    let deployment = Deployment::new();
    let running = deployment.start();
    let before = deployment.join(&running, "one", &["icu"]);
    assert!(deployment.refused(1, &["terminal", "delete", "one"]).contains("WK-1940"));
    deployment.ok(&["terminal", "disable", "one"]);
    let token = deployment.ok(&["terminal", "token", "--replace", "one"]);
    deployment.ok(&["terminal", "delete", "one", "--reason", "sold"]);
    // What would have brought it back does so no longer.
    let refusal = Terminal::join(&running, &token, "one", b"one").err().unwrap();
    assert_eq!(refusal.0, 403, "{refusal:?}");
    assert!(named(&deployment, &[]).is_empty());
    deployment.refused(1, &["terminal", "show", "one"]);
    deployment.refused(1, &["terminal", "enable", "one"]);
    running.settle();
    assert_eq!(before.changes_refused("icu"), (403, "WK-1010".into()));
    // The same machine, with a new key and a plain token.
    let after = deployment.join(&running, "one", &["icu"]);
    assert_ne!(before.id, after.id);
    assert_eq!(named(&deployment, &[]), ["one"]);
    assert_eq!(before.changes_refused("icu"), (403, "WK-1010".into()));
}
