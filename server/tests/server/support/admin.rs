//! Administration from afar: HTTPS with an API key.

use serde_json::Value;
use ureq::tls::{Certificate, ClientCert, RootCerts, TlsConfig};

use super::Deployment;
use super::client::{Answer, answer, https};
use super::running::Running;

/// One who asks.
pub struct Admin {
    agent: ureq::Agent,
    base: String,
    token: String,
}

impl Admin {
    pub fn new(running: &Running, token: &str) -> Self {
        Self::with_certificate(running, token, None)
    }

    pub fn with_certificate(
        running: &Running,
        token: &str,
        certificate: Option<ClientCert>,
    ) -> Self {
        let root = running.root();
        let ca = Certificate::from_der(root.tls_ca.as_slice()).to_owned();
        let tls = TlsConfig::builder()
            .root_certs(RootCerts::new_with_certs(&[ca]))
            .client_cert(certificate)
            .build();
        let address = running.server().administration().unwrap();
        let base = format!("https://127.0.0.1:{}", address.port());
        Self { agent: https(tls), base, token: token.to_owned() }
    }

    /// Asks, with a body when there is one.
    pub fn try_ask(
        &self,
        (method, path): (&str, &str),
        body: Option<&Value>,
        headers: &[(&str, &str)],
    ) -> Result<Answer, ureq::Error> {
        let mut request = ureq::http::Request::builder()
            .method(method.to_uppercase().as_str())
            .uri(format!("{}{path}", self.base))
            .header("authorization", format!("Bearer {}", self.token));
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        let answered = match body {
            None => self.agent.run(request.body(()).unwrap()),
            Some(body) => {
                let request = request.header("content-type", "application/json");
                self.agent.run(request.body(body.to_string()).unwrap())
            }
        };
        answered.map(|response| answer(Ok(response)))
    }

    pub fn ask(&self, method: &str, path: &str, body: Option<&Value>) -> Answer {
        self.try_ask((method, path), body, &[]).unwrap()
    }

    pub fn get(&self, path: &str) -> Answer {
        self.ask("get", path, None)
    }

    pub fn post(&self, path: &str, body: &Value) -> Answer {
        self.ask("post", path, Some(body))
    }
}

/// Status and code of a refusal.
pub fn problem(answer: &Answer) -> (u16, String) {
    let kind = answer.headers.get("content-type").map(|kind| kind.to_str().unwrap());
    assert_eq!(kind, Some("application/problem+json"), "{} {}", answer.status, answer.body);
    let problem: Value = serde_json::from_str(&answer.body).unwrap();
    let code = problem["code"].as_str().unwrap();
    assert_eq!(problem["status"], answer.status);
    assert_eq!(problem["type"], format!("urn:wardkey:{code}"));
    assert_eq!(code, format!("WK-{}", problem["number"]));
    assert!(problem["title"].is_string() && problem["detail"].is_string());
    (answer.status, code.to_owned())
}

impl Deployment {
    /// A deployment that is administrated from afar, with more lines of configuration.
    pub fn administrated(configuration: &str) -> Self {
        Self::with(&format!("[admin]\nlisten = \"127.0.0.1:0\"\n{configuration}"))
    }

    /// The token of a new API key.
    pub fn api_key(&self, role: &str, scopes: &[&str]) -> String {
        let mut args = vec!["api-key", "add", "a test", "--role", role];
        args.extend(scopes.iter().flat_map(|scope| ["--scope", *scope]));
        self.ok(&args)
    }
}
