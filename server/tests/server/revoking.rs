//! Terminals that are revoked, and those that come back.

use serde_json::json;
use wardkey_core::document::TerminalDocument;
use wardkey_core::message::http::{Base64, WaitReply};
use wardkey_core::person::Status;
use wardkey_core::sign;

use super::support::client::{Terminal, request};
use super::support::{Deployment, until};

#[test]
fn a_revocation_that_is_taken_back_reaches_the_terminal() {
    let deployment = Deployment::new();
    let running = deployment.start();
    let terminal = deployment.join(&running, "ward-1", &["icu"]);
    let output = deployment.cli(&["terminal", "disable", "ward-1"]);
    assert!(String::from_utf8(output.stderr).unwrap().contains("terminal enable"));
    assert!(deployment.json(&["terminal", "show", "ward-1"])["revoked"].is_u64());
    assert!(terminal.heads(&running).is_empty());

    deployment.ok(&["terminal", "enable", "ward-1", "--reason", "found"]);
    until("its heads", || !terminal.heads(&running).is_empty());
    assert_eq!(
        deployment.json(&["terminal", "show", "ward-1"])["revoked"],
        serde_json::Value::Null
    );
    assert_eq!(deployment.actions()[..2], ["terminal.enable", "terminal.revoke"]);
}

#[test]
fn a_revoked_terminal_is_told_once_and_then_refused() {
    let deployment = Deployment::new();
    let running = deployment.start();
    let terminal = deployment.join(&running, "ward-1", &["icu"]);
    let other = deployment.join(&running, "ward-2", &["icu"]);
    let heads: Vec<_> =
        terminal.heads(&running).iter().map(super::support::client::state).collect();
    let begun = std::time::Instant::now();
    let reply = std::thread::scope(|scope| {
        let waiting = scope.spawn(|| terminal.wait(&heads, 50));
        std::thread::sleep(std::time::Duration::from_millis(300));
        deployment.ok(&["terminal", "revoke", &terminal.id.to_hex()[..8], "--reason", "stolen"]);
        waiting.join().unwrap().json::<WaitReply>()
    });
    assert!(begun.elapsed().as_secs() < 25, "the held request was answered at once");
    let publish = running.root().publish_keys.to_vec();
    let document = sign::verify::<TerminalDocument>(&reply.terminal.unwrap().0, &publish).unwrap();
    assert_eq!(document.status, Status::Disabled);
    assert!(reply.heads.is_empty());
    let refused = (403, "WK-1010".to_owned());
    // Whether it waits or not: an answer without news would be a success, and it would ask at once
    // again.
    for hold in [0, 5] {
        let answer = terminal.wait_with(&[], document.number, document.issued.0, hold);
        assert_eq!(answer.retry_after, Some(60), "it is asked to stay away");
        assert_eq!(answer.refusal(), refused);
    }
    for answer in [
        terminal.client.get("/v1/scopes/icu/changes?since=0"),
        terminal.client.get(&format!("/v1/policies/{}", "0".repeat(64))),
        terminal.client.post("/v1/events", &json!({ "events": [] })),
        terminal.client.post("/v1/enroll/begin", &json!({ "code": "ABCD-EFGH-JKMN" })),
        terminal.client.post("/v1/renew", &json!({ "csr": Base64(request(&terminal.key)) })),
    ] {
        assert_eq!(answer.refusal(), refused);
    }
    assert_eq!(other.client.get("/v1/scopes/icu/changes?since=0").status, 200);
    // A token from before does not bring it back; a new one does.
    assert!(deployment.refused(1, &["terminal", "approve", "ward-1"]).contains("revoked"));
    running.pass(2);
    // Tokens carry the time of the command line in seconds; it has to be after the revocation.
    std::thread::sleep(std::time::Duration::from_millis(1100));
    let token = deployment.ok(&["terminal", "token", "--replace", "ward-1", "--scope", "icu"]);
    let back = Terminal::join(&running, &token, "ward-1", b"ward-1").unwrap();
    assert_eq!((back.id, back.document.status), (terminal.id, Status::Active));
}

#[test]
fn an_old_token_does_not_bring_a_revoked_machine_back() {
    let deployment = Deployment::new();
    let running = deployment.start();
    let spare = deployment.ok(&["terminal", "token", "--scope", "icu"]);
    let terminal = deployment.join(&running, "ward-1", &["icu"]);
    deployment.ok(&["terminal", "revoke", "ward-1"]);
    let refusal = Terminal::join(&running, &spare, "ward-1", b"ward-1").err().unwrap();
    assert_eq!(refusal, (403, "WK-1010".into()));
    drop(terminal);
}
