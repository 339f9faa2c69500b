//! Connections: who has no certificate cannot take the room of those who have one.

use std::io::{ErrorKind, Read, Write};
use std::net::TcpStream;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::time::{Duration, Instant};

use rustls::pki_types::PrivateKeyDer;
use rustls::{ClientConfig, ClientConnection, RootCertStore, StreamOwned};
use serde_json::{Value, json};
use wardkey_core::codec;
use wardkey_core::event::{Event, EventName, Outcome};
use wardkey_core::id::EventId;
use wardkey_core::message::http::{Base64, EnrollBeginReply};
use wardkey_core::time::UnixTime;

use super::support::authenticator::{Credential, Maker, Making};
use super::support::client::{Client, Terminal, request};
use super::support::ward::{begin, finish_body};
use super::support::{Deployment, Running, now, until};

type Tls = StreamOwned<ClientConnection, TcpStream>;

/// After this a test that waits is one that hangs.
const LONG: Duration = Duration::from_secs(60);

/// A connection without a certificate whose handshake is done; it asks for nothing yet.
fn connect(running: &Running, ca: &[u8]) -> Tls {
    connect_as(running, ca, None)
}

/// The same with the certificate of a terminal.
fn connect_as(running: &Running, ca: &[u8], terminal: Option<&Terminal>) -> Tls {
    let mut roots = RootCertStore::empty();
    roots.add(ca.to_vec().into()).unwrap();
    let config = ClientConfig::builder_with_provider(Arc::new(
        rustls::crypto::aws_lc_rs::default_provider(),
    ))
    .with_safe_default_protocol_versions()
    .unwrap()
    .with_root_certificates(roots);
    let config = match terminal {
        Some(terminal) => {
            let key = PrivateKeyDer::try_from(terminal.key.serialize_der()).unwrap();
            config.with_client_auth_cert(vec![terminal.certificate.clone().into()], key).unwrap()
        }
        None => config.with_no_client_auth(),
    };
    let tls = ClientConnection::new(Arc::new(config), "localhost".try_into().unwrap()).unwrap();
    let stream = TcpStream::connect(running.address).unwrap();
    stream.set_read_timeout(Some(LONG)).unwrap();
    let mut stream = StreamOwned::new(tls, stream);
    let _ = stream.conn.complete_io(&mut stream.sock);
    stream
}

/// Whether a connection has ended; not because nobody waits for it any longer.
fn has_ended(read: std::io::Result<usize>) -> bool {
    match read {
        Ok(read) => read == 0,
        Err(error) => error.kind() != ErrorKind::WouldBlock,
    }
}

/// Whether a request on it is answered.
fn is_answered(stream: &mut Tls) -> bool {
    let mut answer = [0; 12];
    stream.write_all(b"GET /healthz HTTP/1.1\r\nHost: localhost\r\n\r\n").is_ok()
        && stream.flush().is_ok()
        && stream.read_exact(&mut answer).is_ok()
        && answer.starts_with(b"HTTP/1.1 200")
}

#[test]
fn who_has_no_certificate_is_bounded_by_address_and_terminals_come_all_the_same() {
    let deployment =
        Deployment::with("[limits]\nanonymous_connections = 200\naddress_connections = 12");
    let running = deployment.start();
    let terminal = deployment.join(&running, "ward-1", &["icu"]);
    let ca = running.root().tls_ca.as_slice().to_vec();
    let mut open: Vec<Tls> = (0..30).map(|_| connect(&running, &ca)).collect();
    let answered = open.iter_mut().map(is_answered).filter(|answered| *answered).count();
    assert!((1..=12).contains(&answered), "{answered}");
    // With all of these still open, a terminal comes from the same address.
    assert_eq!(terminal.wait(&[], 0).status, 200);
    // Those that end make room again, as soon as the server has seen it.
    drop(open);
    let comes_anew = || {
        let client = Client::new(&running, Some((&terminal.certificate, &terminal.key)));
        client.get("/v1/scopes/icu/changes?since=0").status == 200
    };
    until("room", || catch_unwind(AssertUnwindSafe(comes_anew)).unwrap_or(false));
}

#[test]
fn silent_handshakes_give_way_and_end_soon() {
    let deployment =
        Deployment::with("[limits]\nanonymous_connections = 40\naddress_connections = 12");
    let running = deployment.start();
    let terminal = deployment.join(&running, "ward-1", &["icu"]);
    // More than there is room for, all silent: the newest, which speaks, still gets through.
    let mut silent: Vec<TcpStream> =
        (0..60).map(|_| TcpStream::connect(running.address).unwrap()).collect();
    assert_eq!(terminal.heads(&running).len(), 1);
    assert_eq!(running.anyone().get("/healthz").status, 200);
    let last = silent.last_mut().unwrap();
    last.set_read_timeout(Some(LONG)).unwrap();
    assert!(has_ended(last.read(&mut [0; 1])), "it is still open");
}

#[test]
fn who_has_no_certificate_must_not_be_slow_with_the_head_of_a_request() {
    let deployment = Deployment::new();
    let running = deployment.start();
    let ca = running.root().tls_ca.as_slice().to_vec();
    let begun = Instant::now();
    let mut stream = connect(&running, &ca);
    stream.write_all(b"GET /healthz HTTP/1.1\r\nHost: ").unwrap();
    stream.flush().unwrap();
    let mut answer = Vec::new();
    let _ = stream.read_to_end(&mut answer);
    // Ten seconds for the head; a whole connection may last sixty.
    let took = begun.elapsed();
    assert!((10..45).contains(&took.as_secs()), "{took:?}");
    assert!(!answer.starts_with(b"HTTP/1.1 200"));
}

#[test]
fn one_terminal_does_not_take_the_connections_of_all() {
    let deployment = Deployment::with("[limits]\nterminal_connections = 3");
    let running = deployment.start();
    let one = deployment.join(&running, "ward-1", &["icu"]);
    let other = deployment.join(&running, "ward-2", &["icu"]);
    let clients: Vec<_> =
        (0..3).map(|_| Client::new(&running, Some((&one.certificate, &one.key)))).collect();
    for client in &clients {
        assert_eq!(client.get("/v1/scopes/icu/changes?since=0").status, 200);
    }
    // Its fourth is closed; the other terminal's is not.
    let heads = || catch_unwind(AssertUnwindSafe(|| one.heads(&running).len()));
    assert!(heads().is_err());
    assert_eq!(other.heads(&running).len(), 1);
    drop(clients);
    until("room", || heads().is_ok_and(|heads| heads == 1));
}

#[test]
fn a_replaced_or_revoked_certificate_takes_nothing_of_the_rightful_terminal() {
    let deployment = Deployment::with(
        "[limits]\nterminal_connections = 2\naddress_connections = 20\nterminal = 40\n\
            address = 400",
    );
    let running = deployment.start();
    let thief = deployment.join(&running, "ward-1", &["icu"]);
    let body = serde_json::json!({
        "scopes": [], "root_version": 1, "terminal_number": 0, "terminal_issued": 0, "hold": 0,
    });
    // Also on a connection that was the terminal's when it began.
    assert_eq!(thief.client.post("/v1/wait", &body).status, 200);
    let token = deployment.ok(&["terminal", "token", "--scope", "icu", "--replace", "ward-1"]);
    let rightful = Terminal::join(&running, &token, "ward-1", b"ward-1").unwrap();
    assert_eq!(rightful.id, thief.id);
    let refused = thief.client.post("/v1/wait", &body);
    assert_eq!(
        (refused.refusal(), &refused.headers["connection"]),
        ((403, "WK-1514".into()), &"close".parse().unwrap())
    );
    let of =
        |terminal: &Terminal| Client::new(&running, Some((&terminal.certificate, &terminal.key)));
    // It holds what an address may have, and asks what an address may ask: the terminal has its
    // own.
    let ca = running.root().tls_ca.as_slice().to_vec();
    let mut held: Vec<Tls> = (0..4).map(|_| connect_as(&running, &ca, Some(&thief))).collect();
    assert!(held.iter_mut().all(is_answered), "more than a terminal may have: counted by address");
    for _ in 0..50 {
        assert_eq!(thief.client.post("/v1/wait", &body).status, 403);
    }
    let both = [of(&rightful), of(&rightful)];
    assert!(both.iter().all(|client| client.post("/v1/wait", &body).status == 200));
    // A revoked one is no terminal either.
    drop((both, held));
    deployment.ok(&["terminal", "revoke", "ward-1", "--reason", "stolen"]);
    running.settle();
    let mut held: Vec<Tls> = (0..4).map(|_| connect_as(&running, &ca, Some(&rightful))).collect();
    assert!(held.iter_mut().all(is_answered));
}

/// Sends the head of a request, waits until it was judged, and sends half of its body; what is left
/// to send.
fn half(stream: &mut Tls, path: &str, body: &Value) -> Vec<u8> {
    let body = body.to_string().into_bytes();
    let head = format!(
        "POST {path} HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\n\
            Content-Length: {}\r\nExpect: 100-continue\r\n\r\n",
        body.len()
    );
    stream.write_all(head.as_bytes()).unwrap();
    stream.flush().unwrap();
    let expected = b"HTTP/1.1 100 Continue\r\n\r\n";
    let mut said = vec![0; expected.len()];
    stream.read_exact(&mut said).unwrap();
    assert_eq!(said, expected, "{path}: {}", String::from_utf8_lossy(&said));
    let (first, rest) = body.split_at(body.len() / 2);
    stream.write_all(first).unwrap();
    stream.flush().unwrap();
    rest.to_vec()
}

/// Sends the rest; the answer, up to the end of its JSON.
fn finish(stream: &mut Tls, rest: &[u8]) -> String {
    stream.write_all(rest).unwrap();
    stream.flush().unwrap();
    let (mut answer, mut part) = (Vec::new(), [0; 4096]);
    while !answer.ends_with(b"}") {
        match stream.read(&mut part) {
            Ok(length @ 1..) => answer.extend_from_slice(&part[..length]),
            _ => break,
        }
    }
    String::from_utf8_lossy(&answer).into_owned()
}

#[test]
fn a_request_pending_while_its_certificate_was_replaced_or_its_terminal_revoked_changes_nothing() {
    let all = [
        ("replaced", "WK-1514", "was replaced"),
        ("revoked", "WK-1010", ""),
        ("retired", "WK-1514", "was exchanged"),
    ];
    for (how, code, why) in all {
        let deployment = Deployment::new();
        deployment.ok(&["person", "add", "yamada", "--name", "yamada", "--scope", "icu"]);
        let running = deployment.start();
        let thief = deployment.join(&running, "ward-1", &["icu"]);
        let ca = running.root().tls_ca.as_slice().to_vec();
        if how == "retired" {
            deployment.ok(&["ca", "rotate"]);
            running.settle();
        }

        let mut event = Event::new(
            EventId::new([3; 16]),
            UnixTime(now()),
            EventName::Heartbeat,
            Outcome::Success,
        );
        event.terminal = Some(thief.id);
        let enrollment = |code: &str| -> Value {
            let begun: EnrollBeginReply = begin(&thief, code).json();
            let challenge = &begun.public_key.challenge.0;
            finish_body(
                &begun.session,
                &Credential::make(&Maker::new(), challenge, Making::default()),
            )
        };
        let enrollment_code = deployment.ok(&["code", "issue", "yamada"]);
        let mut wrong = enrollment(&enrollment_code);
        wrong["attestation_object"] = json!(Base64(vec![0xa3; 9]));
        let mut pending: Vec<(&str, Tls, Vec<u8>)> = [
            ("/v1/renew", json!({ "csr": Base64(request(&rcgen::KeyPair::generate().unwrap())) })),
            ("/v1/events", json!({ "events": [Base64(codec::to_bytes(&event))] })),
            ("/v1/enroll/finish", enrollment(&enrollment_code)),
            ("/v1/enroll/finish", wrong),
            ("/v1/enroll/begin", json!({ "code": &enrollment_code })),
        ]
        .into_iter()
        .map(|(path, body)| {
            let mut stream = connect_as(&running, &ca, Some(&thief));
            let rest = half(&mut stream, path, &body);
            (path, stream, rest)
        })
        .collect();

        let rightful = if how == "replaced" {
            let token = deployment.ok(&["terminal", "token", "--replace", "ward-1"]);
            Some(Terminal::join(&running, &token, "ward-1", b"ward-1").unwrap())
        } else {
            let args: &[&str] = match how {
                "retired" => &["ca", "retire", "--anyway"],
                _ => &["terminal", "revoke", "ward-1"],
            };
            deployment.ok(args);
            None
        };
        running.settle();
        let before = deployment.rows(&["terminal", "list"])[0]["certificate_until"].clone();
        for (path, stream, rest) in &mut pending {
            let answer = finish(stream, rest);
            assert!(answer.starts_with("HTTP/1.1 403"), "{how} {path}: {answer}");
            assert!(answer.contains(code) && answer.contains(why), "{how} {path}: {answer}");
        }

        assert_eq!(deployment.rows(&["terminal", "list"])[0]["certificate_until"], before, "{how}");
        let actions = deployment.actions();
        for action in ["terminal.renew", "key.enroll", "key.enroll-refused"] {
            assert!(!actions.contains(&action.to_owned()), "{how}: {action}");
        }
        assert_eq!(deployment.rows(&["events", "list"]), json!([]), "{how}");
        if let Some(rightful) = rightful {
            assert_eq!(
                rightful.wait(&[], 0).status,
                200,
                "whoever was put in its place stays there"
            );
        }
    }
}

#[test]
fn an_open_connection_ends_with_its_certificate() {
    let deployment = Deployment::new();
    let running = deployment.start();
    let thief = deployment.join(&running, "ward-1", &["icu"]);
    let ca = running.root().tls_ca.as_slice().to_vec();
    let mut idle = connect_as(&running, &ca, Some(&thief));
    assert!(is_answered(&mut idle));
    let token = deployment.ok(&["terminal", "token", "--replace", "ward-1"]);
    Terminal::join(&running, &token, "ward-1", b"ward-1").unwrap();
    // An idle one of a terminal may last longer than this waits.
    let rest = idle.read_to_end(&mut Vec::new());
    assert!(has_ended(rest.map(|_| 0)), "it is still open");
    assert!(!is_answered(&mut idle));
}
