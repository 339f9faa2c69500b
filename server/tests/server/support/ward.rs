//! A ward: a running server, a terminal of it, a person, and keys that are enrolled there.

use serde_json::{Value, json};
use wardkey_core::codec;
use wardkey_core::message::http::{Base64, ChangesReply, EnrollBeginReply};
use wardkey_core::pass::Pass;
use wardkey_core::person::PersonRecord;

use super::authenticator::{Credential, Maker, Making};
use super::client::{Answer, Terminal};
use super::{Deployment, Running};

/// The person `yamada` and the terminal `ward-1`, both of the scope `icu`.
pub struct Ward {
    pub deployment: Deployment,
    pub running: Running,
    pub terminal: Terminal,
    /// Of the keys.
    pub maker: Maker,
}

impl Ward {
    pub fn new() -> Self {
        Self::with(|_| String::new())
    }

    /// With more lines of configuration; they are given the file of the maker's certificate.
    pub fn with(configuration: impl FnOnce(&str) -> String) -> Self {
        let maker = Maker::new();
        let deployment = Deployment::new();
        let root = deployment.folder.path().join("maker.pem");
        std::fs::write(&root, &maker.root).unwrap();
        deployment.configure(&configuration(root.to_str().unwrap()));
        deployment.ok(&["person", "add", "yamada", "--name", "山田花子", "--scope", "icu"]);
        let running = deployment.start();
        let terminal = deployment.join(&running, "ward-1", &["icu"]);
        Self { deployment, running, terminal, maker }
    }

    /// With a key of `yamada`, and `sato` who has none.
    pub fn with_key() -> (Self, Credential) {
        let ward = Self::new();
        ward.deployment.ok(&["person", "add", "sato", "--name", "sato", "--scope", "icu"]);
        let (key, answer) = enroll(&ward.terminal, &ward.code(), &ward.maker, Making::default());
        assert_eq!(answer.status, 200, "{}", answer.body);
        (ward, key)
    }

    /// The pass that a person of the scope `icu` has in the directory.
    pub fn published_pass(&self, login: &str) -> Option<Pass> {
        let changes: ChangesReply = self.terminal.changes("icu", 0);
        let records = changes.changes.iter().filter_map(|change| change.record.as_ref());
        let people = records.map(|record| codec::from_bytes::<PersonRecord>(&record.0).unwrap());
        people.into_iter().find(|person| person.login.as_str() == login)?.pass
    }

    /// An enrollment code for `yamada`.
    pub fn code(&self) -> String {
        self.deployment.ok(&["code", "issue", "yamada"])
    }
}

pub fn begin(terminal: &Terminal, code: &str) -> Answer {
    terminal.client.post("/v1/enroll/begin", &json!({ "code": code }))
}

pub fn finish_body(session: &str, credential: &Credential) -> Value {
    json!({
        "session": session,
        "credential_id": Base64(credential.id.clone()),
        "client_data": Base64(credential.client_data.clone()),
        "attestation_object": Base64(credential.attestation_object.clone()),
        "label": "blue key",
    })
}

/// Enrolls a key that is as it is made.
pub fn enroll(
    terminal: &Terminal,
    code: &str,
    maker: &Maker,
    making: Making<'_>,
) -> (Credential, Answer) {
    let begun: EnrollBeginReply = begin(terminal, code).json();
    let credential = Credential::make(maker, &begun.public_key.challenge.0, making);
    let answer =
        terminal.client.post("/v1/enroll/finish", &finish_body(&begun.session, &credential));
    (credential, answer)
}
