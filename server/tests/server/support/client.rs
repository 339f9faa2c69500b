//! HTTPS as an agent speaks it.

use std::time::Duration;

use rcgen::{CertificateParams, KeyPair};
use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_json::{Value, json};
use ureq::tls::{Certificate, ClientCert, PrivateKey, RootCerts, TlsConfig};
use wardkey_core::codec::sha256;
use wardkey_core::document::{Head, RootDocument, TerminalDocument};
use wardkey_core::id::TerminalId;
use wardkey_core::message::http::{
    Base64, ChangesReply, ErrorReply, JoinReply, JoinRequest, RootReply, ScopeState, WaitReply,
    join_mac_input,
};
use wardkey_core::sign;
use wardkey_core::token::JoinToken;
use wardkey_server::secret;

use super::running::Running;

/// One end of HTTPS connections.
pub struct Client {
    agent: ureq::Agent,
    base: String,
}

/// An answer.
#[derive(Debug)]
pub struct Answer {
    pub status: u16,
    pub retry_after: Option<u64>,
    pub headers: ureq::http::HeaderMap,
    pub body: String,
}

impl Answer {
    pub fn json<T: DeserializeOwned>(&self) -> T {
        assert_eq!(self.status, 200, "{}", self.body);
        serde_json::from_str(&self.body).unwrap()
    }

    /// Status and code of a refusal.
    pub fn refusal(&self) -> (u16, String) {
        let reply: ErrorReply = serde_json::from_str(&self.body)
            .unwrap_or_else(|_| panic!("{} {}", self.status, self.body));
        assert_eq!(format!("WK-{}", reply.number), reply.code);
        assert!(self.status > 399);
        (self.status, reply.code)
    }
}

impl Client {
    pub fn new(running: &Running, identity: Option<(&[u8], &KeyPair)>) -> Self {
        Self::at(running.address.port(), identity)
    }

    /// To whatever listens at a port of this machine.
    pub fn at(port: u16, identity: Option<(&[u8], &KeyPair)>) -> Self {
        let base = format!("https://127.0.0.1:{port}");
        // The CA is learned as a joining terminal learns it: from a peer that is not yet trusted.
        let unverified = https(TlsConfig::builder().disable_verification(true).build());
        let reply: RootReply = serde_json::from_str(
            &unverified
                .get(format!("{base}/v1/root"))
                .call()
                .unwrap()
                .body_mut()
                .read_to_string()
                .unwrap(),
        )
        .unwrap();
        let root: RootDocument = sign::peek(&reply.roots[0].by_itself.0).unwrap();
        Self::knowing(port, identity, root.tls_ca.as_slice())
    }

    /// One that knows this CA and no other.
    pub fn knowing(port: u16, identity: Option<(&[u8], &KeyPair)>, ca: &[u8]) -> Self {
        let base = format!("https://127.0.0.1:{port}");
        let ca = Certificate::from_der(ca).to_owned();
        let certificate = identity.map(|(der, key)| {
            ClientCert::new_with_certs(
                &[Certificate::from_der(der).to_owned()],
                PrivateKey::from_pem(key.serialize_pem().as_bytes()).unwrap(),
            )
        });
        let tls = TlsConfig::builder()
            .root_certs(RootCerts::new_with_certs(&[ca]))
            .client_cert(certificate)
            .build();
        Self { agent: https(tls), base }
    }

    /// Whether it is answered at all.
    pub fn is_answered(&self) -> bool {
        self.agent.get(format!("{}/healthz", self.base)).call().is_ok()
    }

    pub fn get(&self, path: &str) -> Answer {
        answer(self.agent.get(format!("{}{path}", self.base)).call())
    }

    pub fn get_from(&self, path: &str, origin: &str) -> Answer {
        answer(self.agent.get(format!("{}{path}", self.base)).header("origin", origin).call())
    }

    pub fn post(&self, path: &str, body: &impl Serialize) -> Answer {
        self.post_as(path, "application/json", &serde_json::to_string(body).unwrap())
    }

    pub fn post_as(&self, path: &str, kind: &str, body: &str) -> Answer {
        answer(
            self.agent.post(format!("{}{path}", self.base)).header("content-type", kind).send(body),
        )
    }
}

pub(super) fn https(tls: TlsConfig) -> ureq::Agent {
    // ureq takes the process's provider.
    let _ = rustls::crypto::aws_lc_rs::default_provider().install_default();
    ureq::Agent::config_builder()
        .tls_config(tls)
        .http_status_as_error(false)
        .timeout_global(Some(Duration::from_secs(70)))
        .build()
        .into()
}

pub(super) fn answer(response: Result<ureq::http::Response<ureq::Body>, ureq::Error>) -> Answer {
    let mut response = response.unwrap();
    Answer {
        status: response.status().as_u16(),
        retry_after: response
            .headers()
            .get("retry-after")
            .map(|value| value.to_str().unwrap().parse().unwrap()),
        headers: response.headers().clone(),
        body: response.body_mut().with_config().limit(64 << 20).read_to_string().unwrap(),
    }
}

/// A certificate request for a new key.
pub fn request(key: &KeyPair) -> Vec<u8> {
    // What is asked for counts for nothing: the server names the terminal.
    let params = CertificateParams::new(vec!["evil.example".to_owned()]).unwrap();
    params.serialize_request(key).unwrap().der().to_vec()
}

/// A join request as an agent makes it.
pub fn join_request(token: &str, name: &str, machine: &[u8], csr: Vec<u8>) -> JoinRequest {
    let token = JoinToken::from_text(token).unwrap();
    let nonce = secret::random::<32>().unwrap();
    let machine = sha256(machine);
    let mac = secret::mac(&token.secret, &join_mac_input(&nonce, machine.as_bytes(), name, &csr));
    JoinRequest {
        token: Base64(token.id.to_vec()),
        csr: Base64(csr),
        nonce: Base64(nonce.to_vec()),
        machine: Base64(machine.as_bytes().to_vec()),
        name: name.to_owned(),
        mac: Base64(mac.as_bytes().to_vec()),
    }
}

/// A terminal that has joined.
pub struct Terminal {
    pub id: TerminalId,
    pub client: Client,
    pub key: KeyPair,
    pub document: TerminalDocument,
    pub certificate: Vec<u8>,
}

impl Terminal {
    pub fn join(
        running: &Running,
        token: &str,
        name: &str,
        machine: &[u8],
    ) -> Result<Self, (u16, String)> {
        let key = KeyPair::generate().unwrap();
        let answer =
            running.anyone().post("/v1/join", &join_request(token, name, machine, request(&key)));
        if answer.status != 200 {
            return Err(answer.refusal());
        }
        Ok(Self::new(running, &answer.json(), key))
    }

    pub fn new(running: &Running, reply: &JoinReply, key: KeyPair) -> Self {
        let publish = running.root().publish_keys.to_vec();
        let document =
            sign::verify::<TerminalDocument>(&reply.document.0, &publish).unwrap().into_inner();
        Self {
            id: TerminalId::from_slice(&reply.terminal.0).unwrap(),
            client: Client::new(running, Some((&reply.certificate.0, &key))),
            key,
            document,
            certificate: reply.certificate.0.clone(),
        }
    }

    /// A terminal document, verified.
    pub fn document_of(running: &Running, signed: &Base64) -> TerminalDocument {
        let publish = running.root().publish_keys.to_vec();
        sign::verify::<TerminalDocument>(&signed.0, &publish).unwrap().into_inner()
    }

    /// How its request for changes is refused.
    pub fn changes_refused(&self, scope: &str) -> (u16, String) {
        self.client.get(&format!("/v1/scopes/{scope}/changes?since=0")).refusal()
    }

    /// Asks for news with what it has.
    pub fn wait(&self, have: &[ScopeState], hold: u64) -> Answer {
        self.wait_with(have, self.document.number, self.document.issued.0, hold)
    }

    pub fn wait_with(&self, have: &[ScopeState], number: u64, issued: u64, hold: u64) -> Answer {
        let body = json!({
            "scopes": have, "root_version": 1,
            "terminal_number": number, "terminal_issued": issued,
            "hold": hold,
        });
        self.client.post("/v1/wait", &body)
    }

    /// The same at once, with programs that can this.
    pub fn wait_able(&self, have: &[ScopeState], can: &[&str]) -> Answer {
        let body = json!({
            "scopes": have, "root_version": 1,
            "terminal_number": self.document.number, "terminal_issued": self.document.issued.0,
            "hold": 0, "program": { "version": "1", "can": can },
        });
        self.client.post("/v1/wait", &body)
    }

    /// The heads of all its scopes.
    pub fn heads(&self, running: &Running) -> Vec<Head> {
        let reply: WaitReply = self.wait(&[], 0).json();
        let publish = running.root().publish_keys.to_vec();
        reply
            .heads
            .iter()
            .map(|head| sign::verify::<Head>(&head.0, &publish).unwrap().into_inner())
            .collect()
    }

    pub fn changes(&self, scope: &str, since: u64) -> ChangesReply {
        self.client.get(&format!("/v1/scopes/{scope}/changes?since={since}")).json()
    }
}

/// What a terminal says that it has.
pub fn state(head: &Head) -> ScopeState {
    ScopeState {
        scope: head.scope.to_string(),
        epoch: head.epoch,
        seq: head.seq,
        root: Base64(head.root.as_bytes().to_vec()),
        issued: head.issued.0,
        head: None,
    }
}

/// A body with one more member.
pub fn with_unknown(body: &impl Serialize) -> Value {
    let mut body = serde_json::to_value(body).unwrap();
    body["surprise"] = json!(1);
    body
}

impl Running {
    pub fn anyone(&self) -> Client {
        Client::new(self, None)
    }

    pub fn root(&self) -> RootDocument {
        let reply: RootReply = self.anyone().get("/v1/root").json();
        sign::peek(&reply.roots.last().unwrap().by_itself.0).unwrap()
    }
}
