//! Joining, renewing and revoking.

use rcgen::KeyPair;
use serde_json::json;
use wardkey_core::document::TerminalDocument;
use wardkey_core::id::Hash;
use wardkey_core::message::http::{Base64, JoinReply, WaitReply};
use wardkey_core::person::Status;
use wardkey_core::sign;
use wardkey_server::pki::TerminalCertificate;

use super::support::Deployment;
use super::support::client::{Client, Terminal, join_request, request, with_unknown};

#[test]
fn a_machine_joins_once_and_a_token_is_spent_at_once() {
    let deployment = Deployment::new();
    let running = deployment.start();
    let token = deployment.ok(&["terminal", "token", "--scope", "icu", "er"]);
    let first = Terminal::join(&running, &token, "ward-1", b"machine").unwrap();
    assert_eq!(first.document.number, 1);
    assert_eq!(first.document.status, Status::Active);
    assert_eq!(first.document.scopes.iter().map(|s| s.as_str()).collect::<Vec<_>>(), ["er", "icu"]);
    // The certificate names the terminal, and nothing that the request asked for.
    let read =
        TerminalCertificate::read(&first.certificate.clone().into(), Hash::of(b"CA")).unwrap();
    assert_eq!(read.terminal, first.id);
    assert!(!String::from_utf8_lossy(&first.certificate).contains("evil.example"));
    assert_eq!(first.heads(&running).len(), 2);

    // Another machine with the used token: refused, and somebody is told.
    let refusal = Terminal::join(&running, &token, "ward-2", b"another machine").err().unwrap();
    assert_eq!(refusal, (403, "WK-1503".into()));
    assert!(deployment.actions().contains(&"token.reused".to_owned()));

    // Nor the same machine with another key: a machine id is no secret.
    let refusal = Terminal::join(&running, &token, "ward-1b", b"machine").err().unwrap();
    assert_eq!(refusal, (403, "WK-1503".into()));
    assert_eq!(deployment.actions().iter().filter(|action| *action == "token.reused").count(), 2);
    assert_eq!(first.heads(&running).len(), 2);
    assert_eq!(deployment.rows(&["terminal", "list"]).as_array().unwrap().len(), 1);
}

#[test]
fn a_copied_machine_id_takes_nobody_s_place_without_a_token_for_it() {
    let deployment = Deployment::new();
    let running = deployment.start();
    let first = deployment.join(&running, "ward-1", &["icu"]);
    let other = deployment.join(&running, "ward-2", &["er"]);
    // A good token, single or for many, and the machine id of another terminal.
    for uses in ["1", "5"] {
        let token = deployment.ok(&["terminal", "token", "--scope", "icu", "--uses", uses]);
        let refusal = Terminal::join(&running, &token, "ward-1", b"ward-1").err().unwrap();
        assert_eq!(refusal, (403, "WK-1521".into()), "{uses}");
        // It is not spent by that.
        Terminal::join(&running, &token, "new", format!("new {uses}").as_bytes()).unwrap();
    }
    assert_eq!(first.heads(&running).len(), 1);
    assert_eq!(
        deployment.actions().iter().filter(|action| *action == "terminal.replace-refused").count(),
        2
    );
    // A token for another terminal does not do either.
    let token = deployment.ok(&["terminal", "token", "--replace", "ward-2"]);
    let refusal = Terminal::join(&running, &token, "ward-1", b"ward-1").err().unwrap();
    assert_eq!(refusal, (403, "WK-1521".into()));
    assert_eq!(other.heads(&running).len(), 1);

    // With a token for it: the same terminal, and the certificate so far counts no longer, also for
    // a request that is held.
    let have: Vec<_> = first.heads(&running).iter().map(super::support::client::state).collect();
    let token = deployment.ok(&["terminal", "token", "--replace", "ward-1"]);
    let again = std::thread::scope(|scope| {
        let held = scope.spawn(|| first.wait(&have, 20));
        std::thread::sleep(std::time::Duration::from_millis(300));
        let again = Terminal::join(&running, &token, "ward-1", b"ward-1").unwrap();
        assert_eq!(held.join().unwrap().refusal(), (403, "WK-1514".into()));
        again
    });
    assert_eq!(
        (again.id, again.document.number, again.document.status),
        (first.id, 2, Status::Active)
    );
    assert_eq!(again.document.scopes.iter().map(|s| s.as_str()).collect::<Vec<_>>(), ["icu"]);
    assert_eq!(again.heads(&running).len(), 1);
    // Its use is noted, once.
    for _ in 0..2 {
        assert_eq!(first.wait(&[], 0).refusal(), (403, "WK-1514".into()));
    }
    let actions = deployment.actions();
    for action in ["terminal.replace", "terminal.conflict"] {
        assert_eq!(actions.iter().filter(|found| *found == action).count(), 1, "{action}");
    }
    let trail = deployment.ok(&["audit", "list", "--object", &first.id.to_hex()]);
    assert!(trail.contains("counts no longer"), "{trail}");
    // The token is spent.
    assert_eq!(Terminal::join(&running, &token, "ward-1", b"ward-1").err().unwrap().1, "WK-1503");
    deployment.refused(1, &["terminal", "token", "--replace", "nowhere"]);
    deployment.refused(2, &["terminal", "token", "--replace", "ward-1", "--uses", "2"]);
}

#[test]
fn another_machine_comes_in_the_place_of_a_terminal() {
    let deployment = Deployment::new();
    let running = deployment.start();
    let first = deployment.join(&running, "ward-1", &["icu"]);
    let token = deployment.ok(&[
        "terminal",
        "token",
        "--replace",
        &first.id.to_hex()[..8],
        "--scope",
        "er",
    ]);
    let new = Terminal::join(&running, &token, "ward-1 new", b"another machine").unwrap();
    assert_eq!((new.id, new.document.number), (first.id, 2));
    assert_eq!(new.document.scopes.iter().map(|s| s.as_str()).collect::<Vec<_>>(), ["er"]);
    assert_eq!(first.wait(&[], 0).refusal(), (403, "WK-1514".into()));
    let listed = deployment.rows(&["terminal", "list"]);
    assert_eq!(listed.as_array().unwrap().len(), 1);
    // The machine so far is now one that nobody knows.
    let token = deployment.ok(&["terminal", "token", "--scope", "icu"]);
    assert_ne!(Terminal::join(&running, &token, "ward-1", b"ward-1").unwrap().id, first.id);
}

#[test]
fn an_answer_that_was_lost_is_given_again_to_the_same_key_only() {
    let deployment = Deployment::new();
    let running = deployment.start();
    let token = deployment.ok(&["terminal", "token", "--scope", "icu"]);
    let key = KeyPair::generate().unwrap();
    let ask = |csr: Vec<u8>, machine: &[u8]| {
        running.anyone().post("/v1/join", &join_request(&token, "ward-1", machine, csr))
    };
    let first: JoinReply = ask(request(&key), b"machine").json();
    // Another nonce and another request of the same key.
    let again: JoinReply = ask(request(&key), b"machine").json();
    assert_eq!((&first.certificate, &first.terminal), (&again.certificate, &again.terminal));
    assert_eq!(
        Terminal::new(&running, &again, KeyPair::from_pem(&key.serialize_pem()).unwrap())
            .document
            .number,
        1
    );
    assert_eq!(ask(request(&key), b"another").refusal(), (403, "WK-1503".into()));
    assert_eq!(
        ask(request(&KeyPair::generate().unwrap()), b"machine").refusal(),
        (403, "WK-1503".into())
    );
    // What counts no longer is not given again.
    deployment.ok(&["terminal", "revoke", "ward-1"]);
    assert_eq!(ask(request(&key), b"machine").refusal(), (403, "WK-1503".into()));
}

/// The store has one writer: somebody without a token must not be able to occupy or await it.
#[test]
fn a_join_without_a_token_does_not_wait_for_the_write_lock() {
    let deployment = Deployment::new();
    let running = deployment.start();
    let token = deployment.ok(&["terminal", "token", "--scope", "icu"]);
    let mut body =
        join_request(&token, "ward-1", b"machine", request(&KeyPair::generate().unwrap()));
    body.mac = Base64(vec![0; 32]);
    let anyone = running.anyone();
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    runtime.block_on(async {
        let store = deployment.store().await;
        let writing = store.write().await.unwrap();
        // Whoever waited for the lock would be told that the store is busy.
        let answer = anyone.post("/v1/join", &body);
        assert_eq!(answer.refusal(), (403, "WK-1503".into()));
        drop(writing);
        store.close().await;
    });
}

#[test]
fn what_is_wrong_with_a_token_is_not_told_and_nothing_is_lost() {
    let deployment = Deployment::with("[limits]\naddress = 1000\ntoken = 1000");
    let running = deployment.start();
    let token = deployment.ok(&["terminal", "token", "--scope", "icu"]);
    let key = KeyPair::generate().unwrap();
    let good = join_request(&token, "ward-1", b"machine", request(&key));
    let anyone = running.anyone();
    let join = |body: &serde_json::Value| anyone.post("/v1/join", body).refusal();
    let changed = |member: &str, value: serde_json::Value| {
        let mut body = serde_json::to_value(&good).unwrap();
        body[member] = value;
        body
    };
    for (what, body) in [
        ("unknown token", changed("token", json!(Base64(vec![9; 8])))),
        ("wrong mac", changed("mac", json!(Base64(vec![9; 32])))),
        ("short mac", changed("mac", json!(Base64(good.mac.0[..16].to_vec())))),
        ("empty mac", changed("mac", json!(""))),
        ("another name than was signed", changed("name", json!("ward-9"))),
        ("another machine than was signed", changed("machine", json!(Base64(vec![1; 32])))),
        ("another nonce than was signed", changed("nonce", json!(Base64(vec![1; 32])))),
        (
            "another key than was signed",
            changed("csr", json!(Base64(request(&KeyPair::generate().unwrap())))),
        ),
    ] {
        assert_eq!(join(&body), (403, "WK-1503".into()), "{what}");
    }
    for (what, body) in [
        ("long token", changed("token", json!(Base64(vec![9; 9])))),
        ("nonce", changed("nonce", json!(Base64(vec![9; 31])))),
        ("machine", changed("machine", json!(Base64(vec![9; 31])))),
        ("unprintable name", changed("name", json!("a\nb"))),
        ("no name", changed("name", json!(""))),
        ("csr too long", changed("csr", json!(Base64(vec![0x30; 5000])))),
        ("not base64url", changed("csr", json!("a+b="))),
        ("unknown field", with_unknown(&good)),
    ] {
        assert_eq!(join(&body), (400, "WK-1516".into()), "{what}");
    }
    // A request whose CSR is not signed by its key, with a right mac.
    let mut forged = request(&key);
    let last = forged.len() - 1;
    forged[last] ^= 1;
    let body = serde_json::to_value(join_request(&token, "ward-1", b"machine", forged)).unwrap();
    assert_eq!(join(&body), (400, "WK-1516".into()));
    // After all that the token still works, once.
    let reply: JoinReply = anyone.post("/v1/join", &good).json();
    // A replay of the very request gives what is public anyway, and nothing new.
    assert_eq!(anyone.post("/v1/join", &good).json::<JoinReply>().certificate, reply.certificate);
    assert_eq!(join(&changed("mac", json!(Base64(vec![9; 32])))), (403, "WK-1503".into()));
}

#[test]
fn tokens_expire_and_are_withdrawn() {
    let deployment = Deployment::new();
    let running = deployment.start();
    let short = deployment.ok(&["terminal", "token", "--scope", "icu", "--expires", "1h"]);
    let withdrawn = deployment.ok(&["terminal", "token", "--scope", "icu"]);
    deployment.ok(&["terminal", "withdraw-token", &withdrawn]);
    assert_eq!(Terminal::join(&running, &withdrawn, "a", b"a").err().unwrap().1, "WK-1503");
    // It was made by the command line's clock, which goes on.
    running.pass(2 * 3600);
    assert_eq!(Terminal::join(&running, &short, "a", b"a").err().unwrap().1, "WK-1503");
    deployment.refused(1, &["terminal", "token", "--scope", "nowhere"]);
    deployment.refused(2, &["terminal", "token"]);
}

#[test]
fn a_token_for_many_needs_approval_of_each() {
    let deployment = Deployment::new();
    let running = deployment.start();
    let token = deployment.ok(&["terminal", "token", "--scope", "icu", "--uses", "2"]);
    let one = Terminal::join(&running, &token, "one", b"1").unwrap();
    let _two = Terminal::join(&running, &token, "two", b"2").unwrap();
    assert_eq!(Terminal::join(&running, &token, "three", b"3").err().unwrap().1, "WK-1503");
    assert_eq!(one.document.status, Status::Disabled);
    assert_eq!(one.client.get("/v1/scopes/icu/changes?since=0").refusal(), (403, "WK-1010".into()));
    assert!(one.heads(&running).is_empty());
    let output = deployment.cli(&["terminal", "list"]);
    assert!(String::from_utf8(output.stdout).unwrap().contains("awaits approval"));
    assert!(String::from_utf8(output.stderr).unwrap().contains("terminal approve"));
    assert!(deployment.ok(&["terminal", "show", "one"]).contains("terminal approve"));
    assert!(deployment.refused(1, &["terminal", "enable", "one"]).contains("terminal approve"));
    // It waits, and is told at once.
    let reply = std::thread::scope(|scope| {
        let waiting = scope.spawn(|| one.wait(&[], 20));
        std::thread::sleep(std::time::Duration::from_millis(300));
        deployment.ok(&["terminal", "approve", "one"]);
        waiting.join().unwrap().json::<WaitReply>()
    });
    let publish = running.root().publish_keys.to_vec();
    let document = sign::verify::<TerminalDocument>(&reply.terminal.unwrap().0, &publish).unwrap();
    assert_eq!((document.number, document.status), (2, Status::Active));
    assert_eq!(reply.heads.len(), 1);
}

#[test]
fn a_certificate_is_renewed_and_the_one_before_counts_until_then() {
    let deployment = Deployment::new();
    let running = deployment.start();
    let terminal = deployment.join(&running, "ward-1", &["icu"]);
    let key = KeyPair::from_pem(&terminal.key.serialize_pem()).unwrap();
    let reply: JoinReply =
        terminal.client.post("/v1/renew", &json!({ "csr": Base64(request(&key)) })).json();
    // The answer may be lost: the certificate so far still counts, and may renew again.
    let reply_again: JoinReply =
        terminal.client.post("/v1/renew", &json!({ "csr": Base64(request(&key)) })).json();
    assert_ne!(reply.certificate.0, reply_again.certificate.0);
    assert_eq!(terminal.heads(&running).len(), 1);
    let renewed = Terminal::new(&running, &reply_again, key);
    assert_eq!(renewed.id, terminal.id);
    assert_eq!(renewed.heads(&running).len(), 1);
    running.settle();
    assert_eq!(terminal.wait(&[], 0).refusal(), (403, "WK-1514".into()));
}

#[test]
fn who_has_no_certificate_of_ours_gets_nothing_else() {
    let deployment = Deployment::new();
    let running = deployment.start();
    let terminal = deployment.join(&running, "ward-1", &["icu"]);
    let anyone = running.anyone();
    for (path, method) in wardkey_server::http::ROUTES {
        let path = path.replace("{scope}", "icu").replace("{hash}", &"0".repeat(64));
        let answer =
            if *method == "get" { anyone.get(&path) } else { anyone.post(&path, &json!({})) };
        let open = ["/healthz", "/readyz", "/v1/root"].contains(&path.as_str());
        let expected = if open {
            200
        } else if path == "/v1/join" {
            400
        } else {
            401
        };
        assert_eq!(answer.status, expected, "{path}");
    }
    // A certificate that another CA issued for this very terminal does not get through TLS.
    let key = KeyPair::generate().unwrap();
    let mut params = rcgen::CertificateParams::default();
    let uri = format!("urn:wardkey:terminal:{}", terminal.id);
    params.subject_alt_names = vec![rcgen::SanType::URI(uri.as_str().try_into().unwrap())];
    let forged = params.self_signed(&key).unwrap().der().to_vec();
    let client = Client::new(&running, Some((&forged, &key)));
    assert!(
        std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| client.get("/v1/root"))).is_err()
    );
    // The server's own certificate is of our CA, but not a terminal's.
    let keys = deployment.folder.path().join("data/keys");
    let key =
        KeyPair::from_pem(&std::fs::read_to_string(keys.join("server.key")).unwrap()).unwrap();
    let pem = std::fs::read_to_string(keys.join("server.crt")).unwrap();
    let (der, _) = wardkey_server::pki::read_certificate(&pem).unwrap();
    let client = Client::new(&running, Some((&der, &key)));
    let refused = std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| {
        client.post("/v1/wait", &json!({}))
    }));
    assert!(refused.is_err() || refused.unwrap().status == 401);
}

#[test]
fn a_terminal_says_what_it_runs_and_can() {
    let deployment = Deployment::new();
    let running = deployment.start();
    let terminal = deployment.join(&running, "ward-1", &["icu"]);
    let ask = |program: serde_json::Value| {
        let body = serde_json::json!({
            "scopes": [], "root_version": 1,
            "terminal_number": 0, "terminal_issued": 0,
            "hold": 0, "program": program,
        });
        terminal.client.post("/v1/wait", &body)
    };
    let long = "x".repeat(33);
    for wrong in [
        serde_json::json!({ "version": long, "can": [] }),
        serde_json::json!({ "version": "0.1.0", "can": ["with a blank"] }),
        serde_json::json!({ "version": "0.1.0", "can": ["two,words"] }),
        serde_json::json!({ "version": "0.1.0", "can": vec!["word"; 33] }),
        serde_json::json!({ "version": "0.1.0" }),
    ] {
        assert_eq!(ask(wrong.clone()).status, 400, "{wrong}");
    }
    assert_eq!(
        ask(serde_json::json!({ "version": "0.2.0", "can": ["server-time", "later"] })).status,
        200
    );
    // One that says nothing takes nothing back.
    terminal.wait(&[], 0);
    running.stop();
    let shown = deployment.json(&["terminal", "show", "ward-1"]);
    assert_eq!(shown["version"], "0.2.0");
    assert_eq!(shown["capabilities"], serde_json::json!(["server-time", "later"]));
    assert!(
        deployment.ok(&["terminal", "show", "ward-1"]).contains("can          server-time, later")
    );
}
