//! The CA is exchanged while terminals follow, or replaced after a theft.

use rcgen::{CertificateParams, ExtendedKeyUsagePurpose, Issuer, KeyPair, SanType, SerialNumber};
use serde_json::{Value, json};
use wardkey_core::codec::sha256;
use wardkey_core::document::RootDocument;
use wardkey_core::message::http::{Base64, JoinReply};
use wardkey_server::pki::TerminalCertificate;
use wardkey_server::pki::read_certificate;

use super::backups::sql;
use super::fleet::again;
use super::publish_key::path;
use super::publishing::ward;
use super::support::client::{Client, Terminal, request};
use super::support::follower::Follower;
use super::support::{Deployment, Running};

/// The terminal with a certificate of the present CA, as its agent asks for one.
pub fn renewed(running: &Running, terminal: Terminal) -> Terminal {
    let body = json!({ "csr": Base64(request(&terminal.key)) });
    let reply: JoinReply = terminal.client.post("/v1/renew", &body).json();
    Terminal::new(running, &reply, terminal.key)
}

fn id_of(root: &RootDocument) -> String {
    sha256(root.tls_ca.as_slice()).to_hex()
}

/// How many of how many terminals use a certificate of the present CA.
pub fn have(deployment: &Deployment) -> (u64, u64) {
    let shown = deployment.json(&["ca", "show"]);
    (shown["have"].as_u64().unwrap(), shown["terminals"].as_u64().unwrap())
}

fn acts(deployment: &Deployment) -> Vec<String> {
    deployment.actions().into_iter().filter(|action| action.starts_with("ca.")).collect()
}

/// A client that knows this CA and no other.
fn knowing(running: &Running, root: &RootDocument) -> Client {
    Client::knowing(running.address.port(), None, root.tls_ca.as_slice())
}

/// What a thief makes who has the key of a CA: the terminal's certificate, of another key.
pub fn forged(pem: (&str, &str), terminal: &Terminal) -> (Vec<u8>, KeyPair) {
    let own = TerminalCertificate::read(&terminal.certificate.clone().into(), sha256(b"")).unwrap();
    let issuer = Issuer::from_ca_cert_pem(pem.1, KeyPair::from_pem(pem.0).unwrap()).unwrap();
    let uri = format!("urn:wardkey:terminal:{}", terminal.id);
    let mut params = CertificateParams::default();
    params.serial_number = Some(SerialNumber::from_slice(&own.serial));
    params.subject_alt_names = vec![SanType::URI(uri.as_str().try_into().unwrap())];
    params.extended_key_usages = vec![ExtendedKeyUsagePurpose::ClientAuth];
    let key = KeyPair::generate().unwrap();
    (params.signed_by(&key, &issuer).unwrap().der().to_vec(), key)
}

#[test]
fn terminals_believe_the_server_whichever_ca_they_know_and_old_certificates_count_until_the_end() {
    let (deployment, running, one) = ward();
    let two = deployment.join(&running, "ward-2", &["icu"]);
    let mut first = Follower::new(&running, &one);
    let old = running.root();
    assert!(deployment.refused(1, &["ca", "retire"]).contains("WK-1731"));
    assert_eq!(have(&deployment), (2, 2));

    // One waits for news; the other is away.
    let reply = std::thread::scope(|scope| {
        let held = scope.spawn(|| {
            first.follow(&one);
            first.ask(&one, 50)
        });
        let done = deployment.json(&["ca", "rotate", "--reason", "yearly"]);
        assert_eq!((&done["root_version"], &done["terminals"]), (&json!(2), &json!(2)));
        held.join().unwrap()
    });
    if first.root.version == 1 {
        first.take(&reply);
    }
    let new = running.root();
    assert_eq!((first.root.version, &*first.root), (2, &new));
    assert_ne!(new.tls_ca, old.tls_ca);
    assert_eq!(new.publish_keys, old.publish_keys);

    // From the next handshake on the server is of the new CA, for who knows one of them alone.
    for root in [&old, &new] {
        assert_eq!(knowing(&running, root).get("/healthz").status, 200);
    }
    let [own, server] = ["ca.crt", "server.crt"].map(|name| path(&deployment, name));
    let pem = std::fs::read_to_string(own).unwrap();
    assert_eq!(*read_certificate(&pem).unwrap().0, *new.tls_ca.as_slice());
    assert_eq!(std::fs::read_to_string(server).unwrap().matches("BEGIN CERT").count(), 1);
    assert!(!path(&deployment, "ca.next.pem").exists());

    assert!(deployment.refused(1, &["ca", "rotate"]).contains("WK-1730"));
    assert!(deployment.refused(1, &["ca", "retire"]).contains("WK-1732"));
    let shown = deployment.json(&["ca", "show"]);
    assert_eq!((&shown["ca"], &shown["former"]), (&json!(id_of(&new)), &json!([id_of(&old)])));
    assert_eq!((&shown["have"], &shown["older"]), (&json!(0), &json!(2)));
    // Old certificates count, also over new connections; and one is renewed.
    let (one, two) = (again(one, &running), again(two, &running));
    first.follow(&one);
    assert_eq!(two.wait(&[], 0).status, 200);
    let one = renewed(&running, one);
    assert_eq!(have(&deployment), (0, 2), "nobody has used it");
    first.follow(&one);
    assert_eq!(have(&deployment), (1, 2));
    let behind = deployment.rows(&["terminal", "list", "--old-certificate"]);
    assert_eq!((&behind[0]["name"], behind.as_array().unwrap().len()), (&json!("ward-2"), 1));
    let problems = deployment.json(&["status"])["problems"].clone();
    assert!(problems.as_array().unwrap().iter().any(|problem| problem["code"] == "WK-1733"));
    // Who joins now has one of the new CA.
    let three = deployment.join(&running, "ward-3", &["icu"]);
    assert_eq!(three.wait(&[], 0).status, 200);
    assert_eq!(have(&deployment), (2, 3));

    let done = deployment.json(&["ca", "retire", "--anyway"]);
    assert_eq!((&done["terminals"], &done["retired"]), (&json!(1), &json!([id_of(&old)])));
    running.settle();
    // The open connection is refused like a new one.
    assert_eq!(two.wait(&[], 0).refusal(), (403, "WK-1514".into()));
    let two = again(two, &running);
    assert_eq!(two.wait(&[], 0).refusal(), (403, "WK-1514".into()));
    let csr = json!({ "csr": Base64(request(&two.key)) });
    assert_eq!(two.client.post("/v1/renew", &csr).refusal(), (403, "WK-1514".into()));
    first.follow(&again(one, &running));
    assert!(deployment.refused(1, &["ca", "retire"]).contains("WK-1731"));
    let unknown = rcgen::generate_simple_self_signed([]).unwrap();
    let unknown = Some((&**unknown.cert.der(), &unknown.signing_key));
    let stranger = Client::knowing(running.address.port(), unknown, new.tls_ca.as_slice());
    assert!(!stranger.is_answered(), "of nobody that is known");

    // The next exchange: who knows the first CA alone still finds the server.
    deployment.ok(&["ca", "rotate"]);
    for root in [&old, &new, &running.root()] {
        assert_eq!(knowing(&running, root).get("/healthz").status, 200);
    }
    assert_eq!(two.wait(&[], 0).refusal(), (403, "WK-1514".into()), "the first one stays retired");
    assert_eq!(three.wait(&[], 0).status, 200);
    assert_eq!(acts(&deployment), ["ca.rotate", "ca.retire", "ca.rotate"]);
    deployment.ok(&["audit", "verify"]);

    // A restart changes nothing of that.
    running.stop();
    let running = deployment.start();
    assert_eq!(again(three, &running).wait(&[], 0).status, 200);
    assert_eq!(again(two, &running).wait(&[], 0).refusal(), (403, "WK-1514".into()));
}

#[test]
fn who_has_a_stolen_ca_is_no_terminal_and_terminals_with_a_key_on_record_go_on() {
    let deployment = Deployment::of_a_file();
    let running = deployment.start();
    let [one, two] = ["ward-1", "ward-2"].map(|name| deployment.join(&running, name, &["icu"]));
    let stolen =
        ["ca.key", "ca.crt"].map(|name| std::fs::read_to_string(path(&deployment, name)).unwrap());
    let stolen = (stolen[0].as_str(), stolen[1].as_str());
    let refused = |running: &Running, terminal: &Terminal| {
        let (certificate, key) = forged(stolen, terminal);
        let thief = Client::new(running, Some((&certificate, &key)));
        let thief = Terminal { client: thief, certificate, key, ..again_as(terminal, running) };
        assert_eq!(thief.wait(&[], 0).refusal(), (403, "WK-1514".into()));
    };
    // The key on record is looked at before anybody knows of the theft.
    refused(&running, &one);

    // A terminal of a version that put no key on record.
    running.stop();
    let forget = ["UPDATE terminal SET key = NULL, changed = changed WHERE name = 'ward-2'"];
    sql(&deployment.database(), Box::leak(Box::new(forget)));
    let prepared = deployment.json(&["ca", "prepare"]);
    let done = deployment.json(&["ca", "rotate", "--stolen", "--reason", "broken into"]);
    assert_ne!(done["ca"], prepared["ca"], "it lay beside the stolen one");
    assert_eq!((&done["terminals"], &done["lost"]), (&json!(2), &json!(1)));
    let running = deployment.start();
    let (one, two) = (again(one, &running), again(two, &running));
    assert_eq!(two.wait(&[], 0).refusal(), (403, "WK-1514".into()));
    refused(&running, &one);
    refused(&running, &two);
    assert_eq!(one.wait(&[], 0).status, 200);
    let one = renewed(&running, one);
    assert_eq!(one.wait(&[], 0).status, 200);
    refused(&running, &one);

    // Stolen again before the exchange is ended: it goes on, and is ended for both.
    deployment.ok(&["ca", "rotate", "--stolen"]);
    running.settle();
    let shown = deployment.json(&["ca", "show"]);
    assert_eq!((shown["former"].as_array().unwrap().len(), &shown["stolen"]), (2, &json!(true)));
    let one = renewed(&running, again(one, &running));
    assert_eq!(one.wait(&[], 0).status, 200);
    deployment.ok(&["terminal", "disable", "ward-2"]);
    deployment.ok(&["ca", "retire"]);
    running.settle();
    assert_eq!(one.wait(&[], 0).status, 200);
    refused(&running, &one);
    assert_eq!(deployment.json(&["ca", "show"])["stolen"], false);
    let expected = ["ca.retire", "ca.retire", "ca.stolen", "ca.stolen", "ca.prepare"];
    assert_eq!(acts(&deployment), expected);
}

pub fn again_as(terminal: &Terminal, running: &Running) -> Terminal {
    Terminal {
        id: terminal.id,
        client: Client::new(running, None),
        key: KeyPair::generate().unwrap(),
        document: terminal.document.clone(),
        certificate: Vec::new(),
    }
}

#[test]
fn a_prepared_ca_is_known_before_it_is_used() {
    let deployment = Deployment::new();
    let before = deployment.json(&["ca", "show"]);
    assert_eq!(before["prepared"], Value::Null);
    deployment.ok(&["ca", "prepare"]);
    let prepared = deployment.json(&["ca", "prepare"]);
    let shown = deployment.json(&["ca", "show"]);
    assert_eq!((&shown["prepared"], &shown["ca"]), (&prepared["ca"], &before["ca"]));
    let said = deployment.ok(&["ca", "show"]);
    assert!(said.contains(prepared["ca"].as_str().unwrap()), "{said}");
    let file = path(&deployment, "ca.next.crt");
    assert_eq!(std::fs::read_to_string(&file).unwrap(), prepared["certificate"]);
    assert_eq!(prepared["path"], file.to_str().unwrap());
    // Nothing is of it yet, also in a backup and after a restart.
    let (backup, _) = deployment.backup("prepared");
    deployment.ok(&["restore", backup.to_str().unwrap(), "--check"]);
    let running = deployment.start();
    assert_eq!(id_of(&running.root()), before["ca"].as_str().unwrap());

    let done = deployment.json(&["ca", "rotate"]);
    assert_eq!((&done["ca"], &done["certificate"]), (&prepared["ca"], &prepared["certificate"]));
    assert_eq!(deployment.json(&["ca", "show"])["prepared"], Value::Null);
    assert!(!file.exists());
    running.settle();
    assert_eq!(id_of(&running.root()), prepared["ca"].as_str().unwrap());
}
