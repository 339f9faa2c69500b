//! A browser without a screen: it keeps cookies, says where it comes from, fills in forms, and its
//! user has a security key.

use std::collections::BTreeMap;
use std::time::Duration;

use base64ct::{Base64UrlUnpadded, Encoding};
use serde_json::{Value, json};
use ureq::http::header;
use ureq::tls::TlsConfig;
use wardkey_core::codec::sha256;
use wardkey_core::id::CredentialId;

use super::authenticator::{Credential, Maker, Making};
use super::client::{Answer, answer};
use super::ward::enroll;
use super::{Deployment, Running};

/// Where the pages are said to be.
pub const PAGES: &str = "https://wardkey.test:8444";

/// A browser.
pub struct Browser {
    agent: ureq::Agent,
    base: String,
    pub cookies: BTreeMap<String, String>,
    pub origin: Option<String>,
    pub language: &'static str,
    pub accept: &'static str,
}

/// What a key signs, and how.
#[derive(Clone, Debug)]
pub struct Signing {
    pub origin: String,
    pub kind: &'static str,
    pub counter: u32,
    pub flags: u8,
}

impl Default for Signing {
    fn default() -> Self {
        Self { origin: PAGES.into(), kind: "webauthn.get", counter: 2, flags: 0x05 }
    }
}

impl Signing {
    /// The next signature of a key that counts.
    pub fn counted(counter: u32) -> Self {
        Self { counter, ..Self::default() }
    }
}

impl Browser {
    pub fn new(running: &Running) -> Self {
        // ureq takes the process's provider.
        let _ = rustls::crypto::aws_lc_rs::default_provider().install_default();
        let port = running.server().administration().unwrap().port();
        let agent = ureq::Agent::config_builder()
            .tls_config(TlsConfig::builder().disable_verification(true).build())
            .http_status_as_error(false)
            .max_redirects(0)
            .max_redirects_will_error(false)
            .timeout_global(Some(Duration::from_secs(70)))
            .build()
            .into();
        Self {
            agent,
            base: format!("https://127.0.0.1:{port}"),
            cookies: BTreeMap::new(),
            origin: Some(PAGES.to_owned()),
            language: "en",
            accept: "text/html,application/xhtml+xml,*/*;q=0.8",
        }
    }

    pub fn ask(&mut self, method: &str, path: &str, (kind, body): (&str, String)) -> Answer {
        let cookies: Vec<String> =
            self.cookies.iter().map(|(name, value)| format!("{name}={value}")).collect();
        let mut request = ureq::http::Request::builder()
            .method(method)
            .uri(format!("{}{path}", self.base))
            .header(header::COOKIE, cookies.join("; "))
            .header(header::ACCEPT, self.accept)
            .header(header::ACCEPT_LANGUAGE, self.language);
        if method != "GET" {
            request = request.header(header::CONTENT_TYPE, kind);
            if let Some(origin) = &self.origin {
                request = request.header(header::ORIGIN, origin);
            }
        }
        let answer = answer(self.agent.run(request.body(body).unwrap()));
        for set in answer.headers.get_all(header::SET_COOKIE) {
            let set = set.to_str().unwrap();
            let (name, value) = set.split(';').next().unwrap().split_once('=').unwrap();
            self.cookies.insert(name.to_owned(), value.to_owned());
        }
        answer
    }

    pub fn get(&mut self, path: &str) -> Answer {
        self.ask("GET", path, ("", String::new()))
    }

    /// Sends a form with these fields, as it stands there.
    pub fn send(&mut self, path: &str, fields: &[(&str, &str)]) -> Answer {
        let mut form = url::form_urlencoded::Serializer::new(String::new());
        form.extend_pairs(fields);
        self.ask("POST", path, ("application/x-www-form-urlencoded", form.finish()))
    }

    /// Fills in the form of a page, and sends it.
    pub fn fill(&mut self, page: &str, path: &str, fields: &[(&str, &str)]) -> Answer {
        let page = self.get(page);
        let (token, once) = (token(&page), hidden(&page, "once"));
        let mut all = vec![("form", token.as_str())];
        all.extend(once.as_deref().map(|once| ("once", once)));
        self.send(path, &[&all, fields].concat())
    }

    pub fn post(&mut self, path: &str, body: &Value) -> Answer {
        self.ask("POST", path, ("application/json", body.to_string()))
    }

    /// A challenge of the server.
    pub fn challenge(&mut self) -> String {
        let options: Value = self.post("/sign-in/challenge", &json!({})).json();
        assert_eq!(options["rp_id"], super::RP_ID);
        options["challenge"].as_str().unwrap().to_owned()
    }

    /// What the key makes of a challenge, as the script sends it.
    pub fn signed(key: &Credential, challenge: &str, signing: &Signing) -> Value {
        let text = |bytes: &[u8]| Base64UrlUnpadded::encode_string(bytes);
        let client_data = json!({
            "type": signing.kind,
            "challenge": challenge,
            "origin": signing.origin,
            "crossOrigin": false,
        });
        let bytes = client_data.to_string().into_bytes();
        let assertion = key.assert_bytes(bytes, signing.counter, signing.flags);
        json!({
            "id": text(&key.id),
            "client_data": text(assertion.client_data.as_slice()),
            "auth_data": text(assertion.auth_data.as_slice()),
            "signature": text(assertion.signature.as_slice()),
            "user_handle": null,
            "next": "/",
        })
    }

    /// Signs in.
    pub fn sign_in(&mut self, key: &Credential, signing: &Signing) -> Answer {
        let challenge = self.challenge();
        self.post("/sign-in", &Self::signed(key, &challenge, signing))
    }

    /// Signs in as somebody who may.
    pub fn signed_in(running: &Running, key: &Credential, counter: u32) -> Self {
        let mut browser = Self::new(running);
        let answer = browser.sign_in(key, &Signing::counted(counter));
        assert_eq!(answer.status, 200, "{}", answer.body);
        browser
    }
}

/// What says that a form is one of the session.
pub fn token(page: &Answer) -> String {
    assert_eq!(page.status, 200, "{}", page.body);
    hidden(page, "form").expect("a form")
}

/// What stands in a field that is not shown.
pub fn hidden(page: &Answer, name: &str) -> Option<String> {
    let (_, rest) = page.body.split_once(&format!("name=\"{name}\" value=\""))?;
    rest.split('"').next().map(str::to_owned)
}

/// Where an answer leads.
pub fn leads(answer: &Answer) -> &str {
    assert_eq!(answer.status, 303, "{}", answer.body);
    answer.headers.get(header::LOCATION).unwrap().to_str().unwrap()
}

impl Deployment {
    /// A deployment with pages.
    pub fn with_pages() -> Self {
        Self::administrated(&format!("pages = \"{PAGES}\""))
    }

    /// Somebody of the scope `icu` with a key.
    pub fn with_key(&self, running: &Running, login: &str) -> Credential {
        self.ok(&["person", "add", login, "--name", login, "--scope", "icu"]);
        let terminal = self.join(running, &format!("desk of {login}"), &["icu"]);
        let code = self.ok(&["code", "add", login]);
        let (key, answer) = enroll(&terminal, &code, &Maker::new(), Making::default());
        assert_eq!(answer.status, 200, "{}", answer.body);
        key
    }

    /// The same with a role.
    pub fn administrator(&self, running: &Running, login: &str, role: &[&str]) -> Credential {
        let key = self.with_key(running, login);
        self.ok(&[&["administrator", "add", login, "--role"], role].concat());
        key
    }
}

/// The short fingerprint of a key, as pages show it.
pub fn short(key: &Credential) -> String {
    let id = CredentialId::new(key.id.clone()).unwrap();
    sha256(id.as_slice()).to_hex()[..16].to_owned()
}
