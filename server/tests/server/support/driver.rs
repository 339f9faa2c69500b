//! A real Chromium, driven over WebDriver (W3C), with a virtual security key (WebAuthn level 3,
//! 11).

use std::io::{BufRead, BufReader};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use base64ct::{Base64, Base64UrlUnpadded, Encoding};
use serde_json::{Value, json};

use super::authenticator::Credential;
use super::{RP_ID, until};

/// A window of it; closed when dropped.
pub struct Chromium {
    driver: Child,
    agent: ureq::Agent,
    session: String,
    authenticator: String,
}

impl Chromium {
    /// One that prefers a language.
    pub fn new(language: &str) -> Self {
        let mut driver = Command::new("chromedriver")
            .arg("--port=0")
            .stdout(Stdio::piped())
            .spawn()
            .expect("chromedriver: tests/web/setup installs it");
        let lines = BufReader::new(driver.stdout.take().unwrap()).lines();
        let port = lines.map_while(Result::ok).find_map(|line| {
            let (_, port) = line.split_once("started successfully on port ")?;
            port.trim_end_matches('.').parse::<u16>().ok()
        });
        let agent = ureq::Agent::config_builder()
            .http_status_as_error(false)
            .timeout_global(Some(Duration::from_secs(60)))
            .build()
            .into();
        let mut chromium = Self {
            driver,
            agent,
            session: format!("http://127.0.0.1:{}", port.expect("chromedriver's port")),
            authenticator: String::new(),
        };
        let made = chromium.post(
            "/session",
            &json!({ "capabilities": { "alwaysMatch": {
            "acceptInsecureCerts": true,
            "goog:loggingPrefs": { "browser": "ALL" },
            "goog:chromeOptions": {
                "args": [
                    "--headless=new", "--no-sandbox", "--disable-dev-shm-usage", "--disable-gpu",
                    "--hide-scrollbars", "--force-device-scale-factor=1",
                    format!("--host-resolver-rules=MAP *.test 127.0.0.1"),
                    format!("--lang={language}"),
                ],
                "prefs": { "intl.accept_languages": language },
            },
        } } }),
        );
        let id = made["sessionId"].as_str().unwrap_or_else(|| panic!("{made}")).to_owned();
        chromium.session = format!("{}/session/{id}", chromium.session);
        let key = json!({
            "protocol": "ctap2", "transport": "usb", "hasResidentKey": true,
            "hasUserVerification": true, "isUserVerified": true,
        });
        let id = chromium.post("/webauthn/authenticator", &key);
        chromium.authenticator = id.as_str().unwrap_or_else(|| panic!("{id}")).to_owned();
        chromium
    }

    pub fn post(&self, path: &str, body: &Value) -> Value {
        let url = format!("{}{path}", self.session);
        let mut answer =
            self.agent.post(url).content_type("application/json").send(body.to_string()).unwrap();
        let text = answer.body_mut().with_config().limit(64 << 20).read_to_string().unwrap();
        let answer: Value = serde_json::from_str(&text).unwrap();
        assert!(answer["value"]["error"].is_null(), "{path}: {answer}");
        answer["value"].clone()
    }

    fn read(&self, path: &str) -> Value {
        let mut answer = self.agent.get(format!("{}{path}", self.session)).call().unwrap();
        let text = answer.body_mut().with_config().limit(64 << 20).read_to_string().unwrap();
        serde_json::from_str::<Value>(&text).unwrap()["value"].clone()
    }

    /// Puts a credential on the key, which has signed so often.
    pub fn insert(&self, key: &Credential, user_handle: &[u8], counter: u32) {
        let text = Base64UrlUnpadded::encode_string;
        let credential = json!({
            "credentialId": text(&key.id), "isResidentCredential": true, "rpId": RP_ID,
            "privateKey": text(&key.to_pkcs8()), "userHandle": text(user_handle),
            "signCount": counter,
        });
        let path = format!("/webauthn/authenticator/{}/credential", self.authenticator);
        self.post(&path, &credential);
    }

    pub fn resize(&self, width: u32, height: u32) {
        self.post("/window/rect", &json!({ "width": width, "height": height }));
    }

    pub fn go(&self, url: &str) {
        self.post("/url", &json!({ "url": url }));
    }

    /// Where it is.
    pub fn url(&self) -> String {
        self.read("/url").as_str().unwrap().to_owned()
    }

    /// What a script of the test returns.
    pub fn run(&self, script: &str) -> Value {
        self.post("/execute/sync", &json!({ "script": script, "args": [] }))
    }

    /// The text of the page, as somebody sees it.
    pub fn text(&self) -> String {
        self.run("return document.body.innerText").as_str().unwrap_or_default().to_owned()
    }

    fn element(&self, css: &str) -> String {
        let using = json!({ "using": "css selector", "value": css });
        let found = self.post("/element", &using);
        found.as_object().unwrap().values().next().unwrap().as_str().unwrap().to_owned()
    }

    pub fn click(&self, css: &str) {
        self.post(&format!("/element/{}/click", self.element(css)), &json!({}));
    }

    pub fn type_in(&self, css: &str, text: &str) {
        let path = format!("/element/{}/value", self.element(css));
        self.post(&path, &json!({ "text": text }));
    }

    /// Waits until the page is one whose address ends so.
    pub fn arrive(&self, end: &str) {
        until(&format!("{end}, at {}", self.url()), || self.url().ends_with(end));
    }

    /// A picture of the whole page.
    pub fn picture(&self, file: &Path) {
        let size = self.run(
            "return [document.documentElement.clientWidth, \
             Math.min(4000, document.documentElement.scrollHeight)]",
        );
        let side = |at: usize| size[at].as_u64().unwrap() as u32;
        self.resize(side(0), side(1).max(700) + 150);
        let data = self.read("/screenshot");
        std::fs::write(file, Base64::decode_vec(data.as_str().unwrap()).unwrap()).unwrap();
    }

    /// Shows the page as it is printed, or as it is on a screen.
    pub fn show_on(&self, media: &str) {
        let command = json!({
            "cmd": "Emulation.setEmulatedMedia", "params": { "media": media },
        });
        self.post("/goog/cdp/execute", &command);
    }

    /// What the browser complained of since it was asked last.
    pub fn complaints(&self) -> Vec<String> {
        let log = self.post("/se/log", &json!({ "type": "browser" }));
        let rows = log.as_array().unwrap().iter();
        rows.map(|row| row["message"].as_str().unwrap().to_owned()).collect()
    }
}

impl Drop for Chromium {
    fn drop(&mut self) {
        let _ = self.agent.delete(&self.session).call();
        let _ = self.driver.kill();
        let _ = self.driver.wait();
    }
}
