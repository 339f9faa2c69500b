//! Administration from afar: HTTPS with an API key.

use serde_json::Value;
use ureq::tls::{Certificate, ClientCert, RootCerts, TlsConfig};
use wardkey_core::event::{Event, EventName, Outcome};
use wardkey_core::name::LoginName;

use super::authenticator::{Maker, Making};
use super::client::{Answer, Terminal, answer, https};
use super::people::{recorded, report};
use super::running::Running;
use super::ward::enroll;
use super::{Deployment, now};
use crate::event_log::beats;

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
        Self::at(running.server().administration().unwrap().port(), token, tls)
    }

    /// Who believes this certificate alone.
    pub fn trusting(running: &Running, token: &str, der: &[u8]) -> Self {
        let roots = RootCerts::new_with_certs(&[Certificate::from_der(der).to_owned()]);
        let tls = TlsConfig::builder().root_certs(roots).build();
        Self::at(running.server().administration().unwrap().port(), token, tls)
    }

    /// Who believes whatever listens at a port of this machine.
    pub fn trusting_anybody(port: u16, token: &str) -> Self {
        Self::at(port, token, TlsConfig::builder().disable_verification(true).build())
    }

    fn at(port: u16, token: &str, tls: TlsConfig) -> Self {
        let base = format!("https://127.0.0.1:{port}");
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

/// A path with something in place of what is in braces.
pub fn filled(path: &str, of: impl Fn(&str) -> String) -> String {
    match path.split_once('{').and_then(|(before, rest)| Some((before, rest.split_once('}')?))) {
        Some((before, (name, after))) => format!("{before}{}{after}", of(name)),
        None => path.to_owned(),
    }
}

/// The record by which somebody is signed in.
fn signed_in(terminal: &Terminal, login: &str) -> Event {
    let at = now();
    let mut event = recorded(EventName::SessionStarted, Outcome::Success, terminal, at);
    event.person = LoginName::new(login).ok();
    event.account = event.person.clone();
    event
}

/// A ward with a terminal, a person who is signed in there, and the person's key.
pub struct Site {
    pub scope: &'static str,
    pub login: &'static str,
    pub key: String,
    pub terminal: String,
}

impl Site {
    /// Its record has this number, and no other one of the deployment.
    pub fn new(
        deployment: &Deployment,
        running: &Running,
        scope: &'static str,
        login: &'static str,
        number: u32,
    ) -> Self {
        deployment.ok(&["person", "add", login, "--name", login, "--scope", scope]);
        deployment.ok(&["scope", "set", scope, "--passes", "12h"]);
        let terminal = deployment.join(running, &format!("desk of {login}"), &[scope]);
        let code = deployment.ok(&["code", "add", login]);
        let (key, _) = enroll(&terminal, &code, &Maker::new(), Making::default());
        deployment.ok(&["code", "add", login]);
        deployment.ok(&["pass", "add", login, "--reason", "a test"]);
        beats(&terminal, number..number + 1);
        report(&terminal, &[signed_in(&terminal, login)]);
        Self { scope, login, key: key.fingerprint(), terminal: terminal.id.to_hex() }
    }

    /// What stands for what is in braces in a path.
    pub fn target(&self, name: &str) -> String {
        match name {
            "fingerprint" => self.key.clone(),
            "terminal" => self.terminal.clone(),
            "scope" => self.scope.to_owned(),
            "login" => self.login.to_owned(),
            other => panic!("{other} in a path"),
        }
    }

    /// What an answer says of it.
    pub fn said_in(&self, body: &str) -> Vec<&str> {
        let quoted = format!("\"{}\"", self.scope);
        let all = [self.login, self.key.as_str(), self.terminal.as_str()];
        let mut said: Vec<&str> = all.into_iter().filter(|text| body.contains(text)).collect();
        said.extend(body.contains(&quoted).then_some(self.scope));
        said
    }
}
