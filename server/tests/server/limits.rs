//! What is not a request of ours is refused, with the right status, and so is one too many.

use std::io::{Read, Write};
use std::net::TcpStream;
use std::sync::Arc;

use serde_json::json;

use super::support::Deployment;
use super::support::client::with_unknown;

#[test]
fn json_only_known_fields_only_bounded_own_origin() {
    let deployment = Deployment::new();
    let running = deployment.start();
    let terminal = deployment.join(&running, "ward-1", &["icu"]);
    let client = &terminal.client;
    for kind in ["text/plain", "application/x-www-form-urlencoded", "application/jsonx", ""] {
        assert_eq!(
            client.post_as("/v1/wait", kind, "{}").refusal(),
            (415, "WK-1516".into()),
            "{kind}"
        );
    }
    let body = json!({
        "scopes": [], "root_version": 1,
        "terminal_number": 0, "terminal_issued": 0,
        "hold": 0,
    });
    assert_eq!(
        client.post_as("/v1/wait", "application/json; charset=utf-8", &body.to_string()).status,
        200
    );
    assert_eq!(client.post("/v1/wait", &with_unknown(&body)).refusal(), (400, "WK-1516".into()));
    for text in ["", "{", "[]", "null", "{\"hold\":-1}", &format!("{}1", body), &"[".repeat(10_000)]
    {
        assert_eq!(
            client.post_as("/v1/wait", "application/json", text).refusal(),
            (400, "WK-1516".into()),
            "{text:.20}"
        );
    }
    let mut many = body.clone();
    let scope =
        json!({ "scope": "icu", "epoch": 1, "seq": 1, "root": "A".repeat(43), "issued": 0 });
    many["scopes"] = json!(vec![scope; 9]);
    assert_eq!(client.post("/v1/wait", &many).refusal(), (400, "WK-1516".into()));
    assert_eq!(
        client.post("/v1/wait", &json!({ "pad": "x".repeat(20_000) })).refusal(),
        (413, "WK-1516".into())
    );
    let secret = "ABCD-EFGH-JKMN";
    let answer = client.post_as(
        "/v1/enroll/begin",
        "application/json",
        &format!("{{\"code\":[\"{secret}\"]}}"),
    );
    assert_eq!(answer.status, 400);
    assert!(!answer.body.contains(secret), "what was sent is not said again");
    assert_eq!(
        client.get_from("/v1/root", "https://evil.example").refusal(),
        (403, "WK-1516".into())
    );
    assert_eq!(client.get_from("/v1/root", "null").status, 403);
    assert_eq!(client.get_from("/v1/root", "https://wardkey.test").status, 200);
    assert_eq!(client.get("/v1/nothing").refusal(), (404, "WK-1515".into()));
    assert_eq!(client.get("/v1/wait").refusal(), (405, "WK-1516".into()));
    let headers = client.get("/healthz").headers;
    for (name, value) in [
        ("x-content-type-options", "nosniff"),
        ("cache-control", "no-store"),
        ("content-security-policy", "default-src 'none'; frame-ancestors 'none'"),
        ("strict-transport-security", "max-age=31536000"),
    ] {
        assert_eq!(headers[name], value);
    }
}

#[test]
fn too_many_requests_are_refused_with_the_seconds_to_wait() {
    let deployment = Deployment::with("[limits]\naddress = 20\nterminal = 30\ncode = 2\ntoken = 3");
    let running = deployment.start();
    let terminal = deployment.join(&running, "ward-1", &["icu"]);
    // Guessing codes: by terminal, whatever the code.
    let guess = |code: &str| terminal.client.post("/v1/enroll/begin", &json!({ "code": code }));
    assert_eq!(guess("AAAA-AAAA-AAAA").status, 403);
    assert_eq!(guess("BBBB-BBBB-BBBB").status, 403);
    let refused = guess("CCCC-CCCC-CCCC");
    assert_eq!(refused.refusal(), (429, "WK-1512".into()));
    assert!((1..=60).contains(&refused.retry_after.unwrap()));
    // One token, whoever tries it.
    running.server().app().limiter.forget();
    let anyone = running.anyone();
    let body = json!({
        "token": "AAAAAAAAAAA", "csr": "AA",
        "nonce": "A".repeat(43), "mac": "A".repeat(43),
        "machine": "A".repeat(43), "name": "x",
    });
    let statuses: Vec<u16> = (0..4).map(|_| anyone.post("/v1/join", &body).status).collect();
    assert_eq!(statuses, [403, 403, 403, 429]);
    // An address without a certificate; terminals there go on.
    assert!((0..400).any(|_| anyone.get("/v1/root").status == 429));
    assert_eq!(terminal.wait(&[], 0).status, 200);
    // A terminal.
    let mut answers = (0..400).map(|_| terminal.wait(&[], 0));
    let refused = answers.find(|answer| answer.status != 200).unwrap();
    assert_eq!(refused.refusal(), (429, "WK-1512".into()));
    assert!(refused.retry_after.is_some());
}

#[test]
fn no_tls_below_1_2_and_nothing_in_the_clear() {
    let deployment = Deployment::new();
    let running = deployment.start();
    // A ClientHello without supported_versions, as browsers of TLS 1.2 and before sent it.
    let hello = |version: u8| {
        let extensions: &[u8] = &[
            0, 10, 0, 4, 0, 2, 0, 23, // supported_groups: secp256r1
            0, 11, 0, 2, 1, 0, // ec_point_formats
            0, 13, 0, 4, 0, 2, 4, 3, // signature_algorithms: ecdsa_secp256r1_sha256
        ];
        let mut hello = vec![3, version];
        hello.extend_from_slice(&[7; 32]);
        // No session, ECDHE_ECDSA_WITH_AES_128_GCM_SHA256, no compression.
        hello.extend_from_slice(&[0, 0, 2, 0xc0, 0x2b, 1, 0, 0, extensions.len() as u8]);
        hello.extend_from_slice(extensions);
        let handshake = [&[1, 0, 0, hello.len() as u8][..], &hello].concat();
        [&[0x16, 3, 1, 0, handshake.len() as u8][..], &handshake].concat()
    };
    let ask = |bytes: &[u8]| {
        let mut stream = TcpStream::connect(running.address).unwrap();
        stream.set_read_timeout(Some(std::time::Duration::from_secs(60))).unwrap();
        stream.write_all(bytes).unwrap();
        let mut answer = [0; 7];
        let count = stream.read(&mut answer).unwrap_or(0);
        answer[..count].to_vec()
    };
    assert_eq!(ask(&hello(3))[0], 0x16, "1.2: a ServerHello");
    for old in [0, 1, 2] {
        let answer = ask(&hello(old));
        assert_eq!(
            (answer[0], answer[5], answer[6]),
            (0x15, 2, 70),
            "fatal alert protocol_version"
        );
    }
    assert!(!ask(b"GET /healthz HTTP/1.1\r\nHost: localhost\r\n\r\n").starts_with(b"HTTP"));
    // 1.2 and 1.3 are spoken.
    for version in [&rustls::version::TLS12, &rustls::version::TLS13] {
        let mut roots = rustls::RootCertStore::empty();
        roots.add(running.root().tls_ca.as_slice().to_vec().into()).unwrap();
        let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
        let config = rustls::ClientConfig::builder_with_provider(provider)
            .with_protocol_versions(&[version])
            .unwrap()
            .with_root_certificates(roots)
            .with_no_client_auth();
        let mut tls =
            rustls::ClientConnection::new(Arc::new(config), "localhost".try_into().unwrap())
                .unwrap();
        let mut stream = TcpStream::connect(running.address).unwrap();
        let mut stream = rustls::Stream::new(&mut tls, &mut stream);
        stream
            .write_all(b"GET /healthz HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n")
            .unwrap();
        let mut answer = String::new();
        stream.read_to_string(&mut answer).unwrap();
        assert!(answer.starts_with("HTTP/1.1 200"), "{version:?}");
    }
}

#[test]
fn every_route_is_in_the_openapi_document_and_nothing_else() {
    let text = include_str!("../../../docs/openapi.yaml");
    let mut described: Vec<(String, String)> = Vec::new();
    let mut path = None;
    for line in text
        .lines()
        .skip_while(|line| *line != "paths:")
        .skip(1)
        .take_while(|line| line.is_empty() || line.starts_with(' '))
    {
        if let Some(found) = line.strip_prefix("  /").and_then(|rest| rest.strip_suffix(':')) {
            path = Some(format!("/{found}"));
        }
        for method in ["get", "post", "put", "delete", "patch"] {
            if line == format!("    {method}:") {
                described.push((path.clone().unwrap(), method.to_owned()));
            }
        }
    }
    let mut routes: Vec<(String, String)> = wardkey_server::http::ROUTES
        .iter()
        .map(|(path, method)| ((*path).to_owned(), (*method).to_owned()))
        // How terminals of before spell it: the same answers, and not for new ones.
        .filter(|(path, _)| !path.starts_with("/v1/enrol/"))
        .collect();
    routes.sort();
    described.sort();
    assert_eq!(described, routes);
    // And the list of routes is what the router has.
    let deployment = Deployment::new();
    let running = deployment.start();
    let client = running.anyone();
    for (path, method) in routes {
        let path = path.replace("{scope}", "icu").replace("{hash}", "00");
        let answer =
            if method == "get" { client.get(&path) } else { client.post(&path, &json!({})) };
        assert!(![404, 405].contains(&answer.status), "{path}: {}", answer.status);
    }
}
