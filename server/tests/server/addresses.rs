//! Terminals are told where the server is.

use serde_json::{Value, json};
use wardkey_core::addresses::ServerAddresses;
use wardkey_core::capability;
use wardkey_core::document::Head;
use wardkey_core::message::http::WaitReply;
use wardkey_core::sign;
use wardkey_server::pki;

use super::publish_key::path;
use super::publishing::{add, ward};
use super::support::Deployment;
use super::support::client::Terminal;
use super::support::follower::Follower;

/// What a terminal is told that has this number.
fn told(follower: &mut Follower, terminal: &Terminal, has: Option<u64>, can: &[&str]) -> WaitReply {
    let scopes: Vec<Value> = Vec::new();
    let mut body = json!({
        "scopes": scopes, "root_version": follower.root.version,
        "terminal_number": follower.document.number,
        "terminal_issued": follower.document.issued.0, "hold": 0,
        "program": { "version": "1", "can": can },
    });
    if let Some(has) = has {
        body["addresses"] = json!(has);
    }
    let reply: WaitReply = terminal.client.post("/v1/wait", &body).json();
    follower.take(&reply);
    reply
}

fn list(reply: &WaitReply, follower: &Follower) -> (u64, Vec<String>) {
    let signed = &reply.addresses.as_ref().unwrap().0;
    let said = ServerAddresses::verify(signed, &follower.root).unwrap();
    (said.number, said.addresses.iter().map(ToString::to_string).collect())
}

fn certificate(deployment: &Deployment) -> String {
    std::fs::read_to_string(path(deployment, "server.crt")).unwrap()
}

#[test]
fn terminals_are_told_signed_addresses_and_the_certificate_has_their_names() {
    let (deployment, running, terminal) = ward();
    add(&deployment, "hanako", &["icu"]);
    running.settle();
    let mut follower = Follower::new(&running, &terminal);
    let can = [capability::SERVER_ADDRESSES];
    assert!(told(&mut follower, &terminal, None, &can).addresses.is_none());
    let before = deployment.json(&["address", "show"]);
    assert_eq!((&before["number"], &before["addresses"]), (&json!(0), &json!([])));

    let set = ["address", "set", "https://ward.test:8443", "https://192.0.2.7", "https://[::2]:1"];
    let done = deployment.json(&set);
    let number = done["number"].as_u64().unwrap();
    let names = ["localhost", "127.0.0.1", "ward.test", "192.0.2.7", "::2"];
    let names: Vec<String> = names.map(Into::into).into();
    assert_eq!(done["certificate"], json!(names));
    let reply = told(&mut follower, &terminal, None, &can);
    assert_eq!(list(&reply, &follower), (number, set[2..].iter().map(|s| s.to_string()).collect()));
    // Once is enough; an older terminal is not told.
    assert!(told(&mut follower, &terminal, Some(number), &can).addresses.is_none());
    assert!(told(&mut follower, &terminal, None, &[]).addresses.is_none());
    // Connections that begin now see a certificate with all names.
    deployment.join(&running, "ward-2", &["icu"]);
    assert!(pki::is_for(&certificate(&deployment), &names).unwrap());
    assert!(!pki::is_for(&certificate(&deployment), &["other.test".into()]).unwrap());

    // The same again is no news; another list has a higher number.
    assert_eq!(deployment.json(&set)["number"], number);
    let other = deployment.json(&["address", "set", "https://other.test"]);
    assert!(other["number"].as_u64().unwrap() > number);
    let actions = deployment.actions();
    assert_eq!(actions.iter().filter(|action| *action == "address.set").count(), 2);
    for wrong in ["http://a", "https://a/b", "a:1", ""] {
        deployment.refused(2, &["address", "set", wrong]);
    }

    // A stolen publish key: the list is signed anew, by the new one.
    let stolen = follower.keys()[0];
    deployment.ok(&["publish-key", "rotate", "--stolen"]);
    let reply = told(&mut follower, &terminal, None, &can);
    assert_eq!(list(&reply, &follower).1, ["https://other.test"]);
    sign::verify::<ServerAddresses>(&reply.addresses.unwrap().0, &[stolen]).unwrap_err();
    sign::verify::<Head>(&reply.heads[0].0, &[stolen]).unwrap_err();
}

#[test]
fn whoever_waits_is_told_at_once_and_a_server_that_starts_has_the_names() {
    let (deployment, running, terminal) = ward();
    let mut follower = Follower::new(&running, &terminal);
    follower.follow(&terminal);
    let body = json!({
        "scopes": follower.have(), "root_version": 1,
        "terminal_number": follower.document.number,
        "terminal_issued": follower.document.issued.0, "hold": 50,
        "program": { "version": "1", "can": [capability::SERVER_ADDRESSES] },
    });
    let reply: WaitReply = std::thread::scope(|scope| {
        let held = scope.spawn(|| terminal.client.post("/v1/wait", &body).json());
        deployment.ok(&["address", "set", "https://ward.test:8443"]);
        held.join().unwrap()
    });
    assert_eq!(list(&reply, &follower).1, ["https://ward.test:8443"]);
    running.stop();
    deployment.ok(&["address", "set", "https://moved.test"]);
    let running = deployment.start();
    let names = ["localhost".to_owned(), "moved.test".into()];
    assert!(pki::is_for(&certificate(&deployment), &names).unwrap());
    running.stop();
}
