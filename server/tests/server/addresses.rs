//! Terminals are told where the server is.

use serde_json::{Value, json};
use wardkey_core::addresses::{MAX_NUMBER, ServerAddresses};
use wardkey_core::capability;
use wardkey_core::codec::List;
use wardkey_core::message::http::WaitReply;
use wardkey_core::name::ServerAddress;
use wardkey_server::pki;

use super::publish_key::{path, publish_key};
use super::publishing::{add, ward};
use super::restoring::{restore, root_of};
use super::support::client::Terminal;
use super::support::follower::Follower;
use super::support::{Deployment, Running};

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

/// The names of the certificate that lies in the folder.
fn certificate(deployment: &Deployment) -> Vec<String> {
    let pem = std::fs::read_to_string(path(deployment, "server.crt")).unwrap();
    pki::names_of(&pem).unwrap()
}

/// The names of the certificate that whoever comes now sees.
fn seen(deployment: &Deployment, running: &Running) -> Vec<String> {
    running.settle();
    running.anyone();
    certificate(deployment)
}

fn set(deployment: &Deployment, addresses: &[&str]) -> Value {
    deployment.json(&[&["address", "set", "--anyway"], addresses].concat())
}

/// The address of a server that runs here, by this name.
fn here(running: &Running, host: &str) -> String {
    format!("https://{host}:{}", running.address.port())
}

const CAN: [&str; 1] = [capability::SERVER_ADDRESSES];

#[test]
fn terminals_are_told_signed_addresses_and_the_certificate_has_their_names() {
    let (deployment, running, terminal) = ward();
    add(&deployment, "hanako", &["icu"]);
    running.settle();
    let mut follower = Follower::new(&running, &terminal);
    assert!(told(&mut follower, &terminal, None, &CAN).addresses.is_none());
    let before = deployment.json(&["address", "show"]);
    assert_eq!((&before["number"], &before["addresses"]), (&json!(0), &json!([])));

    let addresses = ["https://ward.test:8443", "https://192.0.2.7", "https://[::2]:1"];
    let done = set(&deployment, &addresses);
    let number = done["number"].as_u64().unwrap();
    let names = ["localhost", "127.0.0.1", "ward.test", "192.0.2.7", "::2"];
    assert_eq!(done["certificate"], json!(names));
    let reply = told(&mut follower, &terminal, None, &CAN);
    assert_eq!(list(&reply, &follower), (number, addresses.map(str::to_owned).into()));
    // Once is enough; an older terminal is not told.
    assert!(told(&mut follower, &terminal, Some(number), &CAN).addresses.is_none());
    assert!(told(&mut follower, &terminal, None, &[]).addresses.is_none());
    assert_eq!(seen(&deployment, &running), names);

    // The same again is no news; another list has a higher number.
    assert_eq!(set(&deployment, &addresses)["number"], number);
    let other = set(&deployment, &["https://OTHER.test:443"]);
    assert_eq!(other["addresses"], json!(["https://other.test"]), "it is written in one way");
    let number = other["number"].as_u64().unwrap();
    for wrong in ["http://a", "https://a/b", "a:1", "https://10.20.0.256", ""] {
        deployment.refused(2, &["address", "set", wrong]);
    }
    deployment.refused(2, &["address", "set"]);
    deployment.refused(2, &["address", "set", "--none", "https://a"]);
    assert_eq!(list(&told(&mut follower, &terminal, Some(number - 1), &CAN), &follower).0, number);

    // None is a list too.
    let none = set(&deployment, &["--none"])["number"].as_u64().unwrap();
    let reply = told(&mut follower, &terminal, Some(number), &CAN);
    assert_eq!(list(&reply, &follower), (none, vec![]));
    assert!(none > number);
    assert_eq!(set(&deployment, &["--none"])["number"], none);
    let actions = deployment.actions();
    assert_eq!(actions.iter().filter(|action| *action == "address.set").count(), 3);
    let report = deployment.json(&["report", "exceptions"]);
    let kinds = report["kinds"].as_array().unwrap();
    let kind = kinds.iter().find(|kind| kind["kind"] == "address.set").unwrap();
    assert_eq!(kind["count"], 3);
}

#[test]
fn every_host_that_was_told_stays_in_the_certificate_until_no_terminal_needs_it() {
    let (deployment, running, terminal) = ward();
    deployment.join(&running, "ward-2", &["icu"]);
    let by = here(&running, "127.0.0.1");
    set(&deployment, &["https://a.test"]);
    set(&deployment, &["https://b.test"]);
    let all = ["localhost", "127.0.0.1", "b.test", "a.test"];
    assert_eq!(seen(&deployment, &running), all, "a terminal that was off knows it alone");
    let retire = ["address", "retire"];
    let refused = |host: &str| deployment.refused(1, &[&retire[..], &[host]].concat());
    assert!(refused("B.test").contains("WK-1646"));
    assert!(refused("c.test").contains("WK-1515"));

    // What terminals came by is written when the server stops, at the latest.
    terminal.wait(&[], 0);
    running.stop();
    let came = deployment.json(&["address", "show"])["came_by"].clone();
    let unknown = json!({ "address": null, "told": false, "terminals": 1 });
    assert_eq!(came, json!([unknown, { "address": by, "told": false, "terminals": 1 }]));
    let found = deployment.rows(&["terminal", "list", "--came-by", &by]);
    assert_eq!((found.as_array().unwrap().len(), &found[0]["name"]), (1, &json!("ward-1")));
    assert_eq!(deployment.json(&["terminal", "show", "ward-1"])["came_by"], by);
    assert!(refused("a.test").contains("WK-1647"), "one has not said it");
    deployment.ok(&["terminal", "disable", "ward-2"]);
    assert!(refused("127.0.0.1").contains("WK-1647"));
    let left = deployment.json(&[&retire[..], &["A.TEST"]].concat());
    assert_eq!(left["certificate"], json!(["localhost", "127.0.0.1", "b.test"]));

    let running = deployment.start();
    assert_eq!(certificate(&deployment), ["localhost", "127.0.0.1", "b.test"]);
    // While it runs, and a name of the beginning; told again, it is there again.
    deployment.ok(&[&retire[..], &["localhost"]].concat());
    assert_eq!(seen(&deployment, &running), ["127.0.0.1", "b.test"]);
    set(&deployment, &["https://localhost"]);
    assert_eq!(seen(&deployment, &running), ["localhost", "127.0.0.1", "b.test"]);
    set(&deployment, &["--none"]);
    for host in ["localhost", "b.test"] {
        deployment.ok(&[&retire[..], &[host]].concat());
    }
    assert!(refused("127.0.0.1").contains("WK-1649"));
    let actions = deployment.actions();
    assert_eq!(actions.iter().filter(|action| *action == "address.retire").count(), 4);
}

#[test]
fn the_certificate_takes_no_more_names_than_a_handshake_should_carry() {
    let deployment = Deployment::new();
    let address = |number: usize| format!("https://host-{number}.test");
    for first in (0..56).step_by(8) {
        let list: Vec<String> = (first..first + 8).map(address).collect();
        set(&deployment, &list.iter().map(String::as_str).collect::<Vec<_>>());
    }
    let list: Vec<String> = (56..63).map(address).collect();
    let list: Vec<&str> = list.iter().map(String::as_str).collect();
    let args = [&["address", "set", "--anyway"], &list[..]].concat();
    assert!(deployment.refused(1, &args).contains("WK-1648"));
    deployment.ok(&["address", "retire", "host-0.test"]);
    deployment.ok(&args);
}

#[test]
fn an_address_where_this_server_does_not_answer_is_not_told() {
    let (deployment, running, _) = ward();
    let (other, strange) = (Deployment::new(), std::net::TcpListener::bind("127.0.0.1:0").unwrap());
    let elsewhere = other.start();
    let silent = format!("https://127.0.0.1:{}", strange.local_addr().unwrap().port());
    std::thread::spawn(move || strange.incoming().for_each(drop));
    let (right, wrong) = (here(&running, "127.0.0.1"), here(&elsewhere, "127.0.0.1"));
    let right = right.as_str();
    for (address, code) in [
        ("https://127.0.0.1:1", "WK-1644"),
        (silent.as_str(), "WK-1644"),
        (wrong.as_str(), "WK-1645"),
    ] {
        for args in [vec![address], vec![right, address], vec![address, right]] {
            let said = deployment.refused(1, &[&["address", "set"], &args[..]].concat());
            assert!(said.contains(code) && said.contains(address), "{said}");
        }
    }
    assert_eq!(deployment.json(&["address", "show"])["number"], 0);
    assert!(!deployment.actions().contains(&"address.set".into()));

    // Its certificate need not have the name yet.
    deployment.ok(&["address", "retire", "localhost", "--anyway"]);
    assert_eq!(seen(&deployment, &running), ["127.0.0.1"]);
    let named = here(&running, "localhost");
    deployment.ok(&["address", "set", &named, right]);
    assert_eq!(seen(&deployment, &running), ["localhost", "127.0.0.1"]);
}

#[test]
fn another_door_of_the_deployment_is_not_told() {
    let admin = "[admin]\nlisten = \"127.0.0.1:0\"";
    let deployment = Deployment::with(admin);
    let running = deployment.start();
    let door = running.server().administration().unwrap();
    let said = deployment.refused(1, &["address", "set", &format!("https://{door}")]);
    assert!(said.contains("WK-1645"), "{said}");
}

#[test]
fn a_list_of_a_thief_ends_with_the_exchange_also_where_the_server_never_told_any() {
    let (deployment, running, terminal) = ward();
    let mut follower = Follower::new(&running, &terminal);
    let said = ServerAddresses {
        deployment: follower.root.deployment,
        number: MAX_NUMBER,
        addresses: List::new(vec![ServerAddress::new("https://evil.test").unwrap()]).unwrap(),
    };
    let forged = publish_key(&deployment).sign(&said);
    ServerAddresses::verify(&forged, &follower.root).unwrap();
    assert!(told(&mut follower, &terminal, Some(MAX_NUMBER), &CAN).addresses.is_none());

    deployment.ok(&["publish-key", "rotate", "--stolen"]);
    // With the very answer that ends the key.
    let reply = told(&mut follower, &terminal, Some(MAX_NUMBER), &CAN);
    let (number, addresses) = list(&reply, &follower);
    assert_eq!((reply.roots.len(), addresses), (1, vec![]));
    assert!(number > 0);
    ServerAddresses::verify(&forged, &follower.root).unwrap_err();
    assert!(told(&mut follower, &terminal, Some(number), &CAN).addresses.is_none());

    // A list that was set is signed anew; a thief's of the exchange of before is gone too.
    let set = set(&deployment, &["https://other.test"]);
    deployment.ok(&["publish-key", "rotate", "--stolen"]);
    let reply = told(&mut follower, &terminal, Some(MAX_NUMBER), &CAN);
    let (number, addresses) = list(&reply, &follower);
    assert_eq!(addresses, ["https://other.test"]);
    assert!(number > set["number"].as_u64().unwrap());
}

#[test]
fn an_exchange_that_nobody_hurried_ends_what_the_old_key_said_too() {
    let (deployment, running, terminal) = ward();
    let mut follower = Follower::new(&running, &terminal);
    deployment.ok(&["publish-key", "rotate"]);
    let reply = told(&mut follower, &terminal, None, &CAN);
    assert_eq!(list(&reply, &follower), (0, vec![]));
    assert!(told(&mut follower, &terminal, Some(0), &CAN).addresses.is_none());
    assert!(told(&mut follower, &terminal, None, &[]).addresses.is_none());
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
        "program": { "version": "1", "can": CAN },
    });
    let reply: WaitReply = std::thread::scope(|scope| {
        let held = scope.spawn(|| terminal.client.post("/v1/wait", &body).json());
        set(&deployment, &["https://ward.test:8443"]);
        held.join().unwrap()
    });
    assert_eq!(list(&reply, &follower).1, ["https://ward.test:8443"]);
    running.stop();
    set(&deployment, &["https://moved.test"]);
    let running = deployment.start();
    assert_eq!(certificate(&deployment), ["localhost", "127.0.0.1", "moved.test", "ward.test"]);
    running.stop();
}

#[test]
fn a_restored_server_tells_what_was_told_since_and_has_the_names() {
    let (deployment, running, _) = ward();
    set(&deployment, &["https://a.test"]);
    let (backup, recipient) = deployment.backup("monday");
    let last = set(&deployment, &["https://b.test"]);
    running.stop();
    let check = deployment.json(&restore(&backup, &["--check"]));
    assert_eq!(check["addresses"], json!(["https://b.test"]), "as the trail says");
    let root = root_of(&deployment, &backup);
    let done = deployment.json(&restore(&backup, &["--replace", "--yes"]));
    assert_eq!(done["report"]["replayed"]["lost"], json!({}));
    let shown = deployment.json(&["address", "show"]);
    assert_eq!(shown["addresses"], json!(["https://b.test"]));
    assert!(shown["number"].as_u64() > last["number"].as_u64(), "it counts at every terminal");
    let names = ["localhost", "127.0.0.1", "b.test", "a.test"];
    let running = deployment.start();
    assert_eq!(certificate(&deployment), names);
    running.stop();

    // On another machine nobody knows what came after the backup: it is said what is told.
    deployment.lose();
    let identity = recipient.file.to_str().unwrap();
    let args = ["--identity", identity, "--root", &root, "--yes"];
    let done = deployment.json(&restore(&backup, &args));
    assert_eq!(done["report"]["addresses"], json!(["https://a.test"]));
    let before = deployment.json(&["address", "show"])["number"].as_u64().unwrap();
    let running = deployment.start();
    assert_eq!(certificate(&deployment), ["localhost", "127.0.0.1", "a.test"]);
    // Whoever sees that it is another one says so, and all follow.
    let number = set(&deployment, &["https://b.test"])["number"].as_u64().unwrap();
    assert!(number > before);
    assert_eq!(seen(&deployment, &running), ["localhost", "127.0.0.1", "b.test", "a.test"]);
}
